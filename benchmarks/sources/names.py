"""Names of llms, datasets and questions: which are blank, and which look like one another."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches

import numpy as np

from routers.validation import shown

log = logging.getLogger(__name__)
# white space, soft hyphens, and the signs of no width that copied texts bring along
_INVISIBLE = re.compile(r"[\s\u00ad\u200b-\u200f\u2060\ufeff]+")
_MOST_SHOWN = 5
_MISSING_AS_TEXT = frozenset({"nan", "NaN", "None", "<NA>", "NaT"})
_OTHERWISE_WRITTEN = re.compile(r"^0+(?=\d)|\.0+$")  # 007 and 7.0 are 7


def is_blank(text: str) -> bool:
    """Whether nothing of a text can be seen."""
    return not text or _INVISIBLE.fullmatch(text) is not None


def lookalike(name: str) -> str:
    """Return what is the same for names that differ only in case, white space or Unicode form.

    >>> lookalike("GSM 8K") == lookalike("gsm8k")
    True
    """
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", name).casefold())


def first_of(names: Sequence[str] | np.ndarray) -> str:
    """Return the first names as they are shown in a remark, and how many more there are."""
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return ", ".join(shown(name) for name in names[:_MOST_SHOWN]) + more


def tell_lookalikes(names: Iterable[str], column: str, file: str) -> None:
    """Remark on names that are probably meant to be one.

    Parameters
    ----------
    names : iterable of str
        Each once.
    column, file : str
        Where they stand.
    """
    alike = defaultdict(list)
    for name in names:
        alike[lookalike(name)].append(name)
    groups = sorted(sorted(group) for group in alike.values() if len(group) > 1)
    if groups:
        log.warning(
            "%s, column %r: %s differ only in case, white space or Unicode form%s, and are kept "
            "apart. Spell them alike if they are one.",
            file,
            column,
            " and ".join(_told_apart(groups[0])),
            f" (the first of {len(groups)} such groups)" if len(groups) > 1 else "",
        )


def _told_apart(names: list[str]) -> list[str]:
    """Write names so that a reader sees how they differ: with escapes where they print alike."""
    composed = {unicodedata.normalize("NFC", name) for name in names}
    return [shown(name) if len(composed) == len(names) else ascii(name)[:80] for name in names]


def tell_missing_as_text(names: Iterable[str], column: str, file: str) -> None:
    """Remark on names such as "nan", which missing values become when they are made texts."""
    found = sorted(_MISSING_AS_TEXT.intersection(names))
    if found:
        log.warning(
            "%s, column %r: the name %r may be a missing value that was made a text.",
            file,
            column,
            found[0],
        )


def tell_unknown_llms(llms: Collection[str], known: Collection[str], file: str) -> None:
    """Remark on llms of which a file says nothing: a name may be spelled otherwise there."""
    absent = sorted(set(llms) - set(known))
    if not absent:
        return
    spelled = {lookalike(name): name for name in known}
    near = get_close_matches(lookalike(absent[0]), spelled, n=1)
    hint = f"; it has {spelled[near[0]]!r}" if near else ""
    which = f"{len(absent)} of the {len(llms)} llms, first {shown(absent[0])}{hint}"
    unknown = "What it would say of them, such as what stands in for their cost, is unknown."
    log.warning("%s says nothing of %s. %s", file, which, unknown)


def other_spelling(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is this one in another spelling, None without any."""

    def plain(text: str) -> str:
        return _OTHERWISE_WRITTEN.sub("", lookalike(text))

    wanted = plain(name)
    return next((text for text in known if plain(text) == wanted), None)
