"""Predictors of cost, the blend of heads and neighbours, and calibration."""

from dataclasses import fields

import numpy as np
import pytest
from conftest import composed

from routers.base import Router
from routers.calibration import CalibratedRouter, fold_numbers
from routers.costs import LogCostRidge
from routers.encoders import Encoder
from routers.hybrid import HybridRouter
from routers.logistic import SoftLabelLogistic
from routers.neighbors import KNNRouter
from routers.table import RoutingTable


class Words(Encoder):
    """One direction per word of a fixed list."""

    WORDS = ("fish", "bird", "one", "two", "red", "blue")

    def transform(self, texts):
        counts = np.array([[word in text.split() for word in self.WORDS] for text in texts], float)
        return (counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1)).astype(
            np.float32
        )


@pytest.fixture
def priced(table):
    """The synthetic table with costs that grow with the length of the question."""
    length = np.array([len(text) for text in table.questions], dtype=float)
    costs = 1e-5 * length[:, None] ** 1.5 * np.array([1.0, 2.0, 4.0, 8.0])
    return replaced(table, costs=costs)


def replaced(table, **changes):
    given = {field.name: getattr(table, field.name) for field in fields(table)}
    return RoutingTable(**(given | changes))


def test_log_ridge_finds_a_power_law_and_corrects_its_mean():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 1))
    costs = np.exp(0.5 * X + 0.8 * rng.normal(size=(4000, 1)) - 7)
    model = LogCostRidge(penalty=1e-6).fit(X, costs)
    assert model.coef_[0, 0] == pytest.approx(0.5, abs=0.04)
    # E exp(e) = exp(.32) for a normal e of deviation .8: without it costs come out 27 % too low
    assert model.factors_[0] == pytest.approx(np.exp(0.32), rel=0.05)
    assert model.predict(X).mean() == pytest.approx(costs.mean(), rel=0.05)
    # no extrapolation beyond what was ever paid
    np.testing.assert_allclose(model.predict([[50.0]]), [[costs.max()]])


def test_log_ridge_knows_missing_free_and_constant_costs():
    X = np.arange(6.0)[:, None]
    costs = np.column_stack([np.full(6, 0.3), np.zeros(6), np.full(6, np.nan), np.arange(6.0)])
    costs[0, 3] = np.nan
    predicted = LogCostRidge().fit(X, costs).predict(X)
    np.testing.assert_array_equal(predicted[:, 0], 0.3)
    np.testing.assert_array_equal(predicted[:, 1], 0)
    assert np.isnan(predicted[:, 2]).all()
    only = LogCostRidge().fit(X[1:], costs[1:, 3:]).predict(X)
    np.testing.assert_allclose(predicted[:, 3:], only)


def test_ends_of_the_blend_are_neighbours_and_heads(tiny):
    questions = ["fish", "red bird"]
    near = KNNRouter(Words(), k=2).fit(tiny).predict_scores(questions)
    blend = HybridRouter(Words(), gamma=0, k=2).fit(tiny)
    np.testing.assert_allclose(blend.predict_scores(questions), near, atol=1e-6)
    head = SoftLabelLogistic().fit(Words().transform(tiny.questions), tiny.scores)
    trained = head.predict(Words().transform(questions))
    blend = HybridRouter(Words(), gamma=1, k=2).fit(tiny)
    np.testing.assert_allclose(blend.predict_scores(questions), trained, atol=1e-5)
    half = HybridRouter(Words(), gamma=0.5, k=2).fit(tiny).predict_scores(questions)
    np.testing.assert_allclose(half, (near + trained) / 2, atol=1e-5)


def test_neighbours_cost_by_hand(tiny):
    costs = np.array([[1, 2, 4], [3, 2, 4], [5, 2, 4], [7, 2, np.nan]])
    router = HybridRouter(Words(), cost_gamma=0, k=2, prior=0)
    router.fit(replaced(tiny, costs=costs))
    np.testing.assert_allclose(router.predict_costs(["fish", "bird"]), [[2, 2, 4], [6, 2, 4]])
    assert router.predict_costs([]).shape == (0, 3)


def test_costs_are_predicted_from_the_text(priced):
    learn, judge = priced.rows(slice(0, 60)), priced.rows(slice(60, None))
    router = HybridRouter().fit(learn)
    predicted = router.predict_costs(list(judge.questions))
    error = np.abs(predicted - judge.costs).mean(axis=0)
    assert (error < 0.7 * np.abs(router.mean_costs_ - judge.costs).mean(axis=0)).all()


def test_order_of_llms_and_unknown_costs(priced):
    costs = priced.costs.copy()
    costs[:, 2] = np.nan
    known = replaced(priced, costs=costs)
    columns = [3, 1, 0, 2]
    questions = list(priced.questions[:5])
    first = HybridRouter().fit(known).predict_costs(questions)
    second = HybridRouter().fit(known.select(known.llms[columns])).predict_costs(questions)
    np.testing.assert_array_equal(first[:, columns], second)
    assert np.isnan(first[:, 2]).all()
    assert np.isfinite(np.delete(first, 2, axis=1)).all()


def test_an_admitted_llm_has_the_predictions_of_a_fitted_one(priced):
    questions = list(priced.questions[:9])
    router = HybridRouter().fit(priced.select(priced.llms[1:]))
    router.admit(priced.llms[0], priced)
    whole = HybridRouter().fit(priced.select([*priced.llms[1:], priced.llms[0]]))
    np.testing.assert_allclose(
        router.predict_scores(questions), whole.predict_scores(questions), atol=1e-3
    )
    np.testing.assert_allclose(
        router.predict_costs(questions), whole.predict_costs(questions), rtol=1e-4
    )


def test_admission_on_new_questions_keeps_the_others(priced):
    learn, fresh = priced.rows(slice(0, 60)), priced.rows(slice(60, None))
    router = HybridRouter().fit(learn.select(learn.llms[1:]))
    questions = list(priced.questions)
    scores, costs = router.predict_scores(questions), router.predict_costs(questions)
    router.admit(priced.llms[0], fresh)
    assert router.predict_scores(questions).shape == (90, 4)
    assert router.predict_costs(questions).shape == (90, 4)
    # questions that only the newcomer answered may now be neighbours, without outcomes of others
    assert np.abs(router.predict_costs(questions)[:60, :-1] / costs[:60] - 1).mean() < 0.25
    assert np.abs(router.predict_scores(questions)[:60, :-1] - scores[:60]).mean() < 0.1


class Boast(Router):
    """Predicts for every llm twice the share by which its score is above one half."""

    def _fit(self, table):
        self.known_ = dict(zip(table.questions, table.scores, strict=True))
        self.width_ = table.n_llms

    def _predict_scores(self, questions):
        # a text says how likely it is answered; the prediction exaggerates it
        chance = np.array([float(text.split()[0]) for text in questions])
        return np.repeat(np.clip(2 * chance - 0.5, 0, 1)[:, None], self.width_, axis=1)


def exaggerated(n, seed=0):
    rng = np.random.default_rng(seed)
    chance = rng.integers(0, 5, size=n) / 4
    names = [f"{i:05d}" for i in range(n)]
    return RoutingTable(
        questions=[f"{c} question {name}" for c, name in zip(chance, names, strict=True)],
        scores=(rng.random((n, 2)) < chance[:, None]).astype(float),
        llms=["a", "b"],
        ids=names,
        datasets=["made up"] * n,
        costs=np.array([1.0, 2.0]),
    )


def test_calibration_undoes_exaggeration():
    router = CalibratedRouter(Boast()).fit(exaggerated(2000))
    questions = ["0.25 x", "0.5 x", "0.75 x"]
    raw = Boast().fit(exaggerated(20)).predict_scores(questions)
    np.testing.assert_allclose(raw[:, 0], [0, 0.5, 1])
    predicted = router.predict_scores(questions)
    # .25 and 0 are both predicted 0, so their share of right answers is (.25 + 0) / 2
    np.testing.assert_allclose(predicted[:, 0], [0.125, 0.5, 0.875], atol=0.06)
    np.testing.assert_allclose(router.predict_costs(questions), [[1, 2]] * 3)


def test_too_few_outcomes_leave_predictions_as_they_are():
    table = exaggerated(15)
    router = CalibratedRouter(Boast()).fit(table)
    assert router.curves_ == [None, None]
    np.testing.assert_allclose(
        router.predict_scores(["0.75 x"]), Boast().fit(table).predict_scores(["0.75 x"])
    )


def test_folds_depend_on_ids_alone():
    ids = np.array([f"q{i}" for i in range(1000)])
    folds = fold_numbers(ids, 4)
    assert (np.bincount(folds) > 200).all()
    np.testing.assert_array_equal(fold_numbers(ids[::-1], 4), folds[::-1])


@pytest.mark.parametrize("name", ["gamma", "cost_gamma"])
def test_bad_parameters_are_refused(name, tiny):
    with pytest.raises(ValueError, match=rf"'{name}' .* in \[0, 1\]"):
        HybridRouter(Words(), **{name: 1.5}).fit(tiny)
    with pytest.raises(ValueError, match="'n_folds'"):
        CalibratedRouter(Boast(), n_folds=1).fit(tiny)


def test_the_calibrated_configuration_wraps_the_hybrid_one():
    cfg = composed("router=calibrated")
    assert cfg.router.router == composed("router=omnirouter").router
