"""The programme behind an allocation: what is sought, and what must be kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from routers._batch import Batch, InfeasibleError, asked_too_much
from routers.table import FloatArray

_SLACK = 1e-6  # solver's tolerance: share of one question's mean score or cost, over the batch


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
    def is_bounded(self) -> bool:
        """Whether some llm may take less than all questions."""
        return bool((self.capacity < len(self.objective)).any())

    @cached_property
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
