"""Folders that are there completely or not at all, whoever is killed while making them."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = ".tmp-"


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """Make a temporary folder beside the final one, so that the last move is an atomic rename.

    Leftovers of killed processes are removed on the way. A folder in use is locked by its process,
    and the system takes the lock back when the process ends, however it ends.

    Parameters
    ----------
    parent : Path
        Made if it is not there.
    """
    parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(parent)
    folder, lock = _locked_folder(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def remove_leftovers(parent: Path) -> None:
    """Remove the temporary folders in `parent` that no living process uses."""
    for folder in parent.glob(f"{_PREFIX}*"):
        lock = _lock(folder, wait=False)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def publish(source: Path, target: Path) -> None:
    """Rename a finished folder to its place; if another process was first, its copy stands."""
    try:
        source.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def discard(folder: Path) -> None:
    """Remove a published folder; what is left if this is interrupted is a leftover."""
    with scratch(folder.parent) as trash, suppress(FileNotFoundError):
        folder.rename(trash / folder.name)


def _locked_folder(parent: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        lock = _lock(folder, wait=True)
        if lock is not None and folder.is_dir():
            return folder, lock
        # another process took the folder for a leftover before it was locked


def _lock(folder: Path, wait: bool) -> int | None:
    """Lock a folder; None if it is in use, or gone."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
