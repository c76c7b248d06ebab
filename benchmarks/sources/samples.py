"""Several answers of an llm to one question: their mean, and how far they spread.

Samples are told apart by the column ``sample`` of ``outcomes.parquet``. Where a question is also
asked under several rotations (orders of its options), samples are averaged within each rotation
first, and their spread is that within rotations: what an llm says of one order from one time to
the next, not what the order does to it.
"""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from benchmarks.sources.parquet import OUTCOMES
from routers.table import FloatArray

log = logging.getLogger(__name__)
_PAIR = ["question", "llm"]


def one_per_rotation(rows: pd.DataFrame) -> pd.DataFrame:
    """Average the samples of each question, llm and rotation.

    Parameters
    ----------
    rows : DataFrame
        Of ``benchmarks.sources.outcomes.checked_rows``.

    Returns
    -------
    DataFrame
        The same without ``sample``; score and cost are means of those known, NaN where none is.
        As it was given where there is no column ``sample``.
    """
    if "sample" not in rows:
        return rows
    values = [name for name in ("score", "cost") if name in rows]
    return rows.groupby(_asked(rows))[values].mean().reset_index()


def spread_of(rows: pd.DataFrame, n: int, m: int) -> FloatArray | None:
    """Return the sample standard deviation of the scores of each pair's samples.

    Parameters
    ----------
    rows : DataFrame
        Of ``benchmarks.sources.outcomes.checked_rows``.
    n, m : int
        Number of questions and llms.

    Returns
    -------
    ndarray of shape (n, m), or None
        In [0, 1]: of k scores the root of their squared distances to their mean over k - 1. Of
        several rotations both are summed up before they are divided. NaN where no rotation has
        two observed scores; None where there is no column ``sample``.
    """
    if "sample" not in rows:
        return None
    scores = rows.groupby(_asked(rows))["score"]
    free = (scores.count() - 1).clip(lower=0)
    found = pd.DataFrame({"squares": scores.var() * free, "free": free})
    found = found.groupby(_PAIR).sum().query("free > 0")
    spread = np.full((n, m), np.nan)
    question, llm = (found.index.get_level_values(name) for name in _PAIR)
    spread[question, llm] = np.sqrt(found["squares"] / found["free"])
    return spread


def _asked(rows: pd.DataFrame) -> list[str]:
    """Return the columns that say what was asked of whom."""
    return [name for name in (*_PAIR, "rotation") if name in rows]


def tell_samples(spread: FloatArray, scores: FloatArray) -> None:
    """Say how many pairs have several samples, and how far these spread.

    Parameters
    ----------
    spread, scores : ndarray of shape (n, m)
        NaN where there are not several, or is none.
    """
    several = ~np.isnan(spread)
    mean = f"; their mean spread is {spread[several].mean():.3f}" if several.any() else ""
    log.info(
        "%s, column 'sample': %s of %s observed pairs have several samples%s.",
        OUTCOMES,
        f"{several.sum():,}",
        f"{(~np.isnan(scores)).sum():,}",
        mean,
    )
