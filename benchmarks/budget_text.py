"""What promises were worth, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmarks.budget_plots import CERTAIN, of_program
from benchmarks.writing import markdown, number, table_of, with_interval


def text_of(found: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """Write the promises of the program without capacities, a line per router and share.

    Parameters
    ----------
    found : DataFrame
        As ``budget.summary`` returns it.
    about : dict
        Names and sizes of what the runs were measured on.
    """
    lines = [
        f"{markdown(about['data'])}, zoo {markdown(about['zoo'])}: {about['n_questions']} "
        f"questions, {about['n_llms']} llms. A mean score is promised at the least cost, or a "
        "budget is kept at the best score. Both are a share of the way from the cheapest to the "
        "best that a router predicts, and are judged by the truth, with 95% intervals. Cost per "
        f"question in {markdown(about['cost_unit'])}.",
        "",
    ]
    heads = ["router", "share", "promised score", "reached", "budget", "paid"]
    cells = []
    both = (of_program(found, kind).to_dict("records") for kind in ("score", "cost"))
    for score, cost in zip(*both, strict=True):
        of_score = number(score["promise"], ".3f"), _reached(score, "score", ".3f")
        of_cost = number(cost["promise"], ".3g"), _reached(cost, "cost", ".3g")
        share = number(score["share"], ".0%")
        cells.append([markdown(score["router"]), share, *of_score, *of_cost])
    return "\n".join(lines) + "\n" + table_of(heads, cells)


def _reached(row: Mapping[Any, Any], what: str, style: str) -> str:
    value, error = row[what], CERTAIN * row["violation_error"]
    return with_interval(value, value - error, value + error, style)
