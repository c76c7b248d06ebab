"""Llms arrive one by one: the zoo a router faces at each arrival."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from routers.table import FloatArray


def arrival_zoos(
    names_in_order: Sequence[str], scores: Sequence[float] | FloatArray, keep: int = 5
) -> list[tuple[str, ...]]:
    """Return the zoo at each arrival: the ``keep`` best of those before, and the newcomer.

    Parameters
    ----------
    names_in_order : sequence of str, length m
        Llms in order of arrival, each once.
    scores : sequence of float, length m
        What "best so far" goes by, higher is better, one known score per llm. To keep a router's
        test questions closed, take it from other questions.
    keep : int, default=5
        At least 1.

    Returns
    -------
    list of m tuples of str
        Best first (the earlier of equals), the newcomer last; ``keep + 1`` names, fewer while
        fewer have arrived.

    Raises
    ------
    ValueError
        If a name stands twice, a score is missing, or ``keep`` is below 1.

    References
    ----------
    Zhang, Zhan and Ye, "Capability Instruction Tuning: A New Paradigm for Dynamic LLM Routing",
    AAAI 2025, figure 5.
    """
    names, values = list(names_in_order), np.asarray(scores, dtype=np.float64)
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"'names_in_order' must name each llm once, got {twice} more than once.")
    if values.shape != (len(names),) or np.isnan(values).any():
        raise ValueError(
            f"'scores' must hold one known score for each of {len(names)} llms, got shape "
            f"{values.shape} with {int(np.isnan(values).sum())} NaN. Leave unscored llms out."
        )
    if keep < 1:
        raise ValueError(f"'keep' must be at least 1, got {keep!r}.")
    zoos = []
    for i, newcomer in enumerate(names):
        best = np.argsort(-values[:i], kind="stable")[:keep]
        zoos.append((*(names[j] for j in best), newcomer))
    return zoos
