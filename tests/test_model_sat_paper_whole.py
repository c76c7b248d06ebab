"""``router=model_sat_paper`` as configured, on tiny networks like E5-large and Phi-3-mini."""

from __future__ import annotations

import copy
import logging

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from conftest import composed
from hydra.utils import instantiate
from scipy.special import expit, logit
from sklearn.base import clone
from tiny_encoder import build_tiny_e5
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchmarks.sources import synthetic
from routers import load_router, save_router
from routers.encoders import SentenceEncoder
from routers.model_sat_paper.capability import complete, profile_text
from routers.model_sat_paper.language_model import load_lm
from routers.model_sat_paper.network import ScoringNetwork
from routers.model_sat_paper.router import PaperModelSATRouter

QUESTIONS = ["Item 900: wing egg song flight owl?", "Item 901: hull mast?", "Item 902: rye oven?"]
PROMPT = "\nQuestion:\n{}\n\nWill this question be answered correctly by the assistant?"


@pytest.fixture(scope="module")
def phi(tiny_phi) -> str:
    return str(tiny_phi)


@pytest.fixture(scope="module")
def paper(tmp_path_factory, phi) -> PaperModelSATRouter:
    """The router of the configuration: only the paths are others, and what the machine decides."""
    e5 = build_tiny_e5(tmp_path_factory.mktemp("e5"))
    paths = {
        "lm_path": phi,
        "encoder.path": e5,
        "encoder.cache_folder": tmp_path_factory.mktemp("cache"),
        "dtype": "float32",
        "device": "cpu",
    }
    changes = [f"router.{name}={value}" for name, value in paths.items()]
    return instantiate(composed("router=model_sat_paper", *changes).router, _convert_="all")


@pytest.fixture(scope="module")
def table():
    return synthetic.load(60, seed=1).table


@pytest.fixture(scope="module")
def pool(table):
    """Two others of each llm's kind, that differ from it one time in ten."""
    rng = np.random.default_rng(0)
    scores = np.repeat(table.scores, 2, axis=1)
    scores = np.where(rng.random(scores.shape) < 0.1, 1 - scores, scores)
    names = [f"{llm} {number}" for llm in table.llms for number in range(2)]
    return type(table)(table.questions, scores, names, table.ids, table.datasets)


@pytest.fixture(scope="module")
def read():
    """Texts that the encoder's network was given."""
    return []


@pytest.fixture(scope="module")
def fitted(paper, table, pool, read) -> PaperModelSATRouter:
    """Fitted with all outcomes in training, so that what stage 2 learned is kept."""
    encode = SentenceEncoder._encode

    def listened(self, texts):
        read.extend(self.prefix + text for text in texts)
        return encode(self, texts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SentenceEncoder, "_encode", listened)
        return clone(paper).set_params(validation_fraction=0.0).fit(table, pool)


def of_one_view(router: PaperModelSATRouter, view: int) -> PaperModelSATRouter:
    alone = copy.copy(router)
    alone.views_ = [router.views_[view]]
    return alone


def network_of(router: PaperModelSATRouter) -> ScoringNetwork:
    network = router._network(router._views(router.profiles_).shape[2])
    network.load_weights(router.connector_)
    return network


def test_the_configuration_is_the_papers(paper):
    settings = paper.get_params(deep=False)
    said = {
        "order": "profile_first",
        "capability": "text",
        "loss": "llm_groups",
        "shuffles": 2,
        "n_soft": 1,
        "n_tasks": 50,
        "n_shots": 20,
        "readout": "yes",
        "prior": False,
    }
    assert said.items() <= settings.items()
    assert paper.epochs >= 1
    assert paper.stage2_epochs >= 1
    assert isinstance(paper.encoder, SentenceEncoder)


def test_the_encoder_reads_every_profile_in_every_order(fitted, table, pool, read):
    words = fitted.aptitude_test_["descriptions"]
    orders = [view["order"] for view in fitted.views_]
    assert len(orders) == 2
    assert list(orders[0]) == list(range(len(words)))
    assert list(orders[1]) != list(orders[0])
    for state, order in zip(fitted.views_, orders, strict=True):
        for profile in complete(fitted.profiles_, state["task_means"]):
            text = profile_text(profile[order], [words[task] for task in order])
            assert f"query: {text}" in read
    assert not any(question in text for text in read for question in table.questions)


def test_tasks_that_the_encoder_cuts_are_counted(paper, table, caplog):
    cut = clone(paper).set_params(encoder__max_tokens=64, stage2_epochs=0)
    with caplog.at_level(logging.INFO):
        cut.fit(table.rows(slice(24)))
    (said,) = [r.getMessage() for r in caplog.records if "The encoder reads" in r.getMessage()]
    read, of = (int(word) for word in said.split() if word.isdigit())
    assert 0 < read < of == cut.profiles_.shape[1]


def test_the_lm_meets_the_profile_then_the_question(fitted, phi):
    """Each sequence: beginning of text, soft token of the llm, question, inquiry."""
    network, tokenizer = network_of(fitted), AutoTokenizer.from_pretrained(phi)
    capability = torch.from_numpy(fitted._views(fitted.profiles_)[0])
    seen = []
    hook = network.lm.decoder.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(kwargs["inputs_embeds"]), with_kwargs=True
    )
    with torch.no_grad():
        soft = network.connector(capability)
        network([network.prefix(QUESTIONS[0])], capability)
    hook.remove()
    (whole,) = seen
    assert len(whole) == len(fitted.llms_)
    assert torch.equal(whole[:, 1:2], soft)
    assert np.ptp(soft.numpy(), axis=0).max() > 1e-3  # llms differ
    table = network.lm.embedding.weight
    for sequence in whole:
        others = torch.cat([sequence[:1], sequence[2:]])
        ids = [int((table == state).all(dim=1).nonzero()[0]) for state in others]
        assert ids[0] == tokenizer.bos_token_id
        assert tokenizer.decode(ids[1:]) == PROMPT.format(QUESTIONS[0])


def test_yes_is_one_token_whose_raw_logit_is_the_score(fitted, phi):
    """By hand: the LM as transformers loads it, the adapters' products added to its matrices."""
    network = network_of(fitted)
    capability = torch.from_numpy(fitted._views(fitted.profiles_)[1])
    plain = AutoModelForCausalLM.from_pretrained(phi, dtype=torch.float32)
    tokenizer, learned = AutoTokenizer.from_pretrained(phi), fitted.connector_
    for number, layer in enumerate(plain.model.layers):
        name = f"lora.layers/{number}/self_attn/qkv_proj/lora_{{}}/default/weight"
        thin = [torch.from_numpy(learned[name.format(part)]) for part in "BA"]
        scale = fitted.lora_alpha / fitted.lora_rank
        layer.self_attn.qkv_proj.weight.data += scale * thin[0] @ thin[1]
    text = PROMPT.format(QUESTIONS[1])
    before, question, after = text.partition(QUESTIONS[1])
    tokens = []
    for part in (before, question, after[:-1], "?"):
        found = tokenizer.tokenize(part)
        tokens += found[1:] if found[0] == "▁" else found  # the tokenizer's own space
    prompt = plain.get_input_embeddings()(torch.tensor(tokenizer.convert_tokens_to_ids(tokens)))
    start = plain.get_input_embeddings()(torch.tensor([tokenizer.bos_token_id]))
    with torch.no_grad():
        soft = network.connector(capability)
        said = network([network.prefix(QUESTIONS[1])], capability)[0]
        whole = [torch.cat([start, each, prompt])[None] for each in soft]
        last = [plain(inputs_embeds=states).logits[0, -1] for states in whole]
    yes = torch.stack(last)[:, tokenizer.convert_tokens_to_ids("▁Yes")]
    by_hand = learned["scale"] * yes.numpy() + learned["shift"]
    np.testing.assert_allclose(said.numpy(), by_hand, atol=2e-4)


def test_stage_1_leaves_the_lm_alone_and_stage_2_adapts_its_fused_matrices(
    paper, fitted, table, pool, phi
):
    frozen = clone(paper).set_params(validation_fraction=0.0, stage2_epochs=0).fit(table, pool)
    assert not [name for name in frozen.connector_ if name.startswith("lora")]
    assert fitted.history_["stage1_epochs"] == frozen.epochs == 1
    assert fitted.history_["train"][0] == frozen.history_["train"][0]
    adapters = {name: v for name, v in fitted.connector_.items() if name.startswith("lora")}
    assert len(adapters) == 2 * 2  # layers, two thin matrices each
    assert all("/self_attn/qkv_proj/" in name for name in adapters)
    assert all(np.abs(value).max() > 0 for value in adapters.values())
    # the states of the LM on plain text, not the score: the connector has no part in them
    ids = torch.tensor([network_of(frozen).lm.tokens(QUESTIONS[0])])
    fresh = AutoModelForCausalLM.from_pretrained(phi, dtype=torch.float32).model
    with torch.no_grad():
        first, second, whole = (
            lm(input_ids=ids).last_hidden_state
            for lm in (fresh, network_of(frozen).lm.decoder, network_of(fitted).lm.decoder)
        )
    torch.testing.assert_close(first, second)
    assert (first - whole).abs().max() > 1e-5
    on_disk = dict(fresh.named_parameters())
    shared = load_lm(phi, torch.float32, torch.device("cpu")).decoder
    assert all(torch.equal(value, on_disk[name]) for name, value in shared.named_parameters())


def test_probabilities_are_the_mean_over_the_orders_of_tasks(fitted):
    assert list(fitted.calibration_) == [1, 0]  # nothing was held out
    single = [of_one_view(fitted, view).predict_scores(QUESTIONS) for view in range(2)]
    assert np.abs(single[0] - single[1]).max() > 1e-4
    np.testing.assert_allclose(fitted.predict_scores(QUESTIONS), np.mean(single, axis=0), atol=1e-6)


def test_what_was_held_out_calibrates_the_mean(paper, table, pool):
    router = clone(paper).fit(table, pool)
    slope, intercept = router.calibration_
    assert (slope, intercept) != (1, 0)
    assert len(router.history_["validation"]) == 2
    mean = np.mean([expit(view) for view in router._view_logits(QUESTIONS)], axis=0)
    mean = mean[:, np.argsort(np.argsort(table.llms))]  # the router computes in order of names
    scores = router.predict_scores(QUESTIONS)
    np.testing.assert_allclose(scores, expit(slope * logit(mean) + intercept), atol=1e-6)


def test_it_is_saved_whole_and_admits_by_card(fitted, table, tmp_path):
    loaded = load_router(save_router(fitted, tmp_path / "paper.skops"))
    before = fitted.predict_scores(QUESTIONS)
    np.testing.assert_array_equal(loaded.predict_scores(QUESTIONS), before)
    twin = table.select([table.llms[0]])
    renamed = type(table)(twin.questions, twin.scores, ["twin"], twin.ids, twin.datasets)
    loaded.admit_card(fitted.card("twin", renamed))
    scores = loaded.predict_scores(QUESTIONS)
    assert list(loaded.llms_) == [*fitted.llms_, "twin"]
    old = list(fitted.llms_).index(table.llms[0])
    np.testing.assert_array_equal(scores[:, -1], scores[:, old])  # of the same profile
    np.testing.assert_allclose(scores[:, :-1], before, atol=1e-6)
    weak = type(table)(twin.questions, 0 * twin.scores, ["weak"], twin.ids, twin.datasets)
    newcomer = copy.deepcopy(fitted).admit("weak", weak).predict_scores(QUESTIONS)
    assert np.abs(newcomer[:, -1:] - newcomer[:, :-1]).min() > 1e-6
