"""Evaluate routers and store what happened: ``python -m benchmarks.run router=knn,kmeans``.

Settings are Hydra's (``configs/``). What is separated by commas is varied, one run for each
combination; ``sweep=name`` varies what ``configs/sweep/name.yaml`` says. Finished runs are skipped.
A run that fails is recorded and the others go on; the same command tries it again.
"""

from __future__ import annotations

import copy
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from benchmarks import leaderboard
from benchmarks.ablation_report import Sweep, report
from benchmarks.commands import make_command, run_command
from benchmarks.composing import Job, UsageError, compose_job, expand, sweep_of
from benchmarks.experiments.routing import names
from benchmarks.progress import Progress
from benchmarks.tasks import Task, again, attempts, backend_of
from routers.constraints import SEED, Boolean, Integer, SequenceOf, Text
from routers.validation import InvalidParameterError, require

log = logging.getLogger(__name__)


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
    labels = [f"[{n}/{len(jobs)}] {name_of(names(job))}" for n, job in enumerate(jobs, 1)]
    tasks = [Task("routing", job, {}, label) for job, label in zip(jobs, labels, strict=True)]
    found, last_reason = Outcome(), ""
    for task, attempt in attempts(tasks, backend_of(jobs[0])):
        about = names(task.job)
        line = f"{task.label}, {comparison_of(about)}, pool {about['pool']}"
        if attempt.failure:
            found.n_failed += 1
            log.error("%s: FAILED: %s", line, again(attempt.failure, last_reason))
            last_reason = attempt.failure
        elif attempt.left_out:
            log.warning("%s: left out: %s", line, attempt.left_out)
        else:
            said = (
                f": {attempt.told}"
                if attempt.is_new
                else " is stored already; force=true redoes it"
            )
            log.info("%s%s", line, said)
            found.folders.append(Path(attempt.folder))
            if comparison_of(about) not in found.comparisons:
                found.comparisons.append(comparison_of(about))
    if found.n_failed:
        failed = f"{found.n_failed} of {len(jobs)}"
        log.error("%s runs failed. The same command tries them again.", failed)
    return found


def name_of(about: Mapping[str, Any]) -> str:
    """Return a run's router and seed."""
    return f"{about['label']}, seed {about['seed']}"


def comparison_of(about: Mapping[str, Any]) -> str:
    """Return ``DATA/ZOO/SPLIT`` of a run."""
    return "/".join(str(about[name]) for name in ("data", "zoo", "split"))


def _jobs(every: Sequence[Sequence[str]], verbatim: Mapping[str, str]) -> Iterator[Job]:
    """Compose all jobs before the first one starts; those of other seeds differ in the seed."""
    composed: dict[tuple[str, ...], Job] = {}
    for overrides in every:
        rest = tuple(item for item in overrides if not item.startswith("seed="))
        seeds = [item for item in overrides if item.startswith("seed=")]
        if rest not in composed or not seeds:
            composed[rest] = compose_job("routing", overrides, verbatim)
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
        whole = not found.n_failed  # what a sweep varied is compared when all of it is there
        varied = whole and _ablations(results, found.comparisons, overrides, verbatim)
        sys.stdout.write(varied or board)
    return 1 if found.n_failed else 0


def _ablations(
    results: Path, comparisons: Sequence[str], overrides: list[str], verbatim: Mapping[str, str]
) -> str:
    """Write table and picture of what a sweep varied, and return the tables; "" for none."""
    name = sweep_of(overrides)
    if not name:
        return ""
    job = compose_job("routing", expand(overrides)[0], verbatim)
    again = make_command("sweep", Job(job.cfg, job.choices, overrides))
    sweep = Sweep(name, overrides, verbatim)
    texts = [
        report(
            sweep,
            results,
            comparison,
            again,
            results / "ablations" / f"{name}-{comparison.replace('/', '-')}",
        )
        for comparison in comparisons
    ]
    return "\n".join(text for text in texts if text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    return run_command("run", str(__doc__), command, arguments)


if __name__ == "__main__":
    sys.exit(main())
