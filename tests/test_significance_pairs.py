"""Pairs of routers are tested on what both were asked, and letters say what came of it."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import significance


def rows_of(scores, datasets):
    """Rows of a router that always asks the one llm, which scores as given."""
    n = len(scores)
    names = {"question_id": [f"q{i:03d}" for i in range(n)], "dataset": datasets, "choice": 0}
    return pd.DataFrame({**names, "score/x": np.asarray(scores, dtype=float)})


def test_seeds_are_averaged_and_pairs_matched_by_question():
    datasets = ["d", "d", "e"]
    first, second = rows_of([1, 0, 1], datasets), rows_of([0, 0, 1], datasets).iloc[::-1]
    found = significance.question_scores([first, second])
    assert found.to_dict() == {"q000": 0.5, "q001": 0, "q002": 1}


def test_groups_of_clearly_different_routers():
    rng = np.random.default_rng(0)
    datasets = ["d", "e"] * 100
    good = (rng.random(200) < 0.9).astype(float)
    twin = np.where(rng.random(200) < 0.02, 1 - good, good)
    bad = (rng.random(200) < 0.4).astype(float)
    runs = [{0: rows_of(scores, datasets)} for scores in (good, twin, bad)]
    assert significance.group_letters(runs) == ["a", "a", "b"]
    turned = [{0: of_router[0].iloc[::-1]} for of_router in runs]
    assert significance.group_letters(turned) == ["a", "a", "b"]
    assert significance.group_letters(runs[:1]) == ["a"]


def test_letters_are_of_corrected_p_values():
    steps = [[1] * 6, [1, 1, 1, 0, 0, 0], [0] * 6]
    runs = [{0: rows_of(scores, ["d"] * 6)} for scores in steps]
    values = np.array(steps, dtype=float)
    p = significance.permutation_p_values(
        values, np.array(["d"] * 6, dtype=object), np.random.default_rng(0)
    )
    assert p[0, 2] < 0.05  # 2 of 64 sign patterns; times 3 pairs it is not
    assert significance.group_letters(runs) == ["a", "a", "a"]


def test_routers_that_score_the_same_on_every_question_get_no_letter():
    alike = {0: rows_of([1, 0], ["d", "d"])}
    assert significance.group_letters([alike, alike]) == ["", ""]
    other = {0: rows_of([0, 0], ["d", "d"])}
    assert significance.group_letters([alike, alike, other]) == ["a", "a", "a"]


def test_routers_without_a_common_question_get_no_letter():
    first = rows_of([1, 0], ["d", "d"])
    second = first.assign(question_id=["x", "y"])
    assert significance.group_letters([{0: first}, {0: second}]) == ["", ""]


def test_pairs_are_tested_on_the_seeds_that_both_have():
    """A router with a lucky seed of its own is compared on the other one."""
    rng = np.random.default_rng(0)
    datasets = ["d", "e"] * 50
    same, other = (rng.random((2, 100)) < 0.5).astype(float)
    few = {1: rows_of(same, datasets)}
    many = {0: rows_of(np.ones(100), datasets), 1: rows_of(other, datasets)}
    found = significance.pair_p_values([few, many])
    expected = significance.pair_p_values([few, {1: many[1]}])
    np.testing.assert_array_equal(found, expected)
    assert significance.pair_p_values([{0: few[1]}, many])[0, 1] < 0.001
    apart = significance.pair_p_values([few, {0: many[0]}, many])
    assert np.isnan(apart[0, 1])
    assert not np.isnan(apart[[0, 1], [2, 2]]).any()
    assert significance.group_letters([few, {0: many[0]}]) == ["", ""]


def test_a_pair_without_a_common_test_is_not_told_apart():
    """Beside a router that was tested with either of them."""
    datasets = ["d"] * 40
    best, worst = rows_of(np.ones(40), datasets), rows_of(np.zeros(40), datasets)
    first, second, both = {0: best}, {1: best}, {0: worst, 1: worst}
    assert significance.group_letters([first, second, both]) == ["a", "a", "b"]


def test_questions_are_matched_and_datasets_weigh_alike():
    """Better on all ten of d by as much as worse on the one of e: no flip counts for less."""
    first = rows_of([1] * 10 + [0], ["d"] * 10 + ["e"])
    second = rows_of([0] * 10 + [1], ["d"] * 10 + ["e"]).iloc[::-1]
    p = significance.pair_p_values([{0: first}, {0: second}])
    assert p[0, 1] == p[1, 0] == 1
    assert np.isnan(np.diag(p)).all()
    # and of equal weight the difference, 9 of 11, would be rare: 24 of 2048 sign patterns
    one = [{0: rows.assign(dataset="d")} for rows in (first, second)]
    assert significance.pair_p_values(one)[0, 1] == pytest.approx(24 / 2048, abs=0.004)


def test_seeds_may_test_other_questions():
    """Seed 0 asks the first three of four, seed 1 the last three: all four are compared."""
    datasets = ["d"] * 4
    first, second = rows_of([1] * 4, datasets), rows_of([0] * 4, datasets)
    routers = [{0: rows.iloc[:3], 1: rows.iloc[1:]} for rows in (first, second)]
    # two of the 16 sign patterns of four equal differences
    found = significance.pair_p_values(routers)[0, 1]
    assert found == pytest.approx(2 / 16, abs=0.01)
    # what one of them was not asked is not compared: two of 4 patterns
    few = [routers[0], {0: second.iloc[1:2], 1: second.iloc[2:3]}]
    assert significance.pair_p_values(few)[0, 1] == pytest.approx(2 / 4, abs=0.02)
    # nor what has no outcome
    missing = second.assign(**{"score/x": [np.nan, 0, 0, 0]})
    found = significance.pair_p_values([{0: first}, {0: missing}])[0, 1]
    assert found == pytest.approx(2 / 8, abs=0.02)


STEPS = [[1] * 6, [1, 1, 1, 0, 0, 0], [0] * 6]


def test_the_level_is_the_largest_corrected_p_value_that_tells_apart():
    runs = [{0: rows_of(scores, ["d"] * 6)} for scores in STEPS]
    by_seed = [significance.pair_p_values(runs, seed)[0, 2] for seed in range(4)]
    assert len(set(by_seed)) == 4  # 2 of 64 sign patterns, as they were drawn
    np.testing.assert_array_equal(significance.pair_p_values(runs)[0, 2], by_seed[0])
    rarest = int(np.argmin(by_seed))
    level = 3 * by_seed[rarest]
    assert significance.group_letters(runs, level, rarest) == ["a", "ab", "b"]
    for seed in set(range(4)) - {rarest}:
        assert significance.group_letters(runs, level, seed) == ["a", "a", "a"]
    drawn = [significance.group_letters(runs, 3 * by_seed[0])]
    assert drawn == [["a", "ab", "b"]]
    assert significance.group_letters(runs, 3 * by_seed[0] - 1e-9) == ["a", "a", "a"]


@pytest.mark.parametrize(("n_right", "letters"), [(6, ["a", "b"]), (5, ["a", "a"])])
def test_the_level_is_five_percent(n_right, letters):
    """Alone right on 6 questions, or on 5: 2 of 64 sign patterns, .031, or of 32, .0625."""
    first, second = np.arange(10) < n_right, np.zeros(10)
    runs = [{0: rows_of(scores, ["d"] * 10)} for scores in (first, second)]
    assert significance.group_letters(runs) == letters


def test_a_router_that_was_not_tested_has_no_letter():
    empty = rows_of([1, 0], ["d", "d"]).iloc[:0]
    assert significance.group_letters([{0: empty}]) == [""]
    assert significance.group_letters([{0: empty, 1: rows_of([1], ["d"])}]) == ["a"]


def test_letters_are_given_where_any_test_had_another_score():
    right, wrong = rows_of([1, 0], ["d", "d"]), rows_of([0, 1], ["d", "d"])
    # in seed 0 they agree; in seed 1 they do not, though the mean over its questions is the same
    assert significance.group_letters([{0: right, 1: right}, {0: right, 1: wrong}]) == ["a", "a"]
    # a seed that one of them has alone tells of no difference
    assert significance.group_letters([{0: right}, {0: right, 1: wrong}]) == ["", ""]
    # other seeds, the same mean over seeds on every question
    assert significance.group_letters([{0: right, 1: wrong}, {0: wrong, 1: right}]) == ["a", "a"]
    # a rounding error is no difference
    close = right.assign(**{"score/x": [1 - 1e-15, 0]})
    assert significance.group_letters([{0: right}, {0: close}]) == ["", ""]
