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
    for error in squared_errors_of(scores, np.zeros((3, 1)), np.zeros((3, 3))):
        assert list(np.isnan(error)) == [True, True, False]


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
    assert list(comparable_llms(np.array(scores, dtype=float))) == expected
