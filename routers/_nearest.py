"""Exact search for the nearest rows: a product in blocks, then selection by maxima of groups."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from routers.table import FloatArray

# What a block of rows takes; what is worked out from it takes about as much again.
_BLOCK_BYTES = 32 * 2**20


def row_blocks(n: int, width: int) -> Iterator[slice]:
    """Yield ``n`` rows in blocks, each of 32 MB at most where a row is ``width`` float32 numbers.

    Parameters
    ----------
    n, width : int
    """
    size = max(1, _BLOCK_BYTES // (4 * max(width, 1)))
    for start in range(0, n, size):
        yield slice(start, start + size)


def nearest_rows(vectors: FloatArray, reference: FloatArray, k: int) -> np.ndarray:
    """Return which rows of ``reference`` have the largest product with each vector.

    Parameters
    ----------
    vectors : ndarray of shape (n, d)
    reference : ndarray of shape (n_ref, d)
        At least one row.
    k : int, at least 1
        All rows are returned where ``reference`` has fewer. Which of several rows with the same
        product stand at the end is not told.

    Returns
    -------
    ndarray of int, shape (n, min(k, n_ref))
        Ascending.
    """
    k = min(k, len(reference))
    found = np.empty((len(vectors), k), dtype=np.intp)
    for rows in row_blocks(len(vectors), len(reference)):
        found[rows] = largest(vectors[rows] @ reference.T, k)
    found.sort(axis=1)  # sums over neighbours do not depend on how these were found
    return found


def largest(values: FloatArray, k: int) -> np.ndarray:
    """Return the positions of the ``k`` largest entries per row, unordered.

    Columns are dealt out to groups, whose maxima are found at the speed of memory. The largest
    entries stand in the ``k`` groups with the largest maxima: only there does a selection look.

    Parameters
    ----------
    values : ndarray of shape (n, m), finite
    k : int, at most m

    Returns
    -------
    ndarray of int, shape (n, k)
    """
    m = values.shape[1]
    if k == m:
        return np.broadcast_to(np.arange(m), values.shape)
    depth = int(np.sqrt(m / k))  # entries of a group: maxima and candidates are as many
    n_groups = -(-m // depth)
    if depth == 1 or n_groups <= k:
        return np.argpartition(values, -k, axis=1)[:, -k:]
    best = np.argpartition(_group_maxima(values, n_groups), -k, axis=1)[:, -k:]
    steps = np.arange(depth) * n_groups
    candidates = (steps[:, None] + best[:, None, :]).reshape(len(values), -1)
    found = np.take_along_axis(values, np.minimum(candidates, m - 1), axis=1)
    found[candidates >= m] = -np.inf  # some groups have an entry less
    chosen = np.argpartition(found, -k, axis=1)[:, -k:]
    return np.take_along_axis(candidates, chosen, axis=1)


def _group_maxima(values: FloatArray, n_groups: int) -> FloatArray:
    """Return the largest entry of each group: those ``n_groups`` columns apart, shape (n, g)."""
    maxima = values[:, :n_groups].copy()
    for start in range(n_groups, values.shape[1], n_groups):
        part = values[:, start : start + n_groups]
        head = maxima[:, : part.shape[1]]
        np.maximum(head, part, out=head)
    return maxima
