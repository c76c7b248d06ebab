"""A metric is one entry: columns, labels, formats, order and the glossary follow from it."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from own_metrics import WORST
from recipes import Recipe

from benchmarks import leaderboard_files
from benchmarks.comparable import counts
from benchmarks.leaderboard import calibration_table, leaderboard, main
from benchmarks.leaderboard_text import to_field_markdown, to_markdown
from benchmarks.metric import Metric, check_metrics
from benchmarks.metrics import METRICS, glossary, left_out, ordered, summarise
from benchmarks.results import Results
from benchmarks.stored_rows import POLICIES

ROOT = Path(__file__).parent.parent
OWN = [*METRICS, WORST]
# What works out and writes figures: it knows frames, and nothing of what made them.
STATISTICS = (
    *("scoring", "groups", "stored_rows", "intervals", "paired", "significance", "contrasts"),
    *("comparable", "points", "results", "metric", "headline", "frame_checks", "metrics"),
    *("field.aslib", "field.calibration", "field.llmrouterbench", "field.report"),
    *("field.routellm", "field.routerarena", "field.routerbench", "field.routereval"),
    *("field.table", "synthetic_scores", "writing"),
)


@pytest.fixture(scope="module")
def runs():
    return Recipe(costs="known", sizes=(9, 6)).board().runs


@pytest.fixture(scope="module")
def board(runs):
    return leaderboard(runs, OWN, sort_by="worst_dataset")


def cells(text):
    """Return the cells of the lines of a table that show routers, by router."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| **")]
    return {line[0].strip("*"): line for line in lines}


def test_the_statistics_know_nothing_of_routers():
    imports = "; ".join(f"import benchmarks.{name}" for name in STATISTICS)
    code = f"{imports}; import sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    known = set(done.stdout.split())
    assert {"benchmarks", "pandas", "numpy"} <= known
    assert not known & {"routers", "torch", "sklearn", "hydra", "omegaconf", "matplotlib"}


class TestOneOfOnesOwn:
    def test_it_is_a_column_of_the_summary(self):
        frame = pd.DataFrame(
            {
                "question_id": ["p", "q"] * 2,
                "dataset": ["law", "art"] * 2,
                "router": ["x", "x", "y", "y"],
                "score": [1.0, 0.25, 0.5, 0.5],
            }
        )
        found = summarise(frame, [*METRICS, WORST])
        assert dict(zip(found["router"], found["worst_dataset"], strict=True)) == {
            "x": 0.25,
            "y": 0.5,
        }
        assert list(summarise(frame, [WORST], sort_by="worst_dataset")) == [
            *("router", "group", "worst_dataset")
        ]

    def test_it_is_a_column_of_the_csv_and_of_the_table(self, runs, board, tmp_path):
        tables = {"leaderboard": board, "calibration": calibration_table(runs)}
        leaderboard_files.write(tmp_path, tables, OWN)
        stored = pd.read_csv(tmp_path / "leaderboard.csv")
        assert list(stored)[-2:] == ["worst_dataset", "remarks"]
        lowest = stored.filter(regex="^score_").min(axis=1)
        assert stored["worst_dataset"].tolist() == lowest.tolist()
        text = (tmp_path / "leaderboard.md").read_text()
        assert "| questions/s | worst \\| dataset |\n" in text
        by_router = dict(zip(stored["router"], stored["worst_dataset"], strict=True))
        found = cells(text)
        assert {name: line[-1] for name, line in found.items()} == {
            name: f"{value:.1%}" for name, value in by_router.items()
        }
        assert "worst" not in (tmp_path / "field.md").read_text()

    def test_it_orders_rows_and_lines(self, board):
        assert board["worst_dataset"].is_monotonic_increasing  # lower is better, it says
        assert board["worst_dataset"].nunique() > 1
        text = to_markdown(board, OWN, sort_by="worst_dataset")
        assert list(cells(text)) == board["router"].tolist()
        higher = [*METRICS, replace(WORST, better="higher")]
        turned = to_markdown(board, higher, sort_by="worst_dataset")
        assert [cells(turned)[name][-1] for name in cells(turned)] == sorted(
            (line[-1] for line in cells(text).values()), key=lambda text: -float(text[:-1])
        )
        lines = [line for line in text.splitlines() if line.startswith("| *")]
        assert all(line.startswith("| **") for line in lines[: len(board)])  # floors have none

    def test_it_may_stand_in_the_field_s_table_or_in_none(self, board):
        own = [*METRICS, replace(WORST, tables=("field",))]
        assert "| score where few solve | worst \\| dataset |\n" in to_field_markdown(board, own)
        assert "worst" not in to_markdown(board, own)

    def test_the_command_takes_it_by_its_place(self, tmp_path, capsys):
        shutil.copytree(ROOT / "tests" / "historic" / "runs", tmp_path / "runs")
        main(["--results", str(tmp_path)])
        main(["--results", str(tmp_path), "--metric", "own_metrics.WORST"])
        text = capsys.readouterr().out
        assert text.count("worst") == 1
        assert "worst_dataset" in (tmp_path / "leaderboard.csv").read_text()
        main(["--results", str(tmp_path), "--show", "synthetic/all/holdout"])
        assert "worst_dataset" not in (tmp_path / "leaderboard.csv").read_text()

    @pytest.mark.parametrize(
        ("place", "said"),
        [
            ("own_metrics.BEST", "--metric must be MODULE.NAME of a Metric, got own_metrics.BEST"),
            ("nowhere.WORST", "--metric must be MODULE.NAME of a Metric, got nowhere.WORST"),
            ("WORST", "--metric must be MODULE.NAME of a Metric, got WORST"),
            ("own_metrics.NO_METRIC", "got own_metrics.NO_METRIC, of type int"),
        ],
    )
    def test_the_command_says_what_is_no_metric(self, tmp_path, place, said):
        with pytest.raises(SystemExit, match=said):
            main(["--results", str(tmp_path), "--metric", place])

    def test_one_that_needs_what_is_not_there_is_not_called(self):
        spoilt = replace(WORST, function=lambda found: 1 / 0, needs=("score", "colour", "x/<llm>"))
        frame = pd.DataFrame({"question_id": ["q"], "dataset": "d", "router": "r", "score": 1.0})
        assert left_out(frame, [spoilt]) == {"worst_dataset": ["colour", "x/<llm>"]}
        assert list(summarise(frame, [*METRICS[:4], spoilt])) == [
            *("router", "group", "n_seeds", "n_questions", "macro_score", "macro_low"),
            "macro_high",
        ]

    def test_an_interval_has_two_columns_and_brackets(self):
        given = replace(WORST, interval=lambda found: (0.25, 0.75), ends="worst")
        rows = pd.DataFrame({"question_id": ["q"], "dataset": "d", "score": 0.5})
        found = given.figures(Results([rows]))
        assert found == {"worst_dataset": 0.5, "worst_low": 0.25, "worst_high": 0.75}
        assert given.written(found) == "50.0% [25.0%, 75.0%]"
        assert replace(given, ends="").columns[1:] == ("worst_dataset_low", "worst_dataset_high")
        unknown = replace(given, needs=("colour",)).figures(Results([rows]))
        assert np.isnan(list(unknown.values())).all()


def test_what_several_metrics_need_is_worked_out_once():
    asked = []
    found = Results([pd.DataFrame({"question_id": ["q"], "dataset": "d", "score": 0.5})])

    def work(results):
        asked.append(results)
        return 7

    assert (found.once(work), found.once(work)) == (7, 7)
    assert len(asked) == 1


class TestAllOfThem:
    def test_the_leaderboard_s_columns_are_theirs(self, runs, board):
        own = [column for metric in OWN for column in metric.columns]
        place = own.index("score_<dataset>")
        own[place : place + 1] = [
            name for name in board if re.fullmatch("score_d[0-9]*|score_.*", name)
        ]
        rest_on = list(counts({0: runs[0].rows()}, {0: runs[0].rows()}))
        assert list(board)[2:] == [*list(board)[2:9], *rest_on, *own, "remarks"]
        assert list(board)[:9] == [
            *("router", "group", "data", "zoo", "split", "settings", "settings_hash"),
            *("data_hash", "cost_unit"),
        ]

    def test_the_tables_show_what_they_say_by_label(self, board):
        text, of_field = to_markdown(board), to_field_markdown(board)
        for table, name in ((text, "leaderboard"), (of_field, "field")):
            (head,) = {line for line in table.splitlines() if line.startswith("| router |")}
            heads = head.strip("| ").split(" | ")
            shown = {metric.label for metric in METRICS if name in metric.tables}
            assert set(heads) - {"router", "seeds", "group"} == shown

    def test_every_policy_has_its_score_and_cost_among_them(self):
        names = {metric.name for metric in METRICS}
        assert set(POLICIES) - {"router"} <= names
        assert {f"cost_{name}" for name in POLICIES} - names == {
            *("cost_router", "cost_corrected_oracle")  # the latter asks no llm
        }

    def test_their_order_is_best_first(self):
        rows = pd.DataFrame(
            {
                "router": ["b", "a", "c", "d"],
                "macro_score": [0.5, 0.5, 0.7, np.nan],
                "regret": [0.2, 0.2, 0.1, np.nan],
            }
        )
        assert "".join(ordered(rows)["router"]) == "cabd"
        assert "".join(ordered(rows, by="regret")["router"]) == "cabd"
        assert (
            "".join(ordered(rows.assign(regret=-rows["regret"]), by="regret")["router"]) == "abcd"
        )

    def test_the_glossary_of_the_documents_is_theirs(self):
        page = (ROOT / "docs" / "metrics.md").read_text()
        assert glossary() in page
        readme = (ROOT / "README.md").read_text()
        words = {
            "macro_score": "macro score",
            "gap_closed": "gap closed",
            "lift_recognised": "lift",
        }
        for metric in METRICS:
            if metric.name in words:
                assert f"| {words[metric.name]} | {metric.explanation} |\n" in readme

    def test_each_is_defined_in_the_document(self):
        page = (ROOT / "docs" / "metrics.md").read_text().replace(glossary(), "")
        costs = re.compile("cost_(?!known|to_match|saved)")
        assert not [
            column
            for metric in METRICS
            for column in metric.columns
            if f"`{column}`" not in page and not costs.match(column)
        ]


def test_columns_are_their_own_and_the_order_is_that_of_one():
    twice = [replace(WORST, name="oracle"), replace(WORST, name="macro_low")]
    with pytest.raises(ValueError, match=r"columns of their own, got \['macro_low', 'oracle'\]"):
        check_metrics([*METRICS, *twice], "cost")
    with pytest.raises(ValueError, match=r"that of a metric, got 'beauty'\. Known are: n_seeds, "):
        check_metrics(METRICS, "beauty")
    with pytest.raises(ValueError, match="got 'beauty'"):
        leaderboard([], sort_by="beauty")


def test_what_an_entry_must_say():
    with pytest.raises(ValueError, match=r"Metric 'm': 'better' must be one of .* got 'up'"):
        Metric("m", float, "m", "", better="up")
    with pytest.raises(ValueError, match=r"Metric 'm': 'tables' must be of .* got \['main'\]"):
        Metric("m", float, "m", "", tables=("main", "field"))


# One place for each; a router may use what it learns by itself, so routers are not looked at.
ONLY_IN = {
    r"def \w*macro_mean": {"scoring.py"},
    r"def (oracle|corrected_oracle_score|random_score|random_cost)\b": {"scoring.py"},
    r"def (chosen|_take)\b": {"scoring.py"},
    r"\.integers\(.*n_units": {"intervals.py"},
    r"== scores\.max\(|scores\.max\(axis=1": set(),
    r"BestSingle\(": {"bounds.py"},
    r"np\.nanmean\(": {"points.py"},
    r"\.savefig\(": {"canvas.py"},
    r"---\|": {"writing.py"},  # a Markdown table
}


@pytest.mark.parametrize("pattern", ONLY_IN)
def test_everything_is_worked_out_in_one_place(pattern):
    modules = (ROOT / "benchmarks").rglob("*.py")
    assert {file.name for file in modules if re.search(pattern, file.read_text())} == ONLY_IN[
        pattern
    ]
