"""Questions of one group (a passage, a template, paraphrases): one unit of splits and intervals.

Their outcomes rise and fall together, so that ten questions on a passage tell less than ten
questions. A group that is named ``""`` is none: the question is its own unit.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from benchmarks.scoring import FloatArray


def units_of(groups: np.ndarray) -> np.ndarray | None:
    """Return a number per question, the same for those of one group.

    Parameters
    ----------
    groups : ndarray of str, shape (n,)
        ``""`` for a question of its own.

    Returns
    -------
    ndarray of int, shape (n,), or None
        Counted from 0 in the order of the questions; None if each question is its own.
    """
    named = groups != ""
    if not named.any():
        return None
    alone = len(groups) + np.arange(len(groups))
    return pd.factorize(np.where(named, pd.factorize(groups)[0], alone))[0]


def group_column(every: np.ndarray, judged: np.ndarray) -> dict[str, np.ndarray]:
    """Return the column that rows of some questions of a table have; none where it has no groups.

    Parameters
    ----------
    every : ndarray of str, shape (n,)
        The groups of all questions, so that the rows of every fold have the same columns.
    judged : ndarray of str
        Those of the questions that rows are made of.
    """
    return {"group": judged} if (every != "").any() else {}


def per_unit(values: FloatArray, units: np.ndarray | None) -> FloatArray:
    """Sum values over the questions of each unit.

    Parameters
    ----------
    values : ndarray of shape (n,) or (k, n)
    units : ndarray of int, shape (n,), or None
        Each question's. None: each its own.

    Returns
    -------
    ndarray of shape (n_units,) or (k, n_units)
        In the order in which the units first appear.
    """
    if units is None:
        return values
    place, found = pd.factorize(units)
    sums = np.zeros((*values.shape[:-1], len(found)))
    np.add.at(sums.T, place, values.T)
    return sums


def joined(one: np.ndarray, other: np.ndarray | None) -> np.ndarray:
    """Return the smallest groups that keep whole what either of two groupings keeps whole.

    Parameters
    ----------
    one, other : ndarray of int, shape (n,)
        A number below n per question, the same for those of one group; ``other`` None: each its
        own.

    Returns
    -------
    ndarray of int, shape (n,)
        Counted from 0 in the order of the questions: transitive over both.
    """
    if other is None:
        return one
    n = len(one)
    # a question is an edge between its two groups
    graph = coo_array((np.ones(n), (one, n + other)), shape=(2 * n, 2 * n))
    return pd.factorize(connected_components(graph)[1][one])[0]
