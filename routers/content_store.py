"""What was costly to compute, kept by content: one SQLite file, shared by processes and runs."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # not a POSIX system: processes do not wait for each other
    fcntl = None  # type: ignore[assignment]

_KEYS_PER_QUERY = 500  # SQLite allows about a thousand placeholders in a query
_TIMEOUT = 120.0  # seconds to wait for another process to finish writing
_SCHEMA = "CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, value BLOB, seconds REAL)"


def content_key(text: str) -> bytes:
    """Return the 32 bytes under which what belongs to a text is kept."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()


class ContentStore:
    """Values by key in a file, and the seconds that each took to compute.

    What is added in one call is there whole or not at all, also after a crash or a power cut;
    processes may read and write at the same time. A key that is there already keeps its value.

    Parameters
    ----------
    file : Path
        Made, with its folders, when something is added.

    Raises
    ------
    RuntimeError
        From every method, naming the file, if it is damaged or cannot be used.
    """

    def __init__(self, file: Path):
        self.file = file

    def get(self, keys: Sequence[bytes]) -> dict[bytes, tuple[bytes, float]]:
        """Return value and seconds of those keys that are there."""
        if not keys or not self.file.exists():
            return {}
        found = {}
        with self._connection() as connection:
            for start in range(0, len(keys), _KEYS_PER_QUERY):
                part = list(keys[start : start + _KEYS_PER_QUERY])
                marks = ",".join("?" * len(part))
                query = f"SELECT key, value, seconds FROM kept WHERE key IN ({marks})"
                for key, value, seconds in connection.execute(query, part):
                    found[key] = (value, seconds)
        return found

    def add(self, rows: Iterable[tuple[bytes, bytes, float]]) -> None:
        """Keep (key, value, seconds) rows."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as connection, connection:
            connection.execute(_SCHEMA)
            connection.executemany("INSERT OR IGNORE INTO kept VALUES (?, ?, ?)", rows)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Compute what is not there while no other process does, which then finds it there.

        Look again for what is there once inside: meanwhile another may have computed it. A process
        that is killed lets go. Where the file system knows no locks nobody waits, and the same is
        computed more than once.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.with_suffix(".lock").open("a") as lock:
            if fcntl is not None:
                with suppress(OSError):
                    fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction: a connection kept open would not survive a fork."""
        try:
            connection = sqlite3.connect(self.file, timeout=_TIMEOUT)
            try:
                yield connection
            finally:
                connection.close()
        except sqlite3.DatabaseError as error:
            raise RuntimeError(
                f"{self.file} must be a readable SQLite file, got: {error}. If it is damaged, "
                "delete it: what it held is computed again."
            ) from error
