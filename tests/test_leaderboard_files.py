"""The leaderboard's files: what is read back, what stays, what is written."""

import numpy as np
import pandas as pd
import pytest
from board_rows import row

from benchmarks import leaderboard_files as files
from benchmarks.comparison import COMPARISON

NAMES = ("leaderboard", "calibration")


def place(data):
    return data, "all", "holdout", "", "5e77", "da7a"


def table(*data, **columns):
    """Return a row for each comparison, by the name of its data."""
    rows = pd.DataFrame([dict(zip(COMPARISON, place(name), strict=True)) for name in data])
    return rows.assign(**columns)


def both(*data, **columns):
    return {name: table(*data, **columns) for name in NAMES}


def test_comparisons_are_those_that_both_tables_have():
    assert files.places(None) == set()
    tables = {"leaderboard": table("a", "b", "b"), "calibration": table("b", "c")}
    assert files.places(tables) == {place("b")}


def test_the_layout_is_that_of_all_columns_but_those_of_single_datasets():
    plain = both("a", brier=0.5)
    assert files.same_layout(plain, both("b", brier=0.25))
    assert files.same_layout(plain, both("a", brier=0.5, score_d=1.0))
    assert not files.same_layout(plain, both("a"))
    for name in NAMES:
        assert not files.same_layout(plain, plain | {name: table("a", brier=0.5, score=1.0)})


def test_fresh_rows_replace_their_comparison_and_others_stay():
    kept = both("a", "b", "c", "b", brier=[1.0, 2.0, 3.0, 4.0])
    found = files.merge(kept, [place("a"), place("b")], both("d", brier=[5.0]))
    for name in NAMES:
        assert list(found[name]["data"]) == ["a", "b", "b", "d"]
        assert list(found[name]["brier"]) == [1, 2, 4, 5]
        assert list(found[name].index) == [0, 1, 2, 3]


def test_columns_of_datasets_that_only_others_have_are_left_out():
    nan = np.nan
    kept = both("a", "b", score_d=[0.5, nan], score_e=[nan, 0.25], brier=[nan, 1.0])
    found = files.merge(kept, [place("a")], both("c", brier=1.0))["leaderboard"]
    assert {"score_d", "brier"} < set(found)
    assert "score_e" not in found


def tables_to_write():
    board = pd.DataFrame([row(data="007", router="nan", macro_score=1 / 3, cheapest=np.nan)])
    board["n_not_compared"] = 7
    return {"leaderboard": board, "calibration": table("007", llm="1e3", n_pairs=3, brier=np.nan)}


def test_what_is_written_is_read_back(tmp_path):
    written = files.write(tmp_path, tables_to_write())
    kept = files.read(tmp_path)
    for name in NAMES:
        pd.testing.assert_frame_equal(kept[name], written[name])
    first = kept["leaderboard"].iloc[0]
    assert (first["data"], first["router"], first["remarks"], first["seeds"]) == (
        *("007", "nan", "", "0"),
    )
    assert first["macro_score"] == 0.333333
    assert np.isnan(first["cheapest"])
    assert kept["calibration"]["llm"].tolist() == ["1e3"]
    for name, given in tables_to_write().items():
        assert list(kept[name]) == list(given)
        counts = kept[name].filter(regex="^n_")
        pd.testing.assert_frame_equal(counts, given.filter(regex="^n_"))
    names = {"leaderboard.csv", "leaderboard.md", "calibration.csv", "field.md"}
    assert {file.name for file in tmp_path.iterdir()} == names
    assert (tmp_path / "leaderboard.md").read_text().startswith("# Leaderboard\n\n## 007")
    assert (tmp_path / "field.md").read_text().startswith("# The field's metrics\n\n## 007")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", [None, "", "one,two\n1,2\n", b"\xff\xfe"])
def test_what_cannot_be_read_is_nothing(tmp_path, name, damage):
    files.write(tmp_path, tables_to_write())
    file = tmp_path / f"{name}.csv"
    file.unlink()
    if damage is not None:
        file.write_bytes(damage if isinstance(damage, bytes) else damage.encode())
    assert files.read(tmp_path) is None
