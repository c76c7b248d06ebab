"""Values over references, how choices and predictions spread, and the mixed oracle."""

import numpy as np
import pytest

from benchmarks.field import routereval

pytestmark = pytest.mark.filterwarnings("error")


def test_values_over_references():
    assert routereval.value_over_reference(0.63, 0.9) == pytest.approx(0.7)
    llm_scores = np.array([0.5, np.nan, 0.6])
    assert routereval.value_over_best_single(0.63, llm_scores) == pytest.approx(1.05)
    assert np.isnan(routereval.value_over_best_single(0.63, np.array([np.nan])))
    assert np.isnan(routereval.value_over_reference(0.63, 0.0))


def test_entropy_of_choices():
    assert routereval.choice_entropy(np.array([2, 2, 2])) == 0
    assert routereval.choice_entropy(np.array([0, 0, 1, 2, -1])) == pytest.approx(1.5)
    assert np.isnan(routereval.choice_entropy(np.array([-1])))


def test_entropy_of_each_question():
    assert routereval.question_entropy(np.full((2, 4), 0.25)) == pytest.approx(2)
    rows = np.array([[1, 0, 0], [0.5, 0.25, 0.25]])
    assert routereval.question_entropy(rows) == pytest.approx(0.75)


def test_probabilities_forget_the_scale_of_the_predictions():
    rng = np.random.default_rng(0)
    predicted = rng.random((300, 4))
    scores = (rng.random((300, 4)) < predicted).astype(float)
    found = routereval.best_llm_probabilities(predicted, scores)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    stretched = routereval.best_llm_probabilities(5 * predicted + 1, scores)
    np.testing.assert_allclose(found, stretched, atol=1e-3)


def test_probabilities_leave_out_what_was_not_observed():
    predicted = np.array([[0.9, 0.1, 0.5]] * 3)
    scores = np.array([[1, 0, np.nan], [0, 1, np.nan], [np.nan, np.nan, np.nan]])
    found = routereval.best_llm_probabilities(predicted, scores)
    # the first is best as often as the second: the likeliest temperature makes them equal
    np.testing.assert_allclose(found, [[0.5, 0.5, 0]] * 2, atol=1e-3)
    alike = routereval.best_llm_probabilities(predicted, np.ones((3, 3)))
    np.testing.assert_allclose(alike, 1 / 3)


def test_mixed_oracle_is_the_mean_of_its_draws():
    rng = np.random.default_rng(0)
    scores = (rng.random((200, 5)) < 0.4).astype(float)
    best, n = scores.max(axis=1), 2000
    rows = np.broadcast_to(np.arange(200), (n, 200))
    drawn = np.where(rng.random((n, 200)) < 0.3, best, scores[rows, rng.integers(5, size=(n, 200))])
    expected = routereval.mixed_oracle(best.mean(), scores.mean(), 0.3)
    assert drawn.mean() == pytest.approx(expected, abs=0.003)


def test_references_are_those_of_the_released_code():
    assert set(routereval.STRONG_REFERENCE) == {
        *("ARC", "BBH", "GPQA", "GSM8K", "HellaSwag", "IFEval", "MATH", "MMLU", "MMLU-Pro"),
        *("MuSR", "TruthfulQA", "WinoGrande"),
    }
    assert routereval.STRONG_REFERENCE["MMLU"] == 0.864
    assert all(0 < value < 1 for value in routereval.STRONG_REFERENCE.values())


def test_no_reference_and_no_score():
    assert np.isnan(routereval.value_over_reference(0.5, -1.0))
    assert np.isnan(routereval.value_over_reference(0.5, np.nan))
    assert np.isnan(routereval.value_over_best_single(0.5, np.array([np.nan, np.nan])))
    assert routereval.value_over_best_single(0.5, np.array([0.1])) == pytest.approx(5)


def test_entropy_of_choices_is_over_those_made():
    assert routereval.choice_entropy(np.array([-1, 0, 1, 1, -1, 0])) == pytest.approx(1)
    assert np.isnan(routereval.choice_entropy(np.array([], dtype=int)))


def test_entropy_of_certain_questions_is_0():
    assert routereval.question_entropy(np.eye(3)) == 0
    assert np.isnan(routereval.question_entropy(np.empty((0, 3))))
    rows = np.array([[0.5, 0.5, 0], [1, 0, 0], [0.25, 0.25, 0.5]])
    assert routereval.question_entropy(rows) == pytest.approx((1 + 0 + 1.5) / 3)


def test_temperature_makes_the_best_llm_as_likely_as_it_is_often_best():
    # the llm predicted to be better by 1 is the best one in 3 of 4 questions
    predicted = np.tile([1.0, 0.0], (4, 1))
    scores = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], dtype=float)
    found = routereval.best_llm_probabilities(predicted, scores)
    np.testing.assert_allclose(found, [[0.75, 0.25]] * 4, atol=1e-4)


def test_temperature_is_told_by_questions_that_differ():
    """Equal scores say nothing, whatever was predicted; equals share their weight."""
    predicted = np.array([[1.0, 0, 0]] * 4 + [[9.0, 0, 5]] * 3)
    scores = np.array(
        [[1, 0, 0], [1, 0, 0], [0, 1, 1], [0, 1, 1], [1, 1, 1], [0, 0, 0], [1, np.nan, np.nan]]
    )
    found = routereval.best_llm_probabilities(predicted, scores.astype(float))
    # likelihood: p^2 times ((1 - p) / 2)^2, greatest at p = 1/2
    np.testing.assert_allclose(found[:4], [[0.5, 0.25, 0.25]] * 4, atol=1e-4)
    np.testing.assert_allclose(found[6], [1, 0, 0])


def test_one_temperature_for_all_questions():
    # by 1 better: right in 6 of 6; by 2: in 3 of 5. With odds of 2 to 1 and of 4 to 1 the slopes
    # cancel: 1 (6 - 6 * 2/3) + 2 (3 - 5 * 4/5) = 0
    predicted = np.array([[1.0, 0]] * 6 + [[2.0, 0]] * 5)
    scores = np.array([[1.0, 0]] * 9 + [[0, 1]] * 2)
    found = routereval.best_llm_probabilities(predicted, scores)
    np.testing.assert_allclose(found[:, 0], [2 / 3] * 6 + [4 / 5] * 5, atol=1e-6)


def test_temperature_has_limits():
    always = routereval.best_llm_probabilities(np.array([[0.001, 0]]), np.array([[1, 0]]))
    np.testing.assert_allclose(always[0, 1], 1 / (1 + np.exp(0.001 * np.exp(7))))
    never = routereval.best_llm_probabilities(np.array([[0, 1000]]), np.array([[1, 0]]))
    np.testing.assert_allclose(never[0, 0], 1 / (1 + np.exp(1000 * np.exp(-7))))


def test_what_is_predicted_alike_tells_nothing_of_the_temperature():
    # the first question matters, but both llms are alike there; on the second both are right
    predicted = np.array([[0.5, 0.5, np.nan], [1, 0, np.nan]])
    scores = np.array([[1.0, 0, 1], [1, 1, 0]])
    found = routereval.best_llm_probabilities(predicted, scores)
    np.testing.assert_array_equal(found, [[0.5, 0.5, 0]] * 2)


def test_shared_weight_is_shared_among_equals_not_added():
    # one question whose best is the first, one that the second and third share: with weights
    # shared the log-likelihood is log p + log((1 - p) / 2), greatest at 1/2; were the equals
    # added it would be at 1/3
    predicted = np.array([[1.0, 0, 0]] * 2)
    scores = np.array([[1.0, 0, 0], [0, 1, 1]])
    found = routereval.best_llm_probabilities(predicted, scores)
    np.testing.assert_allclose(found, [[0.5, 0.25, 0.25]] * 2, atol=1e-4)


def test_an_llm_without_a_prediction_has_no_chance():
    predicted = np.array([[1.0, np.nan, 0.0]] * 4 + [[np.nan] * 3])
    scores = np.array([[1.0, 1, 0]] * 3 + [[0, 1, 1.0]] + [[1, 0, 0]])
    found = routereval.best_llm_probabilities(predicted, scores)
    np.testing.assert_allclose(found, [[0.75, 0, 0.25]] * 4, atol=1e-4)


def test_mixed_oracle_between_its_ends():
    found = [routereval.mixed_oracle(0.8, 0.4, p) for p in (0, 0.25, 1)]
    assert found == pytest.approx([0.4, 0.5, 0.8])
