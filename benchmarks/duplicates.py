"""Which questions are the same one: by what their text says, not by how it is typed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from routers.table import RoutingTable

_OPTION = re.compile(r"([A-Z])\. (.*)")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def duplicate_groups(table: RoutingTable) -> np.ndarray:
    """Return a number per question, shape (n,), the same for the same question.

    Upper and lower case, white space, the composed and the decomposed form of a sign (Unicode
    normal form C) and the order of lettered options make no difference. Everything else does:
    ``a + b`` is not ``a - b``.
    """
    return texts_of(table)[0].copy()


@lru_cache(maxsize=2)
def texts_of(table: RoutingTable) -> tuple[np.ndarray, list[str]]:
    """Return a number per question, the same for duplicates, and what those of each number say."""
    return distinct(map(comparable_text, table.questions))


def distinct(texts: Iterable[str]) -> tuple[np.ndarray, list[str]]:
    """Give texts numbers as they first come; return these, and the different texts.

    Before version 3.1, ``pandas.factorize`` tells texts apart up to their first null character;
    ``numpy.unique`` gives every text the room of the longest one.
    """
    number: dict[str, int] = {}
    found = np.array([number.setdefault(text, len(number)) for text in texts], dtype=np.int64)
    return found, list(number)


def comparable_text(text: str) -> str:
    """Return what a question says: duplicates are the questions for which this is the same.

    Lettered options follow the rest, sorted, each behind a null character.
    """
    body, options = _options_apart(text)
    return "\0".join([_normal(body), *sorted(map(_normal, options))])


def _normal(text: str) -> str:
    # a sign in lower case may be composed of others than in upper case
    composed = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return " ".join(composed.split())


def _options_apart(text: str) -> tuple[str, list[str]]:
    """Return a text without the options that end it, lettered A, B, C ..., and these options."""
    lines = text.split("\n")
    for start in range(len(lines) - 1, 0, -1):
        found = _OPTION.fullmatch(lines[start])
        if not found:
            break
        if found[1] == "A":
            pairs = [_OPTION.fullmatch(line) for line in lines[start:]]
            letters, options = zip(*(pair.groups() for pair in pairs if pair), strict=True)
            if "".join(letters) == _LETTERS[: len(letters)]:
                return "\n".join(lines[:start]), list(options)
    return text, []
