"""Tables and stored runs that are made up, as large as one likes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd

from benchmarks.bounds import route_observed
from benchmarks.evaluate import evaluate
from benchmarks.splits import kfold
from benchmarks.store import RUNS, save_run
from benchmarks.stored_rows import llm_names, matrix
from routers.clusters import KMeansRouter
from routers.encoders import Encoder
from routers.recognition import RecognisedDatasetRouter
from routers.table import FloatArray, RoutingTable, Texts


def random_table(n: int, m: int, d: int) -> tuple[RoutingTable, Encoder]:
    """Return a table whose llms are right along random directions, and its vectors' encoder.

    Its vectors have ``d`` numbers.
    """
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(n, d)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = [f"question {i}" for i in range(n)]
    place = {name: i for i, name in enumerate(names)}

    class Known(Encoder):
        """Vectors by name, those of other texts drawn among them: what a warm cache gives."""

        def transform(self, texts: Texts) -> FloatArray:
            return vectors[[place.get(text, crc32(text.encode()) % n) for text in texts]]

    directions = rng.normal(size=(d, m)).astype(np.float32) * 3
    scores = (vectors @ directions > rng.normal(size=m)).astype(np.float32)
    table = RoutingTable(
        questions=np.array(names, dtype=object),
        scores=scores,
        llms=np.array([f"llm {j:05d}" for j in range(m)], dtype=object),
        ids=np.array([f"{i:06d}" for i in range(n)], dtype=object),
        datasets=np.full(n, "made up", dtype=object),
        costs=np.linspace(1, 2, m),
    )
    return table, Known()


def store_runs(results: Path, n_runs: int, n_questions: int, n_llms: int) -> None:
    """Store runs on one table, of routers whose predictions are the truth beside noise."""
    table, encoder = random_table(n_questions, n_llms, 16)
    datasets = np.array([f"dataset {i % 4}" for i in range(n_questions)], dtype=object)
    table = RoutingTable(
        questions=table.questions,
        scores=table.scores,
        llms=table.llms,
        ids=table.ids,
        datasets=datasets,
        costs=np.linspace(1, 2, n_llms),
    )
    floor = RecognisedDatasetRouter(encoder)
    router = KMeansRouter(encoder, n_clusters=4, n_starts=1)
    once = evaluate(router, table, kfold(table, seed=0), floor)
    for number, rows in enumerate(_others(once.rows, n_runs)):
        folder = results / RUNS / "made up" / "all" / "kfold" / f"router {number:02d}" / "run"
        save_run(folder, rows, _about(number, once.timing))


def _others(rows: pd.DataFrame, n: int) -> Iterator[pd.DataFrame]:
    """Yield rows as ``n`` other routers would have left them."""
    rng, llms = np.random.default_rng(0), llm_names(rows)
    truth, costs = matrix(rows, "score"), matrix(rows, "predicted_cost")
    for _ in range(n):
        predicted = np.round(0.1 * truth + rng.random(truth.shape), 6)
        columns = {f"predicted_score/{llm}": predicted[:, j] for j, llm in enumerate(llms)}
        choice = route_observed(predicted, costs, truth, llms)
        yield rows.assign(choice=choice, **columns).astype(dict.fromkeys(columns, np.float32))


def _about(number: int, timing: dict[str, float]) -> dict[str, Any]:
    names = {"data": "made up", "zoo": "all", "pool": "none", "split": "kfold", "seed": 0}
    floor = {"_target_": "routers.recognition.RecognisedDatasetRouter"}
    label = f"router {number:02d}"
    return {
        **names,
        "router": label,
        "label": label,
        "cost_unit": "USD",
        "data_hash": "made up",
        "config": {"router": {"_target_": label}, "split": {}, "recogniser": floor, "seed": 0},
        "timing": timing,
        "n_duplicates": 0,
        "n_near_duplicates": 0,
    }
