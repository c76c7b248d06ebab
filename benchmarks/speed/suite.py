"""What whole commands of the suite take."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.speed.made_up import store_runs


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


def case_leaderboard() -> dict[str, float]:
    """Derive the leaderboard of 30 runs on 16,000 questions and 12 llms, in CPU time."""
    with tempfile.TemporaryDirectory() as results:
        store_runs(Path(results), 30, 16_000, 12)
        return _taken("benchmarks.leaderboard", "--results", results)


def case_best_single() -> dict[str, float]:
    """Run the best single llm on 16,000 questions and 30 llms, in CPU time.

    The first run searches for near-duplicates and routes the floors, both of which are kept: the
    second is measured too.
    """
    with tempfile.TemporaryDirectory() as folder:
        _write_outcomes(Path(folder) / "made_up", 16_000, 30)
        run = ["benchmarks.run", "--data", f"{folder}/made_up", "--results", f"{folder}/results"]
        # the floor's encoder without a network, and one part held out
        run += ["encoder@recogniser.encoder=tfidf", "split=holdout"]
        environment = {"PROCTOR_CACHE": f"{folder}/cache"}
        first = _taken(*run, "router=best_single", **environment)
        again = _taken(*run, "router=best_single", "force=true", **environment)
    return {"first_cpu_seconds": first["cpu_seconds"], **again}


def case_promises() -> dict[str, float]:
    """Judge promises over 10 runs on 692 questions and 6 llms, in CPU time."""
    with tempfile.TemporaryDirectory() as results:
        store_runs(Path(results), 10, 692, 6)
        return _taken("benchmarks.run_experiment", "budget", f"results={results}")


def _taken(module: str, *arguments: str, **environment: str) -> dict[str, float]:
    """Run a module; return its CPU time, and the largest resident size of all so far."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", module, *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"WANDB_MODE": "disabled"} | environment,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_seconds": seconds, "largest_mb": after.ru_maxrss / 1024}


def _write_outcomes(folder: Path, n: int, m: int) -> None:
    """Write a folder of outcomes on questions of about 40 made-up words, some of its dataset."""
    rng = np.random.default_rng(0)
    words = np.array(["".join(rng.choice(list("aeioklmnrst"), 6)) for _ in range(3_000)])
    ids = [f"q{i:05d}" for i in range(n)]
    datasets = [f"dataset {i % 5}" for i in range(n)]
    vocabularies = [np.concatenate([words[:1_000], words[1_000 + k :: 5]]) for k in range(5)]
    sizes = rng.integers(20, 60, n)
    texts = [" ".join(rng.choice(vocabularies[i % 5], size)) for i, size in enumerate(sizes)]
    folder.mkdir(parents=True)
    questions = {"question_id": ids, "dataset": datasets, "question": texts}
    pd.DataFrame(questions).to_parquet(folder / "questions.parquet")
    outcomes = {
        "question_id": np.repeat(ids, m),
        "llm": np.tile([f"llm {j:02d}" for j in range(m)], n),
        "score": (rng.random(n * m) < 0.6).astype(np.float32),
    }
    pd.DataFrame(outcomes).to_parquet(folder / "outcomes.parquet")
