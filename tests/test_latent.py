"""Latent-trait families: planted structure, derivatives, newcomers, missing outcomes."""

import dataclasses
from functools import partial

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.special import expit, logit

from routers import RoutingTable
from routers._likelihood import CrossEntropy, base_logit, minimise, most_probable
from routers.encoders import Encoder
from routers.item_response import ItemResponseRouter, posterior_loss
from routers.latent import MatrixFactorizationRouter, penalised_loss


class Spelled(Encoder):
    """A question is the list of its coordinates."""

    def transform(self, texts):
        return np.array([[float(word) for word in text.split()] for text in texts], np.float32)


ROUTERS = {
    "factors": MatrixFactorizationRouter(Spelled(), rank=1, penalty=0.1),
    "items": ItemResponseRouter(Spelled(), n_abilities=2, penalty=0.1, warm_up=0),
}


def planted(n=300, m=6, seed=0, missing=0.0):
    """Return questions on a circle; the first coordinate decides, each llm leans its own way."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    lean = np.linspace(-4, 4, m)
    truth = expit(vectors[:, :1] * lean)
    scores = truth.copy()
    scores[rng.random(scores.shape) < missing] = np.nan
    table = RoutingTable(
        questions=[" ".join(f"{x:.6f}" for x in row) for row in vectors],
        scores=scores,
        llms=[f"llm {j}" for j in range(m)],
        ids=[f"{i:04d}" for i in range(n)],
        datasets=["made up"] * n,
    )
    return table, truth


def flat_difference(objective, parts):
    """Largest gap between the derivative and finite differences."""
    ends = np.cumsum([part.size for part in parts])[:-1]

    def split(flat):
        return [x.reshape(p.shape) for x, p in zip(np.split(flat, ends), parts, strict=True)]

    return check_grad(
        lambda flat: objective(*split(flat))[0],
        lambda flat: np.concatenate([slope.ravel() for slope in objective(*split(flat))[1]]),
        np.concatenate([part.ravel() for part in parts]),
    )


def test_cross_entropy_by_hand():
    loss, slope = CrossEntropy(np.array([1.0, 0.25, np.nan]))(np.array([0.0, 0.0, 0.0]))
    assert loss == pytest.approx(2 * np.log(2))
    np.testing.assert_allclose(slope, [-0.5, 0.25, 0])


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_cross_entropy_of_many_far_logits_is_exact(missing):
    rng = np.random.default_rng(0)
    scores, logits = rng.random((37, 11)), rng.normal(size=(37, 11)) * 30
    logits[0, :3] = 800, -800, 0
    scores[rng.random(scores.shape) < missing] = np.nan
    loss, slope = CrossEntropy(scores)(logits)
    seen = ~np.isnan(scores)
    terms = np.logaddexp(0, logits) - scores * logits
    assert loss == pytest.approx(terms[seen].sum(), rel=1e-13)
    np.testing.assert_allclose(slope[seen], (expit(logits) - scores)[seen], atol=1e-15)
    assert (slope[~seen] == 0).all()


def test_base_logit_is_finite_where_all_are_right():
    assert base_logit(np.array([[1.0, np.nan]])) == pytest.approx(logit(0.75))
    assert base_logit(np.array([1.0, 0.0])) == pytest.approx(0)


def test_minimise_keeps_shapes():
    def bowl(a, b):
        return ((a - 1) ** 2).sum() + ((b + 2) ** 2).sum(), [2 * (a - 1), 2 * (b + 2)]

    a, b = minimise(bowl, [np.zeros((2, 3)), np.zeros(4)])
    np.testing.assert_allclose(a, np.ones((2, 3)), atol=1e-5)
    np.testing.assert_allclose(b, np.full(4, -2), atol=1e-5)


def test_most_probable_balances_outcomes_and_prior():
    # one trait, right n times: n * (1 - sigmoid(w)) = precision * w
    (w,) = most_probable(np.ones((5, 1)), 0.0, np.ones(5), np.array([2.0]))
    assert 5 * (1 - expit(w)) == pytest.approx(2 * w, abs=1e-3)
    (ignored,) = most_probable(np.ones((2, 1)), 0.0, np.array([1.0, np.nan]), np.array([1.0]))
    assert 1 - expit(ignored) == pytest.approx(ignored, abs=1e-3)


@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_derivatives_agree_with_finite_differences(missing):
    rng = np.random.default_rng(1)
    scores = rng.random((7, 3))
    scores[rng.random(scores.shape) < missing] = np.nan
    factors = [rng.normal(size=shape) for shape in [(5, 2), (3, 2), (3,)]]
    loss = partial(penalised_loss, rng.normal(size=(7, 5)), CrossEntropy(scores), 0.3, 0.7)
    assert flat_difference(loss, factors) < 1e-4
    items = [rng.normal(size=shape) for shape in [(7, 2), (3, 2), (7,)]]
    assert flat_difference(partial(posterior_loss, CrossEntropy(scores), 0.3), items) < 1e-4


@pytest.mark.parametrize("missing", [0.0, 0.5])
def test_one_factor_recovers_what_was_planted(missing):
    table, truth = planted(missing=missing)
    router = ROUTERS["factors"].fit(table)
    predicted = router.predict_scores(table.questions)
    assert np.abs(predicted - truth).max() < 0.08
    assert abs(router.basis_[0, 0]) > 0.99  # the first coordinate, and no other, decides
    fresh, truth = planted(seed=1)
    assert np.abs(router.predict_scores(fresh.questions) - truth).max() < 0.08


@pytest.mark.parametrize("missing", [0.0, 0.5])
def test_abilities_order_the_llms_as_planted(missing):
    table, _ = planted(missing=missing)
    router = ROUTERS["items"].fit(table)
    fresh, truth = planted(seed=1)
    chosen = truth[np.arange(len(fresh)), router.route(fresh.questions)]
    assert chosen.mean() > truth.max(axis=1).mean() - 0.02
    assert np.abs(router.predict_scores(fresh.questions) - truth).mean() < 0.08


def test_more_ability_never_hurts():
    router = ROUTERS["items"].fit(planted()[0])
    questions = planted(seed=2)[0].questions
    before = router.predict_scores(questions)
    router.abilities_[:, 0] += 1
    assert (router.predict_scores(questions) > before).all()


def test_an_llm_cannot_be_worth_more_factors_than_there_are_llms():
    table, _ = planted(m=3)
    assert MatrixFactorizationRouter(Spelled(), rank=9).fit(table).llm_vectors_.shape == (3, 4)


@pytest.mark.parametrize("name", ROUTERS)
def test_a_member_admitted_again_is_what_it_was(name):
    """Everything else fixed, fitting an llm and admitting it are the same problem."""
    table, _ = planted()
    router = ROUTERS[name].fit(table)
    questions = table.questions[:50]
    expected = router.predict_scores(questions)[:, 0]
    router.admit("twin", dataclasses.replace(table.select(["llm 0"]), llms=["twin"]))
    np.testing.assert_allclose(router.predict_scores(questions)[:, -1], expected, atol=5e-3)


@pytest.mark.parametrize("name", ROUTERS)
def test_a_newcomer_is_learned_from_new_questions(name):
    table, truth = planted()
    router = ROUTERS[name].fit(table.select(table.llms[1:]))
    test = dataclasses.replace(planted(n=100, seed=3)[0].select(["llm 0"]), llms=["newcomer"])
    router.admit("newcomer", test)
    predicted = router.predict_scores(table.questions)[:, -1]
    assert np.abs(predicted - truth[:, 0]).mean() < 0.08


@pytest.mark.parametrize("name", ROUTERS)
def test_a_few_right_answers_are_not_taken_for_certainty(name):
    table, _ = planted()
    router = ROUTERS[name].fit(table)
    lucky = dataclasses.replace(
        table.select(["llm 0"]).rows(slice(0, 3)), llms=["lucky"], scores=np.ones((3, 1))
    )
    router.admit("lucky", lucky)
    assert 0.5 < router.predict_scores(lucky.questions)[:, -1].mean() < 0.95


@pytest.mark.parametrize("name", ROUTERS)
def test_an_unobserved_llm_changes_nothing_for_the_others(name):
    table, _ = planted(missing=0.2)
    wider = dataclasses.replace(
        table,
        llms=["a ghost", *table.llms],
        scores=np.column_stack([np.full(len(table), np.nan), table.scores]),
        costs=None,
        eligible=None,
        spread=None,
    )
    router = ROUTERS[name]
    expected = router.fit(table).predict_scores(table.questions)
    found = router.fit(wider).predict_scores(table.questions)
    np.testing.assert_array_equal(found[:, 1:], expected)


def test_warm_up_takes_the_items_of_the_neighbours():
    table, _ = planted()
    near = ItemResponseRouter(Spelled(), warm_up=1.0, k=1).fit(table)
    question = table.questions[0]
    # its only neighbour is itself: what its text says, twice
    cold = ItemResponseRouter(Spelled(), warm_up=0.0).fit(table)
    expected = cold.predict_scores([question])
    np.testing.assert_allclose(near.predict_scores([question]), expected, atol=1e-5)
    everyone = ItemResponseRouter(Spelled(), warm_up=1.0, k=10_000).fit(table)
    assert np.ptp(everyone.predict_scores(table.questions), axis=0).max() < 1e-5


@pytest.mark.parametrize(
    ("router", "name"),
    [
        (MatrixFactorizationRouter(rank=0), "rank"),
        (MatrixFactorizationRouter(penalty=0), "penalty"),
        (ItemResponseRouter(warm_up=1.5), "warm_up"),
        (ItemResponseRouter(ability_penalty=0), "ability_penalty"),
    ],
)
def test_a_parameter_out_of_range_is_named(router, name, tiny):
    with pytest.raises(ValueError, match=f"'{name}'"):
        router.fit(tiny)
