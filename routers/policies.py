"""Decision policies: from confidences in the llms to what they are chosen by.

Each policy turns a matrix of confidences (n, m) into preferences of the same shape, and leaves the
choice to the shared rule (:func:`routers.choose`: the largest, ties to the cheaper). So a policy
works on the predictions of any router, and on published confidences as well.

References
----------
Srivatsa, Maurya and Kochmar, "Harnessing the Power of Multiple Minds: Lessons Learned from LLM
Routing", Workshop on Insights from Negative Results 2024. As the authors coded them, "prediction"
subtracts one number from all confidences of a question, which cannot change their order, and
"sorted prediction" permutes labels but not confidences; here both do what they were meant to.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LinearRegression

from routers.base import Router
from routers.baselines import text_draws
from routers.constraints import SEED, Constraints, InstanceOf, Integer, OneOf, Real
from routers.table import FloatArray, RoutingTable

POLICIES = ("argmax", "random", "prediction", "sorted_prediction")

# Confidence that is aimed at where no llm is right (the source's value).
_NONE_RIGHT = 0.5
# Fewer held-out questions than this are no regression.
_MIN_VALIDATION = 8


def random_below(
    confidences: FloatArray, draws: FloatArray, threshold: float = 0.6, n_top: int = 3
) -> FloatArray:
    """Where no confidence exceeds the threshold, let the draw decide among the top few.

    Parameters
    ----------
    confidences : ndarray of shape (n, m)
    draws : ndarray of shape (n, m)
        Uniform and independent; the largest among the top llms wins.
    threshold : float, default=0.6
    n_top : int, default=3
        Llms drawn from; all that tie with the last of them take part.

    Returns
    -------
    ndarray of shape (n, m)
        The confidences; in an uncertain row 1 for the llm drawn, and half of theirs for the others.
    """
    m = confidences.shape[1]
    last = -np.sort(-confidences, axis=1)[:, min(n_top, m) - 1]
    drawn = np.where(confidences >= last[:, None], draws, -np.inf).argmax(axis=1)
    one_first = np.where(np.arange(m) == drawn[:, None], 1.0, confidences / 2)
    uncertain = confidences.max(axis=1, keepdims=True) <= threshold
    return np.where(uncertain, one_first, confidences)


def first_right(confidences: FloatArray, scores: FloatArray, order: np.ndarray) -> np.ndarray:
    """Return the confidence in the first llm that is right, 0.5 where none is.

    Parameters
    ----------
    confidences : ndarray of shape (n, m)
    scores : ndarray of shape (n, m)
        An llm is right with a score above 0.5; NaN (not observed) is not.
    order : ndarray of int, shape (m,)
        Columns, the one to try first in front.

    Returns
    -------
    ndarray of shape (n,)
    """
    right = scores[:, order] > 0.5
    first = order[right.argmax(axis=1)]
    return np.where(right.any(axis=1), confidences[np.arange(len(scores)), first], _NONE_RIGHT)


def nearest(confidences: FloatArray, predicted: np.ndarray) -> FloatArray:
    """Prefer the llm whose confidence is nearest the predicted one ("prediction").

    Parameters
    ----------
    confidences : ndarray of shape (n, m)
    predicted : ndarray of shape (n,)
        Of an llm that is right.

    Returns
    -------
    ndarray of shape (n, m)
        ``1 - |confidence - predicted|``.
    """
    return 1 - np.abs(confidences - predicted[:, None])


def reaching(confidences: FloatArray, predicted: np.ndarray) -> FloatArray:
    """Let all llms whose confidence reaches the predicted one tie ("sorted prediction").

    The source tries the llms in a fixed order, the one least often right first. In our order, by
    cost, the first that reaches the prediction is the cheapest, which the shared rule takes among
    those that tie. If none does, the largest confidence wins.

    Parameters
    ----------
    confidences : ndarray of shape (n, m)
    predicted : ndarray of shape (n,)
        Of an llm that is right.

    Returns
    -------
    ndarray of shape (n, m)
        The confidences, none above the predicted one.
    """
    return np.minimum(confidences, predicted[:, None])


def classifier_upper_bound(
    confidences: FloatArray, scores: FloatArray, threshold: float = 0.5
) -> np.ndarray:
    """Return the best score among the llms that are predicted to be right, 0 if none is.

    What a perfect choice within the predicted set would reach: an analysis, not a router.

    Parameters
    ----------
    confidences : ndarray of shape (n, m)
    scores : ndarray of shape (n, m)
        In [0, 1]; NaN where not observed, which counts as 0.
    threshold : float, default=0.5
        An llm is predicted to be right with a confidence above it.

    Returns
    -------
    ndarray of shape (n,)
    """
    predicted = confidences > threshold
    return np.where(predicted, np.nan_to_num(scores), 0.0).max(axis=1)


class PolicyRouter(Router):
    """Any router, its predicted scores read by a decision policy.

    Parameters
    ----------
    router : Router
        Its predicted scores are the confidences.
    policy : {"argmax", "random", "prediction", "sorted_prediction"}, default="sorted_prediction"
        ``argmax``: as the router predicts. ``random``: below ``threshold``, one of the top three,
        drawn by the question's text. ``prediction`` and ``sorted_prediction``: a linear regression
        predicts, from all confidences, the one of the cheapest llm that is right; the former then
        prefers the nearest confidence, the latter the cheapest llm that reaches it.
    threshold : float, default=0.6
        Of ``random``.
    n_top : int, default=3
        Of ``random``.
    validation_fraction : float, default=0.2
        Share of the training questions on which the regression is learned, from confidences of a
        router that has not seen them (the source uses the labels of the test questions).
    random_state : int, default=0

    References
    ----------
    Srivatsa, Maurya and Kochmar, "Harnessing the Power of Multiple Minds: Lessons Learned from LLM
    Routing", Workshop on Insights from Negative Results 2024.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "router": InstanceOf(Router),
        "policy": OneOf(*POLICIES),
        "threshold": Real(0, 1),
        "n_top": Integer(1),
        "validation_fraction": Real(0, 0.9),
        "random_state": SEED,
    }

    def __init__(
        self,
        router: Router,
        policy: str = "sorted_prediction",
        threshold: float = 0.6,
        n_top: int = 3,
        validation_fraction: float = 0.2,
        random_state: int = 0,
    ):
        self.router = router
        self.policy = policy
        self.threshold = threshold
        self.n_top = n_top
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    @property
    def relative_scores(self) -> bool:  # type: ignore[override]
        """Whether preferences depend on which other llms there are."""
        return self.policy == "random" or self.router.relative_scores

    def _fit(self, table: RoutingTable) -> None:
        self._fit_beside(table, None)

    def _fit_beside(self, table: RoutingTable, pool: RoutingTable | None) -> None:
        self.names_ = table.llms.copy()
        self.regression_ = None
        if self.policy.endswith("prediction"):
            self.regression_ = self._fit_regression(table, pool)
        self.router_ = clone(self.router).fit(table, pool)
        self.encoder_ = getattr(self.router_, "encoder_", None)

    def _fit_regression(
        self, table: RoutingTable, pool: RoutingTable | None
    ) -> LinearRegression | None:
        order = np.random.default_rng(self.random_state).permutation(len(table))
        n_held_out = round(self.validation_fraction * len(table))
        if n_held_out < _MIN_VALIDATION:
            return None
        held_out = table.rows(np.sort(order[:n_held_out]))
        router = clone(self.router).fit(table.rows(np.sort(order[n_held_out:])), pool)
        confidences = _filled(router.predict_scores(list(held_out.questions)))
        cheapest_first = np.argsort(router.mean_costs_, kind="stable")  # NaN last, then by name
        target = first_right(confidences, held_out.scores, cheapest_first)
        return LinearRegression().fit(confidences, target)

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        confidences = self.router_.predict_scores(questions)
        if self.policy == "random":
            draws = text_draws(questions, self.names_, self.random_state)
            return random_below(confidences, draws, self.threshold, self.n_top)
        if self.regression_ is None:
            return confidences
        asked = confidences[:, : self.regression_.n_features_in_]  # no newcomers
        predicted = self.regression_.predict(_filled(asked)).clip(0, 1)
        return (nearest if self.policy == "prediction" else reaching)(confidences, predicted)

    def _predict_costs(self, questions: list[str]) -> FloatArray:
        costs = super()._predict_costs(questions)
        costs[:, self._columns_] = self.router_.predict_costs(questions)
        return costs

    def _admit(self, llm: str, outcomes: RoutingTable) -> None:
        self.router_.admit(llm, outcomes)
        self.names_ = np.append(self.names_, llm)


def _filled(confidences: FloatArray) -> FloatArray:
    """Return the confidences, those in an llm of which nothing is known halved between 0 and 1."""
    return np.nan_to_num(confidences, nan=_NONE_RIGHT)
