"""Model-SAT as a router: what it learns, whom it takes in, and what its controls take away."""

import copy
import json
import logging
from collections import Counter
from functools import cache

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from relatives import pool_of
from scipy.special import expit, logit
from sklearn.base import clone

from benchmarks.sources import synthetic
from routers.encoders import TfidfEncoder
from routers.model_sat import checkpoint, training
from routers.model_sat.checkpoint import Checkpoint
from routers.model_sat.connector import Connector
from routers.model_sat.lessons import Teaching, draw_shares, steps_for
from routers.model_sat.level import fit_card_means, level_questions
from routers.model_sat.pretrained import pretrain, read_card
from routers.model_sat.reader import QuestionReader
from routers.model_sat.router import ModelSATRouter
from routers.validation import InvalidParameterError

TABLE = synthetic.load(120, seed=1).table
TRAIN, TEST = TABLE.rows(slice(0, None, 2)), TABLE.rows(slice(1, None, 2))
ASKED = list(TEST.questions)
CHANCES = synthetic.expected_scores(TEST.datasets)  # .9 for each topic's expert, .5 on average
TEACHING = {"n_steps": 120, "n_llms": 4, "learning_rate": 0.06, "lora_learning_rate": 0.01}
TEACHING["token_dropout"] = 0.0  # one word tells what a question here is about


@pytest.fixture(scope="module")
def reader(tiny_lm) -> QuestionReader:
    return QuestionReader(str(tiny_lm), depth=0.5, max_question_tokens=64, dtype="float32")


@pytest.fixture(scope="module")
def router(reader):
    def build(connector=None, teaching=None, **changed) -> ModelSATRouter:
        given = {"n_tasks": 6, "n_shots": 8}
        return ModelSATRouter(
            reader,
            Connector(**{"lora_rank": 4} | (connector or {})),
            Teaching(**TEACHING | (teaching or {})),
            **given | changed,
        )

    return build


@pytest.fixture(scope="module")
def fitted(router):
    """Return routers by their differences, fitted once."""

    @cache
    def fit(pool=False, **changed) -> ModelSATRouter:
        return router(**changed).fit(TRAIN, pool_of(TRAIN) if pool else None)

    return fit


def reached(router) -> float:
    """Return the expected score of a router's choices."""
    place = {llm: column for column, llm in enumerate(TEST.llms)}
    chosen = [place[llm] for llm in router.llms_[router.route(ASKED)]]
    return float(CHANCES[range(len(TEST)), chosen].mean())


# What it learns --------------------------------------------------------------------------------


def test_it_learns_which_llm_is_good_at_what(fitted):
    assert reached(fitted()) > CHANCES.mean(axis=0).max() + 0.1
    loss = fitted().loss_
    assert len(loss) == 120
    assert loss[-10:].mean() < loss[:10].mean() - 0.05


def test_what_it_predicts_is_what_the_trained_network_says(router, monkeypatch):
    trained = []
    whole = training.train
    monkeypatch.setattr(
        training, "train", lambda network, *rest: trained.append(network) or whole(network, *rest)
    )
    fit = router(level="none").fit(TRAIN)
    order = np.argsort(np.argsort(fit.llms_))
    with torch.no_grad():
        read = fit.reader.readings().reader_of(ASKED)
        lengths = np.ones(len(ASKED), dtype=int)
        said = training.logits(trained[0], read, lengths, fit.capability_)
    expected = expit(said + fit.priors_)[:, order]
    np.testing.assert_allclose(fit.predict_scores(ASKED), expected, atol=2e-6)


def test_the_prior_is_the_log_odds_of_the_profile_s_mean(fitted):
    accuracies = fitted().card("ship expert", TRAIN).numbers()
    place = list(fitted()._known_).index("ship expert")
    assert fitted().priors_[place] == pytest.approx(logit(accuracies.mean()))


def test_without_a_pool_it_says_that_it_learns_from_the_zoo_itself(router, caplog):
    short = {"teaching": {"n_steps": 1}}
    with caplog.at_level(logging.WARNING):
        router(**short).fit(TRAIN, pool_of(TRAIN))
        assert "no pool" not in caplog.text
        router(**short).fit(TRAIN)
    assert "trained on the 4 llms that it is fitted on, and no others" in caplog.text


def test_the_zoo_is_drawn_as_often_as_asked():
    np.testing.assert_allclose(draw_shares(2, 3, 0.4), [0.2, 0.2, 0.2, 0.2, 0.2])
    np.testing.assert_allclose(draw_shares(1, 2, 0.0), [0, 0.5, 0.5])
    np.testing.assert_allclose(draw_shares(4, 0, 0.0), [0.25] * 4)


def test_candidates_that_are_never_trained_on_are_known_from_their_profiles(fitted):
    # relatives of all four are in the pool
    assert reached(fitted(pool=True, teaching=FrozenDict(zoo_share=0.0))) > 0.65


class FrozenDict(dict):
    """Keyword arguments by which what was fitted is found again."""

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.items())))


def test_more_kinds_of_questions_take_more_steps():
    kinds = np.random.default_rng(0).random((40, 3))
    kinds[0, 0] = np.nan
    assert steps_for(np.tile(kinds[:40], (5, 1)), 50) == 50 * 40
    assert steps_for(np.tile(kinds[:4], (5, 1)), 50) == 800
    assert steps_for(np.random.default_rng(0).random((200, 3)), 25) == 1500


@pytest.mark.parametrize("loss", ["question_groups", "llm_groups", "both_groups"])
def test_every_loss_is_another_training(fitted, loss):
    other = fitted(teaching=FrozenDict(loss=loss))
    assert np.abs(other.loss_ - fitted().loss_).max() > 0.01


# Levels ----------------------------------------------------------------------------------------


def macro(router, scores) -> np.ndarray:
    names = np.unique(TRAIN.datasets)
    return np.mean([scores[TRAIN.datasets == name].mean(axis=0) for name in names], axis=0)


def test_mean_scores_are_brought_to_what_is_known(fitted):
    found = fitted()
    level = macro(found, found.predict_scores(list(TRAIN.questions)))
    # of all training questions: there are less than thirty of each dataset
    known = [found.means_[list(found._known_).index(llm)] for llm in found.llms_]
    np.testing.assert_allclose(level, known, atol=1e-5)
    observed = macro(found, TRAIN.scores)
    np.testing.assert_allclose(known, observed, atol=0.05)  # shrunk a little
    without = fitted(level="none")
    without.predict_scores(ASKED)
    assert (without.shifts_ == 0).all()


def test_a_card_says_what_the_mean_is():
    rng = np.random.default_rng(0)
    profiles = rng.random((40, 5))
    parts = np.array([0.5, 0.1, 0.1, 0.2, 0.0])
    found = fit_card_means(profiles, profiles @ parts + 0.07)
    np.testing.assert_allclose(found, [*parts, 0.07], atol=0.03)
    few = fit_card_means(profiles[:3], profiles[:3].mean(axis=1) - 0.2)
    np.testing.assert_allclose(few, [0.2] * 5 + [-0.2], atol=1e-12)


def test_levels_are_found_on_some_questions_of_each_dataset():
    datasets = np.repeat(["a", "b"], [50, 4])
    rows, weights = level_questions(datasets, 0)
    assert list(np.unique(datasets[rows], return_counts=True)[1]) == [30, 4]
    assert weights[datasets[rows] == "b"] == pytest.approx([1 / 8] * 4)
    assert weights.sum() == pytest.approx(1)


def test_a_newcomer_s_level_is_its_card_s(fitted, router):
    newcomer = "ship expert"
    others = [llm for llm in TRAIN.llms if llm != newcomer]
    # relatives of the newcomer are in the pool
    found = router().fit(TRAIN.select(others), pool_of(TRAIN))
    before = reached(found)
    found.admit_card(found.card(newcomer, TRAIN))
    assert reached(found) > before + 0.05
    level = macro(found, found.predict_scores(list(TRAIN.questions)))[-1]
    assert level == pytest.approx(found.means_[-1], abs=1e-5)
    observed = macro(found, TRAIN.scores)[list(TRAIN.llms).index(newcomer)]
    assert level == pytest.approx(observed, abs=0.1)


def test_who_is_not_retained_is_no_candidate(router):
    found = router(teaching={"n_steps": 5}).fit(TRAIN)
    whole = found.predict_scores(ASKED)
    kept = [TRAIN.llms[2], TRAIN.llms[0]]
    found.retain(kept)
    assert list(found.llms_) == [TRAIN.llms[0], TRAIN.llms[2]]
    np.testing.assert_allclose(found.predict_scores(ASKED), whole[:, [0, 2]], atol=1e-6)
    with pytest.raises(ValueError, match="must be in the zoo of 2 llms"):
        found.retain(["nobody"])
    assert found.retain([]).predict_scores(ASKED).shape == (len(ASKED), 0)
    found.admit(TRAIN.llms[1], TRAIN)
    assert found.predict_scores(ASKED).shape == (len(ASKED), 1)


# Profiles --------------------------------------------------------------------------------------


def test_controls_take_away_what_the_profile_says(fitted):
    plain = fitted(level="none")

    def seen_as(control) -> ModelSATRouter:
        return copy.deepcopy(plain).set_params(profile=control)

    swapped, constant, mean = map(seen_as, ("swapped", "constant", "mean"))
    np.testing.assert_array_equal(swapped._seen(), np.roll(plain.capability_, 1, axis=0))
    assert reached(swapped) < reached(plain) - 0.1
    assert (constant._seen() == 0).all()
    lead = np.diff(logit(constant.predict_scores(ASKED)), axis=1)
    assert np.abs(lead - lead[0]).max() < 1e-4  # one order of the llms for all questions
    assert (mean._seen()[:, 1:] == 0).all()
    np.testing.assert_array_equal(mean._seen()[:, 0], plain.capability_[:, 0])


def test_a_profile_s_text_can_be_handed_over(router):
    encoder = TfidfEncoder(dim=16).fit([f"{n}% on a b c ship" for n in range(30)])
    connector = {"capability": "text", "text_encoder": encoder, "n_directions": 2}
    found = router(connector=connector, teaching={"n_steps": 5}).fit(TRAIN, pool_of(TRAIN))
    assert found.capability_.shape[1] <= 2 + 1 + 3
    assert np.isfinite(found.predict_scores(ASKED)).all()
    with pytest.raises(InvalidParameterError, match="text_encoder"):
        router(connector={"capability": "text"}).fit(TRAIN)


# Trained once, for any zoo ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(router, tmp_path_factory):
    where = tmp_path_factory.mktemp("pretrained") / "net"
    pretrain(router(level="card"), pool_of(TRAIN), where, "relatives")
    return where


def test_a_pretrained_network_serves_a_zoo_from_its_profiles(router, folder):
    found = router(pretrained=str(folder), level="card").fit(TRAIN)
    assert reached(found) > 0.65
    assert len(found.loss_) == 120
    same = router(level="card").fit(pool_of(TRAIN)).retain([])
    for llm in TRAIN.llms:
        same.admit(llm, TRAIN)
    np.testing.assert_array_equal(found.predict_scores(ASKED), same.predict_scores(ASKED))


def test_the_card_says_what_it_was_trained_on(folder):
    card = read_card(folder)
    assert card.name == "relatives"
    assert card.datasets == Counter(TRAIN.datasets)
    assert len(card.questions) == len(TRAIN)
    assert len(card.llms) == 24
    assert card.n_steps == 120
    assert "ModelSATRouter" in card.router
    assert sorted(file.name for file in folder.iterdir()) == ["card.json", "router.skops"]


def test_what_was_trained_on_is_told(router, folder, caplog):
    found = router(pretrained=str(folder)).fit(TRAIN)
    with caplog.at_level(logging.WARNING):
        found.predict_scores(ASKED)
        assert not caplog.text
        found.predict_scores([*ASKED, TRAIN.questions[0]])
    assert f"1 of {len(ASKED) + 1} questions to route" in caplog.text
    with caplog.at_level(logging.WARNING):
        router(pretrained=str(folder)).fit(pool_of(TRAIN))
    assert "24 of 24 candidates are among the llms" in caplog.text


def test_folders_that_do_not_fit_are_refused(router, folder, tmp_path, reader):
    with pytest.raises(ValueError, match=r"no card.json"):
        router(pretrained=str(tmp_path)).fit(TRAIN)
    with pytest.raises(ValueError, match="without a pretrained network"):
        pretrain(router(), TRAIN, folder, "again")
    other = clone(router(pretrained=str(folder))).set_params(reader__max_question_tokens=32)
    with pytest.raises(ValueError, match="must stand on the LM"):
        other.fit(TRAIN)
    with pytest.raises(ValueError, match="must have taken half of the"):
        router(pretrained=str(folder)).fit(TRAIN.rows(slice(0, 9)))
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "card.json").write_text((folder / "card.json").read_text())
    (copy / "router.skops").write_bytes(b"another")
    with pytest.raises(ValueError, match="its hash is another one"):
        router(pretrained=str(copy)).fit(TRAIN)
    card = json.loads((folder / "card.json").read_text()) | {"version": 0}
    (copy / "card.json").write_text(json.dumps(card))
    with pytest.raises(ValueError, match="of version 1, got version 0"):
        read_card(copy)


class Interrupted(Exception):
    """Somebody stopped the training."""


def test_an_interrupted_training_goes_on_where_it_stood(router, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "_SECONDS", 0.0)
    teaching = {"n_steps": 12, "n_llms": 3}
    whole = router(teaching=teaching).fit(TRAIN)
    file = tmp_path / "state.pt"
    kept = router(teaching=teaching | {"checkpoint": str(file)})
    keep = Checkpoint.keep

    def stop(self, network, optimizer, losses):
        keep(self, network, optimizer, losses)
        if len(losses) == 5:
            raise Interrupted

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoint, "keep", stop)
        with pytest.raises(Interrupted):
            kept.fit(TRAIN)
    begun = []
    resume = Checkpoint.resume

    def counting(self, network, optimizer):
        losses = resume(self, network, optimizer)
        begun.append(len(losses))
        return losses

    monkeypatch.setattr(Checkpoint, "resume", counting)
    again = clone(kept).fit(TRAIN)
    assert begun == [5]
    np.testing.assert_array_equal(again.loss_, whole.loss_)
    for name, values in whole.weights_.items():
        np.testing.assert_array_equal(again.weights_[name], values)
    moved = file.rename(tmp_path / "moved.pt")
    clone(kept).set_params(teaching__checkpoint=str(moved)).fit(TRAIN)
    assert begun == [5, 12]
    moved.rename(file)
    with pytest.raises(ValueError, match="that of another one"):
        clone(kept).set_params(random_state=1).fit(TRAIN)


def test_the_state_is_not_written_at_every_step(router, tmp_path):
    file = tmp_path / "state.pt"
    router(teaching={"n_steps": 5, "checkpoint": str(file)}).fit(TRAIN)
    assert not file.exists()
