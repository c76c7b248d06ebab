"""The leaderboard as Markdown: one table per comparison."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from benchmarks import metrics
from benchmarks.comparison import COMPARISON
from benchmarks.field import table
from benchmarks.writing import DASH, markdown, number, with_interval

_REFERENCES = {
    "oracle": "*oracle* (bound)",
    "corrected_oracle": "*oracle without lucky guesses* (bound)",
    "dataset_best": "*dataset-best, told the dataset*",
    "recognised_dataset": "*recognised dataset* (floor)",
    "best_single": "*best single, chosen on train* (floor)",
    "cheapest": "*cheapest* (floor)",
    "random": "*random, analytic* (floor)",
}


def to_markdown(board: pd.DataFrame) -> str:
    """Return one table per comparison: routers, floors and bounds in one order of score."""
    how = (
        "brackets hold 95% intervals over questions, for the seeds that were run; routers that "
        "share a letter in *group* are not "
        "told apart (paired permutation test of every pair, Holm, 5%)."
    )
    return _document(
        "Leaderboard", board, lambda rows: f"{how}{_nothing_to_route(rows)}\n\n{_table(rows)}"
    )


def to_field_markdown(board: pd.DataFrame) -> str:
    """Return one table per comparison: the metrics that the field publishes, by router."""
    return _document("The field's metrics", board, table.to_markdown)


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


def _table(rows: pd.DataFrame) -> str:
    lines = [(row["macro_score"], _router_line(row)) for _, row in rows.iterrows()]
    lines += _reference_lines(rows)
    lines.sort(key=lambda line: (np.isnan(line[0]), -line[0]))
    head = (
        "| router | seeds | group | macro score | gap closed | lift over recognised dataset "
        "| cost | entropy, bits | fit, s | questions/s |\n"
        "|---|---|---|---|---|---|---|---|---|---|\n"
    )
    return head + "\n".join(line for _, line in lines)


def _reference_lines(rows: pd.DataFrame) -> list[tuple[float, str]]:
    """Return floors and bounds, those of each set of seeds that routers were run with."""
    lines = []
    for _, same in rows.groupby("seeds", sort=False):
        first = same.iloc[0]
        for name, title in _REFERENCES.items():
            # a floor that stands in the table as a router is not listed twice; the router "random"
            # is one draw, its floor the exact mean
            listed = name != "random" and name in set(same["router"])
            if not (listed or np.isnan(first[name])):
                lines.append((first[name], _reference_line(title, name, first)))
    return lines


def _router_line(row: pd.Series) -> str:
    cells = [
        f"**{markdown(row['router'])}**",
        _seeds(row["seeds"]),
        DASH if row["n_llms"] == 1 else row["group"] or DASH,
        with_interval(row["macro_score"], row["macro_low"], row["macro_high"], ".3f"),
        with_interval(row["gap_closed"], row["gap_low"], row["gap_high"], "+.2f"),
        with_interval(row["lift_recognised"], row["lift_low"], row["lift_high"], "+.3f"),
        _paid(row),
        number(row["selection_entropy"], ".2f"),
        number(row["fit_seconds"]),
        number(row["route_qps"]),
    ]
    return "| " + " | ".join(cells) + " |"


def _paid(row: pd.Series) -> str:
    """Return the mean cost; where it is unknown, for what share of the choices it is known."""
    partly = np.isnan(row["cost"]) and row["cost_known"] > 0
    return f"{DASH} (known for {row['cost_known']:.0%})" if partly else number(row["cost"])


def _reference_line(title: str, name: str, row: pd.Series) -> str:
    if name == "best_single" and row["best_single_share"] < 1:
        title = "*best of the observed, by its mean on train* (floor)"
    score, cost = row[name], number(row.get(f"cost_{name}", np.nan))
    gap = number(metrics.gap_closed(score, row["best_single"], row["oracle"]), "+.2f")
    lift = number(score - row["recognised_dataset"], "+.3f")
    cells = [title, _seeds(row["seeds"]), "", number(score, ".3f"), gap, lift, cost, "", "", ""]
    return "| " + " | ".join(cells) + " |"


def _span(numbers: pd.Series) -> str:
    low, high = numbers.min(), numbers.max()
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _seeds(listed: str) -> str:
    """Return seeds in short: a row of them, one after the other, by its ends."""
    seeds = [int(seed) for seed in listed.split()]
    if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))
