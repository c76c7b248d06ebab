"""Run one job of routing, and say in a line what came of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig

from benchmarks import metrics
from benchmarks.comparable import compared
from benchmarks.composing import Job
from benchmarks.experiment import kept
from benchmarks.experiment_work import Work
from benchmarks.experiments import routing
from benchmarks.price_curve import operating_points
from benchmarks.progress import Progress
from benchmarks.results import Results
from benchmarks.store import Run
from benchmarks.writing import number

log = logging.getLogger(__name__)


def execute(job: Job, progress: Progress | None = None) -> Path:
    """Evaluate and store one run, unless it is stored already; return its folder.

    One that is forced to be done again is stored anew; what was stored is invalidated.
    """
    progress = progress or Progress()
    run, is_new = kept("routing", routing, Work(job, {}, progress))
    line = line_of(progress, routing.names(job))
    if is_new:
        _tell(job.cfg, run, line)
    else:
        log.info("%s is stored already; force=true redoes it", line)
    return run.folder


def _tell(cfg: DictConfig, run: Run, line: str) -> None:
    """Say what came of a run, here and wherever runs are tracked."""
    about = run.about
    ((rows,),) = (by_seed.values() for by_seed in compared([{cfg.seed: run.rows()}]))
    results = Results([rows], operating_points([rows]), cost_unit=about["cost_unit"])
    figures = metrics.summary(results)
    log.info("%s: %s", line, _result(figures, about["timing"]))
    instantiate(cfg.tracking)(about, figures | about["timing"])


def line_of(progress: Progress, about: Mapping[str, Any]) -> str:
    """Return what a line about a run begins with: which one, on what."""
    return f"{progress.job or name_of(about)}, {comparison_of(about)}, pool {about['pool']}"


def name_of(about: Mapping[str, Any]) -> str:
    """Return a run's router and seed."""
    return f"{about['label']}, seed {about['seed']}"


def comparison_of(about: Mapping[str, Any]) -> str:
    """Return ``DATA/ZOO/SPLIT`` of a run."""
    return "/".join(str(about[name]) for name in ("data", "zoo", "split"))


def _result(figures: Mapping[str, Any], timing: Mapping[str, float]) -> str:
    """Say in a line what came of a run and what it took."""
    gap = number(figures["gap_closed"], "+.2f")
    parts = [f"macro {number(figures['macro_score'], '.3f')}, gap closed {gap}"]
    if timing["n_precomputed"]:
        parts.append(
            f"{timing['n_precomputed']:,} texts encoded in {timing['precompute_seconds']:,.1f} s"
        )
    memory = timing["peak_memory_mb"] / 1024
    parts.append(f"fit {timing['fit_seconds']:.3g} s per fold, peak memory {memory:.1f} GB")
    return "; ".join(parts)
