"""The table of the field's figures, as it is read."""

import pandas as pd
import pytest

from benchmarks.field import table
from benchmarks.metrics import METRICS

ROWS = pd.DataFrame(
    {
        "router": ["knn", "a|b"],
        "n_llms": 8,
        "value_over_best_single": [0.8, 1.0004],
        "selection_entropy": [1.5, 0],
        "aiq_zero": 0.6,
        "aiq_gain": [0.0126, -0.1],
        "gain_best_single": [0.0326, 0],
        "gap_oracle": [0.25, 0.3],
        "brier": [0.19, float("nan")],
        "calibration_error": [0.0496, float("nan")],
        "few_solve_score": [0.3, 0.2],
        "few_solve_share": 0.1234,
    }
)


def test_a_line_a_router_in_the_given_order_and_a_dash_for_what_is_not_known():
    assert table.to_markdown(ROWS, METRICS).splitlines()[-4:] == [
        "| router | V_B | entropy, bits | AIQ over zero router | Gain@B | Gap@O | Brier | ECE "
        "| score where few solve |",
        "|---|---|---|---|---|---|---|---|---|",
        "| **knn** | 0.800 | 1.50 | +0.013 | +3.3% | 25.0% | 0.190 | 0.050 | 0.300 |",
        r"| **a\|b** | 1.000 | 0.00 | -0.100 | +0.0% | 30.0% | – | – | 0.200 |",  # noqa: RUF001
    ]


def test_what_the_columns_are_stands_above():
    first, _, about, *_ = table.to_markdown(ROWS, METRICS).splitlines()
    assert first == "the zero router's AIQ is 0.600."
    assert about == (
        "V_B: score over that of the llm best on test (RouterEval). AIQ: mean height of the "
        "cost-score hull over the range of the llms' costs, less that of mixing llms blindly "
        "(RouterBench). Gain@B, Gap@O: relative to the best single llm (chosen on train) and to "
        "the oracle (LLMRouterBench). Brier, ECE (ten bins of equal mass): of the predicted "
        "scores, mean over llms. Few: questions that exactly 1 llm solves, 12.3% of all. A dash: "
        "costs are not known, or the router says nothing of it."
    )


@pytest.mark.parametrize(
    ("n_llms", "which"), [(2, "exactly 1 llm solves"), (20, "1 to 3 llms solve")]
)
def test_few_llms_are_counted(n_llms, which):
    of_one_router = ROWS.assign(n_llms=n_llms).iloc[:1]
    assert f"Few: questions that {which}," in table.to_markdown(of_one_router, METRICS)


def test_figures_of_other_seeds_stand_as_a_range():
    rows = ROWS.assign(aiq_zero=[0.61, 0.6], few_solve_share=[0.12, 0.13])
    text = table.to_markdown(rows, METRICS)
    assert "the zero router's AIQ is 0.600 to 0.610." in text
    assert ", 12.0% to 13.0% of all." in text
