"""Macro scores of policies and their differences, with intervals that keep policies paired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.intervals import bootstrap_macro, interval
from benchmarks.scoring import macro_mean
from benchmarks.stored_rows import Panel

Estimate = tuple[float, float, float]  # value, and the ends of its interval


@dataclass(frozen=True)
class Paired:
    """Policies on the same questions.

    Attributes
    ----------
    found : Panel
    seed : int, default=0
        Of the replicates, which are drawn once for all policies.
    n_replicates : int, default=2000
    """

    found: Panel
    seed: int = 0
    n_replicates: int = 2000

    @cached_property
    def scores(self) -> Mapping[str, float]:
        """Macro score of every policy, NaN where it is not known."""
        return {
            name: macro_mean(values, self.found.by_dataset)
            for name, values in self.found.scores.items()
        }

    @cached_property
    def replicates(self) -> Mapping[str, np.ndarray]:
        """Replicates of these, shape (n_replicates,) each: ``intervals.bootstrap_macro``."""
        rng = np.random.default_rng(self.seed)
        return bootstrap_macro(self.found, rng, self.n_replicates)

    def score(self, policy: str) -> Estimate:
        """Return a macro score with its 95% interval."""
        return self.scores[policy], *interval(self.replicates[policy], within=(0, 1))

    def lead(self, policy: str, over: str) -> Estimate:
        """Return what a policy scores above another one, with its paired 95% interval."""
        drawn = self.replicates[policy] - self.replicates[over]
        return self.scores[policy] - self.scores[over], *interval(drawn)
