"""Which tests belong to which module, and which mutants change no result."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mutation.mutants import Mutant

FOLDER = "tests/mutation"


@dataclass(frozen=True)
class Equivalent:
    """Mutants that no test can tell from the module, and why.

    Attributes
    ----------
    module, where, was, becomes : str
        Of the mutant, as the report prints them.
    reason : str
    """

    module: str
    where: str
    was: str
    becomes: str
    reason: str

    def matches(self, module: str, mutant: Mutant) -> bool:
        """Tell whether a mutant of a module is meant."""
        return (module, mutant.where, mutant.was, mutant.becomes) == (
            self.module,
            self.where,
            self.was,
            self.becomes,
        )


def tests_by_module(root: Path) -> dict[str, list[str]]:
    """Read ``modules.toml``: what pytest shall run for each module, ``tests/file.py[::Name]``."""
    with (root / FOLDER / "modules.toml").open("rb") as file:
        return tomllib.load(file)


def equivalents(root: Path) -> list[Equivalent]:
    """Read ``equivalents.toml``; ``becomes`` there may be a list that shares a reason."""
    with (root / FOLDER / "equivalents.toml").open("rb") as file:
        entries = tomllib.load(file).get("equivalent", [])
    return [
        Equivalent(**entry | {"becomes": becomes})
        for entry in entries
        for becomes in _as_list(entry["becomes"])
    ]


def tests_hash(root: Path, tests: Iterable[str]) -> str:
    """Hash the test files and what all of them may use, 16 hex digits."""
    shared = [file for file in (root / "tests").glob("*.py") if not file.name.startswith("test_")]
    files = sorted({*(root / name.partition("::")[0] for name in tests), *shared})
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
