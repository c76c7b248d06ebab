"""Scores and costs over prices, and of one llm always: by hand, from rows written by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from stored_by_hand import stored, two_seeds

from benchmarks import scoring
from benchmarks.points import llm_points, price_grid
from benchmarks.price_curve import price_curve

NAN = math.nan


@pytest.fixture
def priced():
    """Two runs: b is dearer by 2 on d and by 4 on e; what is gained by it differs by question."""
    first = stored(
        ["a", "b"],
        dataset=["d", "d", "e"],
        score=[[0, 1], [0.5, 1], [0, 0.4]],
        cost=[[1.0, 3], [1, 3], [2, 6]],
        predicted_score=[[0.1, 0.9], [0.6, 0.8], [0.1, 0.9]],
        predicted_cost=[[1.0, 3], [1, 3], [2, 6]],
    )
    second = stored(
        ["a", "b"],
        dataset=["e"],
        score=[[0.8, 0]],
        cost=[[2.0, 8]],
        predicted_score=[[0.2, 0.4]],
        predicted_cost=[[2.0, 6]],
    )
    return [first, second]


def test_the_curve_asks_the_cheaper_llm_once_its_price_outweighs_the_score(priced):
    # b is left at prices .4, .1, .2 and, in the second run, .05
    curve = price_curve(priced, np.array([0, 0.07, 0.15, 0.3, 0.5]))
    expected = [
        (0, (1 + 0.4 / 2) / 2, (3 + 14 / 2) / 2),
        (0.07, (1 + 1.2 / 2) / 2, (3 + 8 / 2) / 2),
        (0.15, (1.5 / 2 + 1.2 / 2) / 2, (4 / 2 + 8 / 2) / 2),
        (0.3, (1.5 / 2 + 0.8 / 2) / 2, (4 / 2 + 4 / 2) / 2),
        (0.5, (0.5 / 2 + 0.8 / 2) / 2, (2 / 2 + 4 / 2) / 2),
    ]
    assert list(curve.columns) == ["price", "score", "cost"]
    np.testing.assert_allclose(curve, expected)


def test_a_price_at_which_a_question_has_no_choice_is_unknown(priced):
    first, second = priced
    first.loc[0, ["predicted_cost/a", "predicted_cost/b"]] = NAN
    curve = price_curve([first, second], np.array([0, 0.3]))
    assert curve["score"][0] == pytest.approx((1 + 0.4 / 2) / 2)  # nobody asks for the cost
    assert np.isnan(curve.loc[1, ["score", "cost"]].astype(float)).all()
    first.loc[0, "predicted_cost/a"] = 1  # the other one is of unknown cost, hence not chosen
    curve = price_curve([first, second], np.array([0.01]))
    assert curve["score"][0] == pytest.approx((1 / 2 + 0.4 / 2) / 2)


def test_a_point_of_unknown_cost_keeps_its_score(priced):
    first, second = priced
    first.loc[0, "cost/b"] = NAN
    curve = price_curve([first, second], np.array([0.3, 0.5]))
    assert curve["score"][0] == pytest.approx((1.5 / 2 + 0.8 / 2) / 2)
    assert np.isnan(curve["cost"][0])
    assert curve["cost"][1] == pytest.approx((1 + 2) / 2)


def test_only_what_was_observed_is_chosen_at_any_price(priced):
    first, second = priced
    first.loc[0, "score/b"] = NAN
    assert price_curve([first, second], np.zeros(1))["score"][0] == pytest.approx(
        (1 / 2 + 0.4 / 2) / 2
    )


def test_prices_are_spread_around_a_point_of_score_per_difference_of_mean_costs(priced):
    # mean costs over all four tests: a 6 / 4, b 20 / 4
    grid = price_grid(priced)
    assert len(grid) == 26
    assert grid[0] == 0
    np.testing.assert_allclose(grid[[1, -1]], np.array([1e-3, 1e2]) / 3.5)
    np.testing.assert_allclose(grid[2:] / grid[1:-1], 10 ** (5 / 24))
    assert len(price_grid(priced, 4)) == 5
    near, far = (price_grid([rows]) for rows in priced)
    assert far[1] == pytest.approx(1e-3 / 6)
    assert near[1] == pytest.approx(1e-3 / (8 / 3))


def test_an_llm_without_known_costs_spreads_no_prices(priced):
    rows = [part.assign(**{"score/c": 1.0, "cost/c": NAN}) for part in priced]
    np.testing.assert_allclose(price_grid(rows), price_grid(priced))
    rows[0].loc[0, "cost/c"] = 101.5  # known once is known: beyond a by 100
    assert price_grid(rows)[1] == pytest.approx(1e-3 / 100)


def test_where_costs_are_unknown_or_alike_there_is_one_price(priced):
    for cost in (NAN, 3.0):
        rows = [part.assign(**{"cost/a": cost, "cost/b": cost}) for part in priced]
        assert price_grid(rows).tolist() == [0]


def test_one_llm_always_is_averaged_over_every_test_or_not_at_all():
    first, second = two_seeds()
    points = llm_points([first, second])
    assert list(points.columns) == ["llm", "score", "cost"]
    assert list(points["llm"]) == ["a", "b"]
    np.testing.assert_allclose(points["score"], [(2 / 5 + 1 / 2) / 2, (3 / 5 + 0.5 / 2) / 2])
    np.testing.assert_allclose(points["cost"], [1.5, 5])
    np.testing.assert_allclose(llm_points([second])["score"], [0.25, 0.5])
    second.loc[2, "score/a"] = NAN
    first.loc[0, "cost/b"] = NAN
    points = llm_points([first, second]).set_index("llm")
    assert np.isnan(points.loc["a"]).all()
    assert points.loc["b", "score"] == pytest.approx((3 / 5 + 0.5 / 2) / 2)
    assert np.isnan(points.loc["b", "cost"])


@pytest.mark.filterwarnings("error")
def test_a_mean_leaves_out_what_is_not_known():
    values = np.array([[1, NAN, NAN, 0.5], [0, NAN, NAN, NAN]])
    datasets = np.array(["f", "f", "d", "e"])
    found = scoring.dataset_means(values, datasets)
    assert list(found) == ["d", "e", "f"]
    assert pd.Series(found).to_list() == pytest.approx([NAN, 0.5, 0.5], nan_ok=True)
    assert np.isnan(scoring.macro_mean(values[:, 1:3], datasets[1:3]))
    values[1, 3] = 0
    assert scoring.macro_mean(values, datasets) == pytest.approx((0.25 + 0.5) / 2)


def test_gaps_of_a_rounding_error_are_none():
    assert np.isnan(scoring.gap_closed(0.0, 0.0, 1e-12))
    assert np.isnan(scoring.gap_closed(0.7, 0.5, 0.5 + 1e-13))
    found = scoring.gap_closed(0.75, 0.5, 1)
    assert (found, type(found)) == (0.5, float)
