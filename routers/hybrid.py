"""A trained head and the nearest neighbours, blended, for score and for cost."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from routers._targets import observed
from routers.constraints import Constraints, Real
from routers.costs import LogCostRidge
from routers.encoders import Encoder
from routers.logistic import SoftLabelLogistic
from routers.neighbors import KNNRouter, with_column
from routers.table import FloatArray, RoutingTable, Texts


class HybridRouter(KNNRouter):
    """Predictor of score and cost: linear heads blended with the k nearest training questions.

    The score is ``gamma`` times a logistic head plus ``1 - gamma`` times the neighbours' mean, as
    in OmniRouter [1]_; so is the cost with ``cost_gamma``, by a ridge regression of its logarithm
    on the text's vector and length. (The paper predicts the length of the answer and multiplies
    it with token prices; where outcomes hold costs, the cost itself is what is wanted.) With both
    shares at 0 or at 1 it is the plug-in router of CARROT [2]_, by neighbours or by linear heads:
    two estimates and the shared decision rule.

    The decision layer of OmniRouter, constraints over a batch, is ``routers.allocation`` and
    ``routers.dual``; they take the predictions of any router.

    Parameters
    ----------
    encoder : Encoder, default=TfidfEncoder()
    gamma : float, default=0.6
        Share of the trained head in the score, in [0, 1].
    cost_gamma : float, default=0.6
        Share of the trained head in the cost, in [0, 1].
    k : int, default=50
        Number of neighbours.
    prior : float, default=1.0
        Pseudo-neighbours with the llm's mean.
    strength : float, default=1.0
        Inverse regularisation of the logistic head.
    cost_penalty : float, default=1.0
        Regularisation of the cost head.

    References
    ----------
    .. [1] Mei et al., "OmniRouter: Budget and Performance Controllable Multi-LLM Routing", 2025.
    .. [2] Somerstep et al., "CARROT: A Cost Aware Rate Optimal Router", 2025.
    """

    parameter_constraints: ClassVar[Constraints] = {
        **KNNRouter.parameter_constraints,
        "gamma": Real(0, 1),
        "cost_gamma": Real(0, 1),
        "strength": Real(0, open_low=True),
        "cost_penalty": Real(0),
    }

    def __init__(
        self,
        encoder: Encoder | None = None,
        gamma: float = 0.6,
        cost_gamma: float = 0.6,
        k: int = 50,
        prior: float = 1.0,
        strength: float = 1.0,
        cost_penalty: float = 1.0,
    ):
        super().__init__(encoder, k, prior)
        self.gamma = gamma
        self.cost_gamma = cost_gamma
        self.strength = strength
        self.cost_penalty = cost_penalty

    def _fit(self, table: RoutingTable) -> None:
        super()._fit(table)
        self._set_costs(table.costs)
        self.head_, self.cost_head_ = self._heads(self.vectors_, table)

    def _heads(
        self, vectors: FloatArray, table: RoutingTable
    ) -> tuple[SoftLabelLogistic, LogCostRidge]:
        """Fit the trained part; every llm's weights are its own."""
        score = SoftLabelLogistic(self.strength).fit(vectors, table.scores)
        features = _with_length(vectors, table.questions)
        return score, LogCostRidge(self.cost_penalty).fit(features, table.costs)

    def _set_costs(self, costs: FloatArray) -> None:
        self.costs_ = costs
        self.cost_parts_ = observed(costs)

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        vectors = self.encoder_.transform(questions)
        return self._blended_scores(vectors, self._nearest(vectors))

    def _predict_costs(self, questions: list[str]) -> FloatArray:
        if not questions:
            return super()._predict_costs(questions)
        vectors = self.encoder_.transform(questions)
        return self._blended_costs(questions, vectors, self._nearest(vectors))

    def _predict(self, questions: list[str]) -> tuple[FloatArray, FloatArray]:
        vectors = self.encoder_.transform(questions)
        nearest = self._nearest(vectors)
        costs = self._blended_costs(questions, vectors, nearest)
        return self._blended_scores(vectors, nearest), costs

    def _blended_scores(self, vectors: FloatArray, nearest: np.ndarray) -> FloatArray:
        near = self._neighbour_means(nearest, self.values_, self.mask_, self.means_)
        return self.gamma * self.head_.predict(vectors) + (1 - self.gamma) * near

    def _blended_costs(
        self, questions: list[str], vectors: FloatArray, nearest: np.ndarray
    ) -> FloatArray:
        costs = super()._predict_costs(questions)
        trained = self.cost_head_.predict(_with_length(vectors, questions))
        near = self._neighbour_means(nearest, *self.cost_parts_)
        blend = self.cost_gamma * trained + (1 - self.cost_gamma) * near
        # sums of float32 leave the range in the last digits: a constant cost shall stay constant
        blend = np.clip(blend, self.cost_head_.lowest_, self.cost_head_.highest_)
        columns = self._columns_
        costs[:, columns] = np.where(np.isnan(blend), costs[:, columns], blend)
        return costs

    def _admit(self, llm: str, outcomes: RoutingTable) -> None:
        super()._admit(llm, outcomes)
        row = self._rows_of(outcomes)
        self._set_costs(with_column(self.costs_, len(self.vectors_), row, outcomes.costs[:, 0]))
        score, cost = self._heads(self.vectors_[row], outcomes)
        self.head_.coef_ = np.hstack([self.head_.coef_, score.coef_])
        self.cost_head_.append(cost)


def _with_length(vectors: FloatArray, questions: Texts) -> FloatArray:
    """Add the logarithm of a text's length, which vectors of unit length have lost."""
    length = np.log1p([len(text) for text in questions])
    return np.hstack([vectors, length[:, None]])
