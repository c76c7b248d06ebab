"""Routing: one router is fitted and routes the test questions, fold by fold.

``make bench`` runs this experiment for every router and seed that is named, and shows them on one
leaderboard. Each run is stored below ``results/runs``, under the names that tables show.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
from hydra.utils import instantiate
from matplotlib.axes import Axes
from omegaconf import OmegaConf

from benchmarks import figure_data, identity, leads_figure, metrics, tracking
from benchmarks.comparable import compared
from benchmarks.composing import Job, UsageError
from benchmarks.duplicates import duplicate_groups
from benchmarks.evaluate import evaluate
from benchmarks.experiment_work import Work, config_of
from benchmarks.headline import REFERENCES
from benchmarks.loading import left_out
from benchmarks.near_duplicates import REPORTED_AT, near_duplicate_groups
from benchmarks.price_curve import operating_points
from benchmarks.results import Results
from benchmarks.store import RUNS, Run
from benchmarks.writing import markdown, number, table_of
from routers.recognition import RecognisedDatasetRouter

# What is said of a run as soon as it is stored.
_SAID = [
    replace(metric, interval=None)
    for metric in metrics.METRICS
    if metric.name in ("macro_score", "gap_closed")
]
PANELS = 2
HEIGHT = 1.9


def names(job: Job) -> dict[str, Any]:
    """Return the names under which a run is stored and listed."""
    changed = [
        item
        for item in job.overrides
        if item.startswith(("router.", "pool")) or "@router" in item.split("=")[0]
    ]
    label = " ".join([job.choices["router"], *(item.split(".", 1)[-1] for item in changed)])
    return {
        "router": job.choices["router"],
        "label": label,
        "data": job.cfg.data.name,
        "zoo": job.choices["zoo"],
        "pool": job.choices["pool"],
        "split": job.choices["split"],
        "seed": job.cfg.seed,
    }


def place(work: Work) -> Path:
    """Return where a run is stored below the results."""
    found = names(work.job)
    return Path(RUNS, *(str(found[name]) for name in ("data", "zoo", "split", "router")))


def settings(work: Work) -> dict[str, Any]:
    """Return what tells a run from others, beside the outcomes."""
    return identity.identity(config_of(work.cfg))


def about(work: Work) -> dict[str, Any]:
    """Return what is stored of a run beside its settings and what came of it."""
    table = work.table
    return {
        **names(work.job),
        "cost_unit": table.cost_unit,
        "left_out": left_out(work.cfg),
        # the splits keep duplicates on one side, near-duplicates where they are asked to; how many
        # there are is for the reader to know
        "n_duplicates": len(table) - len(set(duplicate_groups(table))),
        "n_near_duplicates": len(table) - len(set(near_duplicate_groups(table, REPORTED_AT))),
        "near_duplicates_at": REPORTED_AT,
    }


def measure(work: Work) -> pd.DataFrame:
    """Return one row per test question: see :class:`benchmarks.evaluate.Evaluation`.

    What it took, and what networks computed with, is noted.
    """
    router = work.made(work.cfg.router)
    floor = _recogniser(json.dumps(OmegaConf.to_container(work.cfg.recogniser, resolve=True)))
    stage = work.progress.stage
    found = evaluate(router, work.table, work.folds, floor, work.pool, stage)
    work.noted.update(timing=found.timing, arithmetic=found.arithmetic)
    return found.rows


@lru_cache(maxsize=2)
def _recogniser(config: str) -> RecognisedDatasetRouter:
    """Build the floor once for all jobs of a sweep, so that its choices can be kept."""
    floor = instantiate(json.loads(config), _convert_="all")
    if not isinstance(floor, RecognisedDatasetRouter):
        raise UsageError(
            "router@recogniser must be recognised_dataset, whose twin dataset-best is told the "
            f"dataset, got {type(floor).__name__}. Set its parameters: recogniser.strength=1."
        )
    return floor


def tell(work: Work, run: Run) -> str:
    """Say in a line what came of a run and what it took; and wherever runs are tracked."""
    about, track = run.about, instantiate(work.cfg.tracking)
    ((rows,),) = (by_seed.values() for by_seed in compared([{about["seed"]: run.rows()}]))
    if (
        getattr(track, "func", track) is tracking.none
    ):  # intervals would take longer than many a router
        figures = metrics.summary(Results([rows], cost_unit=about["cost_unit"]), _SAID)
    else:
        results = Results([rows], operating_points([rows]), cost_unit=about["cost_unit"])
        figures = metrics.summary(results)
        track(about, figures | about["timing"])
    return _line(figures, about["timing"])


def _line(figures: Mapping[str, Any], timing: Mapping[str, float]) -> str:
    gap = number(figures["gap_closed"], "+.2f")
    parts = [f"macro {number(figures['macro_score'], '.3f')}, gap closed {gap}"]
    if timing["n_precomputed"]:
        parts.append(
            f"{timing['n_precomputed']:,} texts encoded in {timing['precompute_seconds']:,.1f} s"
        )
    memory = timing["peak_memory_mb"] / 1024
    parts.append(f"fit {timing['fit_seconds']:.3g} s per fold, peak memory {memory:.1f} GB")
    return "; ".join(parts)


def labels(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells the rows of a stored run from those of others."""
    return {"router": about["label"], "seed": about["seed"]}


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the figures of the router: see :func:`benchmarks.metrics.summarise`."""
    seeds = rows.groupby("router")["seed"].unique().map(lambda found: " ".join(map(str, found)))
    found = metrics.summarise(rows)
    found["seeds"] = found["router"].map(seeds)
    return found


def to_markdown(rows: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """Write what the leaderboard tells of the router as a table, a figure a line."""
    board = summarise(rows)
    first = board.iloc[0]
    told = [
        metric
        for metric in metrics.METRICS
        if metric.name in board and ("leaderboard" in metric.tables or metric.name in REFERENCES)
    ]
    cells = [[m.label, *(m.written(row) for _, row in board.iterrows())] for m in told]
    return (
        f"{markdown(about['data'])}, zoo {markdown(about['zoo'])}, split "
        f"{markdown(about['split'])}: {first['n_questions']} questions, {first['n_llms']} llms; "
        f"cost in {markdown(about['cost_unit'])}; brackets hold 95% intervals over questions.\n\n"
    ) + table_of(["", *map(markdown, board["router"])], cells)


def draw(axes: Sequence[Axes], frame: pd.DataFrame) -> None:
    """Draw what the router leads the best single llm and recognized dataset by."""
    leads_figure.draw(axes, *figure_data.leads(frame))
