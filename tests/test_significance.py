import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import metrics, significance

ONE = np.array(["d"] * 3, dtype=object)


def p_value(first, second, datasets=ONE, seed=0):
    values = np.array([first, second], dtype=float)
    rng = np.random.default_rng(seed)
    return significance.permutation_p_values(values, datasets, rng)[0, 1]


def rows_of(scores, datasets):
    """Rows of a router that always asks the one llm, which scores as given."""
    n = len(scores)
    names = {"question_id": [f"q{i:03d}" for i in range(n)], "dataset": datasets, "choice": 0}
    return pd.DataFrame({**names, "score/x": np.asarray(scores, dtype=float)})


def test_weights_make_a_sum_the_macro_mean():
    datasets = np.array(["d", "e", "d", "d"], dtype=object)
    weights = significance.macro_weights(datasets)
    np.testing.assert_allclose(weights, [1 / 6, 1 / 2, 1 / 6, 1 / 6])
    values = np.array([[0.1, 0.7, 0.4, 0.9]])
    assert values[0] @ weights == pytest.approx(metrics.macro_mean(values, datasets))


def test_p_value_by_counting():
    # of the 8 signs of three equal differences, two reach the observed sum in size
    assert p_value([1, 1, 1], [0, 0, 0]) == pytest.approx(2 / 8, abs=0.01)
    # 1 and 1 and 2 in one dataset: |sum| >= 4 needs all signs alike
    assert p_value([1, 1, 2], [0, 0, 0]) == pytest.approx(2 / 8, abs=0.01)
    # difference 1, 1, -1: |sum| >= 1 always
    assert p_value([1, 1, 0], [0, 0, 1]) == 1
    assert p_value([0.3, 0.5, 0.1], [0.3, 0.5, 0.1]) == 1


def test_datasets_count_alike():
    # macro: the lone question of e outweighs ten of d, of which no sign pattern decides
    datasets = np.array(["d"] * 10 + ["e"], dtype=object)
    first = [0.1] * 10 + [1.0]
    assert p_value(first, [0.0] * 11, datasets) < 0.01
    assert p_value([0.1] * 10 + [0], [0] * 10 + [1.0], datasets) > 0.9


def test_equal_routers_are_rarely_told_apart():
    rng = np.random.default_rng(0)
    values = (rng.random((24, 150)) < 0.6).astype(float)
    datasets = np.array(["d", "e", "f"] * 50, dtype=object)
    found = significance.permutation_p_values(values, datasets, rng, 2000)
    below = (found[np.triu_indices(24, k=1)] <= 0.05).mean()
    assert 0.01 < below < 0.1
    assert not (significance.holm(found) <= 0.05).any()


def test_holm_by_hand():
    p = np.ones((3, 3))
    p[0, 1] = p[1, 0] = 0.01
    p[0, 2] = p[2, 0] = 0.04
    p[1, 2] = p[2, 1] = 0.03
    found = significance.holm(p)
    # 3 x .01, 2 x .03, and .04 which may not be below the one before
    np.testing.assert_allclose(found, [[1, 0.03, 0.06], [0.03, 1, 0.06], [0.06, 0.06, 1]])


def test_forty_flips_a_pair_let_the_best_of_many_routers_be_told_apart():
    values = np.zeros((50, 40))
    values[0] = 1
    one = np.array(["d"] * 40, dtype=object)
    found = significance.permutation_p_values(values, one, np.random.default_rng(0))
    assert found[0, 1] == pytest.approx(1 / (40 * 50 * 49 / 2 + 1))
    assert significance.holm(found)[0, 1] < 0.05


def test_letters_by_hand():
    apart = np.zeros((3, 3), dtype=bool)
    assert significance.letters(apart) == ["a", "a", "a"]
    apart[0, 2] = apart[2, 0] = True
    assert significance.letters(apart) == ["a", "ab", "b"]
    assert significance.letters(~np.eye(3, dtype=bool)) == ["a", "b", "c"]
    assert significance.letters(np.zeros((1, 1), dtype=bool)) == ["a"]


@given(st.lists(st.booleans(), min_size=15, max_size=15))
def test_routers_share_a_letter_exactly_if_not_told_apart(pairs):
    apart = np.zeros((6, 6), dtype=bool)
    apart[np.triu_indices(6, k=1)] = pairs
    apart |= apart.T
    found = significance.letters(apart)
    for i, j in itertools.combinations(range(6), 2):
        assert bool(set(found[i]) & set(found[j])) != apart[i, j]
    assert "a" in found[0]


def test_mean_ranks_give_the_published_critical_difference():
    # Demsar 2006, section 3.2.2: 4 classifiers on 14 datasets, 1.25 ranks are significant at 5 %
    found = significance.mean_rank_p_values(np.array([1.0, 2.25, 2.0, 3.0]), 14)
    assert found[0, 1] == pytest.approx(0.05, abs=0.002)
    assert found[0, 2] > 0.05 > found[0, 3]


def test_rank_tests_see_who_is_better():
    rng = np.random.default_rng(0)
    ability = np.array([0.9, 0.9, 0.3])
    values = (rng.random((200, 3)) < ability).T.astype(float)
    assert significance.friedman_p_value(values) < 1e-6
    found = significance.nemenyi_p_values(values)
    assert found[0, 1] > 0.05
    assert max(found[0, 2], found[1, 2]) < 1e-3
    np.testing.assert_array_equal(found, found.T)
    assert significance.nemenyi_p_values(values[:1]) == 1


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
    p = significance.permutation_p_values(values, ONE.repeat(2), np.random.default_rng(0))
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
