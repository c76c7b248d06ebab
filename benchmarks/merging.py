"""Results of several machines, in one store: ``python -m benchmarks.merging FROM INTO``.

Both are folders of results, or places that fsspec can open, such as ``s3://bucket/results``. A run
is copied whole, its rows first and then the record, which says that it is there. It is never
rewritten: of two runs of one name the one that is there stands.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import fsspec
import pandas as pd
from fsspec.implementations.local import LocalFileSystem

from benchmarks import store


@dataclass
class Merged:
    """What came of it, by the places of the runs.

    Attributes
    ----------
    copied : list of str
    known : list of str
        Those that were there.
    taken_out : list of str
        Those that were invalidated there.
    differing : list of str
        Those that are there with other rows.
    damaged : list of str
        Those whose rows are not what was stored, here or there.
    """

    copied: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    taken_out: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


class Results:
    """A folder of results, on this machine or wherever fsspec reaches.

    Parameters
    ----------
    url : str
    """

    def __init__(self, url: str):
        self._files, root = fsspec.core.url_to_fs(url)
        self._root = str(root).rstrip("/")
        self._here = isinstance(self._files, LocalFileSystem)

    def runs(self) -> Iterator[str]:
        """Yield the places of all finished runs, in order."""
        for name, depth in store.DEPTHS.items():
            found = self._files.glob(f"{self._root}/{name}/{'*/' * (depth + 1)}{store.RECORD}")
            for file in sorted(map(str, found)):
                place = PurePosixPath(file).parent.relative_to(self._root)
                if not place.name.startswith("."):  # what is being written
                    yield place.as_posix()

    def is_there(self) -> bool:
        """Tell whether there is anything."""
        return bool(self._files.exists(self._root))

    def holds(self, place: str) -> bool:
        """Tell whether a run is stored."""
        return bool(self._files.exists(f"{self._root}/{place}/{store.RECORD}"))

    def has_taken_out(self, place: str) -> bool:
        """Tell whether a run was invalidated."""
        aside = PurePosixPath("invalidated", *PurePosixPath(place).parts[1:])
        return bool(self._files.exists(f"{self._root}/{aside}"))

    def read(self, place: str, name: str) -> bytes:
        """Return a file of a run, empty where it is not there."""
        file = f"{self._root}/{place}/{name}"
        return bytes(self._files.cat_file(file)) if self._files.exists(file) else b""

    def write(self, place: str, rows: bytes, record: bytes) -> None:
        """Store a run."""
        if self._here:
            store.adopt(Path(self._root, place), rows, record)
            return
        for name, content in ((store.ROWS, rows), (store.RECORD, record)):
            self._files.pipe_file(f"{self._root}/{place}/{name}", content)


def merge(source: Results, target: Results) -> Merged:
    """Copy the runs of one store that another lacks.

    Parameters
    ----------
    source, target : Results

    Returns
    -------
    Merged
    """
    found = Merged()
    for place in source.runs():
        getattr(found, copy(place, source, target)).append(place)
    return found


def copy(place: str, source: Results, target: Results) -> str:
    """Copy a run if it can be.

    Parameters
    ----------
    place : str
        Where it is stored in the source.
    source, target : Results

    Returns
    -------
    str
        What became of it: the name of an attribute of :class:`Merged`.
    """
    if target.has_taken_out(place) and not target.holds(place):
        return "taken_out"
    record = source.read(place, store.RECORD)
    rows = source.read(place, store.ROWS)
    if not _is_whole(rows, record):
        return "damaged"
    if not target.holds(place):
        target.write(place, rows, record)
        return "copied"
    there = target.read(place, store.ROWS)
    if not _is_whole(there, target.read(place, store.RECORD)):
        return "damaged"
    return "known" if _are_same(rows, there) else "differing"


def _is_whole(rows: bytes, record: bytes) -> bool:
    """Tell whether rows are those that a record was made with; older ones do not say it."""
    expected = json.loads(record).get(store.ROWS_HASH)
    return bool(rows) and expected in (None, store.hash_of(rows))


def _are_same(one: bytes, other: bytes) -> bool:
    """Tell whether two files hold the same rows; they may differ in how they are packed."""
    if one == other:
        return True
    first, second = (pd.read_parquet(io.BytesIO(file)) for file in (one, other))
    return bool(first.equals(second))


_SAID = {
    "copied": "copied",
    "known": "there already",
    "taken_out": "invalidated there, and left out",
    "differing": "there with other rows, which stand",
    "damaged": "damaged, here or there, and left out",
}
_NAMED = ("taken_out", "differing", "damaged")  # one by one


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 1 if a run was damaged."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.merging", description=__doc__)
    parser.add_argument("source", metavar="FROM")
    parser.add_argument("target", metavar="INTO")
    options = parser.parse_args(arguments)
    source = Results(options.source)
    if not options.source or not source.is_there():
        sys.exit(f"FROM must name a folder of results or a URL, got {options.source!r}.")
    found = merge(source, Results(options.target))
    for name, said in _SAID.items():
        places = getattr(found, name)
        sys.stdout.write(f"{len(places):,} {said}\n")
        if name in _NAMED:
            sys.stdout.write("".join(f"  {place}\n" for place in places))
    return 1 if found.damaged else 0


if __name__ == "__main__":
    sys.exit(main())
