"""The options of a multiple-choice question, in the forms that data sets have them in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

MUST = (
    "a list of options, a struct of 'label' and 'text' (as ARC has it), a dict of letter to "
    "option, any of these as JSON, or missing"
)


def options_of(value: Any) -> list[str]:
    """Return the options of one question in their order; none if there are none.

    Parameters
    ----------
    value : object
        A cell of the column ``choices``.

    Raises
    ------
    ValueError
        If it is in none of the forms of ``MUST``.
    """
    if isinstance(value, str) and value.strip():
        value = _from_json(value)
    if isinstance(value, Mapping):
        return _of_mapping(value)
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_option(entry) for entry in value]
    if value is None or value is pd.NA or value == "" or value != value:
        return []
    raise ValueError(value)


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise ValueError(text) from None


def _of_mapping(value: Mapping[str, Any]) -> list[str]:
    for name in ("text", "texts", "options", "choices"):
        if isinstance(value.get(name), Iterable) and not isinstance(value[name], str):
            return [_option(entry) for entry in value[name]]
    # a column of dicts is read back with every key that any of them has
    given = {letter: option for letter, option in value.items() if option is not None}
    return [_option(given[letter]) for letter in sorted(given)]


def _option(entry: Any) -> str:
    if isinstance(entry, Mapping) and isinstance(entry.get("text"), str):
        entry = entry["text"]
    number = isinstance(entry, (int, float, np.integer, np.floating)) and entry == entry
    if not (number or isinstance(entry, str)):
        raise ValueError(entry)
    return str(entry)
