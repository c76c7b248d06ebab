"""Traps found in the field's published code and tables, each with the tests that keep us out.

| #  | trap                                            | guarded by |
|----|-------------------------------------------------|------------|
| 1  | checkpoints picked at their peak on test        | test_evaluate.py::test_router_is_given_train_only_and_text_only |
|    |                                                 | test_traps.py::test_no_test_outcome_reaches_a_prediction_or_a_floor |
| 2  | candidate groups chosen by their oracle on test | test_traps.py::test_zoos_are_lists_of_names |
|    |                                                 | test_traps.py::test_groups_picked_by_their_test_oracle_look_better_than_they_are |
| 3  | clustering on train and test                    | test_traps.py::test_no_test_text_reaches_another_prediction |
|    |                                                 | router_checks.py::check_batch_independence |
| 4  | policy fitted on test labels; a shift that does | test_choice.py::test_choice_depends_on_neither_column_order_nor_a_constant |
|    | nothing; labels permuted, confidences not       | test_replays.py::test_p3_is_argmax_without_the_label_check |
|    |                                                 | test_replays.py::test_p4_permutes_labels_but_not_confidences |
| 5  | profile questions among the test questions      | test_model_sat_paper.py::test_aptitude_test_holds_training_questions_that_distinguish |
|    |                                                 | test_splits.py::test_duplicates_never_straddle |
|    |                                                 | test_splits.py::test_given_split_leaves_out_recurring_training_questions |
| 6  | text profile and question cut in silence        | test_model_sat_paper.py::test_tasks_read_counts_what_an_encoder_does_not_cut |
|    |                                                 | test_model_sat_paper.py::test_long_questions_keep_beginning_and_end |
| 7  | a missing cost counts as 0                      | test_choice.py::test_unknown_scores_are_never_chosen_and_unknown_costs_are_not_free |
|    |                                                 | test_table.py::test_nan_is_not_observed_and_costs_default_to_unknown |
|    |                                                 | test_traps.py::test_one_missing_cost_makes_the_figures_that_need_it_unknown |
| 8  | entropy of probabilities that do not compare    | test_traps.py::test_entropy_is_of_choices_not_of_how_a_router_was_written |
| 9  | interpolating a curve that falls                | test_traps.py::test_calls_needed_are_read_off_the_monotone_envelope |
| 10 | AIQ divided by c_max, each over its own range   | test_traps.py::test_aiq_is_over_one_range_for_all |
| 11 | a metric conditional on being right             | test_traps.py::test_optimality_counts_the_questions_a_router_got_wrong |
| 12 | a loss that never compares llms                 | test_model_sat_paper.py::test_llm_groups_do_not_see_the_offset_of_an_llm |
| 13 | unions of guesses taken for complementarity     | test_bounds.py::test_guessers_have_an_oracle_near_chance_once_luck_is_taken_out |
|    |                                                 | test_bounds.py::test_oracle_without_luck_by_hand |
| 14 | voting over samples confounded with routing     | test_traps.py::test_a_router_scores_what_its_choice_scored |
| 15 | argmax of all-negative outputs is column 0      | test_traps.py::test_outputs_below_zero_or_all_alike_do_not_mean_column_zero |
|    |                                                 | test_choice.py::test_largest_score_then_cheaper_then_alphabetical |
| 16 | random baseline from a single draw              | test_traps.py::test_random_floor_is_exact |
|    |                                                 | test_replays.py::test_the_printed_random_row_is_one_draw |
| 17 | random baseline over other candidates           | test_traps.py::test_random_floor_is_over_the_routers_own_zoo |
|    |                                                 | test_replays.py::test_the_random_curve_was_drawn_on_another_zoo |
| 18 | continuous scores mixed with right and wrong    | test_traps.py::test_fractions_stay_fractions_and_solved_has_a_threshold |
|    |                                                 | test_bounds.py::test_oracle_without_luck_leaves_open_and_fractional_questions_alone |
"""  # noqa: E501 - a table

import dataclasses
import re

import numpy as np
import pytest
from conftest import ROOT
from omegaconf import OmegaConf
from stored_by_hand import field_figures, summary

from benchmarks import stored_rows
from benchmarks.evaluate import evaluate
from benchmarks.field import llmrouterbench, routellm, routerarena, routerbench, routereval
from benchmarks.points import price_grid
from benchmarks.price_curve import price_curve
from benchmarks.scoring import chosen, oracle
from benchmarks.splits import holdout, kfold
from benchmarks.stored_rows import llm_names, matrix, panel
from routers.choice import choose
from routers.encoders import TfidfEncoder
from routers.neighbors import KNNRouter
from routers.recognition import RecognisedDatasetRouter

RECOGNISER = RecognisedDatasetRouter(TfidfEncoder())
LEARNERS = ("knn", "kmeans", "logistic")


def test_every_trap_is_guarded_by_a_test_that_is_there():
    numbers = [int(number) for number in re.findall(r"^\| (\d+)", __doc__, re.MULTILINE)]
    assert numbers == list(range(1, 19))
    guards = re.findall(r"(\w+\.py)::(\w+)", __doc__)
    assert len(guards) == sum(line.count("::") for line in __doc__.splitlines())
    for file, name in guards:
        text = (ROOT / "tests" / file).read_text()
        assert re.search(rf"^def {name}\(", text, re.MULTILINE), f"{file}::{name} is not there"


def held_out(table):
    """Positions of the test questions of the hold-out used here."""
    (fold,) = holdout(table, 0)
    return fold.test


def rows_of(router, table):
    return evaluate(router, table, holdout(table, 0), RECOGNISER).rows


# 1, 2, 3: what may be known of the test questions -------------------------------------------------


@pytest.mark.parametrize("name", LEARNERS)
def test_no_test_outcome_reaches_a_prediction_or_a_floor(name, table, build_router):
    scores = table.scores.copy()
    scores[held_out(table)] = 1 - scores[held_out(table)]
    before = rows_of(build_router(name), table)
    after = rows_of(build_router(name), dataclasses.replace(table, scores=scores))
    same = ["choice", *(f"choice/{floor}" for floor in stored_rows.FLOORS)]
    same += [column for column in before if column.startswith("predicted_")]
    assert before[same].equals(after[same])
    assert not before.filter(like="score/").equals(after.filter(like="score/"))


@pytest.mark.parametrize("name", LEARNERS)
def test_no_test_text_reaches_another_prediction(name, table, build_router):
    changed = held_out(table)[0]
    questions = table.questions.copy()
    questions[changed] = "words of no other question"
    before = rows_of(build_router(name), table).set_index("question_id")
    after = rows_of(build_router(name), dataclasses.replace(table, questions=questions))
    after = after.set_index("question_id")
    others = [name for name in before.index if name != table.ids[changed]]
    predicted = [column for column in before if column.startswith("predicted_")]
    np.testing.assert_allclose(
        before.loc[others, predicted], after.loc[others, predicted], atol=2e-5
    )


def test_zoos_are_lists_of_names():
    files = sorted((ROOT / "configs" / "zoo").glob("*.yaml"))
    assert files
    for file in files:
        zoo = OmegaConf.to_container(OmegaConf.load(file))
        assert set(zoo) <= {"llms", "released", "families"}, f"{file.name} holds more than names"
        assert zoo["llms"] is None or all(isinstance(name, str) for name in zoo["llms"])


def test_groups_picked_by_their_test_oracle_look_better_than_they_are():
    rng = np.random.default_rng(0)
    learn, judge = (rng.random((2, 60, 30)) < 0.3).astype(float)  # thirty llms that are alike
    groups = [rng.choice(30, 3, replace=False) for _ in range(300)]

    def oracle(scores, group):
        return scores[:, group].max(axis=1).mean()

    on_test = max(groups, key=lambda group: oracle(judge, group))
    on_train = max(groups, key=lambda group: oracle(learn, group))
    honest = 1 - 0.7**3
    assert oracle(judge, on_test) > honest + 0.1
    assert oracle(judge, on_train) == pytest.approx(honest, abs=0.1)


# 7: missing costs ---------------------------------------------------------------------------------


def test_one_missing_cost_makes_the_figures_that_need_it_unknown(table):
    rows = evaluate(KNNRouter(k=5), table, kfold(table, 0), RECOGNISER).rows
    asked = llm_names(rows)[rows["choice"][3]]
    rows.loc[3, f"cost/{asked}"] = np.nan
    points = price_curve([rows], price_grid([rows]))
    figures = summary([rows], points=points)
    found = field_figures([rows], points)
    assert all(np.isnan(found[name]) for name in ("aiq", "aiq_zero", "aiq_gain", "arena_score"))
    assert np.isnan(figures["cost"])
    unpriced = points.assign(cost=np.nan)
    assert np.isnan(field_figures([rows], unpriced)["distance_to_front"])
    assert not np.isnan(found["gap_oracle"])


# 8 to 11: metrics ---------------------------------------------------------------------------------


def test_entropy_is_of_choices_not_of_how_a_router_was_written():
    means = np.array([[0.9, 0.1, 0.2], [0.1, 0.8, 0.3], [0.7, 0.6, 0.1], [0.2, 0.1, 0.9]])
    as_knn_does = np.exp(means) / np.exp(means).sum(axis=1, keepdims=True)
    as_mlc_does = means / means.sum(axis=1, keepdims=True)
    assert list(as_knn_does.argmax(axis=1)) == list(as_mlc_does.argmax(axis=1))
    released = [routereval.question_entropy(p) for p in (as_knn_does, as_mlc_does)]
    assert released[0] > released[1] + 0.2  # the same choices
    # a softmax of accuracies cannot even be sure of itself
    sure = np.exp([[1.0, 0, 0]]) / np.exp([1.0, 0, 0]).sum()
    assert routereval.question_entropy(sure) == pytest.approx(1.41, abs=0.005)
    ours = [routereval.choice_entropy(p.argmax(axis=1)) for p in (as_knn_does, as_mlc_does)]
    assert ours == [1.5, 1.5]


def test_calls_needed_are_read_off_the_monotone_envelope():
    shares, recovered = np.array([0, 0.25, 0.5, 0.75, 1]), np.array([0, 0.7, 0.3, 0.5, 1])
    assert routellm.share_needed(shares, recovered, 0.6) == pytest.approx(0.25 * 6 / 7)
    # a level that only a later piece reaches is read off that piece
    assert routellm.share_needed(shares, recovered, 0.75) == pytest.approx(0.875)
    assert routellm.share_needed(shares[:4], recovered[:4], 0.75) == np.inf


def test_aiq_is_over_one_range_for_all():
    cheap = routerbench.hull(np.array([1.0, 2.0]), np.array([0.5, 0.6]))
    dear = routerbench.hull(np.array([8.0, 9.0]), np.array([0.61, 0.62]))
    # each over its own range, nine times the money for a point looks like progress
    assert routerbench.aiq(dear, 8, 9) > routerbench.aiq(cheap, 1, 2)
    assert routerbench.aiq(dear, 1, 9) < routerbench.aiq(cheap, 1, 9)
    # divided by c_max, a constant score is not its own AIQ
    constant = routerbench.hull(np.array([1.0, 2.0]), np.array([0.5, 0.5]))
    assert routerbench.aiq(constant, 1, 9) == pytest.approx(0.5)
    assert routerbench.aiq_released(constant, 9) == pytest.approx(0.5 * 8 / 9)


def test_optimality_counts_the_questions_a_router_got_wrong():
    scores, costs = np.array([[1.0, 0], [0, 1], [1, 1], [0, 0]]), np.tile([1.0, 2], (4, 1))
    choice = np.array([0, 0, 1, 0])
    found = routerarena.optimality(choice, scores, costs)
    assert found["score"] == pytest.approx(2 / 3)
    right = chosen(scores, choice) == 1
    conditional = routerarena.optimality(choice[right], scores[right], costs[right])
    assert conditional["score"] == 1  # the trap: identically 1


# 14, 15: choices ----------------------------------------------------------------------------------


def test_a_router_scores_what_its_choice_scored(table):
    rows = evaluate(KNNRouter(k=5), table, kfold(table, 0), RECOGNISER).rows
    found = panel([rows])
    outcome = {
        (question, llm): score
        for question, scores in zip(table.ids, table.scores, strict=True)
        for llm, score in zip(table.llms, scores, strict=True)
    }
    asked = np.array(llm_names(rows))[rows["choice"]]
    expected = [outcome[pair] for pair in zip(rows["question_id"], asked, strict=True)]
    np.testing.assert_array_equal(found.scores["router"][0], expected)
    assert (found.scores["router"] <= found.scores["oracle"]).all()


def test_outputs_below_zero_or_all_alike_do_not_mean_column_zero():
    names, costs = ["a", "b", "c"], np.array([[3.0, 1, 2]] * 2)
    assert list(choose(np.array([[-3.0, -2, -1], [-9, -9, -9]]), costs, names)) == [2, 1]


# 16, 17: the random floor -------------------------------------------------------------------------


def test_random_floor_is_exact(table):
    rows = rows_of(KNNRouter(k=5), table)
    scores = matrix(rows, "score")
    rng = np.random.default_rng(0)
    drawn = [
        chosen(scores, rng.integers(scores.shape[1], size=len(rows))).mean() for _ in range(2000)
    ]
    assert rows["random_score"].mean() == pytest.approx(np.mean(drawn), abs=0.005)
    assert np.std(drawn) > 0.05  # what a single draw is worth


def test_random_floor_is_over_the_routers_own_zoo(table):
    part = table.select(table.llms[:2])
    rows = rows_of(KNNRouter(k=5), part)
    assert llm_names(rows) == list(part.llms)
    own = matrix(rows, "score").mean(axis=1)
    np.testing.assert_allclose(rows["random_score"], own)
    place = {name: i for i, name in enumerate(table.ids)}
    everyone = table.scores[[place[name] for name in rows["question_id"]]].mean(axis=1)
    assert not np.allclose(rows["random_score"], everyone)


# 18: fractions ------------------------------------------------------------------------------------


def test_fractions_stay_fractions_and_solved_has_a_threshold(tiny):
    scores = np.array([[0.97, 0.2, 0.1], [0.6, 0.7, 0.5], [0, 1, 0], [0.3, 0.2, 0.1]])
    table = dataclasses.replace(tiny, scores=scores)
    best, _ = oracle(table.scores, table.costs)
    np.testing.assert_allclose(best, [0.97, 0.7, 1, 0.3])
    assert list(llmrouterbench.n_solvers(table.scores)) == [1, 0, 1, 0]
    assert list(llmrouterbench.n_solvers(table.scores, solved_at=0.5)) == [1, 3, 1, 0]
    means, _ = llmrouterbench.score_by_solvers(table.scores[:, 0], table.scores)
    np.testing.assert_allclose(means[:2], [(0.6 + 0.3) / 2, (0.97 + 0) / 2])  # raw, not rounded
