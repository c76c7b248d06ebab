"""Cells that list what an llm takes or a question needs, such as ``image, tools``."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from benchmarks.sources.columns import refuse
from benchmarks.sources.names import is_blank

_MUST = "a list of texts, the same as JSON, texts separated by commas, or missing"
_IMPLIED = "text"


def terms_of_all(frame: pd.DataFrame, column: str, file: str) -> list[frozenset[str] | None]:
    """Return what each cell of a column names, in small letters; None where nothing is said.

    Text is what every llm takes and every question needs: it is not among them.
    """
    return [_terms(value, row, column, file) for row, value in enumerate(frame[column])]


def terms_as_text(frame: pd.DataFrame, column: str, file: str) -> list[str | None]:
    """Return what each cell of a column names in one form, ``image, text``; None for nothing."""
    return [
        None if terms is None else ", ".join(sorted(terms | {_IMPLIED}))
        for terms in terms_of_all(frame, column, file)
    ]


def _terms(value: object, row: int, column: str, file: str) -> frozenset[str] | None:
    """Return what a cell names, in small letters; None if nothing is said."""
    try:
        found = _listed(value)
    except ValueError:
        refuse(file, row, column, _MUST, value, "Write them as in 'image, tools'.")
    if found is None:
        return None
    plain = (" ".join(term.split()).casefold() for term in found if not is_blank(term))
    return frozenset(plain) - {_IMPLIED}


def _listed(value: object) -> list[str] | None:
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = json.loads(value)
    elif isinstance(value, str):
        value = None if is_blank(value) else value.split(",")
    if isinstance(value, list | tuple | np.ndarray):
        if all(isinstance(term, str) for term in value):
            return list(value)
    elif value is None or value is pd.NA or value != value:
        return None
    raise ValueError(value)
