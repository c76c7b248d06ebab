"""The short table of the field's metrics, one line per router."""

from __future__ import annotations

import pandas as pd

from benchmarks.field.llmrouterbench import few_solvers
from benchmarks.writing import markdown, number

_COLUMNS = {
    "value_over_best_single": ("V_B", ".3f"),
    "selection_entropy": ("entropy, bits", ".2f"),
    "aiq_gain": ("AIQ over zero router", "+.3f"),
    "gain_best_single": ("Gain@B", "+.1%"),
    "gap_oracle": ("Gap@O", ".1%"),
    "brier": ("Brier", ".3f"),
    "calibration_error": ("ECE", ".3f"),
    "few_solve_score": ("score where few solve", ".3f"),
}


def to_markdown(rows: pd.DataFrame) -> str:
    """Return the table of one comparison, in the order of the rows, with what its columns are.

    Parameters
    ----------
    rows : DataFrame
        Rows of one comparison of the leaderboard.
    """
    few = few_solvers(int(rows.iloc[0]["n_llms"]))
    which = "exactly 1 llm solves" if few == 1 else f"1 to {few} llms solve"
    about = (
        f"the zero router's AIQ is {_range(rows['aiq_zero'], '.3f')}.\n\n"
        "V_B: score over that of the llm best on test (RouterEval). AIQ: mean height of the "
        "cost-score hull over the range of the llms' costs, less that of mixing llms blindly "
        "(RouterBench). Gain@B, Gap@O: relative to the best single llm (chosen on train) and to "
        "the oracle (LLMRouterBench). Brier, ECE (ten bins of equal mass): of the predicted "
        f"scores, mean over llms. Few: questions that {which}, "
        f"{_range(rows['few_solve_share'], '.1%')} of all. A dash: costs are not known, or the "
        "router says nothing of it."
    )
    heads = ["router", *(title for title, _ in _COLUMNS.values())]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for _, row in rows.iterrows():
        cells = [number(row[name], style) for name, (_, style) in _COLUMNS.items()]
        lines.append("| " + " | ".join([f"**{markdown(row['router'])}**", *cells]) + " |")
    return f"{about}\n\n" + "\n".join(lines)


def _range(values: pd.Series, style: str) -> str:
    """Return a figure that all routers share, or its ends where they were run with other seeds."""
    low, high = (number(value, style) for value in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"
