"""A package's list of its files with their sizes (RECORD, as in wheels), and what it tells.

Looking at names and sizes takes milliseconds where hashing would take seconds. It tells what an
interrupted or hindered process leaves (files that are missing or cut short), not a changed byte.
"""

from __future__ import annotations

import csv
from pathlib import Path


def write(folder: Path) -> None:
    """List the files of a finished folder in its ``RECORD``."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with (folder / "RECORD").open("w", encoding="utf-8", newline="") as record:
        csv.writer(record).writerows(
            (path.relative_to(folder).as_posix(), "", path.stat().st_size) for path in files
        )


def damage(root: Path, record: Path) -> str | None:
    """Say which file is missing or has another size than listed; None if all are as listed.

    Parameters
    ----------
    root : Path
        What the names are relative to.
    record : Path
        The list: rows of name, hash and size in bytes (empty if unknown). Compiled ``.pyc`` files
        come and go by themselves, and are not looked at.
    """
    try:
        with record.open(encoding="utf-8", newline="") as rows:
            listed = [row for row in csv.reader(rows) if row and not row[0].endswith(".pyc")]
        for name, _, count in listed:
            path = root / name
            if not path.is_file():
                return f"{name} is missing"
            if count and path.stat().st_size != int(count):
                return f"{name} has {path.stat().st_size:,} bytes instead of {int(count):,}"
    except (OSError, ValueError):
        listed = []
    return None if listed else "its list of files is missing"
