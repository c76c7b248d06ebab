"""Columns of a data folder, checked; an error names file, row and column of the first bad value."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
import pandas as pd

from benchmarks.sources.names import is_blank, tell_missing_as_text
from routers.validation import shown

log = logging.getLogger(__name__)
_EXACT = 2**53  # from here on a float no longer tells neighboring integers apart
_LARGEST = float(np.finfo(np.float32).max)  # a table holds this precision
_FLAGS = {"true": 1, "1": 1, "false": 0, "0": 0}


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


def refuse(file: str, row: int, column: str, must: str, got: object, advice: str = "") -> NoReturn:
    """Raise the error that names a bad value."""
    told = f"{file}, row {row}, column {column!r}: must be {must}, got {shown(got)}. {advice}"
    raise ValueError(told.rstrip())


def coded(frame: pd.DataFrame, column: str, file: str, required: bool = True) -> Coded:
    """Return a column of names as codes and texts.

    A whole number is read as its digits, so that a name is the same whether a file holds it as
    text or as a number: 7, 7.0 (what a column of integers with gaps becomes) and "7" are one name.
    White space around a name is left out, with a remark.

    Parameters
    ----------
    frame : DataFrame
    column : str
    file : str
        For the error.
    required : bool, default=True
        Refuse missing and empty values.
    """
    values = frame[column]
    codes, found = _factorized(
        values, lambda row: _refuse_name(values.iloc[row], row, column, file)
    )
    read = [_as_text(value) for value in found]
    bad = np.array([text is None or (required and is_blank(text)) for text in read], dtype=bool)
    # a missing value has the code -1, which looks up the entry appended here
    row = np.append(bad, required)[codes]
    if row.any():
        at = int(np.argmax(row))
        _refuse_name(values.iloc[at], at, column, file)
    texts = _stripped([text for text in read if text is not None], column, file)
    if required:
        tell_missing_as_text(texts, column, file)
    merged, names = pd.factorize(np.array(texts, dtype=object))
    return Coded(np.append(merged, -1)[codes], names)


def codes_of(frame: pd.DataFrame, column: str, file: str) -> np.ndarray:
    """Return a code for each different value of a column, whatever its type; -1 where missing."""
    values = frame[column]

    def refuse_row(row: int) -> NoReturn:
        refuse(file, row, column, "a text or a number", values.iloc[row], "Give it a name.")

    return _factorized(values, refuse_row)[0]


def _factorized(
    values: pd.Series, refuse_row: Callable[[int], NoReturn]
) -> tuple[np.ndarray, list[object]]:
    try:
        codes, found = pd.factorize(values)
    except TypeError:  # a list, say, cannot be looked up
        refuse_row(next(at for at, value in enumerate(values) if not isinstance(value, Hashable)))
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


def _stripped(texts: list[str], column: str, file: str) -> list[str]:
    padded = [text for text in texts if text != text.strip()]
    if padded:
        log.warning(
            "%s, column %r: white space around a name is left out (%d, first %s).",
            file,
            column,
            len(padded),
            shown(padded[0]),
        )
    return [text.strip() for text in texts]


def _refuse_name(got: object, row: int, column: str, file: str) -> NoReturn:
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
        if not isinstance(text, str) or is_blank(text):
            missing = isinstance(text, str | float | None)
            advice = "Fill or drop the row." if missing else "Write it as one text."
            refuse(file, row, column, "a text that is not empty", text, advice)
    return texts


def flags(frame: pd.DataFrame, column: str, file: str) -> np.ndarray:
    """Return a column of booleans, shape (n,): 1 for true, 0 for false, -1 where missing."""
    values = frame[column]

    def refuse_row(row: int) -> NoReturn:
        refuse(file, row, column, "True or False, 1 or 0, or missing", values.iloc[row])

    codes, found = _factorized(values, refuse_row)
    read = [_as_flag(value) for value in found]
    bad = np.array([*(flag is None for flag in read), False])[codes]
    if bad.any():
        refuse_row(int(np.argmax(bad)))
    return np.array([*read, -1], dtype=np.int8)[codes]


def _as_flag(value: object) -> int | None:
    if isinstance(value, str):
        return _FLAGS.get(value.strip().lower())
    is_number = isinstance(value, bool | np.bool_ | int | float | np.number)
    return int(value) if is_number and value in (0, 1) else None


def numbers(
    frame: pd.DataFrame,
    column: str,
    file: str,
    low: float = -np.inf,
    high: float = np.inf,
    booleans: bool = False,
) -> pd.Series:
    """Return a column of numbers, NaN where missing.

    Infinite ones and dates are refused, and booleans unless they count as 0 and 1.
    """
    given = frame[column]
    values = _as_numbers(given, booleans)
    beyond = (values < max(low, -_LARGEST)) | (values > min(high, _LARGEST))
    bad = beyond | (values.isna() & given.notna())
    if bad.any():
        row = int(np.argmax(bad))
        must = f"a finite number{_within(low, high)} or missing"
        advice = "Write it as a number, without a unit."
        if beyond.iloc[row]:
            advice = "Leave it out if it is not known."
            if high < np.inf:
                advice = "Rescale the column (divide percentages by 100), or leave the value out."
        refuse(file, row, column, must, given.iloc[row], advice)
    return values


def _as_numbers(given: pd.Series, booleans: bool) -> pd.Series:
    """Return what can be read as a number, NaN for the rest."""
    nothing = pd.Series(np.nan, index=given.index)
    kind = getattr(given.dtype, "kind", "O")
    is_boolean = kind == "b" or (kind == "O" and pd.api.types.infer_dtype(given) == "boolean")
    if kind in "mM" or (is_boolean and not booleans):
        return nothing
    try:
        values = pd.to_numeric(given, errors="coerce")
    except TypeError:  # lists
        return nothing
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf":
        return values
    return pd.Series(values.to_numpy(dtype=np.float64, na_value=np.nan), index=given.index)


def _within(low: float, high: float) -> str:
    if np.isinf(high):
        return "" if np.isinf(low) else f" of at least {low:g}"
    return f" in [{low:g}, {high:g}]"


def no_repeat(
    frame: pd.DataFrame, columns: list[str], keys: list[np.ndarray], file: str, advice: str = ""
) -> None:
    """Refuse the first row whose keys, (n,) codes of ``columns``, stood in a row before."""
    repeated = pd.DataFrame(dict(enumerate(keys))).duplicated()
    if repeated.any():
        row = int(np.argmax(repeated))
        cells = tuple(frame[columns].iloc[row])
        got = cells[0] if len(cells) == 1 else cells
        refuse(file, row, " and ".join(columns), "unique", got, f"Drop the repeated row{advice}.")
