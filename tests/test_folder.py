import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from folders import written

from benchmarks.sources import folder


@pytest.fixture
def frames():
    questions = pd.DataFrame(
        {
            "question_id": ["q1", "q2"],
            "dataset": ["d", "e"],
            "question": ["Why?", "How many?"],
            "subject": ["s", None],
            "choices": [["because", "so", "thus", "hence"], None],
        }
    )
    outcomes = pd.DataFrame(
        {
            "question_id": ["q1", "q2", "q1"],
            "llm": ["a", "a", "b"],
            "score": [1, 0, 0.5],
        }
    )
    llms = pd.DataFrame({"llm": ["a", "b"], "params_b": [7.0, -1]})
    return {"questions": questions, "outcomes": outcomes, "llms": llms}


def test_reads_what_is_there(frames, tmp_path):
    table = folder.load(written(frames, tmp_path)).table
    np.testing.assert_array_equal(table.scores, [[1, 0.5], [0, np.nan]])
    np.testing.assert_array_equal(table.costs, [[7, np.nan], [7, np.nan]])
    assert table.cost_unit == "params_b (proxy)"
    assert list(table.subjects) == ["s", "e"]
    assert list(table.chance) == [0.25, 0]
    shown = table.questions[0].splitlines()
    assert shown[0] == "Why?"
    assert [line[:3] for line in shown[1:]] == ["A. ", "B. ", "C. ", "D. "]
    assert sorted(line[3:] for line in shown[1:]) == ["because", "hence", "so", "thus"]
    assert table.questions[1] == "How many?"
    assert folder.load(tmp_path, show_choices=False).table.questions[0] == "Why?"


def test_costs_of_outcomes_come_first(frames, tmp_path):
    frames["outcomes"]["cost"] = [0.1, 0.2, np.nan]
    table = folder.load(written(frames, tmp_path)).table
    np.testing.assert_allclose(table.costs, [[0.1, np.nan], [0.2, np.nan]])
    assert table.cost_unit == "USD"
    assert folder.load(tmp_path, cost_column="params_b").table.cost_unit == "params_b (proxy)"


def test_options_are_shown_in_an_order_of_the_question_not_of_the_source(frames, tmp_path):
    first = folder.load(written(frames, tmp_path)).table.questions[0]
    frames["questions"].at[0, "choices"] = ["hence", "thus", "so", "because"]
    assert folder.load(written(frames, tmp_path)).table.questions[0] == first


FOUR = ["because", "so", "thus", "hence"]


@pytest.mark.parametrize(
    "value",
    [
        FOUR,
        {"label": ["A", "B", "C", "D"], "text": FOUR},
        dict(zip("ABCD", FOUR, strict=True)),
        [{"label": letter, "text": text} for letter, text in zip("ABCD", FOUR, strict=True)],
        json.dumps(FOUR),
        json.dumps({"text": FOUR, "label": ["1", "2", "3", "4"]}),
    ],
)
def test_options_are_read_in_every_form_that_data_sets_have(frames, tmp_path, value):
    plain = folder.load(written(frames, tmp_path)).table
    assert list(plain.chance) == [0.25, 0]
    frames["questions"]["choices"] = [value, None]
    table = folder.load(written(frames, tmp_path)).table
    assert list(table.questions) == list(plain.questions)
    assert list(table.chance) == [0.25, 0]


@pytest.mark.parametrize(
    "value", ["A) so B) thus", "{", [["so"], ["thus"]], {"n": [3]}, ["so", None], "7"]
)
def test_what_is_no_options_is_refused_and_not_taken_for_none(frames, tmp_path, value):
    frames["questions"]["choices"] = [None, value]
    with pytest.raises(
        ValueError, match=r"questions.parquet, row 1, column 'choices': must be a list"
    ):
        folder.load(written(frames, tmp_path))


def test_a_name_without_facts_is_told_with_the_nearest(frames, tmp_path, caplog):
    frames["llms"]["llm"] = ["A", "b"]
    table = folder.load(written(frames, tmp_path)).table
    assert np.isnan(table.costs[:, 0]).all()
    (remark,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert "says nothing of 1 of the 2 llms, first 'a'; it has 'A'." in remark


@pytest.mark.parametrize(
    ("frame", "row", "column", "value", "message"),
    [
        ("outcomes", 1, "score", 1.5, "outcomes.parquet, row 1, column 'score'.*got 1.5"),
        ("outcomes", 1, "question_id", "q9", "row 1, column 'question_id'.*got 'q9'"),
        ("outcomes", 2, "llm", "a", "row 2, column 'question_id and llm': must be unique"),
        ("outcomes", 0, "llm", None, "outcomes.parquet, row 0, column 'llm'"),
        ("questions", 1, "question_id", "q1", "questions.parquet, row 1.*unique"),
        ("questions", 1, "question", "  ", "questions.parquet, row 1, column 'question'"),
        ("questions", 0, "dataset", None, "questions.parquet, row 0, column 'dataset'"),
    ],
)
def test_bad_values_are_named_by_file_row_and_column(
    frames, tmp_path, frame, row, column, value, message
):
    frames[frame].at[row, column] = value
    with pytest.raises(ValueError, match=message):
        folder.load(written(frames, tmp_path))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("question_id", [1, 2]),
        ("question_id", np.array([1, 2], dtype=np.uint8)),
        ("question_id", [1.0, 2.0]),
        ("question_id", pd.array([1, 2], dtype="Int64")),
        ("question_id", pd.Categorical([1, 2])),
        ("question_id", pd.array([1, 2], dtype="int32[pyarrow]")),
        ("question_id", pd.array(["1", "2"], dtype="large_string[pyarrow]")),
        ("dataset", [1, 2]),
        ("subject", [1, None]),  # becomes 1.0 and NaN
    ],
)
def test_whole_numbers_are_names(frames, tmp_path, column, values):
    frames["questions"]["question_id"] = ["1", "2"]
    frames["outcomes"]["question_id"] = pd.Categorical([1, 2, 1])  # the other file may differ
    frames["questions"][column] = values
    table = folder.load(written(frames, tmp_path)).table
    assert list(table.ids) == ["1", "2"]
    np.testing.assert_array_equal(table.scores, [[1, 0.5], [0, np.nan]])
    found = {"dataset": table.datasets, "subject": table.subjects}.get(column, table.ids)
    assert found[0] == "1"


def test_llms_may_be_numbers(frames, tmp_path):
    frames["outcomes"]["llm"] = [10, 10, 9]
    frames["llms"]["llm"] = ["9", "10"]
    table = folder.load(written(frames, tmp_path)).table
    assert list(table.llms) == ["10", "9"]
    np.testing.assert_array_equal(table.costs[0], [np.nan, 7])


@pytest.mark.parametrize(
    ("frame", "column", "values", "message"),
    [
        ("questions", "question_id", [1.0, 2.5], r"row 1.*got 2\.5.*astype\(str\)"),
        ("questions", "question_id", [1.0, 2.0**53], r"row 1.*got 9007199254740992"),
        ("questions", "question_id", [True, False], r"row 0.*got True"),
        ("questions", "question_id", [b"a", b"b"], r"row 0.*got b'a'.*decode\('utf-8'\)"),
        ("questions", "question_id", [["a", "b"], ["b"]], r"row 0.*astype\(str\)"),
        ("questions", "dataset", ["d", ""], r"row 1, column 'dataset'.*got ''\. Fill or drop"),
        ("questions", "subject", [1.5, None], r"row 0, column 'subject'.*got 1\.5"),
        ("questions", "question", [7, 8], r"row 0, column 'question'.*got 7"),
        ("outcomes", "llm", ["a", None, "b"], r"row 1, column 'llm'.*Fill or drop the row"),
        ("outcomes", "question_id", [1, np.nan, 1], r"row 1.*got nan\. Fill or drop"),
        ("outcomes", "score", ["1", "x", None], r"row 1, column 'score'.*got 'x'"),
        ("outcomes", "score", [[1], [1], [1]], r"row 0, column 'score'"),
        ("outcomes", "cost", [1, np.inf, 1], r"row 1, column 'cost'.*got inf"),
        ("llms", "llm", ["a", "a"], r"llms.parquet, row 1, column 'llm': must be unique"),
        ("llms", "params_b", ["7", "big"], r"llms.parquet, row 1, column 'params_b'.*got 'big'"),
    ],
)
def test_what_is_no_name_or_number_is_refused(frames, tmp_path, frame, column, values, message):
    if (frame, column) == ("outcomes", "question_id"):
        frames["questions"]["question_id"] = [1, 2]
    frames[frame][column] = values
    with pytest.raises(ValueError, match=message):
        folder.load(written(frames, tmp_path))


def test_the_same_id_as_number_and_text_is_a_repeat(frames):
    frames["questions"]["question_id"] = pd.Series([1, "1"], dtype=object)
    with pytest.raises(ValueError, match=r"row 1, column 'question_id': must be unique"):
        folder.build(frames["questions"], frames["outcomes"])


def test_an_index_is_a_column_and_a_folder_name_is_none(frames, tmp_path):
    path = tmp_path / "split=train"  # a dataset reader takes a column from such a name
    path.mkdir()
    frames["llms"] = frames["llms"].set_index("llm")
    assert list(folder.load(written(frames, path)).table.splits) == ["", ""]
    assert folder.load(path).table.costs[0, 0] == 7
    (path / "outcomes.parquet").write_text("question_id,llm,score")
    with pytest.raises(ValueError, match=r"outcomes\.parquet must be a Parquet file"):
        folder.load(path)


def test_what_was_read_is_logged_once(frames, tmp_path, caplog):
    with caplog.at_level("INFO"):
        folder.load(written(frames, tmp_path))
    [line] = [r.getMessage() for r in caplog.records if r.levelname == "INFO"]
    assert f"{tmp_path.name}: 2 questions, 2 llms, 3 outcomes, read in " in line


def test_missing_files_and_columns_are_named(frames, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"questions\.parquet is not there"):
        folder.load(tmp_path)
    frames["outcomes"] = frames["outcomes"].drop(columns="score")
    with pytest.raises(ValueError, match="must have a column 'score', it has: question_id, llm"):
        folder.load(written(frames, tmp_path))
    frames["outcomes"]["score"] = 1.0
    written(frames, tmp_path)
    with pytest.raises(ValueError, match="column 'usd' to stand in for cost"):
        folder.load(tmp_path, cost_column="usd")


def test_file_order_changes_nothing(frames, tmp_path):
    first = folder.load(written(frames, tmp_path)).table.content_hash
    turned = {name: frame.iloc[::-1].reset_index(drop=True) for name, frame in frames.items()}
    assert folder.load(written(turned, tmp_path)).table.content_hash == first


@pytest.fixture
def rotated(frames):
    """`a` is right on q1 in two of three orders, `b` in all; one score of `c` is missing."""
    rows = [
        *[("q1", "a", turn, score) for turn, score in enumerate([1, 1, 0])],
        *[("q1", "b", turn, 1) for turn in range(3)],
        *[("q1", "c", turn, score) for turn, score in enumerate([1, 1, np.nan])],
        ("q2", "a", 0, 1),
        ("q2", "b", 0, 0.5),
    ]
    columns = ["question_id", "llm", "rotation", "score"]
    return frames | {"outcomes": pd.DataFrame(rows, columns=columns)}


def test_right_under_every_rotation_or_on_average(rotated, tmp_path):
    table = folder.load(written(rotated, tmp_path)).table
    np.testing.assert_array_equal(table.scores, [[0, 1, np.nan], [1, 0.5, np.nan]])
    np.testing.assert_allclose(table.chance, [0.25**3, 0])  # a guess must be right three times
    mean = folder.load(tmp_path, rotations="mean").table
    np.testing.assert_allclose(mean.scores, [[2 / 3, 1, 1], [1, 0.5, np.nan]])
    assert mean.chance[0] == 0.25


def test_a_wrong_answer_decides_whatever_is_missing(rotated, tmp_path):
    rotated["outcomes"].loc[6, "score"] = 0  # of c, whose third is missing
    assert folder.load(written(rotated, tmp_path)).table.scores[0, 2] == 0


def test_rotations_cost_their_mean_and_must_not_repeat(rotated, tmp_path):
    rotated["outcomes"]["cost"] = np.arange(11.0)
    table = folder.load(written(rotated, tmp_path)).table
    np.testing.assert_array_equal(table.costs, [[1, 4, 7], [9, 10, np.nan]])
    rotated["outcomes"].loc[1, "rotation"] = 0
    with pytest.raises(ValueError, match="row 1, column 'question_id and llm and rotation'"):
        folder.load(written(rotated, tmp_path))
    rotated["outcomes"].loc[1, ["rotation", "cost"]] = [1, -5]
    with pytest.raises(ValueError, match=r"row 1, column 'cost'.*got -5"):
        folder.load(written(rotated, tmp_path))


def test_without_rotations_the_parameter_does_nothing(frames, tmp_path):
    first = folder.load(written(frames, tmp_path)).table
    assert folder.load(tmp_path, rotations="mean").table.content_hash == first.content_hash


REAL = Path(os.environ.get("PROCTOR_DATA", "")) / "open_llm_leaderboard"


@pytest.mark.skipif(
    not (os.environ.get("PROCTOR_DATA") and REAL.is_dir()),
    reason="PROCTOR_DATA does not name a folder with open_llm_leaderboard: real outcomes untested",
)
def test_first_figures_on_real_outcomes():
    from benchmarks import scoring

    table = folder.load(REAL).table
    assert (len(table), table.n_llms) == (969, 2205)
    from conftest import composed

    small8 = table.select(composed("router=knn", "zoo=small8").zoo.llms)
    oracle = scoring.macro_mean(small8.scores.max(axis=1)[None], small8.datasets)
    mean = scoring.macro_mean(scoring.random_score(small8.scores)[None], small8.datasets)
    assert oracle == pytest.approx(0.850, abs=0.001)
    assert mean == pytest.approx(0.561, abs=0.001)
    assert small8.cost_unit == "params_b (proxy)"
