"""What fitting and routing take."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np

from benchmarks.speed.made_up import random_table
from routers.base import Router
from routers.encoders import Encoder
from routers.table import Texts

# Routers of the case "families", by configuration: all that train no network.
FAMILIES = (
    "recognised_dataset",
    "recognized_subject",
    "knn",
    "kmeans",
    "kmeans_routereval",
    "viable_minilm",
    "mixture",
    "avengers",
    "avengers_pro",
    "logistic",
    "svm",
    "random_forest",
    "xgboost",
    "policy_random",
    "policy_sorted",
    "profile",
    "matrix_factorization",
    "item_response",
    "omnirouter",
    "calibrated",
)


def case_import() -> dict[str, float]:
    """Import the package in a fresh interpreter; it must not bring torch."""
    code = (
        "import time; start = time.perf_counter(); import routers, sys; "
        "print(time.perf_counter() - start); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {"seconds": float(done.stdout)}


def case_knn() -> dict[str, float]:
    """Route with k-NN from cached vectors: 3,800 x 384 training vectors, 7 llms."""
    from routers.neighbors import KNNRouter

    table, encoder = random_table(3_800 + 20_000, 7, 384)
    router = KNNRouter(encoder, k=40).fit(table.rows(slice(0, 3_800)))
    questions = list(table.questions[3_800:])
    return {"questions_per_second": _questions_per_second(router, questions)}


def case_families() -> dict[str, float]:
    """Fit and route with each of ``FAMILIES`` on cached vectors: 3,800 x 384 to fit, 7 llms."""
    table, encoder = random_table(3_800 + 10_000, 7, 384)
    learn, questions = table.rows(slice(0, 3_800)), list(table.questions[3_800:])
    fit_seconds, speeds = [], []
    for name in FAMILIES:
        router = configured(name, encoder)
        start = time.perf_counter()
        router.fit(learn)
        fit_seconds.append(time.perf_counter() - start)
        speeds.append(_questions_per_second(router, questions))
        sys.stderr.write(f"{name:20} fit {fit_seconds[-1]:6.2f} s  {speeds[-1]:10,.0f} /s\n")
    return {"fit_seconds": max(fit_seconds), "questions_per_second": min(speeds)}


def configured(name: str, encoder: Encoder) -> Router:
    """Return the unfitted router of a configuration, all its encoders replaced."""
    from hydra.utils import instantiate

    from benchmarks.composing import compose_job

    router = instantiate(compose_job("routing", [f"router={name}"]).cfg.router, _convert_="all")
    names = [key for key in router.get_params() if key.rsplit("__", 1)[-1] == "encoder"]
    return router.set_params(**dict.fromkeys(names, encoder))


def _questions_per_second(router: Router, questions: Texts) -> float:
    """Return the speed of routing, the median of three times."""
    router.route(questions[:2_000])
    times = []
    for _ in range(3):
        start = time.perf_counter()
        router.route(questions)
        times.append(time.perf_counter() - start)
    return len(questions) / float(np.median(times))


def case_large() -> dict[str, float]:
    """Fit and route 14,000 questions x 8,500 llms with k-NN, k-means and logistic."""
    from routers.classifiers import ClassifierRouter
    from routers.clusters import KMeansRouter
    from routers.neighbors import KNNRouter

    table, encoder = random_table(14_000, 8_500, 384)
    learn, judge = table.rows(slice(0, 11_200)), table.rows(slice(11_200, None))
    questions = list(judge.questions)
    start = time.perf_counter()
    for router in (KNNRouter(encoder), KMeansRouter(encoder), ClassifierRouter(None, encoder)):
        lap = time.perf_counter()
        router.fit(learn).route(questions)
        sys.stderr.write(f"{type(router).__name__}: {time.perf_counter() - lap:.1f} s\n")
    return {"seconds": time.perf_counter() - start}
