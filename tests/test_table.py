import dataclasses

import numpy as np
import pytest

from routers.table import RoutingTable

GOOD = {
    "questions": ["x", "y"],
    "scores": [[1, 0.5], [0, np.nan]],
    "llms": ["a", "b"],
    "ids": ["1", "2"],
    "datasets": ["d", "e"],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": [[1, 0], [2, 0]]}, "score of question '2' and llm 'a' must be in"),
        ({"scores": [[1, 0]]}, r"'scores' must be of shape \(2, 2\)"),
        ({"ids": ["1", "1"]}, r"'ids\[1\]' must be unique, got '1'"),
        ({"llms": ["a", "a"]}, r"'llms\[1\]' must be unique"),
        ({"questions": ["x", None]}, r"'questions\[1\]' must be a str, got None"),
        ({"datasets": ["d"]}, "'datasets' must be of length 2"),
        ({"costs": [[1, 1], [-1, 1]]}, "cost of question '2' and llm 'a' must be finite"),
        ({"costs": [1, np.inf]}, "cost of question '1' and llm 'b'"),
        ({"chance": [0.2, 1.0]}, "'chance' of question '2'"),
        ({"llms": [], "scores": np.empty((2, 0))}, "at least one name"),
        ({"eligible": [[True, True]]}, r"'eligible' must be of shape \(2, 2\), got \(1, 2\)"),
        ({"eligible": [[1, 0], [1, 1]]}, "'eligible' must be True where an llm can answer"),
    ],
)
def test_bad_input_is_refused_by_name(change, message):
    with pytest.raises(ValueError, match=message):
        RoutingTable(**(GOOD | change))


def test_nan_is_not_observed_and_costs_default_to_unknown():
    table = RoutingTable(**GOOD)
    assert np.isnan(table.scores[1, 1])
    assert np.isnan(table.costs).all()
    assert list(table.subjects) == ["d", "e"]


def test_what_cannot_be_answered_keeps_no_outcome():
    eligible = [[True, False], [True, True]]
    table = RoutingTable(**GOOD, costs=[1, 2], eligible=eligible)
    np.testing.assert_array_equal(table.scores, [[1, np.nan], [0, np.nan]])
    np.testing.assert_array_equal(table.costs, [[1, np.nan], [1, 2]])
    np.testing.assert_array_equal(table.eligible, eligible)
    np.testing.assert_array_equal(table.rows([1, 0]).eligible, eligible[::-1])
    np.testing.assert_array_equal(table.select(["b"]).eligible, [[False], [True]])
    other = RoutingTable(**(GOOD | {"llms": ["c", "d"]}))
    np.testing.assert_array_equal(
        table.beside(other).eligible, [[True, False, True, True], [True] * 4]
    )


def test_the_hash_tells_ineligible_from_unobserved():
    scores = [[1, np.nan], [0, np.nan]]
    unobserved = RoutingTable(**(GOOD | {"scores": scores}))
    all_eligible = np.ones((2, 2), dtype=bool)
    same = RoutingTable(**(GOOD | {"scores": scores}), eligible=all_eligible)
    ineligible = RoutingTable(**(GOOD | {"scores": scores}), eligible=[[True, False], [True, True]])
    assert unobserved.content_hash == same.content_hash
    assert ineligible.content_hash != same.content_hash


def test_table_is_frozen_and_owns_its_arrays():
    scores = np.array([[1.0, 0.5], [0.0, 1.0]], dtype=np.float32)
    table = RoutingTable(**(GOOD | {"scores": scores}))
    scores[0, 0] = 0
    assert table.scores[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        table.scores[0, 0] = 0
    with pytest.raises(ValueError, match="read-only"):
        table.rows([1]).scores[0, 0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        table.scores = scores


def test_one_row_of_costs_serves_every_question():
    table = RoutingTable(**GOOD, costs=[1, 2])
    np.testing.assert_array_equal(table.costs, [[1, 2], [1, 2]])


def test_rows_and_select(tiny):
    part = tiny.rows([3, 0]).select(["c", "a"])
    np.testing.assert_array_equal(part.scores, [[1, 0], [0, 1]])
    np.testing.assert_array_equal(part.costs, [[4, 1], [4, 1]])
    assert list(part.ids) == ["q4", "q1"]
    assert list(part.chance) == [0, 0.5]
    with pytest.raises(ValueError, match=r"must be in the table, got \['z'\]"):
        tiny.select(["a", "z"])
    with pytest.raises(ValueError, match="unique"):
        tiny.select(["a", "a"])


def test_canonical_form_and_hash_forget_the_order(tiny):
    turned = tiny.rows([2, 0, 3, 1]).select(["b", "c", "a"])
    assert turned.content_hash == tiny.content_hash
    np.testing.assert_array_equal(turned.canonical().scores, tiny.scores)
    assert tiny.rows([0, 1]).content_hash != tiny.content_hash
    changed = dataclasses.replace(tiny, scores=1 - tiny.scores)
    assert changed.content_hash != tiny.content_hash


def test_tables_of_other_questions_are_not_put_side_by_side():
    table = RoutingTable(**GOOD)
    other = RoutingTable(**(GOOD | {"llms": ["c", "d"], "ids": ["1", "3"]}))
    message = "the table to put beside must be of question '2' in row 1, got '3'"
    with pytest.raises(ValueError, match=message):
        table.beside(other)
    with pytest.raises(ValueError, match="must be the same 2 questions, got '1 questions'"):
        table.beside(other.rows([0]))
