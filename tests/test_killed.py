"""An experiment that is killed at any moment and gone on with ends as the undisturbed one.

``PROCTOR_KILLS=10 pytest -n 0 tests/test_killed.py`` kills each experiment ten times; it takes some
minutes for each.
"""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from test_run_arrival import SMALL, ZOO, write_outcomes

from benchmarks import leaderboard

KILLS = int(os.environ.get("PROCTOR_KILLS", "0"))
TFIDF = "encoder@{}.encoder=tfidf"
TIMES = ["seconds", "fit_seconds", "route_qps", "encode_seconds", "peak_memory_mb"]
MONTHS = ",".join(f"'{month}'" for month in ZOO.values())
ARRIVAL = [
    *("zoo=all", f"zoo.llms=[{','.join(ZOO)}]", f"+zoo.released=[{MONTHS}]", "+zoo.families={}"),
    *("router@examined=capability_fusion", *(f"examined.{setting}" for setting in SMALL)),
    *map(TFIDF.format, ("examined", "routers.knn", "routers.recognised_dataset")),
    *("keep=2", "seeds=[0,1]", "split.n_folds=2"),
]
UNSEEN = [
    *("zoo=all", "by_card=[capability_fusion]", "by_labels=[knn,recognised_dataset]"),
    *(TFIDF.format(f"routers.{name}") for name in ("capability_fusion", "knn")),
    *(TFIDF.format("routers.recognised_dataset"), "routers.capability_fusion.n_factors=2"),
    *("n_scored=[6,12]", "n_shots=3", "seeds=[0,1,2]", "routers.knn.k=3"),
]
CEILING = [
    *("--data=synthetic", "encoder@encoders.minilm=tfidf", "encoder@encoders.lm_reading=tfidf"),
    "shares=[0.5,1.0]",
]
ROUTING = [
    *("--data=synthetic", "data.n_questions=90", "split=holdout", TFIDF.format("recogniser")),
    *("router=knn,kmeans", TFIDF.format("router"), "seed=0,1,2"),
]
BUDGET = ["shares=[0.25,0.5,0.75]"]
COMMANDS = {
    "routing": ["benchmarks.run", *ROUTING],
    "arrival": ["benchmarks.run_experiment", "arrival", *ARRIVAL],
    "unseen": ["benchmarks.run_experiment", "unseen", *UNSEEN],
    "ceiling": ["benchmarks.run_experiment", "ceiling", *CEILING],
    "budget": ["benchmarks.run_experiment", "budget", *BUDGET],
}
ON_A_FOLDER = ("arrival", "unseen")


class Place:
    """An experiment, and the folders that it may be written into."""

    def __init__(self, name, root):
        self.name, self.root = name, root
        self.command = [sys.executable, "-m", *COMMANDS[name]]
        if name in ON_A_FOLDER:
            data = root / "data"
            data.mkdir()
            write_outcomes(data)
            self.command += ["--data", str(data)]
        self.judged = root / "judged"
        self.judged.mkdir()
        if name == "budget":
            run = [sys.executable, "-m", *COMMANDS["routing"], "--results", str(self.judged)]
            subprocess.run(run, cwd=ROOT, env=environment(), check=True, capture_output=True)

    def made(self, folder):
        """Return a new folder, with stored runs where they are what is judged."""
        return shutil.copytree(self.judged, self.root / folder)

    def start(self, results):
        command = [*self.command, "--results", str(results)]
        pipe = subprocess.DEVNULL
        return subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=pipe, stderr=pipe)

    def finish(self, results):
        assert self.start(results).wait(timeout=600) == 0


def environment():
    return os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def tables(results):
    """Return every table below a folder, without what was timed."""
    if (results / "runs").exists():
        leaderboard.write(results)
    files = sorted(results.rglob("*.csv"))
    assert files
    return {
        str(file.relative_to(results)): pd.read_csv(file, dtype=str).drop(
            columns=TIMES, errors="ignore"
        )
        for file in files
    }


def n_killed(place, results, delays):
    """Go on with an experiment until it was killed after each of some delays; return how often.

    One that is finished before it could be killed is not begun again.
    """
    killed = 0
    for delay in delays:
        process = place.start(results)
        try:
            process.wait(timeout=delay)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        if process.wait() != -signal.SIGKILL:
            break
    return killed


def check_killed(place, n_kills):
    """Kill an experiment at some moments, and compare what it ends with."""
    whole = place.made("whole")
    begin = time.monotonic()
    place.finish(whole)
    seconds, expected = time.monotonic() - begin, tables(whole)
    rng, killed, times = np.random.default_rng(0), 0, 0
    while killed < n_kills:
        results = place.made(f"killed-{times}")
        times += 1
        # what is gone on with takes less than the whole
        now = n_killed(place, results, rng.uniform(0, seconds / 2, n_kills - killed))
        killed += now
        seconds /= 1 if now else 2  # the machine may be less busy than it was
        place.finish(results)
        found = tables(results)
        assert found.keys() == expected.keys()
        for name, table in found.items():
            pd.testing.assert_frame_equal(table, expected[name])
        assert not list(results.rglob("*.part"))


@pytest.mark.skipif(not KILLS, reason="PROCTOR_KILLS is not set: experiments are not killed")
@pytest.mark.parametrize("name", COMMANDS)
def test_it_ends_as_if_it_had_not_been_killed(name, tmp_path):
    check_killed(Place(name, tmp_path), KILLS)


def test_the_budget_ends_as_if_it_had_not_been_killed(tmp_path):
    check_killed(Place("budget", tmp_path), 1)
