import logging

import numpy as np
import pytest

from benchmarks.duplicates import duplicate_groups
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
    with pytest.raises(ValueError, match="between 2 and 50"):
        kfold(mixed, 0, n_folds=51)
    with pytest.raises(ValueError, match="test_share"):
        holdout(mixed, 0, test_share=1)
    with pytest.raises(ValueError, match="'q0' must be marked 'train' or 'test'"):
        given(mixed, 0)
    with pytest.raises(ValueError, match="both train and test"):
        given(table_of(["a", "b"], splits=["test", "test"]), 0)
