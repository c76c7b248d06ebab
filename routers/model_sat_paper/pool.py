"""Which llms of a large pool to learn from."""

from __future__ import annotations

import numpy as np

from routers._targets import column_means
from routers.table import RoutingTable


def draw_stratified(pool: RoutingTable, size: int, seed: int) -> RoutingTable:
    """Draw llms of every strength: one of each of ``size`` equal strata of mean score.

    Parameters
    ----------
    pool : RoutingTable
        Canonical, each llm with an observed score.
    size : int
        At least 1; a smaller pool is returned whole.
    seed : int
    """
    if pool.n_llms <= size:
        return pool
    by_strength = np.argsort(column_means(pool.scores), kind="stable")
    rng = np.random.default_rng(seed)
    drawn = [rng.choice(stratum) for stratum in np.array_split(by_strength, size)]
    return pool.select(sorted(pool.llms[drawn]))
