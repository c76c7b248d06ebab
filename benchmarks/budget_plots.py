"""Pictures of what promises are worth: promised against reached, and how near the solvers come."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib import ticker
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from benchmarks import drawing
from benchmarks.plots import colour


def draw(found: pd.DataFrame, unit: str, name: str, file: Path) -> None:
    """Draw one comparison.

    Parameters
    ----------
    found : DataFrame
        As ``budget.summary`` returns it.
    unit : str
        Of cost.
    name : str
        Of the comparison.
    file : Path
    """
    figure, axes = plt.subplots(1, 3, figsize=(15, 4.4), gridspec_kw={"wspace": 0.28})
    drawing.title(draw_scores(axes[0], found), "a promised score")
    drawing.title(draw_overspending(axes[1], found, unit), "a budget")
    drawing.title(draw_gaps(axes[2], found), "how near the solvers come")
    axes[1].xaxis.set_major_locator(ticker.MaxNLocator(5))  # small costs have long names
    about = f"{drawing.name(name)}: promises on predictions, judged by the truth"
    figure.suptitle(about, fontsize=10, **drawing.as_written())
    figure.savefig(file, dpi=130, bbox_inches="tight")
    plt.close(figure)


def draw_scores(ax: Axes, found: pd.DataFrame) -> Axes:
    """Draw promised against reached mean score, a line per router."""
    part = _of_programme(found, "score")
    handles = {
        str(router): _line(ax, router, line["promise"], line["score"], line["violation_error"])
        for router, line in part.groupby("router")
    }
    ends = [part["promise"].min(), part["promise"].max()]
    [handles["promise kept exactly"]] = ax.plot(ends, ends, color="#222222", lw=0.8, ls="--")
    _legend(ax, handles, 4)
    ax.set_xlabel("promised mean score")
    ax.set_ylabel("reached mean score, 95% interval")
    return ax


def draw_overspending(ax: Axes, found: pd.DataFrame, unit: str) -> Axes:
    """Draw what was paid beyond the budget, in percent of it, a line per router."""
    part = _of_programme(found, "cost")
    for router, line in part.groupby("router"):
        percent = 100 / line["promise"].where(line["promise"] > 0)  # beyond nothing, no percent
        beyond, error = line["violation"] * percent, line["violation_error"] * percent
        _line(ax, router, line["promise"], beyond, error)
    ax.axhline(0, color="#222222", lw=0.8, ls="--")
    ax.set_xlabel(f"budget per question, {drawing.name(unit)}", **drawing.as_written())
    ax.set_ylabel("paid beyond the budget, %, 95% interval")
    return ax


def _of_programme(found: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Pick the reference solver's rows without capacities."""
    free = np.isinf(found["capacity"])
    return found[(found["kind"] == kind) & (found["solver"] == "lp") & free]


def _line(ax: Axes, router: object, x: pd.Series, y: pd.Series, error: pd.Series) -> Artist:
    ax.grid(alpha=0.25)
    style = {"fmt": "o-", "ms": 4, "lw": 1.1, "capsize": 2, "color": colour(str(router))}
    return ax.errorbar(x, y, yerr=1.96 * error, **style)  # type: ignore[arg-type, return-value]


def draw_gaps(ax: Axes, found: pd.DataFrame) -> Axes:
    """Distance of each solver to the bound, mean over routers, with and without capacities."""
    titles = {"lp": "programme, rounded", "dual": "dual ascent", "price": "one price"}
    shades = {"lp": "#222222", "dual": "#1f77b4", "price": "#d62728"}
    shown = found.groupby(["solver", "capacity", "share"], as_index=False)["gap"].mean()
    handles: dict[str, Artist] = {}
    for solver, title in titles.items():
        for room in sorted(shown["capacity"].unique(), reverse=True):
            line = shown[(shown["solver"] == solver) & (shown["capacity"] == room)]
            if not line.empty:
                label = title + ("" if np.isinf(room) else f", at most {room:g} shares each")
                percent, style = (
                    np.maximum(100 * line["gap"], 1e-3),
                    "o-" if np.isinf(room) else "o--",
                )
                [handles[label]] = ax.plot(
                    line["share"], percent, style, ms=4, lw=1.1, color=shades[solver]
                )
    drawing.plain_log_scale(ax.yaxis, 100 * shown["gap"].clip(lower=1e-5))
    ax.set_xlabel("promise: share of the way from cheapest to best")
    ax.set_ylabel("distance to the bound, %, mean of all")
    ax.grid(alpha=0.25)
    _legend(ax, handles, 2)
    return ax


def _legend(ax: Axes, handles: dict[str, Artist], ncols: int) -> None:
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.14)}
    drawing.legend(ax, handles, fontsize=7, ncols=ncols, **place)
