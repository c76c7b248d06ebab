"""The options of a question, in every form that a data set may have them in."""

import hashlib
import logging

import numpy as np
import pandas as pd
import pytest

from benchmarks.sources import options
from benchmarks.sources.options import options_of

ORDERED = ["one", "two", "three"]  # no order of words: that of the source


@pytest.mark.parametrize(
    "value",
    [
        ORDERED,
        tuple(ORDERED),
        np.array(ORDERED),
        '["one", "two", "three"]',
        [{"label": label, "text": text} for label, text in zip("ABC", ORDERED, strict=True)],
        np.array([{"text": text} for text in ORDERED]),
        {"label": ["A", "B", "C"], "text": ORDERED},
        {"label": ["A", "B", "C"], "text": np.array(ORDERED)},
        {"texts": ORDERED},
        {"options": ORDERED},
        {"choices": ORDERED},
        '{"text": ["one", "two", "three"]}',
        {"B": "two", "A": "one", "C": "three"},  # letters say the order
        {"B": "two", "A": "one", "D": None, "C": "three"},  # a letter that other rows have
        '{"C": "three", "A": "one", "B": "two"}',
    ],
)
def test_every_form_gives_the_options_in_their_order(value):
    assert options_of(value) == ORDERED


@pytest.mark.parametrize("value", [None, pd.NA, np.nan, float("nan"), "", [], {}, "[]"])
def test_a_question_without_options_has_none(value):
    assert options_of(value) == []


def test_numbers_are_options_as_they_are_written():
    assert options_of([1, 2.5, np.int64(3), np.float64(0.5)]) == ["1", "2.5", "3", "0.5"]
    assert options_of({"A": 7, "B": "8"}) == ["7", "8"]


@pytest.mark.parametrize(
    "value",
    [
        "A) one B) two",  # a text is neither JSON nor a list
        "   ",
        "3",
        7,
        False,
        ["one", None],
        ["one", float("nan")],
        ["one", ["two"]],
        [{"label": "A"}],
        [{"text": 3}],
        {"text": ["one", None]},
        {"A": ["one"]},
    ],
)
def test_what_is_no_options_is_an_error_that_holds_it(value):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the reader of a file words it
        options_of(value)
    assert len(caught.value.args) == 1


def test_an_error_holds_what_was_not_understood():
    with pytest.raises(ValueError, match=r"^one, two$"):
        options_of("one, two")
    with pytest.raises(ValueError, match=r"^7$"):
        options_of(7)


def test_a_letter_named_text_is_a_letter_of_a_dict():
    """A struct is one whose ``text`` lists the options; a single text is one option of a dict."""
    assert options_of({"text": "one", "zero": "two"}) == ["one", "two"]


def test_a_column_of_options(caplog):
    column = [None, ["one", "two"], '["three", "four"]', []]
    assert options.options_of_all(pd.DataFrame({"choices": column})) == [
        [],
        ["one", "two"],
        ["three", "four"],
        [],
    ]
    assert options.options_of_all(pd.DataFrame({"question": ["?", "?"]})) == [[], []]
    assert not caplog.records


def test_a_cell_that_is_not_understood_is_named():
    table = pd.DataFrame({"choices": [["one", "two"], "one, two"]})
    with pytest.raises(ValueError, match=r"^") as caught:
        options.options_of_all(table)
    text = str(caught.value)
    assert text.startswith("questions.parquet, row 1, column 'choices'")
    assert (
        "a list of options, a struct of 'label' and 'text' (as ARC has it), a dict of letter to "
        "option, any of these as JSON, or missing, got 'one, two'"
    ) in text
    assert text.endswith(" Write a list of texts, in which none is missing.")


def test_single_options_are_told_once(caplog):
    column = [["one", "two"], ["three"], [], ["four"]]
    with caplog.at_level(logging.WARNING):
        options.options_of_all(pd.DataFrame({"choices": column}))
    (told,) = (record.getMessage() for record in caplog.records)
    assert told.startswith(
        "questions.parquet, column 'choices': questions with a single option: 2, first in row 1."
    )


def test_options_stand_below_the_question_in_an_order_drawn_from_its_id():
    given = [f"option {number}" for number in range(30)]

    def place(option):
        return hashlib.sha256(f"q7\x1f{option}".encode()).hexdigest()

    lines = options.with_options("q7", "Which?", given).split("\n")
    letters = [*"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "AA", "AB", "AC", "AD"]
    drawn = sorted(given, key=place)
    assert lines == ["Which?", *(f"{a}. {b}" for a, b in zip(letters, drawn, strict=True))]
    assert options.with_options("q7", "Which?", []) == "Which?"


def test_the_chance_of_guesses():
    found = options.chance_of([list("abcd"), list("ab"), ["a"], []], np.array([1, 3, 2, 1]))
    assert found == [0.25, 0.125, 0.0, 0.0]
