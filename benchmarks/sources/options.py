"""The options of a multiple-choice question, in the forms that data sets have them in."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from itertools import count, islice, product
from string import ascii_uppercase
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.sources.columns import refuse
from benchmarks.sources.parquet import QUESTIONS

log = logging.getLogger(__name__)
_MUST = (
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
        If it is in none of the forms of ``_MUST``.
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


def options_of_all(questions: pd.DataFrame) -> list[list[str]]:
    """Return the options of every question of ``questions.parquet``, none for an open one."""
    found: list[list[str]] = []
    for value in questions["choices"] if "choices" in questions else [None] * len(questions):
        try:
            found.append(options_of(value))
        except ValueError:
            advice = "Write a list of texts, in which none is missing."
            refuse(QUESTIONS, len(found), "choices", _MUST, value, advice)
    alone = [row for row, options in enumerate(found) if len(options) == 1]
    if alone:
        log.warning(
            "%s, column 'choices': questions with a single option: %d, first in row %d. They count "
            "as open ones; write one text per option.",
            QUESTIONS,
            len(alone),
            alone[0],
        )
    return found


def with_options(question_id: str, question: str, options: list[str]) -> str:
    """Return the question with its options below, in an order drawn from its id."""

    def draw(option: str) -> bytes:
        return hashlib.sha256(f"{question_id}\x1f{option}".encode()).digest()

    lines = zip(islice(_letters(), len(options)), sorted(options, key=draw), strict=True)
    return "\n".join([question, *(f"{letter}. {option}" for letter, option in lines)])


def _letters() -> Iterator[str]:
    """Yield A to Z, then AA, AB and so on."""
    for length in count(1):
        yield from map("".join, product(ascii_uppercase, repeat=length))


def chance_of(options: list[list[str]], asked: np.ndarray) -> list[float]:
    """Return the chance that guesses among the options are right as often as it takes."""
    return [
        (1 / len(found)) ** int(times) if len(found) > 1 else 0.0
        for found, times in zip(options, asked, strict=True)
    ]
