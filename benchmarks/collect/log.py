"""What was answered so far, on disk: asking may be killed and started again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.carriers import cache_folder
from benchmarks.collect.candidates import Candidate
from benchmarks.collect.prompts import PROMPTS_VERSION


class Log:
    """Outcomes of one candidate as lines of JSON: appended, synced, never rewritten.

    A process may be killed while it writes: a last line that is cut is left out, and the next
    batch begins on a line of its own.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self) -> list[dict[str, Any]]:
        """Return the whole rows; of a question asked twice, the first."""
        if not self.path.exists():
            return []
        first: dict[tuple[str, str], dict[str, Any]] = {}
        for line in self.path.read_bytes().split(b"\n"):
            try:
                row = json.loads(line)
            except ValueError:  # torn, or the empty end
                continue
            first.setdefault((row["question_id"], row["text"]), row)
        return list(first.values())

    def append(self, rows: Iterable[dict[str, Any]]) -> None:
        """Add rows and wait until they are on the disk."""
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            torn = file.tell() > 0 and not self.path.read_bytes().endswith(b"\n")
            file.write((b"\n" if torn else b"") + text.encode())
            file.flush()
            os.fsync(file.fileno())


def log_of(candidate: Candidate) -> Log:
    """Return the log of a candidate; other prompts mean another log."""
    folder = cache_folder() / "measured" / f"prompts{PROMPTS_VERSION}"
    return Log(folder / f"{candidate.llm.replace('/', '--')}.jsonl")
