"""What became of each mutant, kept so that a command that was interrupted goes on."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.mutation.processes import Outcome


class OutcomeFile:
    """Outcomes of one module's mutants, a line each, added as they come.

    Parameters
    ----------
    folder : Path
    module : str
    tests_hash : str
        Outcomes under other tests are not looked at, unless ``keep_killed``.
    keep_killed : bool, default=False
        Trust that tests which were changed since still kill what they killed: quick while one
        writes tests, but the last word has a command without it.
    """

    def __init__(self, folder: Path, module: str, tests_hash: str, keep_killed: bool = False):
        self.path = folder / f"{module.replace('/', '.')}.jsonl"
        self.tests_hash = tests_hash
        self.keep_killed = keep_killed

    def read(self) -> dict[str, Outcome]:
        """Return the outcomes that still hold, by the mutants' keys."""
        found = {}
        if self.path.is_file():
            for line in self.path.read_text().splitlines():
                entry = json.loads(line)
                outcome = Outcome(entry["outcome"])
                kept = self.keep_killed and outcome in (Outcome.KILLED, Outcome.STILLBORN)
                if entry["tests"] == self.tests_hash or kept:
                    found[entry["mutant"]] = outcome
        return found

    def add(self, key: str, outcome: Outcome) -> None:
        """Append one outcome."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        entry = {"mutant": key, "tests": self.tests_hash, "outcome": outcome}
        with self.path.open("a") as file:
            file.write(json.dumps(entry) + "\n")
