"""A test that one policy has no choice on is left out for all, and what is left out is counted."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from stored_by_hand import stored

from benchmarks import comparable, comparison

NAN = math.nan
FLOORS = ["best_single", "recognised_dataset", "dataset_best"]


def chose(ids, choice=0, score=1.0, **columns):
    """Return rows of the llms a and b; every floor has a choice unless it is said."""
    n = len(ids)
    score = np.broadcast_to(score, (n, 2))
    given = {f"choice_{floor}": np.zeros(n, dtype=int) for floor in (*FLOORS, "cheapest")}
    given |= {"choice": np.broadcast_to(choice, n), "best_single_llm": np.zeros(n, dtype=int)}
    predicted = np.full((n, 2), 0.5)
    given |= {"question_id": ids, "score": score, "predicted_score": predicted}
    return stored(["a", "b"], **given | columns)


@pytest.mark.parametrize("policy", ["choice", *(f"choice/{floor}" for floor in FLOORS)])
def test_the_router_and_each_floor_must_have_a_choice(policy):
    rows = chose(["q1", "q2", "q3"]).assign(**{policy: [1, -1, 0]})
    assert comparable.has_choice(rows).tolist() == [True, False, True]


def test_where_cheapest_has_no_choice_it_is_the_floor_that_is_unknown():
    rows = chose(["q1", "q2"]).assign(**{"choice/cheapest": [0, -1]})
    assert comparable.has_choice(rows).tolist() == [True, True]


def test_what_one_router_has_no_choice_on_is_left_out_for_all_in_that_seed():
    first = {0: chose(["q1", "q2", "q3"], [-1, 0, 1]), 1: chose(["q1", "q2", "q3"])}
    second = {0: chose(["q3", "q2", "q1"], [0, -1, 0]), 2: chose(["q1"], -1)}
    found = comparable.compared([first, second])
    kept = [{seed: list(rows["question_id"]) for seed, rows in part.items()} for part in found]
    assert kept == [{0: ["q3"], 1: ["q1", "q2", "q3"]}, {0: ["q3"], 2: []}]
    assert found[0][0]["choice"].tolist() == [1]
    lost = comparable.left_out([first, second], found)
    assert sorted(lost["question_id"]) == ["q1", "q2"]


def test_pairs_are_of_questions_and_shares_of_tests():
    # q1 is asked in both seeds, and a alone was observed on it; q2 in one
    first = chose(
        ["q1", "q2", "q3"], [0, 0, -1], [[1, NAN], [1, 0], [1, 1]], best_single_llm=[1, 1, 1]
    )
    second = chose(["q1"], 0, [[1, NAN]])
    second["eligible/b"] = False
    tested = {3: first, 7: second}
    (rows,) = comparable.compared([tested])
    assert comparable.counts(tested, rows) == {
        "seeds": "3 7",
        "n_not_compared": 1,
        "n_pairs": 4,
        "n_outcomes": 3,
        "choice_share": 1 / 3,
        "best_single_share": 2 / 3,  # b on q2, a on q1 in the second seed
    }
    first["eligible/b"] = [False, True, True]
    assert comparable.counts(tested, comparable.compared([tested])[0])["n_pairs"] == 3


def test_an_llm_that_was_not_predicted_cannot_be_chosen():
    rows = chose(["q1", "q2"], predicted_score=np.array([[0.5, NAN], [0.5, 0.5]]))
    assert comparable.counts({0: rows}, {0: rows})["choice_share"] == 1 / 2


@pytest.mark.filterwarnings("error")
def test_a_share_of_nothing_is_unknown():
    rows = chose(["q1"], -1)
    found = comparable.counts({0: rows}, {0: rows[:0]})
    assert (found["n_pairs"], found["n_outcomes"], found["n_not_compared"]) == (0, 0, 1)
    assert np.isnan([found["choice_share"], found["best_single_share"]]).all()
    old = rows.drop(columns="best_single_llm")  # does not say which llm it is
    assert np.isnan(comparable.counts({0: old}, {0: old})["best_single_share"])


@dataclass
class Stored:
    about: dict
    found: pd.DataFrame

    def rows(self):
        return self.found


def test_runs_are_gathered_into_tables():
    def run(data, label, seed, choice):
        about = {"data": data, "zoo": "all", "split": "kfold", "data_hash": data}
        about |= {"label": label, "seed": seed, "finished": "2026-01-01", "cost_unit": f"{data}$"}
        return Stored(about, chose(["q1", "q2"], choice))

    runs = [
        run("y", "knn", 0, [0, 0]),
        run("x", "svm", 1, [0, -1]),
        run("x", "knn", 0, [0, 0]),
        run("x", "knn", 1, [1, 1]),
    ]
    first, second = comparison.comparisons(runs)
    assert (first.labels, second.labels) == (["knn", "svm"], ["knn"])
    assert (first.cost_unit, second.cost_unit) == ("x$", "y$")
    assert [table.place[0] for table in (first, second)] == ["x", "y"]
    assert [list(by_seed) for by_seed in first.tested] == [[0, 1], [1]]
    assert [[len(rows) for rows in by_seed.values()] for by_seed in first.tested] == [[2, 2], [2]]
    assert [[len(rows) for rows in by_seed.values()] for by_seed in first.rows] == [[2, 1], [1]]
    assert [[run.about["label"] for run in group] for group in first.groups] == [
        ["knn", "knn"],
        ["svm"],
    ]
