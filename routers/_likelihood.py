"""Likelihood of partly observed scores, shared by the latent-trait families."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from routers.table import FloatArray

_GROUP = 128  # numbers of at least 1/2 that are multiplied: their product is far from 0


class CrossEntropy:
    """Cross-entropy of partly observed scores, as a function of their logits.

    Parameters
    ----------
    scores : ndarray
        In [0, 1]; NaN where not observed, which adds nothing to the sum nor to the derivative.
    """

    def __init__(self, scores: FloatArray):
        missing = np.isnan(scores)
        self._scores = np.where(missing, 0, scores).astype(np.float64)
        self._half_less = 0.5 - self._scores
        self._seen = ~missing if missing.any() else None

    def __call__(self, logits: FloatArray) -> tuple[float, FloatArray]:
        """Return the sum over the observed scores, and its derivative by each logit.

        Parameters
        ----------
        logits : ndarray of the scores' shape, float64
        """
        sure = expit(np.abs(logits))  # in [1/2, 1]: it serves the sum and the derivative
        slope = np.copysign(sure - 0.5, logits)
        slope += self._half_less
        positive = np.maximum(logits, 0)
        if self._seen is not None:
            sure[~self._seen] = 1
            positive *= self._seen
            slope *= self._seen
        total = positive.sum() - np.vdot(self._scores, logits) - _log_sum(sure.ravel())
        return float(total), slope


def _log_sum(values: np.ndarray) -> float:
    """Sum of the logarithms of values in [1/2, 1], shape (n,): a logarithm costs ten products."""
    whole = len(values) // _GROUP * _GROUP
    products = np.multiply.reduce(values[:whole].reshape(_GROUP, -1), axis=0)
    return float(np.log(products).sum() + np.log(values[whole:]).sum())


def base_logit(scores: FloatArray) -> float:
    """Logit of the mean observed score, finite even where all are right or all are wrong."""
    right, count = np.nansum(scores, dtype=np.float64), (~np.isnan(scores)).sum()
    return float(logit((right + 0.5) / (count + 1)))


def minimise(
    objective: Callable[..., tuple[float, list[FloatArray]]],
    start: list[FloatArray],
    max_iter: int = 500,
) -> list[FloatArray]:
    """Minimise a smooth function of several arrays by L-BFGS.

    Parameters
    ----------
    objective : callable
        Takes the arrays and returns its value and the derivative by each of them.
    start : list of ndarray
    max_iter : int, default=500

    Returns
    -------
    list of ndarray
        In the shapes of ``start``.
    """
    ends = np.cumsum([part.size for part in start])[:-1]

    def split(flat: FloatArray) -> list[FloatArray]:
        parts = zip(np.split(flat, ends), start, strict=True)
        return [part.reshape(like.shape) for part, like in parts]

    def joined(flat: FloatArray) -> tuple[float, FloatArray]:
        value, slopes = objective(*split(flat))
        return value, np.concatenate([slope.ravel() for slope in slopes])

    options = {"maxiter": max_iter, "gtol": 1e-4, "ftol": 1e-12}
    flat = np.concatenate([part.ravel() for part in start])
    return split(minimize(joined, flat, jac=True, method="L-BFGS-B", options=options).x)


def most_probable(
    traits: FloatArray, offset: FloatArray | float, scores: FloatArray, precision: FloatArray
) -> FloatArray:
    """Most probable weights of ``P(right) = sigmoid(traits @ weights + offset)``.

    Parameters
    ----------
    traits : ndarray of shape (k, r)
    offset : ndarray of shape (k,) or float
    scores : ndarray of shape (k,)
        NaN where not observed.
    precision : ndarray of shape (r,)
        Inverse variance of each weight's normal prior around 0, above 0: it makes the answer
        unique and finite, however few the scores.

    Returns
    -------
    ndarray of shape (r,)
    """
    cross_entropy = CrossEntropy(scores)

    def objective(weights: FloatArray) -> tuple[float, list[FloatArray]]:
        loss, slope = cross_entropy(traits @ weights + offset)
        prior = precision * weights
        return loss + weights @ prior / 2, [slope @ traits + prior]

    return minimise(objective, [np.zeros(traits.shape[1])])[0]
