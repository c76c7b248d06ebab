"""What routers scored, from a frame of rows that anybody may have made."""

import numpy as np
import pandas as pd
import pytest
from recipes import Recipe

from benchmarks.leaderboard import leaderboard
from benchmarks.metrics import METRICS, left_out, summarise

NAN = float("nan")
IDS = ["q1", "q2", "q3", "q4"]
ASKED = {"question_id": IDS, "dataset": ["law", "law", "law", "art"]}


def rows(router="mine", score=(1, 0, 0, 1), **columns):
    return pd.DataFrame({**ASKED, "router": router, "score": np.array(score, float), **columns})


def both(**columns):
    """Return two routers; the second is better on law, and worse on the mean of datasets."""
    return pd.concat([rows("yours", (1, 1, 0, 0), **columns), rows("mine", **columns)])


def test_four_columns_are_enough():
    found = summarise(both())
    assert found["router"].tolist() == ["mine", "yours"]  # best first
    assert found["macro_score"].tolist() == pytest.approx([(1 / 3 + 1) / 2, (2 / 3 + 0) / 2])
    assert found["micro_score"].tolist() == [0.5, 0.5]
    assert found[["score_law", "score_art"]].to_numpy().tolist() == [[1 / 3, 1], [2 / 3, 0]]
    assert found["n_questions"].tolist() == [4, 4]
    assert found["group"].tolist() == ["a", "a"]  # four questions tell nobody apart
    assert (found["macro_low"] < found["macro_score"]).all()
    assert (found["macro_score"] < found["macro_high"]).all()


def test_what_lacks_a_column_is_left_out_and_named():
    frame = both()
    found, lacking = summarise(frame), left_out(frame)
    known = ["n_seeds", "n_questions", "macro_score", "micro_score", "score_<dataset>"]
    assert [metric.name for metric in METRICS if metric.name not in lacking] == known
    assert list(found) == [
        *("router", "group", "n_seeds", "n_questions", "macro_score", "macro_low", "macro_high"),
        *("micro_score", "score_art", "score_law"),
    ]
    assert lacking["gap_closed"] == ["best_single_score", "oracle_score"]
    assert lacking["cost"] == ["cost"]
    assert lacking["selection_entropy"] == ["choice", "score/<llm>"]
    assert lacking["arena_score"] == ["points"]
    assert lacking["fit_seconds"] == ["fit_seconds"]


def test_floors_bounds_and_costs_beside_the_score():
    beside = {"best_single_score": [0.5, 0, 0, 0.5], "oracle_score": 1.0}
    frame = rows(cost=[1.0, 2, 3, 6], best_single_cost=4.0, **beside)
    (found,) = summarise(frame).to_dict("records")
    single = (0.5 / 3 + 0.5) / 2
    assert found["best_single"] == pytest.approx(single)
    assert found["lead_best_single"] == pytest.approx(2 / 3 - single)
    assert found["gap_closed"] == pytest.approx((2 / 3 - single) / (1 - single))
    assert found["regret"] == pytest.approx(1 / 3)
    assert found["cost"] == pytest.approx((2 + 6) / 2)
    assert found["cost_best_single"] == 4
    assert "lift_recognised" not in found
    unpriced = frame.assign(cost=[1.0, NAN, 3, 6])
    (found,) = summarise(unpriced).to_dict("records")
    assert np.isnan(found["cost"])  # a column that is there, and does not tell
    assert found["cost_known"] == 3 / 4


def test_outcomes_of_llms_tell_choices_and_bounds():
    outcomes = {"score/a": [1.0, 0, 1, 0], "score/b": [0.0, 1, 1, 0], "choice": [0, 0, 1, -1]}
    frame = rows(**outcomes).drop(columns="score").iloc[:3]
    (found,) = summarise(frame).to_dict("records")
    assert (found["macro_score"], found["oracle"], found["random"]) == pytest.approx(
        (2 / 3, 1, 2 / 3)
    )
    assert found["n_llms"] == 2
    assert found["largest_share"] == pytest.approx(2 / 3)
    assert "cost" not in found


def test_a_test_that_some_router_has_no_score_on_counts_for_none():
    frame = pd.concat([rows("yours", (1, 1, NAN, 0)), rows("mine").iloc[1:]])
    found = summarise(frame).set_index("router")
    # law keeps q2 alone: q1 has no row of one router, q3 no score of the other
    assert found["n_questions"].tolist() == [2, 2]
    assert found["macro_score"].to_dict() == {"yours": 0.5, "mine": 0.5}
    floor = rows("mine", best_single_score=[NAN, 0.25, 0.25, 0.25])
    assert summarise(floor)["n_questions"].tolist() == [3]


def test_seeds_ask_the_same_questions_again():
    frame = pd.concat([rows(seed=0), rows(score=(1, 1, 1, 0), seed=1)])
    (found,) = summarise(frame).to_dict("records")
    assert (found["n_seeds"], found["n_questions"]) == (2, 4)
    assert found["macro_score"] == pytest.approx((4 / 6 + 1 / 2) / 2)


def test_questions_of_a_group_are_one_unit():
    rng = np.random.default_rng(0)
    n = 60
    passage = np.repeat(np.arange(n // 3), 3)
    frame = pd.DataFrame(
        {
            "question_id": [f"q{i}" for i in range(n)],
            "dataset": "law",
            "router": "mine",
            "score": rng.integers(0, 2, n // 3)[passage],
        }
    )
    alone = summarise(frame).iloc[0]
    together = summarise(frame.assign(group=[f"p{i}" for i in passage])).iloc[0]
    assert alone["macro_score"] == together["macro_score"]
    widths = [of["macro_high"] - of["macro_low"] for of in (alone, together)]
    assert widths[1] / widths[0] == pytest.approx(np.sqrt(3), rel=0.1)


def test_a_router_that_scored_as_the_floor_by_luck_has_no_interval():
    same = rows(best_single_score=[1.0, 0, 0, 1], oracle_score=1.0)
    (found,) = summarise(same).to_dict("records")
    assert found["lead_best_single"] == 0
    assert np.isnan(found["lead_low"])  # nobody knows whether it chose the same


def test_figures_over_prices_need_operating_points():
    beside = {"best_single_score": 0.5, "best_single_cost": 4.0}
    frame = pd.concat([rows(**beside), rows("yours", **beside)])
    points = {"mine": pd.DataFrame({"score": [0.7, 0.5, 0.4], "cost": [5.0, 3, 1]})}
    found = summarise(frame, points=points).set_index("router")
    assert found.loc["mine", "cost_to_match_best_single"] == 3
    assert found.loc["mine", "distance_to_front"] == 0
    assert np.isnan(found.loc["yours", "cost_to_match_best_single"])


def test_time_is_the_mean_over_seeds_and_memory_the_largest():
    frame = pd.concat(
        [
            rows(seed=0, fit_seconds=1.0, peak_memory_mb=300.0),
            rows(seed=1, fit_seconds=2.0, peak_memory_mb=200.0),
        ]
    )
    (found,) = summarise(frame).to_dict("records")
    assert (found["fit_seconds"], found["peak_memory_mb"]) == (1.5, 300)
    assert "route_qps" not in found


@pytest.mark.parametrize("corner", [Recipe(), Recipe(observed="some", costs="some", groups="some")])
def test_stored_rows_say_what_the_leaderboard_says(corner):
    runs = corner.board().runs
    frame = pd.concat(
        run.rows().assign(router=run.about["label"], seed=run.about["seed"]) for run in runs
    )
    board, found = leaderboard(runs), summarise(frame)
    both_have = [name for name in found if name in board]
    assert len(both_have) > 45
    pd.testing.assert_frame_equal(
        board[both_have].reset_index(drop=True), found[both_have].reset_index(drop=True)
    )


def test_the_order_of_rows_and_columns_changes_nothing():
    frame = pd.concat([both(seed=0), both(seed=1)])
    turned = frame.iloc[::-1, ::-1].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        summarise(turned).reset_index(drop=True), summarise(frame).reset_index(drop=True)
    )


def test_names_may_be_categories():
    frame = both()
    for name in ("question_id", "dataset", "router"):
        frame[name] = frame[name].astype(pd.CategoricalDtype([*frame[name].unique(), "nobody"]))
    expected = summarise(both())
    assert summarise(frame)["macro_score"].tolist() == expected["macro_score"].tolist()


def test_the_best_of_another_metric_comes_first():
    frame = pd.concat([rows("dear", cost=2.0), rows("cheap", (0, 0, 0, 0), cost=1.0)])
    assert summarise(frame)["router"].tolist() == ["dear", "cheap"]
    assert summarise(frame, sort_by="cost")["router"].tolist() == ["cheap", "dear"]


WRONG = {
    "no frame": (list, "the frame must be a pandas DataFrame, got list"),
    "no dataset": (
        lambda frame: frame.drop(columns="dataset"),
        "columns of the frame must be there: dataset, got question_id, router, score",
    ),
    "no score": (lambda frame: frame.drop(columns="score"), "must be there: score, got"),
    "no row": (lambda frame: frame[:0], "the frame must be of at least one row, got none"),
    "a name is missing": (
        lambda frame: frame.assign(router=None),
        "column 'router' must be known in every row, got a missing value",
    ),
    "seeds are words": (
        lambda frame: frame.assign(seed="first"),
        "column 'seed' must be whole numbers, got",
    ),
    "a score above 1": (
        lambda frame: frame.assign(score=[1, 0, 50, 1]),
        r"'score' of question 'q3' must be in \[0, 1\] or NaN, got 50. Rescale it",
    ),
    "a bound below 0": (lambda frame: frame.assign(oracle_score=-1), "'oracle_score' of question"),
    "an outcome above 1": (lambda frame: frame.assign(**{"score/a": 2}), "'score/a' of question"),
    "a cost below 0": (
        lambda frame: frame.assign(cost=-0.5),
        "'cost' of question 'q1' must be at least 0 or NaN, got -0.5",
    ),
    "scores are words": (
        lambda frame: frame.assign(score="good"),
        "column 'score' must be numbers, got",
    ),
    "a question twice": (
        lambda frame: pd.concat([frame, frame[1:2]]),
        "question 'q2' of router 'mine', seed 0 must be in one row, got several",
    ),
    "a question in two datasets": (
        lambda frame: pd.concat([frame, frame.assign(router="yours", dataset="art")]),
        "question 'q1' must be of one dataset, got 2",
    ),
}


@pytest.mark.parametrize("why", WRONG)
def test_what_is_wrong_with_a_frame_is_said(why):
    spoil, said = WRONG[why]
    with pytest.raises((ValueError, TypeError), match=f"^summarise: .*{said}"):
        summarise(spoil(rows()))


def test_what_is_wrong_with_points_is_said():
    with pytest.raises(ValueError, match=r"must be of routers of the frame, got 'who'\. The"):
        summarise(rows(), points={"who": pd.DataFrame({"score": [1.0], "cost": [1.0]})})
    with pytest.raises(ValueError, match="of the points of 'mine' must be there: cost, got score"):
        summarise(rows(), points={"mine": pd.DataFrame({"score": [1.0]})})
