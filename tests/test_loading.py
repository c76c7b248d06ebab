import numpy as np
import pandas as pd

from benchmarks.composing import compose_job
from benchmarks.loading import load_pool, load_table


def test_the_pool_holds_the_questions_that_the_zoo_was_asked(tmp_path):
    names = ["q0", "q1", "q2", "q3"]
    questions = pd.DataFrame({"question_id": names, "dataset": "d", "question": names})
    asked = [("q0", "a"), ("q2", "a"), *((name, "b") for name in names)]
    outcomes = pd.DataFrame(asked, columns=["question_id", "llm"]).assign(score=1.0)
    questions.to_parquet(tmp_path / "questions.parquet")
    outcomes.to_parquet(tmp_path / "outcomes.parquet")
    overrides = ["router=best_single", "data=folder", "zoo.llms=[a]"]
    cfg = compose_job("config", overrides, {"data.path": str(tmp_path)}).cfg
    table, pool = load_table(cfg), load_pool(cfg)
    assert list(table.ids) == list(pool.ids) == ["q0", "q2"]
    assert list(pool.llms) == ["b"]
    assert not np.isnan(pool.scores).any()
