"""Names from data in pictures: drawn as they are, whatever signs they hold.

Matplotlib reads ``$x$`` as a formula, leaves labels that begin with an underscore out of legends,
and draws a box for a sign that its font lacks. The functions here do neither.
"""

from __future__ import annotations

import hashlib
import re
import textwrap
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import font_manager, ticker
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from benchmarks.writing import escaped, visible

matplotlib.use("Agg")

LONGEST = 48  # columns of a name that are drawn, in a figure some hundred wide
BESIDE = 36  # the same where names stand beside rows or marks
_PER_INCH = 13  # columns of a heading
# The package of a font for Chinese, Japanese and Korean. It is looked up, not imported: importing
# it changes the font of every figure.
_EAST_ASIAN = "notojp_matplotlib"
# Fonts that have something for (nearly) every sign, but not its shape, and those in colors, which
# matplotlib cannot draw.
_UNUSABLE = re.compile(r"^cm|^STIX(Size|Non)|last ?resort|blank|color", re.IGNORECASE)

_families = ["sans-serif"]  # the fonts in use: matplotlib's own, then what names have asked for


def name(text: object, longest: int = LONGEST) -> str:
    r"""Return a name from data as it is drawn.

    What steers, and a sign that no font has, is written as its escape (``\n``, ``\u6a21``); of a
    long name stand the beginning, a few digits of its hash, which keep it apart from others, and
    the end. A Chinese sign is two columns wide.

    Parameters
    ----------
    text : object
    longest : int, default=48
        Columns that the name may take.
    """
    signs = [_drawn(sign) for sign in visible(str(text))]
    if sum(map(_columns, signs)) <= longest:
        return "".join(signs)
    digits = hashlib.sha256(str(text).encode()).hexdigest()[:4]
    end = longest * 2 // 7
    head = _first(signs, longest - end - len(digits) - 2)
    tail = _first(signs[::-1], end)[::-1]
    return "".join([*head, "…", digits, "…", *tail])


def _columns(drawn: str) -> int:
    """Return how wide a sign is that is drawn, or its escape."""
    return sum(1 + (unicodedata.east_asian_width(sign) in ("W", "F")) for sign in drawn)


def _first(signs: Sequence[str], room: int) -> list[str]:
    taken: list[str] = []
    for sign in signs:
        room -= _columns(sign)
        if room < 0:
            break
        taken.append(sign)
    return taken


def as_written() -> dict[str, Any]:
    """Return the properties of a text that shows names: no formulas, every font in use."""
    return {"family": list(_families), "parse_math": False}


def minus(text: str) -> str:
    """Return figures with the sign that the numbers of an axis have below zero."""
    return text.replace("-", "\N{MINUS SIGN}")


def ticks(
    axis: Axis,
    places: Iterable[float],
    names: Iterable[object],
    longest: int = LONGEST,
    **style: Any,
) -> None:
    """Put names at the ticks of an axis, each of at most so many columns."""
    labels = [name(text, longest) for text in names]
    axis.set_ticks(list(places), labels, **as_written(), **style)


def title(ax: Axes, text: str) -> None:
    """Write what is drawn above the axes."""
    ax.set_title(text, **as_written())


def heading(figure: Figure, text: str) -> None:
    """Write what is drawn above the whole figure, on as many lines as it needs."""
    lines = textwrap.wrap(text, int(_PER_INCH * figure.get_figwidth()))
    figure.suptitle("\n".join(lines), **as_written())


def legend(ax: Axes, handles: Mapping[str, Artist], **place: Any) -> Legend:
    """Name what is drawn; unlike matplotlib's own, also what begins with an underscore.

    Parameters
    ----------
    ax : Axes
    handles : mapping of name to Artist
    place : keyword arguments
        Of ``Axes.legend``.
    """
    return _named(ax, handles, place)


def legend_below(
    figure: Figure, handles: Mapping[str, Artist], ncols: int, side: str = "center"
) -> Legend:
    """Name what is drawn, below all axes of a figure.

    Parameters
    ----------
    figure : Figure
    handles : mapping of name to Artist
    ncols : int
        Columns at most.
    side : str, default="center"
        Or left, or right: two legends stand beside one another.
    """
    place = {"loc": f"outside lower {side}", "ncols": max(1, min(ncols, len(handles)))}
    return _named(figure, handles, place)


def _named(owner: Axes | Figure, handles: Mapping[str, Artist], place: dict[str, Any]) -> Legend:
    unnamed = [str(i) for i in range(len(handles))]
    made = owner.legend(list(handles.values()), unnamed, frameon=False, **place)
    for text, given in zip(made.get_texts(), handles, strict=True):
        text.set_text(name(given))
        text.set(**as_written())
    return made


def plain_log_scale(axis: Axis, values: Iterable[float]) -> None:
    """Make an axis logarithmic, with 1, 2 and 5 of each decade written out.

    Where there are zeros it is linear below the smallest value above them; where there is nothing
    above zero it stays as it is.

    Parameters
    ----------
    axis : Axis
    values : iterable of float
        What is drawn along it, at least 0; NaN is left out.
    """
    known = [value for value in values if value >= 0]
    positive = [value for value in known if value > 0]
    if not positive:
        return
    set_scale = axis.axes.set_xscale if axis is axis.axes.xaxis else axis.axes.set_yscale
    if len(positive) < len(known):
        set_scale("symlog", linthresh=min(positive))
    else:
        set_scale("log")
        axis.set_minor_locator(ticker.LogLocator(subs=(2, 5), numticks=12))
    for use in (axis.set_major_formatter, axis.set_minor_formatter):
        use(ticker.FuncFormatter(lambda value, _: f"{value:g}"))


@cache
def _drawn(sign: str) -> str:
    """Return the sign, and take a font into use that has it; its escape where none has."""
    for family, file in _fonts():
        if ord(sign) in _signs(file):
            if family not in _families:
                _families.append(family)
            return sign
    return escaped(sign)


@cache
def _fonts() -> list[tuple[str, str]]:
    """Return family and file of the usable fonts, in the order in which they are asked."""
    own = font_manager.findfont(font_manager.FontProperties(family=["sans-serif"]))
    fonts = [("sans-serif", str(own))]
    package = find_spec(_EAST_ASIAN)
    if package and package.origin:
        for file in sorted(Path(package.origin).parent.glob("fonts/*.otf")):
            font_manager.fontManager.addfont(file)
            fonts.append((font_manager.get_font(file).family_name, str(file)))
    others = sorted(font_manager.fontManager.ttflist, key=_preference)
    return fonts + [
        (font.name, str(font.fname)) for font in others if not _UNUSABLE.search(font.name)
    ]


def _preference(font: font_manager.FontEntry) -> tuple[bool, bool, bool, str]:
    """Upright, of normal weight and without serifs first."""
    normal = font.weight in (400, "normal", "regular")
    return font.style != "normal", not normal, "sans" not in font.name.lower(), font.name


@cache
def _signs(file: str) -> frozenset[int]:
    """Return the code points that a font file has a shape for; none if it cannot be read."""
    try:
        font = font_manager.get_font(file)
    except (OSError, RuntimeError):
        return frozenset()
    return frozenset(font.get_charmap()) if font.scalable else frozenset()
