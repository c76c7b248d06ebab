"""What an answer will cost, predicted from the question."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge

from routers.constraints import Constraints, Real
from routers.table import FloatArray
from routers.validation import check_parameters

_FLOOR = 1e-3  # of an llm's mean cost; anything below counts as that much


class LogCostRidge(RegressorMixin, BaseEstimator):
    """Ridge regression of the logarithm of each llm's cost.

    Costs are products (tokens times their price) with a long tail, so the logarithm is regressed;
    the mean of the exponentiated residuals leads back to a mean cost [1]_. No prediction leaves
    the range of the llm's training costs.

    Parameters
    ----------
    penalty : float, default=1.0
        Of squared weights; the intercept is not penalised.

    Attributes
    ----------
    coef_ : ndarray of shape (d + 1, m)
        Weights of the logarithm; the last row is the intercept. NaN for an llm without any cost.
    factors_, lowest_, highest_ : ndarray of shape (m,)
        Mean exponentiated residual, and the range of training costs.

    References
    ----------
    .. [1] Duan, "Smearing estimate: a nonparametric retransformation method", JASA 1983.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "penalty": Real(0),
    }

    def __init__(self, penalty: float = 1.0):
        self.penalty = penalty

    def fit(self, X: FloatArray, y: FloatArray) -> LogCostRidge:
        """Fit all llms.

        Parameters
        ----------
        X : ndarray of shape (n, d)
        y : ndarray of shape (n, m)
            Costs, at least 0; NaN where unknown.
        """
        check_parameters(self)
        costs = np.asarray(y, dtype=np.float64)
        known = ~np.isnan(costs)
        self.coef_ = np.full((X.shape[1] + 1, costs.shape[1]), np.nan)
        self.factors_ = np.full(costs.shape[1], np.nan)
        self.lowest_ = np.where(known, costs, np.inf).min(axis=0)
        self.highest_ = np.where(known, costs, -np.inf).max(axis=0)
        complete = known.all(axis=0)
        if complete.any():
            self._fit_columns(X, costs, np.flatnonzero(complete))
        for column in np.flatnonzero(known.any(axis=0) & ~complete):
            seen = known[:, column]
            self._fit_columns(X[seen], costs[seen], np.array([column]))
        return self

    def _fit_columns(self, X: FloatArray, costs: FloatArray, columns: np.ndarray) -> None:
        wanted = costs[:, columns]
        floor = np.maximum(_FLOOR * wanted.mean(axis=0), np.finfo(float).tiny)
        logarithm = np.log(np.maximum(wanted, floor))
        ridge = Ridge(alpha=self.penalty).fit(X.astype(np.float64), logarithm)
        self.coef_[:-1, columns] = np.atleast_2d(ridge.coef_).T
        self.coef_[-1, columns] = ridge.intercept_
        residual = logarithm - ridge.predict(X).reshape(logarithm.shape)
        self.factors_[columns] = np.exp(residual).mean(axis=0)

    def predict(self, X: FloatArray) -> FloatArray:
        """Return expected costs, shape (n, m); NaN for an llm without any known cost."""
        logarithm = X @ self.coef_[:-1] + self.coef_[-1]
        costs = np.exp(np.minimum(logarithm, 700)) * self.factors_
        return np.clip(costs, self.lowest_, self.highest_)

    def append(self, other: LogCostRidge) -> None:
        """Add the llms of another fitted regression after one's own."""
        for name in ("coef_", "factors_", "lowest_", "highest_"):
            setattr(
                self, name, np.concatenate([getattr(self, name), getattr(other, name)], axis=-1)
            )
