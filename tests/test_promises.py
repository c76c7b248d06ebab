"""What two questions and two llms make of a promise, worked by hand."""

from functools import partial
from itertools import count
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from promised import measured, summed

from benchmarks import budget
from routers.dual import DualAllocator

NAN = np.nan
ROWS = pd.DataFrame(
    {
        "fold": [0, 0],
        "question_id": ["p", "q"],
        "dataset": "made up",
        "predicted_score/big": [0.9, 0.6],
        "predicted_score/small": [0.5, 0.5],
        "predicted_cost/big": 4.0,
        "predicted_cost/small": 1.0,
        "score/big": [0.8, 0.7],
        "score/small": [0.4, 0.3],
        "cost/big": [6.0, 6.0],
        "cost/small": [1.0, 2.0],
    }
)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Climb a short way: with two questions what is repaired is the best."""
    monkeypatch.setattr(budget, "DualAllocator", partial(DualAllocator, max_iter=20))


@pytest.fixture
def found():
    """Promise what is halfway from the cheapest (.5 for 1) to the best (.75 for 4)."""
    return measured(ROWS, shares=[0.5])


def row_of(found, **where):
    (row,) = found[(found[list(where)] == pd.Series(where)).all(axis=1)].to_dict("records")
    return row


@pytest.mark.parametrize("solver", ["lp", "dual", "price"])
def test_a_promised_score(found, solver):
    # .625 needs big on the first question: .7 for 2.5, than which nothing is cheaper. In truth
    # that is .55 for 4.
    row = row_of(found, kind="score", solver=solver, capacity=np.inf)
    assert row.pop("seconds") >= 0
    assert row == {
        **{"seed": 0, "n_questions": 2, "n_left_out": 0},
        **{"kind": "score", "capacity": np.inf, "solver": solver, "share": 0.5},
        "promise": pytest.approx(0.625),
        "predicted_score": pytest.approx(0.7),
        "predicted_cost": pytest.approx(2.5),
        "score": pytest.approx(0.55),
        "cost": pytest.approx(4),
        "violation": pytest.approx(0.075),
        "gap": pytest.approx(0),
    }


def test_one_price_moves_equal_questions_together():
    """Halfway needs big on one of two questions that are the same; a price asks it for both."""
    found = measured(pd.concat([ROWS.iloc[[0]]] * 2, ignore_index=True), shares=[0.5])
    row = row_of(found, kind="score", solver="price", capacity=np.inf)
    assert row["predicted_cost"] == pytest.approx(4)
    assert row["gap"] == pytest.approx(4 / 2.5 - 1)
    row = row_of(found, kind="cost", solver="price", capacity=np.inf)
    assert row["predicted_score"] == pytest.approx(0.5)
    assert row["gap"] == pytest.approx(1 - 0.5 / 0.7)
    assert not ((found["solver"] == "price") & (found["capacity"] == 1.5)).any()


@pytest.mark.parametrize("solver", ["lp", "dual"])
def test_a_budget(found, solver):
    # 2.5 buys big for one question: the first, where it gains most; 1 and 6 are paid, 4 on average
    row = row_of(found, kind="cost", solver=solver, capacity=np.inf)
    names = ("promise", "predicted_score", "predicted_cost", "score", "cost", "violation", "gap")
    expected = (2.5, 0.7, 2.5, 0.55, 4, 1.5, 0)
    assert [row[name] for name in names] == pytest.approx(expected, abs=1e-9)


def test_capacities_are_equal_shares_with_some_room():
    """Of 8 questions each of two llms takes 6 at most: 1.5 times its half."""
    rows = pd.concat([ROWS.iloc[[0]]] * 8, ignore_index=True)
    found = measured(rows)
    assert set(found["capacity"]) == {np.inf, 1.5}
    most = row_of(found, kind="score", solver="lp", capacity=1.5, share=0.95)
    # from 6 small and 2 big (.6) to 6 big and 2 small (.8): 95% of the way
    assert most["promise"] == pytest.approx(0.6 + 0.95 * 0.2)
    assert most["predicted_score"] == pytest.approx(0.8)
    least = row_of(found, kind="cost", solver="lp", capacity=1.5, share=0.25)
    assert least["promise"] == pytest.approx(1.75 + 0.25 * (3.25 - 1.75))
    assert set(found["share"]) == {0.25, 0.5, 0.75, 0.95}


@pytest.mark.parametrize("solver", ["lp", "dual"])
def test_capacities_are_kept(solver):
    """Of four questions that are alike each of three llms takes two at most."""
    rows = pd.DataFrame({"fold": [0] * 4})
    llms = {"small": (0.5, 1), "middle": (0.8, 1.5), "big": (0.9, 4)}
    for name, (score, cost) in llms.items():
        for what in ("", "predicted_"):
            rows[f"{what}score/{name}"], rows[f"{what}cost/{name}"] = score, cost
    found = measured(rows, shares=[0.4])
    # from two small and two middle (.65 for 1.25) to two big and two middle (.85 for 2.75)
    row = row_of(found, kind="score", solver=solver, capacity=1.5)
    assert row["promise"] == pytest.approx(0.73)
    assert row["predicted_cost"] == pytest.approx((1 + 2 * 1.5 + 4) / 4)
    row = row_of(found, kind="cost", solver=solver, capacity=1.5)
    assert row["promise"] == pytest.approx(1.85)
    assert row["predicted_score"] == pytest.approx(0.65)


def test_there_is_no_gap_to_a_bound_of_nothing():
    nothing = {"predicted_score/big": 0.0, "predicted_score/small": 0.0}
    found = measured(ROWS.assign(**nothing), shares=[0.5])
    assert found.loc[found["kind"] == "cost", "gap"].isna().all()


def test_seconds_are_those_of_the_solver(monkeypatch):
    clock = SimpleNamespace(perf_counter=count(5).__next__)
    monkeypatch.setattr(budget, "time", clock)
    assert (measured(ROWS, shares=[0.5])["seconds"] == 1).all()


class TestBatches:
    def test_one_a_fold_in_the_zoos_order(self):
        rows = pd.concat([ROWS, ROWS.assign(fold=1).iloc[:1]], ignore_index=True)
        first, second = budget.batches(rows)
        assert first.llms == ["big", "small"]
        assert (first.fold, first.ids, first.left_out) == (0, ["p", "q"], [])
        np.testing.assert_array_equal(first.scores, [[0.9, 0.5], [0.6, 0.5]])
        np.testing.assert_array_equal(first.costs, [[4, 1], [4, 1]])
        np.testing.assert_array_equal(first.true_scores, [[0.8, 0.4], [0.7, 0.3]])
        np.testing.assert_array_equal(first.true_costs, [[6, 1], [6, 2]])
        assert len(second.scores) == 1

    @pytest.mark.parametrize("what", ["predicted_score", "predicted_cost", "score", "cost"])
    def test_an_llm_of_which_anything_is_unknown_cannot_be_asked(self, what):
        rows = ROWS.copy()
        rows.loc[0, f"{what}/big"] = NAN
        (batch,) = budget.batches(rows)
        np.testing.assert_array_equal(batch.scores, [[NAN, 0.5], [0.6, 0.5]])
        rows.loc[0, f"{what}/small"] = NAN
        (batch,) = budget.batches(rows)
        np.testing.assert_array_equal(batch.true_scores, [[0.7, 0.3]])
        assert (batch.ids, batch.left_out) == (["q"], ["p"])
        rows.loc[1, [f"{what}/big", f"{what}/small"]] = NAN
        assert list(budget.batches(rows)) == []


def test_summary_is_the_mean_over_batches_and_seeds():
    lucky = ROWS.assign(fold=1, **{"score/big": [1.0, 0.9]})  # .2 better than the first fold
    both = pd.concat([ROWS, lucky])
    found = summed([0.5], r=[both, both], other=[ROWS.iloc[:1]])
    row = row_of(found, router="r", kind="score", solver="lp", capacity=np.inf)
    assert "seed" not in row
    assert (row["n_batches"], row["n_questions"], row["n_left_out"]) == (4, 8, 0)
    assert row["score"] == pytest.approx((0.55 + 0.65) / 2)
    # .075 and -.025 twice: a deviation of .1 / sqrt(3), over the root of one seed's two batches
    assert row["violation"] == pytest.approx(0.025)
    assert row["violation_error"] == pytest.approx(0.1 / np.sqrt(3) / np.sqrt(2))
    assert list(found["router"].unique()) == ["r", "other"]


def test_questions_that_cannot_be_judged_are_counted():
    rows = pd.concat([ROWS, ROWS.assign(**{"cost/big": NAN, "cost/small": NAN})])
    found = summed([0.5], r=[rows, rows])
    assert (found["n_questions"] == 4).all()
    assert (found["n_left_out"] == 4).all()
    assert measured(rows.iloc[2:]).empty


def test_a_row_is_kept_of_every_question_and_promise():
    """Halfway, big is asked the first question alone; the third cannot be judged."""
    unknown = ROWS.iloc[[0]].assign(question_id="r", **{"cost/big": NAN, "cost/small": NAN})
    rows = budget.allot(pd.concat([unknown, ROWS]), [0.5], 1.5)
    assert len(rows) == 3 * (2 * 3 + 2 * 2)
    part = rows[(rows["kind"] == "score") & (rows["solver"] == "lp") & np.isinf(rows["capacity"])]
    assert part["question_id"].tolist() == ["p", "q", "r"]
    assert part["llm"].tolist()[:2] == ["big", "small"]
    assert part["llm"].isna().tolist() == [False, False, True]
    for name, values in {
        "predicted_score": [0.9, 0.5, NAN],
        "predicted_cost": [4, 1, NAN],
        "score": [0.8, 0.3, NAN],
        "cost": [6, 2, NAN],
        "promise": [0.625] * 3,
        "share": [0.5] * 3,
    }.items():
        np.testing.assert_allclose(part[name], values)


@pytest.mark.parametrize(
    ("shares", "room", "message"),
    [
        ([], 1.5, "'shares'.*at least 1"),
        ([2.0], 1.5, "'shares'"),
        ([0.5], 0.5, "'room'.*at least 1"),
    ],
)
def test_promises_that_make_no_sense_are_refused(shares, room, message):
    with pytest.raises(ValueError, match=message):
        budget.allot(ROWS, shares, room)
