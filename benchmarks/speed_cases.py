"""What ``benchmarks.speed`` measures: one function a case, each run in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from zlib import crc32

import numpy as np

from benchmarks.speed_model_sat import case_model_sat
from routers.base import Router
from routers.encoders import Encoder
from routers.table import FloatArray, RoutingTable, Texts

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

    table, encoder = _random_table(3_800 + 20_000, 7, 384)
    router = KNNRouter(encoder, k=40).fit(table.rows(slice(0, 3_800)))
    questions = list(table.questions[3_800:])
    return {"questions_per_second": _questions_per_second(router, questions)}


def case_families() -> dict[str, float]:
    """Fit and route with each of ``FAMILIES`` on cached vectors: 3,800 x 384 to fit, 7 llms."""
    table, encoder = _random_table(3_800 + 10_000, 7, 384)
    learn, questions = table.rows(slice(0, 3_800)), list(table.questions[3_800:])
    fit_seconds, speeds = [], []
    for name in FAMILIES:
        router = _configured(name, encoder)
        start = time.perf_counter()
        router.fit(learn)
        fit_seconds.append(time.perf_counter() - start)
        speeds.append(_questions_per_second(router, questions))
        sys.stderr.write(f"{name:20} fit {fit_seconds[-1]:6.2f} s  {speeds[-1]:10,.0f} /s\n")
    return {"fit_seconds": max(fit_seconds), "questions_per_second": min(speeds)}


def _configured(name: str, encoder: Encoder) -> Router:
    """Return the router of a configuration, all its encoders replaced."""
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


def case_folder() -> dict[str, float]:
    """Run all non-neural routers, 5 folds x 4 seeds, on the zoo small8, embedding included."""
    data = os.environ.get("PROCTOR_DATA")
    if not data:
        raise SystemExit("PROCTOR_DATA must name the folder that holds open_llm_leaderboard.")
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as results:
        environment = os.environ | {"PROCTOR_CACHE": f"{results}/cache"}
        link_carriers(f"{results}/cache")
        routers = "glob(*,exclude=[model_sat*,capability_fusion,multilabel_transformer])"
        command = [
            sys.executable,
            "-m",
            "benchmarks.run",
            "--data",
            f"{data}/open_llm_leaderboard",
            "--results",
            results,
            f"router={routers}",
            "zoo=small8",
            "seed=0,1,2,3",
        ]
        subprocess.run(command, check=True, env=environment)
    return {"seconds": time.perf_counter() - start}


def link_carriers(cache: str) -> None:
    """Give a fresh cache the packaged weights, but none of the vectors."""
    from benchmarks.carriers import cache_folder

    os.makedirs(cache)
    for name in ("carriers", "networks"):
        if (cache_folder() / name).is_dir():
            os.symlink(cache_folder() / name, f"{cache}/{name}")


def case_large() -> dict[str, float]:
    """Fit and route 14,000 questions x 8,500 llms with k-NN, k-means and logistic."""
    from routers.classifiers import ClassifierRouter
    from routers.clusters import KMeansRouter
    from routers.neighbors import KNNRouter

    table, encoder = _random_table(14_000, 8_500, 384)
    learn, judge = table.rows(slice(0, 11_200)), table.rows(slice(11_200, None))
    questions = list(judge.questions)
    start = time.perf_counter()
    for router in (KNNRouter(encoder), KMeansRouter(encoder), ClassifierRouter(None, encoder)):
        lap = time.perf_counter()
        router.fit(learn).route(questions)
        sys.stderr.write(f"{type(router).__name__}: {time.perf_counter() - lap:.1f} s\n")
    return {"seconds": time.perf_counter() - start}


def case_budget() -> dict[str, float]:
    """Allot 10,000 questions to 12 llms of limited capacity, and find a price without limits."""
    from routers.allocation import cheapest_at_quality
    from routers.dual import DualAllocator
    from routers.pricing import price_for_quality

    rng = np.random.default_rng(0)
    n, m = 10_000, 12
    skill = np.sort(rng.random(m))
    scores = 0.3 * rng.random((n, 1)) + 0.5 * skill + 0.2 * rng.random((n, m))
    costs = 1e-3 * np.exp(2 * skill + 0.3 * rng.normal(size=(n, m)))
    llms = [f"llm {j:02d}" for j in range(m)]
    promise, capacity = scores.mean() + 0.05, 1.5 * n / m
    laps = [time.perf_counter()]
    cheapest_at_quality(scores, costs, llms, promise, capacity)
    laps.append(time.perf_counter())
    DualAllocator(llms, min_score=promise, capacity=capacity).update(scores, costs)
    laps.append(time.perf_counter())
    price_for_quality(scores, costs, llms, promise)
    laps.append(time.perf_counter())
    names = ("programme_seconds", "dual_seconds", "price_seconds")
    return dict(zip(names, np.diff(laps).tolist(), strict=True))


def case_reading() -> dict[str, float]:
    """Read questions of about 75 tokens with SmolLM2-135M, as ``encoder=lm_reading`` does."""
    from benchmarks.carriers import model_folder
    from routers.lm_reading import LMReadingEncoder

    encoder = LMReadingEncoder(str(model_folder("smollm2_135m")))
    words = [
        "law",
        "motion",
        "planet",
        "river",
        "metal",
        "which",
        "found",
        "after",
        "because",
        "measure",
    ]
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(words, length)) for length in rng.integers(20, 110, 200)]
    encoder.raw(texts[:8])
    start = time.perf_counter()
    encoder.raw(texts)
    return {"texts_per_second": (len(texts) - 8) / (time.perf_counter() - start)}


def _random_table(n: int, m: int, d: int) -> tuple[RoutingTable, Encoder]:
    """Return a table whose llms are right along random directions, and its vectors' encoder."""
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


CASES: dict[str, Callable[[], dict[str, float]]] = {
    "import": case_import,
    "knn": case_knn,
    "families": case_families,
    "folder": case_folder,
    "large": case_large,
    "budget": case_budget,
    "model_sat": case_model_sat,
    "reading": case_reading,
}
