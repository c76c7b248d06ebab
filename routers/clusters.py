"""Cluster the training questions; an llm's score is its mean in the question's cluster."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans

from routers._targets import shrunken_means
from routers._validation import at_least
from routers.base import Router
from routers.encoders import Encoder, encode_training
from routers.table import FloatArray, RoutingTable


class KMeansRouter(Router):
    """Mean score of each llm in the k-means cluster nearest to the question.

    Fitted on training questions only (the source paper also clusters the test questions).

    Parameters
    ----------
    encoder : Encoder, default=TfidfEncoder()
    n_clusters : int, default=16
        At most the number of training questions.
    prior : float, default=1.0
        Pseudo-questions per cluster with the llm's mean score.
    random_state : int, default=0

    References
    ----------
    Srivatsa, Maurya and Kochmar, "Harnessing the Power of Multiple Minds", 2024; Zhang et al.,
    "The Avengers", 2025.
    """

    def __init__(
        self,
        encoder: Encoder | None = None,
        n_clusters: int = 16,
        prior: float = 1.0,
        random_state: int = 0,
    ):
        self.encoder = encoder
        self.n_clusters = n_clusters
        self.prior = prior
        self.random_state = random_state

    def _fit(self, table: RoutingTable) -> None:
        at_least(self, "n_clusters", 1)
        at_least(self, "prior", 0)
        self.encoder_, vectors = encode_training(self.encoder, table.questions)
        k = min(self.n_clusters, len(np.unique(vectors, axis=0)))
        self.kmeans_ = KMeans(k, n_init=10, random_state=self.random_state).fit(vectors)
        self.cluster_scores_ = self._cluster_means(self.kmeans_.labels_, table.scores)

    def _cluster_means(self, cluster: np.ndarray, scores: FloatArray) -> FloatArray:
        return shrunken_means(np.eye(self.kmeans_.n_clusters)[:, cluster], scores, self.prior)

    def _nearest_cluster(self, questions: list[str]) -> np.ndarray:
        return self.kmeans_.predict(self.encoder_.transform(questions))

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        return self.cluster_scores_[self._nearest_cluster(questions)]

    def _admit(self, llm: str, outcomes: RoutingTable) -> None:
        cluster = self._nearest_cluster(list(outcomes.questions))
        column = self._cluster_means(cluster, outcomes.scores)
        self.cluster_scores_ = np.hstack([self.cluster_scores_, column])
