"""The reader of data folders against a slow one in plain Python, on random small folders."""

import math
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from folders import written
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.sources import folder

QUESTIONS, LLMS, TURNS = ["q0", "q1", "q2"], ["a", "b", "c"], [0, 1, 2]
TERMS = ["audio", "image", "tools"]
SPELLINGS = [(True, False), (1, 0), (1.0, 0.0), ("true", "False")]
unknown = st.none()
terms = unknown | st.lists(st.sampled_from([*TERMS, "text"]), max_size=2)


@st.composite
def outcome_rows(draw):
    """Draw rows of different pairs or, with rotations, of different pairs and orders."""
    turns = draw(st.sampled_from([[None], TURNS]))
    place = st.tuples(
        st.sampled_from(QUESTIONS), st.sampled_from(LLMS), st.sampled_from([*turns, None])
    )
    rows = []
    for question, llm, turn in draw(st.lists(place, min_size=1, max_size=15, unique=True)):
        row = {"question_id": question, "llm": llm, "rotation": turn}
        row["eligible"] = draw(st.sampled_from([None, None, True, False]))
        row["score"] = draw(unknown | st.sampled_from([0.0, 0.25, 1.0]))
        row["cost"] = draw(unknown | st.sampled_from([0.0, 1.0, 2.5]))
        if row["eligible"] is False and draw(st.booleans()):
            row["score"] = row["cost"] = -1.0  # a placeholder, as some logs have it
        rows.append(row)
    return rows, turns is TURNS


@st.composite
def folders(draw):
    """Draw a folder as lists of dicts, and which columns its files have."""
    rows, rotated = draw(outcome_rows())
    questions = [
        {
            "question_id": name,
            "n_tokens": draw(unknown | st.sampled_from([5, 10, 11])),
            "needs": draw(terms),
            "choices": ["yes", "no", "maybe", "never"][: draw(st.integers(0, 4))],
        }
        for name in QUESTIONS
    ]
    llms = [
        {
            "llm": name,
            "context_window": draw(unknown | st.sampled_from([10, 100])),
            "modalities": draw(terms),
            "params_b": draw(unknown | st.sampled_from([-1.0, 7.0])),
        }
        for name in draw(st.lists(st.sampled_from(LLMS), unique=True))
    ]
    left_out = draw(st.sets(st.sampled_from(["cost", "eligible", "needs", "n_tokens"])))
    if not rotated:
        left_out = left_out | {"rotation"}
    for entry in (*rows, *questions):
        if "eligible" in left_out and entry.get("score") == -1:
            entry["score"] = entry["cost"] = None
        entry.update({name: None for name in left_out if name in entry})
    return rows, questions, llms, left_out, draw(st.sampled_from(SPELLINGS))


def to_files(drawn, path):
    rows, questions, llms, left_out, (true, false) = drawn
    outcomes = pd.DataFrame(rows).drop(columns=left_out, errors="ignore")
    if "eligible" in outcomes:
        outcomes["eligible"] = [{True: true, False: false}.get(row["eligible"]) for row in rows]
    asked = pd.DataFrame(questions).drop(columns=left_out, errors="ignore")
    frames = {"outcomes": outcomes, "questions": asked.assign(dataset="d", question="Why?")}
    if llms:
        frames["llms"] = pd.DataFrame(llms)
    return written(frames, path)


def is_eligible(rows, question, fact):
    said = [row["eligible"] for row in rows]
    if False in said or True in said:
        return False not in said
    window, tokens = fact.get("context_window"), question["n_tokens"]
    if window is not None and tokens is not None and tokens > window:
        return False
    takes, needs = fact.get("modalities"), question["needs"]
    return takes is None or needs is None or set(needs) <= {*takes, "text"}


def score_of(rows, rotated, rotations):
    known = [row["score"] for row in rows if row["score"] is not None]
    if not known or not rotated:
        return known[0] if known else math.nan
    if rotations == "mean":
        return sum(known) / len(known)
    return min(known) if len(known) == len(rows) or min(known) == 0 else math.nan


def cost_of(rows):
    known = [row["cost"] for row in rows if row["cost"] is not None]
    return sum(known) / len(known) if known else math.nan


def stand_in(fact):
    value = fact.get("params_b")
    return math.nan if value is None or value < 0 else value


def reconstructed(drawn, rotations):
    """Return scores, costs, eligible and chance, pair by pair."""
    rows, questions, llms, left_out, _ = drawn
    rotated = "rotation" not in left_out
    facts = {fact["llm"]: fact for fact in llms}
    names = sorted({row["llm"] for row in rows})
    scores, costs, eligible, chance = [], [], [], []
    for question in questions:
        turns = set()
        for name in names:
            pair = [
                r for r in rows if (r["question_id"], r["llm"]) == (question["question_id"], name)
            ]
            able = is_eligible(pair, question, facts.get(name, {}))
            kept = pair if able else []
            eligible.append(able)
            scores.append(score_of(kept, rotated, rotations))
            costs.append(cost_of(kept))
            turns |= {row["rotation"] for row in kept}
        times = max(len(turns), 1) if rotations == "all" else 1
        n_options = len(question["choices"])
        chance.append((1 / n_options) ** times if n_options > 1 else 0)
    if all(map(math.isnan, costs)):
        costs = [stand_in(facts.get(name, {})) for name in names] * len(questions)
        costs = [cost if able else math.nan for cost, able in zip(costs, eligible, strict=True)]
    shape = len(questions), len(names)
    return [np.reshape(values, shape) for values in (scores, costs, eligible)] + [chance], names


@settings(deadline=None, derandomize=True, max_examples=60)
@given(drawn=folders(), rotations=st.sampled_from(folder.ROTATIONS))
def test_a_folder_is_read_as_pair_by_pair(drawn, rotations):
    with tempfile.TemporaryDirectory() as path:
        table = folder.load(to_files(drawn, Path(path)), rotations=rotations).table
    (scores, costs, eligible, chance), names = reconstructed(drawn, rotations)
    assert list(table.llms) == names
    np.testing.assert_array_equal(table.eligible, eligible)
    np.testing.assert_allclose(table.scores, scores, rtol=1e-6)
    np.testing.assert_allclose(table.costs, costs, rtol=1e-6)
    np.testing.assert_allclose(table.chance, chance)
