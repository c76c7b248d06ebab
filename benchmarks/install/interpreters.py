"""Find a Python that the suite runs on."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from benchmarks.install.report import InstallError

SUITABLE = ((3, 13), (3, 12), (3, 11))
NAMES = ("python3", *(f"python{major}.{minor}" for major, minor in SUITABLE))
_WANTED = "Python 3.11, 3.12 or 3.13"
_PROBE = """
import json, sys
missing = []
for module in ("venv", "ensurepip"):
    try:
        __import__(module)
    except ImportError:
        missing.append(module)
path = getattr(sys, "_base_executable", None) or sys.executable
print(json.dumps({"path": path, "version": sys.version_info[:3], "missing": missing}))
"""


class Interpreter:
    """A Python that was asked what it is.

    Parameters
    ----------
    command : str
        As it was called.
    path : str
        The executable itself: outside any virtual environment, and no launcher's stand-in.
    version : tuple of int
        Such as (3, 12, 1).
    missing : list of str
        Modules that make virtual environments and are not there.
    """

    def __init__(self, command: str, path: str, version: tuple[int, ...], missing: list[str]):
        self.command, self.path, self.version, self.missing = command, path, version, missing

    def __str__(self) -> str:
        return f"{self.command} ({'.'.join(map(str, self.version))})"

    @property
    def objection(self) -> str | None:
        """Why it cannot be used, or None."""
        if self.version[:2] not in SUITABLE:
            return f"{self} is not {_WANTED}"
        if self.missing:
            package = "python{}.{}-venv".format(*self.version)
            return (
                f"{self} lacks the module {' and '.join(self.missing)}, which makes virtual "
                f"environments (on Debian and Ubuntu: apt install {package})"
            )
        return None


def probe(command: str) -> Interpreter | None:
    """Run a Python and ask what it is; None if it does not run."""
    try:
        done = subprocess.run(
            [command, "-c", _PROBE],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=True,
        )
        told = json.loads(done.stdout.decode())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return Interpreter(command, told["path"], tuple(told["version"]), told["missing"])


def choose(given: str = "") -> Interpreter:
    """Return the Python that was asked for, else ``python3``, else the newest that is suitable.

    Parameters
    ----------
    given : str
        A command or path; empty to search.

    Raises
    ------
    InstallError
        If it is none of the supported versions, or cannot make virtual environments.
    """
    if given:
        named = probe(given)
        if named is None:
            there = "does not run as one" if shutil.which(given) else "is not there"
            raise InstallError(f"PYTHON={given} must name {_WANTED}: it {there}.")
        if named.objection:
            raise InstallError(f"PYTHON={given} cannot be used: {named.objection}.")
        return named
    found = [python for python in map(probe, filter(shutil.which, NAMES)) if python]
    for python in found:
        if not python.objection:
            return python
    # of a supported version the objection is the most useful
    found.sort(key=lambda python: python.version[:2] not in SUITABLE)
    reason = f"{found[0].objection}" if found else "no Python was found on PATH"
    raise InstallError(
        f"Proctor needs {_WANTED}: {reason}. Install one, or name it: "
        "make install PYTHON=/path/to/python3.12"
    )


def version_of(python: Path) -> tuple[int, ...] | None:
    """Return (major, minor) of a Python, in a few milliseconds; None if it does not run."""
    ask = "import sys; print(*sys.version_info[:2])"
    try:
        told = subprocess.check_output(
            [str(python), "-I", "-S", "-c", ask], stderr=subprocess.DEVNULL, timeout=60
        )
        major, minor = told.split()
        return int(major), int(minor)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
