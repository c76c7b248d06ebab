"""Item response theory: abilities of llms, demands and difficulty of questions."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import numpy as np
from scipy.special import expit
from sklearn.cluster import KMeans
from sklearn.linear_model import Ridge

from routers._distinct import n_distinct
from routers._likelihood import CrossEntropy, base_logit, minimise, most_probable
from routers._nearest import nearest_rows
from routers._targets import shrunken_means
from routers.base import Router
from routers.constraints import ENCODER, SEED, Constraints, Integer, Real
from routers.encoders import Encoder, encode_training
from routers.table import FloatArray, RoutingTable

_PRIOR = 5.0  # pseudo-questions per topic in the abilities to start from


class ItemResponseRouter(Router):
    """Score ``sigmoid(ability_llm . demand(text) - difficulty(text))``.

    Demands are positive (a softplus), so more ability never hurts. It is fitted in three steps:
    abilities, demands (before the softplus) and difficulties, all standard normal a priori, on
    the outcomes, question by question; a ridge regression of demands and difficulty on text;
    abilities once more, against what the text says of each question. Fitting text and abilities
    at once, as the source does, was worse on inner folds of a training part (cross-entropy 0.68
    to 0.77 against 0.64): a few hundred questions do not carry so free a fit.

    A new question is warmed up as in the source: what its text says is mixed with the mean of its
    nearest training questions.

    Parameters
    ----------
    encoder : Encoder, default=TfidfEncoder()
    n_abilities : int, default=4
        They start as the skill on as many topics, the k-means clusters of the questions.
    penalty : float, default=4.0
        Of the ridge regression, at least 1e-6.
    ability_penalty : float, default=0.1
        Inverse variance of the abilities in the last step, at least 1e-6. Below 1, since demands
        that are told by the text are smaller than those fitted to outcomes.
    warm_up : float, default=0.6
        Weight of the neighbours in [0, 1]. The figures so far were chosen on inner folds of one
        training part.
    k : int, default=20
        Number of neighbours.
    max_iter : int, default=300
    random_state : int, default=0
        Of k-means.

    Attributes
    ----------
    abilities_ : ndarray of shape (m, r)
        Normal around 0 a priori: comparable between llms.

    References
    ----------
    Song et al., "IRT-Router", ACL 2025; Reckase, "Multidimensional Item Response Theory", 2009.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "encoder": ENCODER | None,
        "n_abilities": Integer(1),
        "penalty": Real(1e-6),
        "ability_penalty": Real(1e-6),
        "warm_up": Real(0, 1),
        "k": Integer(1),
        "max_iter": Integer(1),
        "random_state": SEED,
    }

    def __init__(
        self,
        encoder: Encoder | None = None,
        n_abilities: int = 4,
        penalty: float = 4.0,
        ability_penalty: float = 0.1,
        warm_up: float = 0.6,
        k: int = 20,
        max_iter: int = 300,
        random_state: int = 0,
    ):
        self.encoder = encoder
        self.n_abilities = n_abilities
        self.penalty = penalty
        self.ability_penalty = ability_penalty
        self.warm_up = warm_up
        self.k = k
        self.max_iter = max_iter
        self.random_state = random_state

    def _fit(self, table: RoutingTable) -> None:
        self.encoder_, self.vectors_ = encode_training(self.encoder, table.questions)
        self.base_ = base_logit(table.scores)
        fit = CrossEntropy(table.scores)
        loss = partial(posterior_loss, fit, self.base_)
        demands, abilities, difficulty = minimise(loss, self._start(table.scores), self.max_iter)
        self.ridge_ = Ridge(self.penalty).fit(self.vectors_, np.column_stack([demands, difficulty]))
        self.items_ = self._items(self.vectors_)
        demands, offset = self._read(self.items_)
        loss = partial(_abilities_loss, fit, demands, offset, self.ability_penalty)
        (self.abilities_,) = minimise(loss, [abilities], self.max_iter)

    def _start(self, scores: FloatArray) -> list[FloatArray]:
        r = n_distinct(self.vectors_, self.n_abilities)
        topics = KMeans(r, n_init=4, random_state=self.random_state).fit(self.vectors_).labels_
        member = np.eye(r)[:, topics]
        lead = shrunken_means(member, scores, _PRIOR) - expit(self.base_)
        # 4 is the slope of the logit at one half
        return [2 * member.T - 1, 4 * lead.T, np.zeros(len(scores))]

    def _items(self, vectors: FloatArray) -> FloatArray:
        """Demands (before the softplus) and difficulty that the text tells, shape (n, r + 1)."""
        return np.asarray(self.ridge_.predict(vectors))

    def _read(self, items: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return demands (n, r) and the part of the logit that is not the llm's (n,)."""
        return np.logaddexp(0, items[:, :-1]), self.base_ - items[:, -1]

    def _warmed_up(self, vectors: FloatArray) -> FloatArray:
        neighbors = self.items_[nearest_rows(vectors, self.vectors_, self.k)].mean(axis=1)
        return (1 - self.warm_up) * self._items(vectors) + self.warm_up * neighbors

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        demands, offset = self._read(self._warmed_up(self.encoder_.transform(questions)))
        return expit(demands @ self.abilities_.T + offset[:, None])

    def _admit(self, llm: str, outcomes: RoutingTable) -> None:
        vectors = self.encoder_.transform(list(outcomes.questions))
        demands, offset = self._read(self._items(vectors))
        precision = np.full(demands.shape[1], float(self.ability_penalty))
        ability = most_probable(demands, offset, outcomes.scores[:, 0], precision)
        self.abilities_ = np.vstack([self.abilities_, ability])


def posterior_loss(
    cross_entropy: CrossEntropy,
    base: float,
    demands: FloatArray,
    abilities: FloatArray,
    difficulty: FloatArray,
) -> tuple[float, list[FloatArray]]:
    """Negative log posterior of free items, and its derivative by the last three.

    Parameters
    ----------
    cross_entropy : CrossEntropy
        Of scores of shape (n, m).
    base : float
    demands : ndarray of shape (n, r)
        Before the softplus.
    abilities : ndarray of shape (m, r)
    difficulty : ndarray of shape (n,)
        Relative to ``-base``.
    """
    positive = np.logaddexp(0, demands)
    loss, slope = cross_entropy(positive @ abilities.T - difficulty[:, None] + base)
    loss += sum((part**2).sum() for part in (demands, abilities, difficulty)) / 2
    return loss, [
        slope @ abilities * expit(demands) + demands,
        slope.T @ positive + abilities,
        difficulty - slope.sum(axis=1),
    ]


def _abilities_loss(
    cross_entropy: CrossEntropy,
    demands: FloatArray,
    offset: FloatArray,
    precision: float,
    abilities: FloatArray,
) -> tuple[float, list[FloatArray]]:
    loss, slope = cross_entropy(demands @ abilities.T + offset[:, None])
    prior = precision * abilities
    return loss + (abilities * prior).sum() / 2, [slope.T @ demands + prior]
