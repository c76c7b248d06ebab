"""Recipes for small tables of every kind: what is missing, tied, free, repeated."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from made_boards import NAN, Board, HashRouter

from benchmarks.splits import Fold, holdout, kfold
from routers.baselines import BestSingle
from routers.table import RoutingTable

NAMES = "zxyuvw"  # not in alphabetical order


@dataclass(frozen=True)
class Recipe:
    """How to make a board; what is not said of a setting is drawn at random, but seeded."""

    seed: int = 0
    n_llms: int = 3
    sizes: tuple[int, ...] = (7, 5)  # of each dataset
    scores: str = "binary"  # or quarters, constant, equal
    observed: str = "all"  # or some, one each, not llm, not dataset, not both, newcomer
    costs: str = "known"  # or none, some, not llm, free, equal
    eligible: str = "all"  # or some, not both
    chance: str = "open"  # or mixed, even
    duplicates: bool = False
    split: str = "kfold"  # or holdout, uneven
    seeds: tuple[tuple[int, ...], ...] = ((0, 1), (0,))  # of each router
    cost_unit: str = "USD"
    # not of what seeds the rest: boards without groups are those they were
    groups: str = field(default="none", repr=False)  # or some, across datasets, one question each

    def board(self) -> Board:
        """Make the board."""
        table = self._table()
        seeds = {seed for each in self.seeds for seed in each}
        folds = {seed: self._folds(table, seed) for seed in seeds}
        routers = (HashRouter(1), HashRouter(2, own_costs=True), BestSingle())
        names = ("hash", "hash with costs", "best single")
        plan = {name: pair for name, *pair in zip(names, routers, self.seeds, strict=False)}
        return Board(table, folds, plan)

    def _table(self) -> RoutingTable:
        chance = random.Random(repr(self))
        datasets = [d for d, size in enumerate(self.sizes) for _ in range(size)]
        n, m = len(datasets), self.n_llms
        scores = np.array([[self._score(chance, j) for j in range(m)] for _ in range(n)])
        if self.scores == "equal":
            scores[:] = scores[:, :1]
        scores[~self._observed(chance, datasets)] = NAN
        able = self._able(chance, datasets)
        scores[~able] = NAN
        asked = self._asked(datasets)
        unheard = asked & np.isnan(scores).all(axis=1)
        scores[unheard, 0], able[unheard, 0] = 1.0, True
        table = RoutingTable(
            questions=[self._text(chance, i, d) for i, d in enumerate(datasets)],
            scores=scores,
            llms=list(NAMES[:m]),
            ids=[f"q{i:02d}" for i in range(n)],
            datasets=[f"set {d}" for d in datasets],
            costs=[[self._cost(chance, j) for j in range(m)] for _ in range(n)],
            chance=[self._chance(chance, d) for d in datasets],
            cost_unit=self.cost_unit,
            eligible=able,
            groups=self._groups(datasets),
        )
        return table.rows(asked)  # as when data are loaded

    def _groups(self, datasets: Sequence[int]) -> list[str]:
        if self.groups == "some":  # threes of a dataset, and questions of their own
            return ["" if i % 5 == 4 else f"set {d}, {i // 3}" for i, d in enumerate(datasets)]
        if self.groups == "across datasets":
            within = [i - datasets.index(d) for i, d in enumerate(datasets)]
            return [f"pair {i // 2}" if i < 6 else "" for i in within]
        return [f"{i}" if self.groups == "one question each" else "" for i in range(len(datasets))]

    def _score(self, chance: random.Random, llm: int) -> float:
        if self.scores == "constant":
            return llm % 5 / 4
        if self.scores == "quarters":
            return chance.randrange(5) / 4
        return float(chance.random() < 0.3 + 0.1 * llm)

    def _observed(self, chance: random.Random, datasets: Sequence[int]) -> np.ndarray:
        shape = len(datasets), self.n_llms
        seen = np.ones(shape, dtype=bool)
        last = np.arange(self.n_llms) == self.n_llms - 1
        first = np.equal(datasets, 0)
        if self.observed == "some":
            seen = np.array([[chance.random() < 0.7 for _ in last] for _ in datasets])
        elif self.observed == "one each":
            seen = np.arange(self.n_llms) == [[chance.randrange(self.n_llms)] for _ in datasets]
        elif self.observed == "not llm":
            seen[:, -1] = False
        elif self.observed == "not both":
            seen[np.outer(first, last)] = False
        elif self.observed == "newcomer":  # alone on a question that nobody else answered
            seen[:, -1] = False
            seen[chance.randrange(len(datasets))] = last
        return seen

    def _asked(self, datasets: Sequence[int]) -> np.ndarray:
        asked = np.ones(len(datasets), dtype=bool)
        if self.observed == "not dataset":
            asked[np.equal(datasets, 0)] = False
        return asked

    def _able(self, chance: random.Random, datasets: Sequence[int]) -> np.ndarray:
        able = np.ones((len(datasets), self.n_llms), dtype=bool)
        if self.eligible == "some":
            able[:] = [[chance.random() < 0.7 for _ in range(self.n_llms)] for _ in datasets]
        elif self.eligible == "not both":
            able[np.equal(datasets, 0), 0] = False
        return able

    def _cost(self, chance: random.Random, llm: int) -> float:
        unknown = {
            "none": True,
            "some": chance.random() < 0.2,
            "not llm": llm == 0,
        }
        if unknown.get(self.costs, False):
            return NAN
        if self.costs == "equal":
            return 2.0
        if self.costs == "free" and llm == 0:
            return 0.0
        return (llm + 1) * (1 + chance.randrange(4)) / 8

    def _chance(self, chance: random.Random, dataset: int) -> float:
        if self.chance == "open":
            return 0.0
        return 0.25 if self.chance == "even" else chance.choice([0.0, 0.25, 0.5])

    def _text(self, chance: random.Random, number: int, dataset: int) -> str:
        looks_like = dataset if chance.random() < 0.7 else chance.randrange(4)
        number = number // 2 if self.duplicates else number
        return f"topic{looks_like} number{number}"

    def _folds(self, table: RoutingTable, seed: int) -> list[Fold]:
        if self.split == "kfold":
            return kfold(table, seed, 2)
        if self.split == "holdout":
            return holdout(table, seed, 0.6)
        order = random.Random(repr((self, seed))).sample(range(len(table)), len(table))
        cut = max(1, len(table) // 4)
        return [Fold(np.array(order[:cut]), np.array(order[cut:]))]
