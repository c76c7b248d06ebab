import itertools

import numpy as np
import pytest
from scipy import stats

from benchmarks import scoring, significance

ONE = np.array(["d"] * 3, dtype=object)


def p_value(first, second, datasets=ONE, seed=0):
    values = np.array([first, second], dtype=float)
    rng = np.random.default_rng(seed)
    return significance.permutation_p_values(values, datasets, rng)[0, 1]


def test_weights_make_a_sum_the_macro_mean():
    datasets = np.array(["d", "e", "d", "d"], dtype=object)
    weights = scoring.macro_weights(datasets)
    np.testing.assert_allclose(weights, [1 / 6, 1 / 2, 1 / 6, 1 / 6])
    values = np.array([[0.1, 0.7, 0.4, 0.9]])
    assert values[0] @ weights == pytest.approx(scoring.macro_mean(values, datasets))


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
    # better on all of d by as much as worse on e: no difference of macro scores at all
    assert p_value([1.0] * 10 + [0], [0] * 10 + [1.0], datasets) == 1


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
    p[0, 2] = p[2, 0] = p[1, 2] = p[2, 1] = 0.6
    np.testing.assert_allclose(significance.holm(p), [[1, 0.03, 1], [0.03, 1, 1], [1, 1, 1]])


def least_p_values(n_routers, n_permutations=None):
    """p-values of a router that alone is right, and on so much that no flip comes near."""
    values = np.zeros((n_routers, 40))
    values[0] = 1
    one = np.array(["d"] * 40, dtype=object)
    rng = np.random.default_rng(0)
    return significance.permutation_p_values(values, one, rng, n_permutations)


def test_the_least_p_value_is_one_in_the_number_of_flips():
    assert least_p_values(2)[0, 1] == 1 / 20_001
    assert least_p_values(2, 1500)[0, 1] == 1 / 1501
    assert least_p_values(3, 1500)[1, 2] == 1  # alike: every flip reaches a difference of 0
    two = np.array([[1.0, 1], [0, 0]])  # half of the sign patterns
    rng = np.random.default_rng(0)
    found = significance.permutation_p_values(two, ONE[:2], rng, 1500)
    assert found[0, 1] == pytest.approx(1 / 2, abs=0.05)


def test_forty_flips_a_pair_let_the_best_of_many_routers_be_told_apart():
    found = least_p_values(33)
    assert found[0, 1] == pytest.approx(1 / (40 * 33 * 32 / 2 + 1), rel=1e-9)
    assert significance.holm(found)[0, 1] < 0.025


def test_letters_by_hand():
    apart = np.zeros((3, 3), dtype=bool)
    assert significance.letters(apart) == ["a", "a", "a"]
    apart[0, 2] = apart[2, 0] = True
    assert significance.letters(apart) == ["a", "ab", "b"]
    assert significance.letters(~np.eye(3, dtype=bool)) == ["a", "b", "c"]
    assert significance.letters(np.zeros((1, 1), dtype=bool)) == ["a"]


def test_routers_share_a_letter_exactly_if_not_told_apart():
    for pairs in itertools.product([False, True], repeat=10):
        apart = np.zeros((5, 5), dtype=bool)
        apart[np.triu_indices(5, k=1)] = pairs
        apart |= apart.T
        found = significance.letters(apart)
        for i, j in itertools.combinations(range(5), 2):
            assert bool(set(found[i]) & set(found[j])) != apart[i, j]
        assert "a" in found[0]
        members = {letter: {i for i in range(5) if letter in found[i]} for letter in "".join(found)}
        assert not any(one < other for one in members.values() for other in members.values())


def test_letters_go_on_after_z():
    found = significance.letters(~np.eye(54, dtype=bool))
    assert [found[place] for place in (0, 25, 26, 51, 52, 53)] == ["a", "z", "a1", "z1", "a2", "b2"]


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
    assert significance.nemenyi_p_values(values[:1]).tolist() == [[1]]
    # two routers of which one is better on 8 and worse on 2 of 10: ranks 1.2 and 1.8 are
    # .6 / sqrt(2 * 3 / (12 * 10)) errors apart; of two, half of that square is a chi-square's
    two = np.array([[1.0] * 8 + [0] * 2, [0.0] * 8 + [1] * 2])
    expected = stats.chi2.sf((0.6**2 / (6 / 120)) / 2, 1)
    assert significance.nemenyi_p_values(two)[0, 1] == pytest.approx(expected, rel=1e-4)
