"""The level of an llm: its logits are shifted so that their mean agrees with what is known."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from routers.table import FloatArray

_STEPS = 60
_WIDEST = 20.0


def level_shifts(logits: FloatArray, weights: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Return the shift of each llm's logits at which its mean probability is a given one.

    Parameters
    ----------
    logits : ndarray of shape (n, m)
    weights : ndarray of shape (n,)
        Of the questions in the mean, of sum 1.
    means : ndarray of shape (m,)
        In (0, 1).

    Returns
    -------
    ndarray of shape (m,)
    """
    low, high = np.full(logits.shape[1], -_WIDEST), np.full(logits.shape[1], _WIDEST)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        too_low = weights @ expit(logits + middle) < means
        low, high = np.where(too_low, middle, low), np.where(too_low, high, middle)
    return (low + high) / 2
