"""What one router's rows tell: the object that metrics are functions of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from benchmarks.intervals import interval
from benchmarks.paired import Paired
from benchmarks.scoring import mean_cost
from benchmarks.stored_rows import LLM, Panel, equals_by_luck, panel, scored

POINTS = "points"  # what metrics that need operating points name beside columns
# of a run as a whole, not of a question
TIMING = ("fit_seconds", "route_qps", "encode_seconds", "peak_memory_mb")
_T = TypeVar("_T")
_UNKNOWN = (float("nan"), float("nan"))


@dataclass(frozen=True)
class Results:
    """The rows of one router, and what several metrics make of them, worked out once.

    Attributes
    ----------
    given : sequence of DataFrame
        One per seed, see :func:`benchmarks.metrics.summarise`.
    points : DataFrame, optional
        The router's operating points: columns ``score`` (macro mean) and ``cost``, that at which
        cost does not count first.
    pool : DataFrame, optional
        Those of all routers that it is compared with, its own among them.
    cost_unit : str, default=""
        What costs are counted in, if it is known.
    timing : dict of str to sequence of float
        What each seed took, by the names of ``TIMING`` that are known.
    seed : int, default=0
        Of the replicates that intervals are read off.
    """

    given: Sequence[pd.DataFrame]
    points: pd.DataFrame | None = None
    pool: pd.DataFrame | None = None
    cost_unit: str = ""
    timing: Mapping[str, Sequence[float]] = field(default_factory=dict)
    seed: int = 0
    _made: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def runs(self) -> list[pd.DataFrame]:
        """The rows of each seed, with the scores and costs of all policies that they tell."""
        return [scored(rows) for rows in self.given]

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The rows of all seeds."""
        return pd.concat(self.runs)

    @cached_property
    def panel(self) -> Panel:
        """Scores and costs of all policies, aligned by question."""
        return panel(self.runs)

    @cached_property
    def paired(self) -> Paired:
        """Macro scores, and their replicates."""
        return Paired(self.panel, self.seed)

    def score(self, policy: str = "router") -> float:
        """Return a policy's macro score."""
        return self.paired.scores[policy]

    def cost(self, policy: str = "router") -> float:
        """Return a policy's mean cost, NaN unless that of every choice is known."""
        found = self.panel
        return mean_cost(found.costs[policy], found.scores[policy], found.by_dataset)

    def interval_against(
        self,
        floor: str,
        replicates: np.ndarray,
        within: tuple[float, float] = (-np.inf, np.inf),
    ) -> tuple[float, float]:
        """Return the interval of a difference to a floor; unknown where luck made them equal."""
        if equals_by_luck(self.runs, floor):
            return _UNKNOWN
        return interval(replicates, within=within)

    def once(self, work: Callable[[Results], _T]) -> _T:
        """Return what a function makes of this; it is called once, whoever asks for it."""
        if work not in self._made:
            self._made[work] = work(self)
        return self._made[work]

    def lacks(self, needs: Sequence[str]) -> list[str]:
        """Return what is not there of what a metric needs: its ``needs``."""
        return [need for need in needs if not self._has(need)]

    def _has(self, need: str) -> bool:
        if need == POINTS:
            return self.points is not None
        start, is_per_llm, _ = need.partition(LLM)
        if is_per_llm:
            return any(str(name).startswith(start) for name in self.rows)
        return need in self.rows or need in self.timing
