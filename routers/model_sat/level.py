"""The level of an llm: its logits are shifted so that their mean agrees with what is known."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from routers._ridge import fit_ridge
from routers.table import FloatArray

_STEPS = 60
_WIDEST = 20.0
_PER_DATASET = 30
_FEWEST = 12  # llms from which a regression on cards can be learned
_CERTAIN = 0.01


def level_questions(datasets: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw some questions of each dataset, on which logits are brought to their level.

    Parameters
    ----------
    datasets : ndarray of str, shape (n,)
    seed : int

    Returns
    -------
    rows : ndarray of int, shape (k,)
    weights : ndarray of shape (k,)
        Of sum 1, alike for all datasets.
    """
    rng = np.random.default_rng(seed)
    names = np.unique(datasets)
    rows = [rng.permutation(np.flatnonzero(datasets == name))[:_PER_DATASET] for name in names]
    weights = [np.full(len(few), 1 / len(few) / len(names)) for few in rows]
    return np.concatenate(rows), np.concatenate(weights)


def level_shifts(logits: FloatArray, weights: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Return the shift of each llm's logits at which its mean probability is a given one.

    Parameters
    ----------
    logits : ndarray of shape (n, m)
    weights : ndarray of shape (n,)
        Of the questions in the mean, of sum 1.
    means : ndarray of shape (m,)
        Taken to be .01 to .99.

    Returns
    -------
    ndarray of shape (m,)
    """
    means = np.clip(means, _CERTAIN, 1 - _CERTAIN)
    low, high = np.full(logits.shape[1], -_WIDEST), np.full(logits.shape[1], _WIDEST)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        too_low = weights @ expit(logits + middle) < means
        low, high = np.where(too_low, middle, low), np.where(too_low, high, middle)
    return (low + high) / 2


def fit_card_means(profiles: FloatArray, means: np.ndarray) -> np.ndarray:
    """Learn what a card says of an llm's mean over all datasets.

    An aptitude test is made of telling questions, so its mean is not the llm's.

    Parameters
    ----------
    profiles : ndarray of shape (m, t)
        Complete.
    means : ndarray of shape (m,)

    Returns
    -------
    ndarray of shape (t + 1,)
        What each task adds, and the constant. With fewer than twelve llms the mean of the tasks
        stands for the mean, moved by how these llms differ.
    """
    if len(profiles) >= _FEWEST:
        ridge = fit_ridge(profiles - profiles.mean(axis=0), means - means.mean())
        parts = np.ravel(ridge.coef_)
    else:
        parts = np.full(profiles.shape[1], 1 / profiles.shape[1])
    return np.append(parts, (means - profiles @ parts).mean())
