import dataclasses

import numpy as np
import pytest

from benchmarks import bounds, scoring, stored_rows
from benchmarks.splits import Fold
from routers.encoders import TfidfEncoder
from routers.recognition import RecognisedDatasetRouter
from routers.table import RoutingTable


def floors(table, train, test):
    fold = [np.asarray(part, dtype=np.int64).tobytes() for part in (train, test)]
    return bounds.floors(table, *fold, RecognisedDatasetRouter(TfidfEncoder())).choices


def test_floors_are_chosen_on_train(tiny):
    found = floors(tiny, [0, 2], [1, 3])
    # on train: fish a 1, b 0, c 0; bird a 0, b 1, c 0. Best single: a, cheaper than b
    assert list(found["best_single"]) == [0, 0]
    assert list(found["dataset_best"]) == [0, 1]
    assert list(found["recognised_dataset"]) == [0, 1]
    assert list(found["cheapest"]) == [0, 0]


def test_the_best_single_llm_is_best_in_the_mean_over_datasets(tiny):
    # by question a and b tie at 2/3, and a is cheaper; by dataset a has (1, 0), b (1/2, 1)
    found = floors(tiny, [0, 1, 2], [3])
    assert list(found["best_single"]) == [1]


def test_dataset_unseen_in_train_falls_back_on_the_best_single(tiny):
    found = floors(tiny, [2, 3], [0, 1])
    assert list(found["dataset_best"]) == list(found["best_single"]) == [1, 1]


def test_oracle_takes_the_largest_score_and_the_cheapest_of_equals(tiny):
    score, cost = scoring.oracle(tiny.scores, tiny.costs)
    assert score.tolist() == [1, 1, 1, 1]
    assert cost.tolist() == [1, 1, 2, 2]
    fractional = np.array([[0.2, 0.3, 0.1], [0.3, 0.3, 0.3], [0.1, 0.3, 0.3]])
    score, cost = scoring.oracle(fractional, np.array([[1, 2, 3], [3, np.nan, 2], [1, np.nan, 4]]))
    assert score.tolist() == [0.3] * 3
    assert cost.tolist() == [2, 2, 4]  # an unknown cost is not the least


def test_the_oracle_s_cost_is_unknown_where_that_of_every_best_llm_is():
    score, cost = scoring.oracle(
        np.array([[1.0, 1], [1, 0]]), np.array([[np.nan] * 2, [np.nan, 1]])
    )
    assert score.tolist() == [1, 1]
    assert np.isnan(cost).all()


def test_unobserved_outcomes_are_never_chosen(tiny):
    scores = tiny.scores.copy()
    scores[0] = [np.nan, 0, 0]
    scores[1] = np.nan
    table = dataclasses.replace(tiny, scores=scores)
    score, cost = scoring.oracle(table.scores, table.costs)
    np.testing.assert_array_equal(score, [0, np.nan, 1, 1])
    np.testing.assert_array_equal(cost, [2, np.nan, 2, 2])
    predicted = np.full((4, 3), [0.9, 0.5, 0.1])
    choice = bounds.route_observed(predicted, table.costs, table.scores, table.llms)
    assert list(choice) == [1, -1, 0, 0]
    np.testing.assert_allclose(scoring.random_score(table.scores), [0, np.nan, 1 / 3, 2 / 3])


def test_oracle_without_luck_by_hand():
    # two llms, four options: accuracies .75 and .25 on four questions, g = 1/4
    scores = np.array([[1, 1], [1, 0], [1, 0], [0, 0]], dtype=float)
    datasets = np.array(["d"] * 4, dtype=object)
    # known: (.75 - .25) / .75 = 2/3, of the right answers a share (2/3) / .75 = 8/9; and 0
    right = 1 - 0.75 * (1 / 9)
    found = scoring.corrected_oracle_score(scores, np.full(4, 0.25), datasets)
    np.testing.assert_allclose(found, [right, right, right, 0])


def test_luck_is_worked_out_among_questions_of_the_same_number_of_options():
    """An open question says nothing of guessing, nor does one of two options of one of four."""
    scores = np.array([[1, 1], [1, 0], [1, 0], [0, 0]], dtype=float)
    alone = scoring.corrected_oracle_score(scores, np.full(4, 0.25), np.full(4, "d", dtype=object))
    others = np.array([[1.0, 1], [0, 1], [1, 1], [0.5, 0]])
    for chance in (0.0, 0.5):
        mixed = scoring.corrected_oracle_score(
            np.vstack([others, scores]),
            np.repeat([chance, 0.25], 4),
            np.full(8, "d", dtype=object),
        )
        np.testing.assert_array_equal(mixed[4:], alone)


def test_oracle_without_luck_leaves_open_and_fractional_questions_alone():
    scores = np.array([[1, 0], [0.4, 0.3], [np.nan, 1]])
    datasets = np.array(["d"] * 3, dtype=object)
    found = scoring.corrected_oracle_score(scores, np.zeros(3), datasets)
    np.testing.assert_allclose(found, [1, 0.4, 1])
    found = scoring.corrected_oracle_score(scores, np.full(3, 0.25), datasets)
    assert found[1] == 0.4


@pytest.mark.filterwarnings("error")
def test_who_is_right_more_rarely_than_by_chance_knows_nothing():
    # two options: of two llms, right once in four and never, the one is right by luck alone
    scores = np.array([[1, 0, np.nan], [0, 0, np.nan], [0, 0, np.nan], [0, 0, np.nan]])
    found = scoring.corrected_oracle_score(scores, np.full(4, 0.5), np.full(4, "d", dtype=object))
    assert list(found) == [0.5, 0, 0, 0]


def test_a_lone_right_answer_of_its_dataset_is_knowledge():
    found = scoring.corrected_oracle_score(np.ones((1, 1)), np.array([0.25]), np.array(["d"]))
    assert list(found) == [1]


@pytest.mark.filterwarnings("error")
def test_random_is_the_mean_of_who_was_asked_in_double_precision():
    scores = np.array([[0.1, 0.2, 0.4], [np.nan, 0.1, np.nan], [np.nan] * 3], dtype=np.float32)
    wide = scores.astype(np.float64)
    expected = [(wide[0, 0] + wide[0, 1] + wide[0, 2]) / 3, wide[1, 1], np.nan]
    np.testing.assert_allclose(scoring.random_score(scores), expected, rtol=1e-14)


def test_a_price_is_asked_of_those_who_were_observed_and_whose_cost_is_known():
    nan = np.nan
    predicted, truth = np.full((4, 2), [0.9, 0.6]), np.array([[1, 1], [1, 1], [nan, 1], [1, 1]])
    costs = np.array([[4, 1], [nan, 1], [4, nan], [nan, nan]])

    def choice(price):
        return list(bounds.route_observed(predicted, costs, truth, ["a", "b"], price))

    assert choice(0.0) == [0, 0, 1, 0]
    assert choice(0.099) == [0, 1, -1, -1]  # .9 - 4 p = .6 - p at p = .1
    assert choice(0.101) == [1, 1, -1, -1]


def test_every_floor_has_a_choice_where_costs_are_known(tiny):
    assert set(floors(tiny, [0, 2], [1, 3])) == set(stored_rows.FLOORS)


def test_a_question_without_outcomes_has_no_oracle():
    scores = np.array([[1, 0], [np.nan, np.nan]])
    datasets = np.array(["d", "d"], dtype=object)
    for chance in (np.zeros(2), np.full(2, 0.25)):
        found = scoring.corrected_oracle_score(scores, chance, datasets)
        assert np.isfinite(found[0])
        assert np.isnan(found[1])


def test_a_dataset_without_training_outcomes_falls_back_on_the_best_single_llm(tiny):
    scores = tiny.scores.copy()
    scores[2] = np.nan  # the training question of "bird"
    scores[0] = [0, 1, 0]
    table = dataclasses.replace(tiny, scores=scores)
    found = floors(table, [0, 2], [1, 3])
    assert list(found["dataset_best"]) == list(found["best_single"]) == [1, 1]


def test_dataset_best_is_the_recognizer_that_is_told_the_dataset():
    """It shrinks as its floor does: two questions of a dataset are no reason to leave the best."""
    n = 42
    scores = np.zeros((n, 2))
    scores[:40, 0] = [1, 1, 1, 0] * 10  # on "large" the first llm is right three times in four
    scores[:40, 1] = [0, 0, 0, 1] * 10
    scores[40:] = [[0.5, 0.9], [0.5, 0.9]]
    table = RoutingTable(
        questions=["large"] * 40 + ["small"] * 2,
        scores=scores,
        llms=["a", "b"],
        ids=[f"q{i:02d}" for i in range(n)],
        datasets=["large"] * 40 + ["small"] * 2,
    )
    train, test = list(range(41)), [41]
    told = bounds.floors(
        table,
        *(np.asarray(part, dtype=np.int64).tobytes() for part in (train, test)),
        RecognisedDatasetRouter(TfidfEncoder(), prior=3.0),
    )
    # a: (.5 + 3 * 30.5/41) / 4 = .68; b: (.9 + 3 * 10.9/41) / 4 = .42; raw means say b
    assert list(told.choices["dataset_best"]) == [0]
    assert list(told.choices["recognised_dataset"]) == [0]


def test_cheapest_has_no_choice_among_llms_of_unknown_cost(tiny):
    scores, costs = tiny.scores.copy(), tiny.costs.copy()
    costs[:, 0] = np.nan
    scores[3, 1:] = np.nan
    found = floors(dataclasses.replace(tiny, scores=scores, costs=costs), [0, 2], [1, 3])
    assert list(found["cheapest"]) == [1, -1]
    unknown = dataclasses.replace(tiny, costs=np.full(3, np.nan))
    assert "cheapest" not in floors(unknown, [0, 2], [1, 3])


def test_the_best_single_llm_is_known_where_it_was_not_observed(tiny):
    scores = tiny.scores.copy()
    scores[1, 0] = np.nan
    table = dataclasses.replace(tiny, scores=scores)
    fold = [np.array(rows, dtype=np.int64).tobytes() for rows in ([0, 2], [1, 3])]
    found = bounds.floors(table, *fold, RecognisedDatasetRouter(TfidfEncoder()))
    assert found.best_single == 0
    assert list(found.choices["best_single"]) == [1, 0]


def test_guessers_have_an_oracle_near_chance_once_luck_is_taken_out():
    rng = np.random.default_rng(0)
    scores = (rng.random((4000, 8)) < 0.25).astype(float)
    datasets = np.full(4000, "d", dtype=object)
    plain = scores.max(axis=1).mean()
    found = scoring.corrected_oracle_score(scores, np.full(4000, 0.25), datasets).mean()
    assert plain == pytest.approx(1 - 0.75**8, abs=0.02)  # .90: a union of lucky guesses
    assert found < 0.3


def test_corrected_oracle_lies_between_best_single_and_oracle(table):
    chance = np.full(len(table), 0.25)
    found = scoring.corrected_oracle_score(table.scores, chance, table.datasets)
    assert (found <= table.scores.max(axis=1)).all()


def test_fold_is_only_positions():
    assert {field.name for field in dataclasses.fields(Fold)} == {"train", "test"}


@pytest.mark.parametrize("hidden", [False, True])
def test_a_price_counts_whether_or_not_every_question_has_a_choice(hidden):
    predicted, costs = np.array([[0.9, 0.8], [0.9, 0.8]]), np.array([[2.0, 1.0], [1.0, 2.0]])
    truth = np.ones((2, 2))
    if hidden:
        truth[1] = np.nan
    chosen = [
        list(bounds.route_observed(predicted, costs, truth, ["a", "b"], price))
        for price in (0.0, 0.5)
    ]
    last = -1 if hidden else 0
    assert chosen == [[0, last], [1, last]]
