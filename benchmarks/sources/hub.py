"""Questions from the model hub, for those who can reach one: ARC-Challenge itself.

The embedded data set has OpenBookQA in its place, since no package carries ARC-Challenge. With a
hub, ``python -m benchmarks.collect --arc 200`` asks the small llms both.

References
----------
Clark et al., "Think you have Solved Question Answering? Try ARC", 2018.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from routers.constraints import Integer, OneOf
from routers.validation import checked


@checked(n_questions=Integer(1), split=OneOf("train", "validation", "test"))
def arc_challenge(n_questions: int, split: str = "test") -> pd.DataFrame:
    """Download ARC-Challenge and take some questions, drawn by a hash of their ids.

    Parameters
    ----------
    n_questions : int
        At most the 1,172 of the test part.
    split : {"train", "validation", "test"}, default="test"

    Returns
    -------
    DataFrame
        As ``benchmarks.sources.small_llms.questions``.
    """
    from datasets import load_dataset

    return arc_questions(load_dataset("allenai/ai2_arc", "ARC-Challenge", split=split), n_questions)


def arc_questions(rows: Iterable[Mapping[str, Any]], n_questions: int) -> pd.DataFrame:
    """Turn rows of the hub's data set into questions.

    Parameters
    ----------
    rows : iterable of dict
        ``id``, ``question``, ``choices`` (``text`` and ``label`` lists), ``answerKey``.
    n_questions : int

    Raises
    ------
    ValueError
        Naming the row whose answer key is none of its labels.
    """
    drawn = sorted(rows, key=lambda row: hashlib.sha256(row["id"].encode()).digest())
    return pd.DataFrame([_question(row) for row in drawn[:n_questions]])


def _question(row: Mapping[str, Any]) -> dict[str, Any]:
    labels, texts = row["choices"]["label"], row["choices"]["text"]
    if row["answerKey"] not in labels:
        raise ValueError(
            f"ARC-Challenge {row['id']!r}: the answer key must be one of {labels}, "
            f"got {row['answerKey']!r}. The hub's data set has changed; pin an older revision."
        )
    return {
        "question_id": f"arc_challenge/{row['id']}",
        "dataset": "arc_challenge",
        "subject": "arc_challenge",
        "question": row["question"].strip(),
        "choices": [text.strip() for text in texts],
        "answer": texts[labels.index(row["answerKey"])].strip(),
    }
