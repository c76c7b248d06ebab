"""How well the scores that each router predicts are calibrated: a mark per llm."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from benchmarks import canvas, drawing, palette, router_families


def picture(errors: Mapping[str, np.ndarray], title: str, stem: Path) -> None:
    """Draw the figure and save it.

    Parameters
    ----------
    errors : mapping of router to ndarray
        See :func:`benchmarks.figure_data.calibration_errors`.
    title : str
    stem : Path
        See :func:`benchmarks.canvas.sheet`.
    """
    height = 1.15 + canvas.ROW * len(errors)
    with canvas.sheet(stem, canvas.PAGE, height) as (figure, axes):
        draw(axes[0, 0], errors)
        drawing.heading(figure, title)
        drawing.legend_below(figure, router_families.handles(errors), ncols=4)


def draw(ax: Axes, errors: Mapping[str, np.ndarray]) -> None:
    """Draw a router's errors on a row, and a line at their mean."""
    for place, (router, found) in enumerate(errors.items()):
        family = router_families.family_of(router)
        at = np.full(len(found), place)
        ax.plot(found, at, family.marker, ms=3.5, mew=0, alpha=0.6, color=family.color)
        if len(found):
            ax.plot([found.mean()] * 2, [place - 0.36, place + 0.36], color=palette.INK, lw=1.4)
    drawing.ticks(ax.yaxis, range(len(errors)), errors, drawing.BESIDE)
    ax.set_ylim(len(errors) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    # votes and shares are no probabilities: their errors are ten times those of estimates
    drawing.plain_log_scale(ax.xaxis, np.concatenate([[], *errors.values()]))
    ax.set_xlabel("calibration error (ten bins of equal mass): a mark per llm, a line at the mean")
    ax.grid(axis="x", which="both")
