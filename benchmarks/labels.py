"""Names written beside what they name, where they cover neither another name nor a mark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.text import Annotation

from benchmarks import drawing

_NEAR, _FAR = 5, (14, 24)  # points between a mark and its name, without a line and with one
_SIDES = ((1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 0), (-1, 1), (-1, -1))
_MARK = 3.0  # half the width of a mark, in points


@dataclass(frozen=True)
class Label:
    """A name and the point that it stands beside.

    Attributes
    ----------
    name : str
    x, y : float
    color : str
    needed : bool, default=True
        Whether it is written even where it covers something.
    """

    name: str
    x: float
    y: float
    color: str
    needed: bool = True


def write(
    ax: Axes,
    labels: Sequence[Label],
    marks: Iterable[Sequence[float]],
    lines: Iterable[np.ndarray] = (),
) -> None:
    """Write labels beside their points, the first ones where there is most room.

    Parameters
    ----------
    ax : Axes
        With its limits and its place on the figure as they will be: what is near is judged by that.
    labels : sequence of Label
    marks : iterable of pairs of float
        Points that no label should cover.
    lines : iterable of ndarray of shape (n, 2), optional
        The same for what is drawn from point to point.
    """
    renderer = ax.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    frame = np.array(ax.get_window_extent(renderer).extents)
    taken = _boxes(ax, marks, lines)
    for label in labels:
        best, least = None, np.inf
        for distance, side in product((_NEAR, *_FAR), _SIDES):
            text = _annotation(ax, label, side, distance)
            box = np.array(text.get_window_extent(renderer).extents)
            covered = _covered(box, taken, frame)
            if covered < least:
                if best:
                    best.remove()
                best, found, least = text, box, covered
            else:
                text.remove()
            if not least:
                break
        if best and least and not label.needed:
            best.remove()
        else:
            taken = np.vstack([taken, found])


def _boxes(ax: Axes, marks: Iterable[Sequence[float]], lines: Iterable[np.ndarray]) -> np.ndarray:
    """Return what is covered by marks and by lines, in pixels: left, bottom, right, top."""
    half = _MARK * ax.figure.dpi / 72
    places = ax.transData.transform(np.array(list(marks), dtype=float).reshape(-1, 2))
    boxes = [np.hstack([places - half, places + half])]
    for line in lines:
        ends = ax.transData.transform(line)
        for first, second in pairwise(ends):
            steps = int(np.abs(second - first).max() // half) + 2
            along = np.linspace(first, second, steps)
            boxes.append(np.hstack([along - half / 4, along + half / 4]))
    return np.concatenate(boxes)


def _covered(box: np.ndarray, taken: np.ndarray, frame: np.ndarray) -> float:
    """Return the area of a box that covers others or leaves the frame, in pixels."""
    outside = np.prod(box[2:] - box[:2]) - _shared(box, frame[None])
    return round(max(outside, 0) + _shared(box, taken), 3)


def _shared(box: np.ndarray, others: np.ndarray) -> float:
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    return float(np.maximum(sides, 0).prod(axis=1).sum())


def _annotation(ax: Axes, label: Label, side: tuple[int, int], distance: float) -> Annotation:
    right, up = side
    slant = np.hypot(right, up)
    style: dict[str, Any] = {
        "ha": {1: "left", 0: "center", -1: "right"}[right],
        "va": {1: "bottom", 0: "center", -1: "top"}[up],
        "color": label.color,
        "path_effects": [patheffects.withStroke(linewidth=1.5, foreground="white")],
        "zorder": 6,
    }
    if distance in _FAR:
        style["arrowprops"] = {"arrowstyle": "-", "lw": 0.5, "color": label.color, "shrinkB": 2}
    offset = (right * distance / slant, up * distance / slant)
    return ax.annotate(
        drawing.name(label.name),
        (label.x, label.y),
        offset,
        textcoords="offset points",
        fontsize=6.5,
        **drawing.as_written(),
        **style,
    )
