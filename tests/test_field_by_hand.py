"""What three questions, two llms and two seeds make of the field's figures."""

import numpy as np
import pandas as pd
import pytest
from stored_by_hand import field_figures

UNIT = (
    np.sqrt(0.0044 * 200) / 1000
)  # USD a question: the middle of RouterArena's range of log costs
POINTS = pd.DataFrame({"score": [0.7, 0.5], "cost": [UNIT, 0.75 * UNIT]})
BESIDE = {
    "random_score": 0.5,
    "best_single_score": 0.48,
    "best_single_cost": 1.25 * UNIT,
    "oracle_score": 0.8,
}


def run(told_of_the_last, choice):
    """Return a seed's rows; x alone is right on the last question, y alone on the second."""
    told = np.array([[0.5, 0.5], [0, 1], told_of_the_last])
    return pd.DataFrame(
        {
            "question_id": ["p", "q", "r"],
            "dataset": ["alpha", "alpha", "beta"],
            "predicted_score/x": told[:, 0],
            "predicted_score/y": told[:, 1],
            "score/x": [1.0, 0, 1],
            "score/y": [1.0, 1, 0],
            "cost/x": 0.5 * UNIT,
            "cost/y": 1.5 * UNIT,
            "choice": choice,
            **BESIDE,
        }
    )


@pytest.fixture
def runs():
    return [run([1, 0], [0, 1, 0]), run([0, 1], [1, 1, 1])]


def test_every_figure(runs):
    # predictions that differ do so by 1, and are right in 3 of 4 such rows: 3/4 is likeliest
    sure = -(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25))
    assert field_figures(runs, POINTS) == pytest.approx(
        {
            # its macro score is .75: right on alpha, on half of the tests of beta
            "value_over_best_single": 0.75 / 0.75,  # x: 1/2 on alpha, 1 on beta
            "question_entropy": (4 * sure + 2 * 1) / 6,
            "gain_random": 0.5,
            "gain_best_single": 0.5625,
            "gap_oracle": 0.0625,
            "few_solve_score": 3 / 4,
            "few_solve_share": 4 / 6,
            # of either llm: .5 off on the first question; in seed 1 it is 1 off on the last
            "brier": (0.25 / 3 + 1.25 / 3) / 2,
            "calibration_error": (0.5 / 3 + 1.5 / 3) / 2,
            "aiq": 0.25 * 0.6 + 0.5 * 0.7,  # from .5 to 1.5 units, nothing below .75
            "aiq_zero": 0.75,  # x is the cheapest and the best
            "aiq_gain": 0.5 - 0.75,
            "performance_gain": 0.7 / 0.48 - 1,
            "cost_saved": 1 - 0.75 / 1.25,
            "arena_score": 1.1 * 0.7 * 0.5 / (0.1 * 0.7 + 0.5),  # of the first point
            "optimal_choice": 4 / 6,  # y is dear on the first question, wrong on the last
            "optimal_cost": 2 * (0.5 + 1.5 + 0.5) / (2.5 + 4.5),
            "optimal_score": 5 / 6,
            "distance_to_front": 0,  # alone, it is the front
        },
        abs=1e-5,
    )


def test_seeds_count_alike_in_calibration_and_are_pooled_elsewhere(runs):
    found = field_figures([runs[0].iloc[:1], runs[1]], POINTS)
    assert found["calibration_error"] == pytest.approx((0.5 + 1.5 / 3) / 2)
    assert found["brier"] == pytest.approx((0.25 + 1.25 / 3) / 2)
    assert found["optimal_score"] == pytest.approx(3 / 4)
    assert found["few_solve_share"] == pytest.approx(2 / 4)


def test_the_score_in_the_arena_is_of_dollars(runs):
    found = field_figures(runs, POINTS, "params_b (proxy)")
    assert [name for name, value in found.items() if np.isnan(value)] == ["arena_score"]


def test_who_solves_a_question_is_known_if_all_that_can_were_asked(runs):
    (rows, _) = runs
    rows.loc[1, "score/x"] = np.nan  # y alone is right, and nobody knows of x
    unknown = field_figures([rows], POINTS)
    assert unknown["few_solve_share"] == pytest.approx(1 / 2)
    rows["eligible/x"] = [True, False, True]  # x could not have been
    rows["eligible/y"] = True
    known = field_figures([rows], POINTS)
    assert known["few_solve_share"] == pytest.approx(2 / 3)


def test_distances_are_to_the_front_of_all_routers(runs):
    one, other = (
        pd.DataFrame(dict(zip(("cost", "score"), of, strict=True)))
        for of in ([[1, 100], [0.4, 0.8]], [[10], [0.4]])
    )
    pool = pd.concat([one, other])
    # scaled: (0, 0) and (1, 1) are the front, the other one stands at (1/2, 0)
    found = [field_figures(runs, points, pool=pool)["distance_to_front"] for points in (one, other)]
    assert found == pytest.approx([0, 0.5])
    assert field_figures(runs, other)["distance_to_front"] == 0
