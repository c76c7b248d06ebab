"""Do predicted scores mean what they say? Brier score and calibration error of each llm."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.scoring import FloatArray, observed_means
from benchmarks.stored_rows import llm_names, matrix


def brier(predicted: FloatArray, scores: FloatArray) -> FloatArray:
    """Mean squared difference between predicted and true score of each llm, shape (m,).

    0 is best; always predicting the share of right answers ``a`` gives ``a (1 - a)``.

    Parameters
    ----------
    predicted, scores : ndarray of shape (n, m)
        Pairs with a NaN are left out; an llm without any is NaN.

    References
    ----------
    Brier, "Verification of forecasts expressed in terms of probability", 1950.
    """
    return observed_means((predicted - scores) ** 2, axis=0)


def calibration_error(
    predicted: FloatArray, scores: FloatArray, n_bins: int = 10, equal_mass: bool = True
) -> FloatArray:
    """ECE of each llm: mean distance between predicted and true level over bins, shape (m,).

    Each bin counts by its share of questions. 0 is best. It is biased upwards where bins are
    small, more so for routers whose predictions differ from question to question.

    Parameters
    ----------
    predicted, scores : ndarray of shape (n, m)
        Pairs with a NaN are left out; an llm without any is NaN.
    n_bins : int, default=10
    equal_mass : bool, default=True
        Bins between quantiles of the predictions (equal predictions share a bin, so there may be
        fewer), the variant of Nixon et al.; otherwise bins of equal width on [0, 1], the usual one
        (Guo et al.), where a prediction outside falls in the bin at that end.

    References
    ----------
    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    Nixon et al., "Measuring Calibration in Deep Learning", 2019.
    """
    return np.array(
        [_error(p, y, n_bins, equal_mass) for p, y in zip(predicted.T, scores.T, strict=True)]
    )


def _error(predicted: FloatArray, scores: FloatArray, n_bins: int, equal_mass: bool) -> float:
    seen = ~(np.isnan(predicted) | np.isnan(scores))
    predicted, scores = predicted[seen].astype(np.float64), scores[seen].astype(np.float64)
    if not len(scores):
        return float("nan")
    inner = np.arange(1, n_bins) / n_bins
    edges = np.quantile(predicted, inner, method="lower") if equal_mass else inner
    off = np.bincount(np.searchsorted(edges, predicted), weights=predicted - scores)
    return float(np.abs(off).sum() / len(scores))


def by_llm(runs: list[pd.DataFrame]) -> pd.DataFrame:
    """Judge a router's predicted scores of each llm, from its stored rows.

    Parameters
    ----------
    runs : list of DataFrame
        One per seed, of the same llms.

    Returns
    -------
    DataFrame, index llm
        ``n_pairs`` of all seeds; ``score`` and ``predicted``, the means over questions; ``brier``
        and ``calibration_error``; all means over the seeds in which something was both observed
        and predicted, NaN if there is none.
    """
    names = llm_names(runs[0])
    seeds, pairs = [], np.zeros(len(names), dtype=int)
    for run in runs:
        predicted, scores = matrix(run, "predicted_score"), matrix(run, "score")
        known = ~(np.isnan(predicted) | np.isnan(scores))
        pairs += known.sum(axis=0)
        columns = {
            "score": observed_means(np.where(known, scores, np.nan), axis=0),
            "predicted": observed_means(np.where(known, predicted, np.nan), axis=0),
            "brier": brier(predicted, scores),
            "calibration_error": calibration_error(predicted, scores),
        }
        seeds.append(pd.DataFrame(columns, index=pd.Index(names, name="llm")))
    means = pd.concat(seeds).groupby(level=0).mean().loc[names]
    means.insert(0, "n_pairs", pairs)
    return means
