"""The leaderboard, derived from the stored rows.

It is written to ``leaderboard.{csv,md}``, the field's metrics to ``field.md``, how well the scores
of each llm are calibrated to ``calibration.csv``.

``python -m benchmarks.leaderboard [--results FOLDER] [--show DATA/ZOO/SPLIT] [--field]``; the last
prints the table of the field's metrics instead. Needs no torch.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import metrics, significance
from benchmarks.field import calibration, report, table
from benchmarks.store import Run, load_runs

ROOT = Path(__file__).resolve().parent.parent
COMPARISON = ("data", "zoo", "split", "data_hash")
_TIMING = ("fit_seconds", "route_qps", "encode_seconds", "peak_memory_mb")
_REFERENCES = {
    "oracle": "*oracle* (bound)",
    "corrected_oracle": "*oracle without lucky guesses* (bound)",
    "dataset_best": "*dataset-best, told the dataset* (bound)",
    "recognised_dataset": "*recognised dataset* (floor)",
    "best_single": "*best single, chosen on train* (floor)",
    "cheapest": "*cheapest* (floor)",
    "random": "*random, analytic* (floor)",
}


def group_runs(runs: Iterable[Run]) -> list[list[Run]]:
    """Gather the runs that differ in their seed only: one leaderboard row each.

    Where a run was stored again under changed defaults, the latest of each seed counts.
    """

    def identity(run: Run) -> tuple[str, ...]:
        return tuple(str(run.about[name]) for name in (*COMPARISON, "label"))

    groups = []
    for _, members in groupby(sorted(runs, key=identity), key=identity):
        latest = {}
        for run in sorted(members, key=lambda run: run.about["finished"]):
            latest[run.about["seed"]] = run
        groups.append([latest[seed] for seed in sorted(latest)])
    return groups


def leaderboard(runs: Iterable[Run]) -> pd.DataFrame:
    """Return one row per router, data, zoo and split, best macro score first within each.

    Parameters
    ----------
    runs : iterable of Run

    Returns
    -------
    DataFrame
        Names; ``group``, the letters of ``significance.group_letters``; the figures of
        ``metrics.summary`` and of ``field.report``; timing (means over seeds; the largest peak of
        memory) and the unit of cost.
    """

    def comparison(group: list[Run]) -> tuple[str, ...]:
        return tuple(str(group[0].about[name]) for name in COMPARISON)

    boards = [_comparison(list(groups)) for _, groups in groupby(group_runs(runs), key=comparison)]
    return pd.concat(boards, ignore_index=True) if boards else pd.DataFrame()


def _comparison(groups: list[list[Run]]) -> pd.DataFrame:
    """Rows of the routers that met the same data, zoo and split."""
    frames = [[run.rows() for run in group] for group in groups]
    points, rows = [], []
    for group, runs in zip(groups, frames, strict=True):
        curve = metrics.price_curve(runs, metrics.price_grid(runs))
        points.append(report.operating_points(runs, curve))
        figures = metrics.summary(runs, curve=curve)
        unit = str(group[0].about["cost_unit"])
        field = report.field_figures(runs, points[-1], figures, unit)
        rows.append(_names(group[0]) | figures | field | _timing(group))
    board = pd.DataFrame(rows)
    board.insert(
        len(board.columns) - len(_TIMING), "distance_to_front", report.distances_to_front(points)
    )
    board = board.sort_values(["macro_score", "router"], ascending=[False, True])
    ordered = [frames[place] for place in board.index]
    board.insert(1, "group", significance.group_letters(ordered))
    return board


def _names(run: Run) -> dict[str, object]:
    names = ("data", "zoo", "split", "data_hash", "cost_unit")
    return {"router": run.about["label"]} | {name: run.about[name] for name in names}


def _timing(group: list[Run]) -> dict[str, float]:
    timing = {
        name: float(np.mean([run.about["timing"][name] for run in group])) for name in _TIMING
    }
    timing["peak_memory_mb"] = max(run.about["timing"]["peak_memory_mb"] for run in group)
    return timing


def calibration_table(runs: Iterable[Run]) -> pd.DataFrame:
    """Return one row per router and llm: ``field.calibration.by_llm`` and what was compared."""
    parts = []
    for group in group_runs(runs):
        figures = calibration.by_llm([run.rows() for run in group]).reset_index()
        names = pd.DataFrame([_names(group[0])] * len(figures))
        parts.append(pd.concat([names, figures], axis=1))
    return pd.concat(parts, ignore_index=True)


def to_markdown(board: pd.DataFrame) -> str:
    """Return one table per comparison: routers, floors and bounds in one order of score."""
    how = (
        "brackets hold 95% bootstrap intervals; routers that share a letter in *group* are not "
        "told apart (paired permutation test of every pair, Holm, 5%)."
    )
    return _document("Leaderboard", board, lambda rows: f"{how}\n\n{_table(rows)}")


def to_field_markdown(board: pd.DataFrame) -> str:
    """Return one table per comparison: the metrics that the field publishes, by router."""
    return _document("The field's metrics", board, table.to_markdown)


def _document(title: str, board: pd.DataFrame, body: Callable[[pd.DataFrame], str]) -> str:
    parts = []
    for names, rows in board.groupby(list(COMPARISON), sort=False):
        data, zoo, split, data_hash = names
        first = rows.iloc[0]
        seeds = sorted({int(n) for n in rows["n_seeds"]})
        parts.append(
            f"## {data}, zoo {zoo}, split {split}\n\n"
            f"{first['n_questions']} questions, {first['n_llms']} llms, "
            f"{_span(seeds)} seed(s), data {data_hash}; "
            f"cost in {first['cost_unit']}; {body(rows)}"
        )
    return f"# {title}\n\n" + "\n\n".join(parts) + "\n"


def _table(rows: pd.DataFrame) -> str:
    lines = [(row["macro_score"], _router_line(row)) for _, row in rows.iterrows()]
    first = rows.iloc[int(rows["n_seeds"].argmax())]  # floors and bounds of the most seeds
    for name, title in _REFERENCES.items():
        # a floor that stands in the table as a router is not listed twice; the router "random"
        # is one draw, its floor the exact mean
        listed = name != "random" and name in set(rows["router"])
        if not (listed or np.isnan(first[name])):
            lines.append((first[name], _reference_line(title, name, first)))
    lines.sort(key=lambda line: -line[0])
    head = (
        "| router | group | macro score | gap closed | lift over recognised dataset | cost "
        "| entropy, bits | fit, s | questions/s |\n|---|---|---|---|---|---|---|---|---|\n"
    )
    return head + "\n".join(line for _, line in lines)


def _router_line(row: pd.Series) -> str:
    cells = [
        f"**{row['router']}**",
        row["group"],
        f"{row['macro_score']:.3f} [{row['macro_low']:.3f}, {row['macro_high']:.3f}]",
        f"{row['gap_closed']:+.2f} [{row['gap_low']:+.2f}, {row['gap_high']:+.2f}]",
        f"{row['lift_recognised']:+.3f} [{row['lift_low']:+.3f}, {row['lift_high']:+.3f}]",
        _number(row["cost"]),
        f"{row['selection_entropy']:.2f}",
        _number(row["fit_seconds"]),
        _number(row["route_qps"]),
    ]
    return "| " + " | ".join(cells) + " |"


def _reference_line(title: str, name: str, row: pd.Series) -> str:
    score, cost = row[name], _number(row.get(f"cost_{name}", np.nan))
    gap = metrics.gap_closed(score, row["best_single"], row["oracle"])
    lift = score - row["recognised_dataset"]
    return f"| {title} | | {score:.3f} | {gap:+.2f} | {lift:+.3f} | {cost} | | | |"


def _span(numbers: list[int]) -> str:
    low, high = numbers[0], numbers[-1]
    return str(low) if low == high else f"{low} to {high}"


def _number(value: float) -> str:
    """Three significant digits, thousands separated, '' for NaN."""
    if np.isnan(value):
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


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
    runs = runs_of(load_runs(results), show)
    if not runs:
        what = f"no run of {show}" if show else "no run"
        raise FileNotFoundError(f"{what} is stored in {results / 'runs'}. Run 'make bench' first.")
    return leaderboard(runs)


def runs_of(runs: list[Run], show: str | None) -> list[Run]:
    """Return the runs of ``DATA/ZOO/SPLIT``, or all of them."""
    place = COMPARISON[:3]
    return [run for run in runs if show in (None, "/".join(run.about[name] for name in place))]


def one_comparison(board: pd.DataFrame, show: str) -> pd.DataFrame:
    """Return the rows of ``DATA/ZOO/SPLIT``."""
    return board[board[["data", "zoo", "split"]].agg("/".join, axis=1) == show]


def write(results: Path) -> pd.DataFrame:
    """Derive and write the files; return the table."""
    board = load_board(results)
    calibrated = calibration_table(load_runs(results))
    _replace(results / "leaderboard.csv", board.to_csv(index=False, float_format="%.6g"))
    _replace(results / "calibration.csv", calibrated.to_csv(index=False, float_format="%.6g"))
    _replace(results / "leaderboard.md", to_markdown(board))
    _replace(results / "field.md", to_field_markdown(board))
    return board


def _replace(file: Path, text: str) -> None:
    part = file.with_name(f".{file.name}.part")
    part.write_text(text)
    part.replace(file)


def main(arguments: list[str] | None = None) -> None:
    """Write the leaderboard and print it, or the one comparison that was asked for."""
    parser = argparse.ArgumentParser(description="Derive the leaderboard from the stored runs.")
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    parser.add_argument("--show", help="print this comparison only: DATA/ZOO/SPLIT")
    parser.add_argument("--field", action="store_true", help="print the field's metrics instead")
    options = parser.parse_args(arguments)
    try:
        board = write(options.results)
    except FileNotFoundError as error:
        sys.exit(str(error))
    if options.show:
        board = one_comparison(board, options.show)
    sys.stdout.write(to_field_markdown(board) if options.field else to_markdown(board))


if __name__ == "__main__":
    main()
