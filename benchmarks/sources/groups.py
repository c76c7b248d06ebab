"""Which questions of a data folder hang together: the column ``group`` of ``questions.parquet``."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from benchmarks.sources.columns import coded
from benchmarks.sources.names import tell_lookalikes, tell_missing_as_text
from benchmarks.sources.parquet import QUESTIONS

log = logging.getLogger(__name__)


def groups_of(questions: pd.DataFrame, datasets: np.ndarray) -> np.ndarray | None:
    """Return the group of each question, and say how many there are of several questions.

    Parameters
    ----------
    questions : DataFrame
        As in ``questions.parquet``.
    datasets : ndarray of str, shape (n,)

    Returns
    -------
    ndarray of str, shape (n,), or None
        ``""`` where a question is its own group; None without a column ``group``.

    Raises
    ------
    ValueError
        Naming file, row and column of the first value that is no name.
    """
    if "group" not in questions:
        return None
    found = coded(questions, "group", QUESTIONS, required=False)
    # made a text, missing values would be one large group
    tell_missing_as_text(found.values, "group", QUESTIONS)
    tell_lookalikes(found.values, "group", QUESTIONS)
    groups = np.append(found.values, "")[found.codes]
    _tell_groups(groups, datasets)
    return groups


def _tell_groups(groups: np.ndarray, datasets: np.ndarray) -> None:
    named = pd.DataFrame({"group": groups, "dataset": datasets})[groups != ""]
    by_group = named.groupby("group")["dataset"].agg(["size", "nunique"])
    several = by_group[by_group["size"] > 1]
    log.info(
        "%s, column 'group': %s of %s questions are in %s groups of several; groups that span "
        "datasets: %s.",
        QUESTIONS,
        f"{several['size'].sum():,}",
        f"{len(groups):,}",
        f"{len(several):,}",
        f"{(several['nunique'] > 1).sum():,}",
    )
