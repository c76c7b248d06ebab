import dataclasses

import numpy as np
import pandas as pd
import pytest
from stored_by_hand import summary

from benchmarks import intervals, scoring
from benchmarks.evaluate import evaluate
from benchmarks.headline import selection_share
from benchmarks.points import cost_to_match, llm_points, price_grid
from benchmarks.price_curve import price_curve
from benchmarks.splits import kfold
from benchmarks.stored_rows import Panel, llm_names, matrix, panel
from routers.baselines import BestSingle
from routers.encoders import TfidfEncoder
from routers.neighbors import KNNRouter
from routers.recognition import RecognisedDatasetRouter

RECOGNISER = RecognisedDatasetRouter(TfidfEncoder())


@pytest.fixture
def runs(table):
    return [
        evaluate(KNNRouter(k=15), table, kfold(table, seed, n_folds=3), RECOGNISER).rows
        for seed in (0, 1)
    ]


def test_macro_mean_weighs_datasets_alike():
    datasets = np.array(["d", "d", "d", "e"])
    assert scoring.macro_mean(np.array([[1, 1, 0, 0]]), datasets) == pytest.approx((2 / 3 + 0) / 2)
    # two seeds; the second did not test the last question
    values = np.array([[1, 0, 0, 1], [1, 1, 0, np.nan]])
    assert scoring.macro_mean(values, datasets) == pytest.approx((3 / 6 + 1) / 2)
    assert np.isnan(scoring.macro_mean(np.full((1, 4), np.nan), datasets))


def test_gap_closed():
    assert scoring.gap_closed(0.7, 0.6, 0.8) == pytest.approx(0.5)
    assert scoring.gap_closed(0.6, 0.6, 0.8) == 0
    assert scoring.gap_closed(0.5, 0.6, 0.8) == pytest.approx(-0.5)
    assert np.isnan(scoring.gap_closed(0.7, 0.8, 0.8))
    np.testing.assert_allclose(
        scoring.gap_closed(np.array([1.0, 1.0]), np.array([0.5, 1]), np.ones(2)), [1, np.nan]
    )


def test_entropy_of_the_selection():
    assert scoring.selection_entropy({"a": 1.0, "b": 0.0}) == 0
    assert scoring.selection_entropy({"a": 0.5, "b": 0.25, "c": 0.25}) == pytest.approx(1.5)


def test_bootstrap_is_paired_seeded_and_covers_sampling_error(runs):
    found = panel(runs)
    first = intervals.bootstrap_macro(found, np.random.default_rng(0), 500)
    again = intervals.bootstrap_macro(found, np.random.default_rng(0), 500)
    np.testing.assert_array_equal(first["router"], again["router"])
    assert first["router"].mean() == pytest.approx(
        scoring.macro_mean(found.scores["router"], found.datasets), abs=0.01
    )
    # a policy never differs from itself
    twin = Panel(
        found.datasets,
        {"router": found.scores["oracle"], "oracle": found.scores["oracle"]},
        found.costs,
    )
    drawn = intervals.bootstrap_macro(twin, np.random.default_rng(0), 50)
    np.testing.assert_array_equal(drawn["router"], drawn["oracle"])


def test_bootstrap_width_matches_the_binomial_error():
    rng = np.random.default_rng(0)
    scores = (rng.random((1, 400)) < 0.5).astype(float)
    found = Panel(np.full(400, "d", dtype=object), {"router": scores}, {})
    low, high = intervals.interval(intervals.bootstrap_macro(found, rng)["router"])
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / 20, rel=0.1)


def test_order_of_bounds(runs):
    row = summary(runs)
    assert row["random"] <= row["oracle"]
    assert row["macro_score"] <= row["oracle"]
    assert row["macro_low"] <= row["macro_score"] <= row["macro_high"]
    assert row["regret"] == pytest.approx(row["oracle"] - row["macro_score"])
    assert row["n_questions"] == 90
    assert row["n_seeds"] == 2
    assert row["score_birds"] > 0.7  # its expert is right nine times in ten


def test_there_is_luck_to_take_out_only_where_options_are_known(runs):
    assert np.isnan(summary(runs)["corrected_oracle"])
    guessed = [rows.assign(chance=0.25) for rows in runs]
    assert 0 < summary(guessed)["corrected_oracle"] <= summary(guessed)["oracle"]


def test_a_mean_cost_is_known_only_if_every_cost_is(runs):
    costs, scores = np.array([[1.0, np.nan, 5]]), np.array([[1.0, 0, np.nan]])
    datasets = np.array(["d", "d", "e"])
    assert np.isnan(scoring.mean_cost(costs, scores, datasets))
    assert scoring.mean_cost(costs[:, ::2], scores[:, ::2], datasets[::2]) == 3
    dearest = llm_names(runs[0])[0]
    unpriced = [rows.assign(**{f"cost/{dearest}": np.nan}) for rows in runs]
    whole, part = summary(runs), summary(unpriced)
    share = selection_share(runs)[dearest]
    assert 0 < share < 1
    assert (whole["cost_known"], part["cost_known"]) == (1, pytest.approx(1 - share))
    assert not np.isnan(whole["cost"])
    assert np.isnan([part["cost"], part["cost_random"]]).all()


def test_nothing_matches_a_best_single_llm_of_unknown_cost():
    curve = pd.DataFrame({"price": [0, 1, 2], "score": [0.7, 0.6, 0.4], "cost": [3.0, 2.0, 1.0]})
    assert cost_to_match(curve, 0.6, 5.0) == 2
    assert np.isnan(cost_to_match(curve, 0.8, 5.0))
    assert np.isnan(cost_to_match(curve, 0.6, np.nan))


def test_best_single_closes_no_gap_and_the_oracle_all(table):
    rows = evaluate(BestSingle(), table, kfold(table, 0), RECOGNISER).rows
    assert summary([rows])["gap_closed"] == 0
    rows["choice"] = matrix(rows, "score").argmax(axis=1)
    assert summary([rows])["gap_closed"] == pytest.approx(1)


def test_best_single_matches_itself_to_the_last_digit(table):
    scores = np.where(table.scores == 1, 0.7, 0.1)  # not exact in single precision
    uneven = dataclasses.replace(table, scores=scores).rows(np.arange(len(table) - 1))
    folds = [kfold(uneven, seed, n_folds=3) for seed in (0, 1, 2)]
    runs = [evaluate(BestSingle(), uneven, fold, RECOGNISER).rows for fold in folds]
    curve = price_curve(runs, np.zeros(1))
    found = summary(runs, points=curve)
    assert curve["score"][0] == pytest.approx(found["best_single"], abs=1e-13)
    assert found["cost_to_match_best_single"] <= found["cost_best_single"] + 1e-9


def test_price_curve_goes_from_best_to_cheapest(runs):
    grid = price_grid(runs)
    assert grid[0] == 0
    curve = price_curve(runs, grid)
    assert curve["cost"].is_monotonic_decreasing
    assert curve["cost"].iloc[0] > 3
    assert curve["cost"].iloc[-1] == 1
    found = panel(runs)
    assert curve["score"].iloc[0] == pytest.approx(
        scoring.macro_mean(found.scores["router"], found.datasets)
    )


def test_unknown_costs_leave_a_grid_of_one_price(runs):
    for run in runs:
        run[[name for name in run if name.startswith("cost/")]] = np.nan
    np.testing.assert_array_equal(price_grid(runs), [0])
    assert np.isnan(summary(runs)["cost"])


def test_single_llm_points(tiny):
    rows = pd.DataFrame({"dataset": tiny.datasets})
    for j, llm in enumerate(tiny.llms):
        rows[f"score/{llm}"], rows[f"cost/{llm}"] = tiny.scores[:, j], tiny.costs[:, j]
    points = llm_points([rows])
    np.testing.assert_allclose(points["score"], [0.5, 0.75, 0.25])
    np.testing.assert_allclose(points["cost"], [1, 2, 4])
