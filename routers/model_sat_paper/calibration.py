"""From logits to probabilities: several views of a profile averaged, then Platt scaling."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from routers.table import FloatArray


def average_views(logits: FloatArray) -> FloatArray:
    """Return the logit of the mean probability over views.

    Parameters
    ----------
    logits : ndarray of shape (v, n, m)
        Of each view of the llms' profiles; a single one is returned as it is.

    Returns
    -------
    ndarray of shape (n, m)
    """
    if len(logits) == 1:
        return logits[0]
    return logit(np.clip(expit(logits.astype(np.float64)).mean(axis=0), 1e-12, 1 - 1e-12))


def calibrate(logits: FloatArray, scores: FloatArray, strength: float = 1.0) -> np.ndarray:
    """Fit ``sigmoid(slope * logit + intercept)`` to held-out scores (Platt scaling).

    Parameters
    ----------
    logits, scores : ndarray of shape (n, m)
        Scores in [0, 1], NaN where not observed.
    strength : float, default=1.0
        Of the pull towards slope 1 and intercept 0, in units of outcomes.

    Returns
    -------
    ndarray of shape (2,)
        Slope (at least 0.01: calibrating never reverses a ranking) and intercept.

    References
    ----------
    Platt, "Probabilistic Outputs for Support Vector Machines", 1999.
    """
    observed = ~np.isnan(scores)
    x = np.stack([logits[observed], np.ones(observed.sum())], axis=1).astype(np.float64)
    y = scores[observed].astype(np.float64)
    start = np.array([1.0, 0.0])
    theta = start.copy()
    for _ in range(50):  # Newton's method
        p = expit(x @ theta)
        gradient = x.T @ (p - y) + strength * (theta - start)
        hessian = (x * (p * (1 - p))[:, None]).T @ x + strength * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        theta -= np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-8:
            break
    return np.array([max(theta[0], 0.01), theta[1]])
