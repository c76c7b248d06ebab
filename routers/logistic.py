"""Logistic regression for thousands of llms at once."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, RegressorMixin

from routers._majorized import Descent, SharedCurvature, with_intercept
from routers.constraints import Constraints, Integer, Real
from routers.table import FloatArray
from routers.validation import check_parameters

_BLOCK = 1024  # llms solved together: bounds the memory of the residuals


class SoftLabelLogistic(RegressorMixin, BaseEstimator):
    """L2-regularised logistic regression with many outputs, soft labels and missing labels.

    For each output it minimises what scikit-learn's ``LogisticRegression`` minimises, with labels
    anywhere in [0, 1]. The curvature of every output is at most ``X'X / 4 + I / C``, which is
    factored once for all of them: a zoo of 8,500 llms costs a few dozen matrix products
    instead of 8,500 separate fits.

    Parameters
    ----------
    strength : float, default=1.0
        Inverse regularisation, scikit-learn's ``C``. The intercept is not regularised.
    max_iter : int, default=200
    tol : float, default=1e-3
        Stop when no entry of the gradient (summed over questions) is larger; of more than 1,000
        questions, a thousand times its mean.

    Attributes
    ----------
    coef_ : ndarray of shape (d + 1, m)
        Weights; the last row is the intercept.
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
        design = with_intercept(X)
        penalty = np.full(design.shape[1], 1.0 / self.strength)
        penalty[-1] = 1e-6  # keeps a constant column solvable, without pulling it
        shared = SharedCurvature(design, 1 / 4, penalty)
        blocks = [y[:, start : start + _BLOCK] for start in range(0, y.shape[1], _BLOCK)]
        self.coef_ = np.hstack(
            [
                shared.minimize(_descent(block), block.shape[1], self.max_iter, self.tol)
                for block in blocks
            ]
        )
        return self

    def predict(self, X: FloatArray) -> FloatArray:
        """Return the probability of a right answer, shape (n, m)."""
        return expit(with_intercept(X) @ self.coef_.astype(np.float32))


def _descent(y: FloatArray) -> Descent:
    missing = np.isnan(y)
    missing = missing if missing.any() else None

    def descent(logits: FloatArray) -> FloatArray:
        residual = y - expit(logits)
        if missing is not None:
            residual[missing] = 0
        return residual

    return descent
