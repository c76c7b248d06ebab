"""``choose``, the one decision rule of routers, floors and bounds."""

from __future__ import annotations

import numpy as np

from routers.constraints import Real
from routers.table import FloatArray, Texts
from routers.validation import checked


@checked(price=Real(0))
def choose(
    scores: FloatArray,
    costs: FloatArray,
    llms: Texts,
    price: float = 0.0,
    eligible: np.ndarray | None = None,
) -> np.ndarray:
    """Choose an llm per question: the largest ``score - price * cost``.

    Ties go to the cheaper llm, then to the first in alphabetical order, so that the order of the
    columns never matters. An llm whose score is NaN is never chosen; nor is one whose cost is
    unknown while a price is asked (a missing cost must not count as free), nor one that cannot
    answer the question.

    Parameters
    ----------
    scores : ndarray of shape (n, m)
        Expected score of each llm, in [0, 1].
    costs : ndarray of shape (n, m)
        Expected cost, NaN where unknown.
    llms : sequence of str, length m
        Names of the candidates.
    price : float, default=0.0
        Score one gives up per unit of cost, at least 0.
    eligible : ndarray of bool, shape (n, m), optional
        Whether the llm can answer the question at all; by default each can.

    Returns
    -------
    ndarray of int, shape (n,)
        Index into ``llms``.

    Raises
    ------
    ValueError
        If ``price`` is negative or not finite, or if a question has no llm left to choose.
    """
    utility = np.asarray(scores, dtype=np.float64)
    costs = np.asarray(costs, dtype=np.float64)
    if price:
        utility = utility - price * costs
    if eligible is not None:
        utility = np.where(np.asarray(eligible), utility, np.nan)
    best = np.fmax.reduce(utility, axis=1, initial=-np.inf)  # which ignores NaN
    if np.isneginf(best).any():
        row = int(np.argmax(np.isneginf(best)))
        why = "every score is NaN" if price == 0 else "no llm has both a score and a cost"
        which = "" if eligible is None else " among the eligible"
        raise ValueError(
            f"question {row} has no llm to choose{which}: {why}. "
            "Observe at least one outcome, or route at price 0."
        )
    tied = utility == best[:, None]
    choice = tied.argmax(axis=1)
    several = np.flatnonzero(np.count_nonzero(tied, axis=1) > 1)
    if len(several):
        choice[several] = _untied(tied[several], costs[several], llms)
    return choice


def _untied(tied: np.ndarray, costs: FloatArray, llms: Texts) -> np.ndarray:
    """Return the cheapest of the tied llms of each row, of several the first by name, (n,)."""
    # where not even the cheapest has a known cost, all that are tied stay in
    tie_cost = np.where(tied & ~np.isnan(costs), costs, np.inf)
    left = tied & (tie_cost == tie_cost.min(axis=1, keepdims=True))
    rank = np.empty(len(llms), dtype=np.int64)
    rank[np.argsort(np.array(list(llms), dtype=object))] = np.arange(len(llms))
    return np.where(left, rank, len(rank)).argmin(axis=1)
