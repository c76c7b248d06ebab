"""Questions of one group stay together: in units, in splits and in stored rows."""

import logging

import numpy as np
import pandas as pd
import pytest
from made_boards import RECOGNIZER, HashRouter

from benchmarks.evaluate import evaluate
from benchmarks.groups import joined, per_unit, units_of
from benchmarks.splits import Fold, given, holdout, kfold
from benchmarks.stored_rows import panel, stored_units
from routers.table import RoutingTable

LONG = "Of several questions that stand in a long row, and that all read alike, " * 2


def names(*values):
    return np.array(values, dtype=object)


def table_of(texts, groups=None, datasets=None, splits=None):
    n = len(texts)
    return RoutingTable(
        questions=texts,
        scores=np.arange(2 * n).reshape(n, 2) % 2,
        llms=["a", "b"],
        ids=[f"q{i:02}" for i in range(n)],
        datasets=datasets or ["d"] * n,
        splits=splits,
        groups=groups,
    )


class TestUnits:
    def test_a_question_without_a_group_is_its_own(self):
        assert units_of(names("", "h", "", "g", "h")).tolist() == [0, 1, 2, 3, 1]
        assert units_of(names("g", "h", "", "i", "")).tolist() == [0, 1, 2, 3, 4]
        assert units_of(names("", "", "")) is None
        assert units_of(names("g", "g")).tolist() == [0, 0]
        assert units_of(names()) is None

    def test_sums_over_units_in_the_order_of_the_first_question(self):
        values = np.array([[1.0, 2, 4, 8], [0, 1, 0, 1]])
        units = np.array([7, 3, 7, 5])
        assert per_unit(values, units).tolist() == [[5, 2, 8], [0, 1, 1]]
        assert per_unit(values[0], units).tolist() == [5, 2, 8]
        assert per_unit(values, None) is values

    def test_two_groupings_are_joined_transitively(self):
        one, other = np.array([0, 1, 0, 2, 3]), np.array([0, 1, 2, 2, 3])
        assert joined(one, other).tolist() == [0, 1, 0, 0, 2]  # 0 like 2, which goes with 3
        assert joined(one, None) is one
        assert joined(np.array([], dtype=int), np.array([], dtype=int)).tolist() == []


class TestSplits:
    @pytest.mark.parametrize("split", [kfold, holdout])
    @pytest.mark.parametrize("near", [None, 0.9])
    def test_groups_never_straddle(self, split, near):
        table = table_of(
            [f"question {i}" for i in range(40)], [f"g{i % 8}" if i < 32 else "" for i in range(40)]
        )
        for seed in range(5):
            for fold in split(table, seed, near_duplicates=near):
                together = set(table.groups[fold.train]) & set(table.groups[fold.test])
                assert together <= {""}
                assert sorted([*fold.train, *fold.test]) == list(range(40))
        assert any("" in table.groups[fold.test] for fold in split(table, 0))

    def test_each_group_counts_as_one_question(self):
        """Eight groups of four and eight questions alone: four units a fold."""
        table = table_of(
            [f"question {i}" for i in range(40)], [f"g{i % 8}" if i < 32 else "" for i in range(40)]
        )
        for fold in kfold(table, 0, n_folds=4):
            assert len(np.unique(units_of(table.groups)[fold.test])) == 4
        with pytest.raises(ValueError, match="between 2 and 16, the number of groups of questions"):
            kfold(table, 0, n_folds=17)

    def test_a_duplicate_joins_two_groups(self):
        table = table_of(["a", "b", "c", "B", "e", "f"], ["g", "g", "h", "h", "", ""])
        for seed in range(6):
            for fold in kfold(table, seed, n_folds=3):
                assert len({0, 1, 2, 3} & set(fold.test)) in (0, 4)
        with pytest.raises(ValueError, match="between 2 and 3"):
            kfold(table, 0, n_folds=4)

    def test_near_duplicates_join_groups_where_they_are_asked_for(self):
        table = table_of([LONG + "?", LONG + "!", "x", "y"], ["g", "h", "g", "h"])
        assert len(kfold(table, 0, n_folds=2)) == 2
        with pytest.raises(ValueError, match="between 2 and 1"):
            kfold(table, 0, n_folds=2, near_duplicates=0.9)

    @pytest.mark.parametrize("split", [kfold, holdout])
    def test_order_and_names_of_groups_do_not_matter(self, split):
        groups = [f"g{i // 3}" for i in range(30)]
        table = table_of([f"question {i}" for i in range(30)], groups)
        renamed = table_of(list(table.questions), [f"other {9 - i // 3}" for i in range(30)])
        turned = table.rows(np.arange(30)[::-1])
        expected = [sorted(table.ids[fold.test]) for fold in split(table, 3)]
        assert [sorted(turned.ids[fold.test]) for fold in split(turned, 3)] == expected
        assert [sorted(table.ids[fold.test]) for fold in split(renamed, 3)] == expected

    def test_groups_of_one_question_change_no_fold(self):
        table = table_of([f"question {i}" for i in range(30)])
        alone = table_of(list(table.questions), [f"g{i}" for i in range(30)])
        for fold, same in zip(kfold(table, 3), kfold(alone, 3), strict=True):
            np.testing.assert_array_equal(fold.test, same.test)

    def test_training_questions_of_a_tested_group_are_left_out_and_counted(self, caplog):
        """q0 goes with the tested q3, q1 is a duplicate of q0 in another group, q2 goes with q1."""
        marks = ["train"] * 3 + ["test"] + ["train"]
        table = table_of(["a", "A", "c", "d", "e"], ["g", "h", "h", "g", ""], splits=marks)
        with caplog.at_level(logging.WARNING):
            (fold,) = given(table, 0)
        assert fold.train.tolist() == [4]
        assert fold.test.tolist() == [3]
        assert "3 training questions recur or have their group in test" in caplog.text
        with pytest.raises(ValueError, match="got 3 that all recur or have their group in test"):
            given(table.rows([0, 1, 2, 3]), 0)


class TestStoredRows:
    FOLDS = (
        Fold(np.array([0, 1, 2]), np.array([3, 4])),
        Fold(np.array([3, 4]), np.array([0, 1, 2])),
    )

    def test_rows_hold_groups_if_there_are_any(self):
        table = table_of(list("abcde"), ["", "g", "", "h", "g"])
        rows = evaluate(HashRouter(), table, self.FOLDS, RECOGNIZER).rows
        assert dict(zip(rows["question_id"], rows["group"], strict=True)) == {
            "q00": "",
            "q01": "g",
            "q02": "",
            "q03": "h",
            "q04": "g",
        }
        without = evaluate(HashRouter(), table_of(list("abcde")), self.FOLDS, RECOGNIZER).rows
        assert list(rows.columns) == [*without.columns[:-1], "group", "fold"]
        pd.testing.assert_frame_equal(rows.drop(columns="group"), without)

    def test_a_panel_holds_the_units_of_its_questions(self):
        table = table_of(list("abcde"), ["", "g", "", "h", "g"])
        rows = evaluate(HashRouter(), table, self.FOLDS, RECOGNIZER).rows
        turned = rows.iloc[::-1]
        assert panel([turned, rows]).groups.tolist() == [0, 1, 2, 3, 1]
        assert panel([rows[2:], turned[3:]]).groups.tolist() == [0, 1, 2, 3, 1]
        assert panel([rows.drop(columns="group")]).groups is None

    def test_rows_without_the_column_say_nothing(self):
        said = pd.DataFrame({"question_id": ["q2", "q1"], "group": ["g", "g"]})
        silent = pd.DataFrame({"question_id": ["q1", "q3", "q4"]})
        ids = pd.Index(["q1", "q2", "q3", "q4"])
        assert stored_units([silent, said], ids).tolist() == [0, 0, 1, 2]
        assert stored_units([silent], ids) is None
        assert stored_units([said.assign(group="")], ids) is None
