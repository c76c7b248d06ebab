"""Figures of an arrival experiment, worked out by hand from a dozen rows."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.arrival import NO_FAMILY, NOT_OBSERVED
from benchmarks.arrival_figures import Basis, basis, by_dataset, curves, leads, shortened
from routers.validation import InvalidParameterError

NAN = np.nan
DATASET = {"x": "one", "y": "one", "z": "two"}
COLUMNS = ["step", "newcomer", "question_id", "n_observed", "left_out", "card", "best_single"]
ROWS = [
    (2, "b", "x", 2, "", 1.0, 0.0),
    (2, "b", "y", 1, "", 0.0, 0.0),
    (2, "b", "z", 2, "", 1.0, 1.0),
    (3, "c", "x", 3, "", 0.5, 1.0),
    (3, "c", "y", 2, NOT_OBSERVED, NAN, NAN),
    (3, "c", "z", 2, "", 0.0, 0.0),
    (4, "d", "x", 0, NO_FAMILY, NAN, NAN),
    (4, "d", "y", 0, NO_FAMILY, NAN, NAN),
    (4, "d", "z", 0, NO_FAMILY, NAN, NAN),
]
ZOOS = {2: ("a", "b"), 3: ("b", "a", "c"), 4: ()}


@pytest.fixture
def rows() -> pd.DataFrame:
    found = pd.DataFrame(ROWS, columns=COLUMNS)
    return found.assign(
        dataset=found["question_id"].map(DATASET), zoo=[ZOOS[step] for step in found["step"]]
    )


def test_a_question_counts_by_its_mean_over_arrivals_and_a_dataset_by_that_over_questions(rows):
    """card: x .75, y 0 and z .5, hence .375 on "one"; best single: x .5, y 0 and z .5."""
    found = leads(rows)
    assert list(found.index) == ["card", "best_single"]
    assert list(found.columns) == ["score", "lead", "low", "high"]
    assert found["score"].tolist() == [(0.375 + 0.5) / 2, (0.25 + 0.5) / 2]
    assert found["lead"].tolist() == [0.0625, 0]
    assert leads(rows, over="card")["lead"].tolist() == [0, -0.0625]


def test_what_the_figures_rest_on(rows):
    assert basis(rows) == Basis(
        arrivals=(2, 3),
        questions=(3, 3),
        datasets=(2, 2),
        pairs=(5, 9),
        llms=3,
        outcomes=(2 + 1 + 2 + 3 + 2, 3 * 2 + 2 * 3),
        choices=4,
    )


def test_each_arrival_on_each_dataset(rows):
    found = by_dataset(rows)
    assert found.index.names == ["step", "newcomer", "dataset"]
    counts = ["n_compared", "n_tested", "n_observed", "n_possible"]
    assert list(found.columns) == ["card", "best_single", *counts]
    assert {str(kind) for kind in found[counts].dtypes} == {"int64"}
    assert found[counts].to_numpy().tolist() == [
        *([2, 2, 3, 4], [1, 1, 2, 2]),
        *([1, 2, 3, 3], [1, 1, 2, 3]),
        *([0, 2, 0, 0], [0, 1, 0, 0]),
    ]
    np.testing.assert_array_equal(found["card"], [0.5, 1, 0.5, 0, NAN, NAN])
    np.testing.assert_array_equal(found["best_single"], [0, 1, 1, 0, NAN, NAN])


def test_the_macro_score_at_each_arrival(rows):
    found = curves(rows)
    assert list(found.index) == [2, 3, 4]
    np.testing.assert_array_equal(found["card"], [0.75, 0.25, NAN])
    np.testing.assert_array_equal(found["best_single"], [0.5, 0.5, NAN])


def test_a_curve_goes_by_the_datasets_on_which_anybody_was_compared(rows):
    """Nobody was on "one": "two" is all there is. Only "b" was on "two": "c" is unknown."""
    scores = ["card", "best_single"]
    rows.loc[rows["dataset"] == "one", scores] = NAN
    np.testing.assert_array_equal(curves(rows)["card"], [1, 0, NAN])
    rows.loc[0, scores] = 1.0
    np.testing.assert_array_equal(curves(rows)["card"], [1, NAN, NAN])


def test_which_arrivals_were_compared_in_part_or_not_at_all(rows):
    found = shortened(rows)
    assert found.index.tolist() == [(3, "c"), (4, "d")]
    assert list(found.columns[:2]) == ["compared", "tested"]
    assert found.to_dict("list") == {
        "compared": [2, 0],
        "tested": [3, 3],
        NOT_OBSERVED: [1, 0],
        NO_FAMILY: [0, 3],
    }
    none = shortened(rows[rows["step"] == 4])
    assert none.to_dict("list") == {"compared": [0], "tested": [3], NO_FAMILY: [3]}
    assert shortened(rows[rows["step"] == 2]).empty


@pytest.fixture
def many() -> pd.DataFrame:
    """One arrival, 400 questions of one dataset: a lead of .25 on average, and noise."""
    rng = np.random.default_rng(0)
    card, single = rng.random(400) / 2 + 0.5, rng.random(400)
    return pd.DataFrame({"question_id": range(400), "dataset": "one", "card": card}).assign(
        step=2, newcomer="b", best_single=single, left_out="", n_observed=2
    )


def test_a_lead_lies_in_an_interval_of_two_standard_errors(many):
    row = leads(many).loc["card"]
    difference = many["card"] - many["best_single"]
    error = difference.std() / np.sqrt(len(many))
    assert row["lead"] == pytest.approx(difference.mean())
    assert row["low"] == pytest.approx(row["lead"] - 1.96 * error, abs=0.2 * error)
    assert row["high"] == pytest.approx(row["lead"] + 1.96 * error, abs=0.2 * error)


def test_intervals_are_drawn_2000_times_from_the_seed(many):
    pd.testing.assert_frame_equal(leads(many), leads(many, n_replicates=2000, seed=0))
    for other in ({"seed": 1}, {"n_replicates": 1000}):
        assert leads(many).loc["card", "low"] != leads(many, **other).loc["card", "low"]
    assert leads(many, n_replicates=1).notna().all(axis=None)
    for wrong in ({"n_replicates": 0}, {"seed": -1}):
        with pytest.raises(InvalidParameterError, match=next(iter(wrong))):
            leads(many, **wrong)


@pytest.mark.filterwarnings("error")
def test_a_row_in_which_a_policy_has_no_score_counts_for_none(rows):
    rows.loc[3, "card"] = NAN
    found = leads(rows)
    assert found["score"].tolist() == [(0.5 + 0.5) / 2, (0 + 0.5) / 2]
    rows["card"] = NAN
    found = leads(rows)
    assert list(found.index) == ["card", "best_single"]
    assert list(found.columns) == ["score", "lead", "low", "high"]
    assert {str(kind) for kind in found.dtypes} == {"float64"}
    assert found.isna().all(axis=None)
