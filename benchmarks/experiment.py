"""Run an experiment: measure what is not stored yet, part by part, and report on all parts.

What an experiment is, says ``benchmarks.experiments``. Each part is stored whole or not at all, so
that a killed run goes on where it stood, and tables and figures are made anew from what is stored.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf, open_dict

from benchmarks import store
from benchmarks.commands import make_command
from benchmarks.composing import ROOT, Job, UsageError, no_choice
from benchmarks.experiment_report import Report
from benchmarks.identity import canonical
from benchmarks.loading import load_folds, load_pool, load_source, load_table
from benchmarks.progress import Progress
from benchmarks.sources.source import Source
from benchmarks.splits import Fold
from routers.table import RoutingTable

# Settings that say which parts there are, what is done with them, or where they are kept.
_BESIDE = ("data", "seeds", "results", "force", "tracking", "sweep")
_FOLDER = Path(__file__).parent / "experiments"


@dataclass(frozen=True)
class Work:
    """One part of an experiment.

    Attributes
    ----------
    job : Job
        Its settings; of a part with a seed, ``job.cfg.seed`` is that.
    part : dict
        What it is a part by, such as ``{"seed": 0}``.
    progress : Progress
    """

    job: Job
    part: Mapping[str, Any]
    progress: Progress

    @property
    def cfg(self) -> DictConfig:
        """The settings."""
        return self.job.cfg

    @cached_property
    def source(self) -> Source:
        """All outcomes, of any llm, and what is known of llms and questions."""
        with self.progress.stage(f"reading {self.cfg.data.name}", "outcome"):
            return load_source(self.cfg)

    @cached_property
    def table(self) -> RoutingTable:
        """Outcomes of the zoo."""
        with self.progress.stage(f"reading {self.cfg.data.name}", "outcome"):
            return load_table(self.cfg)

    @cached_property
    def pool(self) -> RoutingTable | None:
        """Outcomes of other llms on the same questions, if there are any and they are asked for."""
        return load_pool(self.cfg) if "pool" in self.cfg else None

    @cached_property
    def folds(self) -> list[Fold]:
        """The split of the table."""
        return load_folds(self.cfg, self.table)

    def made(self, settings: DictConfig, **changes: Any) -> Any:
        """Build a part of the configuration, a router say."""
        return instantiate(settings, _convert_="all", **changes)


def known() -> list[str]:
    """Return the names of the experiments; nothing is imported for it."""
    return sorted(file.stem for file in _FOLDER.glob("[a-z]*.py"))


def module_of(name: str) -> Any:
    """Import an experiment.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    if name not in known():
        raise UsageError(no_choice("experiment", name, known()))
    return importlib.import_module(f"benchmarks.experiments.{name}")


def run(name: str, job: Job, progress: Progress) -> Report:
    """Measure every part that is not stored, and return the report on all of them.

    Parameters
    ----------
    name : str
        Of a module of ``benchmarks.experiments``.
    job : Job
        Composed from the file of ``configs`` of that name.
    progress : Progress
    """
    module = module_of(name)
    works = [_work(job, part, progress) for part in _parts(module, job.cfg)]
    runs = []
    for number, work in enumerate(works, 1):
        told = " ".join(f"{key}={value}" for key, value in work.part.items())
        progress.job = f"[{number}/{len(works)}] {name} {told}".rstrip()
        runs.append(_stored(name, module, work))
    progress.job = ""
    target = getattr(module, "TARGET", f"run EXPERIMENT={name}")
    return Report(name, module, make_command(target, job), runs)


def _parts(module: Any, cfg: DictConfig) -> Iterable[Mapping[str, Any]]:
    if hasattr(module, "parts"):
        return module.parts(cfg)
    return [{"seed": seed} for seed in cfg.seeds] if "seeds" in cfg else [{}]


def _work(job: Job, part: Mapping[str, Any], progress: Progress) -> Work:
    cfg = deepcopy(job.cfg)
    if "seed" in part:
        with open_dict(cfg):
            cfg.seed = part["seed"]
    return Work(Job(cfg, job.choices, job.overrides), part, progress)


def _stored(name: str, module: Any, work: Work) -> store.Run:
    """Return a part as it is stored; it is measured first if it is not."""
    place = Path(ROOT, work.cfg.results) / store.PARTS
    run = _run_id(name, module, work)
    folder = store.find_run(place, run)
    if folder is None:
        rows = module.measure(work)
        # another process may have been first meanwhile: what it stored stands
        folder = store.find_run(place, run)
        folder = folder or store.save_run(place / run.key, rows, _about(name, work, run))
    return store.load_run(folder)


def _run_id(name: str, module: Any, work: Work) -> store.RunId:
    config: Any = OmegaConf.to_container(work.cfg, resolve=False)
    beside = {*_BESIDE, *getattr(module, "AXES", ())}
    settings = {key: canonical(value) for key, value in config.items() if key not in beside}
    more = module.depends_on(work) if hasattr(module, "depends_on") else None
    pool_hash = "" if work.pool is None else work.pool.content_hash
    identity = {"experiment": name, "part": dict(work.part), "settings": settings, "more": more}
    return store.RunId(identity, work.table.content_hash, pool_hash)


def _about(name: str, work: Work, run: store.RunId) -> dict[str, Any]:
    choices = {what: work.job.choices.get(what, "") for what in ("zoo", "split")}
    return {
        "experiment": name,
        "key": run.key,
        "part": dict(work.part),
        "data": work.cfg.data.name,
        **choices,
        "config": OmegaConf.to_container(work.cfg, resolve=False),
        "choices": dict(work.job.choices),
        "identity": run.settings,
        "data_hash": run.data_hash,
        "pool_hash": run.pool_hash,
        "n_questions": len(work.table),
        "n_llms": work.table.n_llms,
    }
