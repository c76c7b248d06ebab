"""Zoo, pool and folds of a configuration, on a source that is made up."""

import logging

import numpy as np
import pytest
from made_source import LLMS, LOADED, settings

from benchmarks import loading
from benchmarks.loading import left_out, load_folds, load_pool, load_source, load_table
from benchmarks.splits import given, holdout
from routers.table import RoutingTable
from routers.validation import InvalidParameterError


@pytest.fixture(autouse=True)
def nothing_kept():
    for kept in (loading._load_source, loading._load_table, loading._load_folds):
        kept.cache_clear()
    LOADED.clear()


def test_the_zoo_is_selected_and_everything_is_in_order():
    table = load_table(settings())
    assert list(table.llms) == ["alpha", "bravo"]
    assert list(table.ids) == [f"q{i}" for i in range(8)]
    assert list(load_table(settings(zoo__llms=None)).llms) == sorted(LLMS)
    assert LOADED == ["whole"]


def test_a_source_is_loaded_once_and_given_its_arguments():
    for name in ("made up", "otherwise named"):  # a name is no argument
        load_table(settings(data__name=name))
    load_pool(settings())
    assert LOADED == ["whole"]
    load_table(settings(data__kind="gaps"))
    assert LOADED == ["whole", "gaps"]
    load_table(settings(data__kind="${data.name}", data__name="unheard"))
    assert LOADED == ["whole", "gaps", "unheard"]


def test_the_same_settings_give_the_same_table():
    """What is kept for a sweep is kept by the table itself: it must not be another one."""
    assert load_table(settings()) is load_table(settings())


def test_questions_without_an_outcome_are_left_out_and_counted(caplog):
    cfg = settings(data__kind="gaps")
    with caplog.at_level(logging.WARNING):
        table = load_table(cfg)
    assert list(table.ids) == ["q1", "q2", "q3", "q4"]
    assert not np.isnan(table.scores).any()
    assert left_out(cfg) == {"unanswerable": 2, "unasked": 2}
    assert caplog.messages == [
        "2 of 8 questions can be answered by no llm of the zoo and are left out, among them all "
        "of 'beta'.",
        "2 of 8 questions have no outcome of any llm of the zoo and are left out.",
    ]
    left_out(cfg).clear()
    assert left_out(cfg) == {"unanswerable": 2, "unasked": 2}


def test_only_what_is_left_out_is_spoken_of(caplog):
    with caplog.at_level(logging.WARNING):
        assert left_out(settings()) == {}
        assert left_out(settings(data__kind="gaps", zoo__llms=None)) == {}
    assert caplog.messages == []


def test_a_zoo_that_was_asked_nothing_is_left_as_it_is():
    cfg = settings(data__kind="unheard")
    assert len(load_table(cfg)) == 8
    assert left_out(cfg) == {}


def test_the_pool_is_what_is_not_in_the_zoo():
    assert list(load_pool(settings()).llms) == ["charlie", "delta", "echo"]
    assert load_pool(settings(pool__size=0)) is None
    assert load_pool(settings(zoo__llms=None)) is None
    for size in (3, 4):
        assert list(load_pool(settings(pool__size=size)).llms) == ["charlie", "delta", "echo"]


def test_of_the_pool_some_are_drawn_by_the_seed():
    def drawn(seed):
        return tuple(load_pool(settings(pool__size=2, pool__seed=seed)).llms)

    pools = {seed: drawn(seed) for seed in range(8)}
    assert pools == {seed: drawn(seed) for seed in range(8)}
    assert len(set(pools.values())) > 1
    for pool in pools.values():
        assert list(pool) == sorted(set(pool) - {"alpha", "bravo"})
        assert len(pool) == 2


def test_the_pool_has_the_questions_of_the_table():
    assert list(load_pool(settings()).ids) == [f"q{i}" for i in range(8)]
    pool = load_pool(settings(data__kind="gaps"))
    assert list(pool.ids) == ["q1", "q2", "q3", "q4"]
    assert list(pool.llms) == ["charlie", "delta", "echo"]


@pytest.mark.parametrize("wrong", [{"pool__size": -1}, {"pool__size": 1.5}, {"pool__seed": -1}])
def test_what_a_pool_cannot_be_is_said(wrong):
    with pytest.raises(InvalidParameterError, match=r"^pool: parameter '(size|seed)' must be"):
        load_pool(settings(**wrong))


def test_folds_are_those_of_split_and_seed():
    table = load_table(settings())
    for share, seed in ((0.5, 0), (0.5, 3), (0.25, 3)):
        (found,) = load_folds(settings(split__test_share=share, seed=seed), table)
        (expected,) = holdout(table, seed, share)
        np.testing.assert_array_equal(found.test, expected.test)
        np.testing.assert_array_equal(found.train, expected.train)
    # a setting may stand for another one
    by_name = load_folds(settings(share=0.25, split__test_share="${share}", seed=3), table)
    np.testing.assert_array_equal(by_name[0].test, found.test)
    assert load_folds(settings(), table) is load_folds(settings(), table)


LONG = "Which of the four answers is right, if all of the others are wrong and none is missing "


def asked(*parts):
    """Return questions, each by its name and its split; those of a name differ in a sign."""
    signs = iter("?!.:;,-")
    return RoutingTable(
        questions=[f"{name * 60} {LONG}{next(signs)}" for name, _ in parts],
        scores=np.zeros((len(parts), 1)),
        llms=["x"],
        ids=[f"q{i}" for i in range(len(parts))],
        datasets=["d"] * len(parts),
        splits=[split for _, split in parts],
    )


def told_splits(target="benchmarks.splits.given"):
    cfg = settings()
    cfg.split = {"_target_": target, "_partial_": True}
    return cfg


def told(table, caplog):
    with caplog.at_level(logging.WARNING):
        folds = load_folds(told_splits(), table)
    expected = given(table, 0)
    np.testing.assert_array_equal(folds[0].test, expected[0].test)
    return caplog.records


def test_near_duplicates_on_both_sides_are_told(caplog):
    table = asked(
        ("a", "train"), ("b", "train"), ("c", "test"), ("b", "test"), ("b", "test"), ("a", "train")
    )
    (record,) = told(table, caplog)
    assert record.getMessage() == (
        "2 of 3 test questions are near-duplicates of training questions (similarity 0.9 or "
        "more), such as 'q3' of 'q1'; split.near_duplicates=0.9 keeps them on one side."
    )
    assert record.once == "near-duplicates"


def test_near_duplicates_on_one_side_are_not_told(caplog):
    table = asked(("a", "train"), ("a", "train"), ("b", "test"), ("b", "test"), ("c", "test"))
    assert told(table, caplog) == []


def test_of_several_folds_the_first_pair_is_named(caplog):
    table = asked(*[(name, "") for name in "abcc"])
    with caplog.at_level(logging.WARNING):
        load_folds(told_splits("made_folds.one_by_one"), table)
    (said,) = caplog.messages
    assert said.startswith("2 of 4 test questions are near-duplicates")
    assert "such as 'q2' of 'q3';" in said


def test_a_source_tells_what_it_knows():
    source = load_source(settings(data__kind="known"))
    assert list(source.table.ids) == list(source.questions.index) == [f"q{i}" for i in range(8)]
    assert list(source.table.llms) == sorted(LLMS)
    assert source.llms.loc["echo", "family"] == "birds"
    assert source.questions["needs"].tolist() == ["image, text", *[None] * 7]


def test_beside_a_bare_table_nothing_is_known():
    source = load_source(settings())
    assert list(source.table.llms) == sorted(LLMS)
    assert source.llms.empty


def test_what_is_no_table_is_refused():
    with pytest.raises(ValueError, match="'table' must be a RoutingTable, got 'NoneType'"):
        load_source(settings(data__kind="no table"))
