"""A small table run through the suite and through the reference, to be held together."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from reference import Comparison, Prediction
from reference.facts import known
from sklearn.base import clone

from benchmarks.evaluate import evaluate
from benchmarks.splits import Fold
from routers.base import Router
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


class ToldRouter(Router):
    """Predicts what it is told, by the text of a question and in the order of the zoo."""

    def __init__(self, told=None):
        self.told = told

    def _fit(self, table):
        pass

    def _predict_scores(self, questions):
        return [self.told[question] for question in questions]


class FirstWord(Encoder):
    """Tells texts apart by their first word."""

    def transform(self, texts):
        return np.eye(8, dtype=np.float32)[[draw(text.split()[0]) % 8 for text in texts]]


RECOGNIZER = RecognisedDatasetRouter(FirstWord())


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
    config: Mapping[str, object] = field(default_factory=dict)

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
            "config": self.config,
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
