"""How many threads libraries may use: those that are loaded, and those that will be."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

_VARIABLES = (
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"),
    *("RAYON_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
)


@contextmanager
def limited(threads: int | None) -> Iterator[None]:
    """Let libraries of this process use so many threads meanwhile, or as they like if None.

    Threads that share small work wait for each other at every step, most of them by going round
    in a circle: where something else runs on the machine they are many times slower than one.
    """
    if threads is None:
        yield
        return
    with inherited(threads), threadpool_limits(threads), _of_torch(threads):
        yield


@contextmanager
def inherited(threads: int) -> Iterator[None]:
    """Let processes that are started meanwhile, and libraries that are loaded, use so many."""
    before = {name: os.environ.get(name) for name in _VARIABLES}
    os.environ.update(dict.fromkeys(_VARIABLES, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _of_torch(threads: int) -> Iterator[None]:
    torch = sys.modules.get("torch")  # not loaded for routers that need none
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def n_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
