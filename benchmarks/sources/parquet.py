"""Parquet files of a data folder: the columns that are read, and those that are not by a slip."""

from __future__ import annotations

import logging
from difflib import get_close_matches
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

log = logging.getLogger(__name__)
QUESTIONS, OUTCOMES, LLMS = "questions.parquet", "outcomes.parquet", "llms.parquet"


def read(
    file: Path, required: tuple[str, ...], optional: tuple[str, ...] = (), rest: bool = False
) -> pd.DataFrame:
    """Read columns of a Parquet file.

    Parameters
    ----------
    file : Path
    required : tuple of str
        Columns that must be there.
    optional : tuple of str
        Columns read where they are there. A column that is none of these but spelled almost like
        one that is not there is remarked on.
    rest : bool, default=False
        Read all other columns, too.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is not there, is no Parquet file, lacks a column, or has one twice.
    """
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "is not there"
        raise FileNotFoundError(f"{file} {what}. A data folder holds a file {file.name}.")
    try:
        return _read(file, required, optional, rest)
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(
            f"{file} must be a Parquet file: {error} Write it with DataFrame.to_parquet."
        ) from error


def _read(
    file: Path, required: tuple[str, ...], optional: tuple[str, ...], rest: bool
) -> pd.DataFrame:
    with pq.ParquetFile(file) as opened:  # not a dataset, which reads columns out of folder names
        names = opened.schema_arrow.names
        _check_columns(file, names, required)
        _tell_misspelled(file, names, (*required, *optional))
        taken = [name for name in names if rest or name in (*required, *optional)]
        # the index of the frame that was written is a column like any other
        return opened.read(columns=taken).to_pandas(ignore_metadata=True)


def _check_columns(file: Path, names: list[str], required: tuple[str, ...]) -> None:
    found = ", ".join(names)
    for column in required:
        if column not in names:
            raise ValueError(f"{file} must have a column {column!r}, it has: {found}.")
    for column in names:
        if names.count(column) > 1:
            raise ValueError(
                f"{file} must have one column {column!r}, it has: {found}. Rename the other."
            )


def _tell_misspelled(file: Path, names: list[str], known: tuple[str, ...]) -> None:
    others = {name.strip().lower(): name for name in names if name not in known}
    for column in known:
        near = get_close_matches(column, others, n=1, cutoff=0.8) if column not in names else []
        if near:
            log.warning(
                "%s: column %r is not taken for %r. Rename it if it is meant.",
                file.name,
                others[near[0]],
                column,
            )
