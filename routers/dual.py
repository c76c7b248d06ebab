"""Allot a stream of batches by prices that are kept from one batch to the next."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from routers._batch import Allocation, prepare
from routers._one_price import by_one_price
from routers._programme import Programme, at_quality, within_budget
from routers._repair import repair
from routers._solve import solve
from routers.choice import choose
from routers.constraints import Constraints, Integer, Real, SequenceOf, Text
from routers.table import FloatArray, Texts
from routers.validation import InvalidParameterError, check_parameters, sentence

_MEMORY = 0.9  # of the mean square of each constraint's excess, per iteration
_LAST = 1e-3  # last step, as a share of the first
_ROOM = Real(0, infinite=True)  # for questions at an llm
_STARTS = 8  # late iterates that are repaired too


class DualAllocator:
    """Lagrangian dual ascent for the problems of ``routers.allocation``.

    For a multiplier ``l >= 0`` of the promise and tolls ``t_j >= 0`` of the capacities the problem
    falls apart into one decision a question: least ``c_ij - l a_ij + t_j`` for a promised score,
    largest ``a_ij - l c_ij - t_j`` within a budget. The multipliers climb by a projected
    subgradient: the excess over each constraint, divided by its recent root mean square, with
    steps that shrink geometrically; without capacities one multiplier is left, whose best value is
    found exactly. Costs and scores are first divided by how much they
    differ between the llms of a question (otherwise no step suits both). The decisions are then
    repaired greedily until all constraints hold. The dual value bounds from below what any
    allocation costs, so that ``Allocation.bound`` certifies how good one is.

    Multipliers are kept: the next batch starts from them, and :meth:`route` decides single
    questions between batches with no optimisation at all.

    Parameters
    ----------
    llms : sequence of str, length m
    min_score : float, optional
        Promised mean of the predicted scores; least cost is sought.
    budget : float, optional
        Largest mean cost per question; the best score is sought. Give this or ``min_score``.
    capacity : number or array-like of shape (m,), optional
        Most questions of a batch that each llm may take; ``inf`` for no limit.
    step : float, default=1.0
        First step, in units of the scaled multipliers.
    max_iter : int, default=400
        Iterations per batch.

    Attributes
    ----------
    multiplier_ : float
        Cost one pays for a unit of score; with a budget, score one gives up per unit of cost.
    tolls_ : ndarray of shape (m,)
        What a place at each llm is worth, in cost; with a budget, in score.

    References
    ----------
    Mei et al., "OmniRouter: Budget and Performance Controllable Multi-LLM Routing", 2025. The
    schedule of the steps and the repair are not given there; these are ours.
    """

    multiplier_: float
    tolls_: np.ndarray

    parameter_constraints: ClassVar[Constraints] = {
        "llms": SequenceOf(Text(), fewest=1),
        "min_score": Real() | None,
        "budget": Real() | None,
        "capacity": _ROOM | SequenceOf(_ROOM) | None,
        "step": Real(1e-9),
        "max_iter": Integer(1),
    }

    def __init__(
        self,
        llms: Texts,
        min_score: float | None = None,
        budget: float | None = None,
        capacity: ArrayLike | None = None,
        step: float = 1.0,
        max_iter: int = 400,
    ):
        self.llms = llms
        self.min_score = min_score
        self.budget = budget
        self.capacity = capacity
        self.step = step
        self.max_iter = max_iter

    def update(self, scores: ArrayLike, costs: ArrayLike) -> Allocation:
        """Allot a batch and move the multipliers along.

        Parameters
        ----------
        scores, costs : array-like of shape (n, m)
            Predictions, NaN where an llm cannot be used.

        Returns
        -------
        Allocation
            All constraints hold.

        Raises
        ------
        InfeasibleError
            If no allocation of this batch keeps the constraints; the multipliers stay.
        ValueError
            If not exactly one of ``min_score`` and ``budget`` is given, or shapes differ.
        """
        check_parameters(self)
        batch = prepare(scores, costs, self.llms, self.capacity)
        if self.min_score is not None and self.budget is None:
            return batch.allocation(*self._solve(at_quality(batch, self.min_score), batch.columns))
        if self.budget is not None and self.min_score is None:
            choice, bound = self._solve(within_budget(batch, self.budget), batch.columns)
            return batch.allocation(choice, -bound)
        given = (self.min_score, self.budget)
        what = "exactly one of 'min_score' and 'budget'"
        raise InvalidParameterError(sentence("DualAllocator", what, "a number", given))

    def route(self, scores: ArrayLike, costs: ArrayLike) -> np.ndarray:
        """Decide questions one by one with the multipliers as they are.

        No constraint is enforced: the multipliers keep them on average, as far as the questions
        are like those of the batches before.

        Parameters
        ----------
        scores, costs : array-like of shape (n, m)

        Returns
        -------
        ndarray of int, shape (n,)

        Raises
        ------
        ValueError
            If no batch was seen yet, or a question has no usable llm.
        """
        if not hasattr(self, "multiplier_"):
            raise ValueError("DualAllocator.route needs multipliers. Call 'update' with a batch.")
        scores, costs = np.asarray(scores, dtype=float), np.asarray(costs, dtype=float)
        if self.budget is not None:
            return choose(scores - self.tolls_, costs, self.llms, self.multiplier_)
        return choose(self.multiplier_ * scores - self.tolls_, costs, self.llms, 1.0)

    def _solve(self, problem: Programme, columns: np.ndarray) -> tuple[np.ndarray, float]:
        """Keep the best multipliers; return choice and dual bound."""
        if not problem.is_bounded:
            choice, bound, self.multiplier_ = by_one_price(problem)
            self.tolls_ = np.zeros(len(columns))
            return choice, bound
        return self._climbed(problem, columns)

    def _climbed(self, problem: Programme, columns: np.ndarray) -> tuple[np.ndarray, float]:
        """Climb, and repair the best decisions."""
        scale, unit = _spread(problem.objective), _spread(problem.weight)
        scaled = replace(
            problem,
            objective=problem.objective / scale,
            weight=problem.weight / unit,
            limit=problem.limit / unit,
        )
        # the multiplier of the limit, then the tolls, all in the scaled units
        start, first = np.zeros(1 + len(columns)), self.step
        if hasattr(self, "multiplier_"):
            start = np.append(self.multiplier_ * unit, self.tolls_[columns]) / scale
            first = self.step / 10  # warm: go on with smaller steps
        paces = np.geomspace(first, self.step * _LAST, self.max_iter)
        prices, value, starts = _climb(scaled, start, paces)
        tried = [repair(scaled, choice, _reduced(scaled, held)) for held, choice in starts]
        found = [choice for choice in tried if choice is not None]
        if found:
            choice = min(found, key=lambda choice: scaled.totals(choice)[0])
        else:  # the reference solver knows whether there is none, and what to ask instead
            choice, _ = solve(problem)
        self.multiplier_ = float(prices[0] * scale / unit)
        self.tolls_ = np.empty(len(columns))
        self.tolls_[columns] = prices[1:] * scale
        return choice, value * scale


def _climb(
    problem: Programme, prices: np.ndarray, paces: np.ndarray
) -> tuple[np.ndarray, float, list[tuple[np.ndarray, np.ndarray]]]:
    """Ascend the dual; return the best multipliers, their value, and what to repair.

    The last are multipliers with their decisions: the best ones, the cheapest that kept all
    constraints, and some of the late ones. Near the optimum, multipliers of nearly the same value
    can decide many tied questions differently, and a greedy repair may suit one of them only.
    """
    batch = _ByLLM(problem)
    limits = np.append(problem.limit, problem.capacity / batch.n)
    best, least = -np.inf, np.inf
    climbed, cheapest, late = [], [], []
    square = np.zeros(len(prices))
    for t, pace in enumerate(paces, start=1):
        choice, value = batch.cheapest(prices)
        value -= prices @ limits
        if value > best:
            best, climbed = value, [(prices, choice)]
        use = batch.use(choice)
        if batch.keeps(use) and (total := batch.total(choice)) < least:
            least, cheapest = total, [(prices, choice)]
        if 2 * t > len(paces) and t % max(1, len(paces) // (2 * _STARTS)) == 0:
            late.append((prices, choice))
        excess = use / batch.n - limits
        # a recent root mean square per constraint: where few questions overflow, steps stay large
        square = _MEMORY * square + (1 - _MEMORY) * excess**2
        size = np.sqrt(square / (1 - _MEMORY**t)) + 1e-4
        prices = np.maximum(0.0, prices + pace * excess / size)
    return climbed[0][0], best, climbed + cheapest + late


class _ByLLM:
    """A programme laid out for its many evaluations: a row per llm, compared as a whole."""

    def __init__(self, problem: Programme):
        self.n, self.m = problem.objective.shape
        usable = ~np.isnan(problem.objective)
        self._objective = np.ascontiguousarray(np.where(usable, problem.objective, np.inf).T)
        self._weight = np.ascontiguousarray(np.nan_to_num(problem.weight).T)
        self._reduced = np.empty_like(self._objective)
        self._question = np.arange(self.n)
        self._most = np.append(problem.limit * self.n + problem.slack, problem.capacity)

    def cheapest(self, prices: np.ndarray) -> tuple[np.ndarray, float]:
        """Return each question's least objective with all paid for, and the mean of these."""
        np.multiply(self._weight, prices[0], out=self._reduced)
        self._reduced += self._objective
        self._reduced += prices[1:, None]
        choice = self._reduced.argmin(axis=0)
        return choice, self._sum(self._reduced, choice) / self.n

    def total(self, choice: np.ndarray) -> float:
        """Return the sum of the objective."""
        return self._sum(self._objective, choice)

    def use(self, choice: np.ndarray) -> np.ndarray:
        """Return the sum of the weight, and the load of each llm, shape (1 + m,)."""
        use = np.empty(1 + self.m)
        use[0] = self._sum(self._weight, choice)
        use[1:] = np.bincount(choice, minlength=self.m)
        return use

    def keeps(self, use: np.ndarray) -> bool:
        """Tell whether what a choice uses of limit and capacities is there."""
        return bool((use <= self._most).all())

    def _sum(self, values: FloatArray, choice: np.ndarray) -> float:
        return float(np.add.reduce(values.take(choice * self.n + self._question)))


def _reduced(problem: Programme, prices: np.ndarray) -> FloatArray:
    """Return the objective with weight and places paid for, inf where an llm cannot be used."""
    reduced = problem.objective + prices[0] * problem.weight + prices[1:]
    return np.where(np.isnan(reduced), np.inf, reduced)


def _spread(values: FloatArray) -> float:
    """Root mean square difference between the llms of a question, 1 where they do not differ."""
    centred = values - np.nanmean(values, axis=1, keepdims=True)
    return float(np.sqrt(np.nanmean(centred**2))) or 1.0
