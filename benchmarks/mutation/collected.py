"""The quick way: tests are collected once and run in a fork for each mutant.

A fork costs the tests and nothing else. It can try what changes one function, on tests that do not
call it while they are collected; what survives here is therefore tried again by ``trials``.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

from benchmarks.mutation import processes
from benchmarks.mutation.patching import patch
from benchmarks.mutation.processes import (
    FORK,
    NOT_TRIED,
    PASSED,
    PYTEST_OPTIONS,
    TestsFailError,
    Trial,
)


def statuses(trial: Trial, sources: Mapping[str, str], workers: int) -> Iterator[tuple[str, int]]:
    """Run the tests on each mutant that can be tried so; yield its exit status.

    Parameters
    ----------
    trial : Trial
    sources : mapping of str to str
        The changed module by the mutant's key.
    workers : int
        Mutants at a time, at least 1.

    Raises
    ------
    TestsFailError
        If the tests fail in a fork on the module as it is.
    """
    here, there = FORK.Pipe(duplex=False)
    server = FORK.Process(target=_serve, args=(trial, sources, workers, there))
    server.start()
    there.close()
    try:
        while True:
            yield here.recv()
    except EOFError:
        server.join()
    finally:
        server.kill()
    if server.exitcode != PASSED:
        raise TestsFailError(trial)


def _serve(trial: Trial, sources: Mapping[str, str], workers: int, there: Connection) -> None:
    processes.move_into(trial.tree)
    with tempfile.TemporaryDirectory(dir=trial.tree.parent) as scratch:
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = scratch
        forks = _Forks(trial, sources, workers, there)
        status = pytest.main([*PYTEST_OPTIONS, *trial.tests], plugins=[forks])
    os._exit(status)


class _Forks:
    """A plugin of pytest that runs what was collected in a fork for each mutant."""

    def __init__(self, trial: Trial, sources: Mapping[str, str], workers: int, there: Connection):
        self.trial, self.sources, self.workers, self.there = trial, sources, workers, there
        self.before = compile(trial.file.read_text(), str(trial.file), "exec", dont_inherit=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Take the place of pytest's loop over tests."""

        def start(source: str | None) -> BaseProcess:
            process = FORK.Process(target=self._run, args=(session, source))
            process.start()
            return process

        untouched = dict(processes.run_all(start, {"": None}, 1))
        if untouched[""] != PASSED:
            raise session.Failed("the tests fail in a fork")
        for found in processes.run_all(start, self.sources, self.workers):
            self.there.send(found)
        return True

    def _run(self, session: pytest.Session, source: str | None) -> None:
        processes.limit_time(self.trial)
        if source is not None and not patch(self.trial.name, self.before, source):
            os._exit(NOT_TRIED)
        main: Any = session.config.pluginmanager.get_plugin("main")
        with tempfile.TemporaryDirectory(dir=self.trial.tree.parent) as scratch:
            os.environ["PYTEST_DEBUG_TEMPROOT"] = scratch
            try:
                main.pytest_runtestloop(session)
            except BaseException:  # whatever a mutant raises, and pytest after its first failure
                os._exit(1)
        os._exit(1 if session.testsfailed else PASSED)
