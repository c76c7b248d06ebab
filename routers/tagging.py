"""Ranked capability and knowledge tags of a question."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from sklearn.base import BaseEstimator, clone

from routers._validation import at_least
from routers.encoders import Encoder, TfidfEncoder
from routers.table import Texts

# The capabilities are those that InferenceDynamics asks its tagger for; the wording is ours.
CAPABILITIES = {
    "reasoning": "a problem that takes several steps of logic or arithmetic to solve",
    "comprehension": "a passage to read, followed by a question about what it says",
    "instruction following": "a request with several constraints on how to answer",
    "agentic": "a plan of actions to carry out with tools in an environment",
    "knowledge retrieval": "a question about a fact, a name, a date or a definition",
    "coding": "a program, a function or an algorithm in a programming language",
    "multilingual": "a text in another language than English, or a translation",
}

KNOWLEDGE = {
    "algebra": "equations, polynomials, groups, fields and abstract algebra",
    "arithmetic": "word problems about how many, how much, prices and quantities",
    "astronomy": "planets, stars, orbits and the universe",
    "biology": "cells, genes, organisms, evolution and inheritance",
    "business": "marketing, management, accounting and companies",
    "chemistry": "atoms, molecules, reactions, acids and bonds",
    "common beliefs": "myths, superstitions, proverbs and misconceptions people hold",
    "computer science": "algorithms, computers, networks, security and machine learning",
    "conspiracies": "conspiracy theories, secret societies and paranormal claims",
    "earth science": "rocks, weather, climate, soil, oceans and volcanoes",
    "ecology": "ecosystems, food chains, habitats and the environment",
    "economics": "markets, inflation, supply, demand and trade",
    "engineering": "circuits, machines, materials and electrical power",
    "everyday physics": "heat, light, sound, friction, magnets and motion in daily life",
    "geography": "countries, cities, populations and maps",
    "health": "diet, disease prevention, ageing and sexuality",
    "history": "wars, empires, revolutions and historical documents",
    "law": "statutes, courts, contracts, rights and crimes",
    "logic": "arguments, fallacies, premises and formal proofs",
    "mathematics": "calculus, geometry, functions, integrals and limits",
    "medicine": "patients, symptoms, anatomy, drugs and treatment",
    "morality": "right and wrong acts, ethics and moral disputes",
    "philosophy": "philosophers, knowledge, existence and religion",
    "physics": "forces, energy, fields, waves and quantum mechanics",
    "politics": "governments, elections, foreign policy and security",
    "popular culture": "films, songs, celebrities, sports and fiction",
    "psychology": "behaviour, emotion, memory and mental disorders",
    "scientific method": "experiments, variables, hypotheses, data and instruments",
    "sociology": "society, class, gender, family and public relations",
    "statistics": "probability, samples, distributions and regression",
}


class Tagger(BaseEstimator, ABC):
    """Assigns each question a list of tags, the most important first."""

    def fit(self, questions: Texts) -> Tagger:
        """Learn from training questions; a pretrained tagger has nothing to learn."""
        return self

    @abstractmethod
    def tag(self, questions: Texts) -> list[list[str]]:
        """Return the ranked tags of each question, at least one."""


class EmbeddingTagger(Tagger):
    """Deterministic tagger: the tags whose descriptions are nearest to the question.

    Similarities are standardised per tag over the training questions; otherwise a description
    that is near to everything would tag everything.

    Parameters
    ----------
    descriptions : dict of str to str
        What each tag means.
    encoder : Encoder, default=TfidfEncoder()
    n_tags : int, default=3
        Tags per question.
    """

    def __init__(
        self, descriptions: dict[str, str], encoder: Encoder | None = None, n_tags: int = 3
    ):
        self.descriptions = descriptions
        self.encoder = encoder
        self.n_tags = n_tags

    def fit(self, questions: Texts) -> EmbeddingTagger:
        """Place the tags among the training questions."""
        at_least(self, "n_tags", 1)
        self.encoder_ = TfidfEncoder() if self.encoder is None else clone(self.encoder)
        self.encoder_.fit(questions)
        self.names_ = sorted(self.descriptions)
        texts = [f"{name}: {self.descriptions[name]}" for name in self.names_]
        self.tag_vectors_ = self.encoder_.transform(texts)
        similarity = self.encoder_.transform(questions) @ self.tag_vectors_.T
        self.mean_, self.scale_ = similarity.mean(axis=0), similarity.std(axis=0) + 1e-6
        return self

    def tag(self, questions: Texts) -> list[list[str]]:
        """Return the ``n_tags`` nearest tags of each question, nearest first."""
        similarity = self.encoder_.transform(questions) @ self.tag_vectors_.T
        standard = np.round((similarity - self.mean_) / self.scale_, 4)
        order = np.argsort(-standard, axis=1, kind="stable")[:, : self.n_tags]
        return [[self.names_[position] for position in row] for row in order]
