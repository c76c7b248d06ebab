"""Whether an answer in words is the right number."""

from __future__ import annotations

import re
from decimal import Decimal

_NUMBER = re.compile(r"-?\$?\d[\d,]*(?:\.\d+)?|-?\$?\.\d+")


def numbers_in(text: str) -> list[Decimal]:
    """Return the numbers of a text in order, without currency signs and thousands commas.

    >>> numbers_in("From $1,200.50 to 7.")
    [Decimal('1200.50'), Decimal('7')]
    """
    return [Decimal(re.sub("[$,]", "", match)) for match in _NUMBER.findall(text)]


def number_score(forced: str, reasoning: str, answer: str) -> float:
    """Score a number: the first one after the cue, else the last one of the reasoning.

    Where the cue is followed by a sum, the number behind its equals sign counts.
    """
    said = numbers_in(forced.rpartition("=")[2])[:1] or numbers_in(forced)[:1]
    said = said or numbers_in(reasoning)[-1:]
    return float(said == numbers_in(answer)[:1])
