"""Predicted scores that mean what they say, by isotonic regression on held-out predictions."""

from __future__ import annotations

import hashlib
from typing import ClassVar

import numpy as np
from sklearn.base import clone
from sklearn.isotonic import IsotonicRegression

from routers.base import Router
from routers.constraints import Constraints, InstanceOf, Integer
from routers.table import FloatArray, RoutingTable

_FEWEST = 20  # outcomes that a curve needs


class CalibratedRouter(Router):
    """Any router, with its scores calibrated per llm.

    The training questions are cut into folds and each is predicted by a copy fitted on the others;
    on these predictions an increasing curve is fitted from each llm's predicted to its observed
    scores [1]_. The router is then fitted on everything and its predictions pass through the
    curves. An llm with fewer than 20 observed outcomes keeps its predictions.

    Calibrated per llm is not calibrated as chosen: picking the largest of several estimates still
    favours those that err upwards, only less.

    Parameters
    ----------
    router : Router
        Not changed.
    n_folds : int, default=4
        At least 2; the router is fitted once more than that.

    Attributes
    ----------
    router_ : Router
        Fitted on all training questions.
    curves_ : list of IsotonicRegression or None, one per llm

    References
    ----------
    .. [1] Zadrozny and Elkan, "Transforming classifier scores into accurate multiclass probability
       estimates", KDD 2002.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "router": InstanceOf(Router),
        "n_folds": Integer(2),
    }

    def __init__(self, router: Router, n_folds: int = 4):
        self.router = router
        self.n_folds = n_folds

    def _fit(self, table: RoutingTable) -> None:
        self._fit_beside(table, None)

    def _fit_beside(self, table: RoutingTable, pool: RoutingTable | None) -> None:
        predicted = self._held_out_scores(table, pool)
        self.curves_ = [_curve(*pair) for pair in zip(predicted.T, table.scores.T, strict=True)]
        self.router_ = clone(self.router).fit(table, pool)
        encoder = getattr(self.router_, "encoder_", None)
        if encoder is not None:
            self.encoder_ = encoder

    def _held_out_scores(self, table: RoutingTable, pool: RoutingTable | None) -> FloatArray:
        """Return predictions (n, m), NaN where the other folds could not be learned from."""
        fold = fold_numbers(table.ids, self.n_folds)
        predicted = np.full(table.scores.shape, np.nan)
        for number in np.unique(fold):
            learn, judge = table.rows(fold != number), table.rows(fold == number)
            if not np.isnan(learn.scores).all():
                copy = clone(self.router).fit(learn, pool)
                predicted[fold == number] = copy.predict_scores(list(judge.questions))
        return predicted

    def _predict_scores(self, questions: list[str]) -> FloatArray:
        scores = self.router_.predict_scores(questions)
        for column, curve in enumerate(self.curves_):
            if curve is not None:
                scores[:, column] = curve.predict(scores[:, column])
        return scores

    def _predict_costs(self, questions: list[str]) -> FloatArray:
        costs = super()._predict_costs(questions)
        costs[:, self._columns_] = self.router_.predict_costs(questions)
        return costs


def fold_numbers(ids: np.ndarray, n_folds: int) -> np.ndarray:
    """Draw a fold for each question by its id, whatever their order; int, shape (n,)."""
    draws = [hashlib.sha256(f"calibration\x1f{name}".encode()).digest()[:4] for name in ids]
    return np.array([int.from_bytes(draw) % n_folds for draw in draws])


def _curve(predicted: np.ndarray, scores: np.ndarray) -> IsotonicRegression | None:
    seen = ~np.isnan(scores) & ~np.isnan(predicted)
    if seen.sum() < _FEWEST:
        return None
    curve = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    return curve.fit(predicted[seen], scores[seen].astype(np.float64))
