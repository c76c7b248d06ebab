"""The leaderboard, derived from the stored rows.

It is written to ``leaderboard.{csv,md}``, the field's metrics to ``field.md``, how well the scores
of each llm are calibrated to ``calibration.csv``.

``python -m benchmarks.leaderboard [--results FOLDER] [--show DATA/ZOO/SPLIT ...] [--field]
[--metric MODULE.NAME ...]``: ``--show``, which may be repeated, derives these comparisons only and
leaves the stored figures of the others; ``--field`` prints the table of the field's metrics
instead; ``--metric`` adds one of your own. Needs no torch.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from benchmarks import leaderboard_files
from benchmarks.comparison import Comparison, comparisons, names_of, place_of, runs_of, shown_as
from benchmarks.field import calibration
from benchmarks.leaderboard_files import Tables
from benchmarks.leaderboard_text import to_field_markdown, to_markdown
from benchmarks.metric import Metric, check_metrics
from benchmarks.metrics import HEADLINE_METRIC, METRICS, ordered, standings
from benchmarks.price_curve import operating_points
from benchmarks.progress import Progress, set_up_logging
from benchmarks.remarks import remarks
from benchmarks.results import TIMING, Results
from benchmarks.store import ROOT, Run, load_runs
from benchmarks.stored_rows import BySeed


class MetricNotFoundError(ValueError):
    """What ``--metric`` names is no metric, or is not there."""


def leaderboard(
    runs: Iterable[Run],
    metrics: Sequence[Metric] = METRICS,
    sort_by: str = HEADLINE_METRIC,
) -> pd.DataFrame:
    """Return one row per router and comparison, best macro score first within each.

    Parameters
    ----------
    runs : iterable of Run
    metrics : sequence of Metric, optional
        What is worked out, a column each, by default ``METRICS``; ``[*METRICS, mine]`` adds one.
    sort_by : str, default="macro_score"
        The metric whose best comes first.

    Returns
    -------
    DataFrame
        Names; ``group``, the letters of ``significance.group_letters``; what the figures rest on
        (``comparable.counts``); the metrics, in their order; ``remarks``. See ``docs/metrics.md``.
    """
    check_metrics(metrics, sort_by)
    boards = [_board(comparison, metrics, sort_by) for comparison in comparisons(runs)]
    return pd.concat(boards, ignore_index=True) if boards else pd.DataFrame()


def _board(comparison: Comparison, metrics: Sequence[Metric], sort_by: str) -> pd.DataFrame:
    """Rows of the routers that met the same data, zoo, split and settings."""
    rows = dict(zip(comparison.labels, comparison.rows, strict=True))
    results = {
        label: _results(group, rows[label], comparison.cost_unit)
        for label, group in zip(comparison.labels, comparison.groups, strict=True)
    }
    figures = standings(rows, results, metrics).reset_index(drop=True)
    names = pd.DataFrame([_names(group[0]) for group in comparison.groups])
    names.insert(1, "group", figures.pop("group"))
    rest_on = pd.DataFrame(comparison.counts)
    board = pd.concat([names, rest_on, figures], axis=1)
    board["remarks"] = " ".join(remarks(comparison))
    return ordered(board, metrics, sort_by)


def _results(group: Sequence[Run], by_seed: BySeed, cost_unit: str) -> Results:
    runs = [*by_seed.values()]
    timing = {name: [run.about["timing"][name] for run in group] for name in TIMING}
    return Results(runs, operating_points(runs), cost_unit=cost_unit, timing=timing)


def _names(run: Run) -> dict[str, object]:
    return {"router": run.about["label"], **names_of(run)}


def calibration_table(runs: Iterable[Run]) -> pd.DataFrame:
    """Return one row per router and llm: ``field.calibration.by_llm`` and what was compared."""
    return pd.concat(map(_calibration, comparisons(runs)), ignore_index=True)


def _calibration(comparison: Comparison) -> pd.DataFrame:
    parts = []
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


def write(results: Path, metrics: Sequence[Metric] = METRICS) -> pd.DataFrame:
    """Derive every comparison, write the files, return the table as it is stored."""
    runs = _stored_runs(results)
    return leaderboard_files.write(results, _derive(runs, metrics), metrics)["leaderboard"]


def show(
    results: Path,
    comparisons: Sequence[str],
    field: bool = False,
    metrics: Sequence[Metric] = METRICS,
) -> str:
    """Derive some comparisons, write their figures beside those of the others, return the tables.

    Parameters
    ----------
    results : Path
    comparisons : sequence of str
        Each ``DATA/ZOO/SPLIT``. What is stored of the other comparisons stays as it is; if there
        is nothing of one, or it cannot be read, it is derived too, though not shown.
    field : bool, default=False
        Return the tables of the field's metrics instead.
    metrics : sequence of Metric, optional
        See :func:`leaderboard`.

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
    fresh = _derive([run for run in runs if place_of(run) in asked], metrics)
    if kept and leaderboard_files.same_layout(kept, fresh):
        stay = set(map(place_of, runs)) - asked
        fresh = leaderboard_files.merge(kept, stay, fresh)
    elif kept:
        fresh = _derive(runs, metrics)
    board = leaderboard_files.write(results, fresh, metrics)["leaderboard"]
    shown = pd.concat([one_comparison(board, name) for name in dict.fromkeys(comparisons)])
    return _shown(shown, field, metrics)


def _shown(board: pd.DataFrame, field: bool, metrics: Sequence[Metric]) -> str:
    return (to_field_markdown if field else to_markdown)(board, metrics)


def _derive(runs: list[Run], metrics: Sequence[Metric]) -> Tables:
    check_metrics(metrics, HEADLINE_METRIC)
    found = [
        (_board(comparison, metrics, HEADLINE_METRIC), _calibration(comparison))
        for comparison in comparisons(runs)  # whose rows are read here, once
    ]
    boards, calibrations = zip(*found, strict=True)
    return {
        "leaderboard": pd.concat(boards, ignore_index=True),
        "calibration": pd.concat(calibrations, ignore_index=True),
    }


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
    parser.add_argument(
        "--metric",
        action="append",
        default=[],
        metavar="MODULE.NAME",
        help="a benchmarks.metric.Metric of your own, shown beside the others; may be repeated",
    )
    options = parser.parse_args(arguments)
    set_up_logging()
    try:
        with Progress().stage("deriving the leaderboard", "run"):
            text = _text(options)
    except (FileNotFoundError, MetricNotFoundError) as error:
        sys.exit(str(error))
    sys.stdout.write(text)


def _text(options: argparse.Namespace) -> str:
    metrics = [*METRICS, *map(_metric_at, options.metric)]
    if options.show:
        return show(options.results, options.show, options.field, metrics)
    return _shown(write(options.results, metrics), options.field, metrics)


def _metric_at(place: str) -> Metric:
    """Import the metric that ``MODULE.NAME`` is."""
    module, _, name = place.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise MetricNotFoundError(
            f"--metric must be MODULE.NAME of a Metric, got {place}: {error}."
        ) from error
    if not isinstance(found, Metric):
        kind = type(found).__name__
        raise MetricNotFoundError(f"--metric must name a Metric, got {place}, of type {kind}.")
    return found


if __name__ == "__main__":
    main()
