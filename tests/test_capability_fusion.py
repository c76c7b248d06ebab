"""Capability fusion, its cards, its item factors and the LM's reading."""

import json

import numpy as np
import pytest
from relatives import pool_of
from scipy.special import logit

from benchmarks.sources import synthetic
from routers.aptitude.cards import ProfileCard
from routers.aptitude.examination import AptitudeTest
from routers.calibration import CalibratedRouter
from routers.capability_fusion.items import ItemFactors
from routers.capability_fusion.router import CapabilityFusionRouter
from routers.encoders import TfidfEncoder
from routers.lm_reading import LMReadingEncoder
from routers.policies import PolicyRouter
from routers.table import RoutingTable


def router(**changed) -> CapabilityFusionRouter:
    given = {"encoder": TfidfEncoder(dim=32), "n_tasks": 6, "n_shots": 8, "n_factors": 4}
    return CapabilityFusionRouter(**(given | changed))


@pytest.fixture
def halves(table):
    return table.rows(slice(0, None, 2)), table.rows(slice(1, None, 2))


def reached(fitted, test) -> float:
    return float(test.scores[range(len(test)), fitted.route(list(test.questions))].mean())


def test_a_new_llm_is_routed_from_its_card_alone(halves):
    train, test = halves
    expert = "ship expert"
    others = [name for name in train.llms if name != expert]
    pool = pool_of(train)  # its relatives are there, it is not
    fitted = router().fit(train.select(others), pool)
    before = reached(fitted, test.select(others))
    text = fitted.card(expert, train).to_json()
    fitted.admit_card(ProfileCard.from_json(text))
    assert list(fitted.llms_) == [*others, expert]
    assert reached(fitted, test.select([*others, expert])) > before + 0.1


def test_admit_is_admit_card(halves):
    train, _ = halves
    others = list(train.llms[1:])
    one = router().fit(train.select(others), pool_of(train)).admit(train.llms[0], train)
    two = router().fit(train.select(others), pool_of(train))
    two.admit_card(two.card(train.llms[0], train))
    questions = list(train.questions[:5])
    assert np.array_equal(one.predict_scores(questions), two.predict_scores(questions))
    with pytest.raises(ValueError, match="in the zoo already"):
        two.admit_card(two.card(train.llms[0], train))


def test_a_card_of_another_test_is_refused(halves):
    train, _ = halves
    fitted = router().fit(train.select(train.llms[1:]))
    other = AptitudeTest.build(train.rows(slice(0, 20)), 2, 5)
    card = ProfileCard.examine(train.llms[0], other, train.select([train.llms[0]]))
    with pytest.raises(ValueError, match="Let the llm answer the questions"):
        fitted.admit_card(card)


def test_cards_survive_json_and_refuse_what_is_not_one(halves):
    train, _ = halves
    test = AptitudeTest.build(train, 4, 5)
    card = ProfileCard.examine("new", test, train.select([train.llms[0]]))
    assert ProfileCard.from_json(card.to_json()) == card
    assert sum(card.shots) == test.n_questions
    found = json.loads(card.to_json())
    with pytest.raises(ValueError, match="version 1"):
        ProfileCard.from_json(json.dumps(found | {"version": 9}))
    with pytest.raises(ValueError, match="must hold"):
        ProfileCard.from_json(json.dumps({"llm": "new"}))
    with pytest.raises(ValueError, match="as many accuracies as shots"):
        ProfileCard.from_json(json.dumps(found | {"shots": []}))


def test_profile_controls(halves):
    """The profile is used: without it llms tie, with another's the choice is worse."""
    train, test = halves
    questions = list(test.questions)
    constant = router(profile="constant").fit(train).predict_scores(questions)
    assert np.allclose(constant, constant[:, :1], atol=1e-6)
    mean = router(profile="mean").fit(train)
    assert len(set(mean.route(questions))) == 1
    assert reached(router().fit(train), test) > reached(router(profile="swapped").fit(train), test)


def test_item_factors_recover_what_text_tells():
    """Two kinds of questions that the vector tells apart, and a pool that splits on them."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 120) * 2 - 1
    vectors = np.column_stack([kind, rng.normal(size=(120, 3))]).astype(np.float32)
    taste = rng.normal(size=40)
    departures = 0.3 * np.outer(kind, taste) + rng.normal(size=(120, 40)) * 0.05
    factors = ItemFactors(3)
    loadings = factors.fit(vectors, departures)
    assert loadings.shape == (40, 3)
    assert factors.explained_[0] > 0.9
    assert (factors.explained_[1:] < 0.2).all()
    again = factors.predict(vectors) @ loadings.T
    assert np.abs(again - 0.3 * np.outer(kind, taste)).max() < 0.15


def test_no_factors_where_nothing_departs():
    factors = ItemFactors(3)
    assert factors.fit(np.ones((5, 2)), np.zeros((5, 4))).shape == (4, 0)
    assert factors.predict(np.ones((3, 2))).shape == (3, 0)


def test_the_pool_is_checked(table):
    fitted = router()
    with pytest.raises(ValueError, match="other llms than the zoo"):
        fitted.fit(table, table)
    pool = pool_of(table)
    with pytest.raises(ValueError, match="must hold every training question"):
        fitted.fit(table, pool.rows(slice(1, None)))
    order = np.random.default_rng(0).permutation(len(table))
    shuffled = pool.rows(order).select(list(pool.llms[::-1]))
    one, two = router().fit(table, pool), router().fit(table, shuffled)
    questions = list(table.questions[:9])
    assert np.array_equal(one.predict_scores(questions), two.predict_scores(questions))


@pytest.mark.parametrize("wrap", [CalibratedRouter, PolicyRouter])
def test_wrappers_hand_the_pool_on(wrap, table):
    wrapped = wrap(router()).fit(table, pool_of(table))
    alone = router().fit(table, pool_of(table))
    assert np.array_equal(wrapped.router_.factors_.explained_, alone.factors_.explained_)


def test_lm_reading(tiny_lm, tmp_path):
    texts = [f"What is {i} + {i}?" for i in range(6)]
    encoder = LMReadingEncoder(str(tiny_lm), dtype="float32", cache_folder=str(tmp_path))
    vectors = encoder.fit(texts).transform(texts)
    assert vectors.shape == (6, 4 * 32)  # two means and two last states, 32 wide
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    blocks = np.stack(np.split(vectors, 4, axis=1))
    assert np.allclose(np.linalg.norm(blocks, axis=2), 0.5, atol=1e-4)
    assert list(tmp_path.glob("*.sqlite"))
    longer = LMReadingEncoder(str(tiny_lm), dtype="float32", max_tokens=8)
    beginning, end = "a question that begins ", " and ends so"
    one, two = (longer.raw([beginning + middle + end])[0] for middle in ("x" * 90, "y" * 90))
    assert np.array_equal(one, two)  # only beginning and end are read


def test_states_are_read_in_standard_deviations_from_their_mean(monkeypatch):
    """Of each of two blocks the first number has mean 1 and deviation 1, the other 30 and 20."""
    encoder = LMReadingEncoder("nowhere", mean_depths=[0.5], last_depths=[1.0])
    states = {"low": [0, 10, 0, 10], "high": [2, 50, 2, 50], "new": [1 + 3, 30 + 80, 1 + 4, 30]}
    monkeypatch.setattr(encoder, "raw", lambda texts: np.array([states[text] for text in texts]))
    vector = encoder.fit(["low", "high"]).transform(["new"])[0]
    assert vector == pytest.approx(np.array([0.6, 0.8, 1, 0]) / np.sqrt(2))


def test_layers_above_the_deepest_state_are_not_missed(tiny_lm):
    def read(**depths):
        return LMReadingEncoder(str(tiny_lm), dtype="float32", **depths).raw(["What is 1 + 1?"])

    shallow = read(mean_depths=[0.5], last_depths=[0.5])
    deep = read(mean_depths=[0.5], last_depths=[0.5, 1.0])
    assert np.array_equal(shallow, deep[:, : shallow.shape[1]])


def test_a_network_that_is_laid_out_otherwise_is_read_too(tiny_lm, tmp_path):
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    tokenizer = AutoTokenizer.from_pretrained(tiny_lm)
    tokenizer.save_pretrained(tmp_path)
    config = GPT2Config(vocab_size=len(tokenizer), n_embd=16, n_layer=2, n_head=2)
    GPT2LMHeadModel(config).save_pretrained(tmp_path)
    vectors = LMReadingEncoder(str(tmp_path), dtype="float32").raw(["What is 1 + 1?"])
    assert vectors.shape == (1, 4 * 16)
    assert np.isfinite(vectors).all()


def test_without_item_factors_a_score_is_the_expected_accuracy(halves):
    train, test = halves
    fitted = router(n_factors=0, prior=0).fit(train)
    vectors = fitted.encoder_.transform(list(test.questions))
    accuracy = [train.scores[train.datasets == name].mean(axis=0) for name in fitted.classes_]
    expected = fitted.recognise(vectors) @ np.stack(accuracy)
    found = fitted.predict_scores(list(test.questions))
    clear = (expected > 0.02) & (expected < 0.98)
    assert clear.any()
    assert np.allclose(found[clear], expected[clear], atol=1e-5)


@pytest.mark.parametrize(("balanced", "share"), [(True, 1 / 2), (False, 1 / 4)])
def test_datasets_are_recognized_as_if_equally_frequent_where_that_is_asked_for(balanced, share):
    """What is typed the same tells nothing but how frequent a dataset is: ten against thirty."""
    table = RoutingTable(
        questions=["Which one?"] * 40,
        scores=np.tile([[1, 0], [0, 1]], (20, 1)),
        llms=["a", "b"],
        ids=[f"q{i:02}" for i in range(40)],
        datasets=["few"] * 10 + ["many"] * 30,
    )
    fitted = router(balanced=balanced).fit(table)
    found = fitted.recognise(fitted.encoder_.transform(["Which one?"]))
    assert found[0] == pytest.approx([share, 1 - share], abs=1e-3)


def test_an_item_moves_the_log_odds_by_its_factors_times_the_loadings(halves):
    train, _ = halves
    fitted = router(n_factors=1, weigh=False).fit(train)

    def log_odds(factor):
        fitted.factors_.predict = lambda vectors: np.full((len(vectors), 1), factor)
        return logit(fitted.predict_scores(["a question"])[0, np.argsort(fitted.llms_)])

    loadings = fitted.capability_[:, -1]  # llms by name
    assert np.abs(loadings).max() > 0.5
    assert np.allclose(log_odds(1.0) - log_odds(0.0), loadings, atol=1e-3)


def test_a_zoo_of_one_dataset_and_two_llms():
    table = synthetic.load(40, seed=0).table
    one = table.rows(table.datasets == table.datasets[0])
    fitted = router().fit(one.select(one.llms[:2]))
    assert fitted.predict_scores(["anything"]).shape == (1, 2)
