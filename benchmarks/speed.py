"""Speed and memory against the suite's targets, each printed as a ratio (1.0 is the target).

``python -m benchmarks.speed [import knn families folder large budget model_sat reading]``. Each
case runs in a process of its own; ``folder`` needs PROCTOR_DATA to name the folder of real
outcomes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

from benchmarks.speed_cases import CASES

# What each case must reach. A peer's figure on the same task is given where one was measured:
# the fastest k-NN router of the field routes about 6,400 questions per second in 897 MB.
TARGETS: dict[str, dict[str, float]] = {
    "import": {"seconds": 0.5},
    "knn": {"questions_per_second": 20_000, "peak_memory_mb": 400},
    # the slowest router of all, and the memory of the process that ran them in turn
    "families": {"fit_seconds": 15, "questions_per_second": 10_000, "peak_memory_mb": 500},
    "folder": {"seconds": 300},
    "large": {"seconds": 300, "peak_memory_mb": 6144},
    "budget": {"programme_seconds": 30, "dual_seconds": 3, "price_seconds": 1},
    # llms in the cost of 8, the paper's order in the cost of ours, and 1,000 questions as read
    "model_sat": {
        "cost_of_64_llms_in_8": 1.5,
        "cost_of_1000_llms_in_8": 6,
        "papers_order_8_llms": 10,
        "papers_order_64_llms": 50,
        "mb_of_1000_readings": 1000,
    },
    "reading": {"texts_per_second": 8},  # on two cores; one by one it was 2
}
_MORE_IS_BETTER = {
    "questions_per_second",
    "texts_per_second",
    "papers_order_8_llms",
    "papers_order_64_llms",
}


def measure(case: str) -> dict[str, float]:
    """Run one case in this process and add its peak memory."""
    from benchmarks.evaluate import PeakMemory

    with PeakMemory() as memory:
        found = CASES[case]()
    return found | {"peak_memory_mb": memory.peak_mb}


def report(case: str, found: dict[str, float]) -> list[str]:
    """Return a line per target: what was measured, the target, and how many times better."""
    lines = []
    for name, target in TARGETS[case].items():
        ratio = found[name] / target if name in _MORE_IS_BETTER else target / found[name]
        verdict = "reached" if ratio >= 1 else "MISSED"
        lines.append(
            f"{case:8} {name:22} {found[name]:12,.2f}  target {target:10,.2f}  "
            f"ratio {ratio:6.2f}  {verdict}"
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
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        lines = report(case, json.loads(done.stdout.splitlines()[-1]))
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
