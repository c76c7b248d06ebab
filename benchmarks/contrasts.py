"""Difficulty of questions and contrasts between llms, from outcomes of which some are missing.

A score is taken apart into the *difficulty* of the question (the zoo's mean score on it) and the
*contrast* of the llm (what is left). Where not every llm of the zoo was observed on a question,
both are estimated so that it does not matter which ones were.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse.csgraph import connected_components

from benchmarks.scoring import FloatArray, observed_means


def comparable_llms(scores: FloatArray) -> np.ndarray:
    """Tell which llms can be compared with each other on shared questions.

    Two llms can be compared if a question was observed of both, or if a chain of such pairs joins
    them. An llm that was never observed beside another one is left out.

    Parameters
    ----------
    scores : ndarray of shape (n, m)
        NaN where not observed.

    Returns
    -------
    ndarray of bool, shape (m,)
        All False where the llms fall into groups that share no question: nobody can tell then
        whether one group is better or its questions are easier.
    """
    seen = (~np.isnan(scores)).astype(np.float64)
    _, group = connected_components(seen.T @ seen, directed=False)
    size = np.bincount(group)
    several = np.flatnonzero(size > 1)
    return group == several[0] if len(several) == 1 else np.zeros(len(group), dtype=bool)


def take_apart(scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Take scores apart into difficulty and contrasts.

    An llm's mean contrast comes from the questions it shares with others (least squares of
    ``score = difficulty + mean contrast``); the difficulty of a question is the mean of its
    scores less the mean contrasts of the llms observed. With complete outcomes these are plain
    means.

    Parameters
    ----------
    scores : ndarray of shape (n, m)
        NaN where not observed; all llms comparable.

    Returns
    -------
    difficulty : ndarray of shape (n, 1)
        NaN for a question with fewer than two outcomes, which compares nobody.
    contrasts : ndarray of shape (n, m)
        NaN where not observed, and on such questions.
    """
    several = (~np.isnan(scores)).sum(axis=1) > 1
    compared = scores[several]
    seen = ~np.isnan(compared)
    beside = compared - observed_means(compared.T, axis=0)[:, None]  # the mean of those observed
    normal = np.diag(seen.sum(axis=0)) - seen.T @ (seen / seen.sum(axis=1, keepdims=True))
    levels = np.linalg.pinv(normal, hermitian=True) @ np.nansum(beside, axis=0)
    scores = np.where(several[:, None], scores, np.nan)
    difficulty = observed_means((scores - levels).T, axis=0)[:, None]
    return difficulty, scores - difficulty


def squared_errors_of(
    scores: FloatArray, difficulty: FloatArray, contrasts: FloatArray
) -> tuple[np.ndarray, np.ndarray]:
    """Estimate how wrong predictions are, about all llms, from the outcomes observed.

    The llms observed on a question are taken for a sample of the zoo without replacement. With
    ``k`` of ``m`` observed and ``s2`` the sample variance of what a prediction leaves of the
    scores, the squared mean of what is left is too large by ``(1/k - 1/m) s2``, and the sum of
    squares about the mean is ``(m - 1) s2`` for the whole zoo. With complete outcomes nothing is
    estimated; else a single question's estimate can be negative.

    Parameters
    ----------
    scores : ndarray of shape (n, m)
        True scores, NaN where not observed.
    difficulty : ndarray of shape (n, 1)
        As predicted.
    contrasts : ndarray of shape (n, m)
        As predicted.

    Returns
    -------
    difficulty, contrasts : ndarray of shape (n,)
        Squared error of the difficulty, and of the contrasts, summed over the ``m`` llms; NaN for
        a question with fewer than two outcomes.

    References
    ----------
    Cochran, "Sampling Techniques", 3rd edition, 1977, chapter 2 (finite populations).
    """
    m = scores.shape[1]
    count = (~np.isnan(scores)).sum(axis=1)
    count = np.where(count > 1, count, np.nan)
    # true contrasts sum to 0; predicted ones that do not are wrong by their mean at every llm
    offset = contrasts.mean(axis=1, keepdims=True)
    left = scores - difficulty - (contrasts - offset)
    mean = observed_means(left.T, axis=0)
    variance = np.nansum((left - mean[:, None]) ** 2, axis=1) / (count - 1)
    too_large = 1 / count - 1 / m
    return mean**2 - too_large * variance, (m - 1) * variance + m * offset[:, 0] ** 2
