"""What is taken away from a question to see what it was worth to a reader."""

from __future__ import annotations

import re

_OPTION = re.compile(r"^\s*\(?[A-Z][.):]\s", re.MULTILINE)
_NO_WORD = re.compile(r"[^\w\s]|_")


def without_template(question: str) -> str:
    """Return the words before the first option, in lower case, without marks or lines.

    What is left says what a question is about, not which benchmark wrote it.
    """
    stem = _OPTION.split(question, maxsplit=1)[0]
    words = " ".join(_NO_WORD.sub(" ", stem).lower().split())
    return words or " ".join(_NO_WORD.sub(" ", question).lower().split())
