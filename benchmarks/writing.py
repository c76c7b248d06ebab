"""How figures and names from data are written: in a table's cell, a heading, a line of a log."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

DASH = "–"  # noqa: RUF001 - a dash, not a minus
_ROUNDING = 1e-12  # below it a difference is what adding up in another order leaves
# What Markdown (and the mathematics in it) would take for its own; an underscore between letters
# it leaves alone.
_MARKUP = re.compile(r"[\\`*|<&\[\]~$]|(?<![^\W_])_|_(?![^\W_])")


def number(value: float, style: str = "") -> str:
    """Return a figure as text, a dash where it is unknown (NaN) or has no bound (infinite).

    Parameters
    ----------
    value : float
    style : str, default=""
        A format specification; by default three significant digits, thousands separated.
    """
    if not np.isfinite(value):
        return DASH
    value = 0.0 if abs(value) < _ROUNDING else value  # not "-0.0"
    if style:
        return format(value, style)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def with_interval(value: float, low: float, high: float, style: str) -> str:
    """Return ``value [low, high]``; one dash where the value is unknown or the interval is."""
    if not np.isfinite(value):
        return DASH
    if not (np.isfinite(low) and np.isfinite(high)):
        return f"{number(value, style)} [{DASH}]"
    return f"{number(value, style)} [{number(low, style)}, {number(high, style)}]"


def visible(text: str) -> str:
    r"""Return a text on one line: what steers instead of being read is written as its escape.

    >>> visible("two\nlines")
    'two\\nlines'
    """
    return "".join(escaped(sign) if _steers(sign) else sign for sign in text)


def escaped(sign: str) -> str:
    r"""Return a sign as it is written in a Python string, ``\n`` or ``\u6a21``."""
    return sign.encode("unicode_escape").decode("ascii")


def _steers(sign: str) -> bool:
    """Tell control signs, line ends, marks of direction and codes that are no sign at all."""
    return unicodedata.category(sign)[0] == "C" or unicodedata.category(sign) in ("Zl", "Zp")


def table_of(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Return a Markdown table, a line each and a line end behind the last.

    Parameters
    ----------
    heads : sequence of str
    rows : iterable of sequence of str
        As many cells as there are heads. All are Markdown already, see :func:`markdown`.

    Examples
    --------
    >>> table_of(["a", "b"], [["1", "2"]])
    '| a | b |\n|---|---|\n| 1 | 2 |\n'
    """
    first, *rest = (f"| {' | '.join(cells)} |\n" for cells in (heads, *rows))
    return "".join([first, f"|{'---|' * len(heads)}\n", *rest])


def markdown(text: object) -> str:
    r"""Return a text from data so that Markdown shows it as it is, in a table's cell or elsewhere.

    >>> markdown("a|b_*c*")
    'a\\|b\\_\\*c\\*'
    """
    return _MARKUP.sub(r"\\\g<0>", visible(str(text)))
