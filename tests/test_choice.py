"""The decision rule: the largest score, then the cheaper llm, then the first by name."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from routers.choice import choose


def test_largest_score_then_cheaper_then_alphabetical():
    scores = np.array([[0.1, 0.9, 0.5], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]])
    costs = np.array([[1.0, 9.0, 1.0], [3.0, 2.0, 2.0], [2.0, 2.0, 2.0]])
    assert list(choose(scores, costs, ["c", "b", "a"])) == [1, 2, 2]


def test_a_cheaper_llm_of_a_lower_score_breaks_no_tie():
    scores = np.array([[0.4, 0.9, 0.9], [0.9, 0.4, 0.9]])
    costs = np.array([[1.0, 5.0, 5.0], [5.0, 0.0, 5.0]])
    assert list(choose(scores, costs, "abc")) == [1, 0]


def test_price_trades_score_for_cost():
    scores, costs = np.array([[0.9, 0.6]]), np.array([[4.0, 1.0]])
    # 0.9 - 4 p = 0.6 - p at p = 0.1
    assert choose(scores, costs, "ab", 0.099) == [0]
    assert choose(scores, costs, "ab", 0.101) == [1]


def test_costs_belong_to_the_names_that_they_are_given_for():
    scores, costs = np.array([[0.6, 0.9]]), np.array([[1.0, 4.0]])
    assert choose(scores, costs, "ba", 0.099) == [1]
    assert choose(scores, costs, "ba", 0.101) == [0]


def test_unknown_scores_are_never_chosen_and_unknown_costs_are_not_free():
    scores, costs = np.array([[np.nan, 0.2, 0.9]]), np.array([[0.0, 1.0, np.nan]])
    assert choose(scores, costs, "abc") == [2]
    assert choose(scores, costs, "abc", 0.01) == [1]
    # among equals an unknown cost comes after every known one
    assert choose(np.array([[0.5, 0.5]]), np.array([[np.nan, 7.0]]), "ab") == [1]
    assert choose(np.array([[0.1, 0.5, 0.5]]), np.full((1, 3), np.nan), "abc") == [1]


def test_what_cannot_answer_is_never_chosen():
    scores, costs = np.array([[0.9, 0.6, 0.1]]), np.array([[4.0, 1.0, 1.0]])
    assert choose(scores, costs, "abc", eligible=[[False, True, True]]) == [1]
    assert choose(scores, costs, "cba", 1.0, eligible=[[True, False, False]]) == [0]
    both = np.repeat(scores, 2, axis=0), np.repeat(costs, 2, axis=0)
    able = [[True, False, True], [False, True, True]]
    assert list(choose(*both, "abc", eligible=able)) == [0, 1]
    with pytest.raises(ValueError, match="no llm to choose among the eligible: every score"):
        choose(scores, costs, "abc", eligible=np.zeros((1, 3), dtype=bool))


def test_scores_are_compared_in_double_precision():
    """Single precision would hold these two for equal, and take the cheaper."""
    assert choose([[0.5, 0.5 + 1e-9]], [[1, 2]], "ab") == [1]
    scores, costs = np.float32([[0.5, 0.25]]), np.float32([[1, 0]])
    assert choose(scores, costs, "ab", 0.25 - 1e-9) == [0]


def test_no_questions_need_no_llm():
    assert choose(np.empty((0, 2)), np.empty((0, 2)), "ab").shape == (0,)


@pytest.mark.parametrize("price", [-1, np.nan, np.inf])
def test_bad_price_is_refused(price):
    with pytest.raises(ValueError, match="choose: parameter 'price' must be a finite number of at"):
        choose(np.ones((1, 1)), np.ones((1, 1)), "a", price)


def test_nothing_to_choose_is_a_clear_error():
    with pytest.raises(ValueError, match="question 1 has no llm to choose: every score is NaN"):
        choose(np.array([[1.0], [np.nan]]), np.ones((2, 1)), "a")
    with pytest.raises(ValueError, match="no llm has both a score and a cost"):
        choose(np.ones((1, 1)), np.full((1, 1), np.nan), "a", 1.0)
    with pytest.raises(ValueError, match="question 0 has no llm to choose: every score is NaN"):
        choose(np.empty((1, 0)), np.empty((1, 0)), [])


@settings(max_examples=60, deadline=None)
@given(
    arrays(float, (5, 4), elements=st.sampled_from([0, 0.25, 0.5, 1])),
    arrays(float, (5, 4), elements=st.sampled_from([0, 1, 2, np.nan])),
    st.permutations(range(4)),
    st.floats(-3, 3),
)
def test_choice_depends_on_neither_column_order_nor_a_constant(scores, costs, order, shift):
    names = np.array(["a", "b", "c", "d"])
    first = names[choose(scores, costs, names)]
    turned = names[order][choose(scores[:, order], costs[:, order], names[order])]
    assert list(first) == list(turned)
    assert list(choose(np.round(scores + shift, 9), costs, names)) == list(
        choose(scores, costs, names)
    )
