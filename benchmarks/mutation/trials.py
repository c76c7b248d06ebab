"""The tests of a module, run on each of its mutants in a process of its own.

A process is forked from one that has imported what the tests need of other packages, so that a
trial costs the tests and the import of this project's files, not that of torch.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import math
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.machinery import ModuleSpec
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

_FORK = multiprocessing.get_context("fork")
_PASSED, _STILLBORN = 0, 70  # exit status of a trial
_OPTIONS = ("-n0", "-x", "-q", "--tb=no", "--assert=plain", "-p", "no:cacheprovider")


class Outcome(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"
    STILLBORN = "stillborn"  # it cannot even be imported: no test is needed to see that


class TestsFailError(RuntimeError):
    """The tests fail on the module as it is."""


@dataclass(frozen=True)
class Trial:
    """What one process needs: the tree, the module, its tests, their limit in CPU seconds."""

    tree: Path
    module: str
    tests: Sequence[str]
    limit: int = 600


@contextmanager
def copied_tree(root: Path) -> Iterator[Path]:
    """Yield a copy of a repository's files as they are now, in a folder that is removed after."""
    listed = ["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"]
    done = subprocess.run(listed, capture_output=True, text=True, check=True)
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        tree = Path(folder, root.name)
        for name in filter(None, done.stdout.split("\0")):
            if (root / name).is_file() and not (root / name).is_symlink():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, tree / name)
        yield tree


def rehearse(trial: Trial) -> Trial:
    """Run the tests on the module as it is; return the trial with the limit that follows.

    What the tests imported of other packages is imported here for all trials that follow.

    Raises
    ------
    TestsFailError
        If the tests fail, or there are none.
    """
    listing = trial.tree / "imported.json"
    for again in (False, True):  # the second time as fast as every trial is
        start = _seconds_of_children()
        process = _start(trial, None, listing)
        process.join()
        if process.exitcode != _PASSED:
            raise TestsFailError(
                f"the tests of {trial.module} must pass before it is mutated: run "
                f"python -m pytest {' '.join(trial.tests)}"
            )
        if not again:
            _import_all(json.loads(listing.read_text()))
    seconds = _seconds_of_children() - start
    return replace(trial, limit=math.ceil(5 + 4 * seconds))


def _seconds_of_children() -> float:
    """Return the CPU time of the processes that have ended: the same however busy the machine."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def outcomes(
    trial: Trial, sources: Mapping[str, str], workers: int
) -> Iterator[tuple[str, Outcome]]:
    """Run the tests on every mutant, some at a time; yield each outcome when it is there.

    Parameters
    ----------
    trial : Trial
        From :func:`rehearse`.
    sources : mapping of str to str
        The changed module by the mutant's key.
    workers : int
        Mutants at a time, at least 1.
    """
    waiting = list(sources.items())[::-1]
    running: dict[Any, tuple[str, BaseProcess]] = {}  # by what tells that a process has ended
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                key, source = waiting.pop()
                process = _start(trial, source)
                running[process.sentinel] = key, process
            for sentinel in wait(list(running)):
                key, process = running.pop(sentinel)
                process.join()
                yield key, _outcome(process.exitcode)
    finally:
        for _, process in running.values():
            process.kill()


def _outcome(status: int | None) -> Outcome:
    known = {
        _PASSED: Outcome.SURVIVED,
        _STILLBORN: Outcome.STILLBORN,
        -signal.SIGXCPU: Outcome.TIMED_OUT,
        -signal.SIGALRM: Outcome.TIMED_OUT,
    }
    return known.get(status if status is not None else 1, Outcome.KILLED)


def _start(trial: Trial, source: str | None, listing: Path | None = None) -> BaseProcess:
    process = _FORK.Process(target=_run, args=(trial, source, listing))
    process.start()
    return process


def _run(trial: Trial, source: str | None, listing: Path | None) -> None:
    """Run the tests in this process, which was forked for it, and end it."""
    resource.setrlimit(resource.RLIMIT_CPU, (trial.limit, trial.limit + 5))
    signal.alarm(20 * trial.limit)  # one that sleeps uses no CPU time
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(silence, stream)
    _move_into(trial.tree)
    if source is not None:
        name = trial.module.removesuffix(".py").replace("/", ".")
        sys.meta_path.insert(0, _Finder(name, trial.tree / trial.module, source))
        try:
            importlib.import_module(name)
        except BaseException:  # whatever a mutant raises
            os._exit(_STILLBORN)
    with tempfile.TemporaryDirectory(dir=trial.tree.parent) as scratch:
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = scratch
        status = pytest.main([*_OPTIONS, f"--basetemp={scratch}/tests", *trial.tests])
    if listing is not None:
        listing.write_text(json.dumps(_foreign_modules(trial.tree)))
    os._exit(status)


def _move_into(tree: Path) -> None:
    """Make the copy the project that is imported, and forget what came from elsewhere."""
    os.chdir(tree)
    sys.dont_write_bytecode = False  # in the copy: the next process need not compile it again
    sys.path[:] = [str(tree), *(path for path in sys.path if path)]
    for name in [name for name in sys.modules if name.partition(".")[0] in _packages(tree)]:
        del sys.modules[name]


def _packages(tree: Path) -> set[str]:
    return {file.parent.name for file in tree.glob("*/__init__.py")}


def _foreign_modules(tree: Path) -> list[str]:
    """Return what was imported from elsewhere, in the order in which it was."""
    return [
        name
        for name, module in list(sys.modules.items())
        if not str(getattr(module, "__file__", None) or tree).startswith(str(tree))
    ]


def _import_all(names: Sequence[str]) -> None:
    for name in names:
        with suppress(Exception):  # some can be imported in a certain place only
            importlib.import_module(name)
    gc.freeze()  # what is here stays in memory that all processes share


class _Finder:
    """Give a module's name the mutant's code."""

    def __init__(self, name: str, file: Path, source: str):
        self.name, self.file, self.source = name, file, source

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.file, loader=self)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the creation to Python."""

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.source, str(self.file), "exec", dont_inherit=True), module.__dict__)
