"""Make or mend the virtual environment, and say what is done.

``python3 -m benchmarks.install --venv .venv`` is what ``make install`` runs.
"""

from __future__ import annotations

import argparse
import errno
import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path

from benchmarks.install.environment import Environment
from benchmarks.install.interpreters import Interpreter, choose
from benchmarks.install.lock import only_one
from benchmarks.install.narrator import Narrator
from benchmarks.install.pip import run_pip
from benchmarks.install.report import InstallError, duration, plural, say, size

PROJECT = Path(__file__).resolve().parent.parent.parent
# Measured on two cores, with the CPU build of torch; the CUDA build brings 2.5 GB more.
PACKAGES, DOWNLOAD, DISK, TIME = 105, 0.5e9, 3e9, "four minutes"
SMALL_DISK = 0.3e9  # enough once torch is there
# torch by itself first: pip takes the pinned release, in the build for this machine if its settings
# name one, and brings setuptools, with which the rest is built without asking the network again.
STEPS = (["torch"], ["--no-build-isolation", "--editable", ".[dev]"])


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks.install", description=__doc__)
    parser.add_argument("--venv", type=Path, default=PROJECT / ".venv", help="the folder to fill")
    parser.add_argument("--python", default="", help="make it with this Python (default: python3)")
    parser.add_argument("--quiet", action="store_true", help="say nothing if nothing is to do")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # end pip too
    try:
        _install(Environment(options.venv, PROJECT), options.python, options.quiet)
    except InstallError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(_explained(error, options.venv))
    except KeyboardInterrupt:
        return _fail("Interrupted. `make install` goes on from what is there.", 130)
    return 0


def _install(environment: Environment, given: str, quiet: bool) -> None:
    asked = choose(given) if given else None
    if _is_ready(environment, asked):
        if not quiet:
            say(f"{environment.folder} is ready ({plural(len(environment.packages()))}).")
        return
    with only_one(environment.lock) as lock:
        if _is_ready(environment, asked):
            say(f"{environment.folder} is ready: the other set-up has finished it.")
            return
        began = time.monotonic()
        _check_disk(environment)
        _make_or_mend(environment, asked)
        downloaded = _fill(environment, lock)
        environment.write_stamp()
        used = f"{size(downloaded)} downloaded, {duration(time.monotonic() - began)}"
        there = plural(len(environment.packages()))
        say(f"Ready: {there} in {environment.folder}, {used}.")


def _is_ready(environment: Environment, asked: Interpreter | None) -> bool:
    return not (environment.why_unusable(asked) or environment.why_incomplete())


def _check_disk(environment: Environment) -> None:
    there = any(name.startswith("torch-") for name in environment.packages())
    need = SMALL_DISK if there else DISK
    free = shutil.disk_usage(environment.folder).free
    if free < need:
        raise InstallError(
            f"{environment.folder} needs about {size(need)} of free disk; there are {size(free)}. "
            "Make room, or put it on another disk: make install VENV=/other/disk/venv"
        )


def _make_or_mend(environment: Environment, asked: Interpreter | None) -> None:
    """Bring the environment into a state in which pip can go on."""
    fault = environment.why_unusable(asked)
    if fault:
        _make(environment, asked or choose(), fault)
    else:
        _mend(environment)


def _make(environment: Environment, python: Interpreter, fault: str) -> None:
    if environment.python.parent.exists():
        work = f"{environment.folder} {fault}. Making it anew with {python}"
    else:
        work = f"Setting up {environment.folder} with {python}"
    say(
        f"{work}: {PACKAGES} packages, {size(DOWNLOAD)} to download "
        f"(3 GB where pip finds no CPU build of torch), {TIME} or so."
    )
    began = time.monotonic()
    environment.make(python)
    say(f"  virtual environment: {duration(time.monotonic() - began)}")


def _mend(environment: Environment) -> None:
    say(
        f"Setting up {environment.folder}: {environment.why_incomplete()}. Checking the "
        f"{plural(len(environment.packages()))} that are there, then installing what is missing."
    )
    environment.remove_stamp()
    left = environment.remove_leftovers()
    if left:
        say(f"  removed {size(left)} of an interrupted download")
    damaged = environment.damaged()
    for info in damaged:
        environment.forget(info)
    if damaged:
        names = ", ".join(re.sub(r"-([^-]*)\.dist-info$", r" \1", info) for info in damaged[:5])
        more = f" and {len(damaged) - 5} more" if len(damaged) > 5 else ""
        say(f"  half installed, so installing again: {names}{more}")
    if not environment.has_pip():
        say("  pip is missing or half installed: taking the one that Python brings")
        environment.add_pip()


def _fill(environment: Environment, lock: int) -> float:
    """Let pip install what is missing; return how many bytes it downloaded."""
    environment.temporary.mkdir(exist_ok=True)

    def arrived(name: str) -> int:
        found = environment.temporary.rglob(name)
        return max((path.stat().st_size for path in found), default=0)

    downloaded = 0.0
    for step in STEPS:
        narrator = Narrator(arrived, lambda: len(environment.packages()))
        run_pip(
            str(environment.python),
            ["install", "--constraint", "constraints.txt", *step],
            narrator.read,
            narrator.silence,
            {"TMPDIR": str(environment.temporary)},
            PROJECT,
            (lock,),
        )
        downloaded += narrator.downloaded
    environment.remove_leftovers()
    return downloaded


def _explained(error: OSError, folder: Path) -> str:
    where = error.filename or folder
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        advice = "Change its owner or rights, or choose another folder: make install VENV=~/venv"
        return f"There is no permission to write {where}. {advice}"
    if error.errno == errno.ENOSPC:
        return f"The disk is full ({where}). Make room, then run `make install` again."
    return f"{where}: {os.strerror(error.errno) if error.errno else error}."


def _fail(message: str, status: int = 1) -> int:
    print(message, file=sys.stderr, flush=True)  # noqa: T201
    return status


if __name__ == "__main__":
    sys.exit(main())
