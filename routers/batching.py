"""Texts grouped by length and read in parallel: what a pretrained network costs on a CPU."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def batches_by_length(
    lengths: Sequence[int], max_total: float = float("inf"), max_size: float = float("inf")
) -> list[np.ndarray]:
    """Group texts of like length, so that little is padded.

    The batches come in a mixed order (the same each time): long and short texts are spread
    evenly, so that the time that is left can be told from the time that went by.

    Parameters
    ----------
    lengths : sequence of int
        Length of each text, in tokens or what stands for them.
    max_total : float
        Largest padded size of a batch: its texts times the longest; a longer text is a batch of
        its own.
    max_size : float
        Most texts in a batch.

    Returns
    -------
    list of ndarray of int
        Positions of the texts of each batch.
    """
    order = np.argsort(lengths, kind="stable")
    found, start = [], 0
    for end in range(1, len(order) + 1):
        size = end + 1 - start  # with the next text, which is the longest so far
        if end == len(order) or size > max_size or size * lengths[order[end]] > max_total:
            found.append(order[start:end])
            start = end
    mixed = np.random.default_rng(0).permutation(len(found))
    return [found[position] for position in mixed]


def run_batches(
    compute: Callable[[np.ndarray], T], batches: Sequence[np.ndarray], on_cpu: bool
) -> Iterator[tuple[np.ndarray, T]]:
    """Compute batch after batch, on a CPU several at a time, and yield each as it is done.

    On a CPU each batch is computed by one thread, as many at a time as torch would use threads for
    one. Threads that share the work of one batch wait for each other at every step: on a machine
    that does something else besides, they are many times slower.

    Parameters
    ----------
    compute : callable
        Called with positions; must release the interpreter lock to gain from threads, as torch
        does.
    batches : sequence of ndarray
    on_cpu : bool

    Yields
    ------
    ndarray, result
        In the order of ``batches``.
    """
    import torch

    threads = min(torch.get_num_threads(), len(batches)) if on_cpu else 1
    if threads < 2:
        for batch in batches:
            yield batch, compute(batch)
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield from _in_order(pool, compute, batches, 2 * threads)
    finally:
        torch.set_num_threads(before)


def _in_order(
    pool: ThreadPoolExecutor,
    compute: Callable[[np.ndarray], T],
    batches: Sequence[np.ndarray],
    ahead: int,
) -> Iterator[tuple[np.ndarray, T]]:
    """Yield results in order, with few batches ahead, so that a stop wastes little."""
    waiting: deque = deque()
    try:
        for batch in batches:
            waiting.append((batch, pool.submit(compute, batch)))
            if len(waiting) >= ahead:
                done, future = waiting.popleft()
                yield done, future.result()
        while waiting:
            done, future = waiting.popleft()
            yield done, future.result()
    finally:
        for _, future in waiting:
            future.cancel()
