"""The short table of the field's metrics, one line per router."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from benchmarks.field.llmrouterbench import few_solvers
from benchmarks.metric import Metric
from benchmarks.writing import markdown, number, table_of

_FIRST = (  # in this order; others that are shown come after them
    "value_over_best_single",
    "selection_entropy",
    "aiq_gain",
    "gain_best_single",
    "gap_oracle",
    "brier",
    "calibration_error",
    "few_solve_score",
)


def to_markdown(rows: pd.DataFrame, metrics: Sequence[Metric]) -> str:
    """Return the table of one comparison, in the order of the rows, with what its columns are.

    Parameters
    ----------
    rows : DataFrame
        Rows of one comparison of the leaderboard.
    metrics : sequence of Metric
        Of which those are shown whose ``tables`` say "field".
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
    shown = _shown(metrics)
    heads = ["router", *(markdown(metric.label) for metric in shown)]
    cells = [
        [f"**{markdown(row['router'])}**", *(metric.written(row) for metric in shown)]
        for _, row in rows.iterrows()
    ]
    return f"{about}\n\n" + table_of(heads, cells).rstrip("\n")


def _shown(metrics: Sequence[Metric]) -> list[Metric]:
    found = {metric.name: metric for metric in metrics if "field" in metric.tables}
    return [found[name] for name in dict.fromkeys([*_FIRST, *found]) if name in found]


def _range(values: pd.Series, style: str) -> str:
    """Return a figure that all routers share, or its ends where they were run with other seeds."""
    low, high = (number(value, style) for value in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"
