"""One run: what determines it, under which names it is stored, and what is stored."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from benchmarks import metrics, store
from benchmarks.comparable import compared
from benchmarks.composing import ROOT, Job, UsageError
from benchmarks.duplicates import duplicate_groups
from benchmarks.evaluate import Evaluation, evaluate
from benchmarks.identity import identity
from benchmarks.loading import left_out, load_folds, load_pool, load_table
from benchmarks.near_duplicates import REPORTED_AT, near_duplicate_groups
from benchmarks.price_curve import operating_points
from benchmarks.progress import Progress
from benchmarks.results import Results
from benchmarks.writing import number
from routers.recognition import RecognisedDatasetRouter
from routers.table import RoutingTable
from routers.validation import NotApplicableError

log = logging.getLogger(__name__)


def describe(job: Job) -> dict[str, Any]:
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


def execute(job: Job, progress: Progress | None = None) -> Path:
    """Evaluate and store one run, unless it is stored already; return its folder.

    One that is forced to be done again is stored anew; what was stored is invalidated.
    """
    cfg, about, progress = job.cfg, describe(job), progress or Progress()
    table = _load(cfg, progress)
    run = _run_id(cfg, table)
    results, place = Path(ROOT, cfg.results), store.run_place(about, run.key)
    found: list[Evaluation] = []

    def measured() -> tuple[pd.DataFrame, dict[str, Any]]:
        found.append(_evaluate(cfg, table, progress))
        about.update(_facts(cfg, table, run))
        about.update(timing=found[0].timing, arithmetic=found[0].arithmetic)
        return found[0].rows, about

    try:
        folder, is_new = store.keep((results / "runs" / place).parent, run, measured, cfg.force)
    except NotApplicableError:
        raise
    except Exception as error:
        file = store.save_failure(results, place, about | {"key": run.key}, error)
        error.add_note(f"Its traceback is in {file}.")
        raise
    if is_new:
        store.forget_failure(results, place)
        _tell(cfg, about, found[0], line_of(progress, about))
    elif not found:
        log.info("%s is stored already; force=true redoes it", line_of(progress, about))
    return folder


def _tell(cfg: DictConfig, about: Mapping[str, Any], found: Evaluation, line: str) -> None:
    """Say what came of a run, here and wherever runs are tracked."""
    ((rows,),) = (by_seed.values() for by_seed in compared([{cfg.seed: found.rows}]))
    results = Results([rows], operating_points([rows]), cost_unit=about["cost_unit"])
    figures = metrics.summary(results)
    log.info("%s: %s", line, _result(figures, found.timing))
    instantiate(cfg.tracking)(about, figures | found.timing)


def _run_id(cfg: DictConfig, table: RoutingTable) -> store.RunId:
    pool = load_pool(cfg)
    pool_hash = "" if pool is None else pool.content_hash
    return store.RunId(identity(config_of(cfg)), table.content_hash, pool_hash)


def config_of(cfg: DictConfig) -> dict[str, Any]:
    """Return a configuration as it is stored: plain, machine paths and resolvers left as text."""
    return OmegaConf.to_container(cfg, resolve=False)  # type: ignore[return-value]


def _facts(cfg: DictConfig, table: RoutingTable, run: store.RunId) -> dict[str, Any]:
    """Return what is stored of a run beside its names and what came of it."""
    return {
        "key": run.key,
        "config": config_of(cfg),
        "data_hash": run.data_hash,
        "pool_hash": run.pool_hash,
        "cost_unit": table.cost_unit,
        "left_out": left_out(cfg),
        # the splits keep duplicates on one side, near-duplicates where they are asked to; how many
        # there are is for the reader to know
        "n_duplicates": len(table) - _n_distinct(table),
        "n_near_duplicates": len(table) - len(set(near_duplicate_groups(table, REPORTED_AT))),
        "near_duplicates_at": REPORTED_AT,
    }


def _load(cfg: DictConfig, progress: Progress) -> RoutingTable:
    with progress.stage(f"reading {cfg.data.name}", "outcome"):
        return load_table(cfg)


def _evaluate(cfg: DictConfig, table: RoutingTable, progress: Progress) -> Evaluation:
    router = instantiate(cfg.router, _convert_="all")
    recogniser = _recogniser(json.dumps(OmegaConf.to_container(cfg.recogniser, resolve=True)))
    with progress.stage("comparing questions", "question"):
        folds = load_folds(cfg, table)
    return evaluate(router, table, folds, recogniser, load_pool(cfg), progress.stage)


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


@lru_cache(maxsize=2)
def _n_distinct(table: RoutingTable) -> int:
    return len(set(duplicate_groups(table)))


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
