"""What a reader is told above a table: each remark where it holds and nowhere else."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from benchmarks.comparable import compared
from benchmarks.comparison import Comparison
from benchmarks.remarks import remarks

NAN = float("nan")
CHOICES = ("choice", "choice/best_single", "choice/recognised_dataset", "choice/dataset_best")


@dataclass
class Stored:
    about: dict = field(default_factory=dict)


def rows_of(scores, datasets="d", learned=None, single=0):
    """Rows of questions on which llm 0, or else the first observed that is learned, is chosen.

    Parameters
    ----------
    scores : (n, m)
    datasets : str, or n of them
    learned : m bools, optional
        Which llms have outcomes in training.
    single : int
        The best single llm.
    """
    scores = np.array(scores, dtype=float)
    n, m = scores.shape
    known = ~np.isnan(scores) & (np.ones(m, dtype=bool) if learned is None else learned)
    rows = {"question_id": [f"q{i:04d}" for i in range(n)], "dataset": datasets}
    rows |= dict.fromkeys(CHOICES, np.where(known.any(axis=1), known.argmax(axis=1), -1))
    rows |= {"best_single_llm": single}
    for j, llm in enumerate("xyzuv"[:m]):
        rows[f"score/{llm}"] = scores[:, j]
        rows[f"predicted_score/{llm}"] = 0.5 if learned is None or learned[j] else NAN
    return pd.DataFrame(rows)


def said_of(*routers, **about):
    """Return the remarks on routers, each by seed, named r0, r1 and so on."""
    groups = [[Stored(about | {"label": f"r{place}"})] for place in range(len(routers))]
    return remarks(Comparison(groups, routers, compared(routers)))


WHOLE = rows_of([[1, 0]] * 6)


def test_nothing_is_said_where_all_is_as_it_should_be():
    assert said_of({0: WHOLE}) == []
    assert said_of({0: WHOLE, 1: WHOLE}, {0: WHOLE, 1: WHOLE}) == []
    assert said_of({0: rows_of([[1]] * 6)}) == []


def test_questions_that_were_left_out_when_the_data_were_read():
    assert said_of({0: WHOLE}, left_out={"unanswerable": 0, "unasked": 0}) == []
    assert said_of({0: WHOLE}, left_out={"unanswerable": 1}) == [
        "1 question that no llm of the zoo can answer is left out."
    ]
    assert said_of({0: WHOLE}, left_out={"unasked": 1}) == [
        "1 question without an outcome of any llm of the zoo is left out."
    ]
    assert said_of({0: WHOLE}, left_out={"unanswerable": 2, "unasked": 1234}) == [
        "2 questions that no llm of the zoo can answer are left out.",
        "1,234 questions without an outcome of any llm of the zoo are left out.",
    ]


def near_duplicates(n_near, n_same, **split):
    counted = {"n_near_duplicates": n_near, "n_duplicates": n_same, "near_duplicates_at": 0.9}
    return said_of({0: WHOLE}, config={"split": split}, **counted)


def test_near_duplicates_are_those_that_are_no_duplicates():
    (said,) = near_duplicates(5, 2)
    assert said == (
        "3 questions nearly repeat another one (similarity 0.9 or more), maybe on the other "
        "side of the split; split.near_duplicates=0.9 keeps them on one."
    )
    assert near_duplicates(3, 2)[0].startswith("1 question nearly repeats another one")
    assert near_duplicates(2, 2) == []
    assert near_duplicates(5, 2, near_duplicates=None) == [said]
    assert near_duplicates(5, 2, near_duplicates=0.8) == []


def test_near_duplicates_of_a_run_that_does_not_say_more():
    counted = {"n_near_duplicates": 1, "near_duplicates_at": 0.9}
    assert len(said_of({0: WHOLE}, **counted)) == 1  # counted no duplicates, and names no split
    assert len(said_of({0: WHOLE}, config={"split": None}, **counted)) == 1
    assert said_of({0: WHOLE}, n_duplicates=1) == []


def test_questions_that_only_newcomers_answered():
    scores = [[1, 0, NAN]] * 6 + [[NAN, NAN, 1]] * 3
    datasets = ["d"] * 6 + ["d", "e", "e"]
    said = said_of({0: rows_of(scores, datasets, [True, True, False])})
    assert said == [
        "3 questions (2 of e, 1 of d) are left out for every policy alike: what was observed "
        "there is of llms that have no outcome in training (z).",
        "So there is no figure for e.",
    ]
    one = said_of({0: rows_of(scores[:7], datasets[:7], [True, True, False])})
    assert [sentence[:50] for sentence in one] == [
        "1 question (1 of d) is left out for every policy a"
    ]


def test_of_many_names_three_are_given():
    learned = [True, False, False, False, False]
    scores = [[1, 0, NAN, NAN, NAN]] * 6 + [[NAN, 1, 1, 1, 1]] * 5
    first, *others = said_of({0: rows_of(scores, [*"dddddd", *"abcef"], learned)})
    assert "in training (y, z, u and 1 more)." in first
    assert "1 of c and 2 more) are left out" in first
    assert "So there is no figure for a, b, c and 2 more." in others
    three = said_of({0: rows_of(scores[:9], [*"dddddd", *"abc"], learned)})
    assert "So there is no figure for a, b, c." in three


def test_how_often_there_is_a_choice():
    lone = [[1, NAN]] * 3
    assert said_of({0: rows_of([[1, 0]] * 5 + lone)}) == [
        "There is a choice between llms on 62.5% of the tests."
    ]
    assert said_of({0: rows_of(lone * 2)}) == [
        "Nothing can be told from this table: of every question the outcome of one llm only is "
        "known, so that all policies make the same choices."
    ]
    # of the router that has the least, for each is averaged over its own seeds
    half = rows_of([[1, 0]] * 3 + lone)
    said = said_of({0: WHOLE}, {1: half})
    assert said[0] == "There is a choice between llms on 50.0% of the tests."


def test_how_often_the_best_single_llm_was_observed():
    rows = rows_of([[1, 0, 1]] * 6 + [[NAN, 1, 1]] * 2)
    (said,) = said_of({0: rows})
    assert said == (
        "The best single llm was observed on 75.0% of the tests; elsewhere the floor of that name "
        "takes the next best that was: it is a mixture."
    )
    said = said_of({0: WHOLE}, {1: rows})
    assert said[0].startswith("The best single llm was observed on 75.0% of the tests")


def test_small_datasets_are_named_once_per_question():
    said = said_of({0: rows_of([[1, 0]] * 9, ["d"] * 5 + ["e"] * 4)})
    assert len(said) == 1
    assert "within e (4):" in said[0]
    # seeds that ask the same questions again do not make a dataset larger
    rows = rows_of([[1, 0]] * 4)
    assert "within d (4):" in said_of({0: rows, 1: rows}, {0: rows, 1: rows})[0]
    # seeds that ask others do
    whole = rows_of([[1, 0]] * 8)
    assert said_of({0: whole.iloc[:4], 1: whole.iloc[4:]}) == []


def test_small_datasets_are_those_of_few_groups():
    rows = rows_of([[1, 0]] * 17, ["d"] * 12 + ["e"] * 5)
    groups = [f"g{i // 3}" for i in range(12)] + ["g0", "", "", "", ""]  # one spans the two
    (said,) = said_of({0: rows.assign(group=groups)})
    assert said.startswith("There are too few groups of questions to tell")
    assert "within d (4):" in said
    assert said_of({0: rows}) == []


def test_other_seeds_are_told_of():
    (said,) = said_of({0: WHOLE}, {0: WHOLE, 1: WHOLE})
    assert said == (
        "Routers were run with different seeds: compare one with the floors and bounds of its own "
        "seeds, as its gap and its lift do. Letters come from the seeds that both have."
    )
    said = said_of({0: WHOLE}, {1: WHOLE}, {1: WHOLE, 2: WHOLE})
    assert said[1:] == ["No letter compares what shares no seed with any other router: r0."]
    said = said_of({1: WHOLE}, {11: WHOLE})  # 1 is not a part of 11
    assert said[1:] == ["No letter compares what shares no seed with any other router: r0, r1."]


@pytest.mark.parametrize("n_routers", [1, 2])
def test_one_llm_leaves_no_choice_to_speak_of(n_routers):
    rows = rows_of([[1]] * 5 + [[NAN]], single=0)
    said = said_of(*[{0: rows}] * n_routers)
    assert not [sentence for sentence in said if "choice between" in sentence]
    assert not [sentence for sentence in said if "Nothing can be told" in sentence]


def test_floors_that_were_met_by_luck():
    lucky = rows_of([[1, 1, 0]] * 6)
    lucky.loc[2, "choice"] = 1
    *_, lift, gap = said_of({0: WHOLE}, {0: lucky}, {0: lucky, 1: rows_of([[1, 1, 0]] * 6)})
    assert lift == (
        "r1, r2 scored as recognised_dataset on every question, though other llms were chosen: "
        "that lift of 0 has no interval. In a dataset of n questions the scores may differ by 3/n."
    )
    assert gap == lift.replace("recognised_dataset", "best_single").replace("lift", "gap closed")
    lucky.loc[:, "choice/recognised_dataset"] = lucky["choice"]
    assert said_of({0: lucky}) == [gap.replace("r1, r2", "r0")]
    lucky.loc[3, "choice"] = 2  # and now it did worse
    assert said_of({0: lucky}) == []
