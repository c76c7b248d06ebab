"""What figures show: where marks stand, what they are called, how they look."""

import warnings
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from benchmarks import (
    calibration_figure,
    canvas,
    cost_figure,
    datasets_figure,
    labels,
    leads_figure,
    palette,
    selection_figure,
)
from benchmarks.figure_data import ALL, Costs, DatasetDifferences, pareto_front
from benchmarks.router_families import family_of

NAN = float("nan")
HOSTILE = ["$^bad$", "_hidden", "模型" * 30, "x" * 200]


@contextmanager
def axes(ncols=1):
    figure, panels = plt.subplots(1, ncols, squeeze=False)
    yield panels[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a formula that does not parse, a sign without a shape
        figure.canvas.draw()
    plt.close(figure)


def texts(artists):
    return [artist.get_text() for artist in artists]


def marks(ax):
    """Return the points of the lines that are a single mark: place and marker."""
    return {
        (float(line.get_ydata()[0]), line.get_marker()): float(line.get_xdata()[0])
        for line in ax.lines
        if len(line.get_xdata()) == 1
    }


class TestSheet:
    def test_a_figure_is_a_png_and_a_pdf_of_the_size_of_a_page(self, tmp_path):
        stem = tmp_path / "zoo-1.5b"
        with canvas.sheet(stem, canvas.PAGE, 2) as (_, panels):
            panels[0, 0].plot([0, 1])
        png, pdf = canvas.files_of(stem)
        assert [png.name, pdf.name] == ["zoo-1.5b.png", "zoo-1.5b.pdf"]
        assert plt.imread(png).shape[:2] == (400, 1400)
        assert b"/MediaBox [ 0 0 504 144 ]" in pdf.read_bytes()
        first = pdf.read_bytes()
        with canvas.sheet(stem, canvas.PAGE, 2) as (_, panels):
            panels[0, 0].plot([0, 1])
        assert pdf.read_bytes() == first

    def test_what_fails_is_not_saved(self, tmp_path):
        with pytest.raises(KeyError), canvas.sheet(tmp_path / "no", canvas.PAGE, 2):
            raise KeyError
        assert not list(tmp_path.iterdir())
        assert not plt.get_fignums()


def lead_rows(leads, error=0.01):
    found = pd.DataFrame({"router": list(leads), "lead": list(leads.values())})
    found["label"], found["macro_score"] = found["router"], 0.5 + found["lead"]
    found["lead_low"], found["lead_high"] = found["lead"] - error, found["lead"] + error
    for name in ("", "_low", "_high"):
        found[f"lift{name}"] = found[f"lead{name}"] - 0.02
    return found


REFERENCES = pd.DataFrame(
    {"lead": [0.02, 0.4], "lift": [0.0, 0.38]}, index=["told the dataset", "oracle"]
)


class TestLeads:
    def test_marks_of_families_and_intervals_in_the_order_of_scores(self):
        rows = lead_rows({"model_sat": 0.03, "knn": 0.01, "mine": -0.01})
        with axes(2) as (left, right):
            leads_figure.draw([left, right], rows, REFERENCES)
            assert texts(left.get_yticklabels()) == ["model_sat", "knn", "mine"]
            assert left.yaxis_inverted()
            assert marks(left) == {(0, "D"): 0.03, (1, "o"): 0.01, (2, "h"): -0.01}
            assert marks(right)[(0, "D")] == pytest.approx(0.01)
            spans = [line for line in left.lines if set(line.get_ydata()) == {1}]
            ends, mark = spans
            assert list(ends.get_xdata()) == pytest.approx([0, 0.02])
            assert ends.get_color() == mark.get_markeredgecolor() == family_of("knn").color
            assert texts(left.texts) == ["told the dataset +0.020"]
            assert left.get_xlabel() == "macro score, 95% interval\n(oracle +0.400)"
            scores = right.child_axes[0].get_yticklabels()
            assert texts(scores) == ["0.530", "0.510", "0.490"]

    def test_a_difference_that_is_far_off_is_written_out(self):
        rows = lead_rows({f"r{i}": 0.001 * i for i in range(10)} | {"random": -0.5, "up": 0.6})
        with axes(2) as panels:
            leads_figure.draw(panels, rows, REFERENCES)
            left, right = panels[0].get_xlim()
            assert (left, right) == (pytest.approx(-0.01, abs=0.01), pytest.approx(0.02, abs=0.02))
            written = texts(panels[0].texts)
            assert "◂ \N{MINUS SIGN}0.500 [\N{MINUS SIGN}0.510, \N{MINUS SIGN}0.490]" in written
            assert "+0.600 [+0.590, +0.610] ▸" in written
            assert len(marks(panels[0])) == 10

    def test_what_the_axis_reaches_is_drawn_in_its_place(self):
        leads = {f"r{i}": 0.001 * i for i in range(10)} | {"low": -0.03}
        with axes(2) as panels:
            leads_figure.draw(panels, lead_rows(leads, error=0.05), REFERENCES)
            assert len(marks(panels[0])) == 11

    def test_an_unknown_interval_is_a_hollow_mark_and_an_unknown_score_none(self):
        rows = lead_rows({"knn": 0.01, "mlp": 0.02, "svm": 0.0})
        rows.loc[0, ["lead_low", "lead_high"]] = NAN
        rows.loc[2, ["lead", "lead_low", "lead_high"]] = NAN
        with axes(2) as panels:
            leads_figure.draw(panels, rows, REFERENCES)
            single = [line for line in panels[0].lines if len(line.get_xdata()) == 1]
            assert [line.get_markerfacecolor() for line in single] == [
                "white",
                family_of("mlp").color,
            ]
        assert list(leads_figure._handles(rows))[-1] == "interval unknown"
        assert "interval unknown" not in leads_figure._handles(rows[1:2])

    def test_all_alike_or_unknown_or_with_names_of_any_signs(self):
        with axes(2) as panels:
            alike = lead_rows({"a": 0.0, "b": 0.0}, error=0)
            leads_figure.draw(panels, alike, REFERENCES[:0])
        with axes(2) as panels:
            leads_figure.draw(panels, lead_rows(dict.fromkeys(HOSTILE, NAN)), REFERENCES)
            assert texts(panels[0].get_yticklabels())[:2] == HOSTILE[:2]


def cost_data(n_llms=2, named=("knn", "recognised_dataset"), low=0.45):
    curves = pd.DataFrame(
        {
            "router": ["knn", "knn", "recognised_dataset", "mlp"],
            "cost": [1.0, 4, 2, 3],
            "score": [0.5, 0.7, 0.6, 0.45],
        }
    )
    defaults = pd.DataFrame(
        {"cost": [5.0, 2.0, 3.0], "score": [0.68, 0.6, 0.45]},
        index=["knn", "recognised_dataset", "mlp"],
    )
    llms = pd.DataFrame(
        {
            "llm": [f"llm{i}" for i in range(n_llms)],
            "cost": 1.0 + np.arange(n_llms),
            "score": np.linspace(0.5, low, n_llms),
        }
    )
    front = pareto_front(pd.concat([curves, llms])[["cost", "score"]])
    return Costs(curves, defaults, llms, front, list(named))


class TestCosts:
    def test_a_named_curve_holds_its_score_and_ends_at_the_router_s_mark(self):
        with axes() as [ax]:
            cost_figure.draw(ax, cost_data(), "USD")
            [curve] = [
                line
                for line in ax.lines
                if line.get_xydata().tolist()[-1:] == [[5, 0.68]] and len(line.get_xdata()) > 1
            ]
            corners = [[1, 0.5], [4, 0.5], [4, 0.7], [5, 0.7], [5, 0.68]]
            assert curve.get_xydata().tolist() == corners
            assert curve.get_color() == family_of("knn").color
            assert marks(ax)[(0.68, "o")] == 5

    def test_others_are_faint_marks_without_a_name(self):
        with axes() as [ax]:
            cost_figure.draw(ax, cost_data(), "USD")
            cost_figure.write_names(ax, cost_data())
            [other] = [line for line in ax.lines if line.get_color() == palette.FAINT]
            assert other.get_xydata().tolist() == [[3, 0.45]]
            assert set(texts(ax.texts)) == {"knn", "recognised_dataset", "llm0", "llm1"}
            assert ax.get_legend() is None

    def test_what_is_far_below_the_front_stands_on_the_axis(self):
        found = cost_data(low=0.01)
        with axes() as [ax]:
            cost_figure.draw(ax, found, "USD")
            cost_figure.write_names(ax, found)
            lowest = ax.get_ylim()[0]
            assert marks(ax)[(lowest, "v")] == 2
            assert "llm1 0.01" in texts(ax.texts)
        assert "an llm below the axis" in cost_figure.handles(found)
        assert "an llm below the axis" not in cost_figure.handles(cost_data())

    def test_in_a_large_zoo_only_the_llms_on_their_own_front_are_named(self):
        found = cost_data(n_llms=200)
        with axes() as [ax]:
            cost_figure.draw(ax, found, "$^bad$")
            cost_figure.write_names(ax, found)
            assert set(texts(ax.texts)) == {"knn", "recognised_dataset", "llm0"}
        assert len(cost_figure.handles(found)) <= 5

    def test_a_router_whose_default_cost_is_unknown_is_named_where_its_curve_ends(self):
        found = cost_data()
        found = Costs(
            found.curves, found.defaults.drop("knn"), *([found.llms, found.front]), ["knn"]
        )
        with axes() as [ax]:
            cost_figure.draw(ax, found, "USD")
            assert marks(ax)[(0.7, "o")] == 4

    def test_one_free_llm(self):
        found = cost_data(n_llms=1)
        free = [part.assign(cost=0.0) for part in (found.curves, found.defaults, found.llms)]
        with axes() as [ax]:
            cost_figure.draw(ax, Costs(*free, found.front[:1].assign(cost=0.0), found.named), "USD")


class TestLabels:
    def test_names_cover_neither_marks_nor_one_another(self):
        with axes() as [ax]:
            ax.set(xlim=(0, 10), ylim=(0, 10))
            points = [(5, 5), (5.1, 5.1), (5.2, 4.9), (9.9, 9.9)]
            ax.figure.canvas.draw()
            given = [labels.Label(f"name {i}", *at, "k") for i, at in enumerate(points)]
            labels.write(ax, given, points)
            boxes = [text.get_window_extent() for text in ax.texts]
            assert len(boxes) == 4
            for i, box in enumerate(boxes):
                assert not any(box.overlaps(other) for other in boxes[:i])
                assert not any(box.contains(*ax.transData.transform(at)) for at in points)
                assert ax.bbox.contains(*box.min)
                assert ax.bbox.contains(*box.max)

    def test_a_name_that_nobody_needs_is_left_out_where_there_is_no_room(self):
        with axes() as [ax]:
            ax.set(xlim=(0, 10), ylim=(0, 10))
            ax.figure.canvas.draw()
            crowd = [(x, y) for x in np.linspace(0, 10, 60) for y in np.linspace(0, 10, 60)]
            given = [labels.Label(name, 5, 5, "k", name == "yes") for name in ("yes", "no")]
            labels.write(ax, given, crowd)
            assert texts(ax.texts) == ["yes"]

    def test_lines_are_kept_free(self):
        with axes() as [ax]:
            ax.set(xlim=(0, 10), ylim=(0, 10))
            ax.figure.canvas.draw()
            level = np.array([[0.0, 5], [10, 5]])
            labels.write(ax, [labels.Label("name", 5, 5, "k")], [(5, 5)], [level])
            [text] = ax.texts
            bottom, top = text.get_window_extent().intervaly
            assert not bottom < ax.transData.transform((5, 5))[1] < top


def differences(values, clear=None):
    values = pd.DataFrame(values)
    clear = values.abs() > 0.1 if clear is None else clear
    return DatasetDifferences(values, clear, pd.Series(0.5, index=values.columns))


class TestDatasets:
    def test_cells_say_their_number_with_its_sign(self):
        found = differences(
            {ALL: {"knn": 0.0, "mlp": -0.2}, "d": {"knn": 0.05, "mlp": NAN}},
        )
        with axes() as [ax]:
            image = datasets_figure.draw(ax, found)
            cells = {(t.get_position()): (t.get_text(), t.get_fontweight()) for t in ax.texts}
            assert cells[(0, 0)] == ("0", "normal")
            assert cells[(0, 1)] == ("\N{MINUS SIGN}.200", "bold")
            assert cells[(1, 0)] == ("+.050", "normal")
            assert cells[(1, 1)][0] == "\N{EN DASH}"
            assert cells[(1, -1)][0] == "0.500"
            assert texts(ax.get_yticklabels()) == ["told the dataset: score", "knn", "mlp"]
            assert texts(ax.get_xticklabels()) == [ALL, "d"]
            assert image.norm(0) == 0.5
            assert image.norm.vmax == -image.norm.vmin

    @pytest.mark.parametrize(("cell", "shown"), [(0.2, ["+", "\N{MINUS SIGN}"]), (0.01, [])])
    def test_narrow_cells_keep_their_sign_and_the_narrowest_nothing(self, cell, shown):
        found = differences({ALL: {"knn": 0.1}, "d": {"knn": -0.1}})
        with axes() as [ax]:
            datasets_figure.draw(ax, found, cell)
            assert texts(ax.texts) == shown
            assert texts(ax.get_yticklabels()) == ["knn"]

    def test_nothing_known(self):
        with axes() as [ax]:
            datasets_figure.draw(ax, differences({ALL: dict.fromkeys(HOSTILE, NAN)}))


class TestSelection:
    def test_bars_of_shares_lie_side_by_side(self):
        shares = pd.DataFrame({"b": [0.75, 0.5], "a": [0.25, 0.5]}, index=["knn", "mlp"])
        with axes() as [ax]:
            handles = selection_figure.draw(ax, shares)
            assert list(handles) == ["b", "a"]
            found = [(bar.get_x(), bar.get_width()) for bar in ax.patches]
            assert found == [(0, 0.75), (0, 0.5), (0.75, 0.25), (0.5, 0.5)]
            assert to_hex(ax.patches[0].get_facecolor()) == palette.AREAS[0]
            assert texts(ax.get_yticklabels()) == ["knn", "mlp"]

    def test_of_many_llms_the_rest_is_grey(self):
        shares = pd.DataFrame([[1 / 9] * 9], columns=[*"abcdefgh", "192 others"], index=["knn"])
        with axes() as [ax]:
            handles = selection_figure.draw(ax, shares)
        assert len(handles) == 9
        assert to_hex(handles["192 others"].get_facecolor()) == palette.REST
        assert len({to_hex(bar.get_facecolor()) for bar in handles.values()}) == 9

    def test_nothing_was_sent(self):
        with axes() as [ax]:
            selection_figure.draw(ax, pd.DataFrame({"a": [NAN]}, index=HOSTILE[:1]))


class TestCalibration:
    def test_a_mark_per_llm_and_a_line_at_the_mean(self):
        with axes() as [ax]:
            errors = {"knn": np.array([0.1, 0.3]), "mine": np.array([])}
            calibration_figure.draw(ax, errors)
            dots, mean, nothing = ax.lines
            assert dots.get_xydata().tolist() == [[0.1, 0], [0.3, 0]]
            assert (dots.get_marker(), dots.get_color()) == ("o", palette.BLUE)
            assert list(mean.get_xdata()) == pytest.approx([0.2, 0.2])
            assert not len(nothing.get_xdata())
            assert ax.get_xscale() == "log"

    def test_nothing_is_known(self):
        with axes() as [ax]:
            calibration_figure.draw(ax, {name: np.array([]) for name in HOSTILE})


@pytest.mark.parametrize(("n_routers", "n_llms", "n_datasets"), [(2, 1, 1), (15, 40, 20)])
def test_whole_figures_of_few_and_of_many(tmp_path, n_routers, n_llms, n_datasets):
    names = [*HOSTILE, *(f"knn k={i}" for i in range(n_routers))][:n_routers]
    rng = np.random.default_rng(0)
    columns = [ALL, *(f"{HOSTILE[2]}{i}" for i in range(n_datasets))]
    values = pd.DataFrame(
        rng.normal(0, 0.1, (n_routers, len(columns))), index=names, columns=columns
    )
    named = min(n_llms, 8)
    shares = pd.DataFrame(1 / named, index=names, columns=[f"llm{i}" for i in range(named)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = lead_rows(dict(zip(names, rng.normal(0, 0.1, n_routers), strict=True)))
        leads_figure.picture(rows, REFERENCES, "title", tmp_path / "leads")
        datasets_figure.picture(differences(values), "title", tmp_path / "datasets")
        selection_figure.picture(shares, "title", tmp_path / "selection")
        errors = {name: rng.random(n_llms) for name in names}
        calibration_figure.picture(errors, "title", tmp_path / "calibration")
        cost_figure.picture(cost_data(n_llms), "USD", "title", tmp_path / "cost")
    files = list(tmp_path.iterdir())
    assert len(files) == 10
    assert max(file.stat().st_size for file in files) < 200_000
