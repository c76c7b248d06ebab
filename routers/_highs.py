"""An allocation's programme solved by HiGHS: in whole numbers, or its linear relaxation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import LinearConstraint, linprog, milp
from scipy.sparse import csr_array, vstack

from routers._batch import InfeasibleError
from routers._programme import Programme
from routers._repair import spend
from routers.table import FloatArray

_WHOLE = 1 - 1e-7


def by_relaxation(problem: Programme) -> tuple[np.ndarray, float] | None:
    """Return a choice per question and the relaxation's least mean objective.

    None if the limit and the capacities cannot be kept.
    """
    n = len(problem.objective)
    found = _relaxed(problem, problem.objective, problem.limit * n)
    if found is None:
        return None
    share, bound = found
    choice = share.argmax(axis=1)
    split = share.max(axis=1) < _WHOLE
    if split.any():
        choice[split] = _whole_rows(problem, choice, split)
    return spend(problem, choice), bound / n


def least_weight_under_capacities(problem: Programme) -> float:
    """Return the least mean weight of the relaxation without its limit.

    Raises
    ------
    InfeasibleError
        If the capacities alone cannot be kept.
    """
    found = _relaxed(problem, problem.weight, None)
    if found is None:
        raise InfeasibleError(
            "the capacities leave a question without an llm: those that can be used for it have "
            "no room. Raise 'capacity', or give more llms a predicted score and cost."
        )
    return found[1] / len(problem.weight)


def in_whole(problem: Programme) -> np.ndarray:
    """Return the best choice per question of a small programme that can be kept."""
    return _whole(problem, problem.limit * len(problem.objective))


def _whole_rows(problem: Programme, choice: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Allot some questions in whole, optimally, with the choice of all others held."""
    held = np.flatnonzero(~rows)
    load = np.bincount(choice[held], minlength=len(problem.llms))
    weight = problem.weight[held, choice[held]].sum()
    rest = replace(
        problem,
        objective=problem.objective[rows],
        weight=problem.weight[rows],
        capacity=problem.capacity - load,
    )
    return _whole(rest, problem.limit * len(choice) - weight, problem.slack)


def _whole(problem: Programme, total: float, slack: float | None = None) -> np.ndarray:
    """Solve the integer programme with the sum of weight at most ``total``."""
    pairs, equal, below, most = _constraints(problem, total, slack)
    cost = problem.objective[pairs]
    found = milp(
        cost / _size(cost),
        integrality=np.ones(len(cost)),
        bounds=(0, 1),
        constraints=[LinearConstraint(equal, 1, 1), LinearConstraint(below, -np.inf, most)],
        # presolve calls some of these infeasible that are not (scipy 1.17); they are small
        options={"mip_rel_gap": 0, "presolve": False},
    )
    if found.x is None:
        raise RuntimeError(f"HiGHS found no whole allocation: {found.message}")
    share = np.zeros(problem.objective.shape)
    share[pairs] = found.x
    return share.argmax(axis=1)


def _relaxed(
    problem: Programme, objective: FloatArray, total: float | None
) -> tuple[FloatArray, float] | None:
    """Solve the linear relaxation; return the shares (n, m) and the least sum of objective.

    None if its constraints cannot be kept.
    """
    pairs, equal, below, most = _constraints(problem, total)
    cost = objective[pairs]
    # interior point with crossover: ends in a vertex too, ten times sooner than the simplex
    found = linprog(
        cost / _size(cost),
        A_ub=below,
        b_ub=most,
        A_eq=equal,
        b_eq=np.ones(equal.shape[0]),
        method="highs-ipm",
    )
    if found.status == 2:
        return None
    if found.x is None:
        raise RuntimeError(f"HiGHS found no allocation: {found.message}")
    share = np.zeros(objective.shape)
    share[pairs] = found.x
    return share, float(cost @ found.x)


def _constraints(
    problem: Programme, total: float | None, slack: float | None = None
) -> tuple[tuple[np.ndarray, ...], csr_array, csr_array, np.ndarray]:
    """Return the usable pairs, and over them: one llm a question; capacities and limit."""
    n, m = problem.objective.shape
    question, llm = pairs = np.nonzero(~np.isnan(problem.objective))
    place = np.arange(len(question))
    one = np.ones(len(question))
    equal = csr_array((one, (question, place)), shape=(n, len(place)))
    # kept although it may not bind: an empty matrix would need cases of its own
    below = csr_array((one, (llm, place)), shape=(m, len(place)))
    most = problem.capacity
    if total is not None:
        weight = problem.weight[pairs]
        size = _size(weight)
        below = vstack([below, csr_array((weight / size)[None])], format="csr")
        most = np.append(most, (total + (problem.slack if slack is None else slack)) / size)
    return pairs, equal, below, most


def _size(values: np.ndarray) -> float:
    """Return what scales values to unit mean: solvers' tolerances are absolute."""
    return float(np.abs(values).mean()) or 1.0
