import logging

import numpy as np
import pytest

from benchmarks.duplicates import duplicate_groups
from benchmarks.near_duplicates import near_duplicate_groups, near_duplicates_across
from benchmarks.splits import given, holdout, kfold
from routers.table import RoutingTable


def table_of(texts, datasets=None, splits=None):
    n = len(texts)
    return RoutingTable(
        questions=texts,
        scores=np.zeros((n, 1)),
        llms=["a"],
        ids=[f"q{i}" for i in range(n)],
        datasets=datasets or ["d"] * n,
        splits=splits,
    )


@pytest.fixture
def mixed():
    texts = [f"question {i // 2 if i < 20 else i}" for i in range(60)]  # ten pairs of duplicates
    return table_of(texts, ["d"] * 40 + ["e"] * 20)


def named(table, folds):
    return [(sorted(table.ids[f.train]), sorted(table.ids[f.test])) for f in folds]


@pytest.mark.parametrize("split", [kfold, holdout])
def test_duplicates_never_straddle(mixed, split):
    groups = duplicate_groups(mixed)
    assert len(set(groups)) == 50
    for fold in split(mixed, 0):
        assert not set(groups[fold.train]) & set(groups[fold.test])
        assert len(fold.train) + len(fold.test) == len(mixed)


@pytest.mark.parametrize("split", [kfold, holdout])
def test_split_depends_on_content_and_seed_not_on_order(mixed, split):
    turned = mixed.rows(np.arange(len(mixed))[::-1])
    assert named(mixed, split(mixed, 3)) == named(turned, split(turned, 3))
    assert named(mixed, split(mixed, 3)) != named(mixed, split(mixed, 4))


def test_every_question_is_tested_once_and_datasets_are_spread(mixed):
    folds = kfold(mixed, 0, n_folds=5)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(60))
    for fold in folds:
        # e has 20 questions without duplicates; d 40 in 30 groups
        assert (mixed.datasets[fold.test] == "e").sum() == 4
        assert 6 <= (mixed.datasets[fold.test] == "d").sum() <= 12


def test_holdout_takes_its_share_of_each_dataset(mixed):
    (fold,) = holdout(mixed, 0, test_share=0.25)
    assert (mixed.datasets[fold.test] == "e").sum() == 5


def test_given_split_leaves_out_recurring_training_questions(caplog):
    table = table_of(["a b", "c", "A  b", "d"], splits=["train", "train", "test", "test"])
    with caplog.at_level(logging.WARNING):
        (fold,) = given(table, 0)
    assert list(fold.train) == [1]
    assert list(fold.test) == [2, 3]
    assert "1 training questions recur" in caplog.text


def test_bad_requests_are_clear_errors(mixed):
    with pytest.raises(ValueError, match="between 2 and 50, the number of distinct questions"):
        kfold(mixed, 0, n_folds=51)
    with pytest.raises(ValueError, match="test_share"):
        holdout(mixed, 0, test_share=1)
    with pytest.raises(ValueError, match="'q0' must be marked 'train' or 'test'"):
        given(mixed, 0)
    with pytest.raises(ValueError, match="both train and test"):
        given(table_of(["a", "b"], splits=["test", "test"]), 0)


NEAR = ("Of several questions that stand in a long row, and that all read alike, " * 2).strip()


@pytest.fixture
def alike():
    """30 questions: 10 of two that differ in a sign, and 10 that are like no other."""
    pairs = [f"{str(k) * 40} {NEAR}{sign}" for k in range(10) for sign in "?!"]
    return table_of([*pairs, *(f"question {k}" for k in range(10))])


@pytest.mark.parametrize("split", [kfold, holdout])
def test_near_duplicates_never_straddle_where_that_is_asked_for(alike, split):
    def n_across(folds):
        groups = near_duplicate_groups(alike, 0.9)
        return sum(len(near_duplicates_across(groups, fold.train, fold.test)) for fold in folds)

    assert len(set(near_duplicate_groups(alike, 0.9))) == 20
    assert n_across(split(alike, 0)) > 0
    assert n_across(split(alike, 0, near_duplicates=0.9)) == 0
    turned = alike.rows(np.arange(30)[::-1])
    found = [named(t, split(t, 3, near_duplicates=0.9)) for t in (alike, turned)]
    assert found[0] == found[1]


def test_without_near_duplicates_folds_are_those_they_were(alike):
    folds = [[3, 4, 7, 16, 23, 25], [1, 2, 10, 24, 27, 29], [5, 11, 12, 13, 21, 26]]
    folds += [[6, 9, 14, 18, 20, 28], [0, 8, 15, 17, 19, 22]]
    assert [list(fold.test) for fold in kfold(alike, 0)] == folds
    assert list(holdout(alike, 0)[0].test) == [6, 8, 9, 10, 17, 18, 22, 24, 29]
    assert named(alike, kfold(alike, 0, near_duplicates=1)) == named(alike, kfold(alike, 0))


def test_given_split_leaves_out_what_nearly_recurs(alike, caplog):
    marks = ["train", "test"] * 5 + ["train"] * 20
    table = table_of(list(alike.questions), splits=marks)
    assert len(given(table, 0)[0].train) == 25
    assert caplog.text == ""
    (fold,) = given(table, 0, near_duplicates=0.9)
    assert list(fold.train) == list(range(10, 30))
    assert list(fold.test) == [1, 3, 5, 7, 9]
    assert "5 training questions recur (similarity 0.9 or more) in test" in caplog.text
    only = table.rows(np.arange(10))
    with pytest.raises(ValueError, match="must leave training questions, got 5 that all recur"):
        given(only, 0, near_duplicates=0.9)


def test_more_folds_than_groups_of_near_duplicates_are_refused(alike):
    assert len(kfold(alike, 0, n_folds=30)) == 30
    with pytest.raises(ValueError, match="between 2 and 20, the number of groups of near-dup"):
        kfold(alike, 0, n_folds=30, near_duplicates=0.9)
