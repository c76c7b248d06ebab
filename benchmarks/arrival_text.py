"""The arrival experiment as Markdown: mean scores and leads, what they rest on and leave out."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from benchmarks.arrival_figures import Basis, basis, leads, policies_of, shortened
from benchmarks.writing import markdown, number, table_of, with_interval

_OVER = {"best_single": "current best single", "recognised_dataset": "recognised dataset"}


def to_markdown(rows: pd.DataFrame, keep: int, by_card: Sequence[str]) -> str:
    """Write the mean over all arrivals as a table, what it rests on, and what is left out.

    Parameters
    ----------
    rows : DataFrame
        As :func:`benchmarks.arrival.follow` returns.
    keep : int
        Size of the zoo a newcomer meets.
    by_card : sequence of str
        Names of the routers that know every llm from its card.
    """
    over = {name: leads(rows, name) for name in _OVER if name in policies_of(rows)}
    found = basis(rows)
    lines = [
        f"Mean over {found.arrivals[0]} arrivals; the zoo is the {keep} best so far and the "
        f"newcomer. Leads with 95% intervals over questions. Fitted on "
        "llms of other families than the newcomer's, and told every llm of the zoo by its card "
        f"alone: {', '.join(map(markdown, by_card))}. The other routers know all training "
        "outcomes of the older llms.",
        "",
        _rests_on(found),
        "",
    ]
    by_score = over["best_single"].sort_values("score", ascending=False)
    shown = {over_whom: _with_intervals(table) for over_whom, table in over.items()}
    heads = ["policy", "macro score", *(f"lead over {_OVER[name]}" for name in over)]
    cells = [
        [markdown(name), number(score, ".3f"), *(texts[str(name)] for texts in shown.values())]
        for name, score in by_score["score"].items()
    ]
    return "\n".join(lines) + "\n" + table_of(heads, cells) + _left_out(shortened(rows))


def _with_intervals(table: pd.DataFrame) -> dict[str, str]:
    columns = zip(table.index, table["lead"], table["low"], table["high"], strict=True)
    return {str(name): with_interval(lead, low, high, "+.3f") for name, lead, low, high in columns}


def _rests_on(found: Basis) -> str:
    """Say how many arrivals, questions, llms and outcomes every figure rests on."""
    sentences = [
        f"Every figure rests on {_of(found.arrivals)} arrivals, {found.llms} llms, "
        f"{_of(found.questions)} questions from {_of(found.datasets)} datasets, "
        f"{_of(found.pairs)} pairs of arrival and question (once per seed), and "
        f"{_of(found.outcomes)} outcomes of the zoos on these pairs."
    ]
    if found.pairs[0] < found.pairs[1]:
        sentences.append("A pair counts if every policy has an outcome there.")
    if found.choices < found.pairs[0]:
        sentences.append(
            f"On {found.pairs[0] - found.choices:,} of them the newcomer alone was observed: "
            "there is nothing to choose, and all policies score the same."
        )
    return " ".join(sentences)


def _of(counts: tuple[int, int]) -> str:
    return f"{counts[0]:,} of {counts[1]:,}"


def _left_out(short: pd.DataFrame) -> str:
    """Name the arrivals that were not compared on all questions, and why."""
    if short.empty:
        return ""
    heads = ["arrival", "newcomer", "compared (questions, once per seed)", "left out"]
    cells = []
    for row in short.reset_index().to_dict("records"):
        arrival, newcomer = row.pop("step"), markdown(row.pop("newcomer"))
        compared = _of((row.pop("compared"), row.pop("tested")))
        why = "; ".join(f"{reason} ({count:,})" for reason, count in row.items() if count)
        cells.append([str(arrival), newcomer, compared, why])
    about = "Arrivals that were compared on part of the questions only, or not at all:"
    return f"\n{about}\n\n{table_of(heads, cells)}"
