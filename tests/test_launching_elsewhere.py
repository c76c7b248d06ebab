"""Sweeps on a real Ray cluster, on SLURM's stand-in, in processes: killed, and the table stands.

``PROCTOR_CLUSTERS=1 pytest -n 0 tests/test_launching_elsewhere.py``: some minutes, with
``pip install -e '.[ray,slurm]'``.
"""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import psutil
import pytest
from conftest import ROOT

pytestmark = pytest.mark.skipif(
    not os.environ.get("PROCTOR_CLUSTERS"), reason="slow: PROCTOR_CLUSTERS=1 runs it"
)

N = 12
SEEDS = ",".join(map(str, range(N)))
SWEEP = [
    *("--data=synthetic", "data.n_questions=90", "split=holdout", f"seed={SEEDS}"),
    *("router=best_single", "router._target_=slow_router.Slow"),
    "encoder@recogniser.encoder=tfidf",
]
TIMES = ["fit_seconds", "route_qps", "encode_seconds", "peak_memory_mb"]
BACKENDS = {
    "processes": ["backend=processes", "processes.n_workers=3"],
    "ray": ["backend=ray", "ray.cores=3"],
    "slurm": ["backend=slurm", "slurm.cluster=local", "slurm.at_once=3"],
}


def start(results, *typed):
    command = [sys.executable, "-m", "benchmarks.run", *SWEEP, *typed, "--results", str(results)]
    environment = os.environ | {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
        "RAY_AUTH_MODE": "disabled",
    }
    return subprocess.Popen(command, cwd=ROOT, env=environment)


def n_stored(results):
    return len(list(results.glob("runs/*/*/*/*/*/run.json")))


def wait_until(results, n, driver):
    began = time.monotonic()
    while n_stored(results) < n and driver.poll() is None:
        assert time.monotonic() - began < 300
        time.sleep(0.05)


def workers_of(driver, name):
    """Return the processes that do the jobs of a driver."""
    marks = {"processes": "spawn_main", "ray": "ray::finished", "slurm": "submitit.core._submit"}
    found = []
    for process in psutil.Process(driver.pid).children(recursive=True):
        try:
            if marks[name] in " ".join(process.cmdline()):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def table(results):
    return pd.read_csv(results / "leaderboard.csv").drop(columns=TIMES)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    results = tmp_path_factory.mktemp("undisturbed")
    assert start(results).wait() == 0
    return results


@pytest.mark.parametrize("name", BACKENDS)
def test_a_worker_and_the_driver_are_killed_and_the_table_is_the_same(name, undisturbed, tmp_path):
    if name != "processes":
        pytest.importorskip({"ray": "ray", "slurm": "submitit"}[name])
    more = BACKENDS[name]
    if name == "slurm":
        more = [*more, f"slurm.folder={tmp_path / 'jobs'}"]
    driver = start(tmp_path, *more)
    wait_until(tmp_path, 2, driver)
    while not (workers := workers_of(driver, name)):
        assert driver.poll() is None
        time.sleep(0.02)
    workers[0].kill()
    wait_until(tmp_path, 5, driver)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert 5 <= n_stored(tmp_path) < N
    assert start(tmp_path, *more).wait() == 0
    assert n_stored(tmp_path) == N  # nothing is lost, and nothing is there twice
    assert not list(tmp_path.rglob("failed/**/*.json"))
    pd.testing.assert_frame_equal(table(tmp_path), table(undisturbed))


def test_two_thousand_jobs_lose_nothing_and_repeat_nothing_that_was_done(tmp_path):
    n, n_workers = 2000, 2
    fits = tmp_path / "fits"
    typed = [f"seed=range({n})", "router._target_=slow_router.Counting", f"+router.file={fits}"]
    typed += ["backend=processes", f"processes.n_workers={n_workers}"]
    n_kills, rng = 0, np.random.default_rng(0)
    while n_stored(tmp_path) < n:
        driver = start(tmp_path, *typed)
        for _ in range(rng.integers(2, 6)):
            time.sleep(rng.uniform(1, 10))
            if driver.poll() is None and (workers := workers_of(driver, "processes")):
                rng.choice(workers).kill()
                n_kills += 1
        if n_kills < 12:
            driver.kill()
            n_kills += n_workers  # each may have been at work
        assert driver.wait() in (0, -signal.SIGKILL)
    assert n_stored(tmp_path) == n
    assert n <= len(fits.read_text().splitlines()) <= n + n_kills
