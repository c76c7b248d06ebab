"""Columns of a data folder, checked; an error names file, row and column of the first bad value."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from routers.validation import shown

_EXACT = 2**53  # from here on a float no longer tells neighboring integers apart


class Coded(NamedTuple):
    """A column of texts as codes: few texts repeat millions of times in a long table.

    Attributes
    ----------
    codes : ndarray of int, shape (n,)
        Position in ``values``; -1 where the value is missing.
    values : ndarray of str, shape (k,)
        Each text once.
    """

    codes: np.ndarray
    values: np.ndarray


def read(
    file: Path, required: tuple[str, ...], optional: tuple[str, ...] | None = None
) -> pd.DataFrame:
    """Read columns of a Parquet file.

    Parameters
    ----------
    file : Path
    required : tuple of str
        Columns that must be there.
    optional : tuple of str, optional
        Columns read where they are there, and no others; by default all.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is not there, is no Parquet file, or lacks a column.
    """
    if not file.is_file():
        raise FileNotFoundError(
            f"{file} is not there. A data folder holds {file.name}; see the README."
        )
    try:
        opened = pq.ParquetFile(file)  # not a dataset: that reads columns out of folder names
    except pa.ArrowInvalid as error:
        raise ValueError(
            f"{file} must be a Parquet file: {error} Write it with DataFrame.to_parquet."
        ) from error
    with opened:
        names = opened.schema_arrow.names
        for column in required:
            if column not in names:
                found = ", ".join(names)
                raise ValueError(f"{file} must have a column {column!r}, it has: {found}.")
        taken = [n for n in names if optional is None or n in (*required, *optional)]
        # the index of the frame that was written is a column like any other
        return opened.read(columns=taken).to_pandas(ignore_metadata=True)


def refuse(file: str, row: int, column: str, must: str, got: object, advice: str) -> None:
    """Raise the error that names a bad value."""
    raise ValueError(
        f"{file}, row {row}, column {column!r}: must be {must}, got {shown(got)}. {advice}"
    )


def coded(frame: pd.DataFrame, column: str, file: str, required: bool = True) -> Coded:
    """Return a column of names as codes and texts.

    A whole number is read as its digits, so that a name is the same whether a file holds it as
    text or as a number: 7, 7.0 (what a column of integers with gaps becomes) and "7" are one name.

    Parameters
    ----------
    frame : DataFrame
    column : str
    file : str
        For the error.
    required : bool, default=True
        Refuse missing and empty values.
    """
    codes, found = _factorized(frame[column], column, file)
    texts = [_as_text(value) for value in found]
    bad = np.array([text is None or (required and not text.strip()) for text in texts], dtype=bool)
    # a missing value has the code -1, which looks up the entry appended here
    row = np.append(bad, required)[codes]
    if row.any():
        at = int(np.argmax(row))
        _refuse_name(frame[column].iloc[at], at, column, file)
    merged, values = pd.factorize(np.array(texts, dtype=object))
    return Coded(np.append(merged, -1)[codes], values)


def _factorized(values: pd.Series, column: str, file: str) -> tuple[np.ndarray, list[object]]:
    try:
        codes, found = pd.factorize(values)
    except TypeError:  # a list, say, cannot be looked up
        at = next(at for at, value in enumerate(values) if not isinstance(value, Hashable))
        _refuse_name(values.iloc[at], at, column, file)
        raise
    return codes, list(found)


def _as_text(value: object) -> str | None:
    """Return the text of a name, None if the value is no name."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < _EXACT else None
    return None


def _refuse_name(got: object, row: int, column: str, file: str) -> None:
    frame = Path(file).stem
    missing = got is None or got is pd.NA or got is pd.NaT or str(got) == "nan"
    if missing or isinstance(got, str):
        advice = "Fill or drop the row."
    elif isinstance(got, bytes):
        advice = f"Decode it: {frame}[{column!r}].str.decode('utf-8')."
    else:
        advice = f"Make it a text: {frame}[{column!r}].astype(str)."
    refuse(file, row, column, "a text that is not empty, or a whole number", got, advice)


def sentences(frame: pd.DataFrame, column: str, file: str) -> list[str]:
    """Return a column of texts that people wrote; numbers are refused."""
    texts = list(frame[column])
    for row, text in enumerate(texts):
        if not (isinstance(text, str) and text.strip()):
            refuse(file, row, column, "a text that is not empty", text, "Fill or drop the row.")
    return texts


def numbers(
    frame: pd.DataFrame, column: str, file: str, low: float = -np.inf, high: float = np.inf
) -> pd.Series:
    """Return a column of numbers, NaN where missing; infinite ones are refused."""
    given = frame[column]
    try:
        values = pd.to_numeric(given, errors="coerce")
    except TypeError:  # lists: every one of them is refused below
        values = pd.Series(np.nan, index=given.index)
    if not (isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf"):
        values = pd.Series(values.to_numpy(dtype=np.float64, na_value=np.nan), index=given.index)
    bad = (values < low) | (values > high) | np.isinf(values) | (values.isna() & given.notna())
    if bad.any():
        row = int(np.argmax(bad))
        must = f"a finite number{_within(low, high)} or missing"
        is_text = isinstance(given.iloc[row], str)
        advice = "Write it as a number, without a unit." if is_text else "Rescale or drop it."
        refuse(file, row, column, must, given.iloc[row], advice)
    return values


def _within(low: float, high: float) -> str:
    if np.isinf(high):
        return "" if np.isinf(low) else f" of at least {low:g}"
    return f" in [{low:g}, {high:g}]"


def no_repeat(frame: pd.DataFrame, columns: list[str], keys: list[np.ndarray], file: str) -> None:
    """Refuse the first row whose keys, (n,) codes of ``columns``, stood in a row before."""
    repeated = pd.DataFrame(dict(enumerate(keys))).duplicated()
    if repeated.any():
        row = int(np.argmax(repeated))
        cells = tuple(frame[columns].iloc[row])
        got = cells[0] if len(cells) == 1 else cells
        refuse(file, row, " and ".join(columns), "unique", got, "Drop the repeated row.")
