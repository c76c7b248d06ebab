"""What one part of an experiment has to work with: outcomes, or a stored run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf, open_dict

from benchmarks.composing import ROOT, Job
from benchmarks.loading import load_folds, load_pool, load_source, load_table
from benchmarks.progress import Progress
from benchmarks.sources.source import Source
from benchmarks.splits import Fold
from benchmarks.store import ROWS, RUNS, Run, load_run
from benchmarks.stored_rows import llm_names
from routers.table import RoutingTable


def config_of(cfg: DictConfig) -> dict[str, Any]:
    """Return a configuration as it is stored: plain, machine paths and resolvers left as text."""
    return OmegaConf.to_container(cfg, resolve=False)  # type: ignore[return-value]


@dataclass(frozen=True)
class _Part:
    """One part of an experiment.

    Attributes
    ----------
    job : Job
        Its settings; of a part with a seed, ``job.cfg.seed`` is that.
    part : dict
        What it is a part by, such as ``{"seed": 0}``.
    progress : Progress
    noted : dict
        What ``measure`` found beside the rows, to be stored with them: JSON-able.
    """

    job: Job
    part: Mapping[str, Any]
    progress: Progress
    noted: dict[str, Any] = field(default_factory=dict)

    @property
    def cfg(self) -> DictConfig:
        """The settings."""
        return self.job.cfg

    def made(self, settings: DictConfig, **changes: Any) -> Any:
        """Build a part of the configuration, a router say."""
        return instantiate(settings, _convert_="all", **changes)


class Work(_Part):
    """One part of an experiment on outcomes."""

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
        with self.progress.stage("comparing questions", "question"):
            return load_folds(self.cfg, self.table)

    def among(self, llms: Sequence[str]) -> Work:
        """Return the same work on the outcomes of some of the llms: the others join the pool."""
        cfg = deepcopy(self.cfg)
        with open_dict(cfg):
            cfg.zoo.llms = list(llms)
        job = Job(cfg, self.job.choices, self.job.overrides)
        return Work(job, self.part, self.progress, self.noted)

    @property
    def hashes(self) -> tuple[str, str]:
        """Of the outcomes and of the pool's, "" where there is none."""
        return self.table.content_hash, "" if self.pool is None else self.pool.content_hash

    @property
    def measured_on(self) -> dict[str, Any]:
        """Names and sizes of what is measured on."""
        return {
            "data": self.cfg.data.name,
            **{what: self.job.choices.get(what, "") for what in ("zoo", "split")},
            "n_questions": len(self.table),
            "n_llms": self.table.n_llms,
        }


class StoredWork(_Part):
    """One part of an experiment on stored runs: ``part["run"]``, below the folder ``cfg.runs``."""

    @cached_property
    def run(self) -> Run:
        """The stored run."""
        return load_run(Path(ROOT, self.cfg.runs, RUNS, self.part["run"]))

    @property
    def hashes(self) -> tuple[str, str]:
        """Of the run's rows, and nothing: a run that was done again may hold others."""
        rows = (self.run.folder / ROWS).read_bytes()
        return hashlib.sha256(rows).hexdigest()[:16], ""

    @property
    def measured_on(self) -> dict[str, Any]:
        """Names and sizes of what the run was measured on."""
        rows, about = self.run.rows(), self.run.about
        return {
            **{what: about[what] for what in ("data", "zoo", "split", "cost_unit")},
            "n_questions": rows["question_id"].nunique(),
            "n_llms": len(llm_names(rows)),
        }
