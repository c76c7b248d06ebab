"""What is known of llms and questions beside outcomes: columns that mean the same everywhere."""

from __future__ import annotations

import datetime
import re

import numpy as np
import pandas as pd

from benchmarks.sources.columns import coded, numbers, refuse
from benchmarks.sources.terms import terms_as_text

# Numbers and the least that they may be; of parameters, less than 0 stands for unknown.
_OF_LLMS = {
    "params_b": -np.inf,
    "input_price_per_m": 0,
    "output_price_per_m": 0,
    "context_window": 1,
}
LLM_FACTS = (*_OF_LLMS, "released", "family", "modalities")
QUESTION_FACTS = ("n_tokens", "needs")
_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")


def llm_facts(facts: pd.DataFrame, file: str) -> pd.DataFrame:
    """Return what is known of llms with all the standard columns, checked.

    Parameters
    ----------
    facts : DataFrame
        One row per llm. Other columns stay as they are.
    file : str
        For the error.

    Returns
    -------
    DataFrame
        ``params_b``: billions of parameters. ``released``: date of release, as precise as it is
        known: ``2024``, ``2024-05`` or ``2024-05-30``. ``family``: its name; llms of one family
        are relatives. ``input_price_per_m``, ``output_price_per_m``: USD per million tokens.
        ``context_window``: in tokens. ``modalities``: what it takes, such as ``image, text``.
        Where something is not known, a number is NaN and a text None.

    Raises
    ------
    ValueError
        Naming file, row and column of the first bad value.
    """
    whole = _with_columns(facts, LLM_FACTS)
    known = {name: numbers(whole, name, file, low) for name, low in _OF_LLMS.items()}
    known["params_b"] = known["params_b"].where(known["params_b"] >= 0)
    texts = {
        "released": _dates(whole, "released", file),
        "family": _names(whole, "family", file),
        "modalities": terms_as_text(whole, "modalities", file),
    }
    return facts.assign(**known, **_objects(texts, facts.index))


def question_facts(facts: pd.DataFrame, file: str) -> pd.DataFrame:
    """Return what is known of questions with all the standard columns, checked.

    Parameters
    ----------
    facts : DataFrame
        One row per question. Other columns stay as they are.
    file : str
        For the error.

    Returns
    -------
    DataFrame
        ``n_tokens``: its length, NaN where not known. ``needs``: what an llm must take to answer
        it, such as ``image, text``; None where not known.

    Raises
    ------
    ValueError
        Naming file, row and column of the first bad value.
    """
    whole = _with_columns(facts, QUESTION_FACTS)
    needs = _objects({"needs": terms_as_text(whole, "needs", file)}, facts.index)
    return facts.assign(n_tokens=numbers(whole, "n_tokens", file, 0), **needs)


def _with_columns(facts: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    return facts.assign(**{name: np.nan for name in columns if name not in facts})


def _objects(texts: dict[str, list[str | None]], index: pd.Index) -> dict[str, pd.Series]:
    """Keep None as it is: of texts pandas would make it NaN."""
    return {name: pd.Series(found, index, dtype=object) for name, found in texts.items()}


def _names(facts: pd.DataFrame, column: str, file: str) -> list[str | None]:
    found = coded(facts, column, file, required=False)
    # a missing value has the code -1, which looks up the last entry
    texts = [*found.values, None]
    return [texts[code] or None for code in found.codes]


def _dates(facts: pd.DataFrame, column: str, file: str) -> list[str | None]:
    return [_date(value, row, column, file) for row, value in enumerate(facts[column])]


def _date(value: object, row: int, column: str, file: str) -> str | None:
    """Return a date as a text, None where it is missing."""
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return None
    text = value.strftime("%Y-%m-%d") if isinstance(value, datetime.date) else value
    if not isinstance(text, str) or (text.strip() and not _DATE.fullmatch(text.strip())):
        must = "a date such as 2024-05 or 2024-05-30, or missing"
        refuse(file, row, column, must, value, "Write year, month and day with dashes.")
    return text.strip() or None
