"""Pictures of an arrival experiment: every policy at each arrival, and mean leads."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from benchmarks import canvas, drawing, palette
from benchmarks.arrival import REFERENCES
from benchmarks.router_families import family_of

_BY_CARD = ("capability_fusion",)
_LINES = {
    "oracle": ("oracle", palette.INK, "-"),
    "knn": ("kNN", family_of("knn").color, "-"),
    "recognised_dataset": ("recognized dataset", family_of("recognised_dataset").color, "-."),
    "best_single": ("current best single", family_of("best_single").color, "--"),
    "zoo_mean": ("zoo mean", palette.FAINT, ":"),
}
_HEIGHT = 3.4


def curves_picture(found: pd.DataFrame, examined: str, stem: Path) -> None:
    """Draw the macro score of the policies at each arrival and save it.

    Parameters
    ----------
    found : DataFrame
        See :func:`benchmarks.arrival_figures.curves`.
    examined : str
        The router that takes cards.
    stem : Path
        See :func:`benchmarks.canvas.sheet`.
    """
    with canvas.sheet(stem, canvas.PAGE, _HEIGHT) as (_, axes):
        draw_curves(axes[0, 0], found, examined)


def draw_curves(ax: Axes, found: pd.DataFrame, examined: str) -> None:
    """Draw a line for each policy there is, the router that takes cards first."""
    every = {
        name: (f"{name}, from cards", family_of(name).color, "-" if name == examined else "--")
        for name in (examined, *_BY_CARD)
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


def leads_picture(table: pd.DataFrame, stem: Path) -> None:
    """Draw what the routers lead the current best single llm by and save it.

    Parameters
    ----------
    table : DataFrame
        See :func:`benchmarks.arrival_figures.leads`.
    stem : Path
    """
    shown = table.drop(index=[name for name in REFERENCES if name in table.index])
    with canvas.sheet(stem, canvas.PAGE, 0.7 + 1.5 * canvas.ROW * len(shown)) as (_, axes):
        draw_leads(axes[0, 0], shown)


def draw_leads(ax: Axes, table: pd.DataFrame) -> None:
    """Draw leads with their intervals, the first on top."""
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
