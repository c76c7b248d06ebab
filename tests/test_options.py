"""The options of a question, in every form that a data set may have them in."""

import numpy as np
import pandas as pd
import pytest

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
