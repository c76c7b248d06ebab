"""One comparison at a time: what is derived, kept and shown. Unknown figures."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import evaluate, leaderboard, leaderboard_files, plots, splits, store
from benchmarks.sources import synthetic
from routers.baselines import BestSingle, Cheapest, RandomRouter
from routers.recognition import RecognisedDatasetRouter
from routers.table import RoutingTable

FILES = ("leaderboard.csv", "leaderboard.md", "field.md", "calibration.csv")


def stored(results, table, data="made up", seed=0, routers=(BestSingle, Cheapest), key="k"):
    """Store runs of routers that need no encoder."""
    for router in routers:
        folds = splits.holdout(table, seed)
        found = evaluate.evaluate(router(), table, folds, RecognisedDatasetRouter())
        names = {"data": data, "zoo": "all", "split": "holdout", "seed": seed}
        about = names | {
            "router": router.__name__,
            "label": router.__name__,
            "data_hash": table.content_hash,
            "cost_unit": table.cost_unit,
            "timing": found.timing,
        }
        folder = results / "runs" / data / "all" / "holdout" / router.__name__ / f"{key}{seed}"
        store.save_run(folder, found.rows, about)


@pytest.fixture
def two(tmp_path):
    stored(tmp_path, synthetic.load(60, seed=1).table, "first")
    stored(tmp_path, synthetic.load(40, seed=2).table, 'b #"$ |模')
    return tmp_path


@pytest.fixture
def read(monkeypatch):
    """Return the data of every run whose rows are read."""
    found = []
    whole = store.Run.rows
    monkeypatch.setattr(
        store.Run, "rows", lambda run: found.append(run.about["data"]) or whole(run)
    )
    return found


def contents(results):
    return {name: (results / name).read_text() for name in FILES}


def test_only_what_is_asked_for_is_derived_and_shown(two, read):
    leaderboard.write(two)
    whole = contents(two)
    read.clear()
    text = leaderboard.show(two, ["first/all/holdout"])
    assert set(read) == {"first"}
    assert text.count("## ") == 1
    assert "## first, zoo all" in text
    assert contents(two) == whole


def test_a_new_run_replaces_the_rows_of_its_comparison(two, read):
    leaderboard.write(two)
    stored(two, synthetic.load(60, seed=1).table, "first", 1, (BestSingle, Cheapest, RandomRouter))
    read.clear()
    place = 'b #"$ |模/all/holdout'
    leaderboard.show(two, ["first/all/holdout"])
    assert set(read) == {"first"}
    shown = contents(two)
    leaderboard.write(two)
    assert contents(two) == shown  # as if all were derived
    both = leaderboard.show(two, [place, "first/all/holdout"])
    assert both.index("## b #") < both.index("## first")
    assert len(pd.read_csv(two / "leaderboard.csv")) == 5


def test_what_is_not_stored_is_derived_too(two):
    leaderboard.show(two, ["first/all/holdout"])
    first = contents(two)
    leaderboard.write(two)
    assert contents(two) == first


@pytest.mark.parametrize("file", ["leaderboard.csv", "calibration.csv"])
@pytest.mark.parametrize("damage", ["", "a,b\n1,2\n", '"', None, "older"])
def test_stored_files_that_cannot_be_used_are_derived_anew(two, file, damage):
    leaderboard.write(two)
    whole = contents(two)
    if damage is None:
        (two / file).unlink()
    elif damage == "older":
        pd.read_csv(two / file).drop(columns="brier").to_csv(two / file, index=False)
    else:
        (two / file).write_text(damage)
    leaderboard.show(two, ["first/all/holdout"])
    assert contents(two) == whole


def test_a_comparison_that_is_not_there_is_named(two):
    with pytest.raises(FileNotFoundError, match="no run of a/b/c is stored"):
        leaderboard.show(two, ["first/all/holdout", "a/b/c"])
    with pytest.raises(SystemExit, match="no run of a/b/c"):
        leaderboard.main(["--results", str(two), "--show", "a/b/c"])


def test_names_that_look_like_numbers_stay_names(tmp_path):
    for data in ("007", "nan"):
        stored(tmp_path, synthetic.load(40, seed=2).table, data)
    leaderboard.write(tmp_path)
    kept = leaderboard_files.read(tmp_path)
    assert {place[0] for place in leaderboard_files.places(kept)} == {"007", "nan"}
    assert kept["leaderboard"]["n_questions"].dtype == int


def test_nothing_is_left_beside_the_files(two, monkeypatch):
    monkeypatch.setattr(leaderboard_files, "to_field_markdown", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        leaderboard.write(two)
    assert [file.name for file in two.iterdir() if file.name.startswith(".")] == []


def table_of(scores, costs=None):
    n = len(scores)
    return RoutingTable(
        questions=[f"question number {i}" for i in range(n)],
        scores=scores,
        llms=[f"llm {j}" for j in range(np.shape(scores)[1])],
        ids=[f"q{i:03d}" for i in range(n)],
        datasets=["a", "b"] * (n // 2),
        costs=costs,
    )


def test_a_router_alone_on_one_llm_has_no_letter(tmp_path):
    stored(tmp_path, table_of(np.eye(20, 1)), routers=(BestSingle,))
    assert "| **BestSingle** | 0 | – |" in leaderboard.show(  # noqa: RUF001
        tmp_path, ["made up/all/holdout"]
    )


@pytest.mark.parametrize(
    ("scores", "costs", "sentence"),
    [
        (np.eye(20, 1), [1.0], "There is nothing to route: the zoo is a single llm."),
        (np.ones((20, 3)), [1.0, 2, 3], "There is no score to gain by routing"),
        (np.ones((20, 2)), None, "There is no score to gain by routing"),
        (np.eye(20, 2), [0.0, 0.0], ""),
    ],
)
def test_what_is_not_known_is_a_dash(tmp_path, scores, costs, sentence):
    stored(tmp_path, table_of(scores, costs), routers=(BestSingle, RandomRouter))
    leaderboard.write(tmp_path)
    for name in ("leaderboard.md", "field.md"):
        text = (tmp_path / name).read_text()
        assert not {"nan", "+nan", "inf"} & set(text.replace("[", " ").replace(",", " ").split())
    text = (tmp_path / "leaderboard.md").read_text()
    assert text.count("othing to route") + text.count("no score to gain") == bool(sentence)
    assert sentence in text
    alike = "| **BestSingle** | 0 | – |" in text  # noqa: RUF001
    assert alike == bool(sentence)
    assert len(plots.draw_all(tmp_path)) in (8, 10)


@pytest.mark.parametrize(
    ("costs", "said"),
    [
        (None, "no costs are known; "),
        ([1.0, 2.0], "cost in USD; "),
        (np.where(np.eye(20, 2) > 0, np.nan, 1.0), "cost in USD, known in part; "),
    ],
)
def test_a_board_says_what_costs_are_counted_in_if_any_is_known(tmp_path, costs, said):
    stored(tmp_path, table_of(np.eye(20, 2), costs), routers=(BestSingle, RandomRouter))
    text = leaderboard.show(tmp_path, ["made up/all/holdout"])
    assert said in text
    assert ("*cheapest* (floor)" in text) == (not said.startswith("no"))
    assert "lucky" not in text  # no options are known
