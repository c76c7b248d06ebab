"""Greedy repair of an allocation: first the capacities, then the limit, then what is left."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from routers._programme import Programme
from routers.table import FloatArray

_PASSES = 50  # of improvement; each ends with a lower objective, so a handful does


def repair(problem: Programme, choice: np.ndarray, reduced: FloatArray) -> np.ndarray | None:
    """Return an allocation near ``choice`` that keeps all constraints, None if none was found.

    Questions leave a crowded llm where that raises ``reduced`` least; then they move where a unit
    of weight costs the least objective until the limit holds; what the limit leaves over is spent
    on the moves that lower the objective most per unit of weight.

    Parameters
    ----------
    problem : Programme
    choice : ndarray of int, shape (n,)
    reduced : ndarray of shape (n, m)
        Objective with the multipliers' prices, inf where an llm cannot be used.
    """
    work = _Repair(problem, choice)
    if not (work.unload(reduced) and work.keep_limit()):
        return None
    work.improve()
    return work.choice


def spend(problem: Programme, choice: np.ndarray) -> np.ndarray:
    """Return a choice that keeps all constraints, and lowers the objective by what they leave.

    Parameters
    ----------
    problem : Programme
    choice : ndarray of int, shape (n,)
        Keeps all constraints.
    """
    work = _Repair(problem, choice)
    work.improve()
    return work.choice


class _Repair:
    """An allocation in the making."""

    def __init__(self, problem: Programme, choice: np.ndarray):
        self.problem = problem
        self.choice = choice.copy()
        self.load = np.bincount(choice, minlength=len(problem.llms))

    def unload(self, reduced: FloatArray) -> bool:
        """Move questions away from llms above their capacity; tell whether that worked."""
        capacity = self.problem.capacity
        while (self.load > capacity).any():
            crowded = int(np.argmax(self.load - capacity))
            rows = np.flatnonzero(self.choice == crowded)
            there = np.where(self.load < capacity, reduced[rows], np.inf)
            moved = 0
            for i, target in _best_first(there - reduced[rows, crowded][:, None]):
                if self.load[crowded] > capacity[crowded]:
                    moved += self._move(rows[i], target)
            if not moved:
                return False
        return True

    def keep_limit(self) -> bool:
        """Move questions until the limit holds; tell whether it does."""
        above = -self._left()
        while above > 0:
            dearer, heavier = self._changes()
            rate = np.full(dearer.shape, np.inf)
            np.divide(dearer, -heavier, out=rate, where=heavier < 0)
            moved = 0
            for i, target in _best_first(rate):
                if above > 0 and self._move(i, target):
                    above += heavier[i, target]
                    moved += 1
            if not moved:
                return False
        return True

    def improve(self) -> None:
        """Spend what the limit leaves over on lowering the objective."""
        for _ in range(_PASSES):
            left = self._left()
            dearer, heavier = self._changes()
            # a move that also frees weight comes before all others, the largest gain first
            rate = np.where(dearer < 0, dearer * 1e12, np.inf)
            np.divide(dearer, heavier, out=rate, where=(dearer < 0) & (heavier > 0))
            rate[heavier > left] = np.inf
            moved = 0
            for i, target in _best_first(rate):
                if heavier[i, target] <= left and self._move(i, target):
                    left -= heavier[i, target]
                    moved += 1
            if not moved:
                return

    def _left(self) -> float:
        """Sum of weight that the limit still allows; negative where it is not kept."""
        allowed = self.problem.limit * len(self.choice) + self.problem.slack
        return allowed - self.problem.totals(self.choice)[1]

    def _changes(self) -> tuple[FloatArray, FloatArray]:
        """Return what each move adds to objective and weight, (inf, 0) where it cannot be made."""
        own = self.choice[:, None]
        objective, weight = self.problem.objective, self.problem.weight
        dearer = objective - np.take_along_axis(objective, own, axis=1)
        heavier = weight - np.take_along_axis(weight, own, axis=1)
        barred = np.isnan(dearer) | (self.load >= self.problem.capacity)
        return np.where(barred, np.inf, dearer), np.where(barred, 0.0, heavier)

    def _move(self, row: int, target: int) -> bool:
        """Move a question if its new llm has room."""
        if self.load[target] >= self.problem.capacity[target]:
            return False
        self.load[self.choice[row]] -= 1
        self.load[target] += 1
        self.choice[row] = target
        return True


def _best_first(rate: FloatArray) -> Iterator[tuple[int, int]]:
    """Yield each question with its best target, the best moves first, without impossible ones."""
    target = rate.argmin(axis=1)
    best = rate[np.arange(len(rate)), target]
    order = np.argsort(best, kind="stable")
    order = order[np.isfinite(best[order])]
    return zip(order.tolist(), target[order].tolist(), strict=True)
