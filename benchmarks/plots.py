"""Every figure of the stored runs.

``python -m benchmarks.plots [--results FOLDER]`` writes a PNG and a PDF of each into the folder
``figures/<data>-<zoo>-<split>/``.

``benchmarks.figure_data`` works out the numbers, a module per figure draws them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import (
    calibration_figure,
    canvas,
    cost_figure,
    datasets_figure,
    drawing,
    figure_data,
    leads_figure,
    selection_figure,
)
from benchmarks.comparison import (
    COMPARISON,
    Comparison,
    comparisons,
    folder_names,
    place_of,
    runs_of,
)
from benchmarks.leaderboard import ROOT, calibration_table, leaderboard
from benchmarks.progress import Progress, set_up_logging
from benchmarks.store import load_runs


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
    """Draw the figures of a comparison; that of costs only where the best single llm's is known."""
    folder.mkdir(parents=True, exist_ok=True)
    first = board.iloc[0]
    title = (
        f"{drawing.name(first['data'])}, zoo {drawing.name(first['zoo'])}: "
        f"{first['n_questions']} questions, {first['n_llms']} llms"
    )
    per_llm = calibration_table([run for group in found.groups for run in group])
    stems = {
        name: folder / name for name in ("leaderboard", "datasets", "selection", "calibration")
    }
    leads_figure.picture(*figure_data.leads(board), title, stems["leaderboard"])
    differences = figure_data.dataset_differences(board, found)
    datasets_figure.picture(differences, title, stems["datasets"])
    shares = figure_data.selection_shares(board, found)
    selection_figure.picture(shares, title, stems["selection"])
    errors = figure_data.calibration_errors(board, per_llm)
    calibration_figure.picture(errors, title, stems["calibration"])
    if not np.isnan(first["cost_best_single"]):
        stems["cost"] = folder / "cost"
        costs = figure_data.costs(found)
        cost_figure.picture(costs, str(first["cost_unit"]), title, stems["cost"])
    return [file for stem in stems.values() for file in canvas.files_of(stem)]


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Draw the stored runs.")
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    options = parser.parse_args(arguments)
    set_up_logging()
    try:
        with Progress().stage("drawing the stored runs", "run"):
            files = draw_all(options.results)
    except FileNotFoundError as error:
        sys.exit(str(error))
    sys.stdout.write("".join(f"{file}\n" for file in files))


if __name__ == "__main__":
    main()
