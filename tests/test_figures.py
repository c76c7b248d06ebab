"""The field's figures at their edges: where nothing is defined, at ties, at the ends of ranges."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.field import (
    aslib,
    calibration,
    llmrouterbench,
    routellm,
    routerarena,
    routerbench,
    routereval,
)

NAN = np.nan


def arrays(*rows):
    return [np.array(row, dtype=float) for row in rows]


class TestASlib:
    def test_a_timeout_costs_the_factor_times_the_cutoff_whatever_was_measured(self):
        runtime, timed_out = np.array([4.0, NAN]), np.array([False, True])
        assert aslib.penalised_runtime(runtime, timed_out, cutoff=5, factor=2) == 7


@pytest.mark.filterwarnings("error")
class TestRouteLLM:
    def test_no_gap_where_the_strong_llm_is_no_better(self):
        for strong in (0.5, 0.4):
            assert np.isnan(routellm.gap_recovered([0.4, 0.6], 0.5, strong)).all()

    def test_whole_numbers_are_scores_too(self):
        found = routellm.gap_recovered([0, 1], 0, 2)
        assert routellm.gap_recovered(np.float32([0, 1]), 0, 2).dtype == np.float64
        np.testing.assert_array_equal(found, [0, 0.5])

    def test_ends_are_added_only_where_they_are_missing(self):
        # a router that recovers .4 of the gap without a strong call, and .8 of it with all
        whole = arrays([0, 0.5, 1], [0.4, 0.6, 0.8])
        assert routellm.mean_gap_recovered(*whole) == pytest.approx(0.6)
        # from .5 on: a line from (0, 0); up to .5: a line to (1, 1)
        late = arrays([0.5, 1], [0.6, 0.8])
        assert routellm.mean_gap_recovered(*late) == pytest.approx(0.15 + 0.35)
        early = arrays([0, 0.5], [0.4, 0.6])
        assert routellm.mean_gap_recovered(*early) == pytest.approx(0.25 + 0.4)
        inside = arrays([0.2, 0.4, 0.6], [0.2, 0.4, 0.6])
        assert routellm.mean_gap_recovered(*inside) == pytest.approx(0.5)

    def test_released_area_needs_two_shares(self):
        assert np.isnan(routellm.mean_gap_recovered_released(*arrays([0.5], [0.7])))
        found = routellm.mean_gap_recovered_released(*arrays([0.2, 0.6], [0.5, 0.7]))
        assert found == pytest.approx(0.6)

    def test_share_needed_at_and_beyond_the_ends(self):
        shares, recovered = arrays([0.1, 0.4, 0.8], [0.3, 0.2, 0.6])
        assert routellm.share_needed(shares, recovered, 0.25) == pytest.approx(0.1)
        assert routellm.share_needed(shares, recovered, 0.3) == pytest.approx(0.1)
        assert routellm.share_needed(shares, recovered, 0.4) == pytest.approx(0.6)
        assert routellm.share_needed(shares, recovered, 0.61) == np.inf


class TestLLMRouterBench:
    def test_gain_over_nothing_is_not_defined(self):
        found = llmrouterbench.gain(np.array([0.5, 0.5]), np.array([0.0, 0.25]))
        np.testing.assert_array_equal(found, [NAN, 1])
        assert llmrouterbench.gain(0.5, np.array([0.25, 0.5])).tolist() == [1, 0]
        assert llmrouterbench.gain(3, 2) == 0.5

    def test_best_points_of_nothing_are_not_known(self):
        assert np.isnan(llmrouterbench.performance_gain(np.array([NAN]), 0.5))
        assert np.isnan(llmrouterbench.cost_saved(*arrays([NAN], [0.9]), 4, 0.6))

    def test_matching_the_best_single_llm_up_to_rounding_is_matching_it(self):
        costs, scores = arrays([1, 2], [0.3 - 1e-13, 0.4])
        assert llmrouterbench.cost_saved(costs, scores, 4, 0.3) == 0.75
        costs, scores = arrays([1, 2], [0.3 - 1e-9, 0.4])
        assert llmrouterbench.cost_saved(costs, scores, 4, 0.3) == 0.5
        # nor does a cost that is not known stand for one
        assert llmrouterbench.cost_saved(*arrays([NAN, 3], [0.9, 0.9]), 4, 0.3) == 0.25

    def test_distance_is_over_known_points_of_known_cost(self):
        pool = arrays([1, 100, NAN, 0, 1], [0.4, 0.8, 1, 1, NAN])
        # the pool spans one decade pair and .4 of score: a point halfway in both, off the front
        # by half of each side
        distance = llmrouterbench.distance_to_front(*arrays([10, NAN], [0.6, 0.8]), *pool)
        assert distance == pytest.approx(np.sqrt(0.5))
        nothing = arrays([NAN], [NAN])
        assert np.isnan(llmrouterbench.distance_to_front(*arrays([1], [1]), *nothing))
        assert np.isnan(llmrouterbench.distance_to_front(*nothing, *pool))

    def test_distance_where_all_cost_or_score_the_same(self):
        same_cost = arrays([5, 5], [0.2, 0.7])
        assert llmrouterbench.distance_to_front(*arrays([5], [0.2]), *same_cost) == pytest.approx(1)
        one = arrays([5], [0.2])
        assert llmrouterbench.distance_to_front(*one, *one) == 0

    def test_of_points_that_cost_the_same_only_the_best_is_on_the_front(self):
        # (1, .2) and (1, .8): the front is (1, .8) alone, and (10, .8) is dearer for nothing
        pool = arrays([1, 1, 10], [0.2, 0.8, 0.8])
        distance = llmrouterbench.distance_to_front
        assert distance(*arrays([1], [0.2]), *pool) == pytest.approx(1)
        assert distance(*arrays([10], [0.8]), *pool) == pytest.approx(1)
        assert distance(*arrays([1, 10], [0.8, 0.8]), *pool) == pytest.approx(0.5)

    def test_a_question_is_solved_from_95_on(self):
        scores = np.array([[0.95, 0.94, NAN], [1.0, 1.0, 0.0]])
        assert llmrouterbench.n_solvers(scores).tolist() == [1, 2]
        assert llmrouterbench.n_solvers(scores, solved_at=0.0).tolist() == [2, 3]

    def test_questions_that_the_router_has_no_score_on_are_not_counted(self):
        scores = np.array([[1.0, 0], [1, 0], [1, 1], [0, 0]])
        values = np.array([1.0, NAN, 0.5, 0.0])
        means, counts = llmrouterbench.score_by_solvers(values, scores)
        assert counts.tolist() == [1, 1, 1]
        assert means.tolist() == [0, 1, 0.5]
        # 1 of 3 is solved by few (one llm of two), and the router is right on it
        assert llmrouterbench.score_where_few_solve(values, scores) == (1, pytest.approx(1 / 3))

    def test_few_are_counted_over_all_their_questions(self):
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


class TestRouterArena:
    def test_beta_weighs_cheapness(self):
        # at the middle of the range of log costs cheapness is 1/2
        middle = np.sqrt(routerarena.CHEAPEST * routerarena.DEAREST)
        assert routerarena.arena_score(0.5, middle) == pytest.approx(0.5)
        assert routerarena.arena_score(1.0, middle) == pytest.approx(1.1 * 0.5 / 0.6)
        assert routerarena.arena_score(1.0, middle, beta=1) == pytest.approx(1 / 1.5)
        assert routerarena.arena_score(0.0, 1000) == 0
        assert routerarena.arena_score(0.0, 200) == 0

    def test_names_are_compared_whatever_holds_them(self):
        before = pd.Series(["a", "b", ""]).to_numpy()
        assert routerarena.robustness(before, ("a", "c", "d")) == 0.5
        assert routerarena.robustness(("a", "b"), ["a", ""]) == 1

    def test_a_miss_costs_and_scores_nothing(self):
        scores = np.array([[1.0, NAN], [0.0, 1.0]])
        costs = np.array([[1.0, 8.0], [2.0, 4.0]])
        missed = routerarena.optimality(np.array([-1, 0]), scores, costs)
        assert missed == {"choice": 0, "cost": (1 + 4) / 2, "score": 0}
        unobserved = routerarena.optimality(np.array([1, 1]), scores, costs)
        assert unobserved == {"choice": 0.5, "cost": 5 / 12, "score": 0.5}

    def test_nothing_paid_has_no_ratio(self):
        scores, costs = np.array([[1.0, 1.0]]), np.array([[0.5, 0.5]])
        found = routerarena.optimality(np.array([-1]), scores, costs)
        assert np.isnan(found["cost"])
        assert found["choice"] == 0
        both = routerarena.optimality(np.array([1]), scores, costs)
        assert both == {"choice": 1, "cost": 1, "score": 1}  # a cheapest one, not the first

    def test_only_costs_that_are_needed_must_be_known(self):
        scores = np.array([[1.0, 0.0], [1.0, 0.0]])
        wrong_unknown = np.array([[2.0, NAN], [2.0, NAN]])
        found = routerarena.optimality(np.array([0, 0]), scores, wrong_unknown)
        assert found == {"choice": 1, "cost": 1, "score": 1}
        right_unknown = np.array([[2.0, 1.0], [NAN, 1.0]])
        found = routerarena.optimality(np.array([0, 1]), scores, right_unknown)
        assert np.isnan(found["choice"])
        assert np.isnan(found["cost"])
        assert found["score"] == 0.5


class TestRouterBench:
    def test_hull_is_of_floats_and_keeps_the_best_of_equal_costs(self):
        found = routerbench.hull(np.array([1, 1, 1, 2]), np.array([0, 1, 0, 1]))
        assert found.dtype == np.float64
        np.testing.assert_array_equal(found, [[1, 1]])

    def test_points_on_a_chord_are_no_vertices(self):
        found = routerbench.hull(*arrays([1, 2, 3], [0.25, 0.5, 0.75]))
        np.testing.assert_array_equal(found, [[1, 0.25], [3, 0.75]])

    def test_a_later_point_may_drop_several_vertices(self):
        found = routerbench.hull(*arrays([0, 1, 2, 3], [0, 0.2, 0.35, 0.9]))
        np.testing.assert_allclose(found, [[0, 0], [3, 0.9]])

    def test_score_at_a_cost(self):
        vertices = np.array([[1.0, 0.5], [3.0, 0.8]])
        assert [routerbench.score_at(vertices, c) for c in (0.9, 1, 2, 3, 9)] == pytest.approx(
            [0, 0.5, 0.65, 0.8, 0.8]
        )
        assert np.isnan(routerbench.score_at(np.empty((0, 2)), 1.0))

    def test_ranges_that_make_no_sense_have_no_aiq(self):
        vertices = np.array([[1.0, 0.5], [3.0, 0.8]])
        assert np.isnan(routerbench.aiq(vertices, 3, 1))
        assert np.isnan(routerbench.aiq(vertices, NAN, 1))
        assert routerbench.aiq(vertices, 3, 3) == pytest.approx(0.8)
        assert np.isnan(routerbench.aiq_released(vertices, 0))
        assert np.isnan(routerbench.aiq_released(vertices, NAN))
        assert routerbench.aiq_released(vertices, 0.5) == 0
        assert np.isnan(routerbench.aiq_released(np.empty((0, 2)), 3))

    def test_area_ends_inside_the_hull(self):
        vertices = np.array([[1.0, 0.5], [3.0, 0.7], [5.0, 0.8]])
        assert routerbench.aiq(vertices, 2, 4) == pytest.approx((0.65 + 0.725) / 2)
        assert routerbench.aiq(vertices, 1.5, 2.5) == pytest.approx(0.6)
        assert routerbench.aiq(vertices, 0, 2) == pytest.approx(0.55 / 2)
        assert routerbench.aiq(vertices, 4, 8) == pytest.approx((0.775 + 3 * 0.8) / 4)

    def test_one_unknown_cost_of_an_llm_leaves_no_range(self):
        costs, scores = arrays([1, 2, NAN], [0.4, 0.5, 0.8])
        assert np.isnan(routerbench.aiq_over_zero(costs, scores, costs, scores)).all()


class TestRouterEval:
    def test_references_are_those_of_the_released_code(self):
        assert set(routereval.STRONG_REFERENCE) == {
            *("ARC", "BBH", "GPQA", "GSM8K", "HellaSwag", "IFEval", "MATH", "MMLU", "MMLU-Pro"),
            *("MuSR", "TruthfulQA", "WinoGrande"),
        }
        assert routereval.STRONG_REFERENCE["MMLU"] == 0.864
        assert all(0 < value < 1 for value in routereval.STRONG_REFERENCE.values())

    def test_no_reference_and_no_score(self):
        assert np.isnan(routereval.value_over_reference(0.5, -1.0))
        assert np.isnan(routereval.value_over_reference(0.5, NAN))
        assert np.isnan(routereval.value_over_best_single(0.5, np.array([NAN, NAN])))
        assert routereval.value_over_best_single(0.5, np.array([0.1])) == pytest.approx(5)

    def test_entropy_of_choices_is_over_those_made(self):
        assert routereval.choice_entropy(np.array([-1, 0, 1, 1, -1, 0]), 4) == pytest.approx(1)
        assert np.isnan(routereval.choice_entropy(np.array([], dtype=int), 3))

    def test_entropy_of_certain_questions_is_0(self):
        assert routereval.question_entropy(np.eye(3)) == 0
        rows = np.array([[0.5, 0.5, 0], [1, 0, 0], [0.25, 0.25, 0.5]])
        assert routereval.question_entropy(rows) == pytest.approx((1 + 0 + 1.5) / 3)

    def test_temperature_makes_the_best_llm_as_likely_as_it_is_often_best(self):
        # the llm predicted to be better by 1 is the best one in 3 of 4 questions
        predicted = np.tile([1.0, 0.0], (4, 1))
        scores = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], dtype=float)
        found = routereval.best_llm_probabilities(predicted, scores)
        np.testing.assert_allclose(found, [[0.75, 0.25]] * 4, atol=1e-4)

    def test_temperature_is_told_by_questions_that_differ(self):
        """Equal scores say nothing, whatever was predicted; equals share their weight."""
        predicted = np.array([[1.0, 0, 0]] * 4 + [[9.0, 0, 5]] * 3)
        scores = np.array(
            [[1, 0, 0], [1, 0, 0], [0, 1, 1], [0, 1, 1], [1, 1, 1], [0, 0, 0], [1, NAN, NAN]]
        )
        found = routereval.best_llm_probabilities(predicted, scores.astype(float))
        # likelihood: p^2 times ((1 - p) / 2)^2, greatest at p = 1/2
        np.testing.assert_allclose(found[:4], [[0.5, 0.25, 0.25]] * 4, atol=1e-4)
        np.testing.assert_allclose(found[6], [1, 0, 0])

    def test_shared_weight_is_shared_among_equals_not_added(self):
        # one question whose best is the first, one that the second and third share: with weights
        # shared the log-likelihood is log p + log((1 - p) / 2), greatest at 1/2; were the equals
        # added it would be at 1/3
        predicted = np.array([[1.0, 0, 0]] * 2)
        scores = np.array([[1.0, 0, 0], [0, 1, 1]])
        found = routereval.best_llm_probabilities(predicted, scores)
        np.testing.assert_allclose(found, [[0.5, 0.25, 0.25]] * 2, atol=1e-4)

    def test_an_llm_without_a_prediction_has_no_chance(self):
        predicted = np.array([[1.0, NAN, 0.0]] * 4 + [[NAN] * 3])
        scores = np.array([[1.0, 1, 0]] * 3 + [[0, 1, 1.0]] + [[1, 0, 0]])
        found = routereval.best_llm_probabilities(predicted, scores)
        np.testing.assert_allclose(found, [[0.75, 0, 0.25]] * 4, atol=1e-4)

    def test_mixed_oracle_between_its_ends(self):
        found = [routereval.mixed_oracle(0.8, 0.4, p) for p in (0, 0.25, 1)]
        assert found == pytest.approx([0.4, 0.5, 0.8])


class TestCalibration:
    def test_pairs_are_left_out_one_by_one(self):
        predicted = np.array([[0.5, NAN], [NAN, 0.0], [1.0, 0.0]])
        scores = np.array([[1.0, 1.0], [1.0, NAN], [1.0, 1.0]])
        np.testing.assert_allclose(calibration.brier(predicted, scores), [0.125, 1])
        np.testing.assert_allclose(calibration.calibration_error(predicted, scores), [0.25, 1])

    def test_equal_width_bins_hold_their_upper_edge(self):
        # halves: (0, .5] and (.5, 1]; .5 falls in the lower and pairs with .1
        predicted, scores = np.array([[0.1, 0.5, 0.9]]).T, np.array([[1.0, 0.0, 1.0]]).T
        found = calibration.calibration_error(predicted, scores, n_bins=2, equal_mass=False)
        np.testing.assert_allclose(found, [(abs(0.6 - 1) + 0.1) / 3])
        # predictions outside [0, 1] fall in the bins at the ends
        predicted, scores = np.array([[-1.0, 0.2, 2.0]]).T, np.array([[0.0, 0.0, 1.0]]).T
        found = calibration.calibration_error(predicted, scores, n_bins=2, equal_mass=False)
        np.testing.assert_allclose(found, [(0.8 + 1.0) / 3])

    def test_ten_bins_of_equal_mass_by_default(self):
        # twenty predictions, in pairs that are off in opposite directions: in ten bins they cancel
        predicted = np.arange(20)[:, None] / 20
        off = np.tile([0.1, -0.1], 10)[:, None]
        assert calibration.calibration_error(predicted, predicted - off) == pytest.approx(0)
        found = calibration.calibration_error(predicted, predicted - off, n_bins=20)
        np.testing.assert_allclose(found, [0.1])

    def test_single_precision_is_added_in_double(self):
        predicted = np.full((300_000, 1), 0.1, dtype=np.float32)
        found = calibration.calibration_error(predicted, np.zeros_like(predicted))
        assert found[0] == pytest.approx(float(np.float32(0.1)), abs=1e-9)

    def test_an_llm_without_predictions_is_unknown_in_every_column(self):
        frame = pd.DataFrame(
            {
                "score/a": [1.0, 0.0],
                "predicted_score/a": [NAN, NAN],
                "score/b": [1.0, NAN],
                "predicted_score/b": [0.25, 1.0],
            }
        )
        found = calibration.by_llm([frame])
        assert found.index.name == "llm"
        assert list(found.columns) == ["score", "predicted", "brier", "calibration_error"]
        assert found.loc["a"].isna().all()
        assert found.loc["b"].tolist() == pytest.approx([1, 0.25, 0.75**2, 0.75])
