"""Means of partly observed scores, each worked by hand."""

import numpy as np
import pytest
from scipy import sparse

from routers._targets import (
    best_shares,
    column_means,
    log_odds,
    mean_with_prior,
    membership,
    observed,
    shrunken_means,
)

NAN = np.nan
SCORES = np.array([[1.0, 0.0], [0.0, NAN], [1.0, 1.0], [1.0, NAN]])
# two groups: the first question counts twice in the first; the last two make the second
WEIGHTS = np.array([[2.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]])


class TestShrunkenMeans:
    def test_by_hand(self):
        # llm means: 3/4 and 1/2; group one: llm a has 2 of 3, llm b 0 of 2 (one is not observed)
        found = shrunken_means(WEIGHTS, SCORES, prior=2)
        np.testing.assert_allclose(
            found, [[(2 + 1.5) / 5, (0 + 1) / 4], [(2 + 1.5) / 4, (1 + 1) / 3]]
        )

    def test_complete_scores_by_hand(self):
        found = shrunken_means(WEIGHTS, np.nan_to_num(SCORES), prior=1)
        np.testing.assert_allclose(
            found, [[(2 + 0.75) / 4, 0.25 / 4], [(2 + 0.75) / 3, (1 + 0.25) / 3]]
        )

    def test_without_prior_an_empty_group_has_the_llms_mean(self):
        weights = np.array([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0]])
        found = shrunken_means(weights, SCORES, prior=0)
        # group one saw llm a fail and nothing of llm b, whose mean is 1/2
        np.testing.assert_allclose(found, [[0, 0.5], [1, 1]])

    @pytest.mark.parametrize("prior", [0, 0.5, 3])
    @pytest.mark.parametrize("scores", [SCORES, np.nan_to_num(SCORES)])
    def test_sparse_weights_are_weights(self, prior, scores):
        found = shrunken_means(sparse.csr_array(WEIGHTS), scores, prior)
        np.testing.assert_allclose(found, shrunken_means(WEIGHTS, scores, prior))

    def test_a_prior_below_one_question_pulls_by_that_much(self):
        found = mean_with_prior(np.ones((1, 4)), *observed(SCORES[:, :1]), prior=0.5)
        np.testing.assert_allclose(found, (3 + 0.5 * 0.75) / 4.5)
        shifted = mean_with_prior(np.ones((1, 4)), SCORES[:, :1], None, np.array([0.0]), prior=0.5)
        np.testing.assert_allclose(shifted, 3 / 4.5)


class TestObserved:
    def test_complete_scores_need_no_mask(self):
        values, mask, means = observed(np.array([[1.0, 0.0], [0.0, 0.0]]))
        assert mask is None
        np.testing.assert_array_equal(values, [[1, 0], [0, 0]])
        np.testing.assert_array_equal(means, [0.5, 0])

    def test_unobserved_scores_count_nowhere(self):
        values, mask, means = observed(SCORES)
        np.testing.assert_array_equal(values, [[1, 0], [0, 0], [1, 1], [1, 0]])
        np.testing.assert_array_equal(mask, [[1, 1], [1, 0], [1, 1], [1, 0]])
        np.testing.assert_array_equal(means, [0.75, 0.5])
        assert values.dtype == mask.dtype == np.float32  # as predictions are: half the memory
        assert means.dtype == np.float64

    def test_an_llm_that_nobody_observed_has_the_mean_of_all_outcomes(self):
        scores = np.array([[1.0, NAN, 0.0], [1.0, NAN, NAN]])
        np.testing.assert_allclose(observed(scores)[2], [1, 2 / 3, 0])
        np.testing.assert_array_equal(observed(np.full((2, 2), NAN))[2], [0, 0])

    def test_means_of_many_single_precision_scores_are_exact(self):
        """Added up in single precision, a million tenths are off in the third digit."""
        many = np.full((1_000_000, 1), 0.1, dtype=np.float32)
        exact = pytest.approx(float(np.float32(0.1)), abs=1e-9)
        assert observed(many)[2][0] == exact
        holed = many.copy()
        holed[0] = NAN
        assert observed(holed)[2][0] == exact
        assert column_means(holed)[0] == exact


def test_membership_marks_the_group_of_each_label():
    found = membership(np.array(["x", "y"]), np.array(["y", "x", "y", "z"]))
    np.testing.assert_array_equal(found, [[0, 1, 0, 0], [1, 0, 1, 0]])
    assert found.dtype == np.float64  # weights, to be multiplied and added up


@pytest.mark.filterwarnings("error")
def test_column_means_are_unknown_where_nothing_is_observed():
    found = column_means(np.array([[1.0, NAN, NAN], [0.0, NAN, 0.25]]))
    np.testing.assert_array_equal(found, [0.5, NAN, 0.25])


def test_log_odds_by_hand_and_finite():
    scores = np.array([[1.0, 1.0, 0.0], [NAN, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    found = log_odds(scores)
    # 2 of 3 is 2 to 1; always and never right count as 98 and 2 of 100
    np.testing.assert_allclose(found, [np.log(2), np.log(49), -np.log(49)], rtol=1e-6)
    assert found.dtype == np.float32


class TestBestShares:
    def test_llms_that_tie_share(self):
        scores = np.array([[1.0, 1.0, 0.0], [0.2, 0.1, 0.3], [0.0, 0.0, 0.0]])
        found = best_shares(scores)
        np.testing.assert_allclose(found, [[0.5, 0.5, 0], [0, 0, 1], [1 / 3] * 3])
        assert found.dtype == np.float32

    def test_the_observed_share_and_the_others_stay_unknown(self):
        scores = np.array([[NAN, 0.0, 0.0], [NAN, NAN, 1.0], [NAN, NAN, NAN]])
        found = best_shares(scores)
        np.testing.assert_allclose(found, [[NAN, 0.5, 0.5], [NAN, NAN, 1], [NAN, NAN, NAN]])
