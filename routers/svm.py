"""Linear support vector machines for thousands of llms at once, with calibrated probabilities."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import StratifiedKFold

from routers._likelihood import CrossEntropy, minimise
from routers._majorized import Descent, SharedCurvature, with_intercept
from routers._targets import column_means
from routers.constraints import Constraints, Integer, Real
from routers.table import FloatArray
from routers.validation import check_parameters

_BLOCK = 1024  # machines solved together: bounds the memory of the residuals


class SoftLabelSVM(RegressorMixin, BaseEstimator):
    """Linear SVMs with squared hinge loss, many outputs, soft labels and missing labels.

    For each output it minimizes what scikit-learn's ``LinearSVC`` minimizes (the intercept is
    regularized too), and turns margins into probabilities as ``CalibratedClassifierCV(cv=n_folds,
    ensemble=False)`` does: by a sigmoid fitted to margins of questions that were held out, on
    stratified folds. A label between 0 and 1 counts as both, weighted. The curvature of every
    machine, of each llm and each fold, is at most ``2 X'X + I / C``, which is factored once.

    Parameters
    ----------
    strength : float, default=0.1
        Inverse regularization, scikit-learn's ``C``.
    n_folds : int, default=5
        An llm with fewer questions of either kind, right or wrong, is predicted its mean label.
    max_iter : int, default=500
    tol : float, default=1e-3
        Stop when no entry of the gradient (summed over questions) is larger; of more than 1,000
        questions, a thousand times its mean.

    Attributes
    ----------
    coef_ : ndarray of shape (d + 1, m)
        Weights; the last row is the intercept.
    scale_, shift_ : ndarray of shape (m,)
        The probability of a right answer is ``sigmoid(scale * margin + shift)``.
    constant_ : ndarray of shape (m,)
        What is predicted of an llm with too few labels of either kind; NaN for the others.

    References
    ----------
    Platt, "Probabilistic outputs for support vector machines", 1999.
    """

    soft_labels = True  # one fit for all llms, labels in [0, 1], NaN where not observed

    parameter_constraints: ClassVar[Constraints] = {
        "strength": Real(0, open_low=True),
        "n_folds": Integer(2),
        "max_iter": Integer(1),
        "tol": Real(0),
    }

    def __init__(
        self, strength: float = 0.1, n_folds: int = 5, max_iter: int = 500, tol: float = 1e-3
    ):
        self.strength = strength
        self.n_folds = n_folds
        self.max_iter = max_iter
        self.tol = tol

    def fit(self, X: FloatArray, y: FloatArray) -> SoftLabelSVM:
        """Fit all outputs.

        Parameters
        ----------
        X : ndarray of shape (n, d)
        y : ndarray of shape (n, m)
            Labels in [0, 1]; NaN where not observed.
        """
        check_parameters(self)
        design = with_intercept(X)
        shared = SharedCurvature(design, 2.0, np.full(design.shape[1], 1.0 / self.strength))
        kinds = np.minimum((y > 0.5).sum(axis=0), (y <= 0.5).sum(axis=0))
        self.constant_ = np.where(kinds < self.n_folds, column_means(y), np.nan)
        m = y.shape[1]
        self.coef_ = np.zeros((design.shape[1], m))
        self.scale_, self.shift_ = np.ones(m), np.zeros(m)
        learned = np.flatnonzero(np.isnan(self.constant_))
        size = _BLOCK // (self.n_folds + 1)
        for start in range(0, len(learned), size):
            block = learned[start : start + size]
            self._fit_block(shared, design, y, block)
        return self

    def _fit_block(
        self, shared: SharedCurvature, design: FloatArray, y: FloatArray, block: np.ndarray
    ) -> None:
        """Fit some llms: a machine on all questions and one without each fold."""
        labels = y[:, block]
        fold = np.column_stack([self._folds(column) for column in labels.T])
        parts = [fold >= 0, *((fold >= 0) & (fold != number) for number in range(self.n_folds))]
        descent = _descent(np.tile(labels, len(parts)), np.hstack(parts))
        coef = shared.minimize(descent, len(parts) * len(block), self.max_iter, self.tol)
        whole, *held_out = np.split(coef, len(parts), axis=1)
        margins = np.zeros(labels.shape)
        for number, weights in enumerate(held_out):
            margins += np.where(fold == number, design @ weights.astype(np.float32), 0)
        self.coef_[:, block] = whole
        self.scale_[block], self.shift_[block] = sigmoids(margins, labels)

    def _folds(self, labels: np.ndarray) -> np.ndarray:
        """Return the fold of each question, -1 where the label is missing; int, shape (n,)."""
        seen = np.flatnonzero(~np.isnan(labels))
        fold = np.full(len(labels), -1)
        parts = StratifiedKFold(self.n_folds).split(seen, labels[seen] > 0.5)
        for number, (_, held_out) in enumerate(parts):
            fold[seen[held_out]] = number
        return fold

    def predict(self, X: FloatArray) -> FloatArray:
        """Return the probability of a right answer, shape (n, m)."""
        margins = with_intercept(X) @ self.coef_.astype(np.float32)
        calibrated = expit(self.scale_ * margins + self.shift_)
        return np.where(np.isnan(self.constant_), calibrated, self.constant_)


def _descent(labels: FloatArray, seen: np.ndarray) -> Descent:
    """Return minus the slope of the squared hinge, 0 where a row is not learned from."""
    right = np.where(seen, 2 * labels, 0).astype(np.float32)
    wrong = np.where(seen, 2 - 2 * labels, 0).astype(np.float32)

    def descent(margins: FloatArray) -> FloatArray:
        return right * np.maximum(0, 1 - margins) - wrong * np.maximum(0, 1 + margins)

    return descent


def sigmoids(margins: FloatArray, labels: FloatArray) -> tuple[np.ndarray, np.ndarray]:
    """Fit the sigmoid that turns margins into probabilities, per column, by Platt's method.

    The targets are not 0 and 1 but the posterior means of Laplace's rule: a finite sigmoid fits
    even margins that tell right from wrong without error.

    Parameters
    ----------
    margins : ndarray of shape (n, m)
    labels : ndarray of shape (n, m)
        In [0, 1]; NaN where not observed.

    Returns
    -------
    scale, shift : ndarray of shape (m,)
        The probability is ``sigmoid(scale * margin + shift)``.
    """
    right, wrong = np.nansum(labels, axis=0), np.nansum(1 - labels, axis=0)
    targets = labels * (right + 1) / (right + 2) + (1 - labels) / (wrong + 2)
    cross_entropy = CrossEntropy(targets)

    def objective(scale: FloatArray, shift: FloatArray) -> tuple[float, list[FloatArray]]:
        loss, slope = cross_entropy(scale * margins + shift)
        return loss, [(slope * margins).sum(axis=0), slope.sum(axis=0)]

    start = [np.zeros(len(right)), np.log((right + 1) / (wrong + 1))]
    scale, shift = minimise(objective, start)
    return scale, shift
