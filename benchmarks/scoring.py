"""What policies score and cost, per question and on average: the one place that works it out.

Arrays in, arrays and numbers out. Scores are in [0, 1], higher is better; NaN is what was not
observed, and a choice of -1 is none. A policy is a router, a floor or a bound. Nothing here knows
of routers, files or frames. Definitions: ``docs/metrics.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

FloatArray = np.ndarray


def chosen(values: FloatArray, choice: np.ndarray) -> FloatArray:
    """Return the entry of the chosen llm of each row of (n, m), NaN where the choice is -1."""
    taken = values[np.arange(len(values)), choice].astype(np.float64)
    return np.where(choice < 0, np.nan, taken)


def equal_by_luck(scores: FloatArray, first: np.ndarray, second: np.ndarray) -> bool:
    """Tell whether two choices (n,) of different llms have the same scores (n, m) everywhere."""
    same = chosen(scores, first) == chosen(scores, second)
    return bool(same.all() and (first != second).any())


def random_score(scores: FloatArray) -> FloatArray:
    """Return the expected score of a uniformly random llm on each question, shape (n,)."""
    return observed_means(scores, axis=1)


def random_cost(scores: FloatArray, costs: FloatArray) -> FloatArray:
    """Return the mean cost of the observed llms, NaN where one is unknown or there are none."""
    seen = ~np.isnan(scores)
    count = seen.sum(axis=1)
    return np.where(seen, costs, 0).sum(axis=1) / np.where(count, count, np.nan)


def oracle(scores: FloatArray, costs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the best observed score of each question, and the least that it is known to cost.

    Parameters
    ----------
    scores, costs : ndarray of shape (n, m)

    Returns
    -------
    best, cost : ndarray of shape (n,)
        The cost is NaN where that of no llm with the best score is known.
    """
    best = _row_best(scores)
    paid = np.where((scores == best[:, None]) & ~np.isnan(costs), costs, np.inf).min(axis=1)
    return best, np.where(np.isinf(paid), np.nan, paid.astype(np.float64))


def corrected_oracle_score(
    scores: FloatArray, chance: FloatArray, datasets: np.ndarray
) -> FloatArray:
    """Return what an oracle would score that cannot foresee lucky guesses, shape (n,).

    An llm with accuracy ``a`` on the questions of a dataset where guessing succeeds with
    probability ``g``, knows a share ``k`` with ``a = k + (1 - k) g``; of its right answers a share
    ``k / a`` is known. If the right answers to a question come from llms that know it with those
    probabilities, independently, then at least one knows it with probability
    ``1 - prod (1 - k / a)``, and otherwise the best one can do is guess. Open questions (g = 0)
    keep the plain oracle; so do fractional scores.

    Parameters
    ----------
    scores : ndarray of shape (n, m)
    chance : ndarray of shape (n,)
        Probability of guessing right.
    datasets : ndarray of str, shape (n,)
        Accuracies are of the questions of a dataset that have the same chance: open questions
        among them say nothing of luck, nor do those of another number of options.

    Returns
    -------
    ndarray of shape (n,)
        NaN for a question without any outcome.
    """
    best = _row_best(scores)
    unknown = np.ones(len(scores))
    for rows in pd.Series(datasets).groupby([datasets, chance]).indices.values():
        guess = chance[rows[0]]
        accuracy = observed_means(scores[rows], axis=0)
        known = np.maximum(accuracy - guess, 0) / (1 - guess)
        share = np.divide(known, accuracy, out=np.zeros_like(known), where=accuracy > 0)
        lucky = np.where(scores[rows] == 1, 1 - share, 1.0)
        unknown[rows] = lucky.prod(axis=1)
    return np.where(best == 1, 1 - (1 - chance) * unknown, best)


def _row_best(scores: FloatArray) -> FloatArray:
    """Return the largest observed score of each row, NaN where there is none."""
    best = np.where(np.isnan(scores), -np.inf, scores).max(axis=1).astype(np.float64)
    return np.where(np.isneginf(best), np.nan, best)


def observed_means(values: FloatArray, axis: int) -> FloatArray:
    """Mean along an axis of what is not NaN, in double precision; NaN where there is nothing."""
    seen = ~np.isnan(values)
    total = np.where(seen, values, 0).sum(axis=axis, dtype=np.float64)
    count = seen.sum(axis=axis)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


class Datasets:
    """Which questions are of which dataset, found once for many means.

    Parameters
    ----------
    datasets : ndarray of str, shape (n,)
    """

    def __init__(self, datasets: np.ndarray):
        group, names = pd.factorize(datasets, sort=True)
        self.questions = {
            str(name): np.flatnonzero(group == place) for place, name in enumerate(names)
        }


def macro_mean(values: FloatArray, datasets: np.ndarray | Datasets) -> float:
    """Mean over datasets of the mean within each, in [0, 1] for scores, higher is better.

    Parameters
    ----------
    values : ndarray of shape (n_seeds, n)
        NaN is left out; a dataset without any value is left out; NaN if nothing is left.
    datasets : ndarray of str, shape (n,), or Datasets
    """
    means = [mean for mean in dataset_means(values, datasets).values() if not np.isnan(mean)]
    return float(np.mean(means)) if means else float("nan")


def macro_weights(datasets: np.ndarray) -> FloatArray:
    """Return weights (n,) under which a sum over questions is their :func:`macro_mean`."""
    _, group, size = np.unique(datasets, return_inverse=True, return_counts=True)
    return 1 / (len(size) * size[group])


def dataset_means(values: FloatArray, datasets: np.ndarray | Datasets) -> dict[str, float]:
    """Mean of values (n_seeds, n) within each dataset, NaN where it has no value."""
    of = datasets if isinstance(datasets, Datasets) else Datasets(datasets)
    return {name: mean(values[:, rows]) for name, rows in of.questions.items()}


def mean(values: FloatArray) -> float:
    """Mean of all that is not NaN, NaN if nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def mean_cost(costs: FloatArray, scores: FloatArray, datasets: np.ndarray | Datasets) -> float:
    """Macro mean of what choices cost; NaN unless the cost of every scored choice is known.

    A mean over the known costs would make whoever chooses the unknown ones look cheap.

    Parameters
    ----------
    costs, scores : ndarray of shape (n_seeds, n)
        Of what was chosen; a score is NaN where nothing was.
    datasets : ndarray of str, shape (n,), or Datasets
    """
    known = not (np.isnan(costs) & ~np.isnan(scores)).any()
    return macro_mean(costs, datasets) if known else float("nan")


def gap_closed(router: Any, best_single: Any, oracle: Any) -> Any:
    """``(router - best single) / (oracle - best single)``: 0 the best single llm, 1 the oracle.

    Negative below the best single llm; NaN where the two references coincide (there is no gap to
    close). Works on arrays of replicates alike.

    References
    ----------
    Lindauer, van Rijn and Kotthoff, "The algorithm selection competitions 2015 and 2017", 2019.
    """
    gap = np.asarray(oracle - best_single)
    share = np.divide(router - best_single, gap, out=np.full(gap.shape, np.nan), where=gap > 1e-12)
    return share if share.ndim else float(share)


def selection_entropy(share: Mapping[str, float]) -> float:
    """Entropy of the shares sent to each llm, in bits: 0 (always the same llm) to log2 m (alike).

    NaN if a share is.
    """
    p = np.array([value for value in share.values() if value != 0])
    return float(abs((p * np.log2(p)).sum()))
