"""The field's figures of a router, from its stored rows, and the table of them."""

import numpy as np
import pandas as pd
import pytest
from stored_by_hand import field_figures, summary

from benchmarks.evaluate import evaluate
from benchmarks.field import table
from benchmarks.metrics import METRICS
from benchmarks.points import llm_points, price_grid
from benchmarks.price_curve import price_curve
from benchmarks.splits import kfold
from benchmarks.stored_rows import llm_names
from routers.encoders import TfidfEncoder
from routers.neighbors import KNNRouter
from routers.recognition import RecognisedDatasetRouter


@pytest.fixture
def runs(table):
    recogniser = RecognisedDatasetRouter(TfidfEncoder())
    return [
        evaluate(KNNRouter(k=15), table, kfold(table, seed, n_folds=3), recogniser).rows
        for seed in (0, 1)
    ]


def figures_of(runs, unit="USD"):
    curve = price_curve(runs, price_grid(runs))
    return field_figures(runs, curve, unit), curve


def test_figures_of_stored_rows(runs):
    found, _ = figures_of(runs)
    own = summary(runs)
    best = llm_points(runs)["score"].max()
    assert found["value_over_best_single"] == pytest.approx(own["macro_score"] / best)
    expected = own["macro_score"] / own["best_single"] - 1
    assert found["gain_best_single"] == pytest.approx(expected)
    assert 0 < found["gap_oracle"] < 1
    assert found["aiq_gain"] == pytest.approx(found["aiq"] - found["aiq_zero"])
    assert found["aiq_gain"] > 0.05  # topics decide, and the router reads them
    assert 0 < found["brier"] < 0.3
    assert 0 < found["question_entropy"] < 2
    assert not [name for name, value in found.items() if np.isnan(value)]
    assert found["distance_to_front"] == pytest.approx(0, abs=0.2)
    assert np.isnan(figures_of(runs, "seconds (proxy)")[0]["arena_score"])


def test_a_router_that_asks_one_llm_gains_nothing(runs):
    for run in runs:
        run["choice"] = run["choice/best_single"]
        values = np.full(len(run), 0.5)
        for name in llm_names(run):
            run[f"predicted_score/{name}"] = values
    found, _ = figures_of(runs)
    assert found["gain_best_single"] == pytest.approx(0)
    assert found["value_over_best_single"] <= 1
    assert found["question_entropy"] == pytest.approx(2)  # four llms, told apart by nothing


def test_order_of_rows_changes_no_figure(runs):
    turned = [run.iloc[::-1] for run in runs]
    assert figures_of(turned)[0] == pytest.approx(figures_of(runs)[0])


def test_one_line_per_router_and_a_dash_for_what_is_not_known(runs):
    found, points = figures_of(runs)
    rows = pd.DataFrame([{"router": "knn", "n_llms": 4, **summary(runs), **found}])
    assert len(points) == 26
    text = table.to_markdown(rows, METRICS)
    (line,) = [line for line in text.splitlines() if line.startswith("| **knn**")]
    assert "exactly 1 llm solves" in text
    assert f"| {found['value_over_best_single']:.3f} |" in line
    assert "–" not in line  # noqa: RUF001
    unknown = table.to_markdown(rows.assign(aiq_gain=np.nan), METRICS)
    assert unknown.splitlines()[-1].count("| – |") == 1  # noqa: RUF001
