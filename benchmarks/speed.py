"""Speed and memory against the suite's targets, each printed as a ratio (1.0 is the target).

``python -m benchmarks.speed [import knn families folder large budget model_sat]``. Each case
runs in a process of its own; ``folder`` needs PROCTOR_DATA to name the folder of real
outcomes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from zlib import crc32

import numpy as np

from routers.base import Router
from routers.encoders import Encoder
from routers.table import FloatArray, RoutingTable, Texts

# What each case must reach. A peer's figure on the same task is given where one was measured:
# the fastest k-NN router of the field routes about 6,400 questions per second in 897 MB.
TARGETS: dict[str, dict[str, float]] = {
    "import": {"seconds": 0.5},
    "knn": {"questions_per_second": 20_000, "peak_memory_mb": 400},
    # the slowest router of all, and the memory of the process that ran them in turn
    "families": {"fit_seconds": 15, "questions_per_second": 10_000, "peak_memory_mb": 500},
    "folder": {"seconds": 300},
    "large": {"seconds": 300, "peak_memory_mb": 6144},
    "budget": {"programme_seconds": 30, "dual_seconds": 3, "price_seconds": 1},
    "model_sat": {"cost_of_64_llms_in_8": 1.5, "profile_first_in_question_first": 10},
}
_MORE_IS_BETTER = {"questions_per_second", "profile_first_in_question_first"}
# Routers of the case "families", by configuration: all that train no network.
FAMILIES = (
    "recognised_dataset",
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

    router = instantiate(compose_job("config", [f"router={name}"]).cfg.router, _convert_="all")
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
        routers = "glob(*,exclude=[model_sat*,multilabel_transformer])"
        command = [
            sys.executable,
            "-m",
            "benchmarks.run",
            "-m",
            f"router={routers}",
            "data=folder",
            f"data.path={data}/open_llm_leaderboard",
            "zoo=small8",
            "seed=0,1,2,3",
            f"results={results}",
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


def case_model_sat() -> dict[str, float]:
    """Score questions of about 75 tokens for 8 and 64 llms: SmolLM2-135M, both orders."""
    seconds = {
        (order, n_llms): _seconds_per_question(order, n_llms)
        for order, n_llms in (("question_first", 8), ("question_first", 64), ("profile_first", 64))
    }
    for (order, n_llms), value in seconds.items():
        sys.stderr.write(f"{order}, {n_llms} llms: {value:.3f} s per question\n")
    shared = seconds["question_first", 64]
    return {
        "cost_of_64_llms_in_8": shared / seconds["question_first", 8],
        "profile_first_in_question_first": seconds["profile_first", 64] / shared,
    }


def _seconds_per_question(order: str, n_llms: int) -> float:
    """Return the median CPU time of a question, prefix included; other processes do not count."""
    import torch

    from benchmarks.carriers import model_folder
    from routers.model_sat.network import NetworkConfig, ScoringNetwork

    network = ScoringNetwork(NetworkConfig(str(model_folder("smollm2_135m")), 50, order=order))
    rng = np.random.default_rng(0)
    capability = torch.from_numpy(rng.normal(size=(n_llms, 50)).astype(np.float32))
    n_questions = 9 if order == "question_first" else 1
    times = []
    with torch.no_grad():
        network([network.prefix("once to warm up")], capability[:2])
        for number in range(n_questions):
            text = f"{number}. " + "Which of these is a law of motion, and who found it? " * 6
            start = time.process_time()
            network([network.prefix(text)], capability)
            times.append(time.process_time() - start)
    return float(np.median(times))


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
}


def measure(case: str) -> dict[str, float]:
    """Run one case in this process and add its peak memory."""
    from benchmarks.evaluate import PeakMemory

    with PeakMemory() as memory:
        found = CASES[case]()
    return found | {"peak_memory_mb": memory.peak_mb}


def report(case: str, found: dict[str, float]) -> list[str]:
    """Return a line per target: what was measured, the target, and how many times better."""
    lines = []
    for name, target in TARGETS[case].items():
        ratio = found[name] / target if name in _MORE_IS_BETTER else target / found[name]
        verdict = "reached" if ratio >= 1 else "MISSED"
        lines.append(
            f"{case:8} {name:22} {found[name]:12,.2f}  target {target:10,.2f}  "
            f"ratio {ratio:6.2f}  {verdict}"
        )
    return lines


def main(arguments: list[str] | None = None) -> None:
    """Run the cases asked for, each in a fresh process."""
    parser = argparse.ArgumentParser(description="Measure speed and memory.")
    parser.add_argument("cases", nargs="*", choices=[*CASES, []], default=[])
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.inside:
        sys.stdout.write(json.dumps(measure(options.cases[0])) + "\n")
        return
    for case in options.cases or CASES:
        command = [sys.executable, "-m", "benchmarks.speed", case, "--inside"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        lines = report(case, json.loads(done.stdout.splitlines()[-1]))
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
