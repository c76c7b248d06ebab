"""The field's metrics, worked by hand."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import metrics
from benchmarks.evaluate import evaluate
from benchmarks.field import (
    aslib,
    calibration,
    llmrouterbench,
    report,
    routellm,
    routerarena,
    routerbench,
    routereval,
    table,
)
from benchmarks.splits import kfold
from benchmarks.stored_rows import llm_names
from routers.encoders import TfidfEncoder
from routers.neighbors import KNNRouter
from routers.recognition import RecognisedDatasetRouter


def arrays(*rows):
    return [np.array(row, dtype=float) for row in rows]


class TestRouterEval:
    def test_values_over_references(self):
        assert routereval.value_over_reference(0.63, 0.9) == pytest.approx(0.7)
        llm_scores = np.array([0.5, np.nan, 0.6])
        assert routereval.value_over_best_single(0.63, llm_scores) == pytest.approx(1.05)
        assert np.isnan(routereval.value_over_best_single(0.63, np.array([np.nan])))
        assert np.isnan(routereval.value_over_reference(0.63, 0.0))

    def test_entropy_of_choices(self):
        assert routereval.choice_entropy(np.array([2, 2, 2]), 3) == 0
        assert routereval.choice_entropy(np.array([0, 0, 1, 2, -1]), 3) == pytest.approx(1.5)
        assert np.isnan(routereval.choice_entropy(np.array([-1]), 3))

    def test_entropy_of_each_question(self):
        assert routereval.question_entropy(np.full((2, 4), 0.25)) == pytest.approx(2)
        rows = np.array([[1, 0, 0], [0.5, 0.25, 0.25]])
        assert routereval.question_entropy(rows) == pytest.approx(0.75)

    def test_probabilities_forget_the_scale_of_the_predictions(self):
        rng = np.random.default_rng(0)
        predicted = rng.random((300, 4))
        scores = (rng.random((300, 4)) < predicted).astype(float)
        found = routereval.best_llm_probabilities(predicted, scores)
        np.testing.assert_allclose(found.sum(axis=1), 1)
        stretched = routereval.best_llm_probabilities(5 * predicted + 1, scores)
        np.testing.assert_allclose(found, stretched, atol=1e-3)

    def test_probabilities_leave_out_what_was_not_observed(self):
        predicted = np.array([[0.9, 0.1, 0.5]] * 3)
        scores = np.array([[1, 0, np.nan], [0, 1, np.nan], [np.nan, np.nan, np.nan]])
        found = routereval.best_llm_probabilities(predicted, scores)
        # the first is best as often as the second: the likeliest temperature makes them equal
        np.testing.assert_allclose(found, [[0.5, 0.5, 0]] * 2, atol=1e-3)
        alike = routereval.best_llm_probabilities(predicted, np.ones((3, 3)))
        np.testing.assert_allclose(alike, 1 / 3)

    def test_mixed_oracle_is_the_mean_of_its_draws(self):
        rng = np.random.default_rng(0)
        scores = (rng.random((200, 5)) < 0.4).astype(float)
        best, n = scores.max(axis=1), 2000
        rows = np.broadcast_to(np.arange(200), (n, 200))
        drawn = np.where(
            rng.random((n, 200)) < 0.3, best, scores[rows, rng.integers(5, size=(n, 200))]
        )
        expected = routereval.mixed_oracle(best.mean(), scores.mean(), 0.3)
        assert drawn.mean() == pytest.approx(expected, abs=0.003)


class TestRouterBench:
    COSTS, SCORES = arrays([3, 1, 2, 5, 4, 6, np.nan], [0.8, 0.5, 0.4, 0.85, 0.82, 0.7, 1])

    def test_hull(self):
        # (2, .4) is below its left; (4, .82) is under the chord from (3, .8) to (5, .85), at .825;
        # (6, .7) is dearer and worse
        found = routerbench.hull(self.COSTS, self.SCORES)
        np.testing.assert_allclose(found, [[1, 0.5], [3, 0.8], [5, 0.85]])

    def test_hull_of_one_point_and_of_none(self):
        np.testing.assert_array_equal(routerbench.hull(*arrays([2], [0.7])), [[2, 0.7]])
        empty = routerbench.hull(*arrays([np.nan], [0.7]))
        assert empty.shape == (0, 2)
        assert np.isnan(routerbench.aiq(empty, 0, 1))

    def test_hull_is_above_every_point_concave_and_rising(self):
        rng = np.random.default_rng(0)
        for _ in range(50):
            costs, scores = rng.integers(1, 9, size=12) / 2, rng.integers(0, 9, size=12) / 8
            found = routerbench.hull(costs, scores)
            for cost, score in zip(costs, scores, strict=True):
                assert routerbench.score_at(found, cost) >= score - 1e-12
            steps = np.diff(found, axis=0)
            assert (steps > 0).all()
            assert (np.diff(steps[:, 1] / steps[:, 0]) < 0).all()

    def test_aiq_by_hand(self):
        found = routerbench.hull(self.COSTS, self.SCORES)
        assert routerbench.aiq(found, 1, 5) == pytest.approx((2 * 0.65 + 2 * 0.825) / 4)
        # flat to the right, nothing to the left
        assert routerbench.aiq(found, 1, 7) == pytest.approx((2.95 + 2 * 0.85) / 6)
        assert routerbench.aiq(found, 0, 5) == pytest.approx(2.95 / 5)
        assert routerbench.aiq(found, 0, 1) == 0
        assert routerbench.aiq(found, 2, 2) == pytest.approx(0.65)

    def test_constant_score_has_its_own_aiq_in_the_papers_form_only(self):
        found = routerbench.hull(*arrays([2], [0.7]))
        assert routerbench.aiq(found, 2, 10) == pytest.approx(0.7)
        assert routerbench.aiq_released(found, 10) == pytest.approx(0.7 * 8 / 10)

    def test_gain_over_the_zero_router(self):
        llms = arrays([1, 2, 3], [0.4, 0.5, 0.8])
        assert routerbench.aiq_over_zero(*llms, *llms) == pytest.approx((0.6, 0.6))
        aiq, zero = routerbench.aiq_over_zero(*arrays([1, 2], [0.4, 0.8]), *llms)
        assert (aiq, zero) == pytest.approx((0.7, 0.6))
        unknown = routerbench.aiq_over_zero(*llms, *arrays([1, np.nan, 3], [0.4, 0.5, 0.8]))
        assert np.isnan(unknown).all()


class TestRouteLLM:
    WEAK, STRONG = arrays([0, 0, 1, 0], [1, 0, 1, 1])

    def test_curve_gap_and_area_by_hand(self):
        preference = np.array([0.9, 0.1, 0.5, 0.5])
        shares, scores = routellm.strong_share_curve(preference, self.WEAK, self.STRONG)
        np.testing.assert_allclose(shares, [0, 0.25, 0.75, 1])
        np.testing.assert_allclose(scores, [0.25, 0.5, 0.75, 0.75])
        recovered = routellm.gap_recovered(scores, 0.25, 0.75)
        np.testing.assert_allclose(recovered, [0, 0.5, 1, 1])
        area = 0.25 * 0.25 + 0.5 * 0.75 + 0.25
        assert routellm.mean_gap_recovered(shares, recovered) == pytest.approx(area)
        assert routellm.share_needed(shares, recovered, 0.8) == pytest.approx(0.55)

    def test_random_router(self):
        shares, scores = routellm.strong_share_curve(np.zeros(4), self.WEAK, self.STRONG)
        recovered = routellm.gap_recovered(scores, 0.25, 0.75)
        assert routellm.mean_gap_recovered(shares, recovered) == pytest.approx(0.5)
        for level in (0, 0.2, 0.5, 0.8, 1):
            assert routellm.share_needed(shares, recovered, level) == pytest.approx(level)

    def test_released_area_is_over_what_was_observed(self):
        shares, recovered = arrays([0.25, 0.75], [0.5, 1])
        assert routellm.mean_gap_recovered_released(shares, recovered) == pytest.approx(0.75)
        forced = routellm.mean_gap_recovered(shares, recovered)
        assert forced == pytest.approx(0.25 * 0.25 + 0.5 * 0.75 + 0.25)

    def test_no_gap_to_recover(self):
        recovered = routellm.gap_recovered(np.array([0.5, 0.5]), 0.5, 0.5)
        assert np.isnan(recovered).all()
        assert np.isnan(routellm.share_needed(np.array([0.0, 1]), recovered, 0.5))


class TestLLMRouterBench:
    def test_relative_gains(self):
        assert llmrouterbench.gain(0.66, 0.6) == pytest.approx(0.1)
        assert llmrouterbench.gap_to_oracle(0.66, 0.88) == pytest.approx(0.25)
        assert np.isnan(llmrouterbench.gain(0.5, 0))
        # mean of ratios, and ratio of means
        per_dataset, reference = np.array([0.2, 0.8]), np.array([0.1, 0.8])
        assert llmrouterbench.gain(per_dataset, reference).mean() == pytest.approx(0.5)
        assert llmrouterbench.gain(per_dataset.mean(), reference.mean()) == pytest.approx(1 / 9)

    def test_best_operating_points(self):
        costs, scores = arrays([1, 2, 4, np.nan], [0.5, 0.6, 0.66, np.nan])
        assert llmrouterbench.performance_gain(scores, 0.6) == pytest.approx(0.1)
        assert llmrouterbench.cost_saved(costs, scores, 4, 0.6) == pytest.approx(0.5)
        assert llmrouterbench.cost_saved(costs, scores, 1, 0.6) == pytest.approx(-1)
        assert np.isnan(llmrouterbench.cost_saved(costs, scores, 4, 0.7))

    def test_distance_to_the_front(self):
        pool = arrays([1, 10, 100, 10], [0.4, 0.6, 0.8, 0.4])
        # scaled: (0, 0), (.5, .5), (1, 1) are the front, (.5, 0) is half a side from two of them
        distance = llmrouterbench.distance_to_front
        assert distance(*arrays([10], [0.4]), *pool) == pytest.approx(0.5)
        assert distance(*arrays([10, 100], [0.4, 0.8]), *pool) == pytest.approx(0.25)
        assert distance(*arrays([1, 10, 100], [0.4, 0.6, 0.8]), *pool) == 0
        assert np.isnan(distance(*arrays([np.nan], [0.4]), *pool))

    def test_scores_by_number_of_solvers(self, tiny):
        always_a = tiny.scores[:, 0]
        means, counts = llmrouterbench.score_by_solvers(always_a, tiny.scores)
        np.testing.assert_array_equal(counts, [0, 2, 2, 0])
        np.testing.assert_allclose(means, [np.nan, 0.5, 0.5, np.nan])
        assert llmrouterbench.score_where_few_solve(always_a, tiny.scores) == (0.5, 0.5)
        nobody = llmrouterbench.score_where_few_solve(np.zeros(2), np.zeros((2, 3)))
        assert np.isnan(nobody[0])
        assert nobody[1] == 0
        assert [llmrouterbench.few_solvers(m) for m in (2, 8, 20, 33)] == [1, 1, 3, 5]


class TestRouterArena:
    def test_score_reproduces_the_sources_check_values(self):
        assert routerarena.arena_score(0.6688, 0.15) == pytest.approx(0.669, abs=5e-4)
        assert routerarena.arena_score(0.7396, 10.02) == pytest.approx(0.643, abs=5e-4)

    def test_score_at_the_ends_of_the_range(self):
        assert routerarena.arena_score(0.7, 0.0044) == pytest.approx(1.1 * 0.7 / 1.07)
        assert routerarena.arena_score(0.7, 0.0) == routerarena.arena_score(0.7, 0.0044)
        assert routerarena.arena_score(0.7, 500) == 0
        assert np.isnan(routerarena.arena_score(0.7, float("nan")))

    def test_robustness_is_the_share_that_stays(self):
        before, after = ["a", "b", "a", "", "c"], ["a", "a", "a", "b", ""]
        assert routerarena.robustness(before, after) == pytest.approx(2 / 3)
        assert np.isnan(routerarena.robustness([""], ["a"]))

    def test_optimality_by_hand(self):
        scores = np.array([[1, 0], [1, 1], [0, 1], [0, 0]], dtype=float)
        costs = np.tile([1.0, 4.0], (4, 1))
        # nobody solves the last; the second is right but dear, the third cheap but wrong
        found = routerarena.optimality(np.array([0, 1, 0, 1]), scores, costs)
        assert found == pytest.approx({"choice": 1 / 3, "cost": 6 / 6, "score": 2 / 3})
        best = routerarena.optimality(np.array([0, 0, 1, -1]), scores, costs)
        assert best == pytest.approx({"choice": 1, "cost": 1, "score": 1})
        missed = routerarena.optimality(np.array([0, -1, 1, 0]), scores, costs)
        assert missed["score"] == pytest.approx(2 / 3)

    def test_optimality_without_costs_or_solvable_questions(self):
        scores = np.array([[1.0, 0], [0, 1]])
        found = routerarena.optimality(np.array([0, 0]), scores, np.full((2, 2), np.nan))
        assert found["score"] == 0.5
        assert np.isnan(found["choice"])
        assert np.isnan(found["cost"])
        nothing = routerarena.optimality(np.array([0]), np.zeros((1, 2)), np.ones((1, 2)))
        assert np.isnan(list(nothing.values())).all()


def test_penalised_runtime():
    runtime, timed_out = np.array([1.0, 2, 10]), np.array([False, False, True])
    found = aslib.penalised_runtime(runtime, timed_out, cutoff=10)
    assert found == pytest.approx((1 + 2 + 100) / 3)
    # as coded in the source, where a timeout's time is one cutoff already
    assert found == pytest.approx((runtime.sum() + 9 * 10 * timed_out.sum()) / 3)
    assert aslib.runtime_gap_closed(6, single_best=10, virtual_best=2) == pytest.approx(0.5)
    assert aslib.runtime_gap_closed(12, 10, 2) == pytest.approx(-0.25)
    assert np.isnan(aslib.runtime_gap_closed(2, 2, 2))


class TestCalibration:
    def test_brier_by_hand(self):
        predicted = np.array([[0.8, 0.5], [0.8, np.nan], [0.2, 0.5], [0.2, 0.5]])
        scores = np.array([[1, 1], [0, 1], [0, np.nan], [0, 0.5]])
        np.testing.assert_allclose(calibration.brier(predicted, scores), [0.19, 0.125])
        assert np.isnan(calibration.brier(np.full((2, 1), np.nan), np.ones((2, 1)))).all()

    def test_error_over_bins_of_both_kinds(self):
        predicted, scores = np.array([[0.1, 0.2, 0.6, 0.9]]).T, np.array([[0, 1, 1, 1.0]]).T
        # two bins of equal mass: .15 against .5, .75 against 1
        mass = calibration.calibration_error(predicted, scores, n_bins=2)
        np.testing.assert_allclose(mass, [0.3])
        # ten of equal width: every prediction on its own
        width = calibration.calibration_error(predicted, scores, equal_mass=False)
        np.testing.assert_allclose(width, [(0.1 + 0.8 + 0.4 + 0.1) / 4])

    def test_equal_predictions_share_a_bin_in_any_order(self):
        predicted = np.full((100, 1), 0.5)
        scores = (np.arange(100) < 50).astype(float)[:, None]
        assert calibration.calibration_error(predicted, scores) == 0
        assert calibration.calibration_error(predicted, scores[::-1]) == 0
        assert np.isnan(calibration.calibration_error(predicted * np.nan, scores)).all()

    def test_honest_predictions_are_calibrated(self):
        predicted = np.random.default_rng(0).random((20_000, 1))
        scores = (np.random.default_rng(1).random((20_000, 1)) < predicted).astype(float)
        for equal_mass in (True, False):
            found = calibration.calibration_error(predicted, scores, equal_mass=equal_mass)
            assert found[0] < 0.02

    def test_by_llm_by_hand(self):
        def run(predicted):
            return pd.DataFrame(
                {
                    "score/a": [1.0, 0.0],
                    "predicted_score/a": predicted,
                    "score/b": [1.0, np.nan],
                    "predicted_score/b": [0.5, 0.5],
                }
            )

        found = calibration.by_llm([run([1.0, 0.0]), run([0.6, 0.6])])
        assert found.loc["a", ["score", "predicted"]].tolist() == [0.5, pytest.approx(0.55)]
        assert found.loc["a", "brier"] == pytest.approx((0 + (0.16 + 0.36) / 2) / 2)
        assert found.loc["a", "calibration_error"] == pytest.approx(0.1 / 2)
        assert found.loc["b"].tolist() == [2, 1.0, 0.5, 0.25, 0.5]


@pytest.fixture
def runs(table):
    recogniser = RecognisedDatasetRouter(TfidfEncoder())
    return [
        evaluate(KNNRouter(k=15), table, kfold(table, seed, n_folds=3), recogniser).rows
        for seed in (0, 1)
    ]


def figures_of(runs, unit="USD"):
    curve = metrics.price_curve(runs, metrics.price_grid(runs))
    return report.field_figures(runs, curve, metrics.summary(runs), unit), curve


def test_figures_of_stored_rows(runs):
    found, points = figures_of(runs)
    summary = metrics.summary(runs)
    best = metrics.llm_points(runs)["score"].max()
    assert found["value_over_best_single"] == pytest.approx(summary["macro_score"] / best)
    expected = summary["macro_score"] / summary["best_single"] - 1
    assert found["gain_best_single"] == pytest.approx(expected)
    assert 0 < found["gap_oracle"] < 1
    assert found["aiq_gain"] == pytest.approx(found["aiq"] - found["aiq_zero"])
    assert found["aiq_gain"] > 0.05  # topics decide, and the router reads them
    assert 0 < found["brier"] < 0.3
    assert 0 < found["question_entropy"] < 2
    assert not [name for name, value in found.items() if np.isnan(value)]
    assert report.distances_to_front([points]) == pytest.approx([0], abs=0.2)
    assert np.isnan(figures_of(runs, "seconds (proxy)")[0]["arena_score"])


def test_a_router_that_asks_one_llm_gains_nothing(runs):
    for run in runs:
        run["choice"] = run["choice/best_single"]
        values = np.full(len(run), 0.5)
        for name in llm_names(run):
            run[f"predicted_score/{name}"] = values
    found, _ = figures_of(runs)
    assert found["gain_best_single"] == pytest.approx(0)
    assert found["value_over_best_single"] <= 1
    assert found["question_entropy"] == pytest.approx(2)  # four llms, told apart by nothing


def test_order_of_rows_changes_no_figure(runs):
    turned = [run.iloc[::-1] for run in runs]
    assert figures_of(turned)[0] == pytest.approx(figures_of(runs)[0])


def test_one_line_per_router_and_a_dash_for_what_is_not_known(runs):
    found, points = figures_of(runs)
    rows = pd.DataFrame([{"router": "knn", "n_llms": 4, **metrics.summary(runs), **found}])
    assert len(points) == 26
    text = table.to_markdown(rows)
    (line,) = [line for line in text.splitlines() if line.startswith("| **knn**")]
    assert "exactly 1 llm solves" in text
    assert f"| {found['value_over_best_single']:.3f} |" in line
    assert "–" not in line  # noqa: RUF001
    unknown = table.to_markdown(rows.assign(aiq_gain=np.nan))
    assert unknown.splitlines()[-1].count("| – |") == 1  # noqa: RUF001
