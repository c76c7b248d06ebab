"""Names from data in figures: whatever signs they hold."""

import warnings

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt

from benchmarks import canvas, drawing

HOSTILE = {
    "_hidden": "_hidden",
    "$^bad$": "$^bad$",
    r"$\no{formula$": r"$\no{formula$",
    r"\$a$": r"\$a$",
    "two\nlines": r"two\nlines",
    "left\u202eright": r"left\u202eright",
    "\U000f0000": r"\U000f0000",  # a code that no font has
    "": "",
}


@pytest.mark.parametrize(("given", "drawn"), HOSTILE.items())
def test_a_name_stands_in_the_legend_and_at_the_ticks_as_it_is(given, drawn):
    figure, ax = plt.subplots()
    handles = {given: ax.axhline(0), "other": ax.axhline(1)}
    legend = drawing.legend(ax, handles)
    drawing.ticks(ax.yaxis, [0, 1], handles)
    drawing.title(ax, drawing.name(given))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a formula that does not parse, a sign without a shape
        figure.canvas.draw()
    for texts in (legend.get_texts(), ax.get_yticklabels()):
        assert [text.get_text() for text in texts] == [drawn, "other"]
    assert ax.get_title() == drawn
    plt.close(figure)


def test_a_sign_is_drawn_by_the_first_font_that_has_it(monkeypatch):
    own, other = "DejaVu Sans", "STIXGeneral"
    monkeypatch.setattr(drawing, "_families", [own])
    monkeypatch.setattr(drawing, "_fonts", lambda: [(own, "own"), (other, "other")])
    has = {"own": {ord("a")}, "other": {ord("a"), ord("模")}}
    monkeypatch.setattr(drawing, "_signs", has.get)
    drawn = drawing._drawn.__wrapped__
    assert [drawn("a"), drawing._families] == ["a", [own]]
    assert [drawn("模"), drawn("型"), drawing._families] == ["模", r"\u578b", [own, other]]


def test_no_font_of_boxes_is_asked():
    assert not [family for family, _ in drawing._fonts() if "last resort" in family.lower()]
    assert drawing.name("a\ufdd0") == r"a\ufdd0"  # the font of boxes has one for every sign


def test_east_asian_names_are_drawn():
    if not any("CJK" in family for family, _ in drawing._fonts()):
        pytest.skip("no font for Chinese, Japanese and Korean is installed")
    assert drawing.name("模型 모델 モデル") == "模型 모델 モデル"


def test_long_names_are_cut_and_stay_apart():
    names = ["x" * 200 + str(i) + "y" * 200 for i in range(50)]
    drawn = [drawing.name(name) for name in names]
    assert len(set(drawn)) == 50
    assert {len(name) for name in drawn} == {drawing.LONGEST}
    assert drawing.name("x" * drawing.LONGEST) == "x" * drawing.LONGEST
    assert len(drawing.name("\U000f0000" * 200)) <= drawing.LONGEST


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([0.1, 10], "log"),
        ([0, 0.1, np.nan], "symlog"),
        ([0, 0], "linear"),
        ([np.nan], "linear"),
        ([], "linear"),
    ],
)
def test_an_axis_of_costs_may_hold_zeros_or_nothing(values, scale):
    figure, ax = plt.subplots()
    ax.plot(values, values, "o")
    drawing.plain_log_scale(ax.xaxis, values)
    assert (ax.get_xscale(), ax.get_yscale()) == (scale, "linear")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.canvas.draw()
    plt.close(figure)


def test_figures_do_not_change_the_settings_of_others(tmp_path):
    before = dict(matplotlib.rcParams)
    with canvas.sheet(tmp_path / "one", canvas.COLUMN, 2) as (figure, axes):
        assert axes.shape == (1, 1)
        assert matplotlib.rcParams["font.size"] == 8
    assert dict(matplotlib.rcParams) == before
    assert not plt.fignum_exists(figure.number)
