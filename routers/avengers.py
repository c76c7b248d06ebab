"""Clusters vote: the llms ranked first in the clusters near a question win."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.special import softmax
from scipy.stats import rankdata

from routers._targets import column_means, shrunken_means
from routers.clusters import ClusterRouter
from routers.constraints import Constraints, Integer, Real
from routers.encoders import Encoder
from routers.table import FloatArray, RoutingTable

# Means that differ by less are equal: the last bits of a sum must not make a rank.
_DECIMALS = 9


class AvengersRouter(ClusterRouter):
    """Votes of the nearest clusters for the llms that rank high in them.

    The nearest ``top_k`` clusters weigh ``softmax(-beta * distance)`` with ``distance = 1 -
    <centre, question>``, and each gives an llm ``0.1 / (rank + 0.1)``, where rank 0 is the largest
    mean score of the cluster: nearly a plurality vote of the clusters' winners. (The source has
    ``1 / (rank + 0.1)``; ours is a tenth of that, which stays in [0, 1].) Llms of equal mean share
    the mean of their ranks, so that neither a column's place nor a name decides. **What is
    predicted is a vote, not a probability of a right answer**: it says little at a price other
    than 0, and changes when an llm joins the zoo.

    The source then asks the two or three best several times and lets the answers vote; here one
    llm is asked once.

    Parameters
    ----------
    encoder : Encoder, default=TfidfEncoder()
    n_clusters : int, default=64
        At most the number of distinct training questions. One cluster is the best single llm; as
        many as there are questions, with ``top_k=1``, the nearest question.
    top_k : int, default=11
        Clusters that vote; more where several are equally far.
    beta : float, default=6.0
        How fast a cluster's weight falls with distance.
    prior : float, default=0.0
        Pseudo-questions per cluster with the llm's mean score; the source has none.
    random_state : int, default=0

    References
    ----------
    Zhang et al., "The Avengers: A Simple Recipe for Uniting Smaller Language Models to Challenge
    Proprietary Giants", 2025.
    """

    relative_scores = True
    n_starts = 1  # as the source
    _sharpness = 0.1  # a vote is s / (rank + s)

    parameter_constraints: ClassVar[Constraints] = {
        **ClusterRouter.parameter_constraints,
        "top_k": Integer(1),
        "beta": Real(0),
    }

    def __init__(
        self,
        encoder: Encoder | None = None,
        n_clusters: int = 64,
        top_k: int = 11,
        beta: float = 6.0,
        prior: float = 0.0,
        random_state: int = 0,
    ):
        self.encoder = encoder
        self.n_clusters = n_clusters
        self.top_k = top_k
        self.beta = beta
        self.prior = prior
        self.random_state = random_state

    def _weights(self, vectors: FloatArray) -> FloatArray:
        return nearest_weights(vectors, self.clustering_.cluster_centers_, self.top_k, self.beta)

    def _values(self) -> FloatArray:
        return votes(self._merit(), self._sharpness)

    def _merit(self) -> FloatArray:
        """Return what the llms of each cluster are ranked by, shape (k, m); NaN for no rank."""
        return self.cluster_scores_


class AvengersProRouter(AvengersRouter):
    """As :class:`AvengersRouter`, the llms of a cluster ranked by a balance of score and cost.

    ``alpha * quality + (1 - alpha) * (1 - cost / dearest)``: quality is the cluster's mean scores
    stretched to [0, 1] (1 for all where they are equal), cost the mean cost in the cluster, over
    the largest of them. Each near cluster gives an llm ``1 / (rank + 1)``. An llm whose cost was
    never observed is left out of the balance: no cluster votes for it unless ``alpha`` is 1 or no
    llm has a cost (the authors' code counts a missing cost as free). In a cluster where only some
    other cost of it is known, its mean cost stands in. **Predictions are votes, not
    probabilities**; ``alpha`` takes the place of a price.

    Parameters
    ----------
    encoder : Encoder, default=TfidfEncoder()
    n_clusters : int, default=25
        At most the number of distinct training questions.
    top_k : int, default=3
        Clusters that vote; more where several are equally far.
    beta : float, default=9.0
        How fast a cluster's weight falls with distance.
    alpha : float, default=0.8
        Weight of the score against cost, in [0, 1]. At 0 each cluster takes its cheapest llm.
    prior : float, default=0.0
        Pseudo-questions per cluster with the llm's mean score; the source has none.
    random_state : int, default=0

    Attributes
    ----------
    cluster_costs_ : ndarray of shape (k, m)
        Mean cost of each llm in each cluster, NaN where none of it was ever observed.

    References
    ----------
    Zhang et al., "Beyond GPT-5: Making LLMs Cheaper and Better via Performance-Efficiency Optimized
    Routing" (Avengers-Pro), 2025. Defaults of ``n_clusters``, ``top_k`` and ``beta``: Li et al.,
    "LLMRouterBench".
    """

    _sharpness = 1.0

    parameter_constraints: ClassVar[Constraints] = {
        **AvengersRouter.parameter_constraints,
        "alpha": Real(0, 1),
    }

    def __init__(
        self,
        encoder: Encoder | None = None,
        n_clusters: int = 25,
        top_k: int = 3,
        beta: float = 9.0,
        alpha: float = 0.8,
        prior: float = 0.0,
        random_state: int = 0,
    ):
        super().__init__(encoder, n_clusters, top_k, beta, prior, random_state)
        self.alpha = alpha

    def _observe(self, members: FloatArray, table: RoutingTable) -> None:
        super()._observe(members, table)
        costs = shrunken_means(members.T, table.costs, prior=0).astype(np.float64)
        costs[:, np.isnan(column_means(table.costs))] = np.nan
        self._append("cluster_costs_", costs)

    def _merit(self) -> FloatArray:
        return balance(self.cluster_scores_, self.cluster_costs_, self.alpha)


def nearest_weights(
    vectors: FloatArray, centres: FloatArray, top_k: int, beta: float
) -> FloatArray:
    """Return ``softmax(-beta * (1 - <centre, vector>))`` over the nearest centres, else 0.

    Parameters
    ----------
    vectors : ndarray of shape (n, d)
    centres : ndarray of shape (k, d)
        Not of unit length: the mean of unit vectors is shorter than one, as in the source.
    top_k : int
        Nearest centres that count; all those as far as the last of them count too, so that the
        numbering of clusters never matters.
    beta : float

    Returns
    -------
    ndarray of shape (n, k)
    """
    distance = np.round(1 - vectors.astype(np.float64) @ centres.T.astype(np.float64), 7)
    if top_k < distance.shape[1]:
        last = np.partition(distance, top_k - 1, axis=1)[:, top_k - 1 : top_k]
        distance = np.where(distance <= last, distance, np.inf)
    return softmax(-beta * distance, axis=1) if beta else _even(np.isfinite(distance))


def _even(counts: np.ndarray) -> FloatArray:
    return counts / counts.sum(axis=1, keepdims=True)


def votes(merit: FloatArray, sharpness: float) -> FloatArray:
    """Return ``s / (rank + s)`` per row, in [0, 1]: 1 for the best, 0 for an llm of no merit (NaN).

    Parameters
    ----------
    merit : ndarray of shape (k, m)
        Larger is better. Equals share the mean of their ranks, counted from 0.
    sharpness : float
        ``s``; the smaller, the more the first counts for.
    """
    rank = rankdata(-np.round(merit, _DECIMALS), axis=1, nan_policy="omit") - 1
    return np.where(np.isnan(merit), 0.0, sharpness / (rank + sharpness))


def balance(scores: FloatArray, costs: FloatArray, alpha: float) -> FloatArray:
    """Return ``alpha * stretched score + (1 - alpha) * (1 - cost / dearest)`` per row.

    Parameters
    ----------
    scores, costs : ndarray of shape (k, m)
        Costs are NaN where unknown.
    alpha : float
        In [0, 1].

    Returns
    -------
    ndarray of shape (k, m)
        In [0, 1]. An unknown cost counts as the dearest: it must not count as free, nor keep a
        good llm from being asked. Where all costs are unknown only the scores count.
    """
    scores = np.round(scores, _DECIMALS)
    worst, best = scores.min(axis=1, keepdims=True), scores.max(axis=1, keepdims=True)
    spread = np.broadcast_to(best - worst, scores.shape)
    quality = np.divide(scores - worst, spread, out=np.ones(scores.shape), where=spread > 0)
    if alpha == 1 or np.isnan(costs).all():
        return quality
    dearest = np.broadcast_to(np.nanmax(costs, axis=1, keepdims=True), costs.shape)
    share = np.divide(costs, dearest, out=np.zeros(costs.shape), where=dearest > 0)
    share = np.where(np.isnan(costs), 1.0, share)
    return alpha * quality + (1 - alpha) * (1 - share)
