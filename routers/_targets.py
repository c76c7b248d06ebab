"""Means of partly observed scores, shared by the families."""

from __future__ import annotations

import numpy as np

from routers.table import FloatArray


def shrunken_means(weights: FloatArray, scores: FloatArray, prior: float) -> FloatArray:
    """Weighted mean score of each llm per group, pulled toward the llm's overall mean.

    ``(sum_i w_gi s_ij + prior * mean_j) / (sum_i w_gi + prior)`` over the observed scores of llm
    ``j``. The prior decides among llms that tie in a group by how good they are overall, and a
    group in which nothing of an llm was observed falls back on that mean.

    Parameters
    ----------
    weights : ndarray or sparse array of shape (g, n)
        Weight of each question in each group, at least 0.
    scores : ndarray of shape (n, m)
        NaN where not observed.
    prior : float
        Weight of the overall mean, in questions, at least 0.

    Returns
    -------
    ndarray of shape (g, m)
    """
    return mean_with_prior(weights, *observed(scores), prior)


def membership(names: np.ndarray, labels: np.ndarray) -> FloatArray:
    """Return which of the groups ``names`` (g,) each label (n,) is: 1 or 0, shape (g, n)."""
    return (names[:, None] == labels[None, :]).astype(np.float64)


def observed(scores: FloatArray) -> tuple[FloatArray, FloatArray | None, np.ndarray]:
    """Split scores into values (0 where unobserved), mask (None if complete) and llm means."""
    missing = np.isnan(scores)
    if not missing.any():
        return scores, None, scores.mean(axis=0, dtype=np.float64)
    values = np.where(missing, 0, scores).astype(np.float32)
    mask = (~missing).astype(np.float32)
    count = mask.sum(axis=0, dtype=np.float64)
    total = values.sum(axis=0, dtype=np.float64)
    overall = total.sum() / count.sum() if count.sum() else 0.0
    means = np.divide(total, count, out=np.full(len(count), overall), where=count > 0)
    return values, mask, means


def mean_with_prior(
    weights: FloatArray,
    values: FloatArray,
    mask: FloatArray | None,
    means: np.ndarray,
    prior: float,
) -> FloatArray:
    """Return :func:`shrunken_means` from scores already split by :func:`observed`."""
    total = weights @ values
    count = np.asarray(weights.sum(axis=1)).reshape(-1, 1) if mask is None else weights @ mask
    if prior > 0:
        return (total + prior * means) / (count + prior)
    fallback = np.broadcast_to(means, total.shape).copy()
    return np.divide(total, count, out=fallback, where=count > 0)


def column_means(values: FloatArray) -> np.ndarray:
    """Mean of the observed values per column, NaN where there is none."""
    observed = ~np.isnan(values)
    total = np.where(observed, values, 0).sum(axis=0, dtype=np.float64)
    count = observed.sum(axis=0)
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)


def log_odds(scores: FloatArray) -> FloatArray:
    """Log-odds of each llm's mean observed score, kept finite, shape (m,)."""
    means = np.clip(column_means(scores), 0.02, 0.98)
    return np.log(means / (1 - means)).astype(np.float32)


def best_shares(scores: FloatArray) -> FloatArray:
    """Share of each llm in being the best of a question: 1/t for each of the t llms that tie.

    Parameters
    ----------
    scores : ndarray of shape (n, m)
        NaN where not observed.

    Returns
    -------
    ndarray of shape (n, m)
        Rows sum to 1; NaN where not observed, in which case the others share.
    """
    missing = np.isnan(scores)
    values = np.where(missing, -np.inf, scores)
    best = (values == values.max(axis=1, keepdims=True)) & ~missing
    shares = best / np.maximum(best.sum(axis=1, keepdims=True), 1)
    return np.where(missing, np.nan, shares).astype(np.float32)
