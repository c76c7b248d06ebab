"""How much of what was learned is used: the judgment by hand, and what it must never do."""

import numpy as np
import pytest
from scipy.special import expit, logit

from routers._weighing import (
    SHARES,
    _earned,
    _error,
    _evidence,
    _visible,
    best_share,
    contrasts,
    inner_folds,
    moved,
)

NAN = np.nan


def half_and_half(n=40):
    """Two llms, each right on every other question; what is expected tells nothing."""
    scores = np.tile([[1.0, 0.0], [0.0, 1.0]], (n // 2, 1))
    return np.full((n, 2), 0.5), scores, 2 * scores - 1  # the last is the way to go


def test_contrasts_by_hand():
    found = contrasts(np.array([[1, 0, 0.5], [1, NAN, 0], [NAN, NAN, NAN]]))
    np.testing.assert_allclose(found, [[0.5, -0.5, 0], [0.5, NAN, -0.5], [NAN, NAN, NAN]])


def test_folds_are_five_of_equal_size_and_drawn_by_the_seed():
    fold = inner_folds(50, 0)
    assert np.bincount(fold).tolist() == [10] * 5
    assert np.array_equal(fold, inner_folds(50, 0))
    assert not np.array_equal(fold, inner_folds(50, 1))


def test_scores_move_in_log_odds_and_stay_where_nothing_departs():
    expected = np.array([[0.5, 0.2, 1.0, 0.0, 0.995]])
    np.testing.assert_array_equal(moved(expected, np.zeros((1, 5))), expected)
    found = moved(expected, np.full((1, 5), -1.0))
    inside = expit(logit([0.5, 0.2]) - 1)
    from_the_edge = 0.99 - expit(logit(0.99) - 1)
    np.testing.assert_allclose(found[0, :2], inside)
    np.testing.assert_allclose(found[0, 2:], [1 - from_the_edge, 0, 0.995 - from_the_edge])
    assert moved(expected, np.full((1, 5), 9.0)).max() == 1
    assert moved(np.zeros((1, 1)), np.ones((1, 1)))[0, 0] == expit(logit(0.01) + 1) - 0.01


def test_what_helps_is_used_and_what_misleads_is_not():
    expected, scores, way = half_and_half()
    assert best_share(expected, [3 * way], scores) == (0, 1.0)
    assert best_share(expected, [-3 * way], scores) == (0, 0.0)
    assert best_share(expected, [-3 * way, 3 * way], scores) == (1, 1.0)
    assert best_share(expected, [], scores) == (0, 0.0)


def test_of_departures_that_do_the_same_the_first_is_taken():
    expected, scores, way = half_and_half()
    assert best_share(expected, [way, way], scores) == (0, 1.0)


def test_the_share_is_the_one_that_errs_least():
    """Right three times in four calls for log-odds of log 3, of which a half is offered doubled."""
    way = np.tile([[1.0, -1.0]], (400, 1))
    way[::2] *= -1
    right = np.arange(400) % 8 < 6
    scores = (way * np.where(right, 1, -1)[:, None] + 1) / 2
    expected = np.full((400, 2), 0.5)
    for share in SHARES:
        assert best_share(expected, [np.log(3) / share * way], scores) == (0, share)


def test_a_smaller_error_is_not_enough_where_choices_lose():
    """The gap between two llms is better foretold, and a third, best llm is left for them."""
    scores = np.tile([[0.8, 1.0, 0.0], [0.8, 0.0, 0.0]], (50, 1))
    expected = np.tile([[0.8, 0.5, 0.5]], (100, 1))
    closer = np.tile([[0.0, 0.0, -9.0]], (100, 1))
    assert best_share(expected, [closer], scores) == (0, 1.0)  # no choice changes
    luring = np.tile([[0.0, 2.0, -9.0]], (100, 1))
    assert best_share(expected, [luring], scores) == (0, 0.25)  # a quarter does not lure
    luring[:, 1] = 9
    assert best_share(expected, [luring], scores) == (0, 0.0)


@pytest.mark.parametrize(("n", "used"), [(8, False), (80, True)])
def test_what_helps_must_help_visibly(n, used):
    """Right five times in eight: in eight questions that may be luck."""
    expected, scores, way = half_and_half(n)
    right = np.arange(n) % 8 < 5
    helps = 0.5 * way * np.where(right, 1, -1)[:, None]
    assert (best_share(expected, [helps], scores)[1] > 0) is used


def test_llms_that_tie_earn_their_mean_in_any_order():
    expected, scores, way = half_and_half(12)
    assert best_share(expected, [way], scores) == (0, 1.0)
    turned = [part[:, ::-1] for part in (expected, way, scores)]
    assert best_share(turned[0], [turned[1]], turned[2]) == (0, 1.0)


def test_a_small_gain_is_a_gain():
    """Graded scores that hardly differ: all that can be gained is far below one question."""
    expected, scores, way = half_and_half()
    graded = 0.5 + 0.01 * (scores - 0.5)
    assert best_share(expected, [0.02 * way], graded) == (0, 1.0)


def test_choices_earn_the_score_of_the_largest_and_the_mean_of_those_that_tie():
    scores = np.array([[1.0, 0, 0.5], [1.0, 0, 0.5], [1.0, 0, NAN], [0.2, 0.4, 0.9]])
    predicted = np.array([[0.9, 0.8, 0.7], [0.7, 0.7, 0.6], [0.7, 0.6, 0.7], [0.1, 0.2, 0.2]])
    np.testing.assert_allclose(_earned(predicted, scores), [1, 0.5, 1, 0.65])
    hardly = predicted + np.array([0, 3e-10, 0])  # less than what a sum loses on its way
    np.testing.assert_allclose(_earned(hardly, scores), [1, 0.5, 1, 0.65])
    clearly = predicted + np.array([0, 3e-9, 0])
    np.testing.assert_allclose(_earned(clearly, scores), [1, 0, 1, 0.4])


def test_what_was_not_observed_counts_neither_way():
    expected, scores, way = half_and_half()
    more = [np.vstack([part, part]) for part in (expected, scores, way)]
    more[1][40:] = NAN
    assert best_share(more[0], [way_and_back(more[2])], more[1]) == (0, 1.0)
    assert best_share(expected, [way], np.full_like(scores, NAN)) == (0, 0.0)


def way_and_back(way):
    return np.vstack([way[:40], -9 * way[40:]])


def test_a_single_question_shows_nothing():
    assert best_share(np.array([[0.5, 0.5]]), [np.array([[1.0, -1]])], np.array([[1.0, 0]])) == (
        0,
        0.0,
    )


def test_evidence_is_the_mean_gain_in_standard_errors():
    some = np.array([1.0, 0, 1, 0])
    assert _evidence(np.array([1.0, 0])) == pytest.approx(1)  # two questions are enough
    assert _evidence(some) == pytest.approx(np.sqrt(3))  # 1/2 over sqrt(1/3) / sqrt(4)
    assert _evidence(np.append(some, NAN)) == pytest.approx(np.sqrt(3))
    assert _evidence(-some) == pytest.approx(-np.sqrt(3))
    assert _evidence(np.array([1.0, NAN])) == _evidence(np.zeros(9)) == 0
    assert _evidence(np.ones(9)) > 1e6


def test_what_is_visible_is_one_standard_error_in_both_judgments_and_loses_no_choice():
    some, none = np.array([1.0, 0, 1, 0]), np.zeros(4)
    clear = np.array([1.0, 0.9, 1, 0.9])
    assert not _visible(some, none)
    assert not _visible(none, some)
    assert _visible(some, np.array([1.0, 0, 0, 0]))  # sqrt(3) and 1
    assert _visible(clear, none)
    assert not _visible(clear, np.array([-1.0, 0, 0, 0]))


def test_errors_of_contrasts_are_over_the_llms_that_were_observed():
    target = contrasts(np.array([[1.0, 0, NAN], [NAN, NAN, NAN]]))
    found = _error(np.array([[0.75, 0.5, 0.9], [0.5, 0.5, 0.5]]), target)
    # foretold apart by 1/8 each way, where it was 1/2
    np.testing.assert_allclose(found, [(3 / 8) ** 2, NAN])
