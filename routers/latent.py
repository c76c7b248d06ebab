"""Matrix factorisation: an llm is a short vector, compared with a projection of the question."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import numpy as np
from scipy.special import expit

from routers._likelihood import CrossEntropy, base_logit, minimise, most_probable
from routers._targets import column_means
from routers.base import Router
from routers.constraints import ENCODER, Constraints, Integer, Real
from routers.encoders import Encoder, encode_training
from routers.table import FloatArray, RoutingTable

# Variance 1 of an llm's own offset around the zoo's: a newcomer seen right five times out of five
# is not taken to be always right.
_OFFSET_PRECISION = 1.0


class MatrixFactorizationRouter(Router):
    """Score ``sigmoid(v_llm . W x + b_llm)`` with few factors shared by the whole zoo.

    The sources write ``w . (v_llm * (W x + c))``; ``w`` is absorbed by the llm vectors and ``c``
    by an offset per llm, without loss. They train by stochastic steps and stop early; here all
    observed outcomes are fitted at once by their cross-entropy plus ``penalty / 2`` times the
    squared length of every llm's direction in text space, ``W' v_llm``. That is one logistic
    regression per llm whose directions share ``rank`` dimensions. Penalising ``W`` and ``v``
    apart, as weight decay does, amounts to a trace norm, which keeps how hard a question is and
    drops first what tells llms apart.

    Parameters
    ----------
    encoder : Encoder, default=TfidfEncoder()
    rank : int, default=4
        Number of factors; at most the number of llms is used.
    penalty : float, default=1.0
        At least 1e-6. Rank and penalty were chosen on inner folds of one training part.
    max_iter : int, default=300

    Attributes
    ----------
    basis_ : ndarray of shape (d, r)
        Orthonormal directions of text space that the llms share.
    llm_vectors_ : ndarray of shape (m, r + 1)
        Coordinates of each llm in them, and its offset to the zoo's mean logit.

    References
    ----------
    Zhuang et al., "EmbedLLM", 2024; Ong et al., "RouteLLM", 2024 (its matrix factorisation).
    """

    parameter_constraints: ClassVar[Constraints] = {
        "encoder": ENCODER | None,
        "rank": Integer(1),
        "penalty": Real(1e-6),
        "max_iter": Integer(1),
    }

    def __init__(
        self,
        encoder: Encoder | None = None,
        rank: int = 4,
        penalty: float = 1.0,
        max_iter: int = 300,
    ):
        self.encoder = encoder
        self.rank = rank
        self.penalty = penalty
        self.max_iter = max_iter

    def _fit(self, table: RoutingTable) -> None:
        self.encoder_, vectors = encode_training(self.encoder, table.questions)
        self.center_ = vectors.mean(axis=0, dtype=np.float64)
        centered = vectors - self.center_
        self.base_ = base_logit(table.scores)
        fit = CrossEntropy(table.scores)
        loss = partial(penalised_loss, centered, fit, self.base_, self.penalty)
        start = _start(centered, table.scores, self.rank, self.penalty)
        projection, llms, offsets = minimise(loss, start, self.max_iter)
        # in an orthonormal basis the penalty is the length of an llm's vector, whatever the llm
        self.basis_, mixing = np.linalg.qr(projection)
        self.llm_vectors_ = np.column_stack([llms @ mixing.T, offsets])

    def _traits(self, questions: list[str]) -> FloatArray:
        factors = (self.encoder_.transform(questions) - self.center_) @ self.basis_
        return np.column_stack([factors, np.ones(len(factors))])

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        return expit(self._traits(questions) @ self.llm_vectors_.T + self.base_)

    def _admit(self, llm: str, outcomes: RoutingTable) -> None:
        traits = self._traits(list(outcomes.questions))
        precision = np.full(traits.shape[1], float(self.penalty))
        precision[-1] = _OFFSET_PRECISION
        vector = most_probable(traits, self.base_, outcomes.scores[:, 0], precision)
        self.llm_vectors_ = np.vstack([self.llm_vectors_, vector])


def penalised_loss(
    vectors: FloatArray,
    cross_entropy: CrossEntropy,
    base: float,
    penalty: float,
    projection: FloatArray,
    llms: FloatArray,
    offsets: FloatArray,
) -> tuple[float, list[FloatArray]]:
    """Loss of a factorisation, and its derivative by projection, llms and offsets.

    Parameters
    ----------
    vectors : ndarray of shape (n, d)
    cross_entropy : CrossEntropy
        Of scores of shape (n, m).
    base, penalty : float
    projection : ndarray of shape (d, r)
    llms : ndarray of shape (m, r)
    offsets : ndarray of shape (m,)
    """
    factors = vectors @ projection
    loss, slope = cross_entropy(factors @ llms.T + offsets + base)
    shape_p, shape_v = projection.T @ projection, llms.T @ llms
    loss += penalty / 2 * (shape_p * shape_v).sum() + _OFFSET_PRECISION / 2 * offsets @ offsets
    return loss, [
        vectors.T @ (slope @ llms) + penalty * projection @ shape_v,
        slope.T @ factors + penalty * llms @ shape_p,
        slope.sum(axis=0) + _OFFSET_PRECISION * offsets,
    ]


def _start(vectors: FloatArray, scores: FloatArray, rank: int, penalty: float) -> list[FloatArray]:
    """Leading directions of a ridge regression of the scores: no draw, no order, no seed."""
    residual = np.nan_to_num(scores - column_means(scores))
    # 1/4 is the largest slope of the sigmoid: the first Newton step from a logit of 0
    curvature = vectors.T @ vectors / 4 + penalty * np.eye(vectors.shape[1])
    left, size, right = np.linalg.svd(
        np.linalg.solve(curvature, vectors.T @ residual), full_matrices=False
    )
    r = min(rank, len(size))
    root = np.sqrt(size[:r])
    return [left[:, :r] * root, right[:r].T * root, np.zeros(scores.shape[1])]
