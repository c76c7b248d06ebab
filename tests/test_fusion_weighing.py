"""Capability fusion uses of the pool, the factors and their share what helps the candidates."""

from dataclasses import replace

import numpy as np
import pytest

from routers import load_router, save_router
from routers._weighing import inner_folds
from routers.baselines import BestSingle
from routers.capability_fusion.items import ItemFactors
from routers.capability_fusion.router import CapabilityFusionRouter
from routers.capability_fusion.weighing import Account, Answers, taking_part, weigh
from routers.encoders import TfidfEncoder
from routers.table import RoutingTable

WORDS = {"bird": "wing nest egg beak owl robin hawk", "ship": "hull mast sail deck port crew cargo"}


def router(**changed) -> CapabilityFusionRouter:
    given = {"encoder": TfidfEncoder(dim=16), "n_tasks": 4, "n_shots": 8, "n_factors": 4}
    return CapabilityFusionRouter(**(given | changed))


def drawn(skill, prefix, n=200, seed=0) -> RoutingTable:
    """Draw outcomes on questions of one dataset; ``skill`` (llms, 2) is on birds and on ships."""
    texts = np.random.default_rng(0)
    kind = np.arange(n) % 2
    words = [list(WORDS.values())[k].split() for k in kind]
    rng = np.random.default_rng(seed)
    return RoutingTable(
        questions=[f"{i}: " + " ".join(texts.choice(w, 5)) for i, w in enumerate(words)],
        scores=(rng.random((n, len(skill))) < np.array(skill)[:, kind].T).astype(float),
        llms=[f"{prefix}{i:02}" for i in range(len(skill))],
        ids=[f"q{i:04}" for i in range(n)],
        datasets=["one"] * n,
    )


ALIKE = [(0.6, 0.6), (0.7, 0.7), (0.4, 0.4), (0.1, 0.1)]  # no llm is better on birds or on ships
SPLIT = [(0.75, 0.45), (0.45, 0.75), (0.6, 0.6)]
TWO_SIDED = [(0.95, 0.05), (0.05, 0.95)] * 10


def reached(fitted, skill, n=400) -> float:
    """Expected score of the choices on new questions."""
    test = drawn(skill, "zoo", n)
    choice = fitted.route(list(test.questions))
    return float(np.array(skill)[choice, np.arange(n) % 2].mean())


@pytest.mark.parametrize("seed", range(3))
def test_a_pool_unlike_the_candidates_is_not_used(seed):
    zoo, pool = drawn(ALIKE, "zoo", seed=seed), drawn(TWO_SIDED, "pool", seed=seed + 9)
    fitted = router().fit(zoo, pool)
    assert (fitted.share_, fitted.n_factors_, len(fitted.pool_llms_)) == (0, 0, 0)
    questions = list(zoo.questions)
    best = BestSingle().fit(zoo)
    np.testing.assert_array_equal(fitted.route(questions), best.route(questions))
    np.testing.assert_allclose(
        fitted.predict_scores(questions), best.predict_scores(questions), atol=2e-6
    )


def test_the_best_of_llms_that_are_almost_always_right_is_still_told():
    zoo = drawn([(1, 1), (1, 1)], "zoo", n=400)
    scores = zoo.scores.copy()
    scores[0, 0] = scores[1, 1] = scores[2, 1] = 0  # .9975 and .995
    zoo = replace(zoo, scores=scores, costs=np.array([9.0, 1.0]))
    assert set(router(n_factors=0).fit(zoo).route(list(zoo.questions[:9]))) == {0}


def test_a_pool_that_splits_as_the_candidates_do_is_used():
    zoo, pool = drawn(SPLIT, "zoo", n=80), drawn(TWO_SIDED, "pool", n=80, seed=9)
    fitted = router().fit(zoo, pool)
    assert fitted.share_ > 0
    assert fitted.n_factors_ >= 1
    assert set(fitted.pool_llms_) <= set(pool.llms)
    assert len(fitted.pool_llms_) > 0
    assert reached(fitted, SPLIT) > 0.7  # .6 for each alone, .75 for the better of each kind


def test_without_weighing_all_is_used():
    zoo, pool = drawn(ALIKE, "zoo"), drawn(TWO_SIDED, "pool", seed=9)
    fitted = router(weigh=False).fit(zoo, pool)
    assert (fitted.share_, fitted.n_factors_) == (1, 4)
    assert list(fitted.pool_llms_) == list(pool.llms)
    assert fitted.capability_.shape == (4, 1 + 4)
    assert router(weigh=False, n_factors=0).fit(zoo, pool).capability_.shape == (4, 1)


def test_the_share_is_of_the_loadings(monkeypatch):
    zoo, pool = drawn(SPLIT, "zoo"), drawn(TWO_SIDED, "pool", seed=9)
    loadings = []
    for share in (0.25, 1.0):
        chosen = Account(None, 2, share)
        monkeypatch.setattr("routers.capability_fusion.router.weigh", lambda *_, c=chosen: c)
        fitted = router().fit(zoo, pool)
        assert (fitted.share_, fitted.n_factors_) == (share, 2)
        loadings.append(fitted.capability_[:, 1:])
    np.testing.assert_allclose(loadings[0], 0.25 * loadings[1])
    assert np.abs(loadings[1]).max() > 0.5


def test_the_factors_are_learned_from_those_that_take_part(monkeypatch):
    zoo, pool = drawn(SPLIT, "zoo"), drawn(TWO_SIDED, "pool", seed=9)
    told = {}
    for near in (0, None):
        chosen = Account(near, 1, 1.0)
        monkeypatch.setattr("routers.capability_fusion.router.weigh", lambda *_, c=chosen: c)
        told[near] = router().fit(zoo, pool).factors_.explained_[0]
    assert told[None] > told[0] + 0.1  # the pool is all birds or ships, the zoo is not


def test_each_candidate_brings_those_most_like_it():
    candidates = np.array([[1.0, 1, -1, -1], [1, -1, 1, -1]]).T
    like = np.array([[1.0, 1, -1, 0], [0, -1, 1, -1], [-1, 1, -1, 1], [1, 1, 1, np.nan]]).T
    both = np.hstack([candidates, like])
    assert taking_part(both, 2, 0).tolist() == [0, 1]
    assert taking_part(both, 2, 1).tolist() == [0, 1, 2, 3]
    assert taking_part(both, 2, 2).tolist() == [0, 1, 2, 3, 5]
    assert taking_part(both, 2, 9).tolist() == [0, 1, 2, 3, 4, 5]
    assert taking_part(both, 2, None).tolist() == [0, 1, 2, 3, 4, 5]
    both[:, 5] *= 10  # which makes it no more like them
    assert taking_part(both, 2, 1).tolist() == [0, 1, 2, 3]


def answers_in_ways(ways, taste):
    """Outcomes on questions with signs ``ways`` (n, k), of llms with ``taste`` (m, k) for each."""
    chance = 0.5 + 0.45 * (ways @ np.array(taste).T)
    scores = (np.random.default_rng(1).random(chance.shape) < chance).astype(float)
    return Answers(np.ones((1, len(ways))), scores, len(taste), 1.0)


def seen_of(ways):
    return np.hstack([ways, np.random.default_rng(3).normal(size=(len(ways), 9))])


def test_there_are_as_many_factors_as_llms_differ_in_ways_that_text_tells():
    ways = np.random.default_rng(0).integers(0, 2, (160, 2)) * 2.0 - 1
    answers = answers_in_ways(ways, [(1, 0), (-1, 0), (0, 1), (0, -1)])
    account = weigh(seen_of(ways), answers, 2, 0)
    assert account == Account(0, 2, 1.0)  # there is no pool
    assert weigh(seen_of(ways), answers, 0, 0) == Account(0, 0, 0.0)
    blind = np.random.default_rng(4).normal(size=(160, 4))
    assert weigh(blind, answers, 2, 0) == Account(0, 0, 0.0)


def test_what_is_offered_begins_with_the_simplest(monkeypatch):
    ways = np.random.default_rng(0).integers(0, 2, (160, 2)) * 2.0 - 1
    taste = [(1, 0), (-1, 0), (0, 1), (0, -1)] * 20
    answers = replace(answers_in_ways(ways, taste), n_candidates=4)
    offered = []

    def take(place):
        def judge(expected, departures, scores):
            offered.append((expected, departures, scores))
            return place, 0.5

        monkeypatch.setattr("routers.capability_fusion.weighing.best_share", judge)
        return weigh(seen_of(ways), answers, 6, 0)

    parts = [(near, count) for near in (0, 4, 16, None) for count in (1, 3, 6)]
    found = [take(place) for place in range(12)]
    assert found == [Account(near, count, 0.5) for near, count in parts]
    expected, departures, scores = offered[0]
    np.testing.assert_array_equal(scores, answers.scores[:, :4])
    np.testing.assert_allclose(expected, 0.5, atol=0.15)
    held_out = inner_folds(160, 0) == 0
    ranks = [np.linalg.matrix_rank(departure[held_out]) for departure in departures]
    assert ranks[:2] == [1, 3]  # four candidates have three factors
    assert ranks[-3:] == [1, 3, 4]
    rest, factors = answers.on(~held_out), ItemFactors(6)
    loadings = factors.fit(seen_of(ways)[~held_out], rest.departures(rest.accuracy()))
    again = factors.predict(seen_of(ways)[held_out]) @ loadings[:4].T
    np.testing.assert_allclose(departures[-1][held_out], again, atol=1e-6)
    right = np.sign(departures[-2]) == np.sign(ways @ np.array(taste[:4]).T)
    assert right.mean() > 0.95


@pytest.mark.parametrize("n", [1, 2, 3])
def test_of_few_questions_nothing_is_used(n):
    zoo, pool = drawn(SPLIT, "zoo", n=n), drawn(TWO_SIDED, "pool", n=n, seed=9)
    fitted = router().fit(zoo, pool)
    assert fitted.share_ == 0
    assert np.isfinite(fitted.predict_scores(["wing nest", "hull"])).all()


def test_the_order_of_llms_decides_nothing():
    zoo, pool = drawn(SPLIT, "zoo", n=80), drawn(TWO_SIDED, "pool", n=80, seed=9)
    one = router().fit(zoo, pool)
    two = router().fit(zoo.select(zoo.llms[::-1]), pool.select(pool.llms[::-1]))
    assert one.share_ == two.share_ > 0
    np.testing.assert_array_equal(one.pool_llms_, two.pool_llms_)
    questions = list(zoo.questions)
    np.testing.assert_array_equal(
        one.predict_scores(questions), two.predict_scores(questions)[:, ::-1]
    )


def test_what_was_chosen_is_saved(tmp_path):
    zoo, pool = drawn(SPLIT, "zoo", n=80), drawn(TWO_SIDED, "pool", n=80, seed=9)
    fitted = router().fit(zoo, pool)
    loaded = load_router(save_router(fitted, tmp_path / "router.skops"))
    assert (loaded.share_, loaded.n_factors_) == (fitted.share_, fitted.n_factors_)
    np.testing.assert_array_equal(loaded.pool_llms_, fitted.pool_llms_)
    questions = list(zoo.questions)
    np.testing.assert_array_equal(
        loaded.predict_scores(questions), fitted.predict_scores(questions)
    )


@pytest.mark.parametrize(
    ("zoo_skill", "newcomer", "seeds", "uses", "asked"),
    [(SPLIT, (0.95, 0.05), (0, 9), True, 0.5), (ALIKE, (0.95, 0.95), (6, 5), False, 1.0)],
)
def test_a_newcomer_joins_from_its_card_whatever_was_chosen(
    zoo_skill, newcomer, seeds, uses, asked
):
    everyone = drawn([*zoo_skill, newcomer], "zoo", seed=seeds[0])
    *candidates, new = everyone.llms
    fitted = router().fit(everyone.select(candidates), drawn(TWO_SIDED, "pool", seed=seeds[1]))
    assert (fitted.share_ > 0) is uses
    fitted.admit(new, everyone)
    chosen = fitted.route(list(everyone.questions)) == len(candidates)
    assert chosen.mean() == pytest.approx(asked, abs=0.1)
    assert (chosen[::2]).mean() > 0.9  # those on birds
