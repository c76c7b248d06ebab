"""Relative gains, cost saved, distance to the front, and questions that few llms solve."""

import numpy as np
import pytest
from columns import arrays

from benchmarks.field import llmrouterbench

pytestmark = pytest.mark.filterwarnings("error")


def test_relative_gains():
    assert llmrouterbench.gain(0.66, 0.6) == pytest.approx(0.1)
    assert llmrouterbench.gap_to_oracle(0.66, 0.88) == pytest.approx(0.25)
    assert np.isnan(llmrouterbench.gain(0.5, 0))
    # mean of ratios, and ratio of means
    per_dataset, reference = np.array([0.2, 0.8]), np.array([0.1, 0.8])
    assert llmrouterbench.gain(per_dataset, reference).mean() == pytest.approx(0.5)
    assert llmrouterbench.gain(per_dataset.mean(), reference.mean()) == pytest.approx(1 / 9)


def test_best_operating_points():
    costs, scores = arrays([1, 2, 4, np.nan], [0.5, 0.6, 0.66, np.nan])
    assert llmrouterbench.performance_gain(scores, 0.6) == pytest.approx(0.1)
    assert llmrouterbench.cost_saved(costs, scores, 4, 0.6) == pytest.approx(0.5)
    assert llmrouterbench.cost_saved(costs, scores, 1, 0.6) == pytest.approx(-1)
    assert np.isnan(llmrouterbench.cost_saved(costs, scores, 4, 0.7))


def test_distance_to_the_front():
    pool = arrays([1, 10, 100, 10], [0.4, 0.6, 0.8, 0.4])
    # scaled: (0, 0), (.5, .5), (1, 1) are the front, (.5, 0) is half a side from two of them
    distance = llmrouterbench.distance_to_front
    assert distance(*arrays([10], [0.4]), *pool) == pytest.approx(0.5)
    assert distance(*arrays([10, 100], [0.4, 0.8]), *pool) == pytest.approx(0.25)
    assert distance(*arrays([1, 10, 100], [0.4, 0.6, 0.8]), *pool) == 0
    assert np.isnan(distance(*arrays([np.nan], [0.4]), *pool))


def test_scores_by_number_of_solvers(tiny):
    always_a = tiny.scores[:, 0]
    means, counts = llmrouterbench.score_by_solvers(always_a, tiny.scores)
    np.testing.assert_array_equal(counts, [0, 2, 2, 0])
    np.testing.assert_allclose(means, [np.nan, 0.5, 0.5, np.nan])
    assert llmrouterbench.score_where_few_solve(always_a, tiny.scores) == (0.5, 0.5)
    nobody = llmrouterbench.score_where_few_solve(np.zeros(2), np.zeros((2, 3)))
    assert np.isnan(nobody[0])
    assert nobody[1] == 0
    assert [llmrouterbench.few_solvers(m) for m in (2, 8, 17, 20, 33)] == [1, 1, 3, 3, 5]


def test_gain_over_nothing_is_not_defined():
    found = llmrouterbench.gain(np.array([0.5, 0.5]), np.array([0.0, 0.25]))
    np.testing.assert_array_equal(found, [np.nan, 1])
    assert llmrouterbench.gain(0.5, np.array([0.25, 0.5])).tolist() == [1, 0]
    assert llmrouterbench.gain(np.array([0.5, 0.25]), 0.25).tolist() == [1, 0]
    assert llmrouterbench.gain(3, 2) == 0.5


def test_best_points_of_nothing_are_not_known():
    assert np.isnan(llmrouterbench.performance_gain(np.array([np.nan]), 0.5))
    assert np.isnan(llmrouterbench.cost_saved(*arrays([np.nan], [0.9]), 4, 0.6))


def test_matching_the_best_single_llm_up_to_rounding_is_matching_it():
    costs, scores = arrays([1, 2], [0.3 - 1e-13, 0.4])
    assert llmrouterbench.cost_saved(costs, scores, 4, 0.3) == 0.75
    costs, scores = arrays([1, 2], [0.3 - 1e-9, 0.4])
    assert llmrouterbench.cost_saved(costs, scores, 4, 0.3) == 0.5
    # nor does a cost that is not known stand for one
    assert llmrouterbench.cost_saved(*arrays([np.nan, 3], [0.9, 0.9]), 4, 0.3) == 0.25


def test_distance_is_over_known_points_of_known_cost():
    pool = arrays([1, 100, np.nan, 0, 1], [0.4, 0.8, 1, 1, np.nan])
    # the pool spans one decade pair and .4 of score: a point halfway in both, off the front
    # by half of each side
    distance = llmrouterbench.distance_to_front(*arrays([10, np.nan], [0.6, 0.8]), *pool)
    assert distance == pytest.approx(np.sqrt(0.5))
    nothing = arrays([np.nan], [np.nan])
    assert np.isnan(llmrouterbench.distance_to_front(*arrays([1], [1]), *nothing))
    assert np.isnan(llmrouterbench.distance_to_front(*nothing, *pool))


def test_distance_where_all_cost_or_score_the_same():
    same_cost = arrays([5, 5], [0.2, 0.7])
    assert llmrouterbench.distance_to_front(*arrays([5], [0.2]), *same_cost) == pytest.approx(1)
    one = arrays([5], [0.2])
    assert llmrouterbench.distance_to_front(*one, *one) == 0


def test_of_points_that_cost_the_same_only_the_best_is_on_the_front():
    # (1, .2) and (1, .8): the front is (1, .8) alone, and (10, .8) is dearer for nothing
    pool = arrays([1, 1, 10], [0.2, 0.8, 0.8])
    distance = llmrouterbench.distance_to_front
    assert distance(*arrays([1], [0.2]), *pool) == pytest.approx(1)
    assert distance(*arrays([10], [0.8]), *pool) == pytest.approx(1)
    assert distance(*arrays([1, 10], [0.8, 0.8]), *pool) == pytest.approx(0.5)


def test_a_question_is_solved_from_95_on():
    scores = np.array([[0.95, 0.94, np.nan], [1.0, 1.0, 0.0]])
    assert llmrouterbench.n_solvers(scores).tolist() == [1, 2]
    assert llmrouterbench.n_solvers(scores, solved_at=0.0).tolist() == [2, 3]
    # in single precision .6 is a little more
    assert llmrouterbench.n_solvers(np.array([[0.6, np.float32(0.6)]]), solved_at=0.6) == 2


def test_questions_that_the_router_has_no_score_on_are_not_counted():
    scores = np.array([[1.0, 0], [1, 0], [1, 1], [0, 0]])
    values = np.array([1.0, np.nan, 0.5, 0.0])
    means, counts = llmrouterbench.score_by_solvers(values, scores)
    assert counts.tolist() == [1, 1, 1]
    assert means.tolist() == [0, 1, 0.5]
    # 1 of 3 is solved by few (one llm of two), and the router is right on it
    assert llmrouterbench.score_where_few_solve(values, scores) == (1, pytest.approx(1 / 3))


def test_few_are_counted_over_all_their_questions():
    # of 14 llms two are few; 3 questions with one solver, 1 with two, 1 with three
    scores = np.zeros((5, 14))
    for row, n in enumerate((1, 1, 1, 2, 3)):
        scores[row, :n] = 1
    values = np.array([1.0, 0, 0, 1, 0])
    score, share = llmrouterbench.score_where_few_solve(values, scores)
    assert score == pytest.approx(2 / 4)
    assert share == pytest.approx(4 / 5)
    # with the threshold above every score nothing is solved by anybody
    found = llmrouterbench.score_where_few_solve(values, scores, solved_at=1.5)
    assert np.isnan(found[0])
    assert found[1] == 0
    assert np.isnan(llmrouterbench.score_where_few_solve(values[:0], scores[:0])).all()
