"""An ablation as a picture: difference to the default along what was varied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from benchmarks import canvas, drawing, palette
from benchmarks.ablation import as_number, parameters_of

_WIDTH, _HEIGHT = 5.2, 3.0
_TITLE = 80  # columns of the heading
_ABREAST = 0.12  # of the room between two values, by which lines stand apart
_WIDE = 8.0  # from here, largest to smallest, numbers are drawn along a logarithmic axis


def draw(ax: Axes, found: pd.DataFrame) -> Axes:
    """Draw what :func:`benchmarks.ablation.ablation` found: a line for each further parameter."""
    along = _along(found)
    others = [name for name in ["router", *parameters_of(found)] if name != along]
    others = [name for name in others if found[name].nunique() > 1]
    lines = list(found.groupby(others, sort=False)) if others else [((), found)]
    places = _places(ax, list(dict.fromkeys(found[along])))
    handles: dict[str, Artist] = {}
    for number, (values, rows) in enumerate(lines):
        shade, marker = palette.LINES[number % len(palette.LINES)]
        x = _aside(ax, [places[value] for value in rows[along]], number - (len(lines) - 1) / 2)
        y, default = rows["difference"].to_numpy(), rows["is_default"].to_numpy()
        error = np.abs(rows[["difference_low", "difference_high"]].to_numpy().T - y)
        error[:, default] = 0
        style: dict[str, Any] = {"color": shade, "marker": marker, "ms": 4.5, "capsize": 2}
        joined = "-" if not np.isnan(list(map(as_number, rows[along]))).any() else "none"
        drawn = ax.errorbar(x, y, yerr=error, ls=joined, **style)
        handles[" ".join(map(str, values))] = drawn.lines[0]
        ax.plot(np.array(x)[default], y[default], marker, ms=8, mfc="none", color=shade)
    ax.axhline(0, color=palette.GREY, lw=0.8, zorder=0)
    ax.set_xlabel(drawing.name(along), **drawing.as_written())
    ax.set_ylabel("macro score, difference to the\ndefault (ringed), 95% interval")
    ax.grid(axis="y")
    if others:
        drawing.legend(ax, handles, title=", ".join(others))
    return ax


def picture(found: pd.DataFrame, title: str, stem: Path) -> None:
    """Draw an ablation on a figure of its own and save it, see :func:`benchmarks.canvas.sheet`."""
    with canvas.sheet(stem, _WIDTH, _HEIGHT) as (figure, axes):
        draw(axes[0, 0], found)
        drawing.heading(figure, drawing.name(title, _TITLE))


def _along(found: pd.DataFrame) -> str:
    """Return the parameter that is drawn along the axis: of numbers if any is, of most values."""

    def rank(name: str) -> tuple[bool, int]:
        values = set(found[name])
        return any(not np.isnan(as_number(value)) for value in values), len(values)

    return max(parameters_of(found), key=rank)


def _places(ax: Axes, values: Sequence[str]) -> dict[str, float]:
    """Return where each value stands: numbers as numbers, words side by side."""
    numbers = np.array(list(map(as_number, values)))
    if np.isnan(numbers).any():
        places = dict(zip(values, np.arange(len(values), dtype=float), strict=True))
        ax.set_xlim(-0.5, len(values) - 0.5)
    else:
        places = dict(zip(values, numbers.tolist(), strict=True))
        positive = numbers[numbers > 0]
        if len(positive) and (numbers >= 0).all() and positive.max() >= _WIDE * positive.min():
            drawing.plain_log_scale(ax.xaxis, numbers)
    drawing.ticks(ax.xaxis, places.values(), places)
    ax.xaxis.minorticks_off()
    return places


def _aside(ax: Axes, x: Sequence[float], steps: float) -> list[float]:
    """Move a line's marks aside, so that the intervals of several can be told apart."""
    if ax.get_xscale() == "linear":
        room = np.min(np.diff(np.unique(x))) if len(set(x)) > 1 else 1.0
        return [place + steps * _ABREAST * room for place in x]
    return [place * (1 + steps * _ABREAST) for place in x]
