"""Train and test rows: k-fold, hold-out or as given, with duplicates kept on one side."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.duplicates import duplicate_groups
from routers.constraints import SEED, Integer, Real
from routers.table import RoutingTable
from routers.validation import checked, refusal

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fold:
    """Positions of training and test questions in a table."""

    train: np.ndarray
    test: np.ndarray


@checked(seed=SEED, n_folds=Integer(2))
def kfold(table: RoutingTable, seed: int, n_folds: int = 5) -> list[Fold]:
    """Cut the questions into folds, each tested once; datasets are spread evenly.

    Parameters
    ----------
    table : RoutingTable
    seed : int
    n_folds : int, default=5
        Between 2 and the number of distinct questions.

    Returns
    -------
    list of Fold
        A question's fold depends on the table's content and the seed, not on row order.
    """
    groups, order = _shuffled_groups(table, seed)
    if n_folds > len(order):
        must = f"between 2 and {len(order)}, the number of distinct questions"
        raise refusal("kfold", "n_folds", must, n_folds)
    fold_of = np.empty(len(order), dtype=int)
    fold_of[order] = np.arange(len(order)) % n_folds
    fold = fold_of[groups]
    return [Fold(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n_folds)]


@checked(seed=SEED, test_share=Real(0, 1, open_low=True, open_high=True))
def holdout(table: RoutingTable, seed: int, test_share: float = 0.3) -> list[Fold]:
    """Hold out a share of each dataset's questions, once.

    Parameters
    ----------
    table : RoutingTable
    seed : int
    test_share : float, default=0.3
        Between 0 and 1, both excluded.
    """
    groups, order = _shuffled_groups(table, seed)
    # the groups of a dataset stand together in the order: take every 1/share-th of the walk
    steps = np.floor(np.arange(1, len(order) + 1) * test_share)
    is_test = np.empty(len(order), dtype=bool)
    is_test[order] = np.diff(steps, prepend=0) > 0
    return [Fold(np.flatnonzero(~is_test[groups]), np.flatnonzero(is_test[groups]))]


@checked(seed=SEED)
def given(table: RoutingTable, seed: int) -> list[Fold]:
    """Split as the source says; training questions that recur in test are left out.

    Parameters
    ----------
    table : RoutingTable
        Every question marked ``train`` or ``test``.
    seed : int
        Not used: the split is fixed.
    """
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
    groups = duplicate_groups(table)
    straddles = ~is_test & np.isin(groups, groups[is_test])
    if straddles.any():
        log.warning("%d training questions recur in test and are left out", straddles.sum())
    return [Fold(np.flatnonzero(~is_test & ~straddles), np.flatnonzero(is_test))]


def _shuffled_groups(table: RoutingTable, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each question's group, and the groups dataset by dataset, shuffled within each."""
    groups = duplicate_groups(table)
    first: dict[int, tuple[str, str]] = {}
    for group, dataset, name in sorted(
        zip(groups, table.datasets, table.ids, strict=True), key=lambda row: row[1:]
    ):
        first.setdefault(int(group), (str(dataset), str(name)))

    def key(group: int) -> tuple[str, str]:
        dataset, name = first[group]
        return dataset, hashlib.sha256(f"{seed}\x1f{name}".encode()).hexdigest()

    return groups, np.array(sorted(first, key=key))
