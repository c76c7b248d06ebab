"""Difficulty and contrasts of partly observed scores, and what predictions of them are wrong by."""

import itertools

import numpy as np
import pytest

from benchmarks.contrasts import comparable_llms, squared_errors_of, take_apart

NAN = np.nan


def test_complete_outcomes_are_taken_apart_by_plain_means():
    scores = np.random.default_rng(0).random((20, 4))
    difficulty, contrasts = take_apart(scores)
    np.testing.assert_allclose(difficulty[:, 0], scores.mean(axis=1))
    np.testing.assert_allclose(contrasts, scores - scores.mean(axis=1, keepdims=True))


def test_it_does_not_matter_which_llms_were_observed():
    """Without noise, difficulties and contrasts are those of the complete table."""
    rng = np.random.default_rng(0)
    whole = rng.random((30, 1)) + rng.random(5)
    holed = np.where(rng.random(whole.shape) < 0.4, NAN, whole)
    holed[:, 0] = np.where(whole.mean(axis=1) > 1, whole[:, 0], NAN)  # asked what is easy only
    enough = (~np.isnan(holed)).sum(axis=1) > 1
    with np.errstate(all="raise"):
        difficulty, contrasts = take_apart(holed)
    np.testing.assert_allclose(difficulty[enough, 0], whole.mean(axis=1)[enough])
    assert np.isnan(difficulty[~enough]).all()
    known = ~np.isnan(holed) & enough[:, None]
    assert (np.isnan(contrasts) == ~known).all()
    expected = whole - whole.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(contrasts[known], expected[known])


def test_mean_contrasts_are_least_squares_by_hand():
    """Solved as one system with an unknown per question and per llm."""
    rng = np.random.default_rng(1)
    scores = np.where(rng.random((25, 4)) < 0.3, NAN, rng.random((25, 4)))
    scores[(~np.isnan(scores)).sum(axis=1) < 2] = NAN
    pairs = np.argwhere(~np.isnan(scores))
    system = np.zeros((len(pairs) + 1, 25 + 4))
    for row, (question, llm) in enumerate(pairs):
        system[row, [question, 25 + llm]] = 1
    system[-1, 25:] = 1  # mean contrasts sum to 0
    solution = np.linalg.lstsq(system, [*scores[tuple(pairs.T)], 0], rcond=None)[0]
    asked = ~np.isnan(scores).all(axis=1)
    difficulty, contrasts = take_apart(scores)
    np.testing.assert_allclose(difficulty[asked, 0], solution[:25][asked])
    np.testing.assert_allclose(np.nanmean(contrasts, axis=0), solution[25:])


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_estimated_errors_are_right_on_average(k):
    """Over all ways to observe k of 5 llms the estimates average to the errors on all 5."""
    rng = np.random.default_rng(2)
    truth, difficulty, contrasts = rng.random((1, 5)), rng.random((1, 1)), rng.random((1, 5))
    centered = contrasts - contrasts.mean()
    true_contrasts = truth - truth.mean()
    expected = [
        (truth.mean() - difficulty[0, 0]) ** 2,
        ((true_contrasts - contrasts) ** 2).sum(),
    ]
    found = []
    for subset in itertools.combinations(range(5), k):
        seen = np.isin(np.arange(5), subset)
        found.append(squared_errors_of(np.where(seen, truth, NAN), difficulty, contrasts))
    np.testing.assert_allclose(np.mean(found, axis=0)[:, 0], expected)
    alike = squared_errors_of(truth, difficulty, centered)[1][0]
    assert alike == pytest.approx(((true_contrasts - centered) ** 2).sum())


def test_a_question_with_one_outcome_compares_nobody():
    scores = np.array([[1, NAN, NAN], [NAN, NAN, NAN], [1, 0, NAN]])
    with np.errstate(all="raise"):
        errors = squared_errors_of(scores, np.zeros((3, 1)), np.zeros((3, 3)))
    for error in errors:
        assert list(np.isnan(error)) == [True, True, False]


def test_what_a_question_is_wrong_by_is_its_own():
    """Whatever stands beside it: predictions of other questions, outcomes, or none."""
    rng = np.random.default_rng(3)
    scores = np.where(rng.random((6, 4)) < 0.2, NAN, rng.random((6, 4)))
    difficulty, contrasts = rng.random((6, 1)), rng.random((6, 4))
    together = squared_errors_of(scores, difficulty, contrasts)
    for i in range(6):
        row = slice(i, i + 1)
        alone = squared_errors_of(scores[row], difficulty[row], contrasts[row])
        np.testing.assert_allclose([error[row] for error in together], alone)


def test_errors_by_hand():
    """Two of three llms observed, 1 and 0; predicted .25 for all, and contrasts .3, 0 and 0.

    Predicted contrasts are .1 too high at every llm, the scores then .45, .15 and .15: what is
    left is .55 and -.15, of mean .2 and variance .245. The squared mean is too large by
    (1/2 - 1/3) of that; the contrasts are wrong by 2 * .245, and by 3 * .1 squared.
    """
    scores, contrasts = np.array([[1, 0, NAN]]), np.array([[0.3, 0, 0]])
    found = squared_errors_of(scores, np.array([[0.25]]), contrasts)
    np.testing.assert_allclose(np.ravel(found), [0.04 - 0.245 / 6, 0.49 + 0.03])


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([[1, 0, 1]], [True, True, True]),
        ([[1, 0, NAN], [NAN, 1, 0]], [True, True, True]),  # joined by a chain
        ([[1, 0, NAN], [NAN, NAN, 1]], [True, True, False]),  # never beside another
        ([[1, 0, NAN], [1, 1, NAN]], [True, True, False]),  # never observed
        ([[1, 0, NAN, NAN], [NAN, NAN, 1, 0]], [False] * 4),  # two groups: nobody can tell
        ([[1, NAN], [NAN, 0]], [False, False]),
        ([[NAN, NAN]], [False, False]),
    ],
)
def test_who_can_be_compared(scores, expected):
    found = comparable_llms(np.array(scores, dtype=float))
    assert found.dtype == bool
    assert list(found) == expected
