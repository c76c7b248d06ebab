"""Run an experiment: measure what is not stored yet, part by part, and report on all parts.

What an experiment is, says ``benchmarks.experiments``. Each part is stored whole or not at all, so
that a killed run goes on where it stood, and tables and figures are made anew from what is stored.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pandas as pd
from omegaconf import DictConfig, OmegaConf, open_dict

from benchmarks import store
from benchmarks.commands import make_command
from benchmarks.composing import ROOT, Job, UsageError, no_choice
from benchmarks.experiment_report import Report
from benchmarks.experiment_work import StoredWork, Work
from benchmarks.identity import canonical
from benchmarks.progress import Progress

# Settings that say which parts there are, what is done with them, or where they are kept.
_BESIDE = ("data", "seeds", "results", "force", "tracking", "sweep")
_FOLDER = Path(__file__).parent / "experiments"


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


def reported_apart(module: Any, job: Job) -> Iterable[Job]:
    """Return the jobs that a command means: each has a report, in a results folder of its own."""
    found: Iterable[Job] = module.jobs(job) if hasattr(module, "jobs") else [job]
    return found


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
        told = " ".join(f"{k}={v}" for k, v in work.part.items() if not isinstance(v, list))
        progress.job = f"[{number}/{len(works)}] {name} {told}".rstrip()
        runs.append(_stored(name, module, work))
    progress.job = ""
    target = getattr(module, "TARGET", f"run EXPERIMENT={name}")
    return Report(name, module, make_command(target, job), runs)


def _parts(module: Any, cfg: DictConfig) -> Iterable[Mapping[str, Any]]:
    if hasattr(module, "parts"):
        return module.parts(cfg)
    return [{"seed": seed} for seed in cfg.seeds] if "seeds" in cfg else [{}]


def _work(job: Job, part: Mapping[str, Any], progress: Progress) -> Work | StoredWork:
    cfg = deepcopy(job.cfg)
    if "seed" in part:
        with open_dict(cfg):
            cfg.seed = part["seed"]
    kind = StoredWork if "run" in part else Work
    return kind(Job(cfg, job.choices, job.overrides), part, progress)


def _stored(name: str, module: Any, work: Work | StoredWork) -> store.Run:
    """Return a part as it is stored; it is measured first if it is not."""
    run = _run_id(name, module, work)

    def measured() -> tuple[pd.DataFrame, dict[str, Any]]:
        return module.measure(work), _about(name, work, run)

    folder, _ = store.keep(Path(ROOT, work.cfg.results) / store.PARTS, run, measured)
    return store.load_run(folder)


def _run_id(name: str, module: Any, work: Work | StoredWork) -> store.RunId:
    config: Any = OmegaConf.to_container(work.cfg, resolve=False)
    beside = {*_BESIDE, *getattr(module, "AXES", ())}
    settings = {key: canonical(value) for key, value in config.items() if key not in beside}
    more = module.depends_on(work) if hasattr(module, "depends_on") else None
    identity = {"experiment": name, "part": dict(work.part), "settings": settings, "more": more}
    return store.RunId(identity, *work.hashes)


def _about(name: str, work: Work | StoredWork, run: store.RunId) -> dict[str, Any]:
    return {
        **work.measured_on,
        "experiment": name,
        "key": run.key,
        "part": dict(work.part),
        "config": OmegaConf.to_container(work.cfg, resolve=False),
        "choices": dict(work.job.choices),
        "identity": run.settings,
        "data_hash": run.data_hash,
        "pool_hash": run.pool_hash,
    }
