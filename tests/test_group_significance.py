"""Tests between routers flip, and rank, a group of questions as one."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.significance import (
    friedman_p_value,
    group_letters,
    macro_weights,
    nemenyi_p_values,
    pair_p_values,
    permutation_p_values,
)


def p_value(first, second, datasets, groups, n_permutations=None):
    values = np.array([first, second], dtype=float)
    units = None if groups is None else np.array(groups)
    rng = np.random.default_rng(0)
    found = permutation_p_values(
        values, np.array(datasets, dtype=object), rng, n_permutations, units
    )
    return found[0, 1]


def test_a_group_is_flipped_as_one():
    # of six questions in three groups there are 8 sign patterns, of which two reach the sum
    first, second = [1] * 6, [0] * 6
    assert p_value(first, second, ["d"] * 6, [0, 0, 1, 1, 2, 2]) == pytest.approx(2 / 8, abs=0.01)
    assert p_value(first, second, ["d"] * 6, None) == pytest.approx(2 / 64, abs=0.005)
    # one group: no flip changes the size of the difference
    assert p_value(first, second, ["d"] * 6, [3] * 6) == 1


def test_a_group_of_two_datasets_is_flipped_in_both():
    # better on d, worse on e by as much, each time within one group: no flip tells them apart
    datasets = ["d", "e"] * 3
    groups = [0, 0, 1, 1, 2, 2]
    assert p_value([1, 0] * 3, [0, 1] * 3, datasets, groups) == 1
    assert p_value([1, 1] * 3, [0, 0] * 3, datasets, groups) == pytest.approx(2 / 8, abs=0.01)


def test_p_values_are_those_of_every_flip_counted():
    datasets = np.array(list("dddddddeeee"), dtype=object)
    groups = np.array([0, 0, 1, 2, 2, 2, 3, 4, 5, 5, 0])
    values = np.array([[1, 1, 0.5, 1, 1, 1, 0, 1, 1, 0, 1], [0, 0, 0, 0, 0.5, 0, 1, 0, 1, 0.5, 0]])
    parts = (values[0] - values[1]) * macro_weights(datasets)
    of_group = np.bincount(groups, parts)
    sums = np.array([np.dot(s, of_group) for s in itertools.product((-1, 1), repeat=6)])
    exact = (np.abs(sums) >= abs(of_group.sum()) - 1e-12).mean()
    found = p_value(*values, datasets, groups)
    assert found == pytest.approx(exact, abs=0.01)
    assert abs(found - p_value(*values, datasets, None)) > 0.03


def test_groups_of_one_question_change_no_digit():
    rng = np.random.default_rng(0)
    values = rng.random((4, 30))
    datasets = np.array(["d", "e"] * 15, dtype=object)
    plain, alone = (
        permutation_p_values(values, datasets, np.random.default_rng(1), 500, groups)
        for groups in (None, rng.permutation(30))
    )
    np.testing.assert_array_equal(plain, alone)


def test_rank_tests_have_a_block_for_each_group():
    rng = np.random.default_rng(0)
    blocks = rng.random((3, 12))
    groups = np.repeat(np.arange(12), 3)
    # a group's mean is that of its block, whatever its questions scored
    noise = rng.random((3, 12, 3)) / 10
    values = (blocks[..., None] + noise - noise.mean(axis=2, keepdims=True)).reshape(3, -1)
    expected = stats.friedmanchisquare(*blocks).pvalue
    assert friedman_p_value(values, groups) == pytest.approx(expected)
    assert friedman_p_value(values) != pytest.approx(expected)
    np.testing.assert_allclose(nemenyi_p_values(values, groups), nemenyi_p_values(blocks))
    uneven = np.array([[1.0, 0, 0, 1], [0, 1, 1, 0.5], [0.5, 0, 0, 0]])
    means = np.array([[1 / 3, 1], [2 / 3, 0.5], [1 / 6, 0]])
    np.testing.assert_allclose(
        nemenyi_p_values(uneven, np.array([0, 0, 0, 1])), nemenyi_p_values(means)
    )


def rows_of(scores, groups=None):
    n = len(scores)
    rows = {"question_id": [f"q{i:03d}" for i in range(n)], "dataset": "d", "choice": 0}
    rows["score/x"] = np.asarray(scores, dtype=float)
    return pd.DataFrame(rows if groups is None else rows | {"group": groups})


def test_letters_go_by_the_groups_of_the_rows():
    """Right on 12 of 12: told apart if they are 12 questions, not if they are 4 passages."""
    passages = [f"passage {i // 3}" for i in range(12)]
    good, bad = ({0: rows_of(scores, passages)} for scores in ([1] * 12, [0] * 12))
    assert group_letters([good, bad]) == ["a", "a"]
    plain = [{0: of[0].drop(columns="group")} for of in (good, bad)]
    assert group_letters(plain) == ["a", "b"]
    turned = [good, {0: bad[0].iloc[::-1]}]
    assert pair_p_values(turned)[0, 1] == pair_p_values([good, bad])[0, 1]
    assert pair_p_values(turned)[0, 1] == pytest.approx(2 / 16, abs=0.01)
