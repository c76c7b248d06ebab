"""The programme behind an allocation, and its reference solver (HiGHS)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import LinearConstraint, linprog, milp
from scipy.sparse import csr_array, vstack

from routers._batch import Batch, InfeasibleError, asked_too_much
from routers.choice import choose
from routers.table import FloatArray

_EXACT = 300  # at most this many pairs of question and llm: solved in whole numbers at once
_SLACK = 1e-6  # solver's tolerance: share of one question's mean score or cost, over the batch
_WHOLE = 1 - 1e-7


@dataclass(frozen=True)
class Programme:
    """Minimise the mean of ``objective`` while the mean of ``weight`` is at most ``limit``.

    Both are matrices (n, m), NaN where an llm cannot be used; ``error`` is what to raise, given
    the least mean weight, where the limit cannot be kept.
    """

    objective: FloatArray
    weight: FloatArray
    limit: float
    llms: np.ndarray
    capacity: np.ndarray
    name: str
    asked: float

    def totals(self, choice: np.ndarray) -> tuple[float, float]:
        """Return the sums of objective and weight over the batch."""
        taken = np.arange(len(choice)), choice
        return float(self.objective[taken].sum()), float(self.weight[taken].sum())

    def keeps(self, choice: np.ndarray) -> bool:
        """Tell whether a choice keeps the limit and the capacities."""
        load = np.bincount(choice, minlength=len(self.llms))
        within = self.totals(choice)[1] <= self.limit * len(choice) + self.slack
        return within and bool((load <= self.capacity).all())

    @property
    def slack(self) -> float:
        """The sum of weight by which the limit may be missed, for rounding errors."""
        return _SLACK * float(np.nanmean(np.abs(self.weight)))

    def infeasible(self, least: float) -> InfeasibleError:
        """Return the error for a least mean weight above the limit."""
        most = self.name == "min_score"
        return asked_too_much(self.name, self.asked, -least if most else least, most)


def at_quality(batch: Batch, min_score: float) -> Programme:
    """Least cost at a mean score."""
    return Programme(
        batch.costs, -batch.scores, -min_score, batch.llms, batch.capacity, "min_score", min_score
    )


def within_budget(batch: Batch, budget: float) -> Programme:
    """Best score at a mean cost."""
    return Programme(
        -batch.scores, batch.costs, budget, batch.llms, batch.capacity, "budget", budget
    )


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
    least = least_weight(problem)
    if least > problem.limit + problem.slack / n:
        raise problem.infeasible(least)
    if problem.objective.size <= _EXACT:
        choice = _whole(problem, problem.limit * n)
        return choice, problem.totals(choice)[0] / n
    share, bound = _relaxed(problem, problem.objective, problem.limit * n)
    choice = share.argmax(axis=1)
    split = share.max(axis=1) < _WHOLE
    if split.any():
        choice[split] = _whole_rows(problem, choice, split)
    return choice, bound / n


def least_weight(problem: Programme) -> float:
    """Return the least mean weight that the capacities allow."""
    best = choose(-problem.weight, problem.objective, problem.llms)
    load = np.bincount(best, minlength=len(problem.llms))
    if (load <= problem.capacity).all():
        return problem.totals(best)[1] / len(best)
    return _relaxed(problem, problem.weight, None)[1] / len(best)


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
) -> tuple[FloatArray, float]:
    """Solve the linear relaxation; return the shares (n, m) and the least sum of objective."""
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
    if found.status == 2:  # the limit was checked before: only capacities are left to blame
        raise InfeasibleError(
            "the capacities leave a question without an llm: those that can be used for it have "
            "no room. Raise 'capacity', or give more llms a predicted score and cost."
        )
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
