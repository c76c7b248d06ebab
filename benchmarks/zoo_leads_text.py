"""Leads over many zoos as a table in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmarks.writing import markdown, number, table_of, with_interval
from benchmarks.zoo_leads import OVER, side_by_side, summarise

BETWEEN = "; "  # of the names of a zoo


def to_markdown(rows: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """Write the main frame as a table."""
    found = summarise(rows)[""]
    over = [name for name in OVER if f"lead_{name}" in found]
    n_zoos, n_left_out = rows["draw"].nunique(), int(side_by_side(rows).isna().any(axis=1).sum())
    size = len(str(rows["zoo"].iloc[0]).split(BETWEEN))
    lines = [
        f"{markdown(about['data'])}: {n_zoos} zoos of {size} llms, drawn from "
        f"{about['n_llms']}; a router may learn from all others too. Leads in macro score, mean "
        "over zoos, with 95% intervals over questions (these zoos given), then over zoos (these "
        "questions given), and the number of zoos in which the router is above."
        + _left_out(n_left_out),
        "",
    ]
    heads = ["router", "macro score", *(f"lead over {OVER[name]}" for name in over)]
    cells = [
        [
            *(markdown(row["router"]), number(row["score"], ".3f")),
            *(_told(row, f"lead_{name}", n_zoos) for name in over),
        ]
        for row in found.to_dict("records")
    ]
    return "\n".join(lines) + "\n" + table_of(heads, cells)


def _left_out(n: int) -> str:
    if not n:
        return ""
    return (
        f" Of the pairs of zoo and question {n:,} are left out: not every router was tested on "
        "them, or not every choice has an outcome."
    )


def _told(row: Mapping[Any, Any], lead: str, n_zoos: int) -> str:
    if row["router"] == lead.removeprefix("lead_"):
        return ""
    of_questions = with_interval(row[lead], row[f"{lead}_low"], row[f"{lead}_high"], "+.3f")
    ends = (number(row[f"{lead}_zoos_{end}"], "+.3f") for end in ("low", "high"))
    return f"{of_questions}, [{', '.join(ends)}], {row[f'{lead}_ahead']} of {n_zoos}"
