"""The k nearest training questions vote."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array

from routers._nearest import nearest_rows, row_blocks
from routers._targets import mean_with_prior, observed
from routers.base import Router
from routers.constraints import ENCODER, Constraints, Integer, Real
from routers.encoders import Encoder, encode_training
from routers.table import FloatArray, RoutingTable


class KNNRouter(Router):
    """Mean score of the ``k`` training questions nearest by cosine similarity.

    Parameters
    ----------
    encoder : Encoder, default=TfidfEncoder()
    k : int, default=40
        Number of neighbours; all of them where there are fewer training questions.
    prior : float, default=1.0
        Pseudo-neighbours with the llm's mean score, which decide between llms that tie among the
        neighbours and stand in where none of them was observed.

    References
    ----------
    Hu et al., "RouterBench", 2024 (k in 5, 10, 40); Li, "Rethinking Predictive Modeling for LLM
    Routing: When Simple kNN Beats Complex Learned Routers", 2025.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "encoder": ENCODER | None,
        "k": Integer(1),
        "prior": Real(0),
    }

    def __init__(self, encoder: Encoder | None = None, k: int = 40, prior: float = 1.0):
        self.encoder = encoder
        self.k = k
        self.prior = prior

    def _fit(self, table: RoutingTable) -> None:
        self.encoder_, self.vectors_ = encode_training(self.encoder, table.questions)
        self._position_ = {name: row for row, name in enumerate(table.ids)}
        self._set_scores(table.scores)

    def _set_scores(self, scores: FloatArray) -> None:
        self.scores_ = scores
        self.values_, self.mask_, self.means_ = observed(scores)

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        nearest = self._nearest(self.encoder_.transform(questions))
        return self._neighbour_means(nearest, self.values_, self.mask_, self.means_)

    def _nearest(self, vectors: FloatArray) -> np.ndarray:
        return nearest_rows(vectors, self.vectors_, self.k)

    def _neighbour_means(
        self, nearest: np.ndarray, values: FloatArray, mask: FloatArray | None, means: np.ndarray
    ) -> FloatArray:
        """Mean over each question's neighbours of values split by ``observed``, shape (n, m)."""
        found = np.empty((len(nearest), values.shape[1]))
        for rows in row_blocks(*found.shape):
            votes = self._votes(nearest[rows])
            found[rows] = mean_with_prior(votes, values, mask, means, self.prior)
        return found

    def _votes(self, nearest: np.ndarray) -> csr_array:
        n, k = nearest.shape
        return csr_array(
            (np.ones(n * k, dtype=np.float32), nearest.ravel(), np.arange(0, n * k + 1, k)),
            shape=(n, len(self.vectors_)),
        )

    def _admit(self, llm: str, outcomes: RoutingTable) -> None:
        row = self._rows_of(outcomes)
        self._set_scores(with_column(self.scores_, len(self.vectors_), row, outcomes.scores[:, 0]))

    def _rows_of(self, outcomes: RoutingTable) -> np.ndarray:
        """Return where questions stand among the training questions, adding those that do not."""
        fresh = np.array([name not in self._position_ for name in outcomes.ids])
        if fresh.any():
            new = self.encoder_.transform(outcomes.questions[fresh])
            start = len(self.vectors_)
            self.vectors_ = np.vstack([self.vectors_, new])
            self._position_ |= {name: start + i for i, name in enumerate(outcomes.ids[fresh])}
        return np.array([self._position_[name] for name in outcomes.ids])


def with_column(matrix: FloatArray, n: int, row: np.ndarray, values: np.ndarray) -> FloatArray:
    """Return a matrix grown to ``n`` rows with a last column, NaN where neither says anything.

    Parameters
    ----------
    matrix : ndarray of shape (at most n, m)
    n : int
    row : ndarray of int, shape (k,)
        Where the column's values stand.
    values : ndarray of shape (k,)
    """
    grown = np.full((n, matrix.shape[1] + 1), np.nan, dtype=np.float32)
    grown[: len(matrix), :-1] = matrix
    grown[row, -1] = values
    return grown
