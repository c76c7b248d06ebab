"""Evaluate routers and store what happened: ``python -m benchmarks.run router=knn,kmeans``.

Settings are Hydra's (``configs/``). What is separated by commas is varied, one run for each
combination; ``sweep=name`` varies what ``configs/sweep/name.yaml`` says. Finished runs are skipped.
A run that fails is recorded and the others go on; the same command tries it again.
"""

from __future__ import annotations

import copy
import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from benchmarks import leaderboard, metrics, store
from benchmarks.commands import explain, run_command
from benchmarks.comparable import compared
from benchmarks.composing import ROOT, Job, UsageError, compose_job, expand
from benchmarks.duplicates import duplicate_groups
from benchmarks.evaluate import Evaluation, evaluate
from benchmarks.loading import left_out, load_folds, load_pool, load_table
from benchmarks.near_duplicates import REPORTED_AT, near_duplicate_groups
from benchmarks.progress import Progress
from benchmarks.writing import number
from routers.constraints import SEED, Boolean, Integer, SequenceOf, Text
from routers.recognition import RecognisedDatasetRouter
from routers.table import RoutingTable
from routers.validation import InvalidParameterError, NotApplicableError, require

log = logging.getLogger(__name__)


def run_config(cfg: DictConfig) -> dict[str, Any]:
    """Return the part of the configuration that determines a result, resolvers left as text."""
    groups = {
        name: cfg[name] for name in ("router", "recogniser", "data", "zoo", "pool", "split", "seed")
    }
    config = OmegaConf.to_container(OmegaConf.create(groups), resolve=False)
    config["data"].pop("path", None)  # type: ignore[union-attr, index, call-overload]
    return config  # type: ignore[return-value]


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
    """Evaluate and store one run, unless it is stored already; return its folder."""
    cfg, about, progress = job.cfg, describe(job), progress or Progress()
    table = _load(cfg, progress)
    key = store.run_key(run_config(cfg), table.content_hash)
    results, place = Path(ROOT, cfg.results), store.run_place(about, key)
    folder = results / "runs" / place
    if store.is_finished(folder) and not cfg.force:
        log.info("%s is stored already; force=true redoes it", _line(progress, about))
        return folder
    try:
        found = _evaluate(cfg, table, progress)
    except NotApplicableError:
        raise
    except Exception as error:
        file = store.save_failure(results, place, about | {"key": key}, error)
        error.add_note(f"Its traceback is in {file}.")
        raise
    about = about | {
        "key": key,
        "config": OmegaConf.to_container(cfg, resolve=False),
        "data_hash": table.content_hash,
        "cost_unit": table.cost_unit,
        "left_out": left_out(cfg),
        # the splits keep duplicates on one side, near-duplicates where they are asked to; how many
        # there are is for the reader to know
        "n_duplicates": len(table) - _n_distinct(table),
        "n_near_duplicates": len(table) - len(set(near_duplicate_groups(table, REPORTED_AT))),
        "near_duplicates_at": REPORTED_AT,
        "timing": found.timing,
        "arithmetic": found.arithmetic,
    }
    store.save_run(folder, found.rows, about)
    store.forget_failure(results, place)
    ((rows,),) = (by_seed.values() for by_seed in compared([{cfg.seed: found.rows}]))
    figures = metrics.summary([rows])
    log.info("%s: %s", _line(progress, about), _result(figures, found.timing))
    instantiate(cfg.tracking)(about, figures | found.timing)
    return folder


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


def _line(progress: Progress, about: Mapping[str, Any]) -> str:
    """Return what a line about a run begins with: which one, on what."""
    return f"{progress.job or _name(about)}, {_comparison(about)}, pool {about['pool']}"


def _name(about: Mapping[str, Any]) -> str:
    return f"{about['label']}, seed {about['seed']}"


def _comparison(about: Mapping[str, Any]) -> str:
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


@dataclass
class Outcome:
    """What became of the jobs of a command.

    Attributes
    ----------
    folders : list of Path
        Of the runs that are stored now.
    comparisons : list of str
        ``DATA/ZOO/SPLIT`` of these, in the order they came up.
    n_failed : int
    """

    folders: list[Path] = field(default_factory=list)
    comparisons: list[str] = field(default_factory=list)
    n_failed: int = 0


def run_all(overrides: Sequence[str], verbatim: Mapping[str, str] | None = None) -> Outcome:
    """Run every job that some overrides mean; one that fails does not keep the others from it.

    Parameters
    ----------
    overrides : sequence of str
        See :func:`benchmarks.composing.expand`.
    verbatim : dict, optional
        See :func:`benchmarks.composing.compose_job`.

    Raises
    ------
    UsageError
        If a job cannot be composed; then nothing is run.
    """
    jobs = list(_jobs(expand(overrides), verbatim or {}))
    found, progress = Outcome(), Progress()
    last_reason = ""
    for position, job in enumerate(jobs, 1):
        about = describe(job)
        progress.job = f"[{position}/{len(jobs)}] {_name(about)}"
        try:
            found.folders.append(execute(job, progress))
        except NotApplicableError as error:
            log.warning("%s: left out: %s", _line(progress, about), error)
            continue
        except Exception as error:
            found.n_failed += 1
            reason = explain(error)
            log.error("%s: FAILED: %s", _line(progress, about), _again(reason, last_reason))
            last_reason = reason
            continue
        if _comparison(about) not in found.comparisons:
            found.comparisons.append(_comparison(about))
    if found.n_failed:
        failed = f"{found.n_failed} of {len(jobs)}"
        log.error("%s runs failed. The same command tries them again.", failed)
    return found


def _again(reason: str, last: str) -> str:
    return "as the run before" if reason == last else reason


def _jobs(every: Sequence[Sequence[str]], verbatim: Mapping[str, str]) -> Iterator[Job]:
    """Compose all jobs before the first one starts; those of other seeds differ in the seed."""
    composed: dict[tuple[str, ...], Job] = {}
    for overrides in every:
        rest = tuple(item for item in overrides if not item.startswith("seed="))
        seeds = [item for item in overrides if item.startswith("seed=")]
        if rest not in composed or not seeds:
            composed[rest] = compose_job("config", overrides, verbatim)
        job = composed[rest]
        cfg = copy.deepcopy(job.cfg)
        if seeds:
            cfg.seed = OmegaConf.from_dotlist(seeds[-1:]).seed
        _check_settings(cfg)
        yield Job(cfg, job.choices, list(overrides))


def _check_settings(cfg: DictConfig) -> None:
    """Check what belongs to the suite itself; every part checks its own parameters."""
    constraints = {"seed": SEED, "pool.seed": SEED, "pool.size": Integer(0) | None}
    constraints |= {"force": Boolean(), "zoo.llms": SequenceOf(Text(), fewest=1) | None}
    for name, constraint in constraints.items():
        value = OmegaConf.select(cfg, name)
        value = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
        try:
            require("run", name, value, constraint)
        except InvalidParameterError as error:
            raise UsageError(str(error)) from error


def command(overrides: list[str], verbatim: dict[str, str]) -> int:
    """Run every job, print where its routers stand, and return 1 if a run failed."""
    found = run_all(overrides, verbatim)
    if found.comparisons:
        results = found.folders[0].parents[5]
        with Progress().stage("deriving the leaderboard", "run"):
            board = leaderboard.show(results, found.comparisons)
        sys.stdout.write(board)
    return 1 if found.n_failed else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    return run_command("run", str(__doc__), command, arguments)


if __name__ == "__main__":
    sys.exit(main())
