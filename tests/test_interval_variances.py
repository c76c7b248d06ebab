"""How far replicates spread: the variances by hand, with draws that are known."""

import numpy as np
import pytest

from benchmarks.intervals import bootstrap_macro
from benchmarks.stored_rows import Panel


class Known:
    """Draws that are known: a normal one is 1 in the policy of its row, a chi-square one its mean.

    So the replicates of a single policy lie one deviation above its macro score.
    """

    def __init__(self, departs=0):
        self.departs = departs
        self.degrees_of_freedom = []

    def standard_normal(self, size):
        return np.eye(*size)

    def chisquare(self, df, size):
        self.degrees_of_freedom.append(df)
        return np.full(size, df)

    def beta(self, a, b, size):
        return np.full(size, a / (a + b))  # its mean

    def integers(self, low, high, size):
        assert (low, high) == (0, 2)
        return np.full(size, self.departs)


def draw(datasets, rng=None, **scores):
    """Return one replicate for each policy, (policies, replicates)."""
    shaped = {name: np.atleast_2d(np.asarray(v, dtype=float)) for name, v in scores.items()}
    found = Panel(np.asarray(datasets, dtype=object), shaped, {})
    return np.array(list(bootstrap_macro(found, rng or Known(), len(scores)).values()))


def deviation(datasets, scores, rng=None):
    values = np.atleast_2d(np.asarray(scores, dtype=float))
    means = [np.nanmean(values[:, np.equal(datasets, name)]) for name in sorted(set(datasets))]
    return draw(datasets, rng, router=values)[0, 0] - np.mean(means)


def test_of_one_dataset_it_is_the_error_of_its_mean():
    scores, rng = [0, 0.5, 1, 1, 0.2], Known()
    found = deviation(["d"] * 5, scores, rng)
    assert found == pytest.approx(np.std(scores, ddof=1) / 5**0.5)
    assert rng.degrees_of_freedom == [pytest.approx(4)]


def test_datasets_weigh_alike_and_lend_each_other_variance():
    # squares around the means: 1 over the 3 degrees of freedom of a, 0 over the 8 of b
    datasets, rng = ["a"] * 4 + ["b"] * 9, Known()
    pooled = 1 / (3 + 8)
    of_a = (1 + 4 * pooled) / (3 + 4)  # b could lend it 8 degrees of freedom: 4 are taken
    of_b = (0 + 3 * pooled) / (8 + 3)  # a has no more than 3
    expected = (of_a / 4 + of_b / 9) / 2**2
    found = deviation(datasets, [0, 1, 0, 1] + [0.5] * 9, rng)
    assert found == pytest.approx(expected**0.5)
    satterthwaite = (1 / 4 + 1 / 9) ** 2 / ((1 / 4) ** 2 / 7 + (1 / 9) ** 2 / 11)
    assert rng.degrees_of_freedom == [pytest.approx(satterthwaite)]


def test_the_order_of_questions_does_not_matter():
    datasets, scores = ["a"] * 4 + ["b"] * 9, [0, 1, 0, 1] + [0.5] * 8 + [1]
    turned = np.random.default_rng(0).permutation(13)
    expected = deviation(datasets, scores)
    found = deviation(np.array(datasets)[turned], np.array(scores)[turned])
    assert found == pytest.approx(expected)


def test_a_question_counts_by_the_seeds_that_tested_it():
    nan = np.nan
    scores = [[1, 0, 1, nan], [1, nan, 0, nan]]  # the fourth was tested by no seed
    # residuals of the ratio 3 / 5, which three questions make: two are free
    residuals = np.array([2 - 2 * 0.6, 0 - 0.6, 1 - 2 * 0.6]) * 3 / 5
    assert deviation(["d"] * 4, scores) == pytest.approx((residuals @ residuals / 2 / 3) ** 0.5)


def test_replicates_of_policies_vary_together_as_their_scores_do():
    rng = np.random.default_rng(0)
    datasets = ["d"] * 6 + ["e"] * 6
    scores = rng.random((3, 12))
    root = draw(datasets, one=scores[0], two=scores[1], three=scores[2])
    root = root - scores.reshape(3, 2, 6).mean(axis=(1, 2))[:, None]
    np.testing.assert_allclose(root, root.T, atol=1e-12)  # in whatever order policies stand
    # of datasets of one size, whatever they lend each other, the mean of their covariances
    expected = sum(np.cov(scores[:, part]) for part in (slice(6), slice(6, 12))) / 6 / 2**2
    np.testing.assert_allclose(root @ root, expected)


def test_a_policy_between_two_others_stays_there():
    rng = np.random.default_rng(1)
    one, two = rng.random((2, 40))
    shaped = {"one": one[None], "two": two[None], "between": (one + two)[None] / 2}
    found = bootstrap_macro(Panel(np.array(["d"] * 40, dtype=object), shaped, {}), rng, 50)
    np.testing.assert_allclose(found["between"], (found["one"] + found["two"]) / 2, atol=1e-8)
    assert np.std(found["one"]) > 0.01


def test_right_on_one_dataset_and_wrong_on_the_other_departs_from_both():
    datasets, scores = ["d"] * 4 + ["e"] * 9, [1] * 4 + [0] * 9
    assert draw(datasets, Known(departs=0), router=scores) == pytest.approx(1 / 2)
    # the means of Beta(1, 4) and Beta(1, 9) are .2 and .1: downward on d, upward on e
    assert draw(datasets, Known(departs=1), router=scores) == pytest.approx((0.8 + 0.1) / 2)


def test_only_what_never_varied_departs():
    for scores in ([1] * 4 + [0.5] * 4, [1] * 4 + [0, 1] * 2):
        by_coin = [draw(["d"] * 4 + ["e"] * 4, Known(coin), router=scores) for coin in (0, 1)]
        assert by_coin[0] == by_coin[1]


def test_a_policy_not_observed_on_a_dataset_changes_no_other():
    datasets, scores = ["d"] * 4 + ["e"] * 3, [0, 1, 1, 0.5, 0, 0, 1]
    part = [0, 1, 0, 1] + [np.nan] * 3
    alone = draw(datasets, router=scores)[0, 0]
    with np.errstate(all="raise"):
        beside = draw(datasets, part=part, router=scores)
    assert np.isnan(beside[0]).all()
    assert beside[1, 0] == pytest.approx(alone)
