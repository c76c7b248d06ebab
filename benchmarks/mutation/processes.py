"""Processes that are forked for one trial each, some at a time, with limits."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar

FORK = multiprocessing.get_context("fork")
# Exit statuses of a trial.
PASSED, STILLBORN, NOT_TRIED = 0, 70, 71
# Without capture: forks of one process would share what it writes to.
PYTEST_OPTIONS = ("-n0", "-x", "-q", "--tb=no", "--assert=plain", "-p", "no:cacheprovider", "-s")

T = TypeVar("T")


class Outcome(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"
    STILLBORN = "stillborn"  # it cannot even be imported: no test is needed to see that


class TestsFailError(RuntimeError):
    """The tests fail on the module as it is."""

    def __init__(self, trial: Trial):
        super().__init__(
            f"the tests of {trial.module} must pass before it is mutated: run "
            f"python -m pytest {' '.join(trial.tests)}"
        )


@dataclass(frozen=True)
class Trial:
    """What one process needs: the tree, the module, its tests, their limit in CPU seconds."""

    tree: Path
    module: str
    tests: Sequence[str]
    limit: int = 600

    @property
    def name(self) -> str:
        """Return the module's name in Python."""
        return self.module.removesuffix(".py").replace("/", ".")

    @property
    def file(self) -> Path:
        """Return the module's file."""
        return self.tree / self.module


def run_all(
    start: Callable[[T], BaseProcess], work: Mapping[str, T], workers: int
) -> Iterator[tuple[str, int]]:
    """Start a process for each piece of work, some at a time; yield exit statuses as they come.

    Parameters
    ----------
    start : callable
        Starts a process and returns it.
    work : mapping
        What ``start`` is called with, by key.
    workers : int
        Processes at a time, at least 1.
    """
    waiting = list(work.items())[::-1]
    running: dict[Any, tuple[str, BaseProcess]] = {}  # by what tells that a process has ended
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                key, piece = waiting.pop()
                process = start(piece)
                running[process.sentinel] = key, process
            for sentinel in wait(list(running)):
                key, process = running.pop(sentinel)
                process.join()
                yield key, process.exitcode or 0
    finally:
        for _, process in running.values():
            process.kill()


def outcome(status: int) -> Outcome:
    """Return what an exit status, negative if by a signal, says of a mutant."""
    known = {
        PASSED: Outcome.SURVIVED,
        STILLBORN: Outcome.STILLBORN,
        -signal.SIGXCPU: Outcome.TIMED_OUT,
        -signal.SIGALRM: Outcome.TIMED_OUT,
    }
    return known.get(status, Outcome.KILLED)


def limit_time(trial: Trial) -> None:
    """End this process after its CPU seconds; one that sleeps uses none, so by the clock, too."""
    resource.setrlimit(resource.RLIMIT_CPU, (trial.limit, trial.limit + 5))
    signal.alarm(20 * trial.limit)


def move_into(tree: Path) -> None:
    """Make the copy the project that is imported, and forget what came from elsewhere."""
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(silence, stream)
    os.chdir(tree)
    sys.dont_write_bytecode = False  # in the copy: the next process need not compile it again
    sys.path[:] = [str(tree), *(path for path in sys.path if path)]
    for name in [name for name in sys.modules if name.partition(".")[0] in _packages(tree)]:
        del sys.modules[name]


def _packages(tree: Path) -> set[str]:
    return {file.parent.name for file in tree.glob("*/__init__.py")}
