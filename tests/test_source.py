"""What a source knows of llms and questions: one type for all sources, made by anyone."""

import datetime

import numpy as np
import pandas as pd
import pytest
from folders import written

from benchmarks.sources import folder
from benchmarks.sources.facts import LLM_FACTS, llm_facts, question_facts
from benchmarks.sources.source import Source
from routers.table import RoutingTable


def table(**more):
    """Return two questions, neither they nor the llms in order."""
    given = {"questions": ["Why?", "How?"], "ids": ["q", "p"], "datasets": ["d", "d"]}
    return RoutingTable(scores=[[1, 0], [0, 1]], llms=["b", "a"], **given | more)


def test_nothing_is_known_beside_a_bare_table():
    source = Source(table())
    assert source.llms.empty
    assert set(source.llms) == set(LLM_FACTS)
    assert list(source.questions.index) == ["q", "p"]
    assert set(source.questions) == {"n_tokens", "needs", "group"}
    assert source.questions["n_tokens"].isna().all()
    assert source.questions["needs"].tolist() == [None, None]
    assert source.questions["group"].tolist() == ["", ""]
    with pytest.raises(AttributeError):
        source.table = None
    assert hash(source)  # it can be kept by itself, as its table can


def test_what_is_known_is_in_one_form():
    llms = pd.DataFrame(
        {
            "params_b": [0, -1, np.nan],
            "released": ["2024", datetime.date(2024, 5, 30), pd.Timestamp("2024-06-01")],
            "family": [" kin", "", None],
            "input_price_per_m": [0.0, 3, None],
            "modalities": [["Image", "text"], "tools, image", ""],
            "licence": ["MIT", None, "MIT"],
        },
        index=["a", "b", "c"],
    )
    found = Source(table(), llms).llms
    assert found["params_b"].tolist()[0] == 0
    assert found["params_b"].isna().tolist() == [False, True, True]
    assert found["released"].tolist() == ["2024", "2024-05-30", "2024-06-01"]
    assert found["family"].tolist() == ["kin", None, None]
    assert found["input_price_per_m"].tolist()[:2] == [0, 3]
    assert found["output_price_per_m"].isna().all()
    assert found["context_window"].isna().all()
    assert found["modalities"].tolist() == ["image, text", "image, text, tools", None]
    assert found["licence"].equals(llms["licence"])
    assert found.index.name == "llm"
    pd.testing.assert_frame_equal(Source(table(), found).llms, found)  # in that form already


def test_questions_are_those_of_the_table_in_its_order():
    given = pd.DataFrame({"n_tokens": [5], "needs": ["image"]}, index=["p"])
    source = Source(table(groups=["g", ""]), questions=given)
    assert source.questions.index.name == "question_id"
    assert source.questions["needs"].tolist() == [None, "image, text"]
    assert source.questions["group"].tolist() == ["g", ""]
    sorted_ = source.canonical()
    assert list(sorted_.table.ids) == list(sorted_.questions.index) == ["p", "q"]
    assert list(sorted_.table.llms) == ["a", "b"]
    assert sorted_.questions["needs"].tolist() == ["image, text", None]
    assert sorted_.questions["group"].tolist() == ["", "g"]
    assert sorted_.questions["n_tokens"].tolist()[0] == 5


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"table": [1]}, "Source: 'table' must be a RoutingTable, got 'list'. Return a Routing"),
        ({"llms": {"a": 1}}, "Source: 'llms' must be a DataFrame, got 'dict'. Its index holds"),
        ({"llms": pd.DataFrame({"x": [1]})}, "the index of 'llms' must be of names, got 0. Set it"),
        (
            {"llms": pd.DataFrame({"x": [1, 2]}, index=["a", "a"])},
            "the index of 'llms' must be of unique names, got 'a'. Drop the repeated row.",
        ),
        (
            {"questions": pd.DataFrame({"needs": ["image"]}, index=["Q"])},
            "the index of 'questions' must be of the table's ids, got 'Q'. Name questions by",
        ),
        (
            {"questions": pd.DataFrame({"group": ["g"]}, index=["p"])},
            "the group of question 'p' must be '', as in the table, got 'g'. Give groups to the",
        ),
        (
            {"llms": pd.DataFrame({"context_window": [0]}, index=["a"])},
            "llms, row 0, column 'context_window': must be a finite number of at least 1",
        ),
        (
            {"questions": pd.DataFrame({"needs": ["", 3]}, index=["p", "q"])},
            "questions, row 1, column 'needs': must be a list of texts",
        ),
    ],
)
def test_what_makes_no_source_is_refused(given, message):
    with pytest.raises(ValueError, match="(?s)" + message.replace("(", r"\(")):
        Source(**{"table": table()} | given)


BAD = [
    ("params_b", "7B", "a finite number or missing, got '7B'"),
    ("context_window", 0, "a finite number of at least 1 or missing, got 0"),
    ("input_price_per_m", -1, "a finite number of at least 0 or missing, got -1"),
    ("output_price_per_m", "$15", r"a finite number of at least 0 or missing, got '\$15'"),
    ("released", "May 2024", "a date such as 2024-05 or 2024-05-30, or missing, got 'May 2024'"),
    ("released", "2024-13", "a date such as 2024-05 .* got '2024-13'. Write year, month and"),
    ("released", "2024-05-32", "a date such as .* got '2024-05-32'"),
    ("released", 2024, "a date such as .* got 2024"),
    ("family", ["kin"], "a text that is not empty, or a whole number"),
    ("modalities", 3, "a list of texts"),
]


@pytest.mark.parametrize(("column", "value", "message"), BAD)
def test_a_bad_value_is_named(column, value, message):
    facts = pd.DataFrame({column: pd.Series([None, value], dtype=object)})
    with pytest.raises(
        ValueError, match=f"llms.parquet, row 1, column '{column}': must be {message}"
    ):
        llm_facts(facts, "llms.parquet")


@pytest.fixture
def frames():
    questions = {"question_id": ["q", "p"], "dataset": "d", "question": ["Why?", "How?"]}
    outcomes = {"question_id": ["q", "q", "p"], "llm": ["b", "a", "a"], "score": [1.0, 0, 1]}
    llms = {"llm": ["b", "unasked"], "params_b": [7.0, 1], "arch": ["X", "Y"]}
    frames = {"questions": questions, "outcomes": outcomes, "llms": llms}
    return {name: pd.DataFrame(columns) for name, columns in frames.items()}


def test_a_folder_tells_what_its_files_say(frames, tmp_path):
    frames["llms"]["released"] = ["2024-05", None]
    frames["questions"] = frames["questions"].assign(needs=["tools", None], n_tokens=[3, 4])
    frames["questions"]["group"] = ["g", "g"]
    source = folder.load(written(frames, tmp_path))
    assert list(source.llms.index) == ["b", "unasked"]
    assert source.llms["arch"].tolist() == ["X", "Y"]
    assert source.llms["released"].tolist() == ["2024-05", None]
    assert source.questions["needs"].tolist() == ["text, tools", None]
    assert source.questions["n_tokens"].tolist() == [3, 4]
    assert source.questions["group"].tolist() == ["g", "g"]
    (tmp_path / "llms.parquet").unlink()
    assert folder.load(tmp_path).llms.empty


@pytest.mark.parametrize(("column", "value"), [("n_tokens", -1), ("needs", "[1]")])
def test_a_bad_value_of_a_question_is_named(frames, tmp_path, column, value):
    frames["questions"][column] = [None, value]
    told = f"questions.parquet, row 1, column '{column}': must be"
    with pytest.raises(ValueError, match=told):
        folder.load(written(frames, tmp_path))
    with pytest.raises(ValueError, match=told):
        question_facts(frames["questions"], "questions.parquet")


def test_no_tokens_are_a_number_of_tokens(frames):
    assert question_facts(frames["questions"].assign(n_tokens=0), "q")["n_tokens"].tolist() == [
        0,
        0,
    ]


@pytest.mark.parametrize("missing", [None, pd.NA, pd.NaT, np.nan, "", " "])
def test_a_date_may_be_missing(missing):
    facts = pd.DataFrame({"released": pd.Series(["2024-05", missing], dtype=object)})
    assert llm_facts(facts, "llms")["released"].tolist() == ["2024-05", None]
