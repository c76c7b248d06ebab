"""The tests of a module, run on each of its mutants in a process of its own.

Most mutants are tried the quick way, by ``collected``. The others, and those that survive there,
are tried in a process that imports the changed module. It is forked from one that has imported
what the tests need of other packages, so that a trial costs the tests and the import of this
project's files, not that of torch.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.machinery import ModuleSpec
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks.mutation import collected, processes
from benchmarks.mutation.processes import (
    FORK,
    NOT_TRIED,
    PASSED,
    PYTEST_OPTIONS,
    STILLBORN,
    Outcome,
    TestsFailError,
    Trial,
)


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
        if process.exitcode != PASSED:
            raise TestsFailError(trial)
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
    left = dict(sources)
    for key, status in collected.statuses(trial, sources, workers):
        if status not in (PASSED, NOT_TRIED):
            del left[key]
            yield key, processes.outcome(status)
    for key, status in processes.run_all(lambda source: _start(trial, source), left, workers):
        yield key, processes.outcome(status)


def _start(trial: Trial, source: str | None, listing: Path | None = None) -> BaseProcess:
    process = FORK.Process(target=_run, args=(trial, source, listing))
    process.start()
    return process


def _run(trial: Trial, source: str | None, listing: Path | None) -> None:
    """Run the tests in this process, which was forked for it, and end it."""
    processes.limit_time(trial)
    processes.move_into(trial.tree)
    if source is not None:
        sys.meta_path.insert(0, _Finder(trial, source))
        try:
            importlib.import_module(trial.name)
        except BaseException:  # whatever a mutant raises
            os._exit(STILLBORN)
    with tempfile.TemporaryDirectory(dir=trial.tree.parent) as scratch:
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = scratch
        status = pytest.main([*PYTEST_OPTIONS, f"--basetemp={scratch}/tests", *trial.tests])
    if listing is not None:
        listing.write_text(json.dumps(_foreign_modules(trial.tree)))
    os._exit(status)


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

    def __init__(self, trial: Trial, source: str):
        self.name, self.file, self.source = trial.name, trial.file, source

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
