"""What a table keeps, refuses and hands on: every field of it, whichever part is taken."""

import dataclasses

import numpy as np
import pytest

from routers.table import RoutingTable, _repr_of_list

NAN = np.nan
PER_QUESTION = {
    "questions": ["x?", "y?", "z?"],
    "ids": ["q3", "q1", "q2"],
    "datasets": ["d", "e", "d"],
    "subjects": ["s", "t", "u"],
    "splits": ["train", "test", ""],
    "chance": [0.25, 0.0, 0.5],
    "groups": ["g", "", "g"],
}
PER_PAIR = {
    "scores": [[1, NAN], [0, 0.5], [0.25, 1]],
    "costs": [[1, 2], [3, NAN], [5, 6]],
    "eligible": [[True, False], [True, True], [True, True]],
    "spread": [[0.5, 0.75], [NAN, 0.25], [0, 0.125]],
}
NEITHER = {"groups": None, "spread": None}  # what tables did not have at first


@pytest.fixture
def whole():
    return RoutingTable(llms=["b", "a"], cost_unit="tokens", **PER_QUESTION, **PER_PAIR)


def holds(table, llms=("b", "a"), rows=(0, 1, 2), columns=(0, 1)):
    """Check every field of a part of ``whole``."""
    assert list(table.llms) == list(llms)
    for name, values in PER_QUESTION.items():
        assert getattr(table, name).tolist() == [values[i] for i in rows], name
    kept = {name: [[of[0][0], NAN], *of[1:]] for name, of in PER_PAIR.items() if name != "eligible"}
    for name, values in (PER_PAIR | kept).items():  # of what cannot be answered nothing is kept
        expected = np.array(values)[np.ix_(rows, columns)]
        np.testing.assert_array_equal(getattr(table, name), expected, err_msg=name)
    assert table.cost_unit == "tokens"
    for field in dataclasses.fields(table):
        if field.name != "cost_unit":
            assert not getattr(table, field.name).flags.writeable, field.name
    return True


def test_every_field_is_kept_whatever_part_is_taken(whole):
    assert holds(whole)
    assert (len(whole), whole.n_llms) == (3, 2)
    assert holds(whole.rows([2, 0]), rows=[2, 0])
    assert holds(whole.rows(np.array([False, True, True])), rows=[1, 2])
    assert holds(whole.rows(slice(1)), rows=[0])
    assert holds(whole.select(["a", "b"]), ["a", "b"], columns=[1, 0])
    assert holds(whole.select(["b"]).beside(whole.select(["a"])))
    assert holds(whole.canonical(), ["a", "b"], [1, 2, 0], [1, 0])
    assert whole.select(["b"]).n_llms == 1


def test_numbers_are_kept_in_the_precision_that_is_promised(whole):
    assert whole.scores.dtype == whole.costs.dtype == np.float32
    assert whole.chance.dtype == np.float64
    assert whole.canonical().scores.dtype == np.float32
    narrow = dataclasses.replace(whole, chance=np.zeros(3, dtype=np.float32))
    assert narrow.chance.dtype == np.float64


def test_what_is_not_given_is_filled_in():
    names = ("questions", "ids", "datasets")
    table = RoutingTable(
        llms=["b", "a"], scores=PER_PAIR["scores"], **{name: PER_QUESTION[name] for name in names}
    )
    assert table.subjects.tolist() == PER_QUESTION["datasets"]
    assert table.splits.tolist() == ["", "", ""]
    assert table.chance.tolist() == [0, 0, 0]
    assert table.cost_unit == "USD"
    assert table.eligible.tolist() == [[True, True]] * 3
    assert table.groups.tolist() == ["", "", ""]
    assert table.spread.shape == (3, 2)
    assert np.isnan(table.spread).all()
    assert table.costs.shape == (3, 2)
    assert np.isnan(table.costs).all()


@pytest.mark.parametrize(
    "name", ["questions", "scores", "costs", "eligible", "chance", "llms", "groups", "spread"]
)
def test_what_was_given_stays_the_callers(name):
    given = {"llms": ["b", "a"], **PER_QUESTION, **PER_PAIR}
    kind = {"scores": np.float32, "costs": np.float32, "spread": np.float32}
    kind |= {"eligible": bool, "chance": float}
    given[name] = np.array(given[name], dtype=kind.get(name, object))
    table = RoutingTable(**given)
    before = getattr(table, name).copy()
    given[name][0] = given[name][1]
    np.testing.assert_array_equal(getattr(table, name), before)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("scores", [[0, 1], [1, 0], [0, -0.01]], "the score of question 'q2' and llm 'a' must"),
        ("scores", [[1.01, 1], [1, 2], [0, 0]], r"'q3' and llm 'b' must .* got 1\.0"),
        ("scores", [[1, 1, 1]] * 3, r"'scores' must be of shape \(3, 2\), got \(3, 3\)"),
        ("costs", [[0, 1], [-1, 1], [0, -2]], r"cost of question 'q1' and llm 'b' .* got -1\.0"),
        ("costs", [[0, 1], [1, 1], [0, np.inf]], "cost of question 'q2' and llm 'a' .* got inf"),
        ("costs", [1, 2, 3], r"'costs' must be of shape \(3, 2\) or \(2,\), got \(3,\)"),
        ("costs", [[1, 2]], r"'costs' must be of shape .*, got \(1, 2\)"),
        ("chance", [0, -0.1, 1], r"'chance' of question 'q1' must be in \[0, 1\), got -0\.1"),
        ("chance", [0, 0, NAN], "'chance' of question 'q2'"),
        ("chance", [0.5, 0.5], r"'chance' must be of shape \(3,\), got \(2,\)"),
        ("questions", [["x", "y", "z"]], r"'questions' must be one-dimensional, got \(1, 3\)"),
        ("questions", ["x", "y"], "^RoutingTable: 'questions' must be of length 3, got 2"),
        ("splits", ["", ""], "'splits' must be of length 3, got 2"),
        ("ids", ["q1", 2, "q3"], r"'ids\[1\]' must be a str, got 2"),
        ("llms", ["a", None], r"'llms\[1\]' must be a str, got None"),
        ("subjects", ["s", "t"], "'subjects' must be of length 3, got 2"),
        ("splits", ["", 3, ""], r"'splits\[1\]' must be a str, got 3"),
        ("ids", ["q1", "q2", "q2"], r"'ids\[2\]' must be unique, got 'q2'"),
        ("groups", ["g", "g"], "'groups' must be of length 3, got 2"),
        ("groups", ["g", None, "g"], r"'groups\[1\]' must be a str, got None"),
        ("spread", [[0, 0.1], [0, -0.1], [0, 0]], "spread of question 'q1' and llm 'a' .* got -0"),
        ("spread", [[0, 0], [0, 0], [1.5, 0]], r"'q2' and llm 'b' must be in \[0, 1\] or NaN"),
        ("spread", [0, 0], r"'spread' must be of shape \(3, 2\), got \(2,\)"),
    ],
)
def test_a_wrong_value_is_named(name, values, message):
    given = {"llms": ["b", "a"], **PER_QUESTION, **PER_PAIR}
    with pytest.raises(ValueError, match=message):
        RoutingTable(**given | {name: values})


def test_the_ends_of_each_range_are_allowed():
    given = {"llms": ["b", "a"], **PER_QUESTION}
    table = RoutingTable(scores=[[0, 1]] * 3, costs=[0, 0], **given | {"chance": [0, 0.99, 0]})
    assert table.scores.tolist() == [[0, 1]] * 3
    assert table.costs.tolist() == [[0, 0]] * 3
    assert RoutingTable(scores=np.empty((3, 1)) * NAN, **given | {"llms": ["b"]}).n_llms == 1


def test_names_that_cannot_be_selected_are_told_beside_some_that_can():
    given = dict(PER_QUESTION)
    table = RoutingTable(llms=list("fedcba"), scores=np.zeros((3, 6)), **given)
    with pytest.raises(ValueError, match=r"got \['z', 'y'\]\. It holds e\.g\. f, e, d, c, b\.$"):
        table.select(["z", "a", "y"])


def test_a_table_is_equal_to_itself_alone_and_can_be_a_key(whole):
    copy = whole.rows(slice(None))
    assert whole != copy
    assert len({whole, whole, copy}) == 2


def test_an_llm_is_selected_once(whole):
    with pytest.raises(ValueError, match=r"'llms\[1\]' must be unique, got 'a'"):
        whole.select(["a", "a"])
    assert whole.select([]).scores.shape == (3, 0)


def test_an_llm_stands_in_one_table_alone(whole):
    with pytest.raises(ValueError, match=r"'llms\[2\]' must be unique, got 'b'"):
        whole.beside(whole.select(["b"]))
    with pytest.raises(ValueError, match="must be of question 'q3' in row 0, got 'q2'"):
        whole.beside(whole.rows([2, 1, 0]))


def test_a_table_in_order_is_its_own_canonical_form(whole):
    canonical = whole.canonical()
    assert canonical.canonical() is canonical
    assert whole.rows([1, 2, 0]).canonical() is not whole
    assert holds(canonical.select(["b", "a"]).canonical(), ["a", "b"], [1, 2, 0], [1, 0])


def test_the_hash_is_the_name_of_stored_outcomes_and_never_changes(whole):
    assert whole.content_hash == "0823041a447e1bd2"
    neither = dataclasses.replace(whole, **NEITHER)
    assert neither.content_hash == "88155602f0b42e33"
    able = dataclasses.replace(neither, eligible=None)
    assert able.content_hash == "446b15d1761a178e"
    assert whole.rows([]).content_hash == "f10a118b3bcbfc61"


@pytest.mark.parametrize(
    ("name", "nothing"), [("groups", ["", "", ""]), ("spread", [[NAN, NAN]] * 3)]
)
def test_a_table_without_groups_or_spread_has_the_hash_it_always_had(whole, name, nothing):
    neither = dataclasses.replace(whole, **NEITHER)
    assert dataclasses.replace(neither, **{name: nothing}).content_hash == neither.content_hash
    one = dataclasses.replace(neither, **{name: getattr(whole, name)})
    assert one.content_hash not in (neither.content_hash, whole.content_hash)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("questions", ["x?", "y?", "z!"]),
        ("ids", ["q3", "q1", "q4"]),
        ("datasets", ["d", "e", "f"]),
        ("subjects", ["s", "t", "v"]),
        ("splits", ["train", "test", "test"]),
        ("chance", [0.25, 0.0, 0.25]),
        ("scores", [[1, NAN], [0, 0.5], [0.25, 0.75]]),
        ("costs", [[1, 2], [3, NAN], [5, 7]]),
        ("eligible", [[True, True], [True, True], [True, False]]),
        ("groups", ["g", "", ""]),
        ("groups", ["h", "", "h"]),
        ("spread", [[0.5, NAN], [NAN, 0.25], [0, NAN]]),
        ("llms", ["c", "a"]),
        ("cost_unit", "USD"),
    ],
)
def test_the_hash_is_of_everything_in_the_table(whole, name, values):
    changed = dataclasses.replace(whole, **{name: values})
    assert changed.content_hash != whole.content_hash


@pytest.mark.parametrize("values", [[], ["a"], ["a", "b'c", 'd"'], ["ü\n", ""]])
def test_texts_are_hashed_piece_by_piece_as_if_whole(values):
    assert "".join(_repr_of_list(np.array(values, dtype=object))) == repr(values)
