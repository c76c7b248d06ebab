"""Likelihood of partly observed scores, shared by the latent-trait families."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from routers.table import FloatArray


def cross_entropy(logits: FloatArray, scores: FloatArray) -> tuple[float, FloatArray]:
    """Sum of cross-entropies over the observed scores, and its derivative by each logit.

    Parameters
    ----------
    logits : ndarray
    scores : ndarray of the same shape
        In [0, 1]; NaN where not observed, which adds nothing to the sum nor to the derivative.
    """
    terms = np.logaddexp(0, logits) - scores * logits
    slope = np.where(np.isnan(scores), 0, expit(logits) - scores)
    return float(np.nansum(terms)), slope


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

    def objective(weights: FloatArray) -> tuple[float, list[FloatArray]]:
        loss, slope = cross_entropy(traits @ weights + offset, scores)
        prior = precision * weights
        return loss + weights @ prior / 2, [slope @ traits + prior]

    return minimise(objective, [np.zeros(traits.shape[1])])[0]
