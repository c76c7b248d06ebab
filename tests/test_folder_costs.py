"""Costs of a data folder: known, unknown in part, or not at all."""

import numpy as np
import pandas as pd
import pytest
from folders import N, remarks, small, written

from benchmarks.sources import folder


def test_a_cost_column_without_values_is_no_cost_column(tmp_path, caplog):
    frames = small()
    plain = folder.load(written(frames, tmp_path)).table
    frames["outcomes"]["cost"] = np.nan
    table = folder.load(written(frames, tmp_path)).table
    assert table.cost_unit == "params_b (proxy)"
    assert table.content_hash == plain.content_hash
    frames["outcomes"]["cost"] = None
    assert folder.load(written(frames, tmp_path)).table.content_hash == plain.content_hash
    (tmp_path / "llms.parquet").unlink()
    table = folder.load(tmp_path, cost_unit="EUR").table
    assert table.cost_unit == "EUR"
    assert np.isnan(table.costs).all()
    assert not remarks(caplog)


def test_a_stand_in_without_values_is_none(tmp_path):
    frames = small()
    frames["llms"]["params_b"] = [-1.0, np.nan]
    table = folder.load(written(frames, tmp_path)).table
    assert table.cost_unit == "USD"
    assert np.isnan(table.costs).all()
    with pytest.raises(ValueError, match="column 'params_b' to stand in for cost, with a value"):
        folder.load(tmp_path, cost_column="params_b")


def test_a_stand_in_of_0_is_known_and_belongs_to_the_llm_of_its_row(tmp_path, caplog):
    """Whoever else stands in the file, and in whatever order."""
    frames = small()
    frames["llms"] = pd.DataFrame({"llm": ["c", "b", "a"], "params_b": [9, 0, -1]})
    table = folder.load(written(frames, tmp_path)).table
    np.testing.assert_array_equal(table.costs, [[np.nan, 0]] * N)
    assert table.cost_unit == "params_b (proxy)"
    frames["llms"]["params_b"] = [9, 0.5, 0]
    np.testing.assert_array_equal(
        folder.load(written(frames, tmp_path)).table.costs, [[0, 0.5]] * N
    )


def test_costs_that_are_known_in_part_stay_unknown_elsewhere_and_are_told(tmp_path, caplog):
    frames = small()
    frames["outcomes"]["cost"] = [1.0, 2, np.nan, 3] + [np.nan] * N
    table = folder.load(written(frames, tmp_path)).table
    np.testing.assert_array_equal(
        table.costs, [[1, np.nan], [2, np.nan], [np.nan] * 2, [3, np.nan]]
    )
    assert table.cost_unit == "USD"
    assert remarks(caplog) == [
        "The cost in USD is known for 37.5% of the outcomes, and for no outcome of 'b'."
    ]


def test_of_many_llms_without_a_cost_five_are_named(tmp_path, caplog):
    frames = small()
    llms = list("cdefghi")
    others = [frames["outcomes"].iloc[:N].assign(llm=name) for name in llms]
    frames["outcomes"] = pd.concat([frames["outcomes"], *others])
    frames["llms"] = pd.DataFrame({"llm": ["a", "b", *llms], "params_b": [1.0, 1] + [np.nan] * 7})
    folder.load(written(frames, tmp_path))
    assert remarks(caplog)[0].endswith("no outcome of 'c', 'd', 'e', 'f', 'g' and 2 more.")


def test_the_share_is_of_what_was_observed(tmp_path, caplog):
    frames = small()
    frames["outcomes"]["cost"] = [1.0, 2, np.nan, 3] + [4.0] * N
    frames["outcomes"].loc[2, "score"] = np.nan
    unobserved = pd.DataFrame({"question_id": ["q0"], "llm": ["c"], "score": [np.nan]})
    frames["outcomes"] = pd.concat([frames["outcomes"], unobserved])
    del frames["llms"]
    folder.load(written(frames, tmp_path))
    assert not remarks(caplog)
    frames["outcomes"].iloc[0, 3] = np.nan
    folder.load(written(frames, tmp_path))
    assert remarks(caplog) == ["The cost in USD is known for 85.7% of the outcomes."]


def test_a_stand_in_that_is_known_for_some_llms_is_told(tmp_path, caplog):
    frames = small()
    frames["llms"]["params_b"] = [-1.0, 3]
    folder.load(written(frames, tmp_path))
    assert remarks(caplog) == [
        "The cost in params_b (proxy) is known for 50.0% of the outcomes, and for no outcome of "
        "'a'."
    ]


@pytest.mark.parametrize("value", [-1.0, np.inf, -np.inf, 1e39])
def test_costs_that_are_no_costs_are_refused(tmp_path, value):
    frames = small()
    frames["outcomes"]["cost"] = [1.0, value] * N
    with pytest.raises(ValueError, match=r"row 1, column 'cost': .*Leave it out if it is not"):
        folder.load(written(frames, tmp_path))


@pytest.mark.parametrize("value", [np.inf, -np.inf, "7B"])
def test_a_stand_in_must_be_a_number(tmp_path, value):
    frames = small()
    frames["llms"]["params_b"] = [None, value]
    with pytest.raises(
        ValueError, match=r"llms.parquet, row 1, column 'params_b': must be a finite"
    ):
        folder.load(written(frames, tmp_path))


def test_prices_as_text_are_read_and_units_refused(tmp_path):
    frames = small()
    frames["llms"]["price"] = ["0.5", "15"]
    table = folder.load(written(frames, tmp_path), cost_column="price").table
    np.testing.assert_array_equal(table.costs[0], [0.5, 15])
    frames["llms"]["price"] = ["0.5", "$15"]
    with pytest.raises(ValueError, match=r"llms.parquet, row 1, column 'price': .*got '\$15'"):
        folder.load(written(frames, tmp_path), cost_column="price")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cost_unit": None}, "'cost_unit' must be a text that is not empty, got None"),
        ({"cost_unit": " "}, "'cost_unit' must be a text"),
        ({"cost_column": 3}, "'cost_column' must be a text"),
        ({"show_choices": "no"}, "'show_choices' must be True or False, got 'no'"),
        ({"rotations": "any"}, "'rotations' must be one of 'all' or 'mean', got 'any'"),
    ],
)
def test_settings_are_checked_before_anything_is_read(tmp_path, settings, message):
    with pytest.raises(ValueError, match=f"folder: parameter {message}"):
        folder.load(tmp_path, **settings)
