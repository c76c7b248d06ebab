"""Do tests notice broken lines? ``python -m benchmarks.mutation [--module FILE]`` tells."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from benchmarks.carriers import cache_folder
from benchmarks.mutation import report, selection, trials
from benchmarks.mutation.mutants import Mutant, mutants_of
from benchmarks.mutation.outcomes import OutcomeFile
from benchmarks.mutation.processes import Outcome, TestsFailError, Trial

ROOT = Path(__file__).resolve().parents[2]


def measure(
    tree: Path, module: str, tests: Sequence[str], file: OutcomeFile, workers: int
) -> report.Result:
    """Try every mutant of a module whose outcome is not known.

    Parameters
    ----------
    tree : Path
        The copy of the repository that tests run on; it holds the equivalents, too.
    module : str
        Path below the tree.
    tests : sequence of str
        Paths below the tree.
    file : OutcomeFile
        Read, and added to.
    workers : int
        Mutants at a time.
    """
    source = (tree / module).read_text()
    mutants = mutants_of(source)
    known = file.read()
    sources = {mutant.key: mutant.source for mutant in mutants if mutant.key not in known}
    if sources:
        trial = trials.rehearse(Trial(tree, module, tests))
        for key, outcome in trials.outcomes(trial, sources, workers):
            file.add(key, outcome)
            known[key] = outcome
            _progress(module, len(known), len(mutants))
    named = selection.equivalents(tree)
    result = report.Result(module, source, [], [])
    for mutant in mutants:
        _enter(result, mutant, known[mutant.key], named)
    return result


def _enter(
    result: report.Result,
    mutant: Mutant,
    outcome: Outcome,
    named: Sequence[selection.Equivalent],
) -> None:
    reasons = [entry.reason for entry in named if entry.matches(result.module, mutant)]
    if outcome == Outcome.STILLBORN:
        return
    if reasons:
        result.equivalent.append((mutant, outcome, reasons[0]))
    else:
        result.tried.append((mutant, outcome))


def _progress(module: str, done: int, of: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{module}: {done} of {of} mutants")
        if done == of:
            sys.stderr.write("\r\033[K")


def _options(arguments: Sequence[str] | None, modules: Collection[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mutation",
        description="Break lines of the modules that make numbers; list what no test notices.",
    )
    parser.add_argument("--module", help="one file of tests/mutation/modules.toml; by default all")
    parser.add_argument(
        "--survivors",
        action="store_true",
        help="while writing tests: do not try again what was killed before they changed",
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    if options.module and options.module not in modules:
        parser.error(
            f"--module must be listed in {selection.FOLDER}/modules.toml, got "
            f"{options.module!r}. Add it there with its tests."
        )
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    tests = selection.tests_by_module(ROOT)
    options = _options(arguments, tests)
    results = []
    with trials.copied_tree(ROOT) as tree:
        for module in [options.module] if options.module else tests:
            now = selection.tests_hash(tree, tests[module])
            file = OutcomeFile(cache_folder() / "mutation", module, now, options.survivors)
            try:
                result = measure(tree, module, tests[module], file, options.workers)
            except TestsFailError as error:
                sys.stderr.write(f"{error}\n")
                return 1
            results.append(result)
            if found := report.details(result):
                sys.stdout.write(found + "\n\n")
                sys.stdout.flush()
    sys.stdout.write(report.table(results) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
