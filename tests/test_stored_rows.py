"""What every policy got is read back from stored rows, aligned by question, or is unknown."""

import math

import numpy as np
import pandas as pd
import pytest
from stored_by_hand import asked, stored, two_seeds

from benchmarks import stored_rows
from benchmarks.scoring import chosen
from benchmarks.stored_rows import equals_by_luck, panel

NAN = math.nan
# Of q1 to q5; seed 0 asked q1 to q4, seed 1 q1, q2 and q5.
SCORES = {
    "router": [[1, 1, 0, 0, NAN], [0, 1, NAN, NAN, 0.5]],
    "cheapest": [[1, 0, 0, 1, NAN], [1, 0, NAN, NAN, 0]],
    "best_single": [[1, 0, 0, 1, NAN], [0, 1, NAN, NAN, 0.5]],
    "recognised_dataset": [[0, 1, 1, 1, NAN], [1, 0, NAN, NAN, 0]],
    "dataset_best": [[0, 1, 1, 0, NAN], [1, 1, NAN, NAN, 0.5]],
    "random": [[0.5, 0.5, 0.5, 0.5, NAN], [0.5, 0.5, NAN, NAN, 0.25]],
    "oracle": [[1, 1, 1, 1, NAN], [1, 1, NAN, NAN, 0.5]],
}
COSTS = {
    "router": [[1, 4, 1, 6, NAN], [4, 4, NAN, NAN, 6]],
    "cheapest": [[1, 1, 1, 2, NAN], [1, 1, NAN, NAN, 2]],
    "best_single": [[1, 1, 1, 2, NAN], [4, 4, NAN, NAN, 6]],
    "recognised_dataset": [[4, 4, 4, 2, NAN], [1, 1, NAN, NAN, 2]],
    "dataset_best": [[4, 4, 4, 6, NAN], [1, 4, NAN, NAN, 6]],
    "random": [[2.5, 2.5, 2.5, 4, NAN], [2.5, 2.5, NAN, NAN, 4]],
    "oracle": [[1, 4, 4, 2, NAN], [1, 4, NAN, NAN, 6]],
}


def test_seeds_are_aligned_by_question():
    found = panel(two_seeds())
    assert list(found.datasets) == ["d", "d", "d", "e", "e"]
    assert set(found.scores) == set(found.costs) == set(stored_rows.POLICIES)
    for policy in SCORES:
        np.testing.assert_array_equal(found.scores[policy], SCORES[policy], err_msg=policy)
        np.testing.assert_array_equal(found.costs[policy], COSTS[policy], err_msg=policy)


@pytest.mark.parametrize("unknown", [-1, NAN])  # NaN: stored beside runs that have the floor
def test_a_floor_without_a_choice_on_one_test_of_one_seed_is_unknown(unknown):
    first, second = two_seeds()
    first["choice/cheapest"] = [0, unknown, 0, 0]
    found = panel([first, second])
    assert np.isnan(found.scores["cheapest"]).all()
    assert np.isnan(found.costs["cheapest"]).all()
    assert np.isfinite(found.scores["best_single"]).sum() == 7
    alone = panel([second])
    assert list(alone.scores["cheapest"][0]) == [1, 0, 0]


def test_a_floor_that_was_not_run_is_unknown():
    first, second = two_seeds()
    found = panel([first.drop(columns="choice/cheapest"), second])
    assert np.isnan(found.scores["cheapest"]).all()


def test_luck_is_taken_out_of_the_score_of_the_oracle_alone():
    run = asked(["q1", "q2", "q3", "q4"], choice=[0, 0, 0, 0]).assign(chance=[0.25] * 3 + [0])
    # on d: a is right once in three, knows (1/3 - 1/4) / (3/4) = 1/9, of its answers 1/3; b is
    # right on the two others, knows (2/3 - 1/4) / (3/4) = 5/9, of its answers 5/6
    found = panel([run])
    corrected = [1 - 0.75 * 2 / 3, 1 - 0.75 / 6, 1 - 0.75 / 6, 1]
    np.testing.assert_allclose(found.scores["corrected_oracle"], [corrected])
    assert np.isnan(found.costs["corrected_oracle"]).all()
    open_questions = panel([run.assign(chance=0.0)])
    assert np.isnan(open_questions.scores["corrected_oracle"]).all()
    both = panel([run.assign(chance=0.0), run])  # luck is known of in one seed: the other has none
    np.testing.assert_allclose(both.scores["corrected_oracle"], [[1] * 4, corrected])


def test_random_costs_the_mean_of_the_observed_llms():
    run = stored(
        ["a", "b", "c"],
        question_id=["q1", "q2", "q3", "q4"],
        dataset=["d"] * 4,
        chance=[0.0] * 4,
        score=[[1, 0, 0], [1, NAN, 0], [1, 1, NAN], [NAN, NAN, NAN]],
        cost=[[1.0, 2, 6], [1, 2, 6], [1, NAN, 6], [1, 2, 6]],
        choice=[0, 2, 1, -1],
        random_score=[1 / 3, 1 / 2, 1, NAN],
        oracle_score=[1, 1, 1, NAN],
        oracle_cost=[1, 1, 1, NAN],
    )
    np.testing.assert_array_equal(panel([run[:3]]).costs["random"], [[3, 3.5, NAN]])
    np.testing.assert_array_equal(panel([run[:3]]).scores["router"], [[1, 0, 1]])
    np.testing.assert_array_equal(panel([run[:3]]).costs["router"], [[1, 6, NAN]])
    assert np.isnan(panel([run]).costs["random"]).all()  # where nobody was asked it has no mean


def test_matrices_hold_the_llms_in_the_order_of_the_zoo_in_double_precision():
    run = stored(
        ["b", "a"], score=[[0.1, 0.7]], cost=[[3, 4]], predicted_score=[[0.5, 0.6]], fold=[0]
    )
    narrow = run.astype({"score/b": np.float32, "score/a": np.float32})
    assert stored_rows.llm_names(run) == ["b", "a"]
    assert stored_rows.matrix(run, "cost").tolist() == [[3, 4]]
    assert stored_rows.matrix(run, "predicted_score").tolist() == [[0.5, 0.6]]
    assert stored_rows.matrix(narrow, "score").dtype == np.float64


def test_each_llm_is_eligible_unless_it_is_said():
    run = stored(["a", "b", "c"], score=np.zeros((2, 3)))
    assert stored_rows.eligible(run).tolist() == [[True] * 3] * 2
    assert stored_rows.eligible(run).dtype == bool
    run["eligible/b"] = [False, True]
    assert stored_rows.eligible(run).tolist() == [[True, False, True], [True, True, True]]
    beside = pd.concat([run, stored(["a", "b", "c"], score=np.zeros((1, 3)))])
    assert stored_rows.eligible(beside)[:, 1].tolist() == [False, True, True]


def test_what_was_not_chosen_has_no_value():
    values = np.array([[1.0, 2], [3, 4], [5, 6]])
    taken = chosen(values, np.array([1, -1, 0]))
    np.testing.assert_array_equal(taken, [2, NAN, 5])


@pytest.mark.parametrize("floor", ["recognised_dataset", "best_single"])
def test_who_scored_as_a_floor_by_other_choices(floor):
    row = pd.DataFrame(
        {
            "score/a": [1.0, 0.0, 1.0],
            "score/b": [1.0, 0.0, 0.0],
            "choice": [1, 0, 0],
            "choice/recognised_dataset": [1, 0, 0],
            "choice/best_single": [1, 0, 0],
        }
    )
    other = row.assign(**{f"choice/{floor}": [0, 0, 0]})
    assert not equals_by_luck([row], floor)  # it made the same choices
    assert equals_by_luck([other], floor)
    assert equals_by_luck(iter([row, other]), floor)  # one seed is enough
    worse = other.assign(choice=[1, 0, 1])
    assert not equals_by_luck([worse], floor)
    assert not equals_by_luck([other, worse], floor)


@pytest.fixture
def outcomes():
    """What two llms did with three questions, and what was chosen: no policy's score is said."""
    return stored(
        ["a", "b"],
        question_id=["p", "q", "r"],
        dataset=["d"] * 3,
        score=[[1, 0], [0.25, 0.75], [0, 0]],
        cost=[[3, 1], [4, 2], [5, 7]],
        choice=[1, 0, -1],
        choice_best_single=[0, 0, 0],
    )


def test_outcomes_and_choices_tell_what_policies_scored_and_paid(outcomes):
    found = stored_rows.scored(outcomes)
    expected = {
        "score": [0, 0.25, NAN],
        "cost": [1, 4, NAN],
        "best_single_score": [1, 0.25, 0],
        "best_single_cost": [3, 4, 5],
        "random_score": [0.5, 0.5, 0],
        "random_cost": [2, 3, 6],
        "oracle_score": [1, 0.75, 0],
        "oracle_cost": [3, 2, 5],
    }
    assert list(found)[: len(list(outcomes))] == list(outcomes)
    assert set(found) - set(outcomes) == set(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
    assert stored_rows.router_score(outcomes).equals(found["score"])
    assert stored_rows.router_score(outcomes.assign(score=0.5)).tolist() == [0.5] * 3


def test_what_is_said_already_stays(outcomes):
    said = outcomes.assign(score=0.5, oracle_score=0.9, random_cost=8.0)
    found = stored_rows.scored(said)
    assert found["score"].tolist() == [0.5] * 3
    assert found["oracle_score"].tolist() == [0.9] * 3
    assert found["random_cost"].tolist() == [8] * 3
    assert found["oracle_cost"].tolist() == [3, 2, 5]


def test_what_nobody_said_is_not_made_up(outcomes):
    unpriced = outcomes.drop(columns=["cost/a", "cost/b"])
    assert not [name for name in stored_rows.scored(unpriced) if "cost" in name]
    assert np.isnan(stored_rows.matrix(unpriced, "cost")).all()
    plain = outcomes[["question_id", "dataset"]].assign(score=1.0)
    assert list(stored_rows.scored(plain)) == list(plain)
    # an oracle without luck needs to know of options
    assert "corrected_oracle_score" not in stored_rows.scored(outcomes)
    assert "corrected_oracle_score" in stored_rows.scored(outcomes.assign(chance=0.25))


def test_columns_of_policies():
    column_of = stored_rows.column_of
    assert (column_of("router"), column_of("router", "cost")) == ("score", "cost")
    assert (column_of("oracle"), column_of("oracle", "cost")) == ("oracle_score", "oracle_cost")


def test_who_scored_as_the_floor_and_says_no_choice_may_have_chosen_otherwise():
    plain = pd.DataFrame({"score": [1.0, 0], "best_single_score": [1.0, 0], "choice": [0, 1]})
    assert equals_by_luck([plain], "best_single")
    assert equals_by_luck([plain.drop(columns="choice")], "best_single")
    assert not equals_by_luck([plain, plain.assign(score=[1.0, 0.5])], "best_single")
    told = plain.assign(**{"choice/best_single": [0, 1], "score/a": [1.0, 1], "score/b": [0.0, 0]})
    assert not equals_by_luck([told], "best_single")  # it chose the same
