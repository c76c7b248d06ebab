"""Pools for tests: noisy relatives of a table's llms."""

from __future__ import annotations

import numpy as np

from routers.table import RoutingTable


def pool_of(table: RoutingTable, copies: int = 6) -> RoutingTable:
    """Return noisy relatives of every llm of a table: who they resemble is in their name."""
    rng = np.random.default_rng(0)
    names, columns = [], []
    for llm, scores in zip(table.llms, table.scores.T, strict=True):
        for copy in range(copies):
            flip = rng.random(len(scores)) < 0.05
            columns.append(np.where(flip, 1 - scores, scores))
            names.append(f"pool/{llm}/{copy}")
    return RoutingTable(
        questions=table.questions,
        scores=np.stack(columns, axis=1),
        llms=names,
        ids=table.ids,
        datasets=table.datasets,
    )
