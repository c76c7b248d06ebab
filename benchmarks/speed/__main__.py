"""Speed and memory against the suite's targets, each printed as a ratio (1.0 is the target).

``python -m benchmarks.speed [CASE ...]``. Each case runs in a process of its own; ``folder`` needs
PROCTOR_DATA to name the folder of real outcomes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext

from benchmarks.launching.threads import inherited
from benchmarks.speed.allocation import case_budget
from benchmarks.speed.growth import case_growth
from benchmarks.speed.limits import (
    case_choice,
    case_clusters,
    case_likelihood,
    case_nearest,
    case_svm,
    case_trees,
)
from benchmarks.speed.model_sat import case_model_sat
from benchmarks.speed.reading import case_reading
from benchmarks.speed.routing import case_families, case_import, case_knn, case_large
from benchmarks.speed.suite import case_best_single, case_folder, case_leaderboard, case_promises
from benchmarks.speed.targets import TARGETS

CASES: dict[str, Callable[[], dict[str, float]]] = {
    "import": case_import,
    "knn": case_knn,
    "nearest": case_nearest,
    "svm": case_svm,
    "likelihood": case_likelihood,
    "choice": case_choice,
    "clusters": case_clusters,
    "trees": case_trees,
    "families": case_families,
    "folder": case_folder,
    "large": case_large,
    "leaderboard": case_leaderboard,
    "best_single": case_best_single,
    "promises": case_promises,
    "budget": case_budget,
    "model_sat": case_model_sat,
    "reading": case_reading,
    "growth": case_growth,
}

# What is given in CPU time: threads that wait for each other would be counted.
ON_ONE_CORE = {
    *("nearest", "svm", "likelihood", "choice", "clusters"),
    *("leaderboard", "best_single", "promises", "growth"),
}


def measure(case: str) -> dict[str, float]:
    """Run one case in this process and add its peak memory."""
    from benchmarks.evaluate import PeakMemory

    with PeakMemory() as memory:
        found = CASES[case]()
    return found | {"peak_memory_mb": memory.peak_mb}


def report(case: str, found: dict[str, float]) -> list[str]:
    """Return a line per target: what it was, what was measured, and how many times better."""
    lines = []
    for name, target in TARGETS[case].items():
        ratio = target.ratio(found[name])
        was = "" if target.before is None else f"was {target.before:,.2f}"
        lines.append(
            f"{case:11} {name:22} {found[name]:12,.2f}  target {target.value:10,.2f}  "
            f"ratio {ratio:6.2f}  {'reached' if ratio >= 1 else 'MISSED ':7}  {was}".rstrip()
        )
    return lines


def main(arguments: list[str] | None = None) -> None:
    """Run the cases asked for, each in a fresh process."""
    parser = argparse.ArgumentParser(description="Measure speed and memory.")
    parser.add_argument("cases", nargs="*", choices=[*CASES, []], default=[])
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.inside:
        sys.stdout.write(json.dumps(measure(options.cases[0])) + "\n")
        return
    for case in options.cases or CASES:
        command = [sys.executable, "-m", "benchmarks.speed", case, "--inside"]
        with inherited(1) if case in ON_ONE_CORE else nullcontext():
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        lines = report(case, json.loads(done.stdout.splitlines()[-1]))
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
