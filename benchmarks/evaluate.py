"""Fit a router on each fold, let it route the test questions, and write down what happened.

Nothing is judged here: the rows hold predictions, choices and outcomes, and every figure is
derived from them later (``benchmarks.metrics``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import psutil
from sklearn.base import clone

from benchmarks import bounds
from benchmarks.groups import group_column
from benchmarks.progress import Stage, silent
from benchmarks.scoring import oracle, random_score
from benchmarks.splits import Fold
from routers.base import Router
from routers.precomputing import CLOCK, arithmetics
from routers.recognition import RecognisedDatasetRouter
from routers.table import FloatArray, RoutingTable
from routers.validation import check_parameters


@dataclass(frozen=True)
class Evaluation:
    """What one run of a router left behind.

    Attributes
    ----------
    rows : DataFrame, one row per test question
        ``question_id, dataset, subject, fold, chance``; ``choice`` of the router at price 0 and
        ``choice/<floor>`` (positions in the zoo, -1 for none); ``best_single_llm`` (its position,
        whether or not it was observed); ``random_score``, ``oracle_score``, ``oracle_cost``; per
        llm ``predicted_score/<llm>``, ``predicted_cost/<llm>``, ``score/<llm>``, ``cost/<llm>``,
        and ``eligible/<llm>`` if there is a question that it cannot answer; ``group`` if the table
        has any (``""`` for a question that is its own).
    timing : dict
        ``fit_seconds`` (mean per fold), ``route_qps`` (questions per second), both with vectors
        and tags of pretrained networks taken from the cache; ``encode_seconds`` (what a question
        took there, whenever it was computed; NaN if not known), ``precompute_seconds`` (what this
        run spent on it, of ``n_precomputed`` questions), ``peak_memory_mb`` (largest resident
        size of the process while it worked).
    arithmetic : dict
        What each network computes with, by the name of the router's parameter that holds it.
    """

    rows: pd.DataFrame
    timing: dict[str, float]
    arithmetic: dict[str, str]


def evaluate(
    router: Router,
    table: RoutingTable,
    folds: Iterable[Fold],
    recogniser: RecognisedDatasetRouter,
    pool: RoutingTable | None = None,
    stage: Stage = silent,
) -> Evaluation:
    """Evaluate an unfitted router.

    What pretrained networks say of a question is computed first, for all questions: a function of
    the text alone, it is neither fitting nor routing.

    Parameters
    ----------
    router : Router
        Cloned for each fold; the one given is not changed.
    table : RoutingTable
    folds : iterable of Fold
        Positions in ``table``.
    recogniser : RecognisedDatasetRouter
        The unfitted floor "recognised dataset".
    pool : RoutingTable, optional
        The same questions (all, in this order), answered by llms that are not candidates. A
        router sees of it what it sees of the table: the training questions of the fold.
    stage : callable, optional
        Shows how far it is, see :class:`benchmarks.progress.Progress`.

    Returns
    -------
    Evaluation
    """
    for part in (router, recogniser):
        check_parameters(part)  # before the encoding, which may take hours
    folds, spent, laps = list(folds), CLOCK.seconds, []
    with PeakMemory() as memory:
        n_precomputed = _precompute([router, recogniser], list(table.questions), stage)
        with stage("fitting and routing", "fold") as tell:
            for number, fold in enumerate(folds):
                laps.append(_lap(router, table, fold, recogniser, pool))
                tell(number + 1, len(folds))
    parts = [lap.rows.assign(fold=number) for number, lap in enumerate(laps)]
    rows = pd.concat(parts).sort_values("question_id", ignore_index=True)
    timing = {
        "fit_seconds": float(np.mean([lap.fit_seconds for lap in laps])),
        "route_qps": len(rows) / sum(lap.route_seconds for lap in laps),
        "encode_seconds": laps[-1].encode_seconds,
        "n_precomputed": n_precomputed,
        "precompute_seconds": CLOCK.seconds - spent,
        "peak_memory_mb": memory.peak_mb,
    }
    return Evaluation(rows, timing, arithmetics(router))


def _precompute(routers: list[Router], questions: list[str], stage: Stage) -> int:
    with stage("encoding", "text") as tell:
        return sum(router.precompute(questions, tell) for router in routers)


@dataclass(frozen=True)
class _Lap:
    """What a fold left behind: rows, and seconds without those of encoding."""

    rows: pd.DataFrame
    encode_seconds: float  # per question
    fit_seconds: float
    route_seconds: float


def _lap(
    router: Router,
    table: RoutingTable,
    fold: Fold,
    recogniser: RecognisedDatasetRouter,
    pool: RoutingTable | None,
) -> _Lap:
    learn, judge = table.rows(fold.train), table.rows(fold.test)
    beside = None if pool is None else pool.rows(fold.train)
    watch = _Stopwatch()
    fitted = clone(router).fit(learn, beside)
    fit_seconds = watch.seconds()
    questions, watch = list(judge.questions), _Stopwatch()
    predicted, costs = fitted.predict(questions)
    route_seconds = watch.seconds()
    rows = _rows(judge, predicted, costs, _floors(table, fold, recogniser))
    limited = ~table.eligible.all(axis=0)
    rows[[f"eligible/{llm}" for llm in table.llms[limited]]] = judge.eligible[:, limited]
    rows = rows.assign(**group_column(table.groups, judge.groups))
    encoder = getattr(fitted, "encoder_", None)
    encode_seconds = float(getattr(encoder, "seconds_per_text", np.nan))
    return _Lap(rows, encode_seconds, fit_seconds, route_seconds)


class _Stopwatch:
    """Counts seconds since it was made, without those that encoding takes meanwhile."""

    def __init__(self) -> None:
        self._start = self._now()

    def seconds(self) -> float:
        """Return the seconds so far."""
        return self._now() - self._start

    @staticmethod
    def _now() -> float:
        return time.perf_counter() - CLOCK.seconds


def _floors(table: RoutingTable, fold: Fold, recogniser: RecognisedDatasetRouter) -> bounds.Floors:
    train, test = (np.asarray(part, dtype=np.int64).tobytes() for part in (fold.train, fold.test))
    return bounds.floors(table, train, test, recogniser)


def _rows(
    judge: RoutingTable, predicted: FloatArray, costs: FloatArray, floors: bounds.Floors
) -> pd.DataFrame:
    oracle_score, oracle_cost = oracle(judge.scores, judge.costs)
    columns: dict[str, object] = {
        "question_id": judge.ids,
        "dataset": judge.datasets,
        "subject": judge.subjects,
        "chance": judge.chance,
        "choice": bounds.route_observed(predicted, costs, judge.scores, judge.llms),
    }
    columns |= {f"choice/{name}": choice for name, choice in floors.choices.items()}
    columns |= {
        "best_single_llm": floors.best_single,
        "random_score": random_score(judge.scores),
        "oracle_score": oracle_score,
        "oracle_cost": oracle_cost,
    }
    for prefix, values in (
        ("predicted_score", predicted),
        ("predicted_cost", costs),
        ("score", judge.scores),
        ("cost", judge.costs),
    ):
        columns |= {
            f"{prefix}/{llm}": values[:, j].astype(np.float32) for j, llm in enumerate(judge.llms)
        }
    return pd.DataFrame(columns)


class PeakMemory:
    """Context manager that watches the resident size of the process, every 20 ms.

    ``ru_maxrss`` would not do: it never falls, so a sweep would charge each router with the
    largest one before it.

    Attributes
    ----------
    peak_mb : float
    """

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._done = threading.Event()

    def __enter__(self) -> PeakMemory:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        process = psutil.Process()
        while True:
            self.peak_mb = max(self.peak_mb, process.memory_info().rss / 2**20)
            if self._done.wait(0.02):
                return

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
