"""What an llm cannot answer, as a data folder says it or as it follows from facts."""

import json

import numpy as np
import pandas as pd
import pytest
from folders import N, remarks, small, written

from benchmarks.sources import folder


def loaded(frames, path, **settings):
    return folder.load(written(frames, path), **settings).table


@pytest.mark.parametrize(
    "values",
    [
        [True, False, None, True],
        [True, False, True, True],
        [1, 0, 1, 1],
        [1.0, 0.0, np.nan, 1],
        ["true", " FALSE", None, "True"],
        pd.array([True, False, None, True], dtype="boolean"),
        pd.array([1, 0, None, 1], dtype="Int8"),
        pd.Categorical(["true", "false", None, "true"]),
    ],
)
def test_outcomes_say_what_an_llm_cannot_answer(tmp_path, caplog, values):
    frames = small()
    frames["outcomes"] = frames["outcomes"].iloc[:N]
    frames["outcomes"]["eligible"] = values
    table = loaded(frames, tmp_path)
    assert table.eligible.tolist() == [[True], [False], [True], [True]]
    np.testing.assert_array_equal(table.scores[:, 0], [1, np.nan, 1, 0])
    np.testing.assert_array_equal(table.costs[:, 0], [7, np.nan, 7, 7])
    assert remarks(caplog) == [
        "Not eligible: 1 of 4 pairs of a question and an llm, of 1 of 1 llms. Questions that no "
        "llm can answer: 1. Scores given for such pairs and not kept: 1."
    ]


@pytest.mark.parametrize("value", ["no", "", 2, -1, 0.5, [True]])
def test_what_is_neither_true_nor_false_is_refused(tmp_path, value):
    frames = small()
    frames["outcomes"]["eligible"] = [None] * 5 + [value] * 3
    must = "row 5, column 'eligible': must be True or False, 1 or 0, or missing, got "
    with pytest.raises(ValueError, match=must):
        loaded(frames, tmp_path)


def test_what_stands_in_a_row_that_is_not_eligible_is_not_read(tmp_path, caplog):
    frames = small()
    frames["outcomes"]["score"] = ["1", "0", "1", "n/a"] * 2
    frames["outcomes"]["cost"] = [1.0, 1, 1, -1] * 2
    frames["outcomes"]["eligible"] = [True, True, True, False] * 2
    table = loaded(frames, tmp_path)
    assert not table.eligible[3].any()
    assert np.isnan(table.scores[3]).all()
    np.testing.assert_array_equal(table.costs, [[1, 1]] * 3 + [[np.nan] * 2])
    (remark,) = remarks(caplog)
    assert remark.endswith("no llm can answer: 1. Scores given for such pairs and not kept: 2.")


def test_a_row_that_is_not_eligible_needs_no_score_and_keeps_its_llm(tmp_path, caplog):
    frames = small()
    frames["outcomes"].loc[N:, "score"] = np.nan
    frames["outcomes"]["eligible"] = [None] * N + [False] * N
    table = loaded(frames, tmp_path)
    assert list(table.llms) == ["a", "b"]
    assert table.eligible.all(axis=0).tolist() == [True, False]
    assert "and not kept: 0." in remarks(caplog)[0]


def test_one_rotation_that_is_not_eligible_is_enough(tmp_path):
    frames = small()
    frames["questions"]["choices"] = [["x", "y"]] * N
    rows = [("q0", "a", 0, 1, True), ("q0", "a", 1, 1, False), ("q0", "b", 0, 1, None)]
    columns = ["question_id", "llm", "rotation", "score", "eligible"]
    for turned in (rows, rows[::-1]):
        frames["outcomes"] = pd.DataFrame(turned, columns=columns)
        table = loaded(frames, tmp_path)
        assert table.eligible[0].tolist() == [False, True]
        assert table.chance[0] == 0.5  # the order that only "a" was to be asked in does not count


def test_a_context_window_must_hold_the_question(tmp_path):
    frames = small()
    frames["questions"]["n_tokens"] = [100, 101, 5, None]
    frames["llms"]["context_window"] = ["100", None]  # digits are a number
    table = loaded(frames, tmp_path)
    assert table.eligible.tolist() == [[True, True], [False, True], [True, True], [True, True]]
    frames["llms"] = frames["llms"].iloc[1:]
    assert loaded(frames, tmp_path).eligible.all()


def test_a_context_window_belongs_to_the_llm_of_its_row(tmp_path):
    """Whoever else stands in the file, and in whatever order; one fact alone says nothing."""
    frames = small()
    frames["questions"]["n_tokens"] = [0, 7, 8, 9]
    frames["llms"] = pd.DataFrame({"llm": ["c", "b", "a"], "context_window": [1, 7, 8]})
    able = loaded(frames, tmp_path).eligible
    assert able.tolist() == [[True, True], [True, True], [True, False], [False, False]]
    questions = frames["questions"].drop(columns="n_tokens")
    assert loaded(frames | {"questions": questions}, tmp_path).eligible.all()
    facts = frames["llms"].drop(columns="context_window")
    assert loaded(frames | {"llms": facts}, tmp_path).eligible.all()


def test_an_empty_term_is_none(tmp_path, caplog):
    frames = small()
    frames["questions"]["needs"] = ["image,", ", ", "function  calling", None]
    frames["llms"]["modalities"] = ["image", "function calling"]
    able = loaded(frames, tmp_path).eligible
    assert able.tolist() == [[True, False], [True, True], [False, True], [True, True]]
    assert not any("'needs'" in remark for remark in remarks(caplog))


@pytest.mark.parametrize(
    "needs",
    [
        [["image"], ["text", "function calling"], [], None],
        ["image", " Function  CALLING ,text", " ", None],
        [json.dumps(["IMAGE"]), ' ["function calling"]', "[]", None],
    ],
)
@pytest.mark.parametrize(
    "modalities",
    [
        [["Image ", "audio"], ["function  calling"]],
        ["image, audio", "FUNCTION calling,"],
        [json.dumps(["text", "image"]), '["function calling"]'],
    ],
)
def test_an_llm_must_take_what_a_question_needs(tmp_path, needs, modalities):
    frames = small()
    frames["questions"]["needs"] = needs
    frames["llms"]["modalities"] = modalities
    table = loaded(frames, tmp_path)
    assert table.eligible.tolist() == [[True, False], [False, True], [True, True], [True, True]]


def test_of_an_llm_whose_modalities_are_unknown_nothing_follows(tmp_path):
    frames = small()
    frames["questions"]["needs"] = ["image", "image", "", ""]
    frames["llms"]["modalities"] = [None, "audio, image"]
    assert loaded(frames, tmp_path).eligible.all()
    frames["llms"]["modalities"] = [[], ["image"]]  # none beside text is known
    assert loaded(frames, tmp_path).eligible[:, 0].tolist() == [False, False, True, True]


def test_what_an_outcome_says_outweighs_what_follows_from_facts(tmp_path, caplog):
    frames = small()
    frames["questions"]["n_tokens"] = 100
    frames["llms"]["context_window"] = [10, 1000]
    frames["outcomes"]["eligible"] = [True, False, None, None, None, False, None, True]
    table = loaded(frames, tmp_path)
    assert table.eligible[:, 0].tolist() == [True, False, False, False]
    assert table.eligible[:, 1].tolist() == [True, False, True, True]
    (remark,) = remarks(caplog)
    assert remark == (
        "Not eligible: 4 of 8 pairs of a question and an llm, of 2 of 2 llms. Questions that no "
        "llm can answer: 1. Scores given for such pairs and not kept: 4."
    )


def test_a_need_that_nobody_takes_is_told_by_name(tmp_path, caplog):
    frames = small()
    frames["questions"]["needs"] = ["imgae", "tools", None, None]
    frames["llms"]["modalities"] = ["image, tools", "tools"]
    table = loaded(frames, tmp_path)
    assert table.eligible.all(axis=1).tolist() == [False, True, True, True]
    assert not table.eligible[0].any()
    assert remarks(caplog)[0] == (
        "questions.parquet, column 'needs': no llm of llms.parquet takes 'imgae'; its 'modalities' "
        "are 'image', 'tools'. Spell them alike in both files."
    )


@pytest.mark.parametrize("llms", [True, False])
def test_needs_without_any_modalities_are_told(tmp_path, caplog, llms):
    frames = small()
    frames["questions"]["needs"] = ["image", None, None, None]
    if not llms:
        del frames["llms"]
    assert loaded(frames, tmp_path).eligible.all()
    assert "column 'needs': nothing follows from it" in remarks(caplog)[0]


@pytest.mark.parametrize(
    ("frame", "column", "value", "message"),
    [
        ("llms", "context_window", "8k", "llms.parquet, row 1.*at least 1.*'8k'. Write it as a"),
        ("llms", "context_window", 0, "llms.parquet, row 1.*at least 1 or missing, got 0"),
        ("llms", "context_window", -1, "llms.parquet, row 1, column 'context_window'.*got -1"),
        ("questions", "n_tokens", -5, "questions.parquet, row 1, column 'n_tokens'.*got -5"),
        ("llms", "modalities", 3, "llms.parquet, row 1, column 'modalities': must be a list"),
        ("llms", "modalities", "['image']", "row 1, column 'modalities': .*'image, tools'"),
        ("llms", "modalities", "[1]", "row 1, column 'modalities'"),
        ("questions", "needs", {"image": True}, "questions.parquet, row 1, column 'needs'"),
        ("questions", "needs", ["image", None], "questions.parquet, row 1, column 'needs'"),
    ],
)
def test_facts_that_cannot_be_read_are_refused(tmp_path, frame, column, value, message):
    frames = small()
    frames["questions"] = frames["questions"].assign(n_tokens=1, needs=None)
    frames["llms"] = frames["llms"].assign(context_window=10, modalities=None)
    frames[frame][column] = [None, value, *[None] * (len(frames[frame]) - 2)]
    with pytest.raises(ValueError, match=message):
        loaded(frames, tmp_path)


def test_without_a_word_on_eligibility_nothing_changes(tmp_path, caplog):
    plain = loaded(small(), tmp_path)
    frames = small()
    frames["questions"] = frames["questions"].assign(n_tokens=5, needs=None)
    frames["llms"] = frames["llms"].assign(context_window=10, modalities=None)
    frames["outcomes"]["eligible"] = None
    assert loaded(frames, tmp_path).content_hash == plain.content_hash
    assert not remarks(caplog)
