"""What a promise is worth: promised against reached score and cost, over the stored runs.

``make budget`` writes ``results/figures/<data>-<zoo>-<split>/budget.csv`` and its figure for every
comparison there is. What was predicted and what is true is read from the rows of the stored runs:
nothing is fitted. Each of them is a part; what was chosen under which promise is stored beside the
figure.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pandas as pd
from omegaconf import DictConfig, open_dict

from benchmarks import budget_plots
from benchmarks.budget import allot, per_batch, summary
from benchmarks.budget_text import text_of
from benchmarks.comparable import shared_tests
from benchmarks.comparison import folder_names, group_runs, place_of
from benchmarks.composing import ROOT, Job
from benchmarks.experiment_work import StoredWork
from benchmarks.store import RUNS, Run, load_runs

log = logging.getLogger(__name__)
TARGET = "budget"
AXES = ("runs", "comparison")
PANELS = 3
HEIGHT = 3.9
DIGITS = 6
_ABOUT = ["router", "seed", "comparison", "cost_unit"]
draw = budget_plots.draw


def jobs(job: Job) -> list[Job]:
    """Return a job for each comparison of the stored runs.

    Raises
    ------
    FileNotFoundError
        If no run is stored.
    """
    results = Path(job.cfg.results)
    names = sorted(_by_comparison(results))
    if not names:
        where = Path(ROOT, results) / RUNS
        raise FileNotFoundError(f"no run is stored in {where}. Run 'make bench' first.")
    return [_of_comparison(job, results, name) for name in names]


def _of_comparison(job: Job, results: Path, name: str) -> Job:
    cfg = deepcopy(job.cfg)
    with open_dict(cfg):
        cfg.runs, cfg.comparison = str(results), name
        cfg.results = str(results / "figures" / name)
    return Job(cfg, job.choices, job.overrides)


def _by_comparison(results: Path) -> dict[str, list[Run]]:
    """Return the runs of each comparison, the latest of each router and seed."""
    groups = group_runs(load_runs(Path(ROOT, results)))
    names = folder_names(place_of(runs[0]) for runs in groups)
    found: dict[str, list[Run]] = {}
    for runs in groups:
        found.setdefault(names[place_of(runs[0])], []).extend(runs)
    return found


def parts(cfg: DictConfig) -> list[dict[str, Any]]:
    """Return each stored run of the comparison, and which of its tests are not compared.

    A test on which some router of the comparison has no choice is left out for all, as it is on
    the leaderboard.
    """
    runs = _by_comparison(Path(cfg.runs))[cfg.comparison]
    tests = [(run, run.about["seed"], run.rows()) for run in runs]
    shared = shared_tests((seed, rows) for _, seed, rows in tests)
    below = Path(ROOT, cfg.runs) / RUNS
    return [
        {
            "run": run.folder.relative_to(below).as_posix(),
            "left_out": sorted(set(rows["question_id"]) - shared[seed]),
        }
        for run, seed, rows in tests
    ]


def measure(work: StoredWork) -> pd.DataFrame:
    """Allot the batches of a stored run, see :func:`benchmarks.budget.allot`."""
    cfg, about, rows = work.cfg, work.run.about, work.run.rows()
    compared = rows[~rows["question_id"].isin(work.part["left_out"])]
    with work.progress.stage("allotting", "batch"):
        found = allot(compared, list(cfg.shares), cfg.room)
    if found.empty:
        log.warning(
            "%s: nothing can be promised, for no llm's cost is known.",
            cfg.comparison,
            extra={"once": f"no cost in {cfg.comparison}"},
        )
    told = (about["label"], about["seed"], cfg.comparison, about["cost_unit"])
    return found.assign(**dict(zip(_ABOUT, told, strict=True)))


def condense(rows: pd.DataFrame) -> pd.DataFrame:
    """Judge the batches of one run, see :func:`benchmarks.budget.per_batch`."""
    return per_batch(rows).assign(**{name: rows[name].iloc[0] for name in _ABOUT if len(rows)})


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Return means over batches and seeds, see :func:`benchmarks.budget.summary`."""
    named = ["comparison", "cost_unit"]
    found = summary(rows.drop(columns=named))
    found.attrs = {name: str(rows[name].iloc[0]) for name in named}
    return found


def to_markdown(rows: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """Write what promises were worth as a table."""
    return text_of(summarise(rows), about)
