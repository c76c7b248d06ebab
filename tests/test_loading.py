import json
import logging
import re

import numpy as np
import pandas as pd
from routed import folder_of

from benchmarks.composing import compose_job
from benchmarks.loading import load_folds, load_pool, load_table


def test_the_pool_holds_the_questions_that_the_zoo_was_asked(tmp_path):
    names = ["q0", "q1", "q2", "q3"]
    questions = pd.DataFrame({"question_id": names, "dataset": "d", "question": names})
    asked = [("q0", "a"), ("q2", "a"), *((name, "b") for name in names)]
    outcomes = pd.DataFrame(asked, columns=["question_id", "llm"]).assign(score=1.0)
    questions.to_parquet(tmp_path / "questions.parquet")
    outcomes.to_parquet(tmp_path / "outcomes.parquet")
    overrides = ["router=best_single", "data=folder", "zoo.llms=[a]"]
    cfg = compose_job("routing", overrides, {"data.path": str(tmp_path)}).cfg
    table, pool = load_table(cfg), load_pool(cfg)
    assert list(table.ids) == list(pool.ids) == ["q0", "q2"]
    assert list(pool.llms) == ["b"]
    assert not np.isnan(pool.scores).any()


def nearly_recurring(folder):
    """Write 40 questions, twice 20 that differ in a sign, and return the settings of a run."""
    rows = "Which of the four answers is right, if the others are wrong and none is missing here? "
    texts = [f"{chr(97 + k) * 60} {rows}{sign}" for k in range(20) for sign in "?!"]
    names = [f"q{k:02d}" for k in range(40)]
    outcomes = pd.DataFrame({"question_id": names, "llm": "a", "score": 1.0, "cost": 1.0})
    pd.DataFrame({"question_id": names, "dataset": "d", "question": texts}).to_parquet(
        folder / "questions.parquet"
    )
    pd.concat([outcomes, outcomes.assign(llm="b", score=0.0)]).to_parquet(
        folder / "outcomes.parquet"
    )
    return ["router=best_single", "data=folder", "encoder@recogniser.encoder=tfidf"]


def test_near_duplicates_across_a_split_are_told_with_what_helps(tmp_path, caplog):
    overrides, place = nearly_recurring(tmp_path), {"data.path": str(tmp_path)}
    cfg = compose_job("routing", overrides, place).cfg
    with caplog.at_level(logging.WARNING):
        folds = load_folds(cfg, load_table(cfg))
    n_across = sum(len(set(fold.test // 2) & set(fold.train // 2)) for fold in folds)
    assert n_across > 0
    (told,) = caplog.messages
    assert told.startswith(f"{n_across} of 40 test questions are near-duplicates of training")
    assert told.endswith("; split.near_duplicates=0.9 keeps them on one side.")
    one, other = (int(number) for number in re.findall(r"'q(\d+)'", told))
    assert one // 2 == other // 2
    caplog.clear()
    cfg = compose_job("routing", [*overrides, "split.near_duplicates=0.9"], place).cfg
    with caplog.at_level(logging.WARNING):
        load_folds(cfg, load_table(cfg))
    assert caplog.messages == []


def test_a_run_says_how_many_near_duplicates_there_are(tmp_path):
    data, results = tmp_path / "data", tmp_path / "results"
    data.mkdir()
    places = {"data.path": str(data), "results": str(results)}
    folder = folder_of(compose_job("routing", nearly_recurring(data), places))
    about = json.loads((folder / "run.json").read_text())
    assert about["n_duplicates"] == 0
    assert (about["n_near_duplicates"], about["near_duplicates_at"]) == (20, 0.9)
