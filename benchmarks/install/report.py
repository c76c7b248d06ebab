"""What the set-up says: one line a thing, sizes and times in units that a person reads."""

from __future__ import annotations

import re

_UNITS = {"bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}


class InstallError(RuntimeError):
    """The set-up cannot go on; the message says why and what to do."""


def say(line: str) -> None:
    """Print one line at once, also where the output is a file or a pipe."""
    print(line, flush=True)  # noqa: T201


def plural(count: int) -> str:
    """Write a number of packages."""
    return f"{count} package{'' if count == 1 else 's'}"


def size(count: float) -> str:
    """Write a number of bytes, such as ``190 MB``.

    Parameters
    ----------
    count : float
        In bytes; units are decimal, as pip's are.
    """
    if count < 1e5:
        return f"{count / 1e3:.0f} kB"
    if count < 1e9:
        return f"{count / 1e6:.{0 if count >= 1e7 else 1}f} MB"
    return f"{count / 1e9:.1f} GB"


def parsed_size(text: str) -> float:
    """Read a size as pip writes it (``526.6 MB``); 0 where there is none."""
    found = re.match(r"([\d.]+) ?(bytes|kB|MB|GB)", text)
    return float(found.group(1)) * _UNITS[found.group(2)] if found else 0.0


def duration(seconds: float) -> str:
    """Write a time, such as ``0.4 s``, ``41 s`` or ``3 min 5 s``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
