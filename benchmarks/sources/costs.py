"""The costs of a data folder: those of the outcomes, or what stands in for them."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from benchmarks.sources.columns import numbers
from benchmarks.sources.names import first_of
from benchmarks.sources.parquet import LLMS

log = logging.getLogger(__name__)


def costs_or_stand_in(
    costs: np.ndarray | None,
    facts: pd.DataFrame | None,
    llms: np.ndarray,
    cost_column: str | None,
    cost_unit: str,
) -> tuple[np.ndarray | None, str]:
    """Return costs and their unit: those of the outcomes, else what stands in for them.

    A column without any value is as good as none, unless it is asked for by name.

    Parameters
    ----------
    costs : ndarray of shape (n, m), or None
        Of the outcomes, in ``cost_unit``.
    facts : DataFrame or None
        One row per llm, its name the index.
    llms : ndarray of str, shape (m,)
    cost_column : str or None
        Column of ``facts`` that is taken in place of the outcomes' costs.
    cost_unit : str

    Returns
    -------
    costs : ndarray of shape (n, m) or (m,), or None
        NaN where unknown; None where no cost is known at all.
    unit : str
    """
    if cost_column is None and costs is not None and not np.isnan(costs).all():
        return costs, cost_unit
    column = cost_column or "params_b"
    if facts is not None and column in facts:
        values = numbers(facts, column, LLMS).reindex(llms).to_numpy()
        if (values >= 0).any():
            return np.where(values < 0, np.nan, values), f"{column} (proxy)"
    if cost_column is not None:
        raise ValueError(
            f"{LLMS} must have a column {cost_column!r} to stand in for cost, with a value of at "
            "least 0 for some llm that has outcomes. Name another column, or none."
        )
    return None, cost_unit


def tell_partly_known(
    costs: np.ndarray | None, scores: np.ndarray, llms: np.ndarray, unit: str
) -> None:
    """Remark on costs that are known for only a part of the outcomes.

    Parameters
    ----------
    costs : ndarray of shape (n, m) or (m,), or None
    scores : ndarray of shape (n, m)
        NaN where not observed.
    llms : ndarray of str, shape (m,)
    unit : str
    """
    if costs is None:
        return
    observed = ~np.isnan(scores)
    priced = observed & ~np.isnan(costs)
    if priced.sum() == observed.sum():
        return
    unpriced = llms[observed.any(axis=0) & ~priced.any(axis=0)]
    log.warning(
        "The cost in %s is known for %.1f%% of the outcomes%s.",
        unit,
        100 * priced.sum() / observed.sum(),
        f", and for no outcome of {first_of(unpriced)}" if len(unpriced) else "",
    )
