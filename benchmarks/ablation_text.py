"""An ablation as Markdown: settings in order, each with its difference to the default."""

from __future__ import annotations

import pandas as pd

from benchmarks.ablation import parameters_of
from benchmarks.writing import markdown, number, table_of, with_interval


def to_markdown(found: pd.DataFrame, sweep: str, comparison: str) -> str:
    """Write what :func:`benchmarks.ablation.ablation` found.

    Parameters
    ----------
    found : DataFrame
    sweep : str
    comparison : str
        ``DATA/ZOO/SPLIT``.
    """
    data, zoo, split = map(markdown, comparison.split("/"))
    first = found.iloc[0]
    several = found["router"].nunique() > 1
    names = (["router"] if several else []) + parameters_of(found)
    of = "" if several else f" of {markdown(first['router'])}"
    heads = [*map(markdown, names), "macro score", "difference to the default"]
    heads += ["lift over recognised dataset", "fit, s", "questions/s"]
    lines = [
        f"# {markdown(sweep)}: {data}, zoo {zoo}, split {split}",
        "",
        f"Settings{of} on {first['n_questions']} questions, seeds {first['seeds']}. Brackets hold "
        "95% intervals over questions, of differences paired by question and seed. The default is "
        "in bold.",
        "",
    ]
    cells = [_cells(row, names) for row in found.to_dict("records")]
    return "\n".join(lines) + "\n" + table_of(heads, cells)


def _cells(row: dict, names: list[str]) -> list[str]:
    cells = [markdown(row[name]) for name in names]
    if row["is_default"]:
        cells = [f"**{cell}**" for cell in cells]
    cells.append(with_interval(row["macro_score"], row["low"], row["high"], ".3f"))
    cells.append("" if row["is_default"] else _difference(row, "difference"))
    cells += [_difference(row, "lift"), number(row["fit_seconds"]), number(row["route_qps"])]
    return cells


def _difference(row: dict, name: str) -> str:
    return with_interval(row[name], row[f"{name}_low"], row[f"{name}_high"], "+.3f")
