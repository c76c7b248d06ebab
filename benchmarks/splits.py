"""Train and test rows: k-fold, hold-out or as given, with duplicates kept on one side.

With ``near_duplicates``, a similarity, near-duplicates are kept on one side too. So are questions
of one group, and with them their duplicates, those of one group with these, and so on.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.duplicates import duplicate_groups
from benchmarks.groups import joined, units_of
from benchmarks.near_duplicates import SIMILARITY, near_duplicate_groups, near_duplicates_across
from routers.constraints import SEED, Integer, Real
from routers.table import RoutingTable
from routers.validation import checked, refusal

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fold:
    """Positions of training and test questions in a table."""

    train: np.ndarray
    test: np.ndarray


@checked(seed=SEED, n_folds=Integer(2), near_duplicates=SIMILARITY | None)
def kfold(
    table: RoutingTable, seed: int, n_folds: int = 5, near_duplicates: float | None = None
) -> list[Fold]:
    """Cut the questions into folds, each tested once; datasets are spread evenly.

    What is kept on one side (duplicates, a group) counts as one, whatever the number of its
    questions: folds are of one size in such units.

    Parameters
    ----------
    table : RoutingTable
    seed : int
    n_folds : int, default=5
        Between 2 and the number of distinct questions (with ``near_duplicates`` or groups, of
        what is kept on one side).
    near_duplicates : float, optional
        In [0.5, 1]: questions of at least this similarity are kept on one side, and with them
        those similar to them (:func:`benchmarks.near_duplicates.near_duplicate_groups`). By
        default only duplicates are.

    Returns
    -------
    list of Fold
        A question's fold depends on the table's content and the seed, not on row order.
    """
    groups, order = _shuffled_groups(table, seed, near_duplicates)
    if n_folds > len(order):
        must = f"between 2 and {len(order)}, the number of {_what_is_kept(table, near_duplicates)}"
        raise refusal("kfold", "n_folds", must, n_folds)
    fold_of = np.empty(len(order), dtype=int)
    fold_of[order] = np.arange(len(order)) % n_folds
    fold = fold_of[groups]
    return [Fold(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n_folds)]


@checked(
    seed=SEED,
    test_share=Real(0, 1, open_low=True, open_high=True),
    near_duplicates=SIMILARITY | None,
)
def holdout(
    table: RoutingTable, seed: int, test_share: float = 0.3, near_duplicates: float | None = None
) -> list[Fold]:
    """Hold out a share of each dataset's questions, once.

    What is kept on one side (duplicates, a group) counts as one question, of the dataset of the
    first of them by name.

    Parameters
    ----------
    table : RoutingTable
    seed : int
    test_share : float, default=0.3
        Between 0 and 1, both excluded.
    near_duplicates : float, optional
        As in :func:`kfold`.
    """
    groups, order = _shuffled_groups(table, seed, near_duplicates)
    # the groups of a dataset stand together in the order: take every 1/share-th of the walk
    steps = np.floor(np.arange(1, len(order) + 1) * test_share)
    is_test = np.empty(len(order), dtype=bool)
    is_test[order] = np.diff(steps, prepend=0) > 0
    return [Fold(np.flatnonzero(~is_test[groups]), np.flatnonzero(is_test[groups]))]


@checked(seed=SEED, near_duplicates=SIMILARITY | None)
def given(table: RoutingTable, seed: int, near_duplicates: float | None = None) -> list[Fold]:
    """Split as the source says; training questions that recur in test are left out and counted.

    So are training questions of which one of the same group is in test.

    Parameters
    ----------
    table : RoutingTable
        Every question marked ``train`` or ``test``.
    seed : int
        Not used: the split is fixed.
    near_duplicates : float, optional
        In [0.5, 1]: training questions in the group of a test question at this similarity
        (:func:`benchmarks.near_duplicates.near_duplicate_groups`) are left out too.

    Raises
    ------
    ValueError
        If a question is not marked, or nothing is left to learn from or to be tested on.
    """
    train, test = _marked(table)
    groups = _groups(table, near_duplicates)
    recurring = near_duplicates_across(groups, test, train)
    left = np.setdiff1d(train, recurring)
    again = "recur"
    if near_duplicates is not None:
        again += f" (similarity {near_duplicates:g} or more)"
    if units_of(table.groups) is not None:
        again += " or have their group"
    if not len(left):
        raise ValueError(
            f"the given split must leave training questions, got {len(train)} that all {again} in "
            "test. Mark others, or use kfold."
        )
    if len(recurring):
        log.warning("%d training questions %s in test and are left out", len(recurring), again)
    return [Fold(left, test)]


def _marked(table: RoutingTable) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the questions marked train, and of those marked test."""
    unknown = ~pd.Series(table.splits).isin(("train", "test")).to_numpy()
    if unknown.any():
        row = int(np.argmax(unknown))
        raise ValueError(
            f"question {table.ids[row]!r} must be marked 'train' or 'test' for the given split, "
            f"got {table.splits[row]!r}. Fill column 'split' of questions.parquet, or use kfold."
        )
    is_test = table.splits == "test"
    if is_test.all() or not is_test.any():
        raise ValueError("the given split must have both train and test questions.")
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def _groups(table: RoutingTable, near_duplicates: float | None) -> np.ndarray:
    """Return a number per question; those that share it are kept on one side."""
    if near_duplicates is None:
        alike = duplicate_groups(table)
    else:
        alike = near_duplicate_groups(table, near_duplicates)
    return joined(alike, units_of(table.groups))


def _what_is_kept(table: RoutingTable, near_duplicates: float | None) -> str:
    """Name what a split keeps on one side."""
    if units_of(table.groups) is not None:
        return "groups of questions that are kept on one side"
    return "distinct questions" if near_duplicates is None else "groups of near-duplicates"


def _shuffled_groups(
    table: RoutingTable, seed: int, near_duplicates: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return each question's group, and the groups dataset by dataset, shuffled within each."""
    groups = _groups(table, near_duplicates)
    first: dict[int, tuple[str, str]] = {}
    for group, dataset, name in sorted(
        zip(groups, table.datasets, table.ids, strict=True), key=lambda row: row[1:]
    ):
        first.setdefault(int(group), (str(dataset), str(name)))

    def key(group: int) -> tuple[str, str]:
        dataset, name = first[group]
        return dataset, hashlib.sha256(f"{seed}\x1f{name}".encode()).hexdigest()

    return groups, np.array(sorted(first, key=key))
