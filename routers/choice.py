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
    by_name = np.argsort(np.array(list(llms), dtype=object))
    utility = np.asarray(scores, dtype=np.float64)[:, by_name]
    costs = np.asarray(costs, dtype=np.float64)[:, by_name]
    if price:
        utility = utility - price * costs
    if eligible is not None:
        utility = np.where(np.asarray(eligible)[:, by_name], utility, np.nan)
    utility = np.where(np.isnan(utility), -np.inf, utility)
    best = utility.max(axis=1, keepdims=True, initial=-np.inf)
    if np.isneginf(best).any():
        row = int(np.argmax(np.isneginf(best)))
        why = "every score is NaN" if price == 0 else "no llm has both a score and a cost"
        which = "" if eligible is None else " among the eligible"
        raise ValueError(
            f"question {row} has no llm to choose{which}: {why}. "
            "Observe at least one outcome, or route at price 0."
        )
    tie_cost = np.where(np.isnan(costs), np.inf, costs)
    tie_cost = np.where(utility == best, tie_cost, np.inf)
    # argmin takes the first of equals; where even the cheapest tied llm has no known cost,
    # every entry is inf and the first *tied* one is wanted
    cheapest = tie_cost == tie_cost.min(axis=1, keepdims=True)
    return by_name[np.argmax((utility == best) & cheapest, axis=1)]
