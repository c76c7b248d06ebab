"""The column ``sample`` of a data folder: several answers of an llm to one question."""

import numpy as np
import pandas as pd
import pytest
from folders import small, written

from benchmarks.sources import folder
from benchmarks.sources.samples import one_per_rotation, spread_of

NAN = np.nan


def outcomes_of(*rows, columns="question_id llm sample score"):
    return pd.DataFrame(rows, columns=columns.split())


SEVERAL = [
    *[("q0", "a", k, score) for k, score in enumerate([1, 0, 0, 1, 1])],
    *[("q0", "b", k, score) for k, score in enumerate([0.25, 0.75])],
    ("q1", "a", 0, 1),
    *[("q1", "b", k, score) for k, score in enumerate([1, NAN])],
    *[("q2", "a", k, score) for k, score in enumerate([NAN, NAN])],
    *[("q2", "b", k, 1) for k in range(3)],
]
SPREAD = [[0.3**0.5, 0.125**0.5], [NAN, NAN], [NAN, 0], [NAN, NAN]]


@pytest.fixture
def frames():
    return small() | {"outcomes": outcomes_of(*SEVERAL)}


def test_the_score_is_the_mean_and_the_spread_is_kept(frames, tmp_path, caplog):
    with caplog.at_level("INFO"):
        table = folder.load(written(frames, tmp_path)).table
    expected = [[0.6, 0.5], [1, 1], [NAN, 1], [NAN, NAN]]
    np.testing.assert_allclose(table.scores, expected, rtol=1e-6)
    np.testing.assert_allclose(table.spread, SPREAD, rtol=1e-6)
    mean = (0.3**0.5 + 0.125**0.5) / 3
    assert (
        "outcomes.parquet, column 'sample': 3 of 5 observed pairs have several samples; their mean "
        f"spread is {mean:.3f}."
    ) in caplog.text


def test_the_cost_is_the_mean_of_those_known(frames, tmp_path):
    frames["outcomes"]["cost"] = [1, 2, 3, 4, 5, 6, NAN, 7, 8, 9, 10, 11, NAN, NAN, NAN]
    table = folder.load(written(frames, tmp_path)).table
    expected = [[3, 6], [7, 8.5], [10.5, NAN], [NAN, NAN]]
    np.testing.assert_array_equal(table.costs, expected)


def test_one_sample_each_has_no_spread(frames, tmp_path, caplog):
    plain = small()
    frames["outcomes"] = plain["outcomes"].assign(sample="first")
    with caplog.at_level("INFO"):
        table = folder.load(written(frames, tmp_path)).table
    assert np.isnan(table.spread).all()
    assert "column 'sample': 0 of 8 observed pairs have several samples." in caplog.text
    assert table.content_hash == folder.load(written(plain, tmp_path)).table.content_hash


def test_without_the_column_nothing_is_said(tmp_path, caplog):
    rows = pd.DataFrame({"question": [0], "llm": [0], "score": [1.0]})
    assert one_per_rotation(rows) is rows
    assert spread_of(rows, 1, 1) is None
    with caplog.at_level("INFO"):
        table = folder.load(written(small(), tmp_path)).table
    assert np.isnan(table.spread).all()
    assert "sample" not in caplog.text


ROTATED = [
    *[("q0", "a", 0, k, score) for k, score in enumerate([1, 0])],
    *[("q0", "a", 1, k, score) for k, score in enumerate([1, 1, 1, 0])],
    *[("q0", "b", turn, 0, score) for turn, score in enumerate([1, 0.5])],
    *[("q1", "a", turn, k, 1) for turn in (0, 1) for k in (0, 1)],
    *[("q1", "b", 0, k, score) for k, score in enumerate([1, NAN])],
    ("q1", "b", 1, 0, NAN),
    *[("q2", "a", turn, k, score) for turn, k, score in [(0, 0, 1), (0, 1, 0), (1, 0, NAN)]],
]
ROTATED_COLUMNS = "question_id llm rotation sample score"


def test_samples_are_averaged_within_each_rotation_first(frames, tmp_path):
    frames["outcomes"] = outcomes_of(*ROTATED, columns=ROTATED_COLUMNS)
    frames["outcomes"]["cost"] = [1, 3, 5, 5, 5, 9, 1, 2, *[1.0] * 4, 4, 6, 9, 1, 1, 1]
    frames["questions"]["choices"] = [["w", "x", "y", "z"]] * 4
    table = folder.load(written(frames, tmp_path)).table
    # a on q0: .5 under one order, .75 under the other; b on q1: 1, and unknown
    np.testing.assert_array_equal(table.scores[:2], [[0.5, 0.5], [1, NAN]])
    np.testing.assert_array_equal(table.costs[:2], [[(2 + 6) / 2, 1.5], [1, (5 + 9) / 2]])
    mean = folder.load(tmp_path, rotations="mean").table
    np.testing.assert_array_equal(mean.scores[:2], [[0.625, 0.75], [1, 1]])
    # squares .5 and .75 over 1 + 3: what orders do to the answers is not in it
    expected = [[(1.25 / 4) ** 0.5, NAN], [0, NAN], [0.5**0.5, NAN]]
    for found in (table, mean):
        np.testing.assert_allclose(found.spread[:3], expected, rtol=1e-6)
    assert table.chance[0] == 0.25**2  # orders count, samples do not
    assert mean.chance[0] == 0.25


def test_repeats_are_refused(frames, tmp_path):
    frames["outcomes"].loc[4, "sample"] = 2
    message = "outcomes.parquet, row 4, column 'question_id and llm and sample': must be unique"
    with pytest.raises(ValueError, match=message):
        folder.load(written(frames, tmp_path))
    frames["outcomes"] = outcomes_of(*ROTATED, columns=ROTATED_COLUMNS)
    frames["outcomes"].loc[5, "sample"] = 0
    with pytest.raises(ValueError, match="row 5, column 'question_id and llm and rotation and sam"):
        folder.load(written(frames, tmp_path))
    frames["outcomes"]["sample"] = None  # not told apart
    with pytest.raises(ValueError, match=r"row 1, column .*, None\)\. Drop the repeated row\.$"):
        folder.load(written(frames, tmp_path))
    frames["outcomes"] = frames["outcomes"].drop(columns=["rotation", "sample"])
    with pytest.raises(ValueError, match=r"row 1, .*, or number the answers in a column 'sample'"):
        folder.load(written(frames, tmp_path))


def test_what_is_not_eligible_has_no_spread(frames, tmp_path):
    frames["outcomes"]["eligible"] = [None, None, False, *[None] * 12]
    table = folder.load(written(frames, tmp_path)).table
    assert not table.eligible[0, 0]
    assert np.isnan([table.scores[0, 0], table.spread[0, 0]]).all()
    np.testing.assert_allclose(table.spread[0, 1], SPREAD[0][1])


def test_file_order_changes_nothing(frames, tmp_path):
    rng = np.random.default_rng(0)
    rows = [(f"q{q}", llm, k, rng.random()) for q in range(4) for llm in "ab" for k in range(7)]
    frames["outcomes"] = outcomes_of(*rows)
    first = folder.load(written(frames, tmp_path)).table.content_hash
    frames["outcomes"] = frames["outcomes"].sample(frac=1, random_state=1)
    assert folder.load(written(frames, tmp_path)).table.content_hash == first
