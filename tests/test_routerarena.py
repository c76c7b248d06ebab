"""Accuracy and cost in one score, choices that stay, and the cheapest right llm."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.field import routerarena

pytestmark = pytest.mark.filterwarnings("error")


def test_score_reproduces_the_sources_check_values():
    assert routerarena.arena_score(0.6688, 0.15) == pytest.approx(0.669, abs=5e-4)
    assert routerarena.arena_score(0.7396, 10.02) == pytest.approx(0.643, abs=5e-4)


def test_score_at_the_ends_of_the_range():
    assert routerarena.arena_score(0.7, 0.0044) == pytest.approx(1.1 * 0.7 / 1.07)
    assert routerarena.arena_score(0.7, 0.0) == routerarena.arena_score(0.7, 0.0044)
    assert [routerarena.arena_score(0.7, cost) for cost in (200, 250, 500)] == [0, 0, 0]
    assert np.isnan(routerarena.arena_score(0.7, float("nan")))


def test_robustness_is_the_share_that_stays():
    before, after = ["a", "b", "a", "", "c"], ["a", "a", "a", "b", ""]
    assert routerarena.robustness(before, after) == pytest.approx(2 / 3)
    assert np.isnan(routerarena.robustness([""], ["a"]))


def test_optimality_by_hand():
    scores = np.array([[1, 0], [1, 1], [0, 1], [0, 0]], dtype=float)
    costs = np.tile([1.0, 4.0], (4, 1))
    # nobody solves the last; the second is right but dear, the third cheap but wrong
    found = routerarena.optimality(np.array([0, 1, 0, 1]), scores, costs)
    assert found == pytest.approx({"choice": 1 / 3, "cost": 6 / 6, "score": 2 / 3})
    best = routerarena.optimality(np.array([0, 0, 1, -1]), scores, costs)
    assert best == pytest.approx({"choice": 1, "cost": 1, "score": 1})
    missed = routerarena.optimality(np.array([0, -1, 1, 0]), scores, costs)
    assert missed["score"] == pytest.approx(2 / 3)


def test_optimality_without_costs_or_solvable_questions():
    scores = np.array([[1.0, 0], [0, 1]])
    found = routerarena.optimality(np.array([0, 0]), scores, np.full((2, 2), np.nan))
    assert found["score"] == 0.5
    assert np.isnan(found["choice"])
    assert np.isnan(found["cost"])
    nothing = routerarena.optimality(np.array([0]), np.zeros((1, 2)), np.ones((1, 2)))
    assert set(nothing) == set(found)
    assert np.isnan(list(nothing.values())).all()


def test_beta_weighs_cheapness():
    # at the middle of the range of log costs cheapness is 1/2
    middle = np.sqrt(routerarena.CHEAPEST * routerarena.DEAREST)
    assert routerarena.arena_score(0.5, middle) == pytest.approx(0.5)
    assert routerarena.arena_score(1.0, middle) == pytest.approx(1.1 * 0.5 / 0.6)
    assert routerarena.arena_score(1.0, middle, beta=1) == pytest.approx(1 / 1.5)
    assert routerarena.arena_score(0.0, 1000) == 0
    assert routerarena.arena_score(0.0, 200) == 0


def test_names_are_compared_whatever_holds_them():
    before = pd.Series(["a", "b", ""]).to_numpy()
    assert routerarena.robustness(before, ("a", "c", "d")) == 0.5
    assert routerarena.robustness(("a", "b"), ["a", ""]) == 1


def test_a_miss_costs_and_scores_nothing():
    scores = np.array([[1.0, np.nan], [0.0, 1.0]])
    costs = np.array([[1.0, 8.0], [2.0, 4.0]])
    missed = routerarena.optimality(np.array([-1, 0]), scores, costs)
    assert missed == {"choice": 0, "cost": (1 + 4) / 2, "score": 0}
    unobserved = routerarena.optimality(np.array([1, 1]), scores, costs)
    assert unobserved == {"choice": 0.5, "cost": 5 / 12, "score": 0.5}


def test_nothing_paid_has_no_ratio():
    scores, costs = np.array([[1.0, 1.0]]), np.array([[0.5, 0.5]])
    found = routerarena.optimality(np.array([-1]), scores, costs)
    assert np.isnan(found["cost"])
    assert found["choice"] == 0
    both = routerarena.optimality(np.array([1]), scores, costs)
    assert both == {"choice": 1, "cost": 1, "score": 1}  # a cheapest one, not the first


def test_only_costs_that_are_needed_must_be_known():
    scores = np.array([[1.0, 0.0], [1.0, 0.0]])
    wrong_unknown = np.array([[2.0, np.nan], [2.0, np.nan]])
    found = routerarena.optimality(np.array([0, 0]), scores, wrong_unknown)
    assert found == {"choice": 1, "cost": 1, "score": 1}
    right_unknown = np.array([[2.0, 1.0], [np.nan, 1.0]])
    found = routerarena.optimality(np.array([0, 1]), scores, right_unknown)
    assert np.isnan(found["choice"])
    assert np.isnan(found["cost"])
    assert found["score"] == 0.5
