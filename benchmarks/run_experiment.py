"""Run an experiment of ``benchmarks/experiments``: ``python -m benchmarks.run_experiment arrival``.

Settings are Hydra's, of the file of that name in ``configs``. What is stored is not measured again;
table and figures are written anew into the folder ``results=``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.commands import run_command
from benchmarks.composing import ROOT, UsageError, compose_job
from benchmarks.experiment import known, module_of, run
from benchmarks.progress import Progress


def command(overrides: list[str], verbatim: dict[str, str]) -> int:
    """Measure what is not stored, write the report and print its table."""
    names = [word for word in overrides if "=" not in word]
    if len(names) != 1:
        raise UsageError(f"One experiment must be named, got {names}. Name one: {known()}.")
    module_of(names[0])
    job = compose_job(names[0], [word for word in overrides if "=" in word], verbatim)
    report = run(names[0], job, Progress())
    report.write(Path(ROOT, job.cfg.results))
    report.remember(Path(ROOT, job.cfg.results))
    sys.stdout.write(report.text)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    return run_command("run_experiment", str(__doc__), command, arguments)


if __name__ == "__main__":
    sys.exit(main())
