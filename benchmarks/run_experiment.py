"""Run an experiment of ``benchmarks/experiments``: ``python -m benchmarks.run_experiment arrival``.

Settings are Hydra's, of the file of that name in ``configs``. What is stored is not measured again;
table and figures are written anew into the folder ``results=``.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.commands import run_command
from benchmarks.composing import ROOT, Job, UsageError, compose_job
from benchmarks.experiment import known, module_of, reported_apart, run
from benchmarks.progress import Progress

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


def _report(name: str, job: Job) -> str:
    """Measure, write and remember; return the table, "" where nothing could be measured."""
    report, folder = run(name, job, Progress()), Path(ROOT, job.cfg.results)
    if report.rows.empty:
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
