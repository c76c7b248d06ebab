"""Run an experiment of ``benchmarks/experiments``: ``python -m benchmarks.run_experiment arrival``.

Settings are Hydra's, of the file of that name in ``configs``. What is stored is not measured again;
table and figures are written anew into the folder ``results=``.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.commands import FailedError, make_command, run_command
from benchmarks.composing import ROOT, Job, UsageError, compose_job
from benchmarks.experiment import known, module_of, parts_of, reported_apart, work_of
from benchmarks.experiment_report import Report
from benchmarks.progress import Progress
from benchmarks.store import load_run
from benchmarks.tasks import Task, again, attempts, backend_of

log = logging.getLogger(__name__)


def command(overrides: list[str], verbatim: dict[str, str]) -> int:
    """Measure what is not stored, write the report and print its table."""
    names = [word for word in overrides if "=" not in word]
    if len(names) != 1:
        raise UsageError(f"One experiment must be named, got {names}. Name one: {known()}.")
    [name], module = names, module_of(names[0])
    job = compose_job(name, [word for word in overrides if "=" in word], verbatim)
    texts = [_report(name, apart) for apart in reported_apart(module, job)]
    sys.stdout.write("\n".join(text for text in texts if text))
    return 0


def run(name: str, job: Job) -> Report:
    """Measure every part that is not stored, and return the report on all of them.

    Parameters
    ----------
    name : str
        Of a module of ``benchmarks.experiments``.
    job : Job
        Composed from the file of ``configs`` of that name.

    Raises
    ------
    FailedError
        If a part failed, when all others are stored.
    UsageError
        If what was asked for makes no sense.
    """
    module = module_of(name)
    tasks = _tasks(name, job)
    folders: dict[str, Path] = {}
    n_failed, last_reason = 0, ""
    _read(job, tasks)
    for task, attempt in attempts(tasks, backend_of(job)):
        if attempt.is_slip:
            raise UsageError(attempt.failure)
        if attempt.failure:
            n_failed += 1
            log.error("%s: FAILED: %s", task.label, again(attempt.failure, last_reason))
            last_reason = attempt.failure
        elif attempt.left_out:
            log.warning("%s: left out: %s", task.label, attempt.left_out)
        else:
            folders[task.label] = Path(attempt.folder)
    if n_failed:
        raise FailedError(
            f"{n_failed} of {len(tasks)} parts of {name} failed. The same command tries them again."
        )
    runs = [load_run(folders[task.label]) for task in tasks if task.label in folders]
    target = getattr(module, "TARGET", f"run EXPERIMENT={name}")
    return Report(name, module, make_command(target, job), runs)


def _read(job: Job, tasks: Sequence[Task]) -> None:
    """Read what all parts are measured on: a fault in it is told once, and not of each part."""
    for task in tasks[:1]:
        work_of(job, task.part, Progress()).hashes  # noqa: B018 - for what it raises


def _tasks(name: str, job: Job) -> list[Task]:
    parts = list(parts_of(module_of(name), job.cfg))
    found = []
    for number, part in enumerate(parts, 1):
        told = " ".join(f"{k}={v}" for k, v in part.items() if not isinstance(v, list))
        label = f"[{number}/{len(parts)}] {name} {told}".rstrip()
        found.append(Task(name, job, part, label))
    return found


def _report(name: str, job: Job) -> str:
    """Measure, write and remember; return the table, "" where nothing could be measured."""
    report, folder = run(name, job), Path(ROOT, job.cfg.results)
    if not report.runs or report.rows.empty:
        log.warning("%s: nothing could be measured, and nothing is written to %s.", name, folder)
        return ""
    report.write(folder)
    report.remember(folder)
    return report.text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    return run_command("run_experiment", str(__doc__), command, arguments)


if __name__ == "__main__":
    sys.exit(main())
