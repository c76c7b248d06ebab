"""Time and memory are of the order of the text, not of its longest piece times the rows."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from stored_by_hand import summary

from benchmarks import evaluate, splits
from benchmarks.sources import folder
from routers.encoders import TfidfEncoder
from routers.neighbors import KNNRouter
from routers.recognition import RecognisedDatasetRouter

N = 1000
LONG = "the quick brown fox " * 10_000  # 200,000 characters; side by side a thousand times: 800 MB
MB = 2**20


@pytest.fixture(scope="module")
def frames():
    """One long text among short ones in every column that holds texts."""
    ids = [f"q{i:04d}" for i in range(N)]
    rng = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(50)])
    questions = pd.DataFrame(
        {
            "question_id": ids,
            "dataset": np.where(np.arange(N) % 2, "a", "b").astype(object),
            "subject": "s",
            "question": [f"item {i} " + " ".join(rng.choice(words, 5)) for i in range(N)],
            "choices": [["yes", "no"]] * N,
        }
    ).astype(object)
    for column in ("question_id", "dataset", "subject", "question"):
        questions.at[7, column] = f"{column} {LONG}"
    questions.at[7, "choices"] = ["yes", LONG]
    outcomes = pd.DataFrame(
        {
            "question_id": np.repeat(questions["question_id"].to_numpy(), 2),
            "llm": ["small", f"large {LONG}"] * N,
            "score": rng.integers(0, 2, 2 * N),
            "cost": 1.0,
        }
    )
    return questions, outcomes


@pytest.fixture(scope="module")
def table(frames):
    return folder.build(*frames).table.canonical()


@pytest.fixture(scope="module")
def fold(table):
    return splits.holdout(table, 0)[0]


@pytest.fixture(scope="module")
def router():
    return KNNRouter(encoder=TfidfEncoder(dim=16))


FLOOR = RecognisedDatasetRouter(encoder=TfidfEncoder(dim=16))


@pytest.fixture(scope="module")
def rows(table, fold, router):
    return evaluate.evaluate(router, table, [fold], FLOOR).rows


STEPS = {
    "build": lambda given: folder.build(*given["frames"]).table,
    "canonical": lambda given: given["table"].rows(slice(None, None, -1)).canonical(),
    "content_hash": lambda given: given["table"].rows(slice(None)).content_hash,
    "duplicates": lambda given: splits.duplicate_groups(given["table"]),
    "kfold": lambda given: splits.kfold(given["table"], 0),
    "evaluate": lambda given: evaluate.evaluate(
        given["router"], given["table"], [given["fold"]], FLOOR
    ),
    "summary": lambda given: summary([given["rows"]]),
}


@pytest.mark.parametrize("step", STEPS)
def test_memory_is_of_the_order_of_the_text(step, frames, table, fold, router, rows):
    given = {"frames": frames, "table": table, "fold": fold, "router": router, "rows": rows}
    tracemalloc.start()
    try:
        STEPS[step](given)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 25 * MB  # the texts are 1.2 MB; each word of a text is an object for a while
