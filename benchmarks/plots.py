"""Pictures of the stored runs: one function per figure, each draws on the axes it is given.

``python -m benchmarks.plots [--results FOLDER]`` writes ``figures/<data>-<zoo>-<split>/*.png``.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation

from benchmarks import drawing, metrics
from benchmarks.comparable import Comparison, comparisons
from benchmarks.comparison import COMPARISON, folder_names, place_of, runs_of
from benchmarks.leaderboard import ROOT, calibration_table, leaderboard
from benchmarks.progress import Progress, set_up_logging
from benchmarks.store import load_runs
from benchmarks.stored_rows import panel

_BOUNDS = {
    "random": ("random", ":", "#9a9a9a"),
    "best_single": ("best single", "--", "#6b6b6b"),
    "recognised_dataset": ("recognised dataset", "-.", "#b8860b"),
    "dataset_best": ("told the dataset", "--", "#8c564b"),
    "corrected_oracle": ("oracle without luck", ":", "#222222"),
    "oracle": ("oracle", "-", "#222222"),
}
# A fixed colour for the routers that come with the suite, one hue per family, chosen to stay apart
# from the greys of the bounds; any other router draws one of the rest by its name.
_COLOURS = {
    "capability_fusion": "#d62728",
    "model_sat": "#ff9896",
    "model_sat_paper": "#8b0000",
    "knn": "#1f77b4",
    "omnirouter": "#ff1493",
    "calibrated": "#7f3b08",
    "policy_random": "#6baed6",
    "policy_sorted": "#9ecae1",
    "kmeans": "#17becf",
    "kmeans_routereval": "#7fdbe6",
    "viable_minilm": "#006d75",
    "viable_tfidf": "#5f9ea0",
    "mixture": "#00a08a",
    "avengers": "#3b4cc0",
    "avengers_pro": "#8da0f0",
    "logistic": "#2ca02c",
    "svm": "#a1d99b",
    "mlp": "#74c476",
    "random_forest": "#98df8a",
    "xgboost": "#006d2c",
    "multilabel_transformer": "#bcbd22",
    "profile": "#9467bd",
    "item_response": "#ff7f0e",
    "matrix_factorization": "#ffbb78",
    "router_dc": "#8c6d31",
    "recognised_dataset": "#b8860b",
    "recognized_subject": "#dfc27d",
    "best_single": "#6b6b6b",
    "cheapest": "#c7c7c7",
    "random": "#e0a0a0",
}
_BESIDE: dict[str, Any] = {"fontsize": 7, "loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
_SIGNS_ABREAST = 100  # names of datasets that stand side by side without touching
_SPARE = ("#e377c2", "#aec7e8", "#c5b0d5", "#dbdb8d", "#f7b6d2", "#393b79", "#8ca252", "#c49c94")


def colour(router: str) -> str:
    """Return the router's colour, the same in every figure and every run."""
    name = router.split(" ")[0]
    if name in _COLOURS and name == router:
        return _COLOURS[name]
    return _SPARE[hashlib.sha256(router.encode()).digest()[0] % len(_SPARE)]


def draw_leaderboard(ax: Axes, board: pd.DataFrame) -> Axes:
    """Macro score of each router with its interval, floors and bounds as lines."""
    rows = board.sort_values("macro_score")
    place = np.arange(len(rows))
    for y, (_, row) in zip(place, rows.iterrows(), strict=True):
        error = [[row["macro_score"] - row["macro_low"]], [row["macro_high"] - row["macro_score"]]]
        ax.errorbar(
            row["macro_score"], y, xerr=error, fmt="o", ms=6, capsize=3, color=colour(row["router"])
        )
    _bound_lines(ax, rows.iloc[int(rows["n_seeds"].argmax())])
    names = list(rows["router"])
    if rows["seeds"].nunique() > 1:
        names = [f"{name} (seed {seeds})" for name, seeds in zip(names, rows["seeds"], strict=True)]
    drawing.ticks(ax.yaxis, place, names)
    ax.set_ylim(-0.7, len(rows) - 0.3)
    ax.set_xlabel("macro score (mean over datasets), 95% interval")
    ax.grid(axis="x", alpha=0.25)
    return ax


def draw_datasets(ax: Axes, board: pd.DataFrame, found: Comparison) -> Axes:
    """Score of each router on each dataset as bars, floors and bounds as marks across them."""
    rows = board.sort_values("macro_score", ascending=False)
    panels = panel(_most_seeds(found))
    names = sorted(set(panels.datasets))
    width = 0.84 / len(rows)
    handles: dict[str, Artist] = {}
    for i, (_, row) in enumerate(rows.iterrows()):
        x = np.arange(len(names)) - 0.42 + width * (i + 0.5)
        scores = [row[f"score_{name}"] for name in names]
        bars = ax.bar(x, scores, width * 0.92, color=colour(row["router"]))
        handles[row["router"]] = bars[0]
    for bound in ("best_single", "dataset_best", "oracle"):
        title, style, shade = _BOUNDS[bound]
        means = metrics.dataset_means(panels.scores[bound], panels.datasets)
        for j, name in enumerate(names):
            mark = [j - 0.45, j + 0.45], [means[name]] * 2
            [handles[title]] = ax.plot(*mark, color=shade, ls=style, lw=1.4)
    crowded = sum(len(drawing.name(name)) for name in names) > _SIGNS_ABREAST
    slanted = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    drawing.ticks(ax.xaxis, np.arange(len(names)), names, **slanted)
    ax.set_ylabel("mean score")
    ax.set_ylim(0, 1)
    drawing.legend(ax, handles, **_BESIDE)
    return ax


def draw_cost_curves(ax: Axes, board: pd.DataFrame, found: Comparison) -> Axes:
    """Macro score against mean cost over the price grid, single llms, and the Pareto front."""
    points = []
    handles: dict[str, Artist] = {}
    for label, rows in sorted(_by_label(found).items()):
        curve = metrics.price_curve(rows, metrics.price_grid(rows)).dropna()
        points.append(curve[["cost", "score"]])
        marker = "." if len(curve) > 1 else "o"
        x, y = curve["cost"], curve["score"]
        [handles[label]] = ax.plot(x, y, marker, ls="-", lw=1.1, ms=4, color=colour(label))
    llms = metrics.llm_points(_most_seeds(found)).dropna()
    handles["one llm always"] = ax.scatter(
        llms["cost"], llms["score"], marker="x", s=32, color="black", zorder=4
    )
    points.append(llms[["cost", "score"]])
    every = pd.concat(points)
    front = pareto_front(every)
    [handles["Pareto front"]] = ax.step(
        front["cost"], front["score"], where="post", color="black", lw=0.8, alpha=0.6
    )
    drawing.plain_log_scale(ax.xaxis, every["cost"])
    unit = drawing.name(board["cost_unit"].iloc[0])
    ax.set_xlabel(f"mean cost per question, {unit}", **drawing.as_written())
    ax.set_ylabel("macro score")
    drawing.legend(ax, handles, **_BESIDE)
    ax.grid(alpha=0.25)
    return ax


def pareto_front(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points that no other beats in score at the same or a lower cost."""
    ordered = points.sort_values(["cost", "score"], ascending=[True, False])
    best_before = ordered["score"].cummax().shift(fill_value=-np.inf)
    return ordered[ordered["score"] > best_before]


def draw_selection(ax: Axes, board: pd.DataFrame, found: Comparison) -> Axes:
    """Share of questions that each router sends to each llm, as stacked bars."""
    rows = board.sort_values("macro_score")
    by_label = _by_label(found)
    shares = {label: metrics.selection_share(by_label[label]) for label in rows["router"]}
    names = sorted(next(iter(shares.values())))
    shades = plt.get_cmap("tab20")(np.linspace(0, 1, 20))
    place, left = np.arange(len(rows)), np.zeros(len(rows))
    handles: dict[str, Artist] = {}
    for j, name in enumerate(names):
        part = np.array([shares[label][name] for label in rows["router"]])
        bars = ax.barh(place, part, left=left, color=shades[j % 20], height=0.8)
        handles[name] = bars[0]
        left += part
    drawing.ticks(ax.yaxis, place, rows["router"])
    ax.set_xlim(0, 1)
    ax.set_xlabel("share of questions sent to each llm")
    if len(names) <= 24:
        drawing.legend(ax, handles, **_BESIDE)
    return ax


def draw_calibration(ax: Axes, board: pd.DataFrame, found: Comparison) -> Axes:
    """Calibration error of each router's predictions: a dot per llm, a line at their mean."""
    names = list(board.sort_values("macro_score")["router"])
    table = calibration_table([run for group in found.groups for run in group])
    for y, name in enumerate(names):
        errors = table.loc[table["router"] == name, "calibration_error"].dropna()
        ax.plot(errors, np.full(len(errors), y), "o", ms=4, alpha=0.55, color=colour(name))
        if len(errors):
            ax.plot([errors.mean()] * 2, [y - 0.32, y + 0.32], color="black", lw=1.6)
    drawing.ticks(ax.yaxis, np.arange(len(names)), names)
    ax.set_ylim(-0.7, len(names) - 0.3)
    # votes and shares are no probabilities: their errors are ten times those of estimates
    drawing.plain_log_scale(ax.xaxis, table["calibration_error"])
    ax.set_xlabel("calibration error (ten bins of equal mass): a dot per llm, a line at the mean")
    ax.grid(axis="x", alpha=0.25)
    return ax


def _by_label(found: Comparison) -> dict[str, list[pd.DataFrame]]:
    """Return the compared rows of each router, a frame per seed."""
    frames = (list(by_seed.values()) for by_seed in found.rows)
    return dict(zip(found.labels, frames, strict=True))


def _most_seeds(found: Comparison) -> list[pd.DataFrame]:
    """Return the rows of a router that was run with most seeds: its floors rest on most."""
    return list(max(found.rows, key=len).values())


def _bound_lines(ax: Axes, row: pd.Series) -> None:
    handles: dict[str, Artist] = {
        title: ax.axvline(row[name], ls=style, lw=1.2, color=shade)
        for name, (title, style, shade) in _BOUNDS.items()
        if not np.isnan(row[name])
    }
    # half an inch below the axes, however tall they are
    below = ax.transAxes + ScaledTranslation(0, -0.5, ax.figure.dpi_scale_trans)
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "bbox_transform": below}
    drawing.legend(ax, handles, fontsize=7, ncols=3, **place)


def draw_all(results: Path, show: str | None = None) -> list[Path]:
    """Draw every figure of every comparison, or of ``DATA/ZOO/SPLIT``; return the files."""
    runs = runs_of(load_runs(results), show)
    if not runs:
        raise FileNotFoundError(f"no run is stored in {results / 'runs'}. Run 'make bench' first.")
    board = dict(list(leaderboard(runs).groupby(list(COMPARISON), sort=False)))
    folders, files = folder_names(map(place_of, runs)), []
    for found in comparisons(runs):
        folder = results / "figures" / folders[found.place]
        files += _draw_comparison(folder, board[found.place], found)
    return files


def _draw_comparison(folder: Path, board: pd.DataFrame, found: Comparison) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    first = board.iloc[0]
    title = (
        f"{drawing.name(first['data'])}, zoo {first['zoo']}: {first['n_questions']} questions, "
        f"{first['n_llms']} llms"
    )
    tall = 1.6 + 0.32 * len(board)
    drawings = {
        "leaderboard": ((8, tall + 0.8), lambda ax: draw_leaderboard(ax, board)),
        "datasets": ((10, 4.5), lambda ax: draw_datasets(ax, board, found)),
        "selection": ((9, tall), lambda ax: draw_selection(ax, board, found)),
        "calibration": ((8, tall), lambda ax: draw_calibration(ax, board, found)),
    }
    if not np.isnan(first["cost_best_single"]):
        drawings["cost"] = ((9, 5), lambda ax: draw_cost_curves(ax, board, found))
    files = []
    for name, (size, draw) in drawings.items():
        figure, ax = plt.subplots(figsize=size)
        drawing.title(draw(ax), title)
        files.append(folder / f"{name}.png")
        figure.savefig(files[-1], dpi=130, bbox_inches="tight")
        plt.close(figure)
    return files


def command_line(
    description: str, what: str, draw: Callable[[Path], list[Path]], arguments: list[str] | None
) -> None:
    """Draw the runs of ``--results``, saying ``what`` is done, and print the names of the files."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    options = parser.parse_args(arguments)
    set_up_logging()
    try:
        with Progress().stage(what, "run"):
            files = draw(options.results)
    except FileNotFoundError as error:
        sys.exit(str(error))
    names = "\n".join(str(file) for file in files)
    sys.stdout.write(f"{names or 'There is nothing to draw: no stored run has known costs.'}\n")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    command_line("Draw the stored runs.", "drawing the stored runs", draw_all, arguments)


if __name__ == "__main__":
    main()
