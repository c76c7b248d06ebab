"""Which question stands in which fold, counted by hand."""

import logging

import numpy as np
import pytest

from benchmarks.splits import given, holdout, kfold
from routers.table import RoutingTable
from routers.validation import InvalidParameterError


def table_of(n, datasets=None, splits=None, questions=None):
    return RoutingTable(
        questions=questions or [f"question {i}" for i in range(n)],
        scores=np.zeros((n, 1)),
        llms=["a"],
        ids=[f"q{i:02}" for i in range(n)],
        datasets=datasets or ["d"] * n,
        splits=splits,
    )


@pytest.mark.parametrize("split", [kfold, holdout, given])
@pytest.mark.parametrize("seed", [-1, 0.5, "x"])
def test_the_seed_is_checked(split, seed):
    with pytest.raises(InvalidParameterError, match="seed"):
        split(table_of(4, splits=["train", "test"] * 2), seed)


@pytest.mark.parametrize("split", [kfold, holdout, given])
@pytest.mark.parametrize("similarity", [0.4, 1.1, "x"])
def test_the_similarity_is_checked(split, similarity):
    with pytest.raises(InvalidParameterError, match="near_duplicates"):
        split(table_of(4, splits=["train", "test"] * 2), 0, near_duplicates=similarity)


class TestKFold:
    def test_five_folds_by_default_from_two_to_one_a_question(self):
        table = table_of(6)
        assert len(kfold(table, 0)) == 5
        assert len(kfold(table, 0, n_folds=2)) == 2
        assert [len(fold.test) for fold in kfold(table, 0, n_folds=6)] == [1] * 6

    @pytest.mark.parametrize("n_folds", [1, 7, 2.5])
    def test_other_numbers_of_folds_are_refused(self, n_folds):
        with pytest.raises(InvalidParameterError, match="n_folds"):
            kfold(table_of(6), 0, n_folds=n_folds)

    def test_a_question_is_trained_on_in_every_fold_but_its_own(self):
        for fold in kfold(table_of(11), 0, n_folds=3):
            assert sorted([*fold.train, *fold.test]) == list(range(11))
            assert len(fold.test) in (3, 4)

    def test_folds_are_of_one_size_in_every_dataset(self):
        folds = kfold(table_of(40, ["d"] * 10 + ["e"] * 30), 1)
        for fold in folds:
            assert (fold.test < 10).sum() == 2
            assert (fold.test >= 10).sum() == 6

    def test_a_question_of_two_datasets_counts_to_the_first_by_name(self):
        """``d`` has but that one question, which therefore opens the first fold, always."""
        table = table_of(5, ["e", "e", "e", "e", "d"], questions=["x", "b", "c", "f", "x"])
        for seed in range(8):
            first, _ = kfold(table, seed, n_folds=2)
            assert {0, 4} <= set(first.test)


class TestHoldout:
    @pytest.mark.parametrize(
        ("share", "n", "held_out"), [(0.3, 10, 3), (0.5, 7, 3), (0.25, 8, 2), (0.9, 10, 9)]
    )
    def test_no_more_than_the_share_is_held_out(self, share, n, held_out):
        (fold,) = holdout(table_of(n), 0, test_share=share)
        assert len(fold.test) == held_out
        assert sorted([*fold.train, *fold.test]) == list(range(n))

    def test_three_of_ten_by_default(self):
        (fold,) = holdout(table_of(20), 0)
        assert len(fold.test) == 6

    @pytest.mark.parametrize("share", [0, 1, -0.1, 1.1, float("nan")])
    def test_a_share_of_nothing_or_all_is_refused(self, share):
        with pytest.raises(InvalidParameterError, match="test_share"):
            holdout(table_of(6), 0, test_share=share)


class TestGiven:
    def test_the_first_question_without_a_mark_is_named(self):
        table = table_of(4, splits=["train", "test", "dev", ""])
        with pytest.raises(ValueError, match=r"'q02' must be marked .*, got 'dev'"):
            given(table, 0)

    def test_nothing_recurs_and_nothing_is_said(self, caplog):
        with caplog.at_level(logging.DEBUG):
            (fold,) = given(table_of(3, splits=["test", "train", "train"]), 5)
        assert fold.train.tolist() == [1, 2]
        assert fold.test.tolist() == [0]
        assert caplog.text == ""

    @pytest.mark.parametrize("side", ["train", "test"])
    def test_both_sides_must_be_there(self, side):
        with pytest.raises(ValueError, match="both train and test"):
            given(table_of(2, splits=[side] * 2), 0)
