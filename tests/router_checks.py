"""What every router promises, one check a promise; run on every file of configs/router.

A check asks for what it needs by name: ``build()`` gives a router that is not fitted, ``fitted()``
one that is fitted on ``table`` (a copy: a check may do with it what it likes), ``few`` the first
questions of the table, ``folder`` an empty folder.
"""

import io
import itertools
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from routers import CannotAdmitError, load_router, save_router
from routers.table import RoutingTable


def permuted(table, rows=None, columns=None):
    if rows is not None:
        table = table.rows(rows)
    if columns is not None:
        table = table.select(table.llms[columns])
    return table


def without(table, scores, eligible=None):
    return RoutingTable(
        questions=table.questions,
        scores=scores,
        eligible=eligible,
        llms=table.llms,
        ids=table.ids,
        datasets=table.datasets,
        subjects=table.subjects,
        costs=table.costs,
        chance=table.chance,
    )


def require_no_pickle(file):
    """Arrays must load as plain numbers; nothing else in the archive may speak of pickle."""
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name.endswith(".npy"):
                np.load(io.BytesIO(content), allow_pickle=False)
            else:
                assert b"pickle" not in content, name


def check_constructor_only_stores(build):
    router = build()
    assert not [name for name in vars(router) if name.endswith("_")]
    assert clone(router).get_params().keys() == router.get_params().keys()
    assert type(router).__name__ in repr(router)


def check_unfitted_is_a_clear_error(build):
    with pytest.raises(NotFittedError, match="Call 'fit'"):
        build().predict_scores(["any"])
    with pytest.raises(NotFittedError):
        build().route(["any"])


def check_wrong_input_is_a_clear_error(build, fitted):
    with pytest.raises(TypeError, match="RoutingTable"):
        build().fit([[1, 2]])
    router = fitted()
    with pytest.raises(TypeError, match="Wrap it in a list"):
        router.route("one question")
    with pytest.raises(TypeError, match=r"questions\[1\]"):
        router.route(["fine", 3])
    with pytest.raises(ValueError, match="price"):
        router.route(["fine"], price=-1)


def check_fit_returns_the_router(build, few):
    router = build()
    assert router.fit(few) is router


def check_shapes_and_finite(fitted, table):
    router = fitted()
    questions = list(table.questions[:7])
    scores, costs = router.predict_scores(questions), router.predict_costs(questions)
    assert scores.shape == costs.shape == (7, table.n_llms)
    assert np.isfinite(scores).all()
    assert np.isfinite(costs).all()
    choice = router.route(questions)
    assert choice.shape == (7,)
    assert np.issubdtype(choice.dtype, np.integer)
    assert set(choice) <= set(range(table.n_llms))
    assert list(router.llms_) == list(table.llms)


def check_column_order(build, fitted, table, few):
    columns = np.arange(table.n_llms)[::-1]
    first = fitted()
    second = build().fit(permuted(table, columns=columns))
    questions = list(few.questions)
    np.testing.assert_array_equal(
        first.predict_scores(questions), second.predict_scores(questions)[:, columns]
    )
    assert list(first.llms_[first.route(questions)]) == list(second.llms_[second.route(questions)])


def check_row_order(build, fitted, table, few):
    rows = np.random.default_rng(3).permutation(len(table))
    questions = list(few.questions)
    first, second = fitted(), build().fit(permuted(table, rows=rows))
    np.testing.assert_array_equal(first.predict_scores(questions), second.predict_scores(questions))


def check_batch_independence(fitted, table):
    router = fitted()
    questions = [*list(table.questions[:6]), "", "a text of no training question 123"]
    together = router.predict_scores(questions)
    alone = np.vstack([router.predict_scores([question]) for question in questions])
    backwards = router.predict_scores(questions[::-1])[::-1]
    np.testing.assert_allclose(together, alone, atol=2e-5)
    np.testing.assert_allclose(together, backwards, atol=2e-5)
    assert list(router.route(questions)) == [router.route([q])[0] for q in questions]


def check_same_seed_same_scores(build, fitted, table, few):
    questions = list(few.questions)
    first = fitted().predict_scores(questions)
    np.random.seed(8)  # noqa: NPY002 - fitted() began at 7: the global generator must not matter
    np.testing.assert_array_equal(first, build().fit(table).predict_scores(questions))


def check_refit_forgets(build, fitted, table):
    questions = list(table.questions[:9])
    other = table.rows(slice(0, 40)).select(table.llms[:2])
    router = build().fit(other).fit(table)
    np.testing.assert_array_equal(
        router.predict_scores(questions), fitted().predict_scores(questions)
    )


def check_input_is_untouched(build, few):
    before = few.content_hash
    questions = list(few.questions)
    copy = list(questions)
    build().fit(few).route(questions)
    fresh = RoutingTable(
        questions=few.questions,
        scores=few.scores,
        llms=few.llms,
        ids=few.ids,
        datasets=few.datasets,
        costs=few.costs,
        cost_unit=few.cost_unit,
    )
    assert fresh.content_hash == before
    assert questions == copy


def check_save_and_load(build, few, folder):
    router = build().fit(few)  # no copy: what copying loses, saving must not
    questions = list(few.questions)
    file = save_router(router, folder / "router.skops")
    require_no_pickle(file)
    loaded = load_router(file)
    np.testing.assert_array_equal(
        loaded.predict_scores(questions), router.predict_scores(questions)
    )
    np.testing.assert_array_equal(loaded.route(questions, 0.1), router.route(questions, 0.1))


def check_llm_never_observed(build, few):
    scores = few.scores.copy()
    scores[:, 1] = np.nan
    router = build().fit(without(few, scores))
    questions = list(few.questions[:20])
    predicted = router.predict_scores(questions)
    assert np.isnan(predicted[:, 1]).all()
    assert np.isfinite(np.delete(predicted, 1, axis=1)).all()
    assert 1 not in router.route(questions)


def check_partly_observed(build, few):
    scores = few.scores.copy()
    scores[np.random.default_rng(5).random(scores.shape) < 0.3] = np.nan
    router = build().fit(without(few, scores))
    assert np.isfinite(router.predict_scores(list(few.questions))).all()


def check_ineligible_is_neither_wrong_nor_asked(build, few):
    """What an llm cannot answer is nothing to learn from, and nobody sends it there."""
    eligible = np.random.default_rng(9).random(few.scores.shape) < 0.6
    eligible[eligible.sum(axis=1) < 2] = True
    router = build().fit(without(few, few.scores, eligible))
    questions = list(few.questions)
    unobserved = build().fit(without(few, np.where(eligible, few.scores, np.nan)))
    predicted = router.predict_scores(questions)
    np.testing.assert_array_equal(predicted, unobserved.predict_scores(questions))
    for price in (0.0, 0.1):
        choice = router.route(questions, price, eligible)
        assert eligible[np.arange(len(few)), choice].all()
    free = router.route(questions)
    able = eligible[np.arange(len(few)), free]
    np.testing.assert_array_equal(router.route(questions, 0.0, eligible)[able], free[able])
    assert set(router.route(questions, 0.0, np.arange(few.n_llms) == 1)) == {1}
    with pytest.raises(ValueError, match="question 0 has no llm to choose among the eligible"):
        router.route(questions, 0.0, np.zeros(few.n_llms, dtype=bool))
    with pytest.raises(ValueError, match="'eligible' must be booleans of shape"):
        router.route(questions, 0.0, [True])


def check_fractional_scores(build, few):
    scores = np.where(few.scores == 1, 0.75, 0.25)
    predicted = build().fit(without(few, scores)).predict_scores(list(few.questions[:5]))
    assert np.isfinite(predicted).all()


def check_one_llm(build, few):
    router = build().fit(few.select(few.llms[:1]))
    assert list(router.route(list(few.questions[:3]))) == [0, 0, 0]


def check_one_question(build, table):
    router = build().fit(table.rows([0]))
    assert router.predict_scores(list(table.questions[:3])).shape == (3, table.n_llms)


def check_empty_input(build, fitted, table):
    router = fitted()
    assert router.predict_scores([]).shape == (0, table.n_llms)
    assert router.route([]).shape == (0,)
    with pytest.raises(ValueError, match="at least one observed score"):
        build().fit(table.rows([]))


def check_price_lowers_cost(fitted, few):
    router = fitted()
    questions = list(few.questions)
    paid = [
        router.mean_costs_[router.route(questions, price)].mean()
        for price in (0, 0.01, 0.05, 0.1, 0.5, 1000)
    ]
    assert all(later <= earlier + 1e-9 for earlier, later in itertools.pairwise(paid))
    assert paid[-1] == router.mean_costs_.min()


def check_admit(build, few):
    """A newcomer joins from its outcomes alone, or the error says that it can't."""
    newcomer = few.llms[0]
    router = build().fit(few.select(few.llms[1:]))
    questions = list(few.questions)
    before = router.predict_scores(questions)
    try:
        router.admit(newcomer, few)
    except CannotAdmitError:
        with pytest.raises(CannotAdmitError, match=newcomer):
            router.admit(newcomer, few)
        np.testing.assert_array_equal(before, router.predict_scores(questions))
        return
    after = router.predict_scores(questions)
    assert list(router.llms_) == [*few.llms[1:], newcomer]
    assert router.mean_costs_[-1] == pytest.approx(few.costs[:, 0].mean())
    if not router.relative_scores:
        np.testing.assert_allclose(after[:, :-1], before, atol=1e-6)
    assert np.isfinite(after[:, -1]).all()
    with pytest.raises(ValueError, match="in the zoo already"):
        router.admit(newcomer, few)
    elsewhere = few.select([newcomer])  # a newcomer may have answered other datasets alone
    elsewhere = replace(elsewhere, llms=["stranger"], datasets=["unheard of"] * len(few))
    assert np.isfinite(router.admit("stranger", elsewhere).predict_scores(questions)).all()


CHECKS = [value for name, value in sorted(globals().items()) if name.startswith("check_")]
