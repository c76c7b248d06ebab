"""The leaderboard, derived from the stored rows.

It is written to ``leaderboard.{csv,md}``, the field's metrics to ``field.md``, how well the scores
of each llm are calibrated to ``calibration.csv``.

``python -m benchmarks.leaderboard [--results FOLDER] [--show DATA/ZOO/SPLIT ...] [--field]``:
``--show``, which may be repeated, derives these comparisons only and leaves the stored figures of
the others; ``--field`` prints the table of the field's metrics instead. Needs no torch.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import leaderboard_files, metrics, significance
from benchmarks.comparable import Comparison, comparisons, counts
from benchmarks.comparison import names_of, place_of, runs_of, shown_as
from benchmarks.field import calibration, report
from benchmarks.leaderboard_files import Tables
from benchmarks.leaderboard_text import to_field_markdown, to_markdown
from benchmarks.progress import Progress, set_up_logging
from benchmarks.remarks import remarks
from benchmarks.store import ROOT, Run, load_runs

_TIMING = ("fit_seconds", "route_qps", "encode_seconds", "peak_memory_mb")


def leaderboard(runs: Iterable[Run]) -> pd.DataFrame:
    """Return one row per router and comparison, best macro score first within each.

    Parameters
    ----------
    runs : iterable of Run

    Returns
    -------
    DataFrame
        Names; ``group``, the letters of ``significance.group_letters``; what the figures rest on
        (``comparable.counts``); the figures of ``metrics.summary`` and of ``field.report``; timing
        (means over seeds; the largest peak of memory); ``remarks``. See ``docs/metrics.md``.
    """
    boards = [_board(comparison) for comparison in comparisons(runs)]
    return pd.concat(boards, ignore_index=True) if boards else pd.DataFrame()


def _board(comparison: Comparison) -> pd.DataFrame:
    """Rows of the routers that met the same data, zoo, split and settings."""
    points, rows = [], []
    routers = zip(comparison.groups, comparison.tested, comparison.rows, strict=True)
    for group, tested, by_seed in routers:
        runs = list(by_seed.values())
        points.append(metrics.price_curve(runs, metrics.price_grid(runs)))
        figures = metrics.summary(runs, curve=points[-1])
        field = report.field_figures(runs, points[-1], figures, comparison.cost_unit)
        rows.append(_names(group[0]) | counts(tested, by_seed) | figures | field | _timing(group))
    board = pd.DataFrame(rows)
    front = report.distances_to_front(points)
    board.insert(len(board.columns) - len(_TIMING), "distance_to_front", front)
    board["remarks"] = " ".join(remarks(comparison))
    board = board.sort_values(["macro_score", "router"], ascending=[False, True])
    ordered = [comparison.rows[place] for place in board.index]
    board.insert(1, "group", significance.group_letters(ordered))
    return board


def _names(run: Run) -> dict[str, object]:
    return {"router": run.about["label"], **names_of(run)}


def _timing(group: list[Run]) -> dict[str, float]:
    timing = {
        name: float(np.mean([run.about["timing"][name] for run in group])) for name in _TIMING
    }
    timing["peak_memory_mb"] = max(run.about["timing"]["peak_memory_mb"] for run in group)
    return timing


def calibration_table(runs: Iterable[Run]) -> pd.DataFrame:
    """Return one row per router and llm: ``field.calibration.by_llm`` and what was compared."""
    parts = []
    for comparison in comparisons(runs):
        for group, by_seed in zip(comparison.groups, comparison.rows, strict=True):
            figures = calibration.by_llm(list(by_seed.values())).reset_index()
            names = pd.DataFrame([_names(group[0])] * len(figures))
            parts.append(pd.concat([names, figures], axis=1))
    return pd.concat(parts, ignore_index=True)


def load_board(results: Path, show: str | None = None) -> pd.DataFrame:
    """Derive the leaderboard of a results folder, or one comparison of it.

    Parameters
    ----------
    results : Path
    show : str, optional
        ``DATA/ZOO/SPLIT``.

    Raises
    ------
    FileNotFoundError
        If no such run is stored.
    """
    return leaderboard(_stored_runs(results, show))


def _stored_runs(results: Path, show: str | None = None) -> list[Run]:
    runs = runs_of(load_runs(results), show)
    if not runs:
        what = f"no run of {show}" if show else "no run"
        raise FileNotFoundError(f"{what} is stored in {results / 'runs'}. Run 'make bench' first.")
    return runs


def write(results: Path) -> pd.DataFrame:
    """Derive every comparison, write the files, return the table as it is stored."""
    runs = _stored_runs(results)
    return leaderboard_files.write(results, _derive(runs))["leaderboard"]


def show(results: Path, comparisons: Sequence[str], field: bool = False) -> str:
    """Derive some comparisons, write their figures beside those of the others, return the tables.

    Parameters
    ----------
    results : Path
    comparisons : sequence of str
        Each ``DATA/ZOO/SPLIT``. What is stored of the other comparisons stays as it is; if there
        is nothing of one, or it cannot be read, it is derived too, though not shown.
    field : bool, default=False
        Return the tables of the field's metrics instead.

    Returns
    -------
    str
        Markdown.

    Raises
    ------
    FileNotFoundError
        If no run of one of the comparisons is stored.
    """
    for name in comparisons:
        _stored_runs(results, name)
    runs = load_runs(results)
    kept = leaderboard_files.read(results)
    known = leaderboard_files.places(kept)
    asked = {
        place
        for place in map(place_of, runs)
        if shown_as(place) in comparisons or place not in known
    }
    fresh = _derive([run for run in runs if place_of(run) in asked])
    if kept and leaderboard_files.same_layout(kept, fresh):
        stay = set(map(place_of, runs)) - asked
        fresh = leaderboard_files.merge(kept, stay, fresh)
    elif kept:
        fresh = _derive(runs)
    board = leaderboard_files.write(results, fresh)["leaderboard"]
    shown = pd.concat([one_comparison(board, name) for name in dict.fromkeys(comparisons)])
    return to_field_markdown(shown) if field else to_markdown(shown)


def _derive(runs: list[Run]) -> Tables:
    return {"leaderboard": leaderboard(runs), "calibration": calibration_table(runs)}


def one_comparison(board: pd.DataFrame, show: str) -> pd.DataFrame:
    """Return the rows of ``DATA/ZOO/SPLIT``."""
    return board[board[["data", "zoo", "split"]].agg("/".join, axis=1) == show]


def main(arguments: list[str] | None = None) -> None:
    """Write the leaderboard and print it, or the comparisons that were asked for."""
    parser = argparse.ArgumentParser(description="Derive the leaderboard from the stored runs.")
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    parser.add_argument(
        "--show",
        action="append",
        metavar="DATA/ZOO/SPLIT",
        help="derive and print this comparison only; may be repeated",
    )
    parser.add_argument("--field", action="store_true", help="print the field's metrics instead")
    options = parser.parse_args(arguments)
    set_up_logging()
    try:
        with Progress().stage("deriving the leaderboard", "run"):
            text = _text(options)
    except FileNotFoundError as error:
        sys.exit(str(error))
    sys.stdout.write(text)


def _text(options: argparse.Namespace) -> str:
    if options.show:
        return show(options.results, options.show, options.field)
    board = write(options.results)
    return to_field_markdown(board) if options.field else to_markdown(board)


if __name__ == "__main__":
    main()
