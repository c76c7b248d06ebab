"""Pictures of an arrival experiment: every policy at each arrival, and mean leads."""

from __future__ import annotations

from itertools import cycle

import pandas as pd
from matplotlib.axes import Axes

from benchmarks import drawing, palette
from benchmarks.arrival import REFERENCES
from benchmarks.router_families import family_of

_LINES = {
    "oracle": ("oracle", palette.INK, "-"),
    "knn": ("kNN", family_of("knn").color, "-"),
    "recognised_dataset": ("recognized dataset", family_of("recognised_dataset").color, "-."),
    "best_single": ("current best single", family_of("best_single").color, "--"),
    "zoo_mean": ("zoo mean", palette.FAINT, ":"),
}


def draw_curves(ax: Axes, found: pd.DataFrame) -> None:
    """Draw a line for each policy there is, those that know llms from cards first.

    Parameters
    ----------
    ax : Axes
    found : DataFrame
        See :func:`benchmarks.arrival_figures.curves`.
    """
    by_card = [name for name in map(str, found) if name not in (*_LINES, *REFERENCES)]
    styles = cycle(("-", "--", ":", "-."))
    every = {
        name: (f"{name}, from cards", family_of(name).color, style)
        for name, style in zip(by_card, styles, strict=False)
    } | _LINES
    # a point between two unknown ones would not show on a line
    marker = "." if found.isna().any(axis=None) else ""
    handles = {}
    for name, (label, color, style) in every.items():
        if name in found:
            [line] = ax.plot(found.index, found[name], style, color=color, marker=marker, lw=1.2)
            handles[label] = line
    ax.set_xlabel("arrival (by month of release)")
    ax.set_ylabel("macro score of the zoo's router")
    drawing.legend(ax, handles, loc="lower right")


def draw_leads(ax: Axes, found: pd.DataFrame) -> None:
    """Draw what the routers lead the current best single llm by, with intervals, the first on top.

    Parameters
    ----------
    ax : Axes
    found : DataFrame
        See :func:`benchmarks.arrival_figures.leads`.
    """
    table = found.drop(index=[name for name in REFERENCES if name in found.index])
    for place, (name, row) in enumerate(table.iterrows()):
        family = family_of(str(name))
        ax.plot([row["low"], row["high"]], [place, place], color=family.color, lw=1.2)
        ax.plot(row["lead"], place, family.marker, ms=4.5, color=family.color)
    ax.axvline(0, color=palette.INK, lw=0.8, zorder=1)
    drawing.ticks(ax.yaxis, range(len(table)), table.index)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.grid(axis="x")
    ax.set_xlabel("lead over the current best single llm (macro score), 95% interval")
