"""Intervals by hand."""

import numpy as np
import pytest

from benchmarks.intervals import bootstrap_macro, interval, small_dataset_note
from benchmarks.scoring import gap_closed
from benchmarks.stored_rows import Panel


def panel(datasets, **scores):
    shaped = {name: np.atleast_2d(np.asarray(v, dtype=float)) for name, v in scores.items()}
    return Panel(np.asarray(datasets, dtype=object), shaped, {})


def replicates(datasets, n_replicates=20_000, **scores):
    return bootstrap_macro(panel(datasets, **scores), np.random.default_rng(0), n_replicates)


def ends(datasets, scores, **options):
    return interval(replicates(datasets, router=scores)["router"], **options)


def test_interval_is_percentiles():
    assert interval(np.arange(101.0), level=0.9) == pytest.approx((5, 95))
    assert interval(np.arange(101.0), level=0.9, within=(0, 90)) == pytest.approx((5, 90))
    assert interval(np.arange(101.0), level=0.9, within=(10, 100)) == pytest.approx((10, 95))


def test_undefined_replicates_count_beyond_both_ends():
    some = np.r_[np.arange(1000.0), [np.nan] * 10]
    low, high = interval(some)
    # 25.25 of 1010 lie beyond either end: the 10, and 15.25 that are defined
    assert (low, high) == pytest.approx((15.25, 999 - 15.25), abs=0.1)
    assert np.isnan(interval(np.r_[np.arange(38.0), np.nan])).all()  # more than one in 40
    # all that the interval may leave out on either side is undefined: its ends could be anywhere
    assert np.isnan(interval(np.r_[np.arange(3.0), np.nan], level=0.5)).all()
    assert interval(np.r_[np.arange(5.0), np.nan], level=0.5) == pytest.approx((0.4, 3.6))


def test_a_mean_of_many_has_the_t_interval():
    scores = np.arange(30) % 3 / 2
    error = scores.std(ddof=1) / np.sqrt(30)
    low, high = ends(["d"] * 30, scores)
    # scipy.stats.t.ppf(.975, 29) is 2.045
    assert (low, high) == pytest.approx((0.5 - 2.045 * error, 0.5 + 2.045 * error), rel=0.03)


def test_a_dataset_of_one_question_does_not_count_as_known():
    many = np.tile([0, 1], 50)
    alone = ends(["d"] * 100, many)
    with_one = ends(["d"] * 100 + ["e"], [*many, 1])
    assert np.diff(with_one) > 3 * np.diff(alone)
    assert np.isnan(ends(["d", "e"], [0, 1])).all()  # nothing tells how questions vary


def test_seeds_of_a_question_are_not_questions():
    scores = np.tile([0, 1], 20)
    once = replicates(["d"] * 40, router=scores)["router"]
    again = replicates(["d"] * 40, router=np.tile(scores, (4, 1)))["router"]
    np.testing.assert_allclose(once, again)


def test_policies_are_drawn_together():
    rng = np.random.default_rng(0)
    first = (rng.random(60) < 0.5).astype(float)
    datasets = ["d", "e", "f"] * 20
    second = first.copy()
    second[0] = 1 - second[0]
    drawn = replicates(datasets, first=first, twin=first, second=second)
    np.testing.assert_array_equal(drawn["first"], drawn["twin"])
    assert np.std(drawn["first"] - drawn["second"]) < np.std(drawn["first"]) / 3


def test_a_policy_not_observed_on_a_dataset_is_unknown_and_harms_no_other():
    scores, part = np.tile([0, 1], 6), np.r_[np.tile([0, 1], 3), [np.nan] * 6]
    drawn = replicates(["d"] * 6 + ["e"] * 6, router=scores, part=part)
    assert np.isnan(drawn["part"]).all()
    assert not np.isnan(drawn["router"]).any()


def test_all_right_leaves_the_rule_of_three():
    low, high = ends(["d"] * 30, np.ones(30))
    assert (low, high) == pytest.approx((0.05 ** (1 / 30), 1), abs=0.01)
    low, high = ends(["d"] * 30, np.zeros(30))
    assert (low, high) == pytest.approx((0, 1 - 0.05 ** (1 / 30)), abs=0.01)
    # right on one dataset, wrong on the other: departures of the two cancel
    assert ends(["d", "e"] * 20, [1, 0] * 20) == pytest.approx((0.44, 0.56), abs=0.03)
    assert ends(["d"] * 30, np.full(30, 0.7)) == pytest.approx((0.7, 0.7))


def test_half_of_the_replicates_depart_from_all_right_on_all_datasets_at_once():
    drawn = replicates(["d"] * 20 + ["e"] * 40, right=np.ones(60), half=np.tile([0, 1], 30))
    departed = drawn["right"] < 1
    assert departed.mean() == pytest.approx(1 / 2, abs=0.02)
    # Beta(1, n) has mean 1 / (n + 1)
    mean = 1 - drawn["right"][departed].mean()
    assert mean == pytest.approx((1 / 21 + 1 / 41) / 2, rel=0.03)
    assert np.abs(np.corrcoef(drawn["right"], drawn["half"])[0, 1]) < 0.03


def test_nothing_observed_has_no_replicates():
    drawn = replicates(["d"] * 3, 10, router=np.full(3, np.nan), other=np.full(3, np.nan))
    assert {name: len(values) for name, values in drawn.items()} == {"router": 10, "other": 10}
    assert np.isnan(list(drawn.values())).all()


def test_two_thousand_replicates_unless_told_otherwise():
    found = bootstrap_macro(panel(["d"] * 2, router=[0, 1]), np.random.default_rng(0))
    assert len(found["router"]) == 2000


def test_a_gap_that_may_be_none_has_no_interval():
    rng = np.random.default_rng(0)
    single = (rng.random(200) < 0.5).astype(float)
    for n_gained, known in ((2, False), (40, True)):
        wrong = np.flatnonzero(single == 0)[:n_gained]
        oracle, router = single.copy(), single.copy()
        oracle[wrong], router[wrong[::2]] = 1, 1
        drawn = replicates(["d"] * 200, router=router, single=single, oracle=oracle)
        found = interval(gap_closed(drawn["router"], drawn["single"], drawn["oracle"]))
        assert np.isfinite(found).all() == known
        same = gap_closed(drawn["single"], drawn["single"], drawn["oracle"])
        if known:
            assert found[0] < 0.5 < found[1]
            assert interval(same) == (0, 0)


def test_small_datasets_are_named():
    datasets = ["big"] * 5 + ["o|ne"] + ["two"] * 2
    assert small_dataset_note(datasets) == (
        "There are too few questions to tell how much scores vary within o|ne (1), two (2): each "
        "of these datasets weighs as much in the macro score as any other, so the intervals are "
        "rough and may be too short."
    )
    assert small_dataset_note(["big"] * 5) == ""
    assert "big (5)" in small_dataset_note(datasets, fewest=6)
