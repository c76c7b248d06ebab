"""Whom a newcomer meets, and from whom something is learned for it."""

import numpy as np
import pytest

from benchmarks.arrival_setting import (
    ArrivalSetting,
    NoStrangersError,
    arrival_zoos,
    join_small_families,
    strangers,
)
from routers.table import RoutingTable
from routers.validation import InvalidParameterError


def table_of(llms: list[str]) -> RoutingTable:
    return RoutingTable(
        questions=["Why?", "Who?"],
        scores=np.arange(2 * len(llms)).reshape(2, -1) / (2 * len(llms)),
        llms=llms,
        ids=["q0", "q1"],
        datasets=["d", "d"],
    )


def setting_of(families: dict[str, str]) -> ArrivalSetting:
    return ArrivalSetting(table_of(["new"]), table_of(["x1", "y1", "x2", "z"]), ["new"], families)


class TestZoos:
    def test_the_best_of_those_before_then_the_newcomer(self):
        found = arrival_zoos(["a", "b", "c", "d", "e"], [0.1, 0.5, 0.3, 0.9, 0.2], keep=2)
        assert found == [("a",), ("a", "b"), ("b", "a", "c"), ("b", "c", "d"), ("d", "b", "e")]

    def test_the_best_one_alone_may_be_kept(self):
        assert arrival_zoos(["a", "b", "c"], [1, 3, 2], keep=1)[-1] == ("b", "c")

    def test_five_are_kept_by_default(self):
        assert [len(zoo) for zoo in arrival_zoos("abcdefgh", range(8))] == [1, 2, 3, 4, 5, 6, 6, 6]
        assert setting_of({}).keep == 5

    def test_of_equals_the_earlier_stands_first(self):
        """Also among more than a sort takes one by one: every third is better than the others."""
        names = [f"{i:02}" for i in range(40)]
        zoo = arrival_zoos(names, [i % 3 == 0 for i in range(40)], keep=39)[-1]
        expected = [*range(0, 39, 3), *(i for i in range(39) if i % 3), 39]
        assert list(zoo) == [names[i] for i in expected]

    @pytest.mark.parametrize(
        ("names", "scores", "keep", "message"),
        [
            ("abcbc", [1] * 5, 2, r"each llm once, got \['b', 'c'\] more than once"),
            ("ab", [1], 2, r"for each of 2 llms, got shape \(1,\) with 0 NaN"),
            ("ab", [[1, 2]], 2, r"got shape \(1, 2\)"),
            ("ab", [1, np.nan], 2, r"got shape \(2,\) with 1 NaN"),
            ("ab", [1, 2], 0, "'keep' must be an integer of at least 1, got 0"),
        ],
    )
    def test_what_makes_no_zoo_is_refused(self, names, scores, keep, message):
        with pytest.raises(ValueError, match=message):
            arrival_zoos(names, scores, keep=keep)

    def test_the_size_is_a_parameter_like_others(self):
        with pytest.raises(InvalidParameterError, match="keep"):
            arrival_zoos("ab", [1, 2], keep=1.5)


class TestStrangers:
    FAMILIES = {"new": "X", "x1": "X", "x2": "X", "y1": "Y", "z": "Z"}

    def test_of_the_pool_all_but_relatives_are(self):
        found = strangers(setting_of(self.FAMILIES), "new")
        assert list(found.llms) == ["y1", "z"]
        assert np.array_equal(found.scores, table_of(["x1", "y1", "x2", "z"]).scores[:, [1, 3]])

    @pytest.mark.parametrize("unknown", [{"z": ""}, {}])
    def test_who_may_be_a_relative_is_none(self, unknown):
        known = {name: family for name, family in self.FAMILIES.items() if name != "z"}
        assert list(strangers(setting_of(known | unknown), "new").llms) == ["y1"]

    def test_without_a_family_nobody_is(self):
        assert setting_of({}).family("new") == ""
        with pytest.raises(NoStrangersError, match="The family of 'new' must be known"):
            strangers(setting_of(self.FAMILIES | {"new": ""}), "new")

    def test_among_relatives_nobody_is(self):
        with pytest.raises(NoStrangersError, match=r"another family than 'new' \('X'\)"):
            strangers(setting_of(dict.fromkeys(self.FAMILIES, "X")), "new")


def test_small_families_are_one_where_that_is_asked_for():
    families = {"a1": "a", "a2": "a", "b": "b", "c": "c", "u": "", "new": "d", "old": "a"}
    pool = ["a1", "a2", "b", "c", "u"]
    assert join_small_families(families, pool, 0) == families
    found = join_small_families(families, pool, 0.5)
    small = found["b"]
    assert found == families | {"b": small, "c": small, "new": small}
    assert join_small_families(families, pool, 0.51)["a1"] == small
