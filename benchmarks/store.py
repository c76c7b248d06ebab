"""One run, one folder: written whole or not at all, never changed, skipped when it is there.

``<results>/runs/<data>/<zoo>/<split>/<router>/<key>/`` holds ``rows.parquet`` (what happened, one
row per question) and ``run.json`` (configuration, versions, machine, timing). The key is a hash of
what determines the result (``benchmarks.identity``) and of the outcomes, so that another parameter,
or other data under the same name, is another run. Folders of runs that were stored under other keys
are found by what their ``run.json`` says. A process that is killed while it writes leaves a hidden
folder, which nobody reads and which is removed when the run is stored.

A run that failed leaves ``<results>/failed/<the same place>.json``, until it succeeds. A run that
must not count any more is moved to ``<results>/invalidated`` with the reason; it is not rewritten.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib import metadata
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.identity import canonical, identity, text_of
from benchmarks.manifest import records

RUNS = "runs"  # the folder of what routing measured, below its results
PARTS = "parts"  # of what another experiment measured
ROWS_HASH = "rows_sha256"  # what a record calls the hash of its rows
DEPTHS = {RUNS: 4, PARTS: 0}  # folders between it and that of a run
ROWS = "rows.parquet"
RECORD = "run.json"
_VERSIONS = ("numpy", "scikit-learn", "torch", "transformers", "xgboost-cpu", "xgboost")
ROOT = Path(__file__).resolve().parent.parent

Measure = Callable[[], tuple[pd.DataFrame, dict[str, Any]]]


@dataclass(frozen=True)
class Run:
    """A stored run: its folder and what ``run.json`` says; rows are read when asked for."""

    folder: Path
    about: dict[str, Any]

    def rows(self) -> pd.DataFrame:
        """Read the rows, one per test question; see ``benchmarks.evaluate.Evaluation``."""
        return pd.read_parquet(self.folder / ROWS)


@dataclass(frozen=True)
class RunId:
    """What tells a run from others.

    Attributes
    ----------
    settings : dict
        See :func:`benchmarks.identity.identity`.
    data_hash : str
        ``RoutingTable.content_hash`` of the outcomes.
    pool_hash : str
        The same of the pool's, "" where there is none.
    """

    settings: Mapping[str, Any]
    data_hash: str
    pool_hash: str

    @property
    def key(self) -> str:
        """Hash of it, 12 hex digits."""
        text = text_of([self.settings, self.data_hash, self.pool_hash])
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def is_of(self, about: Mapping[str, Any]) -> bool:
        """Tell whether a stored run is this one, from what its ``run.json`` says.

        Runs were stored once without a hash of their pool: its settings tell them apart.
        """
        return (
            about["data_hash"] == self.data_hash
            and about.get("pool_hash", self.pool_hash) == self.pool_hash
            and _settings_of(about) == self.settings
        )


def _settings_of(about: Mapping[str, Any]) -> Any:
    """Return the settings of a stored run by today's names; a router's are read off its config."""
    stored = about.get("identity")
    return identity(about["config"]) if stored is None else canonical(stored)


def find_run(place: Path, run: RunId) -> Path | None:
    """Return the folder of a run that is stored already; None if it is not.

    Parameters
    ----------
    place : Path
        The folder of all runs of its router, split, zoo and data.
    run : RunId
    """
    if is_finished(place / run.key):
        return place / run.key
    return next((found.folder for found in _runs_in(place) if run.is_of(found.about)), None)


def is_finished(folder: Path) -> bool:
    """Tell whether a run was stored in this folder."""
    return (folder / RECORD).is_file()


def invalidate(folder: Path, reason: str) -> Path:
    """Move a run to where it does not count any more; return its new folder.

    Parameters
    ----------
    folder : Path
        Of a stored run, somewhere below ``<results>/runs``, or of a part of an experiment, below
        ``<results>/parts``.
    reason : str
        Stored with the time in ``invalidated.json``.

    Raises
    ------
    FileNotFoundError
        If no run is stored there.
    """
    folder = folder.resolve()
    into = _aside(folder, "invalidated")
    if not is_finished(folder):
        raise _no_run(folder)
    attempts = (into.with_name(f"{into.name}-{n}") if n else into for n in count())
    into = next(attempt for attempt in attempts if not attempt.exists())
    into.parent.mkdir(parents=True, exist_ok=True)
    about = {"reason": reason, "when": datetime.now(UTC).isoformat(timespec="seconds")}
    (folder / "invalidated.json").write_text(json.dumps(about, indent=1) + "\n")
    return folder.rename(into)


def _aside(folder: Path, what: str) -> Path:
    """Return the place of a run in another folder of its results.

    Raises
    ------
    FileNotFoundError
        If it is in no folder of results.
    """
    for name, depth in DEPTHS.items():
        if len(folder.parents) > depth and folder.parents[depth].name == name:
            kept = folder.parents[depth]
            return kept.parent / what / folder.relative_to(kept)
    raise _no_run(folder)


def _no_run(folder: Path) -> FileNotFoundError:
    return FileNotFoundError(f"{folder} must be the folder of a stored run, and is none.")


def keep(place: Path, run: RunId, measure: Measure, again: bool = False) -> tuple[Path, bool]:
    """Return the folder of a run, and whether it was stored by this call; it is measured if not.

    Parameters
    ----------
    place : Path
        As for :func:`find_run`.
    run : RunId
    measure : callable
        Returns rows, and what else is stored of the run, see :func:`save_run`. Not called where
        the run is stored.
    again : bool, default=False
        Measure it whether or not it is stored; what was stored is invalidated then.
    """
    stored = find_run(place, run)
    if stored and not again:
        return stored, False
    rows, about = measure()
    first = find_run(place, run)
    if first and not stored:
        return first, False  # another process was faster: what it stored stands
    if stored:
        invalidate(stored, "It was done again (force=true).")
    return save_run(place / run.key, rows, about), True


def save_run(folder: Path, rows: pd.DataFrame, about: dict[str, Any]) -> Path:
    """Store a run: written beside its folder and renamed, so that it is there whole or not.

    Parameters
    ----------
    folder : Path
        Where nothing is.
    rows : DataFrame
    about : dict
        JSON-able; machine, versions, commit and time are added, and the hash of the file of rows.

    Raises
    ------
    FileExistsError
        If a run is stored there: it is never rewritten, see :func:`invalidate`.
    """
    if is_finished(folder):
        raise FileExistsError(f"{folder} must be empty, and holds a run. Invalidate it first.")
    with _placed(folder) as part:
        rows.to_parquet(part / ROWS, index=False, compression="zstd")
        kept = circumstances() | {ROWS_HASH: hash_of((part / ROWS).read_bytes())}
        text = json.dumps(about | kept, indent=1, sort_keys=True)
        (part / RECORD).write_text(text + "\n")
    return folder


def adopt(folder: Path, rows: bytes, record: bytes) -> None:
    """Store a run that another store holds: its two files, as they are there.

    Parameters
    ----------
    folder : Path
        Where nothing is.
    rows, record : bytes
    """
    with _placed(folder) as part:
        (part / ROWS).write_bytes(rows)
        (part / RECORD).write_bytes(record)


def hash_of(content: bytes) -> str:
    """Return the hash by which the file of rows is known to be whole."""
    return hashlib.sha256(content).hexdigest()


@contextmanager
def _placed(folder: Path) -> Iterator[Path]:
    """Yield a folder to write into; it becomes that of the run when it is written."""
    part, held = _new_part(folder)
    try:
        yield part
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        os.close(held)
    _remove_leftovers(folder)


def _new_part(folder: Path) -> tuple[Path, int]:
    """Make the folder that a run is written into; it is held, locked, until it is closed."""
    while True:
        part = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.part")
        part.mkdir(parents=True)
        held = os.open(part, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
        if part.exists():  # not taken for a leftover before it was locked
            return part, held
        os.close(held)


def _remove_leftovers(folder: Path) -> None:
    """Remove what was written of a run by processes that were killed: nobody holds it any more."""
    for part in folder.parent.glob(f".{glob.escape(folder.name)}.*.part"):
        with suppress(OSError):  # it is held, or another process removes it
            held = os.open(part, os.O_RDONLY)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(part)
            finally:
                os.close(held)


def save_failure(folder: Path, about: dict[str, Any], error: BaseException) -> Path:
    """Record why a run failed, and return the file.

    Parameters
    ----------
    folder : Path
        Where the run would be stored.
    about : dict
        JSON-able; the error, its traceback and the circumstances are added.
    error : BaseException
    """
    file = _failure_file(folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    trace = "".join(traceback.format_exception(error))
    found = about | {"error": f"{type(error).__name__}: {error}", "traceback": trace}
    part = file.with_suffix(f".{uuid.uuid4().hex}.part")
    part.write_text(json.dumps(found | circumstances(), indent=1, sort_keys=True) + "\n")
    part.replace(file)
    return file


def forget_failure(folder: Path) -> None:
    """Remove the record of a failure: the run has succeeded."""
    _failure_file(folder).unlink(missing_ok=True)


def _failure_file(folder: Path) -> Path:
    return _aside(folder, "failed").with_suffix(".json")


def load_runs(results: Path) -> list[Run]:
    """Return every finished run below a results folder, in a fixed order."""
    return [Run(*found) for found in records(results / RUNS, RECORD, DEPTHS[RUNS])]


def _runs_in(place: Path) -> list[Run]:
    files = sorted(place.glob(f"*/{RECORD}"))
    return [load_run(file.parent) for file in files if not file.parent.name.startswith(".")]


def load_run(folder: Path) -> Run:
    """Return the run that is stored in a folder."""
    return Run(folder, json.loads((folder / RECORD).read_text()))


def circumstances() -> dict[str, Any]:
    """Return commit, time, machine and versions of what is run now."""
    return {
        "commit": _commit(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cores": os.cpu_count(),
            "processor": platform.machine(),
            "system": platform.system(),
            "python": platform.python_version(),
            "instructions": _instructions(),
        },
        "versions": {name: _version(name) for name in _VERSIONS if _version(name)},
    }


def _instructions() -> str | None:
    """Return which instructions torch uses, ``AVX2`` say; None in a process without torch."""
    torch = sys.modules.get("torch")
    return None if torch is None else torch.backends.cpu.get_cpu_capability()


def made_by(command: str, about: dict[str, Any]) -> str:
    """Return the line that ends a published table: what made it, when, on what."""
    machine = about["machine"]
    return (
        f"Made by `{command}` on {about['finished'][:10]}: {machine['cores']} "
        f"{machine['processor']} cores, Python {machine['python']}, commit {about['commit']}.\n"
    )


@lru_cache
def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str:
    """Return the commit of the code, marked if files differ from it; '' outside a checkout."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
