"""What mutation testing prints: a line a module, and what was not noticed."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.mutation.mutants import Mutant
from benchmarks.mutation.processes import Outcome

_HEAD = ("module", "mutants", "killed", "timed out", "survived", "equivalent", "share killed")


@dataclass(frozen=True)
class Result:
    """The mutants of one module and what became of them.

    Attributes
    ----------
    module : str
    source : str
        The module as it is.
    tried : list of (Mutant, Outcome)
        Without those that could not be imported.
    equivalent : list of (Mutant, Outcome, str)
        Those that are said to change no result, with the reason; not counted among the mutants.
    """

    module: str
    source: str
    tried: list[tuple[Mutant, Outcome]]
    equivalent: list[tuple[Mutant, Outcome, str]]

    def count(self, outcome: Outcome) -> int:
        """Count the mutants with an outcome, those named as equivalent apart."""
        return sum(found == outcome for _, found in self.tried)


def table(results: Sequence[Result]) -> str:
    """Return a line per module: counts, and the share of the mutants that tests notice."""
    rows = [_HEAD, *map(_row, results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )


def _row(result: Result) -> tuple[str, ...]:
    counts = [result.count(kind) for kind in (Outcome.KILLED, Outcome.TIMED_OUT, Outcome.SURVIVED)]
    n = len(result.tried)
    share = f"{(n - counts[2]) / n:.1%}" if n else "–"  # noqa: RUF001 - a dash, not a minus
    return result.module, str(n), *map(str, counts), str(len(result.equivalent)), share


def details(result: Result) -> str:
    """Return the surviving mutants as diffs, and the equivalents that are none."""
    survived = [mutant for mutant, outcome in result.tried if outcome == Outcome.SURVIVED]
    parts = [_diff(result, mutant) for mutant in survived]
    for mutant, outcome, reason in result.equivalent:
        if outcome != Outcome.SURVIVED:
            parts.append(
                f"{_place(result, mutant)} is named as equivalent ({reason}), but was {outcome}: "
                f"take it out of equivalents.toml.\n  {mutant.becomes}"
            )
    return "\n\n".join(parts)


def _place(result: Result, mutant: Mutant) -> str:
    return f"{result.module}:{mutant.line} {mutant.where or '(module)'}"


def _diff(result: Result, mutant: Mutant) -> str:
    lines = difflib.unified_diff(
        result.source.splitlines(), mutant.source.splitlines(), n=1, lineterm=""
    )
    return "\n".join([f"{_place(result, mutant)} survived", *list(lines)[3:]])
