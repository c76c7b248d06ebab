"""The rows of the leaderboard: their order, their letters, and what was timed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_boards import Board, ToldRouter

from benchmarks import leaderboard
from benchmarks.splits import Fold
from routers.table import RoutingTable

N = 20
TEXTS = [f"question {number:02d}" for number in range(N)]
RIGHT = {"z best": 20, "b twin": 10, "a twin": 10, "worst": 0}  # of these questions


def told(n_right):
    """Return a router that asks the llm that is right on so many questions."""
    return ToldRouter(
        {text: [1, 0.25] if place < n_right else [0, 1] for place, text in enumerate(TEXTS)}
    )


def timed(run, **timing):
    return replace(run, about=run.about | {"timing": run.about["timing"] | timing})


@pytest.fixture(scope="module")
def runs():
    table = RoutingTable(
        questions=TEXTS,
        scores=np.tile([1.0, 0.0], (N, 1)),
        llms=["right", "wrong"],
        ids=TEXTS,
        datasets=["d"] * N,
        costs=[2.0, 1.0],
    )
    every = np.arange(N)
    fold = [Fold(every, every)]
    plan = {name: (told(n_right), [0, 1]) for name, n_right in RIGHT.items()}
    found = []
    for run in Board(table, {0: fold, 1: fold}, dict(reversed(plan.items()))).runs:
        seed = run.about["seed"]
        found.append(
            timed(run, fit_seconds=1 + 2 * seed, route_qps=10 + seed, peak_memory_mb=300 - seed)
        )
    return found


@pytest.fixture(scope="module")
def board(runs):
    return leaderboard.leaderboard(runs)


def test_the_best_stands_first_and_ties_are_in_the_order_of_names(board):
    assert list(board["router"]) == ["z best", "a twin", "b twin", "worst"]
    assert list(board["macro_score"]) == [1, 0.5, 0.5, 0]
    assert list(board.index) == [0, 1, 2, 3]


def test_letters_stand_beside_their_routers(board):
    assert list(board.columns[:2]) == ["router", "group"]
    assert list(board["group"]) == ["a", "b", "b", "c"]


def test_seconds_are_means_over_seeds_and_memory_is_the_largest(board):
    assert list(board["fit_seconds"]) == [2] * 4
    assert list(board["route_qps"]) == [10.5] * 4
    assert list(board["peak_memory_mb"]) == [300] * 4
    last = ["distance_to_front", "fit_seconds", "route_qps", "encode_seconds", "peak_memory_mb"]
    assert list(board.columns[-6:]) == [*last, "remarks"]


def test_all_lie_on_the_front_where_right_answers_cost_more(board):
    assert list(board["distance_to_front"]) == pytest.approx([0] * 4)


def test_names_and_counts_of_a_row(board):
    row = board.iloc[0]
    assert (row["data"], row["zoo"], row["split"], row["cost_unit"]) == (
        "made",
        "all",
        "made",
        "USD",
    )
    assert (row["seeds"], row["n_seeds"], row["n_questions"], row["n_llms"]) == ("0 1", 2, N, 2)
    assert row["value_over_best_single"] == 1  # the field's figures are there


def test_remarks_are_one_text_on_every_row(runs):
    assert set(leaderboard.leaderboard(runs)["remarks"]) == {""}
    told = {"left_out": {"unanswerable": 1, "unasked": 2}}
    found = leaderboard.leaderboard([replace(run, about=run.about | told) for run in runs[:2]])
    assert list(found["remarks"]) == [
        "1 question that no llm of the zoo can answer is left out. "
        "2 questions without an outcome of any llm of the zoo are left out."
    ]


def other(run):
    return replace(run, about=run.about | {"data": "another"})


def test_comparisons_stand_below_each_other(runs):
    few = [run for run in runs if run.about["label"] == "worst"]
    both = [*few, *map(other, few)]
    board = leaderboard.leaderboard(both)
    assert list(board["data"]) == ["another", "made"]
    assert list(board.index) == [0, 1]
    calibration = leaderboard.calibration_table(both)
    assert list(calibration["data"]) == ["another"] * 2 + ["made"] * 2
    assert list(calibration.index) == [0, 1, 2, 3]


def test_calibration_has_a_row_for_each_router_and_llm(runs):
    found = leaderboard.calibration_table(runs).set_index(["router", "llm"])
    assert len(found) == 2 * len(RIGHT)
    # "worst" predicts 0 of who is always right and 1 of who is always wrong
    assert list(found.loc["worst", "brier"]) == [1, 1]
    assert list(found.loc["z best", "brier"]) == [0, pytest.approx(0.25**2)]
    assert set(found["data"]) == {"made"}


def test_no_runs_make_an_empty_board():
    found = leaderboard.leaderboard([])
    assert isinstance(found, pd.DataFrame)
    assert found.empty
