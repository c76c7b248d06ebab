"""Intervals: by hand where that can be done, else by how often they hold a known truth."""

import numpy as np
import pytest
from conftest import ROOT

from benchmarks import coverage
from benchmarks.intervals import bootstrap_macro, interval, small_dataset_note
from benchmarks.metrics import gap_closed
from benchmarks.stored_rows import Panel
from benchmarks.synthetic_scores import ROUTERS, Population

UNEVEN = np.array(["a"] * 4 + ["b"] * 9, dtype=object)


def panel(datasets, **scores):
    shaped = {name: np.atleast_2d(np.asarray(v, dtype=float)) for name, v in scores.items()}
    return Panel(np.asarray(datasets, dtype=object), shaped, {})


def replicates(datasets, n_replicates=20_000, **scores):
    return bootstrap_macro(panel(datasets, **scores), np.random.default_rng(0), n_replicates)


def ends(datasets, scores, **options):
    return interval(replicates(datasets, router=scores)["router"], **options)


def deviation(datasets, scores):
    """Half the width of the middle 68.27%: a standard deviation where tails are normal."""
    low, high = ends(datasets, scores, level=0.6827)
    return (high - low) / 2


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


def test_a_mean_of_many_has_the_t_interval():
    scores = np.arange(30) % 3 / 2
    error = scores.std(ddof=1) / np.sqrt(30)
    low, high = ends(["d"] * 30, scores)
    # scipy.stats.t.ppf(.975, 29) is 2.045
    assert (low, high) == pytest.approx((0.5 - 2.045 * error, 0.5 + 2.045 * error), rel=0.03)


def test_datasets_weigh_alike_and_lend_each_other_variance():
    scores = [0, 1, 0, 1] + [0.5] * 9
    pooled, own = 1 / 11, (1 + 4 / 11) / (3 + 4)  # of a; b's is all lent
    lent = 3 * pooled / (8 + 3)  # a has 3 degrees of freedom to lend
    variance = (own / 4 + lent / 9) / 2**2
    # a t of 13.6 degrees of freedom has 1.04 deviations to its 68.27%
    assert deviation(UNEVEN, scores) == pytest.approx(1.04 * variance**0.5, rel=0.03)


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


def test_a_question_counts_by_the_seeds_that_tested_it():
    nan = np.nan
    found = replicates(["d"] * 4, router=[[1, 0, 1, nan], [1, nan, 0, nan]])["router"]
    assert found.mean() == pytest.approx(3 / 5, abs=0.02)  # the fourth was tested by no seed
    # residuals of the ratio (.8, -.6, -.2) / 5 times the three questions, two to be free
    error = (3 / 2 * (0.8**2 + 0.6**2 + 0.2**2)) ** 0.5 / 5
    low, high = interval(found, level=0.5)
    assert high - low == pytest.approx(2 * 0.8165 * error, rel=0.05)  # the quartiles of t, df 2


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
    note = small_dataset_note(datasets)
    assert "within o|ne (1), two (2): each" in note
    assert small_dataset_note(["big"] * 5) == ""
    assert "big (5)" in small_dataset_note(datasets, fewest=6)


@pytest.mark.parametrize(
    ("n_questions", "shares", "n_seeds"),
    [(100, (50, 30, 15, 5), 1), (300, (40, 20, 10, 10, 10, 10), 2)],
)
def test_intervals_hold_the_truth_and_equal_routers_are_not_told_apart(
    n_questions, shares, n_seeds
):
    setting = coverage.Setting("", Population.make(len(shares)), shares, n_questions, n_seeds)
    found = coverage.simulate(setting, n_draws=250)
    error = (0.05 * 0.95 / 250) ** 0.5
    for figure in coverage.FIGURES:
        assert 0.95 - 2.6 * error < found[figure] < 0.99, figure
    for k in coverage.FAMILIES:
        assert found[f"apart_{k}"] < 0.05 + 2.6 * error, k
    assert found["apart_10"] > 0.005  # the correction gives little away


def test_true_values_of_the_made_up_routers():
    population = Population.make(3, seed=1, skill=0.3, seed_spread=0.05)
    found = population.draw(np.full(3, 20_000), 2, np.random.default_rng(0))
    truth = population.truth()
    assert set(found.scores) == set(truth)
    for name in (ROUTERS[0], ROUTERS[9], "recognised_dataset", "best_single", "oracle"):
        tolerance = 0.02 if name in ROUTERS else 0.005  # two seeds of different skill
        assert found.scores[name].mean() == pytest.approx(truth[name], abs=tolerance)


def test_the_command_writes_the_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(coverage, "PATH", tmp_path / "coverage.md")
    one = coverage.settings()[:1]
    monkeypatch.setattr(coverage, "settings", lambda: one)
    coverage.main(["--draws", "2"])
    text = (tmp_path / "coverage.md").read_text()
    assert capsys.readouterr().out in text
    assert "make coverage" in text
    published = (ROOT / "results" / "published" / "coverage.md").read_text().splitlines()
    assert next(line for line in text.splitlines() if line.startswith("| routers")) in published
