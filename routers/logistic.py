"""Logistic regression for thousands of llms at once."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit
from sklearn.base import BaseEstimator, RegressorMixin

from routers.constraints import Constraints, Integer, Real
from routers.table import FloatArray
from routers.validation import check_parameters

_BLOCK = 1024  # llms solved together: bounds the memory of the residuals


class SoftLabelLogistic(RegressorMixin, BaseEstimator):
    """L2-regularised logistic regression with many outputs, soft labels and missing labels.

    For each output it minimises what scikit-learn's ``LogisticRegression`` minimises, with labels
    anywhere in [0, 1]. The curvature of every output is at most ``X'X / 4 + I / C``, which is
    factored once for all of them [1]_: a zoo of 8,500 llms costs a few dozen matrix products
    instead of 8,500 separate fits.

    Parameters
    ----------
    strength : float, default=1.0
        Inverse regularisation, scikit-learn's ``C``. The intercept is not regularised.
    max_iter : int, default=200
    tol : float, default=1e-3
        Stop when no entry of the gradient (summed over questions) is larger.

    Attributes
    ----------
    coef_ : ndarray of shape (d + 1, m)
        Weights; the last row is the intercept.

    References
    ----------
    .. [1] Boehning and Lindsay, "Monotonicity of quadratic-approximation algorithms", 1988.
    """

    soft_labels = True  # one fit for all llms, labels in [0, 1], NaN where not observed

    parameter_constraints: ClassVar[Constraints] = {
        "strength": Real(0, open_low=True),
        "max_iter": Integer(1),
        "tol": Real(0),
    }

    def __init__(self, strength: float = 1.0, max_iter: int = 200, tol: float = 1e-3):
        self.strength = strength
        self.max_iter = max_iter
        self.tol = tol

    def fit(self, X: FloatArray, y: FloatArray) -> SoftLabelLogistic:
        """Fit all outputs.

        Parameters
        ----------
        X : ndarray of shape (n, d)
        y : ndarray of shape (n, m)
            Labels in [0, 1]; NaN where not observed.
        """
        check_parameters(self)
        design = _with_intercept(X)
        curvature = (design.T @ design).astype(np.float64) / 4
        self._penalty = np.full(design.shape[1], 1.0 / self.strength)
        self._penalty[-1] = 1e-6  # keeps a constant column solvable, without pulling it
        factor = cho_factor(curvature + np.diag(self._penalty))
        blocks = [y[:, start : start + _BLOCK] for start in range(0, y.shape[1], _BLOCK)]
        self.coef_ = np.hstack([self._solve(design, block, factor) for block in blocks])
        del self._penalty
        return self

    def _solve(self, design: FloatArray, y: FloatArray, factor: tuple) -> FloatArray:
        """Accelerated majorise-minimise steps with the shared curvature bound."""
        missing = np.isnan(y)
        missing = missing if missing.any() else None
        coef = np.zeros((design.shape[1], y.shape[1]))
        ahead, momentum = coef, 1.0
        for _ in range(self.max_iter):
            residual = y - expit(design @ ahead.astype(np.float32))
            if missing is not None:
                residual[missing] = 0
            gradient = design.T @ residual - self._penalty[:, None] * ahead
            step = ahead + cho_solve(factor, gradient)
            if np.abs(gradient).max() < self.tol:
                return step
            # restart the momentum of an output whose step has turned against it
            faster = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            forward = ((step - coef) * (ahead - step)).sum(axis=0) <= 0
            ahead = step + (momentum - 1) / faster * forward * (step - coef)
            coef, momentum = step, faster if forward.any() else 1.0
        return coef

    def predict(self, X: FloatArray) -> FloatArray:
        """Return the probability of a right answer, shape (n, m)."""
        return expit(_with_intercept(X) @ self.coef_.astype(np.float32))


def _with_intercept(X: FloatArray) -> FloatArray:
    return np.hstack([X, np.ones((len(X), 1))]).astype(np.float32)
