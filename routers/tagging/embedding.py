"""The deterministic tagger: nearest capabilities, key phrases of the nearest clusters."""

from __future__ import annotations

import re
from collections import Counter
from typing import ClassVar

import numpy as np
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from routers._distinct import n_distinct
from routers.constraints import ENCODER, SEED, Constraints, Integer
from routers.encoders import Encoder, encode_training
from routers.table import FloatArray, Texts
from routers.tagging.base import Tagger, Tags
from routers.tagging.vocabulary import CAPABILITIES
from routers.validation import check_parameters

_WORD = re.compile(r"[^\W\d_]{3,}")
_WORDS_PER_PHRASE = 3
_QUESTIONS_PER_CLUSTER = 8  # fewer clusters where the training questions are few
_CLUSTERS_PER_PHRASE = 5  # a question in most of the clusters would be in none


class EmbeddingTagger(Tagger):
    """Tags by nearness in an encoder's space, learned without any label.

    A capability is as near as the nearest of its description and examples. The knowledge phrases
    are found, not given: the training questions are clustered, and a cluster is called by the
    words that are frequent in it and rare elsewhere (class-based TF-IDF [1]_). A question carries
    the phrases of the clusters nearest to it.

    Parameters
    ----------
    encoder : Encoder, default=TfidfEncoder()
    n_capabilities : int, default=2
        Capabilities per question.
    n_knowledge : int, default=3
        Phrases per question, at most one for every five clusters.
    n_clusters : int, default=32
        Clusters of training questions, at most one for every eight questions.
    random_state : int, default=0

    Attributes
    ----------
    phrases_ : list of str
        The phrase of each cluster.

    References
    ----------
    .. [1] Grootendorst, "BERTopic: Neural topic modeling with a class-based TF-IDF procedure",
       2022.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "encoder": ENCODER | None,
        "n_capabilities": Integer(1),
        "n_knowledge": Integer(1),
        "n_clusters": Integer(1),
        "random_state": SEED,
    }

    def __init__(
        self,
        encoder: Encoder | None = None,
        n_capabilities: int = 2,
        n_knowledge: int = 3,
        n_clusters: int = 32,
        random_state: int = 0,
    ):
        self.encoder = encoder
        self.n_capabilities = n_capabilities
        self.n_knowledge = n_knowledge
        self.n_clusters = n_clusters
        self.random_state = random_state

    def fit(self, questions: Texts) -> EmbeddingTagger:
        """Cluster the training questions and name the clusters."""
        check_parameters(self)
        texts = sorted(questions)  # clusters must not depend on the order of the questions
        self.encoder_, vectors = encode_training(self.encoder, texts)
        self.example_vectors_ = self.encoder_.transform(
            [text for examples in CAPABILITIES.values() for text in examples]
        )
        most = max(1, len(texts) // _QUESTIONS_PER_CLUSTER)
        k = n_distinct(vectors, min(self.n_clusters, most))
        kmeans = KMeans(k, n_init=4, random_state=self.random_state).fit(vectors)
        length = np.linalg.norm(kmeans.cluster_centers_, axis=1, keepdims=True)
        self.centres_ = kmeans.cluster_centers_ / np.maximum(length, 1e-12)
        members = [[texts[row] for row in np.flatnonzero(kmeans.labels_ == c)] for c in range(k)]
        self.phrases_ = key_phrases(members)
        return self

    def tag(self, questions: Texts) -> list[Tags]:
        """Return the nearest capabilities and phrases of each question, nearest first."""
        vectors = self.encoder_.transform(questions)
        starts = np.cumsum([0, *map(len, CAPABILITIES.values())][:-1])
        similarity = np.maximum.reduceat(vectors @ self.example_vectors_.T, starts, axis=1)
        capabilities = _nearest(similarity, list(CAPABILITIES), self.n_capabilities)
        n_knowledge = min(self.n_knowledge, max(1, len(self.phrases_) // _CLUSTERS_PER_PHRASE))
        knowledge = _nearest(vectors @ self.centres_.T, self.phrases_, n_knowledge)
        return [Tags(*both) for both in zip(capabilities, knowledge, strict=True)]


def _nearest(similarity: FloatArray, names: list[str], n: int) -> list[list[str]]:
    # rounded: the last bits of a product depend on how many questions share a batch
    order = np.argsort(-np.round(similarity, 4), axis=1, kind="stable")[:, :n]
    return np.array(names, dtype=object)[order].tolist()


def key_phrases(groups: list[list[str]]) -> list[str]:
    """Name groups of texts by the words that are frequent in one and rare in the others.

    Parameters
    ----------
    groups : list of list of str

    Returns
    -------
    list of str
        Up to three words per group; ``"topic"`` and its number where a group has no word.
    """
    counts = [Counter(_WORD.findall(" ".join(texts).lower())) for texts in groups]
    total: Counter[str] = sum(counts, Counter())
    mean_length = total.total() / max(1, len(groups))
    phrases = []
    for number, count in enumerate(counts):
        # tf * log(1 + mean words per group / frequency of the word in all groups)
        weight = {
            word: times * np.log1p(mean_length / total[word])
            for word, times in count.items()
            if word not in ENGLISH_STOP_WORDS
        }
        best = sorted(weight, key=lambda word: (-weight[word], word))[:_WORDS_PER_PHRASE]
        phrases.append(" ".join(best) or f"topic {number}")
    return phrases
