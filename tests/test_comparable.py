"""Imperfect outcomes: all policies of a table rest on the same questions, which are counted."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import comparable, comparison, leaderboard, store, stored_rows
from benchmarks.evaluate import evaluate
from benchmarks.splits import Fold, holdout
from routers.baselines import BestSingle, RandomRouter
from routers.encoders import TfidfEncoder
from routers.recognition import RecognisedDatasetRouter
from routers.table import RoutingTable

FLOOR = RecognisedDatasetRouter(TfidfEncoder())


def table_of(scores, datasets, **more):
    n, m = np.shape(scores)
    return RoutingTable(
        questions=[f"{name} question number {i}" for i, name in enumerate(datasets)],
        scores=scores,
        llms=["large", "newcomer", "small"][:m],
        ids=[f"q{i:03d}" for i in range(n)],
        datasets=datasets,
        **more,
    )


def store_run(results, table, router, folds, seed=0, split=None, recogniser=None, **about):
    """Store a run under a configuration of a split and a floor."""
    found = evaluate(router, table, folds, FLOOR)
    config = {"split": split or {}, "recogniser": recogniser or {}}
    label = type(router).__name__
    names = {"data": "made up", "zoo": "all", "split": "holdout", "seed": seed, "config": config}
    names |= {"router": label, "label": label, "data_hash": table.content_hash}
    names |= {"cost_unit": table.cost_unit, "timing": found.timing}
    key = f"{seed}-{abs(hash(str(config)))}"
    folder = results / "runs" / "made up" / "all" / "holdout" / label / key
    store.save_run(folder, found.rows, names | about)
    return found.rows


@pytest.fixture
def newcomer():
    """Half of the test questions were answered by an llm alone that is not in training."""
    nan, rng = np.nan, np.random.default_rng(0)
    train = np.column_stack([rng.random(40) < 0.7, np.full(40, nan), rng.random(40) < 0.5])
    known = np.column_stack([np.arange(40) < 33, np.full(40, nan), np.arange(40) % 2])
    known[33:36, 2] = [1, 1, 1]  # of the seven that "large" misses "small" gets three right
    known[36:, 2] = 0
    new = np.column_stack([np.full(40, nan), np.arange(40) < 10, np.full(40, nan)])
    datasets = ["alpha"] * 80 + ["beta"] * 40
    return table_of(np.vstack([train, known, new]).astype(float), datasets)


FOLD = [Fold(np.arange(40), np.arange(40, 120))]


def test_all_policies_are_averaged_over_the_same_questions(newcomer, tmp_path):
    for router in (BestSingle(), RandomRouter()):
        store_run(tmp_path, newcomer, router, FOLD)
    board = leaderboard.write(tmp_path)
    row = board[board["router"] == "BestSingle"].iloc[0]
    assert (row["n_questions"], row["n_not_compared"]) == (40, 40)
    assert row["best_single"] == row["macro_score"] == pytest.approx(33 / 40)
    assert row["oracle"] == pytest.approx(36 / 40)
    assert (board[["random", "recognised_dataset", "dataset_best"]].max(axis=1) <= 0.9).all()
    assert (row["n_pairs"], row["n_outcomes"]) == (120, 80)
    assert not np.isnan(row[["gap_low", "macro_low", "lift_high"]].astype(float)).any()
    said = row["remarks"]
    assert "40 questions (40 of beta) are left out for every policy alike" in said
    assert "(newcomer)" in said
    assert "no figure for beta" in said
    assert said in (tmp_path / "leaderboard.md").read_text()
    calibration = pd.read_csv(tmp_path / "calibration.csv").set_index(["router", "llm"])
    assert calibration.loc[("BestSingle", "newcomer"), "n_pairs"] == 0
    assert calibration.loc[("BestSingle", "large"), "score"] == pytest.approx(33 / 40)


def test_a_test_without_a_choice_of_one_router_is_left_out_for_the_others(newcomer):
    rows = evaluate(BestSingle(), newcomer, FOLD, FLOOR).rows
    other = rows.assign(choice=np.where(np.arange(len(rows)) < 5, -1, rows["choice"]))
    first, second = comparable.compared([{0: rows, 1: rows}, {0: other}])
    assert list(first[0]["question_id"]) == list(second[0]["question_id"])
    assert len(first[0]) == len(first[1]) - 5 == 35  # of seed 1 there is no other router


def test_nothing_to_compare_is_a_table_of_dashes(newcomer, tmp_path):
    store_run(tmp_path, newcomer, BestSingle(), [Fold(np.arange(40), np.arange(80, 120))])
    board = leaderboard.write(tmp_path)
    assert board["n_questions"].tolist() == [0]
    assert np.isnan(board["macro_score"]).all()
    assert "40 questions (40 of beta) are left out" in board["remarks"][0]


def test_a_log_of_one_llm_per_question_tells_nothing(tmp_path):
    rng = np.random.default_rng(0)
    scores = (rng.random((60, 2)) < 0.6).astype(float)
    scores[np.arange(60), rng.integers(0, 2, 60)] = np.nan
    table = table_of(scores, ["alpha"] * 60)
    for router in (BestSingle(), RandomRouter()):
        store_run(tmp_path, table, router, holdout(table, 0))
    board = leaderboard.write(tmp_path)
    assert (board["choice_share"] == 0).all()
    assert 0 < board["best_single_share"][0] < 1
    assert "Nothing can be told from this table" in board["remarks"][0]
    assert "it is a mixture" in board["remarks"][0]
    assert board["gap_closed"].isna().all()
    assert (board["group"] == "").all()


def test_shares_are_counted_over_tests(newcomer):
    scores = newcomer.scores.copy()
    scores[40:50, 0] = np.nan  # ten of the forty that are compared: one llm is left
    table = table_of(scores, newcomer.datasets)
    rows = evaluate(BestSingle(), table, FOLD, FLOOR).rows
    (compared,) = comparable.compared([{0: rows}])
    found = comparable.counts({0: rows}, compared)
    assert (found["choice_share"], found["best_single_share"]) == (0.75, 0.75)
    assert (found["n_outcomes"], found["seeds"]) == (70, "0")


def test_runs_of_other_settings_are_other_tables(newcomer, tmp_path):
    table = newcomer.rows(np.arange(80))
    for share in (0.3, 0.5):
        folds = holdout(table, 0, share)
        split = {"_target_": "benchmarks.splits.holdout", "test_share": share}
        store_run(tmp_path, table, BestSingle(), folds, split=split)
    store_run(tmp_path, table, RandomRouter(), folds, split=split, recogniser={"strength": 0.1})
    board = leaderboard.write(tmp_path).set_index(["router", "settings"])
    assert list(board.index) == [
        ("BestSingle", "test_share=0.3"),
        ("BestSingle", "test_share=0.5"),
        ("RandomRouter", "test_share=0.5 recogniser.strength=0.1"),
    ]
    assert board["settings_hash"].nunique() == 3
    assert (board["n_questions"] < 80).all()
    text = (tmp_path / "leaderboard.md").read_text()
    assert text.count("\n## ") == 3
    assert "split holdout (test_share=0.5 recogniser.strength=0.1)" in text
    names = comparison.folder_names(map(comparison.place_of, store.load_runs(tmp_path)))
    assert len(set(names.values())) == 3


def test_each_router_stands_beside_the_floors_of_its_own_seeds(newcomer, tmp_path):
    table = newcomer.rows(np.arange(80))
    for router, seeds in ((BestSingle(), (0,)), (RandomRouter(), (0, 1, 2))):
        for seed in seeds:
            store_run(tmp_path, table, router, holdout(table, seed), seed)
    board = leaderboard.write(tmp_path).set_index("router")
    assert board["seeds"].to_dict() == {"BestSingle": "0", "RandomRouter": "0 1 2"}
    single, random = board.loc["BestSingle"], board.loc["RandomRouter"]
    assert single["oracle"] != random["oracle"]
    text = (tmp_path / "leaderboard.md").read_text()
    for row, seeds in ((single, "0"), (random, "0 to 2")):
        assert f"| *oracle* (bound) | {seeds} |  | {row['oracle']:.3f} |" in text
    assert "different seeds" in single["remarks"]


def test_questions_left_out_when_the_data_were_read_are_counted(newcomer, tmp_path):
    lost = {"unanswerable": 1, "unasked": 1200}
    store_run(tmp_path, newcomer, BestSingle(), FOLD, left_out=lost)
    said = leaderboard.write(tmp_path)["remarks"][0]
    assert "1 question that no llm of the zoo can answer are left out." not in said
    assert "1 question that no llm of the zoo can answer is left out." in said
    assert "1,200 questions without an outcome of any llm of the zoo are left out." in said


def test_near_duplicates_are_spoken_of_unless_they_are_kept_on_one_side(newcomer, tmp_path):
    counted = {"n_duplicates": 2, "n_near_duplicates": 7, "near_duplicates_at": 0.9}
    for kept in (None, 0.9):
        folder, split = tmp_path / str(kept), {"near_duplicates": kept}
        store_run(folder, newcomer, BestSingle(), FOLD, split=split, **counted)
        said = leaderboard.write(folder)["remarks"][0]
        assert ("5 questions nearly repeat another one" in said) == (kept is None)


def test_what_cannot_be_answered_is_chosen_by_nobody(tmp_path):
    rng = np.random.default_rng(1)
    scores = (rng.random((80, 3)) < [0.9, 0.5, 0.4]).astype(float)
    eligible = rng.random((80, 3)) < 0.7
    eligible[:, 2] |= ~eligible.any(axis=1)
    table = table_of(scores, ["alpha", "beta"] * 40, costs=[3.0, 2.0, 1.0], eligible=eligible)
    rows = store_run(tmp_path, table, BestSingle(), holdout(table, 0, 0.5))
    position = {name: i for i, name in enumerate(table.ids)}
    able = eligible[[position[name] for name in rows["question_id"]]]
    np.testing.assert_array_equal(stored_rows.eligible(rows), able)
    for name in ("choice", *(c for c in rows if c.startswith("choice/"))):
        assert able[np.arange(len(rows)), rows[name]].all(), name
    row = leaderboard.write(tmp_path).iloc[0]
    assert row["n_pairs"] == row["n_outcomes"] == able.sum() < able.size
    given = np.where(able, scores[[position[name] for name in rows["question_id"]]], np.nan)
    np.testing.assert_allclose(rows["random_score"], np.nanmean(given, axis=1))
