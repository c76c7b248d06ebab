"""The sheet that every figure is drawn on: sizes and fonts of a printed page; PNG and PDF."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

from benchmarks import palette

COLUMN, PAGE = 3.4, 7.0  # widths in inches: one column of a paper, the whole of its page
ROW = 0.165  # height of a line of a figure that has a router on each
TINY = 6.5  # points, of what is written beside marks

_STYLE: Any = {
    **{"font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "figure.titlesize": 8.5},
    **{"xtick.labelsize": 7, "ytick.labelsize": 7, "legend.fontsize": 7},
    **{"axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6},
    **{"xtick.major.size": 2.5, "ytick.major.size": 2.5, "xtick.minor.size": 1.5},
    **{"axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True},
    **{"grid.color": palette.FAINT, "grid.linewidth": 0.4, "lines.linewidth": 1.0},
    **{"legend.handletextpad": 0.4, "legend.columnspacing": 1.2, "legend.borderaxespad": 0.2},
}
_DPI = 200
_COLORS = 256


@contextmanager
def sheet(
    stem: Path, width: float, height: float, **panels: Any
) -> Iterator[tuple[Figure, np.ndarray]]:
    """Open a figure; when it is drawn it is saved and closed.

    Parameters
    ----------
    stem : Path
        The files are those of :func:`files_of`.
    width, height : float
        Inches.
    panels : keyword arguments
        Of ``pyplot.subplots``: how many axes it has, and what they share.

    Yields
    ------
    figure : Figure
    axes : ndarray of Axes, shape (rows, columns)
    """
    with matplotlib.rc_context(_STYLE):
        size = (width, height)
        figure, axes = plt.subplots(figsize=size, layout="constrained", squeeze=False, **panels)
        try:
            yield figure, axes
            _save(figure, stem)
        finally:
            plt.close(figure)


def files_of(stem: Path) -> list[Path]:
    """Return the files that a figure is saved as: a PNG to show, a PDF to print."""
    return [stem.with_name(f"{stem.name}.{kind}") for kind in ("png", "pdf")]


def _lighten(file: Path) -> None:
    """Keep as many colors of a picture as it needs: a third of the bytes, to the eye the same."""
    with Image.open(file) as picture:
        drawn = picture.convert("RGB")
    drawn.quantize(_COLORS, dither=Image.Dither.NONE).save(file, optimize=True)


def _save(figure: Figure, stem: Path) -> None:
    shown, printed = files_of(stem)
    figure.savefig(shown, dpi=_DPI)
    _lighten(shown)
    # the same figure is the same file; fonts are of type 3, for type 42 loses Chinese signs
    figure.savefig(printed, metadata={"CreationDate": None})
