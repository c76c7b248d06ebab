"""Unseen llms: who is drawn, who is known from what, and what the table says."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from arrival_by_hand import Parity, asked_by

from benchmarks import run_experiment
from benchmarks.experiments import unseen
from benchmarks.splits import Fold
from benchmarks.unseen import draw_unseen, judge_unseen
from routers.table import RoutingTable

N, LLMS = 40, ["a", "b", "c", "d", "e", "f"]


@pytest.fixture
def table() -> RoutingTable:
    rng = np.random.default_rng(0)
    side = rng.integers(10, size=N)
    chance = np.where(side[:, None] % 2, [0.9, 0.1, 0.5, 0.9, 0.1, 0.5], [0.1, 0.9, 0.5] * 2)
    return RoutingTable(
        questions=[f"question {i:02}, {digit}" for i, digit in enumerate(side)],
        scores=(rng.random((N, 6)) < chance).astype(float),
        llms=LLMS,
        ids=[f"q{i:02}" for i in range(N)],
        datasets=["one", "one", "two", "two"] * (N // 4),
    )


FOLD = Fold(np.arange(0, 30), np.arange(30, N))
UNSEEN = np.array([False, True, False, True, True, False])


def test_a_share_of_the_llms_is_drawn_two_at_least():
    names = np.array(list("abcdefghi"))
    drawn = [draw_unseen(names, 1 / 3, seed) for seed in range(20)]
    assert {found.sum() for found in drawn} == {3}
    assert len({tuple(found) for found in drawn}) > 5
    assert draw_unseen(names, 0.0, 0).sum() == 2
    assert draw_unseen(names, 1.0, 0).sum() == 7
    with pytest.raises(ValueError, match="at least four llms"):
        draw_unseen(names[:3], 0.5, 0)


def test_unseen_llms_are_routed_from_the_scored_questions(table):
    found = judge_unseen(table, FOLD, UNSEEN, {"card": Parity(examines=True)}, {"label": Parity()})
    scored = asked_by([f"q{i:02}" for i in range(30)], 3)
    assert (found["n_scored"] == len(scored)).all()
    assert list(found["question_id"]) == list(table.ids[30:])
    assert list(found["dataset"]) == list(table.datasets[30:])
    assert "group" not in found
    pairs = dataclasses.replace(table, groups=[f"g{i // 2}" for i in range(N)])
    paired = judge_unseen(pairs, FOLD, UNSEEN, {"card": Parity(examines=True)}, {"label": Parity()})
    assert list(paired.pop("group")) == list(pairs.groups[30:])
    pd.testing.assert_frame_equal(paired, found)
    # both know an llm from its means on scored questions that are as even, or as odd
    known = table.rows(np.isin(table.ids, scored)).select(["b", "d", "e"])
    even = np.array([int(question[-1]) % 2 == 0 for question in known.questions])
    means = {True: known.scores[even].mean(axis=0), False: known.scores[~even].mean(axis=0)}
    judge = table.rows(FOLD.test).select(["b", "d", "e"])
    for name in ("card", "label"):
        for row, question in enumerate(judge.questions):
            side = means[int(question[-1]) % 2 == 0]
            if (side == side.max()).sum() == 1:
                assert found[name][row] == judge.scores[row, side.argmax()]
    np.testing.assert_array_equal(found["oracle"], judge.scores.max(axis=1))
    np.testing.assert_allclose(found["zoo_mean"], judge.scores.mean(axis=1), rtol=1e-6)
    macro = [known.scores[known.datasets == name].mean(axis=0) for name in ("one", "two")]
    best = np.mean(macro, axis=0).argmax()
    np.testing.assert_array_equal(found["best_single"], judge.scores[:, best])


def test_the_summary_by_hand():
    rows = pd.DataFrame(
        {
            "question_id": ["x", "y", "z", "w"] * 2,
            "dataset": ["one", "one", "two", "two"] * 2,
            "n_scored": [5] * 4 + [9] * 4,
            "size": [5] * 4 + [10] * 4,
            "seed": 0,
            "n_unseen": 2,
            "mine": [1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
            "best_single": [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        }
    )
    found = unseen.summarise(rows).set_index(["n_scored", "policy"])
    assert found.loc[(5, "mine"), "score"] == 0.75
    assert found.loc[(5, "mine"), "best_single_lead"] == 0.5
    assert found.loc[(9, "mine"), "best_single_lead"] == 1.0
    assert found.loc[(9, "best_single"), "best_single_lead"] == 0.0
    text = unseen.to_markdown(rows, {"data": "made", "n_llms": 6})
    assert text.startswith("made: 2 of 6 llms are unseen")
    lines = text.splitlines()
    assert lines[4].startswith("| 5 | mine | 0.750 | +0.500 [")
    assert "recognised" not in text


def test_the_command_writes_a_table(table, tmp_path, capsys):
    pd.DataFrame(
        {"question_id": table.ids, "question": table.questions, "dataset": table.datasets}
    ).to_parquet(tmp_path / "questions.parquet")
    pd.DataFrame(
        {
            "question_id": np.repeat(table.ids, 6),
            "llm": np.tile(table.llms, N),
            "score": table.scores.ravel(),
        }
    ).to_parquet(tmp_path / "outcomes.parquet")
    names = ("capability_fusion", "knn", "recognised_dataset")
    settings = [f"encoder@routers.{name}.encoder=tfidf" for name in names]
    settings += ["by_card=[capability_fusion]", "by_labels=[knn,recognised_dataset]", "zoo=all"]
    settings += ["n_scored=[6,12]", "n_shots=3", "seeds=[0,1]", "routers.knn.k=3"]
    out = tmp_path / "out"
    assert (
        run_experiment.main(["unseen", "--data", str(tmp_path), "--results", str(out), *settings])
        == 0
    )
    text = capsys.readouterr().out
    assert "2 of 6 llms are unseen" in text
    assert "make unseen DATA=<folder>/" in text
    found = pd.read_csv(out / "unseen.csv")
    assert set(found["policy"]) == {*names, "best_single", "zoo_mean", "oracle"}
    assert found["n_scored"].nunique() == 2
    assert (out / "unseen.md").read_text() == text
