"""The leaderboard as Markdown: one table per comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from benchmarks.comparison import COMPARISON
from benchmarks.field import table
from benchmarks.headline import REFERENCES
from benchmarks.metric import Metric
from benchmarks.metrics import HEADLINE_METRIC, METRICS
from benchmarks.scoring import gap_closed
from benchmarks.writing import DASH, markdown, number, table_of


def to_markdown(
    board: pd.DataFrame, metrics: Sequence[Metric] = METRICS, sort_by: str = HEADLINE_METRIC
) -> str:
    """Return one table per comparison: routers, floors and bounds in one order, the best first.

    Parameters
    ----------
    board : DataFrame
        See :func:`benchmarks.leaderboard.leaderboard`.
    metrics : sequence of Metric, optional
        By default ``METRICS``; those are shown whose ``tables`` say "leaderboard".
    sort_by : str, default="macro_score"
        The metric that orders the lines; a floor or bound that has none of it stands last.
    """
    how = (
        "brackets hold 95% intervals over questions, for the seeds that were run; routers that "
        "share a letter in *group* are not "
        "told apart (paired permutation test of every pair, Holm, 5%)."
    )
    (order,) = (metric for metric in metrics if metric.name == sort_by)
    shown = [metric for metric in metrics if "leaderboard" in metric.tables]
    return _document(
        "Leaderboard",
        board,
        lambda rows: f"{how}{_nothing_to_route(rows)}\n\n{_table(rows, shown, order)}",
    )


def to_field_markdown(board: pd.DataFrame, metrics: Sequence[Metric] = METRICS) -> str:
    """Return one table per comparison: the metrics that the field publishes, by router."""
    return _document("The field's metrics", board, lambda rows: table.to_markdown(rows, metrics))


def _document(title: str, board: pd.DataFrame, body: Callable[[pd.DataFrame], str]) -> str:
    parts = []
    for names, rows in board.groupby(list(COMPARISON), sort=False):
        of = dict(zip(COMPARISON, map(markdown, names), strict=True))
        settings = f" ({of['settings']})" if of["settings"] else ""
        remarks = markdown(rows.iloc[0]["remarks"])
        parts.append(
            f"## {of['data']}, zoo {of['zoo']}, split {of['split']}{settings}\n\n"
            + (f"{remarks}\n\n" if remarks else "")
            + f"{_rests_on(rows)}, data {of['data_hash']}, settings {of['settings_hash']}; "
            + f"{_cost(rows)}; {body(rows)}"
        )
    return f"# {title}\n\n" + "\n\n".join(parts) + "\n"


def _rests_on(rows: pd.DataFrame) -> str:
    """Say how many questions, llms, outcomes and seeds the figures of a table rest on."""
    questions, outcomes = (_span(rows[name]) for name in ("n_questions", "n_outcomes"))
    pairs = "" if (rows["n_outcomes"] == rows["n_pairs"]).all() else f" of {_span(rows['n_pairs'])}"
    return (
        f"{questions} questions, {rows.iloc[0]['n_llms']} llms, {outcomes}{pairs} outcomes, "
        f"{_span(rows['n_seeds'])} seed(s)"
    )


def _cost(rows: pd.DataFrame) -> str:
    """Say what costs are counted in, if any is known."""
    unit = f"cost in {markdown(rows['cost_unit'].iloc[0])}"
    if rows.filter(regex="^cost(_(?!unit|known)|$)").notna().any(axis=None):
        return unit
    return f"{unit}, known in part" if (rows["cost_known"] > 0).any() else "no costs are known"


def _nothing_to_route(rows: pd.DataFrame) -> str:
    """Return the sentence that says so where no choice between llms can gain any score."""
    first = rows.iloc[0]
    if first["n_llms"] == 1:
        return " There is nothing to route: the zoo is a single llm."
    if not (rows["oracle"] - rows["best_single"] > 1e-12).any():
        return (
            " There is no score to gain by routing: on no question is another llm known to be "
            "better than the best single one."
        )
    return ""


Line = tuple[float, list[str]]  # what it is ordered by, and its cells


def _table(rows: pd.DataFrame, shown: Sequence[Metric], order: Metric) -> str:
    lines: list[Line] = [(row[order.name], _router_cells(row, shown)) for _, row in rows.iterrows()]
    lines += _reference_lines(rows, shown, order)
    sign = 1 if order.better == "lower" else -1
    lines.sort(key=lambda line: (np.isnan(line[0]), sign * line[0]))
    heads = ["router", "seeds", "group", *(markdown(metric.label) for metric in shown)]
    return table_of(heads, (cells for _, cells in lines)).rstrip("\n")


def _reference_lines(rows: pd.DataFrame, shown: Sequence[Metric], order: Metric) -> list[Line]:
    """Return floors and bounds, those of each set of seeds that routers were run with."""
    lines = []
    for _, same in rows.groupby("seeds", sort=False):
        first = same.iloc[0]
        for name in reversed(REFERENCES):
            # a floor that stands in the table as a router is not listed twice; the router "random"
            # is one draw, its floor the exact mean
            listed = name != "random" and name in set(same["router"])
            if not (listed or np.isnan(first[name])):
                figures = _reference_figures(name, first)
                cells = [
                    number(figures[metric.name], metric.format) if metric.name in figures else ""
                    for metric in shown
                ]
                line = [_reference_title(name, first), _seeds(first["seeds"]), "", *cells]
                lines.append((figures.get(order.name, np.nan), line))
    return lines


def _router_cells(row: pd.Series, shown: Sequence[Metric]) -> list[str]:
    group = DASH if row["n_llms"] == 1 else row["group"] or DASH
    cells = [
        _paid(row, metric) if metric.name == "cost" else metric.written(row) for metric in shown
    ]
    return [f"**{markdown(row['router'])}**", _seeds(row["seeds"]), group, *cells]


def _paid(row: pd.Series, cost: Metric) -> str:
    """Return the mean cost; where it is unknown, for what share of the choices it is known."""
    partly = np.isnan(row["cost"]) and row["cost_known"] > 0
    return f"{DASH} (known for {row['cost_known']:.0%})" if partly else cost.written(row)


def _reference_title(name: str, row: pd.Series) -> str:
    label, explanation = REFERENCES[name]
    if name == "best_single" and row["best_single_share"] < 1:
        label = "best of the observed, by its mean on train"
    kind, _, _ = explanation.partition(":")
    return f"*{label}*" if kind == "reference" else f"*{label}* ({kind})"


def _reference_figures(name: str, row: pd.Series) -> dict[str, float]:
    """Return what of a router's figures a floor or a bound has too."""
    score = row[name]
    return {
        "macro_score": score,
        "gap_closed": gap_closed(score, row["best_single"], row["oracle"]),
        "lift_recognised": score - row["recognised_dataset"],
        "cost": row.get(f"cost_{name}", np.nan),
    }


def _span(numbers: pd.Series) -> str:
    low, high = numbers.min(), numbers.max()
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _seeds(listed: str) -> str:
    """Return seeds in short: a row of them, one after the other, by its ends."""
    seeds = [int(seed) for seed in listed.split()]
    if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))
