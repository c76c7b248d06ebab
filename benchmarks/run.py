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

from omegaconf import DictConfig, OmegaConf

from benchmarks import leaderboard
from benchmarks.ablation_report import Sweep, report
from benchmarks.commands import explain, make_command, run_command
from benchmarks.composing import Job, UsageError, compose_job, expand, sweep_of
from benchmarks.experiments.routing import names
from benchmarks.one_run import comparison_of, execute, line_of, name_of
from benchmarks.progress import Progress
from routers.constraints import SEED, Boolean, Integer, SequenceOf, Text
from routers.validation import InvalidParameterError, NotApplicableError, require

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
    found, progress = Outcome(), Progress()
    last_reason = ""
    for position, job in enumerate(jobs, 1):
        about = names(job)
        progress.job = f"[{position}/{len(jobs)}] {name_of(about)}"
        try:
            found.folders.append(execute(job, progress))
        except NotApplicableError as error:
            log.warning("%s: left out: %s", line_of(progress, about), error)
            continue
        except Exception as error:
            found.n_failed += 1
            reason = explain(error)
            log.error("%s: FAILED: %s", line_of(progress, about), _again(reason, last_reason))
            last_reason = reason
            continue
        if comparison_of(about) not in found.comparisons:
            found.comparisons.append(comparison_of(about))
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
