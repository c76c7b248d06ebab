"""Pictures of what promises are worth: promised against reached, and how near the solvers come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import ticker
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from benchmarks import drawing, palette, router_families

CERTAIN = 1.96  # standard errors that a 95% interval reaches
_LEAST = 1e-3  # percent: a smaller distance to the bound is what a solver rounds
_SOLVERS = {
    "lp": ("program, rounded", palette.INK),
    "dual": ("dual ascent", palette.BLUE),
    "price": ("one price", palette.VERMILION),
}


def draw(axes: Sequence[Axes], found: pd.DataFrame) -> None:
    """Draw one comparison, on three axes.

    Parameters
    ----------
    axes : sequence of Axes
    found : DataFrame
        As ``budget.summary`` returns it. Its ``attrs`` are ``comparison``, which is the heading,
        and ``cost_unit``.
    """
    score, cost, gap = axes
    promised = reached(found)
    kept = draw_scores(score, promised)
    draw_overspending(cost, overspent(found), found.attrs["cost_unit"])
    solvers = draw_gaps(gap, distances(found))
    cost.xaxis.set_major_locator(ticker.MaxNLocator(4))  # small costs have long names
    about = "promises on predictions, judged by the truth, with 95% intervals"
    figure: Any = score.figure
    drawing.heading(figure, f"{drawing.name(found.attrs['comparison'])}: {about}")
    families = router_families.handles(sorted(set(promised["router"])))
    drawing.legend_below(figure, families | kept, 2, "left")
    drawing.legend_below(figure, solvers, 1, "right")


def reached(found: pd.DataFrame) -> pd.DataFrame:
    """Return ``router, promise, value, error``: the mean scores that were reached."""
    part = of_program(found, "score")
    return part.rename(columns={"score": "value"}).assign(error=CERTAIN * part["violation_error"])


def overspent(found: pd.DataFrame) -> pd.DataFrame:
    """Return ``router, promise, value, error``: what was paid beyond a budget, in percent of it."""
    part = of_program(found, "cost")
    percent = 100 / part["promise"].where(part["promise"] > 0)  # beyond nothing, no percent
    error = CERTAIN * part["violation_error"] * percent
    return part.assign(value=part["violation"] * percent, error=error)


def of_program(found: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Pick the reference solver's rows without capacities."""
    free = np.isinf(found["capacity"])
    return found[(found["kind"] == kind) & (found["solver"] == "lp") & free]


def distances(found: pd.DataFrame) -> pd.DataFrame:
    """Return ``solver, capacity, share, percent``: distance to the bound, mean over routers."""
    gaps = found.groupby(["solver", "capacity", "share"], as_index=False)["gap"].mean()
    return gaps.assign(percent=np.maximum(100 * gaps["gap"], _LEAST))


def draw_scores(ax: Axes, reached: pd.DataFrame) -> dict[str, Artist]:
    """Draw promised against reached mean score, a line per router."""
    _lines(ax, reached)
    ends = [reached["promise"].min(), reached["promise"].max()]
    [exactly] = ax.plot(ends, ends, color=palette.INK, lw=0.8, ls="--")
    ax.set_title("a promised score")
    ax.set_xlabel("promised mean score")
    ax.set_ylabel("reached mean score")
    return {"promise kept exactly": exactly}


def draw_overspending(ax: Axes, overspent: pd.DataFrame, unit: str) -> None:
    """Draw what was paid beyond the budget, in percent of it, a line per router."""
    _lines(ax, overspent)
    ax.axhline(0, color=palette.INK, lw=0.8, ls="--")
    ax.set_title("a budget")
    ax.set_xlabel(f"budget per question,\n{drawing.name(unit)}", **drawing.as_written())
    ax.set_ylabel("paid beyond the budget, %")


def _lines(ax: Axes, points: pd.DataFrame) -> None:
    for router, line in points.groupby("router"):
        family = router_families.family_of(str(router))
        style: dict[str, Any] = {"marker": family.marker, "color": family.color, "ms": 3, "lw": 0.8}
        ax.errorbar(line["promise"], line["value"], yerr=line["error"], capsize=1.5, **style)
    ax.grid()


def draw_gaps(ax: Axes, distances: pd.DataFrame) -> Mapping[str, Artist]:
    """Draw the distance of each solver to the bound, with and without capacities."""
    handles: dict[str, Artist] = {}
    for solver, (title, color) in _SOLVERS.items():
        for room in sorted(distances["capacity"].unique(), reverse=True):
            line = distances[(distances["solver"] == solver) & (distances["capacity"] == room)]
            if not line.empty:
                free = np.isinf(room)
                label = title + ("" if free else f", at most {room:g} shares each")
                style: dict[str, Any] = {"ms": 3, "color": color, "ls": "-" if free else "--"}
                [handles[label]] = ax.plot(line["share"], line["percent"], marker="o", **style)
    drawing.plain_log_scale(ax.yaxis, distances["percent"])
    ax.set_title("how near the solvers come")
    ax.set_xlabel("promise: share of the way\nfrom cheapest to best")
    ax.set_ylabel("distance to the bound, %")
    ax.grid()
    return handles
