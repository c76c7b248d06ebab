"""Decision policies: what each prefers, by hand, and that a shift of a row changes nothing."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from test_families import Words

from routers import CannotAdmitError, choose
from routers.baselines import text_draws
from routers.classifiers import ClassifierRouter
from routers.encoders import TfidfEncoder
from routers.neighbors import KNNRouter
from routers.policies import (
    PolicyRouter,
    classifier_upper_bound,
    first_right,
    nearest,
    random_below,
    reaching,
)

LLMS = ["a", "b", "c"]


@given(
    arrays(float, (4, 3), elements=st.integers(0, 100).map(lambda x: x / 128)),
    arrays(float, (4, 1), elements=st.integers(-64, 64).map(lambda x: x / 128)),
)
def test_subtracting_a_number_per_question_changes_no_choice(confidences, shift):
    """As published, "prediction" does no more than that (the numbers here subtract exactly)."""
    costs = np.broadcast_to([3.0, 1.0, 2.0], (4, 3))
    np.testing.assert_array_equal(
        choose(confidences, costs, LLMS), choose(confidences - shift, costs, LLMS)
    )


def test_nearest_and_reaching_by_hand():
    confidences = np.array([[0.9, 0.7, 0.4]])
    np.testing.assert_allclose(nearest(confidences, np.array([0.6])), [[0.7, 0.9, 0.8]])
    np.testing.assert_allclose(reaching(confidences, np.array([0.6])), [[0.6, 0.6, 0.4]])
    costs = np.array([[5.0, 2.0, 1.0]])
    chosen = [
        choose(reaching(confidences, np.array([p])), costs, LLMS)[0] for p in (0.3, 0.6, 0.8, 1.0)
    ]
    assert chosen == [2, 1, 0, 0]  # the cheapest that reaches it; the largest if none does


def test_first_right_by_hand():
    confidences = np.array([[0.9, 0.7, 0.4]] * 4)
    scores = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0], [1, np.nan, 0]])
    order = np.array([2, 1, 0])
    np.testing.assert_allclose(first_right(confidences, scores, order), [0.7, 0.4, 0.5, 0.9])


def test_random_below_draws_among_the_top_where_all_is_uncertain():
    confidences = np.array([[0.5, 0.4, 0.3, 0.2], [0.61, 0.4, 0.3, 0.2]])
    draws = np.array([[0.1, 0.2, 0.8, 0.9]] * 2)
    preferred = random_below(confidences, draws)
    assert list(preferred.argmax(axis=1)) == [2, 0]  # the 4th drew more, but is not of the top 3
    np.testing.assert_array_equal(preferred[1], confidences[1])
    level = random_below(np.full((1, 4), 0.5), draws[:1])  # all tie with the third: all take part
    assert list(np.flatnonzero(level[0] == level.max())) == [3]


def test_random_below_is_even_and_decided_by_the_text():
    questions = [f"question {i}" for i in range(3000)]
    confidences = np.broadcast_to([0.5, 0.4, 0.3, 0.2], (3000, 4))
    draws = text_draws(questions, ["a", "b", "c", "d"], 0)
    chosen = random_below(confidences, draws).argmax(axis=1)
    share = np.bincount(chosen, minlength=4) / 3000
    np.testing.assert_allclose(share, [1 / 3] * 3 + [0], atol=0.03)
    np.testing.assert_array_equal(
        chosen[::-1], random_below(confidences, draws[::-1]).argmax(axis=1)
    )


def test_upper_bound_of_the_classifier_by_hand():
    confidences = np.array([[0.6, 0.4], [0.6, 0.7], [0.2, 0.1], [0.9, 0.9]])
    scores = np.array([[0, 1], [1, 0.5], [1, 1], [np.nan, 0.3]])
    np.testing.assert_allclose(classifier_upper_bound(confidences, scores), [0, 1, 0, 0.3])
    np.testing.assert_allclose(classifier_upper_bound(confidences, scores, 0.15), [1, 1, 1, 0.3])


def test_argmax_is_the_router_itself(table):
    inner = KNNRouter(TfidfEncoder(dim=16), k=5)
    wrapped = PolicyRouter(inner, policy="argmax").fit(table)
    questions = list(table.questions)
    alone = inner.fit(table)
    np.testing.assert_array_equal(
        wrapped.predict_scores(questions), alone.predict_scores(questions)
    )
    np.testing.assert_array_equal(wrapped.route(questions), alone.route(questions))


@pytest.mark.parametrize("policy", ["prediction", "sorted_prediction"])
def test_the_regression_never_sees_what_the_router_learned_from(policy, table, monkeypatch):
    seen = {}

    class Spy(KNNRouter):
        def _fit(self, table):
            seen.setdefault("learned", set(table.ids))
            super()._fit(table)

        def _predict_scores(self, questions):
            seen.setdefault("asked", set(questions))
            return super()._predict_scores(questions)

    PolicyRouter(Spy(TfidfEncoder(dim=16), k=5), policy).fit(table)
    text = dict(zip(table.ids, table.questions, strict=True))
    assert len(seen["asked"]) == 18
    assert not seen["asked"] & {text[name] for name in seen["learned"]}


def test_sorted_prediction_pays_less_than_argmax(table):
    inner = KNNRouter(TfidfEncoder(dim=16), k=5)
    questions = list(table.questions)
    paid = {
        policy: PolicyRouter(inner, policy).fit(table) for policy in ("argmax", "sorted_prediction")
    }
    paid = {name: r.mean_costs_[r.route(questions)].mean() for name, r in paid.items()}
    assert paid["sorted_prediction"] < paid["argmax"]


@pytest.mark.parametrize("policy", ["argmax", "random", "prediction", "sorted_prediction"])
def test_newcomers_and_column_order(policy, table):
    questions = list(table.questions[:20])
    inner = KNNRouter(TfidfEncoder(dim=16), k=5)
    router = PolicyRouter(inner, policy).fit(table.select(table.llms[:3]))
    router.admit(table.llms[3], table)
    assert np.isfinite(router.predict_scores(questions)).all()
    reverse = PolicyRouter(inner, policy).fit(table.select(table.llms[::-1]))
    whole = PolicyRouter(inner, policy).fit(table)
    np.testing.assert_array_equal(
        whole.predict_scores(questions), reverse.predict_scores(questions)[:, ::-1]
    )


def test_costs_are_those_the_router_predicts(tiny):
    class Dear(KNNRouter):
        def _predict_costs(self, questions):
            return 10 * super()._predict_costs(questions)

    router = PolicyRouter(Dear(Words(), k=2), "argmax").fit(tiny.select(["c", "a", "b"]))
    np.testing.assert_allclose(router.predict_costs(["fish"]), [[40, 10, 20]])


def test_a_router_that_cannot_admit_says_so(tiny):
    router = PolicyRouter(ClassifierRouter(encoder=Words()), "argmax").fit(tiny.select(["a", "b"]))
    with pytest.raises(CannotAdmitError, match="'c'"):
        router.admit("c", tiny)
    assert router.predict_scores(["fish"]).shape == (1, 2)


def test_bad_parameters_are_refused_in_fit(tiny):
    for change, message in (
        ({"policy": "best"}, "must be one of 'argmax'"),
        ({"threshold": 2}, "'threshold'"),
        ({"n_top": 0}, "'n_top'"),
        ({"validation_fraction": 1}, "'validation_fraction'"),
    ):
        with pytest.raises(ValueError, match=message):
            PolicyRouter(KNNRouter(Words()), **change).fit(tiny)


def test_too_few_questions_for_a_regression_leave_the_confidences(tiny):
    router = PolicyRouter(KNNRouter(Words(), k=2, prior=0), "prediction").fit(tiny)
    np.testing.assert_allclose(router.predict_scores(["fish"]), [[1, 0.5, 0]])


def test_an_llm_unobserved_in_the_held_in_part_does_no_harm(table):
    scores = table.scores.copy()
    scores[1:, 2] = np.nan
    sparse = dataclasses.replace(table, scores=scores)
    for seed in range(3):
        router = PolicyRouter(
            KNNRouter(TfidfEncoder(dim=16), k=5), "prediction", random_state=seed
        ).fit(sparse)
        assert np.isfinite(router.predict_scores(list(table.questions[:5]))).all()
