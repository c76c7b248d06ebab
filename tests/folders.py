"""Small data folders for tests of the reader."""

from pathlib import Path

import pandas as pd

N = 4  # questions; two llms, "a" and "b"
IDS = [f"q{i}" for i in range(N)]


def small():
    """Return the frames of a folder in which everything is observed and nothing is amiss."""
    questions = pd.DataFrame(
        {"question_id": IDS, "dataset": ["d", "d", "e", "e"], "question": [f"{i}?" for i in IDS]}
    )
    outcomes = pd.DataFrame(
        {
            "question_id": IDS * 2,
            "llm": ["a"] * N + ["b"] * N,
            "score": [1.0, 0, 1, 0, 0, 1, 0, 1],
        }
    )
    llms = pd.DataFrame({"llm": ["a", "b"], "params_b": [7.0, 3.0]})
    return {"questions": questions, "outcomes": outcomes, "llms": llms}


def written(frames, path: Path) -> Path:
    for name, frame in frames.items():
        frame.to_parquet(path / f"{name}.parquet")
    return path


def remarks(caplog) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
