"""A heat map of what each router gains on each dataset over who is told the dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.image import AxesImage

from benchmarks import canvas, drawing, palette
from benchmarks.figure_data import REFERENCES, DatasetDifferences
from benchmarks.writing import DASH, number

_COLORS = "RdBu"  # red below zero, blue above: apart for the color-blind; signs are for grey
_SHADES = 21
_SATURATED = 0.8  # share of the cells whose differences have a shade of their own
_DARK = 0.55  # share of the largest shade from which ink is white
_LEAST = 0.02  # no smaller difference is drawn in full color
_NUMBER, _SIGN = 0.34, 0.07  # inches of a cell that a number needs, and a sign
_LABELS, _SIDE = 1.75, 0.8  # inches left of the cells, and right of them
_WIDEST = 0.62  # inches of a cell: a few datasets do not fill the page
_NARROWEST = 4.6  # inches: the heading needs them
_REFERENCE = REFERENCES["dataset_best"]
_CENTERED: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": canvas.TINY}


def picture(found: DatasetDifferences, title: str, stem: Path) -> None:
    """Draw the figure and save it.

    Parameters
    ----------
    found : DatasetDifferences
    title : str
    stem : Path
        See :func:`benchmarks.canvas.sheet`.
    """
    rows, columns = found.values.shape
    cell = min((canvas.PAGE - _LABELS - _SIDE) / columns, _WIDEST)
    width = max(_LABELS + _SIDE + cell * columns, _NARROWEST)
    with canvas.sheet(stem, width, 1.5 + canvas.ROW * rows) as (figure, axes):
        ax = axes[0, 0]
        image = draw(ax, found, cell)
        bar = figure.colorbar(image, ax=ax, aspect=35, pad=0.02, fraction=0.05, extend="both")
        bar.outline.set_visible(False)
        drawing.heading(figure, title)


def draw(ax: Axes, found: DatasetDifferences, cell: float = _WIDEST) -> AxesImage:
    """Draw the cells: numbers where they fit, else signs; bold where the interval leaves out 0.

    Parameters
    ----------
    ax : Axes
    found : DatasetDifferences
    cell : float, default=0.62
        Width of a cell in inches.
    """
    values = found.values.to_numpy(dtype=float)
    known = np.abs(values[~np.isnan(values)])
    limit = max(float(np.quantile(known, _SATURATED)) if len(known) else 0, _LEAST)
    shades = matplotlib.colormaps[_COLORS].resampled(_SHADES).with_extremes(bad=palette.REST)
    image = ax.imshow(values, shades, TwoSlopeNorm(0, -limit, limit), aspect="auto")
    _write_cells(ax, values, found.clear.to_numpy(), limit, cell)
    ax.axvline(0.5, color="white", lw=3)  # the mean stands apart from the datasets
    ax.xaxis.tick_top()
    slanted: dict[str, Any] = {"rotation": 35, "ha": "left", "rotation_mode": "anchor"}
    if cell < _NUMBER:  # as large as stands side by side
        slanted |= {"rotation": 90, "va": "center", "fontsize": min(7, 65 * cell)}
    drawing.ticks(ax.xaxis, range(values.shape[1]), found.values, drawing.BESIDE, **slanted)
    places, names = [*range(len(values))], [*found.values.index]
    if cell >= _NUMBER:
        places, names = [-1, *places], [f"{_REFERENCE}: score", *names]
        for column, score in enumerate(found.reference[found.values.columns]):
            ax.text(column, -1, number(score, ".3f"), **_CENTERED)
        ax.set_ylim(len(values) - 0.5, -1.5)
    drawing.ticks(ax.yaxis, places, names, drawing.BESIDE)
    ax.set_xlabel(f"difference to who is {_REFERENCE}\n(bold: its 95% interval leaves out 0)")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return image


def _write_cells(
    ax: Axes, values: np.ndarray, clear: np.ndarray, limit: float, cell: float
) -> None:
    for (row, column), value in np.ndenumerate(values):
        text = _text(value, cell)
        if text:
            weight = "bold" if clear[row, column] else "normal"
            color = "white" if abs(value) > _DARK * limit else palette.INK
            ax.text(column, row, text, fontweight=weight, color=color, **_CENTERED)


def _text(value: float, cell: float) -> str:
    """Return what stands in a cell: a number without its leading zero, a sign, or nothing."""
    if cell < _SIGN:
        return ""
    if np.isnan(value):
        return DASH
    if abs(value) < 5e-4:
        return "0"
    written = drawing.minus(f"{value:+.3f}").replace("0.", ".", 1)
    return written if cell >= _NUMBER else written[0]
