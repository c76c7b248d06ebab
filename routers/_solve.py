"""The reference solver of an allocation's programme: the method that suits it."""

from __future__ import annotations

import numpy as np

from routers._highs import by_relaxation, in_whole, least_weight_under_capacities
from routers._one_price import by_one_price
from routers._programme import Programme
from routers.choice import choose

_EXACT = 300  # at most this many pairs of question and llm: solved in whole numbers at once


def solve(problem: Programme) -> tuple[np.ndarray, float]:
    """Return a choice per question and a lower bound on the mean objective.

    Raises
    ------
    InfeasibleError
    """
    n = len(problem.objective)
    # where the limit does not bind there is nothing to trade, and ties are decided as everywhere
    free = choose(-problem.objective, problem.weight, problem.llms)
    if problem.keeps(free):
        return free, problem.totals(free)[0] / n
    if problem.objective.size <= _EXACT:
        _require_kept(problem)
        choice = in_whole(problem)
        return choice, problem.totals(choice)[0] / n
    if not problem.is_bounded:
        choice, bound, _ = by_one_price(problem)
        return choice, bound
    found = by_relaxation(problem)
    if found is None:
        _require_kept(problem)
        raise RuntimeError("HiGHS found no allocation, though the limit can be kept.")
    return found


def _require_kept(problem: Programme) -> None:
    least = _least_weight(problem)
    if least > problem.limit + problem.slack / len(problem.objective):
        raise problem.infeasible(least)


def _least_weight(problem: Programme) -> float:
    """Return the least mean weight that the capacities allow."""
    best = choose(-problem.weight, problem.objective, problem.llms)
    load = np.bincount(best, minlength=len(problem.llms))
    if (load <= problem.capacity).all():
        return problem.totals(best)[1] / len(best)
    return least_weight_under_capacities(problem)
