"""The k nearest training questions vote."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from routers._targets import mean_with_prior, observed
from routers._validation import at_least
from routers.base import Router
from routers.encoders import Encoder, encode_training
from routers.table import FloatArray, RoutingTable

_CHUNK = 1024  # questions compared with all training questions at a time (memory)


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

    def __init__(self, encoder: Encoder | None = None, k: int = 40, prior: float = 1.0):
        self.encoder = encoder
        self.k = k
        self.prior = prior

    def _fit(self, table: RoutingTable) -> None:
        at_least(self, "k", 1)
        at_least(self, "prior", 0)
        self.encoder_, self.vectors_ = encode_training(self.encoder, table.questions)
        self._position_ = {name: row for row, name in enumerate(table.ids)}
        self._set_scores(table.scores)

    def _set_scores(self, scores: FloatArray) -> None:
        self.scores_ = scores
        self.values_, self.mask_, self.means_ = observed(scores)

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        vectors = self.encoder_.transform(questions)
        chunks = [vectors[start : start + _CHUNK] for start in range(0, len(vectors), _CHUNK)]
        return np.concatenate([self._predict_chunk(chunk) for chunk in chunks])

    def _predict_chunk(self, vectors: FloatArray) -> FloatArray:
        n, k = len(vectors), min(self.k, len(self.vectors_))
        nearest = nearest_rows(vectors @ self.vectors_.T, k)
        votes = csr_array(
            (np.ones(n * k, dtype=np.float32), nearest.ravel(), np.arange(0, n * k + 1, k)),
            shape=(n, len(self.vectors_)),
        )
        return mean_with_prior(votes, self.values_, self.mask_, self.means_, self.prior)

    def _admit(self, llm: str, outcomes: RoutingTable) -> None:
        row = np.array([self._position_.get(name, -1) for name in outcomes.ids])
        fresh = row < 0
        column = np.full((len(self.vectors_) + fresh.sum(), 1), np.nan, dtype=np.float32)
        column[row[~fresh], 0] = outcomes.scores[~fresh, 0]
        column[len(self.vectors_) :, 0] = outcomes.scores[fresh, 0]
        unasked = np.full((fresh.sum(), self.scores_.shape[1]), np.nan, dtype=np.float32)
        if fresh.any():
            new = self.encoder_.transform(outcomes.questions[fresh])
            self.vectors_ = np.vstack([self.vectors_, new])
            start = len(self._position_)
            self._position_ |= {name: start + i for i, name in enumerate(outcomes.ids[fresh])}
        self._set_scores(np.hstack([np.vstack([self.scores_, unasked]), column]))


def nearest_rows(similarity: FloatArray, k: int) -> np.ndarray:
    """Return the positions of the ``k`` largest entries per row, shape (n, k), unordered.

    Parameters
    ----------
    similarity : ndarray of shape (n, n_train)
    k : int
    """
    if k >= similarity.shape[1]:
        return np.broadcast_to(np.arange(similarity.shape[1]), similarity.shape).copy()
    return np.argpartition(similarity, -k, axis=1)[:, -k:]
