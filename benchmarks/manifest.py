"""The records of many runs in one file, which is read sooner than a file each.

It is a copy: what counts is what the folders hold. A record that it lacks, or that has changed, is
read where it stands.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

NAME = ".manifest.parquet"
_MANY = 100  # records that are read one by one without being copied

Stamp = tuple[int, int]  # when a file was changed, in nanoseconds, and its size


def records(root: Path, name: str, depth: int) -> list[tuple[Path, dict[str, Any]]]:
    """Return every folder that holds a record, and the record, in a fixed order.

    Parameters
    ----------
    root : Path
    name : str
        Of the files.
    depth : int
        Folders between the root and those that hold them.
    """
    stamps = dict(_stamps(root, name, depth))
    kept = _read(root / NAME)
    texts = {place: text for place, (stamp, text) in kept.items() if stamps.get(place) == stamp}
    new = {place: (root / place / name).read_text() for place in stamps if place not in texts}
    texts |= new
    if len(new) > _MANY:
        _write(root / NAME, stamps, texts)
    ordered = sorted(texts, key=lambda place: place.split("/"))
    return [(root / place, json.loads(texts[place])) for place in ordered]


def _stamps(root: Path, name: str, depth: int) -> Iterator[tuple[str, Stamp]]:
    """Yield the folders that hold a file of that name, and what tells whether it has changed."""
    folders = [""]
    for _ in range(depth + 1):
        folders = [below for folder in folders for below in _below(root, folder)]
    for folder in folders:
        with suppress(OSError):
            found = os.stat(f"{root}/{folder}/{name}")
            yield folder, (found.st_mtime_ns, found.st_size)


def _below(root: Path, folder: str) -> list[str]:
    """Return the folders in a folder but hidden ones, and none of what is no folder."""
    try:
        names = os.listdir(f"{root}/{folder}")
    except OSError:
        return []
    return [f"{folder}/{name}".lstrip("/") for name in names if not name.startswith(".")]


def _read(file: Path) -> dict[str, tuple[Stamp, str]]:
    """Return what is copied; nothing where that cannot be read."""
    try:
        kept = pd.read_parquet(file)
        columns = (kept[name].tolist() for name in ("place", "changed", "size", "record"))
        return {place: ((t, n), text) for place, t, n, text in zip(*columns, strict=True)}
    except (OSError, KeyError, ValueError, pa.ArrowException):
        return {}


def _write(file: Path, stamps: Mapping[str, Stamp], texts: Mapping[str, str]) -> None:
    rows = [(place, *stamps[place], text) for place, text in texts.items()]
    part = file.with_name(f"{file.name}.{uuid.uuid4().hex}.part")
    with suppress(OSError):  # results that cannot be written to can be read
        pd.DataFrame(rows, columns=["place", "changed", "size", "record"]).to_parquet(
            part, index=False, compression="zstd"
        )
        part.replace(file)
