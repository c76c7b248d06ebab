"""The column ``group`` of a data folder."""

import numpy as np
import pandas as pd
import pytest
from folders import remarks, small, written

from benchmarks.sources import folder


@pytest.fixture
def frames():
    return small()


def loaded(frames, path, groups):
    frames["questions"]["group"] = groups
    return folder.load(written(frames, path)).table


def test_groups_are_read_and_told(frames, tmp_path, caplog):
    with caplog.at_level("INFO"):
        table = loaded(frames, tmp_path, ["g", None, "g", " h "])
    assert table.groups.tolist() == ["g", "", "g", "h"]
    assert (
        "questions.parquet, column 'group': 2 of 4 questions are in 1 groups of several; groups "
        "that span datasets: 1."
    ) in caplog.text


def test_a_group_within_a_dataset_spans_none(frames, tmp_path, caplog):
    with caplog.at_level("INFO"):
        loaded(frames, tmp_path, ["g", "g", "", ""])
    assert "2 of 4 questions are in 1 groups of several" in caplog.text
    assert "span datasets: 0." in caplog.text


def test_without_the_column_nothing_changes(frames, tmp_path, caplog):
    with caplog.at_level("INFO"):
        table = folder.load(written(frames, tmp_path)).table
    assert table.groups.tolist() == [""] * 4
    assert "group" not in caplog.text
    assert loaded(frames, tmp_path, ["", None, "", None]).content_hash == table.content_hash
    assert loaded(frames, tmp_path, ["", "g", "", "g"]).content_hash != table.content_hash


def test_whole_numbers_are_names(frames, tmp_path):
    assert loaded(frames, tmp_path, [7, 7, None, 8]).groups.tolist() == ["7", "7", "", "8"]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["g", "g", 2.5, None], r"questions\.parquet, row 2, column 'group': must be a text"),
        ([["a"], ["a"], ["b"], ["b"]], r"row 0, column 'group'.*Make it a text"),
        ([True, True, False, False], r"row 0, column 'group'.*got True"),
    ],
)
def test_what_is_no_name_is_refused(frames, groups, message):
    frames["questions"]["group"] = pd.Series(groups, dtype=object)
    with pytest.raises(ValueError, match=message):
        folder.build(frames["questions"], frames["outcomes"])


def test_names_that_may_be_a_slip_are_told(frames, tmp_path, caplog):
    loaded(frames, tmp_path, ["nan", "nan", "Passage 1", "passage 1"])
    missing, alike = remarks(caplog)
    where = "questions.parquet, column 'group': "
    assert missing.startswith(where + "the name 'nan' may be a missing value")
    assert alike.startswith(where + "'Passage 1' and 'passage 1' differ only in case")


def test_a_column_that_is_almost_of_that_name_is_told(frames, tmp_path, caplog):
    frames["questions"]["groups"] = "g"
    folder.load(written(frames, tmp_path))
    assert "column 'groups' is not taken for 'group'" in remarks(caplog)[0]
    assert np.equal(folder.load(tmp_path).table.groups, "").all()
