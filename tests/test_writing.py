import numpy as np
import pytest

from benchmarks.writing import markdown, number, visible, with_interval


@pytest.mark.parametrize(
    ("value", "style", "text"),
    [
        (0.1234, "", "0.123"),
        (1234567, "", "1,234,567"),
        (0.5, "+.2f", "+0.50"),
        (np.nan, "+.2f", "–"),  # noqa: RUF001
        (np.inf, "", "–"),  # noqa: RUF001
        (-1e-17, "+.1%", "+0.0%"),
        (-0.0003, "+.3f", "-0.000"),
    ],
)
def test_a_figure_or_a_dash(value, style, text):
    assert number(value, style) == text


def test_an_interval_that_is_not_known():
    assert with_interval(0.5, 0.4, 0.6, ".1f") == "0.5 [0.4, 0.6]"
    assert with_interval(np.nan, 0.4, 0.6, ".1f") == "–"  # noqa: RUF001
    assert with_interval(0.5, np.nan, np.nan, "+.1f") == "+0.5 [–]"  # noqa: RUF001


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("recognised_dataset k=5", "recognised_dataset k=5"),
        ("_a_ b_", r"\_a\_ b\_"),
        ("a|b", r"a\|b"),
        ("`*$<[&~\\", r"\`\*\$\<\[\&\~\\"),
        ("two\r\nlines", r"two\\r\\nlines"),
        ("模型-甲", "模型-甲"),
        (7, "7"),
    ],
)
def test_markdown_shows_a_text_as_it_is(text, shown):
    assert markdown(text) == shown


def test_what_steers_is_written_out():
    assert visible("a\tb\u2028c\x00\u200b") == r"a\tb\u2028c\x00\u200b"
