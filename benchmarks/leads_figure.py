"""The main figure: what each router leads the best single llm by, and recognized dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import patheffects, ticker
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from benchmarks import canvas, drawing, palette, router_families
from benchmarks.figure_data import REFERENCES
from benchmarks.writing import number, with_interval

_PANELS = {"lead": "to the best single llm", "lift": "to recognized dataset"}
_TOLD = REFERENCES["dataset_best"]
_REACH = 3  # a difference is far off at so many times the middle half's range beyond it
_MARGIN = 0.06  # of the width, left and right of the intervals


def picture(rows: pd.DataFrame, references: pd.DataFrame, title: str, stem: Path) -> None:
    """Draw the figure and save it.

    Parameters
    ----------
    rows, references : DataFrame
        See :func:`benchmarks.figure_data.leads`.
    title : str
    stem : Path
        See :func:`benchmarks.canvas.sheet`.
    """
    height = 1.65 + canvas.ROW * len(rows)
    with canvas.sheet(stem, canvas.PAGE, height, ncols=2) as (figure, axes):
        draw(axes[0], rows, references)
        drawing.heading(figure, title)
        drawing.legend_below(figure, _handles(rows), ncols=4)


def _handles(rows: pd.DataFrame) -> dict[str, Artist]:
    """Return what a legend shows: the families, and what hollow marks mean if there are any."""
    found = router_families.handles(rows["router"])
    if rows[["lead_low", "lift_low"]].isna().any(axis=None):
        style: dict[str, Any] = {"ls": "none", "ms": 4.5, "mec": palette.INK, "mfc": "white"}
        found["interval unknown"] = Line2D([], [], marker="o", **style)
    return found


def draw(panels: Sequence[Axes], rows: pd.DataFrame, references: pd.DataFrame) -> None:
    """Draw both differences of each router with their intervals, a panel each."""
    for ax, (which, title) in zip(panels, _PANELS.items(), strict=True):
        ax.set_title(f"difference {title}", pad=13)
        ax.set_xlabel("macro score, 95% interval")
        _draw_panel(ax, rows, references[which], which)
    places = range(len(rows))
    drawing.ticks(panels[0].yaxis, places, rows["label"], drawing.BESIDE)
    panels[0].set_ylim(len(rows) - 0.4, -0.6)
    panels[-1].sharey(panels[0])
    panels[-1].tick_params(axis="y", labelleft=False)
    right = panels[-1].secondary_yaxis("right")
    right.set_yticks(list(places), [number(score, ".3f") for score in rows["macro_score"]])
    right.tick_params(length=0)
    right.spines["right"].set_visible(False)
    panels[-1].annotate(
        "score", (1, 1), (4, 3), "axes fraction", "offset points", fontsize=7, annotation_clip=False
    )


def _draw_panel(ax: Axes, rows: pd.DataFrame, references: pd.Series, which: str) -> None:
    values = rows[[which, f"{which}_low", f"{which}_high"]].to_numpy(dtype=float)
    near = _near(values)
    left, right = _ends(values[near])
    ax.set_xlim(left, right)
    ax.xaxis.set_major_locator(ticker.MaxNLocator(6))
    ax.axvline(0, color=palette.INK, lw=0.8, zorder=1)
    ax.grid(axis="x")
    ax.tick_params(axis="y", length=0)
    for place, (router, row) in enumerate(zip(rows["router"], values, strict=True)):
        family = router_families.family_of(router)
        if np.isnan(row[0]):
            continue
        if near[place]:
            _mark(ax, place, row, family)
        else:
            _far_off(ax, place, row, family)
    _draw_references(ax, references)


def _mark(ax: Axes, place: int, row: np.ndarray, family: router_families.Family) -> None:
    """Draw a difference; hollow where its interval is unknown."""
    value, low, high = row
    known = not np.isnan([low, high]).any()
    fill = family.color if known else "white"
    if known:
        ax.plot([low, high], [place, place], color=family.color, lw=1.2, zorder=2)
    style: dict[str, Any] = {"ms": 4, "mew": 0.8, "mec": family.color, "mfc": fill}
    ax.plot([value], [place], family.marker, zorder=3, **style)


def _far_off(ax: Axes, place: int, row: np.ndarray, family: router_families.Family) -> None:
    """Write a difference that would leave no room for the others, with an arrow at its side."""
    value, low, high = row
    left = value < 0
    sign, side = ("◂", 0.0) if left else ("▸", 1.0)
    text = drawing.minus(with_interval(value, low, high, "+.3f"))
    ax.annotate(
        f"{sign} {text}" if left else f"{text} {sign}",
        (side, place),
        (2 if left else -2, 0),
        ("axes fraction", "data"),
        "offset points",
        ha="left" if left else "right",
        va="center",
        fontsize=canvas.TINY,
        color=family.color,
        path_effects=[patheffects.withStroke(linewidth=2, foreground="white")],  # over lines
    )


def _draw_references(ax: Axes, references: pd.Series) -> None:
    """Draw who is told the dataset as a line; the oracles, which are far off, stand below."""
    left, right = ax.get_xlim()
    told = references[references.index == _TOLD]
    near = told[(told >= left) & (told <= right)]
    for title, value in near.items():
        ax.axvline(value, color=palette.GREY, lw=0.8, ls="--", zorder=1)
        share = (value - left) / (right - left)
        ax.annotate(
            f"{title} {_signed(value)}",
            (value, 1),
            (0, 3),
            ("data", "axes fraction"),
            "offset points",
            ha="right" if share > 0.7 else "left" if share < 0.3 else "center",
            fontsize=canvas.TINY,
            color=palette.GREY,
            style="italic",
        )
    below = references.drop(near.index)
    if len(below):
        named = ", ".join(f"{title} {_signed(value)}" for title, value in below.items())
        ax.set_xlabel(f"{ax.get_xlabel()}\n({named})")


def _near(values: np.ndarray) -> np.ndarray:
    """Return which differences are near the others, or lie between them and their intervals, (n,).

    Parameters
    ----------
    values : ndarray of shape (n, 3)
        Differences and the ends of their intervals.
    """
    points = values[:, 0]
    if np.isnan(points).all():
        return np.zeros(len(points), dtype=bool)
    first, third = np.nanquantile(points, [0.25, 0.75])
    low, high = first - _REACH * (third - first), third + _REACH * (third - first)
    near = np.zeros(len(points), dtype=bool)
    while (found := (points >= low) & (points <= high)).sum() > near.sum():
        near = found
        low, high = _ends(values[near])
    return near


def _ends(values: np.ndarray) -> tuple[float, float]:
    """Return the ends of an axis that holds 0, differences and their intervals."""
    low, high = np.nanmin([0, *values.ravel()]), np.nanmax([0, *values.ravel()])
    margin = _MARGIN * (high - low) or 0.05
    return float(low - margin), float(high + margin)


def _signed(value: float) -> str:
    return drawing.minus(number(value, "+.3f"))
