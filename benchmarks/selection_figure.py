"""The share of questions that each router sends to each llm, as stacked bars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from benchmarks import canvas, drawing, palette


def picture(shares: pd.DataFrame, title: str, stem: Path) -> None:
    """Draw the figure and save it.

    Parameters
    ----------
    shares : DataFrame
        See :func:`benchmarks.figure_data.selection_shares`.
    title : str
    stem : Path
        See :func:`benchmarks.canvas.sheet`.
    """
    height = 1.0 + canvas.ROW * (len(shares) + shares.shape[1] / 2)
    with canvas.sheet(stem, canvas.PAGE, height) as (figure, axes):
        handles = draw(axes[0, 0], shares)
        drawing.heading(figure, title)
        drawing.legend_below(figure, handles, ncols=2)


def draw(ax: Axes, shares: pd.DataFrame) -> dict[str, Artist]:
    """Draw a bar for each router; return a handle for each llm, in the order of the parts."""
    places, left = np.arange(len(shares)), np.zeros(len(shares))
    handles: dict[str, Artist] = {}
    colors = [*palette.AREAS, palette.REST]
    for number, llm in enumerate(shares):
        part = shares[llm].to_numpy(dtype=float)
        style: dict[str, Any] = {"color": colors[number], "edgecolor": "white", "linewidth": 0.5}
        bars = ax.barh(places, part, left=left, height=0.84, **style)
        handles[str(llm)] = bars[0]
        left += part
    drawing.ticks(ax.yaxis, places, shares.index, drawing.BESIDE)
    ax.set_ylim(len(shares) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(0, 1)
    ax.set_xlabel("share of questions sent to each llm")
    return handles
