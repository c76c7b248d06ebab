"""How much of what was learned is used: judged on training questions that were held out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit

from routers._targets import column_means
from routers.table import FloatArray

SHARES = (0.25, 0.5, 0.75, 1.0)
_FOLDS = 5
_ENOUGH = 2.0  # standard errors, over both judgments: one each on average
_CERTAIN = 0.01  # an expected score is never taken to be closer than this to 0 or 1
_EXACT = 9  # decimals within which predictions tie, and gains are none


def inner_folds(n: int, seed: int) -> np.ndarray:
    """Return the fold of each of n training questions, shape (n,), five of about equal size."""
    return np.random.default_rng(seed).permutation(n) % _FOLDS


def contrasts(values: FloatArray) -> FloatArray:
    """Subtract from each row the mean of what is known of it."""
    return values - np.nan_to_num(column_means(values.T))[:, None]


def moved(expected: FloatArray, departure: FloatArray) -> FloatArray:
    """Move expected scores by a departure in log-odds.

    Parameters
    ----------
    expected : ndarray of shape (n, m)
        In [0, 1]. One nearer to 0 or 1 than .01 moves as if it were .01 from there.
    departure : ndarray of shape (n, m)

    Returns
    -------
    ndarray of shape (n, m)
        In [0, 1]; what is expected, where there is no departure.
    """
    start = logit(np.clip(expected, _CERTAIN, 1 - _CERTAIN))
    return np.clip(expected + (expit(start + departure) - expit(start)), 0, 1)


def best_share(
    expected: FloatArray, departures: Sequence[FloatArray], scores: FloatArray
) -> tuple[int, float]:
    """Choose one of several departures from what is expected, and how much of it is used.

    Two gains are judged against using nothing. One is in the squared error of contrasts (how far
    an llm's score lies above the mean of all on the question, the only part that a choice depends
    on), which is the less noisy; the other in the score of the llm that would be chosen, which is
    what counts. The second must not be a loss, and the two must be one standard error from zero
    on average. Of what is left, that with the least error is taken.

    Parameters
    ----------
    expected : ndarray of shape (n, m)
        Scores in [0, 1] that are expected without any departure.
    departures : sequence of ndarray of shape (n, m)
        In log-odds, learned from other questions; the simplest first, which wins ties.
    scores : ndarray of shape (n, m)
        What was observed; NaN where nothing was.

    Returns
    -------
    place : int
        Of the departure in the sequence; 0 where none is used.
    share : float
        One of ``SHARES``, or 0 where nothing helps visibly.
    """
    target = contrasts(scores)
    error, earned = _error(expected, target), _earned(expected, scores)
    best, place, share = 0.0, 0, 0.0
    for at, departure in enumerate(departures):
        for part in SHARES:
            predicted = moved(expected, part * departure)
            closer = error - _error(predicted, target)
            better = _earned(predicted, scores) - earned
            gain = round(float(np.nansum(closer)), _EXACT)
            if gain > best and _visible(closer, better):
                best, place, share = gain, at, part
    return place, share


def _error(predicted: FloatArray, target: FloatArray) -> np.ndarray:
    """Mean squared error of the contrasts of each question (n,), NaN for one nobody answered."""
    known = np.where(np.isnan(target), np.nan, predicted)
    return column_means((contrasts(known) - target).T ** 2)


def _earned(predicted: FloatArray, scores: FloatArray) -> np.ndarray:
    """Score of the llm with the best prediction (n,), the mean of those that tie."""
    rounded = np.round(predicted, _EXACT)
    first = rounded == rounded.max(axis=1, keepdims=True)
    return column_means(np.where(first, scores, np.nan).T)


def _visible(closer: np.ndarray, better: np.ndarray) -> bool:
    earning = _evidence(better)
    return earning >= 0 and _evidence(closer) + earning > _ENOUGH


def _evidence(gain: np.ndarray) -> float:
    """Mean gain in standard errors; 0 where it is not known of two questions, or always 0."""
    known = gain[~np.isnan(gain)]
    if len(known) < 2 or not known.any():
        return 0.0
    spread = known.std(ddof=1) / np.sqrt(len(known))
    return float(known.mean() / max(spread, 1e-12))
