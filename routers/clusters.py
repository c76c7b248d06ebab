"""Cluster the training questions; what an llm is worth is settled cluster by cluster."""

from __future__ import annotations

from abc import ABC
from typing import Any, ClassVar

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline

from routers._distinct import n_distinct
from routers._targets import shrunken_means
from routers.base import Router
from routers.constraints import ENCODER, SEED, Constraints, Integer, Real
from routers.encoders import Encoder, encode_training
from routers.table import FloatArray, RoutingTable

# Smallest variance of a component along a direction: unit vectors of 384 numbers have about 25
# times as much, and a component of a single question must not become a spike.
_LEAST_VARIANCE = 1e-4


class ClusterRouter(Router, ABC):
    """Base of the family: weights of a question over clusters, times a value per cluster and llm.

    Clusters are found in the texts of training questions alone (one source also clusters the test
    questions). Hence they do not depend on the zoo, and a newcomer admitted with its outcomes on
    the training questions is known as if it had been there from the start.

    A method says how to cluster (``_cluster``, ``_membership``; k-means unless it says otherwise),
    how a question weighs the clusters (``_weights``; its membership) and what an llm is worth in
    each (``_values``; its mean score there).

    Attributes
    ----------
    cluster_scores_ : ndarray of shape (k, m)
        Mean score of each llm in each cluster, llms by name, then as admitted.
    values_ : ndarray of shape (k, m)
        What each cluster says of each llm, in [0, 1].
    """

    parameter_constraints: ClassVar[Constraints] = {
        "encoder": ENCODER | None,
        "n_clusters": Integer(1),
        "prior": Real(0),
        "random_state": SEED,
    }

    encoder: Encoder | None
    n_clusters: int
    prior: float
    random_state: int
    clustering_: Any  # None where there is a single cluster
    n_starts = 10  # of k-means, the best of which is kept

    def _fit(self, table: RoutingTable) -> None:
        self.encoder_, vectors = encode_training(self.encoder, table.questions)
        k = n_distinct(vectors, self.n_clusters)
        self.clustering_ = self._cluster(vectors, k) if k > 1 else None
        self._observe(self._members(vectors), table)
        self.values_ = self._values()

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        vectors = self.encoder_.transform(questions)
        weights = self._members(vectors) if self.clustering_ is None else self._weights(vectors)
        return weights @ self.values_

    def _admit(self, llm: str, outcomes: RoutingTable) -> None:
        vectors = self.encoder_.transform(list(outcomes.questions))
        self._observe(self._members(vectors), outcomes)
        self.values_ = self._values()

    def _members(self, vectors: FloatArray) -> FloatArray:
        """Return how far each question belongs to each cluster, shape (n, k); rows sum to 1."""
        if self.clustering_ is None:  # a single cluster
            return np.ones((len(vectors), 1))
        return self._membership(vectors)

    def _observe(self, members: FloatArray, table: RoutingTable) -> None:
        """Add what the llms of a table did in each cluster."""
        self._append("cluster_scores_", shrunken_means(members.T, table.scores, self.prior))

    def _append(self, name: str, columns: FloatArray) -> None:
        known = getattr(self, name, None)
        setattr(self, name, columns if known is None else np.hstack([known, columns]))

    # What a method overrides ----------------------------------------------------------------------

    def _cluster(self, vectors: FloatArray, k: int) -> Any:
        """Return k clusters, at least two, of the training vectors."""
        return KMeans(k, n_init=self.n_starts, random_state=self.random_state).fit(vectors)

    def _membership(self, vectors: FloatArray) -> FloatArray:
        centers = self.clustering_.cluster_centers_
        return np.eye(len(centers))[nearest_center(vectors, centers)]

    def _weights(self, vectors: FloatArray) -> FloatArray:
        """Return the weight of each cluster for each question to route, shape (n, k)."""
        return self._membership(vectors)

    def _values(self) -> FloatArray:
        """Return what each cluster says of each llm, shape (k, m)."""
        return self.cluster_scores_


def nearest_center(vectors: FloatArray, centers: FloatArray) -> np.ndarray:
    """Return which center is nearest to each vector, the first of several; int, shape (n,).

    Parameters
    ----------
    vectors : ndarray of shape (n, d)
    centers : ndarray of shape (k, d)
    """
    return (vectors @ centers.T - (centers**2).sum(axis=1) / 2).argmax(axis=1)


class KMeansRouter(ClusterRouter):
    """Mean score of each llm in the k-means cluster nearest to the question.

    With three clusters from one start and no prior this is the cluster baseline of RouterEval [3]_.

    Parameters
    ----------
    encoder : Encoder, default=TfidfEncoder()
    n_clusters : int, default=16
        At most the number of distinct training questions.
    prior : float, default=1.0
        Pseudo-questions per cluster with the llm's mean score.
    random_state : int, default=0
    n_starts : int, default=10
        Starts of k-means, the best of which is kept.

    References
    ----------
    .. [1] Srivatsa, Maurya and Kochmar, "Harnessing the Power of Multiple Minds", 2024.
    .. [2] Zhang et al., "The Avengers", 2025.
    .. [3] Huang et al., "RouterEval", EMNLP Findings 2025.
    """

    parameter_constraints: ClassVar[Constraints] = {
        **ClusterRouter.parameter_constraints,
        "n_starts": Integer(1),
    }

    def __init__(
        self,
        encoder: Encoder | None = None,
        n_clusters: int = 16,
        prior: float = 1.0,
        random_state: int = 0,
        n_starts: int = 10,
    ):
        self.encoder = encoder
        self.n_clusters = n_clusters
        self.prior = prior
        self.random_state = random_state
        self.n_starts = n_starts


class ViableSetRouter(ClusterRouter):
    """The cheapest llm that is good enough in the question's cluster, else the best one there.

    The source asks every *viable* llm of the cluster (train accuracy at least ``threshold``) and
    lets them vote. Asking one only, we take the cheapest: a viable llm is predicted a score of 1
    ("good enough"), any other its mean in the cluster, and the shared rule breaks the tie between
    viable llms by cost. Without a viable llm the largest mean is left to win.

    Parameters
    ----------
    encoder : Encoder, default=TfidfEncoder()
    n_clusters : int, default=50
        At most the number of distinct training questions.
    threshold : float, default=0.99
        Mean score in the cluster, in [0, 1], from which an llm is good enough. The default is the
        one that the source chose on its training questions.
    prior : float, default=0.0
        Pseudo-questions per cluster with the llm's mean score; the source has none.
    random_state : int, default=0

    References
    ----------
    Srivatsa, Maurya and Kochmar, "Harnessing the Power of Multiple Minds: Lessons Learned from LLM
    Routing", Workshop on Insights from Negative Results 2024.
    """

    parameter_constraints: ClassVar[Constraints] = {
        **ClusterRouter.parameter_constraints,
        "threshold": Real(0, 1),
    }

    def __init__(
        self,
        encoder: Encoder | None = None,
        n_clusters: int = 50,
        threshold: float = 0.99,
        prior: float = 0.0,
        random_state: int = 0,
    ):
        self.encoder = encoder
        self.n_clusters = n_clusters
        self.threshold = threshold
        self.prior = prior
        self.random_state = random_state

    def _values(self) -> FloatArray:
        viable = self.cluster_scores_ >= self.threshold - 1e-9
        return np.where(viable, 1.0, self.cluster_scores_)


class MixtureRouter(ClusterRouter):
    """Mean scores of a Gaussian mixture's components, weighted by the question's membership.

    Soft clusters: a question between two topics gets a blend of both. The components have diagonal
    covariance in the leading principal directions of the vectors, which keeps a fit on thousands
    of questions within seconds.

    Parameters
    ----------
    encoder : Encoder, default=TfidfEncoder()
    n_clusters : int, default=16
        Components, at most the number of distinct training questions.
    dim : int, default=32
        Principal directions kept.
    prior : float, default=1.0
        Pseudo-questions per component with the llm's mean score.
    random_state : int, default=0

    References
    ----------
    Zhang et al., "The Avengers", 2025 (Gaussian mixtures among its ablations of the clustering);
    Bishop, "Pattern Recognition and Machine Learning", 2006, chapter 9.
    """

    parameter_constraints: ClassVar[Constraints] = {
        **ClusterRouter.parameter_constraints,
        "dim": Integer(1),
    }

    def __init__(
        self,
        encoder: Encoder | None = None,
        n_clusters: int = 16,
        dim: int = 32,
        prior: float = 1.0,
        random_state: int = 0,
    ):
        self.encoder = encoder
        self.n_clusters = n_clusters
        self.dim = dim
        self.prior = prior
        self.random_state = random_state

    def _cluster(self, vectors: FloatArray, k: int) -> Any:
        mixture = GaussianMixture(
            k,
            covariance_type="diag",
            reg_covar=_LEAST_VARIANCE,
            random_state=self.random_state,
        )
        reduction = PCA(min(self.dim, *vectors.shape), random_state=self.random_state)
        return make_pipeline(reduction, mixture).fit(vectors.astype(np.float64))

    def _membership(self, vectors: FloatArray) -> FloatArray:
        return self.clustering_.predict_proba(vectors.astype(np.float64))
