"""One set-up at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.install.report import say


@contextmanager
def only_one(path: Path) -> Iterator[int]:
    """Hold a lock file; wait, and say so, while another process holds it.

    The lock belongs to the open file, not to the file's existence: the system gives it back when
    its holder ends, however it ends, so that a dead process never stands in the way.

    Parameters
    ----------
    path : Path
        Made if it is not there, and left there. It holds the number of the process at work.

    Yields
    ------
    int
        File descriptor of the lock. A child that inherits it keeps the lock until it ends too.
    """
    descriptor = _acquire(path)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield descriptor
    finally:
        os.close(descriptor)


def _acquire(path: Path) -> int:
    said = False
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not said:
                holder = path.read_text().strip() or "of unknown number"
                say(f"Another set-up of {path.parent} is at work (process {holder}): waiting.")
                said = True
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if _is_still_at(descriptor, path):
            return descriptor
        os.close(descriptor)  # the holder removed the folder; lock the file that is there now


def _is_still_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
