"""An experiment's parts: what they are called, and each measured once and kept.

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
from omegaconf import DictConfig, open_dict

from benchmarks import store
from benchmarks.composing import ROOT, Job, UsageError, backends, no_choice
from benchmarks.experiment_work import StoredWork, Work, config_of
from benchmarks.identity import canonical
from benchmarks.merging import Results, copy
from benchmarks.progress import Progress
from routers.validation import NotApplicableError

# Settings that say which parts there are, what is done with them, or where they are kept.
_BESIDE = ("data", "seeds", "results", "force", "tracking", "sweep", "mirror", *backends())
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


def parts_of(module: Any, cfg: DictConfig) -> Iterable[Mapping[str, Any]]:
    """Return what is measured, and stored, apart."""
    if hasattr(module, "parts"):
        found: Iterable[Mapping[str, Any]] = module.parts(cfg)
        return found
    return [{"seed": seed} for seed in cfg.seeds] if "seeds" in cfg else [{}]


def work_of(job: Job, part: Mapping[str, Any], progress: Progress) -> Work | StoredWork:
    """Return what one part has to work with."""
    cfg = deepcopy(job.cfg)
    if "seed" in part:
        with open_dict(cfg):
            cfg.seed = part["seed"]
    kind = StoredWork if "run" in part else Work
    return kind(Job(cfg, job.choices, job.overrides), part, progress)


def kept(name: str, module: Any, work: Work | StoredWork) -> tuple[store.Run, bool]:
    """Return a part as it is stored, and whether it was measured for that.

    Where ``force`` is set it is measured in any case; what was stored is invalidated then. One that
    fails is recorded, until it succeeds.

    Parameters
    ----------
    name : str
    module : module
        See ``benchmarks.experiments``.
    work : Work or StoredWork
    """
    run = store.RunId(_settings(name, module, work), *work.hashes)
    below = module.place(work) if hasattr(module, "place") else store.PARTS
    place = Path(ROOT, work.cfg.results, below)

    def measured() -> tuple[pd.DataFrame, dict[str, Any]]:
        rows = module.measure(work)
        return rows, _about(name, module, work, run) | work.noted

    mirror = _Mirror(work.cfg, f"{below}/{run.key}")
    mirror.fetch()
    try:
        folder, is_new = store.keep(place, run, measured, work.cfg.get("force", False))
    except NotApplicableError:
        raise
    except Exception as error:
        file = store.save_failure(place / run.key, _about(name, module, work, run), error)
        error.add_note(f"Its traceback is in {file}.")
        raise
    if is_new:
        store.forget_failure(folder)
        mirror.send()
    return store.load_run(folder), is_new


class _Mirror:
    """A store of other machines, if one is set, that a part is taken from and given to."""

    def __init__(self, cfg: DictConfig, place: str):
        self._there = Results(cfg.mirror) if cfg.get("mirror") else None
        self._here = Results(str(Path(ROOT, cfg.results)))
        self._place = place

    def fetch(self) -> None:
        """Take the part if it is there and not here."""
        if self._there and self._there.holds(self._place) and not self._here.holds(self._place):
            copy(self._place, self._there, self._here)

    def send(self) -> None:
        """Give the part."""
        if self._there:
            copy(self._place, self._here, self._there)


def _settings(name: str, module: Any, work: Work | StoredWork) -> dict[str, Any]:
    """Return what determines a part beside the outcomes."""
    if hasattr(module, "settings"):
        found: dict[str, Any] = module.settings(work)
        return found
    beside = {*_BESIDE, *getattr(module, "AXES", ())}
    settings = {k: canonical(value) for k, value in config_of(work.cfg).items() if k not in beside}
    more = module.depends_on(work) if hasattr(module, "depends_on") else None
    return {"experiment": name, "part": dict(work.part), "settings": settings, "more": more}


def _about(name: str, module: Any, work: Work | StoredWork, run: store.RunId) -> dict[str, Any]:
    more = module.about(work) if hasattr(module, "about") else {}
    return {
        **work.measured_on,
        **more,
        "experiment": name,
        "key": run.key,
        "part": dict(work.part),
        "config": config_of(work.cfg),
        "choices": dict(work.job.choices),
        "identity": run.settings,
        "data_hash": run.data_hash,
        "pool_hash": run.pool_hash,
    }
