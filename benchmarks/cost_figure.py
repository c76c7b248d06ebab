"""What scores cost: the Pareto front, who is on it, and each llm asked always."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from benchmarks import canvas, drawing, labels, palette, router_families
from benchmarks.figure_data import Costs, pareto_front

_HEIGHT = 3.8
_FRONT: dict[str, Any] = {"lw": 3, "color": palette.REST}
_OTHER: dict[str, Any] = {"ms": 3, "mew": 0, "ls": "none", "color": palette.FAINT}
_LLM: dict[str, Any] = {"marker": "x", "ms": 4.5, "ls": "none", "color": palette.INK}
_LLM_BELOW = _LLM | {"marker": "v"}
_FEW = 12  # llms that are all named, where there is room
_MARGIN = 0.08  # above and below what is drawn, in heights of the front
_BELOW = 0.4  # how far the axis of scores reaches below the front, in heights of the front


def picture(found: Costs, unit: str, title: str, stem: Path) -> None:
    """Draw the figure and save it.

    Parameters
    ----------
    found : Costs
    unit : str
        Of cost.
    title : str
    stem : Path
        See :func:`benchmarks.canvas.sheet`.
    """
    with canvas.sheet(stem, canvas.PAGE, _HEIGHT) as (figure, axes):
        ax = axes[0, 0]
        draw(ax, found, unit)
        drawing.legend_below(figure, handles(found), ncols=3)
        drawing.heading(figure, title)
        figure.canvas.draw()  # settles where the axes are, by which names find room
        figure.set_layout_engine("none")
        write_names(ax, found)


def draw(ax: Axes, found: Costs, unit: str) -> None:
    """Draw the front, the named routers' curves, and a mark for each other router and llm.

    A curve is the best score that a router reaches at or below a cost; it ends at the mark of the
    router where cost does not count.
    """
    lowest, highest = _ends(found)
    ax.plot(*_steps(found.front).T, zorder=1, **_FRONT)
    others = found.defaults.drop(index=found.named, errors="ignore")
    for router, cost, score in others[["cost", "score"]].itertuples():
        if score >= lowest:
            marker = router_families.family_of(str(router)).marker
            ax.plot(cost, score, marker=marker, zorder=2, **_OTHER)
    for router in reversed(found.named):
        family = router_families.family_of(router)
        ax.plot(*_curve(found, router).T, lw=0.9, color=family.color, zorder=3)
        ax.plot(*_mark(found, router), family.marker, ms=4.5, color=family.color, zorder=5)
    best, few = set(pareto_front(found.llms)["llm"]), len(found.llms) <= _FEW
    for llm, cost, score in found.llms[["llm", "cost", "score"]].itertuples(index=False):
        style = _LLM if score >= lowest else _LLM_BELOW
        style = style if few or llm in best else style | {"color": palette.FAINT, "ms": 3}
        ax.plot(cost, max(score, lowest), clip_on=False, zorder=4 if few else 2, **style)
    every = [found.curves["cost"], found.defaults["cost"], found.llms["cost"]]
    drawing.plain_log_scale(ax.xaxis, pd.concat(every))
    ax.set_ylim(lowest, highest)
    ax.set_xlabel(f"mean cost per question, {drawing.name(unit)}", **drawing.as_written())
    ax.set_ylabel("macro score")
    ax.grid(which="both")


def handles(found: Costs) -> dict[str, Artist]:
    """Return what a legend shows of the signs that are used."""
    color = router_families.family_of(found.named[0]).color if found.named else palette.INK
    others = len(found.defaults.index.difference(found.named))
    below = (found.llms["score"] < _ends(found)[0]).any()
    shown: dict[str, Artist] = {"Pareto front": Line2D([], [], **_FRONT)}
    if found.named:
        named = "a router: best within a cost, mark: at price 0"
        shown[named] = Line2D([], [], lw=0.9, color=color, marker="o", ms=4.5)
    if others:
        shown["another router at price 0"] = Line2D([], [], marker="o", **_OTHER)
    shown["one llm always"] = Line2D([], [], **_LLM)
    if below:
        shown["an llm below the axis"] = Line2D([], [], **_LLM_BELOW)
    return shown


def _ends(found: Costs) -> tuple[float, float]:
    """Return the ends of the axis of scores; what is far below the front is not drawn to scale."""
    low, high = found.front["score"].min(), found.front["score"].max()
    every = min(low, found.llms["score"].min(), found.defaults["score"].min())
    room = (high - low) or 0.1
    return float(max(every - _MARGIN * room, low - _BELOW * room)), float(high + _MARGIN * room)


def _steps(points: pd.DataFrame) -> np.ndarray:
    """Return the corners of a line that holds each score up to the next point, shape (n, 2)."""
    cost, score = points["cost"].to_numpy(), points["score"].to_numpy()
    return np.column_stack([np.repeat(cost, 2)[1:], np.repeat(score, 2)[:-1]])


def _curve(found: Costs, router: str) -> np.ndarray:
    """Return the corners of a router's line, up to its mark."""
    curve = found.curves.loc[found.curves["router"] == router, ["cost", "score"]]
    corners, (cost, score) = _steps(curve), _mark(found, router)
    return np.vstack([corners, [cost, corners[-1, 1]], [cost, score]])


def _mark(found: Costs, router: str) -> tuple[float, float]:
    """Return where a router stands at price 0; where that is unknown, the dear end of its curve."""
    points = found.curves[found.curves["router"] == router].iloc[-1:]
    if router in found.defaults.index:
        points = found.defaults.loc[[router]]
    return float(points["cost"].iloc[0]), float(points["score"].iloc[0])


def write_names(ax: Axes, found: Costs) -> None:
    """Write the named routers at their marks, and the llms that there is room for.

    Llms on the llms' own front are named in any case, and in a large zoo they alone.
    """
    named = []
    for router in found.named:
        color = router_families.family_of(router).color
        named.append(labels.Label(drawing.name(router), *_mark(found, router), color))
    best, lowest = set(pareto_front(found.llms)["llm"]), ax.get_ylim()[0]
    by_score = found.llms.sort_values("score", ascending=False)
    for llm, cost, score in by_score[["llm", "cost", "score"]].itertuples(index=False):
        text = drawing.name(llm, drawing.BESIDE)
        if score < lowest:
            text, score = f"{text} {score:.2f}", lowest
        if llm in best or len(found.llms) <= _FEW:
            named.append(labels.Label(text, cost, score, palette.INK, llm in best))
    marks = [*found.llms[["cost", "score"]].to_numpy(), *(_mark(found, of) for of in found.named)]
    labels.write(ax, named, marks, [_curve(found, router) for router in found.named])
