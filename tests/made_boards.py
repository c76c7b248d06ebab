"""Small tables of every kind, run through the suite and through the reference."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from reference import Comparison, Prediction
from reference.facts import known
from sklearn.base import clone

from benchmarks.evaluate import evaluate
from benchmarks.splits import Fold, holdout, kfold
from routers.base import Router
from routers.baselines import BestSingle
from routers.encoders import Encoder
from routers.recognition import RecognisedDatasetRouter
from routers.table import RoutingTable

NAN = float("nan")
TIMING = ("fit_seconds", "route_qps", "encode_seconds", "peak_memory_mb", "precompute_seconds")
Plan = Mapping[str, tuple[Router, Sequence[int]]]  # label: router and its seeds


def draw(*key: object) -> int:
    """Return a number that is a function of the key alone."""
    return int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=4).digest())


class HashRouter(Router):
    """Predicts quarters that are a hash of text and name: many ties, nothing learned."""

    def __init__(self, salt: int = 0, own_costs: bool = False):
        self.salt = salt
        self.own_costs = own_costs

    def _fit(self, table):
        self.names_ = list(table.llms)

    def _predict_scores(self, questions):
        return [[draw(self.salt, q, llm) % 5 / 4 for llm in self.names_] for q in questions]

    def _predict_costs(self, questions):
        if not self.own_costs:
            return super()._predict_costs(questions)
        costs = [[draw(q, llm, self.salt) % 6 / 2 for llm in self.llms_] for q in questions]
        return np.where(np.equal(costs, 2.5), NAN, costs)


class FirstWord(Encoder):
    """Tells texts apart by their first word."""

    def transform(self, texts):
        return np.eye(8, dtype=np.float32)[[draw(text.split()[0]) % 8 for text in texts]]


RECOGNIZER = RecognisedDatasetRouter(FirstWord())


def three_routers(first=(0,), second=(0,), third=(0,)) -> Plan:
    """Return a plan of three routers, each with seeds of its own."""
    return {
        "hash": (HashRouter(1), first),
        "hash with costs": (HashRouter(2, own_costs=True), second),
        "best single": (BestSingle(), third),
    }


@dataclass(frozen=True)
class MadeRun:
    """What the leaderboard asks of a stored run."""

    about: dict
    found: pd.DataFrame = field(repr=False)

    def rows(self) -> pd.DataFrame:
        return self.found


@dataclass(frozen=True)
class Board:
    """A table, the folds of each seed, and the routers that are run on them."""

    table: RoutingTable
    folds: Mapping[int, Sequence[Fold]]
    plan: Plan

    @cached_property
    def runs(self) -> list[MadeRun]:
        """The runs, as the suite stores them."""
        return [
            self.run(label, router, seed)
            for label, (router, seeds) in self.plan.items()
            for seed in seeds
        ]

    def run(self, label: str, router: Router, seed: int, finished: str = "2026-01-02") -> MadeRun:
        """Evaluate a router with a seed."""
        found = evaluate(router, self.table, self.folds[seed], RECOGNIZER)
        about = {
            "data": "made",
            "zoo": "all",
            "split": "made",
            "data_hash": self.table.content_hash,
            "cost_unit": self.table.cost_unit,
            "router": label,
            "label": label,
            "seed": seed,
            "finished": finished,
            "timing": dict.fromkeys(TIMING, 1.0),
        }
        return MadeRun(about, found.rows)

    @cached_property
    def comparison(self) -> Comparison:
        """The same, for the reference."""
        seeds = sorted({seed for _, seeds in self.plan.values() for seed in seeds})
        ids = list(map(str, self.table.ids))
        return Comparison(
            table=self.table,
            folds={
                seed: [
                    ([ids[i] for i in fold.train], [ids[i] for i in fold.test])
                    for fold in self.folds[seed]
                ]
                for seed in seeds
            },
            guesses={seed: self._guesses(seed) for seed in seeds},
            predictions={
                label: {seed: self._predictions(router, seed) for seed in seeds}
                for label, (router, seeds) in self.plan.items()
            },
        )

    def _fitted(self, router: Router, seed: int):
        for fold in self.folds[seed]:
            judge = self.table.rows(fold.test)
            yield clone(router).fit(self.table.rows(fold.train)), judge.ids, list(judge.questions)

    def _guesses(self, seed: int) -> dict[str, str]:
        guesses = {}
        for fitted, ids, texts in self._fitted(RECOGNIZER, seed):
            likely = fitted.recognise(texts).argmax(axis=1)
            guesses |= dict(zip(ids, fitted.classes_[likely], strict=True))
        return guesses

    def _predictions(self, router: Router, seed: int) -> dict[str, Prediction]:
        predictions = {}
        for fitted, ids, texts in self._fitted(router, seed):
            scores, costs = (
                predict(texts).astype(np.float32)  # as they are stored
                for predict in (fitted.predict_scores, fitted.predict_costs)
            )
            for row, name in enumerate(ids):
                predictions[name] = Prediction(
                    known(fitted.llms_, scores[row]), known(fitted.llms_, costs[row])
                )
        return predictions


@dataclass(frozen=True)
class Recipe:
    """How to make a board: every setting is a corner of its own."""

    seed: int = 0
    n_llms: int = 3
    sizes: tuple[int, ...] = (6, 3)
    scores: str = "binary"  # or quarters, constant, equal
    observed: str = "all"  # or some, one each, not llm, not dataset, not both, newcomer
    costs: str = "known"  # or none, some, not llm, free, equal
    eligible: str = "all"  # or some, not both
    chance: str = "open"  # or mixed, even
    duplicates: bool = False
    split: str = "kfold"  # or holdout, uneven
    seeds: tuple[tuple[int, ...], ...] = ((0,), (0,), (0,))
    cost_unit: str = "USD"

    def board(self) -> Board:
        """Make the board."""
        table = self._table()
        seeds = {seed for each in self.seeds for seed in each}
        folds = {seed: self._folds(table, seed) for seed in seeds}
        return Board(table, folds, three_routers(*self.seeds))

    def _table(self) -> RoutingTable:
        chance = random.Random(repr(self))
        names = "xyzuvw"
        datasets = [d for d, size in enumerate(self.sizes) for _ in range(size)]
        n, m = len(datasets), self.n_llms
        scores = np.array([[self._score(chance, j) for j in range(m)] for _ in range(n)])
        if self.scores == "equal":
            scores[:] = scores[:, :1]
        scores[~self._observed(chance, datasets)] = NAN
        able = self._able(chance, datasets)
        scores[~able] = NAN
        kept = ~np.isnan(scores).all(axis=1)  # as when data are loaded
        if not kept.any():
            scores[0, 0], able[0, 0], kept[0] = 1.0, True, True
        table = RoutingTable(
            questions=[self._text(chance, i, d) for i, d in enumerate(datasets)],
            scores=scores,
            llms=list(names[:m]),
            ids=[f"q{i:02d}" for i in range(n)],
            datasets=[f"set {d}" for d in datasets],
            costs=[[self._cost(chance, j) for j in range(m)] for _ in range(n)],
            chance=[self._chance(chance, d) for d in datasets],
            cost_unit=self.cost_unit,
            eligible=able,
        )
        return table.rows(kept)

    def _score(self, chance: random.Random, llm: int) -> float:
        if self.scores == "constant":
            return llm / 4
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
        elif self.observed == "not dataset":
            seen[first] = False
        elif self.observed == "not both":
            seen[np.outer(first, last)] = False
        elif self.observed == "newcomer":  # alone on a question that nobody else answered
            seen[:, -1] = False
            seen[chance.randrange(len(datasets))] = last
        return seen

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
            return kfold(table, seed, 3)
        if self.split == "holdout":
            return holdout(table, seed, 0.6)
        order = random.Random(repr((self, seed))).sample(range(len(table)), len(table))
        cut = max(1, len(table) // 4)
        return [Fold(np.array(order[:cut]), np.array(order[cut:]))]
