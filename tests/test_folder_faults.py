"""Slips in data folders: each is read right, or told in one sentence."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from folders import IDS, N, remarks, small, written

from benchmarks.sources import folder
from benchmarks.sources.names import other_spelling


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("score", [100, 0] * N, "row 0, column 'score'.*got 100.*divide percentages by 100"),
        ("score", [0.5, 57.5] * N, "row 1, column 'score'.*got 57.5.*divide percentages by 100"),
        ("score", ["57%"] * 2 * N, "row 0, column 'score'.*got '57%'. Write it as a number"),
        ("score", ["True"] * 2 * N, "row 0, column 'score'.*got 'True'"),
        ("score", [1, -0.5] * N, "row 1, column 'score'.*got -0.5. Rescale"),
        ("score", pd.to_datetime(["1970-01-01"] * 2 * N), "row 0, column 'score'.*Timestamp"),
        ("cost", pd.to_datetime(["2024-01-01"] * 2 * N), "row 0, column 'cost'.*Timestamp"),
        ("cost", pd.to_datetime([None, "2024-01-01"] * N, utc=True), "row 1, column 'cost'"),
        ("cost", pd.to_timedelta([1] * 2 * N, unit="s"), "row 0, column 'cost'.*Timedelta"),
        ("cost", [datetime.date(2024, 1, 1)] * 2 * N, "row 0, column 'cost'.*date"),
        ("cost", [True] * 2 * N, "row 0, column 'cost'.*got True. Write it as a number"),
        ("cost", pd.Series([None, True] * N, dtype=object), "row 1, column 'cost'.*got True"),
        ("rotation", [["x"]] * 2 * N, "row 0, column 'rotation': must be a text or a number"),
    ],
)
def test_what_is_no_number_is_not_taken_for_one(tmp_path, column, values, message):
    frames = small()
    frames["outcomes"][column] = values
    with pytest.raises(ValueError, match=message):
        folder.load(written(frames, tmp_path))


@pytest.mark.parametrize(
    "values",
    [
        [True, False] * N,
        pd.Series([True, False] * N, dtype=object),
        ["1", "0.0"] * N,
        [Decimal("1.0"), Decimal("0.0")] * N,
        pd.Categorical([1.0, 0.0] * N),
        pd.array([1, 0] * N, dtype="Int64"),
        pd.array([1.0, 0.0] * N, dtype="float[pyarrow]"),
        np.array([1, 0] * N, dtype=np.float16),
    ],
)
def test_scores_are_read_in_every_type_that_numbers_have(tmp_path, values):
    frames = small()
    frames["outcomes"]["score"] = values
    scores = folder.load(written(frames, tmp_path)).table.scores
    np.testing.assert_array_equal(scores, np.tile([[1], [0]], (N // 2, 2)))


def test_dictionaries_and_large_strings_are_read(tmp_path):
    frames = small()
    plain = folder.load(written(frames, tmp_path)).table
    outcomes = pa.table(
        {
            "question_id": pa.array(frames["outcomes"]["question_id"]).cast(pa.large_string()),
            "llm": pa.array(frames["outcomes"]["llm"]).dictionary_encode(),
            "score": pa.array(frames["outcomes"]["score"].to_numpy()).dictionary_encode(),
        }
    )
    pq.write_table(outcomes, tmp_path / "outcomes.parquet")
    assert folder.load(tmp_path).table.content_hash == plain.content_hash


def test_white_space_around_names_is_left_out_and_told(tmp_path, caplog):
    frames = small()
    plain = folder.load(written(frames, tmp_path)).table
    frames["outcomes"]["llm"] = ["a", "a ", "\ta", "a"] + ["b"] * N
    frames["outcomes"]["question_id"] = [" q0", *IDS[1:]] * 2
    frames["questions"]["dataset"] = ["d", "d\n", "e", "e"]
    frames["llms"]["llm"] = ["a", " b"]
    assert folder.load(written(frames, tmp_path)).table.content_hash == plain.content_hash
    assert remarks(caplog) == [
        f"{file}.parquet, column {column!r}: white space around a name is left out "
        f"({count}, first {first!r})."
        for file, column, count, first in [
            ("llms", "llm", 1, " b"),
            ("questions", "dataset", 1, "d\n"),
            ("outcomes", "llm", 2, "a "),
            ("outcomes", "question_id", 1, " q0"),
        ]
    ]


def test_names_that_white_space_told_apart_may_not_repeat(tmp_path):
    frames = small()
    frames["outcomes"]["llm"] = ["a"] * N + ["a "] * N
    with pytest.raises(ValueError, match=r"row 4, column 'question_id and llm'.*\('q0', 'a '\)"):
        folder.load(written(frames, tmp_path))


@pytest.mark.parametrize(
    ("frame", "column", "values", "told"),
    [
        ("outcomes", "llm", ["A"] * N + ["a"] * N, "outcomes.parquet, column 'llm': 'A' and 'a'"),
        ("outcomes", "llm", ["é"] * N + ["e\u0301"] * N, r"'e\u0301' and '\xe9' differ only"),
        ("outcomes", "llm", ["a"] * N + ["a\u200b"] * N, r"'a' and 'a\u200b' differ only"),
        ("questions", "dataset", ["GSM 8K", "gsm8k"] * 2, "'GSM 8K' and 'gsm8k' differ only"),
        ("questions", "dataset", ["X", "x", "Y", "y"], "(the first of 2 such groups)"),
        ("questions", "subject", ["X", "x", "Y", "z"], "column 'subject': 'X' and 'x' differ"),
    ],
)
def test_names_that_look_alike_are_told(tmp_path, caplog, frame, column, values, told):
    frames = small()
    del frames["llms"]
    frames[frame][column] = values
    table = folder.load(written(frames, tmp_path)).table
    (remark,) = remarks(caplog)
    assert told in remark
    assert "are kept apart. Spell them alike if they are one." in remark
    found = {"llm": table.llms, "dataset": table.datasets, "subject": table.subjects}[column]
    assert set(found) == set(values)


def test_missing_values_that_were_made_texts_are_told(tmp_path, caplog):
    frames = small()
    frames["llms"]["llm"] = ["a", "nan"]
    frames["outcomes"]["llm"] = pd.Series(["a"] * N + [np.nan] * N).astype(object).map(str)
    folder.load(written(frames, tmp_path))
    told = "column 'llm': the name 'nan' may be a missing value that was made a text."
    assert remarks(caplog) == [f"llms.parquet, {told}", f"outcomes.parquet, {told}"]


@pytest.mark.parametrize(("name", "known"), [("é", "e\u0301"), ("GPT 4", "gpt4")])
def test_facts_under_another_spelling_are_told_with_it(tmp_path, caplog, name, known):
    frames = small()
    frames["llms"]["llm"] = [known, "b"]
    frames["outcomes"]["llm"] = [name] * N + ["b"] * N
    folder.load(written(frames, tmp_path))
    told = f"says nothing of 1 of the 2 llms, first {name!r}; it has {known!r}"
    assert told in remarks(caplog)[0]


def test_messages_of_a_chat_are_no_text(tmp_path):
    frames = small()
    frames["questions"]["question"] = [[{"role": "user", "content": "Why?"}]] * N
    with pytest.raises(ValueError, match=r"column 'question'.*Write it as one text"):
        folder.load(written(frames, tmp_path))


def test_subjects_that_are_datasets_are_not_told_twice(tmp_path, caplog):
    frames = small()
    frames["questions"]["dataset"] = ["X", "x", "Y", "z"]
    frames["questions"]["subject"] = ["X", None, "Y", None]
    folder.load(written(frames, tmp_path))
    assert len(remarks(caplog)) == 1


@pytest.mark.parametrize(
    ("ids", "asked", "near"),
    [
        ([1, 2, 3, 4], ["1.0", "2.0", "3.0", "4.0"], "'1': write ids alike"),
        (["01", "02", "03", "04"], [1, 2, 3, 4], "'01': write ids alike"),
        (IDS, ["Q0", "Q1", "Q2", "Q3"], "'q0': write ids alike"),
        (IDS, ["x", "y", "z", "w"], "Add the question or drop the outcome"),
    ],
)
def test_ids_that_differ_between_files_are_told_with_the_other_spelling(tmp_path, ids, asked, near):
    frames = small()
    frames["questions"]["question_id"] = ids
    frames["outcomes"]["question_id"] = asked * 2
    with pytest.raises(ValueError, match=f"outcomes.parquet, row 0, column 'question_id'.*{near}"):
        folder.load(written(frames, tmp_path))


def test_other_spellings_are_of_one_number():
    assert other_spelling("10", ["1", "10.0"]) == "10.0"
    assert other_spelling("0", ["00"]) == "00"
    assert other_spelling("1.5", ["1", "15"]) is None


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "\ufeff \u2060", None])
@pytest.mark.parametrize("column", ["question", "question_id", "dataset"])
def test_texts_that_cannot_be_seen_are_refused(tmp_path, column, text):
    frames = small()
    frames["questions"].loc[1, column] = text
    with pytest.raises(ValueError, match=f"questions.parquet, row 1, column '{column}'.*Fill or"):
        folder.load(written(frames, tmp_path))


@pytest.mark.parametrize("name", ["questions", "outcomes"])
def test_a_file_without_rows_is_named(tmp_path, name):
    frames = small()
    frames[name] = frames[name].iloc[:0]
    with pytest.raises(ValueError, match=f"{name}.parquet must have at least one row"):
        folder.load(written(frames, tmp_path))


def test_a_file_that_is_empty_or_broken_or_a_folder_is_named(tmp_path):
    file = written(small(), tmp_path) / "outcomes.parquet"
    whole = file.read_bytes()
    for broken in (b"", whole[:-50], b"PAR1" + bytes(200) + whole[204:]):
        file.write_bytes(broken)
        with pytest.raises(ValueError, match=r"outcomes\.parquet must be a Parquet file"):
            folder.load(tmp_path)
    file.unlink()
    file.mkdir()
    with pytest.raises(FileNotFoundError, match=r"outcomes\.parquet is a folder"):
        folder.load(tmp_path)


def test_a_column_that_stands_twice_is_named(tmp_path):
    written(small(), tmp_path)
    columns = [pa.array(["q0"]), pa.array(["a"]), pa.array([1.0]), pa.array([0.0])]
    twice = pa.table(columns, names=["question_id", "llm", "score", "score"])
    pq.write_table(twice, tmp_path / "outcomes.parquet")
    with pytest.raises(ValueError, match="must have one column 'score', it has: question_id, llm"):
        folder.load(tmp_path)


@pytest.mark.parametrize(
    ("frame", "column", "meant"),
    [
        ("outcomes", "Cost", "cost"),
        ("outcomes", "costs", "cost"),
        ("outcomes", "eligble", "eligible"),
        ("questions", "choice", "choices"),
        ("questions", "Split ", "split"),
        ("llms", "context_windows", "context_window"),
    ],
)
def test_columns_spelled_almost_right_are_told(tmp_path, caplog, frame, column, meant):
    frames = small()
    frames[frame][column] = 1
    folder.load(written(frames, tmp_path))
    assert remarks(caplog) == [
        f"{frame}.parquet: column {column!r} is not taken for {meant!r}. Rename it if it is meant."
    ]


def test_other_columns_are_not_remarked_on(tmp_path, caplog):
    frames = small()
    frames["outcomes"] = frames["outcomes"].assign(cost=1.0, costs=1.0, output_tokens=5)
    frames["questions"] = frames["questions"].assign(origin_split="x", answer="y")
    folder.load(written(frames, tmp_path))
    assert not remarks(caplog)


def test_splits_are_read_in_any_case(tmp_path, caplog):
    frames = small()
    frames["questions"]["split"] = ["Train", "TEST", None, "train"]
    table = folder.load(written(frames, tmp_path)).table
    assert list(table.splits) == ["train", "test", "", "train"]
    assert not remarks(caplog)


def test_a_single_option_is_told(tmp_path, caplog):
    frames = small()
    frames["questions"]["choices"] = [None, ["A. yes B. no"], ["yes", "no"], None]
    table = folder.load(written(frames, tmp_path)).table
    assert list(table.chance) == [0, 0, 0.5, 0]
    assert "questions with a single option: 1, first in row 1." in remarks(caplog)[0]


def test_more_options_than_letters_are_all_shown(tmp_path):
    frames = small()
    frames["questions"]["choices"] = [[f"option {i}" for i in range(28)], None, None, None]
    table = folder.load(written(frames, tmp_path)).table
    lines = table.questions[0].splitlines()[1:]
    assert sorted(line.split(". ")[1] for line in lines) == sorted(f"option {i}" for i in range(28))
    assert [line.split(". ")[0] for line in lines[24:]] == ["Y", "Z", "AA", "AB"]


def test_questions_without_outcomes_stay_unobserved(tmp_path):
    frames = small()
    frames["outcomes"] = frames["outcomes"][frames["outcomes"]["question_id"] != "q3"]
    table = folder.load(written(frames, tmp_path)).table
    assert len(table) == N
    assert np.isnan(table.scores[3]).all()


def test_a_question_that_nobody_was_asked_takes_one_guess(tmp_path):
    frames = small()
    frames["questions"]["choices"] = [["x", "y"]] * N
    turned = [frames["outcomes"].iloc[:3].assign(rotation=turn) for turn in range(2)]
    frames["outcomes"] = pd.concat(turned)
    table = folder.load(written(frames, tmp_path)).table
    np.testing.assert_allclose(table.chance, [0.25, 0.25, 0.25, 0.5])
    assert np.isnan(table.scores[3]).all()
