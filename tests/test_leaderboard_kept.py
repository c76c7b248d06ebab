"""Which comparisons are derived, kept and shown: with tables by hand in place of derived ones."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
from board_rows import row

from benchmarks import leaderboard, leaderboard_files
from benchmarks.comparison import names_of

CALIBRATION = {"llm": "x", "n_pairs": 3, "brier": 0.25}


@dataclass(frozen=True)
class Stored:
    """A stored run of a router, with the score that it came to."""

    data: str
    router: str = "mine"
    score: float = 0.5
    more: dict = field(default_factory=dict)

    @property
    def about(self):
        names = {"data": self.data, "zoo": "all", "split": "holdout", "data_hash": "da7a"}
        return names | {"cost_unit": "USD", "label": self.router}


@pytest.fixture
def store(monkeypatch):
    """Return the stored runs, a list to change, and the data of those that were derived."""
    runs, derived = [], []

    def board(some):
        derived.extend(run.data for run in some)
        rows = [
            row(**names_of(run), router=run.router, macro_score=run.score, **run.more)
            for run in some
        ]
        return pd.DataFrame(rows).sort_values(list(leaderboard_files.COMPARISON))

    def calibration(some):
        rows = [names_of(run) | CALIBRATION | {"router": run.router} for run in some]
        return pd.DataFrame(rows).sort_values(list(leaderboard_files.COMPARISON))

    monkeypatch.setattr(leaderboard, "load_runs", lambda results: list(runs))
    monkeypatch.setattr(leaderboard, "leaderboard", board)
    monkeypatch.setattr(
        leaderboard,
        "_derive",
        lambda some, _: {"leaderboard": board(some), "calibration": calibration(some)},
    )
    return runs, derived


def scores(results):
    board = leaderboard_files.read(results)["leaderboard"]
    return dict(zip(board["data"], board["macro_score"], strict=True))


def test_what_is_shown_is_derived_and_the_others_are_kept(store, tmp_path):
    runs, derived = store
    runs += [Stored("b"), Stored("a"), Stored("c")]
    assert list(leaderboard.write(tmp_path)["data"]) == ["a", "b", "c"]
    runs[:] = [Stored(run.data, score=0.75) for run in runs]
    derived.clear()
    text = leaderboard.show(tmp_path, ["b/all/holdout"])
    assert derived == ["b"]
    assert scores(tmp_path) == {"a": 0.5, "b": 0.75, "c": 0.5}
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## b, zoo all, split holdout"
    ]
    assert "| **mine** |" in text


def test_what_is_asked_for_is_shown_in_the_order_of_asking_and_once(store, tmp_path):
    runs, _ = store
    runs += [Stored("a"), Stored("b"), Stored("c")]
    text = leaderboard.show(tmp_path, ["c/all/holdout", "a/all/holdout", "c/all/holdout"])
    assert [line[3] for line in text.splitlines() if line.startswith("## ")] == ["c", "a"]
    text = leaderboard.show(tmp_path, ["a/all/holdout"], field=True)
    assert text.startswith("# The field's metrics\n\n## a, ")


def test_what_was_never_derived_is_derived_too_though_not_shown(store, tmp_path):
    runs, derived = store
    runs += [Stored("a"), Stored("b")]
    leaderboard.write(tmp_path)
    runs.append(Stored("c"))
    derived.clear()
    text = leaderboard.show(tmp_path, ["a/all/holdout"])
    assert derived == ["a", "c"]
    assert set(scores(tmp_path)) == {"a", "b", "c"}
    assert text.count("\n## ") == 1


def test_what_is_no_longer_stored_is_gone(store, tmp_path):
    runs, _ = store
    runs += [Stored("a"), Stored("b")]
    leaderboard.write(tmp_path)
    del runs[1]
    leaderboard.show(tmp_path, ["a/all/holdout"])
    assert set(scores(tmp_path)) == {"a"}


@pytest.mark.parametrize("table", ["leaderboard", "calibration"])
@pytest.mark.parametrize("damage", ["gone", "a part", "another column"])
def test_files_that_cannot_be_used_are_derived_anew(store, tmp_path, table, damage):
    runs, derived = store
    runs += [Stored("a"), Stored("b")]
    leaderboard.write(tmp_path)
    file = tmp_path / f"{table}.csv"
    whole = file.read_text()
    stored = pd.read_csv(file)
    if damage == "gone":
        file.unlink()
    elif damage == "a part":
        stored[stored["data"] == "a"].to_csv(file, index=False)
    else:
        stored.drop(columns="brier").to_csv(file, index=False)
    derived.clear()
    leaderboard.show(tmp_path, ["a/all/holdout"])
    assert set(derived) == {"a", "b"}
    assert file.read_text() == whole


def test_columns_of_single_datasets_belong_to_their_comparison(store, tmp_path):
    runs, derived = store
    runs += [Stored("a", more={"score_x": 0.25}), Stored("b", more={"score_y": 0.75})]
    leaderboard.write(tmp_path)
    derived.clear()
    leaderboard.show(tmp_path, ["b/all/holdout"])
    assert derived == ["b"]  # that it has other columns is no reason to derive a
    stored = leaderboard_files.read(tmp_path)["leaderboard"].set_index("data")
    assert stored["score_x"].to_dict() == {"a": 0.25, "b": pytest.approx(np.nan, nan_ok=True)}
    assert stored["score_y"]["b"] == 0.75
    del runs[0]
    leaderboard.show(tmp_path, ["b/all/holdout"])
    assert "score_x" not in leaderboard_files.read(tmp_path)["leaderboard"]


def test_a_comparison_without_runs_is_named(store, tmp_path):
    runs, derived = store
    with pytest.raises(FileNotFoundError, match="no run is stored in"):
        leaderboard.load_board(tmp_path)
    runs += [Stored("a")]
    for ask in (leaderboard.load_board, lambda *these: leaderboard.show(these[0], [these[1]])):
        with pytest.raises(FileNotFoundError, match="no run of b/all/holdout is stored"):
            ask(tmp_path, "b/all/holdout")
    assert derived == []
    assert list(leaderboard.load_board(tmp_path, "a/all/holdout")["data"]) == ["a"]
    runs += [Stored("b")]
    assert list(leaderboard.load_board(tmp_path, "b/all/holdout")["data"]) == ["b"]
    assert list(leaderboard.load_board(tmp_path)["data"]) == ["a", "b"]


def test_the_command_prints_what_it_derives(store, tmp_path, capsys):
    runs, derived = store
    runs += [Stored("a"), Stored("b")]
    where = ["--results", str(tmp_path)]
    leaderboard.main(where)
    assert capsys.readouterr().out == (tmp_path / "leaderboard.md").read_text()
    leaderboard.main([*where, "--field"])
    assert capsys.readouterr().out == (tmp_path / "field.md").read_text()
    derived.clear()
    leaderboard.main([*where, "--show", "b/all/holdout", "--field"])
    assert derived == ["b"]
    out = capsys.readouterr().out
    assert out.startswith("# The field's metrics\n\n## b, ")
    leaderboard.main([*where, "--show", "b/all/holdout", "--show", "a/all/holdout"])
    assert capsys.readouterr().out.count("\n## ") == 2
    with pytest.raises(SystemExit, match="no run of c/all/holdout"):
        leaderboard.main([*where, "--show", "c/all/holdout"])
