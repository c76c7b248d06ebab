"""Model-SAT's network: soft tokens on their way through the upper layers of a frozen LM."""

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from transformers import AutoModelForCausalLM

from routers.model_sat.language_model import CutLM, load_lm
from routers.model_sat.network import ModelSATNetwork, require_same_path, side_by_side
from routers.validation import InvalidParameterError

QUESTIONS = ["what is one plus one?", "name a verb", "x", "how many sums make a long question?"]


@pytest.fixture(scope="module")
def lm(tiny_lm) -> CutLM:
    return load_lm(str(tiny_lm), 0.5, torch.float32, torch.device("cpu"))


def network(lm, n_soft=1, inquiry=False, **more) -> ModelSATNetwork:
    """A network of which every weight matters."""
    built = ModelSATNetwork(lm, 3, n_soft, inquiry, **({"rank": 2} | more))
    built.begin_at(3 * np.linspace(-1, 1, lm.width))
    generator = torch.Generator().manual_seed(0)
    for name, parameter in built.named_parameters():
        if name != "gain":
            parameter.data = 0.3 * torch.randn(parameter.shape, generator=generator)
    return built


def by_hand(lm, path, built, question, vector) -> float:
    """The logit of one llm on one question: whole layers on one sequence, nothing kept."""
    from peft import LoraConfig, inject_adapter_in_model

    decoder = AutoModelForCausalLM.from_pretrained(path).get_decoder()
    prompt = lm.prompt(question, 64)
    asked = lm.tokens("?")[:1]
    states = decoder(input_ids=torch.tensor([[*prompt, *asked]]), output_hidden_states=True)
    before = states.hidden_states[lm.cut][0]
    soft = (torch.einsum("c,kdc->kd", vector, built.weight) + built.bias) * built.unit
    adapted = AutoModelForCausalLM.from_pretrained(path).get_decoder()
    places = "q_proj", "o_proj", "gate_proj", "up_proj", "down_proj"
    inject_adapter_in_model(
        LoraConfig(r=2, lora_alpha=2 * built.lora.scale, target_modules=list(places)), adapted
    )
    for number in range(len(lm.upper)):
        layer = adapted.layers[lm.cut + number]
        for key in built.lora.down:
            if key.startswith(f"{number}/"):
                module = layer.get_submodule(key.split("/", 1)[1].replace("/", "."))
                module.lora_A["default"].weight.data = built.lora.down[key]
                module.lora_B["default"].weight.data = built.lora.up[key]
    tail = torch.cat([soft, before[-1:]]) if built.inquiry else soft
    p = len(prompt)
    own = torch.cat([before[:p], tail])[None]
    frozen = before[:p][None]
    turn = decoder.rotary_emb(own, torch.arange(own.shape[1])[None])
    short = tuple(part[:, :p] for part in turn)
    mask = torch.full((own.shape[1],) * 2, -torch.inf).triu(1)[None, None]
    for number in range(lm.cut, len(decoder.layers)):
        # the question goes through the frozen layer, what follows it through the adapted one
        both = torch.cat([frozen, own[:, p:]], dim=1)
        after = adapted.layers[number](both, position_embeddings=turn, attention_mask=mask)
        frozen = decoder.layers[number](
            frozen, position_embeddings=short, attention_mask=mask[..., :p, :p]
        )
        frozen = _first(frozen)
        own = torch.cat([frozen, _first(after)[:, p:]], dim=1)
    hidden = decoder.norm(own)[0, -1]
    head = AutoModelForCausalLM.from_pretrained(path).get_output_embeddings()
    logits = head(hidden)
    read = logits[lm.tokens(" Yes")[0]] - logits[lm.tokens(" No")[0]]
    return float(built.gain * read + built.shift + built.taste @ vector)


def _first(out):
    return out[0] if isinstance(out, tuple) else out


@pytest.mark.parametrize(("n_soft", "inquiry"), [(1, False), (3, False), (2, True)])
@torch.no_grad()
def test_tokens_behind_kept_keys_and_values_equal_a_full_pass(lm, tiny_lm, n_soft, inquiry):
    built = network(lm, n_soft, inquiry)
    capability = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    memory = side_by_side([lm.read(lm.prompt(question, 64)) for question in QUESTIONS], lm)
    logits = built(memory, capability)
    expected = [[by_hand(lm, tiny_lm, built, q, c) for c in capability] for q in QUESTIONS]
    assert np.std(expected, axis=0).min() > 1e-3  # the question matters
    assert np.std(expected, axis=1).min() > 1e-3  # and so does the llm
    np.testing.assert_allclose(logits.numpy(), expected, atol=2e-5)


@torch.no_grad()
def test_no_llm_nor_question_sees_another(lm):
    built = network(lm, n_soft=2, inquiry=True)
    capability = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    readings = [lm.read(lm.prompt(question, 64)) for question in QUESTIONS]
    together = built(side_by_side(readings, lm), capability)
    for row, reading in enumerate(readings):
        for column in range(5):
            alone = built(side_by_side([reading], lm), capability[column : column + 1])
            assert float(alone) == pytest.approx(float(together[row, column]), abs=1e-5)


def test_adapters_add_nothing_before_they_learn(lm):
    memory = side_by_side([lm.read(lm.prompt("x", 64))], lm)
    with torch.no_grad():
        plain, adapted = (
            ModelSATNetwork(lm, 3, rank=rank)(memory, torch.zeros(1, 3)) for rank in (0, 4)
        )
    assert torch.equal(plain, adapted)


def test_soft_tokens_begin_as_a_state_of_the_lm(lm):
    built = ModelSATNetwork(lm, 3, n_soft=2)
    state = 7 * np.linspace(-1, 1, lm.width)
    built.begin_at(state)
    found = built._soft(torch.randn(4, 3)).detach().numpy()
    np.testing.assert_allclose(found, np.broadcast_to(state, found.shape), rtol=1e-5)
    assert float(built.unit) == pytest.approx(np.sqrt((state**2).mean()))


def test_what_learns_is_the_connector_adapters_and_readout_and_nothing_of_the_lm(lm):
    built = network(lm)
    memory = side_by_side([lm.read(lm.prompt("x", 64))], lm)
    built(memory, torch.ones(2, 3)).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in built.parameters())
    assert all(parameter.grad is None for parameter in lm.decoder.parameters())
    other = ModelSATNetwork(lm, 3, rank=2)
    other.load_weights(built.weights())
    with torch.no_grad():
        assert torch.equal(*(net(memory, torch.ones(2, 3)) for net in (built, other)))


def test_long_questions_keep_beginning_and_end(lm):
    whole = lm.prompt("a b c d e f g h", 64)
    cut = lm.prompt("a b c d e f g h", 4)
    assert len(cut) < len(whole)
    n_before, tokens = len(lm.tokens("Question:\n")), lm.tokens("a b c d e f g h")
    start = len(whole) - len(tokens) - len(lm.tokens(AFTER)) - n_before
    assert cut[start + n_before :][:4] == tokens[:2] + tokens[-2:]


AFTER = "\n\nWill this question be answered correctly by the"


def test_an_lm_of_another_layout_is_refused(tmp_path):
    from tokenizers import Tokenizer, models
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    config = GPT2Config(n_layer=1, n_head=1, n_embd=8, vocab_size=32, n_positions=16)
    GPT2LMHeadModel(config).save_pretrained(tmp_path)
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(tmp_path)
    with pytest.raises(InvalidParameterError, match="built as Llama"):
        CutLM(str(tmp_path), 0.5, torch.float32, torch.device("cpu"))


def test_an_lm_is_passed_as_it_passes_its_own_tokens(lm, monkeypatch):
    require_same_path(lm, "tiny")
    whole = ModelSATNetwork._attend
    monkeypatch.setattr(ModelSATNetwork, "_attend", lambda *given: 0.5 * whole(*given))
    with pytest.raises(InvalidParameterError, match="built as Llama, Mistral or Qwen2"):
        require_same_path(lm, "tiny")


@pytest.mark.parametrize("kind", ["Qwen2", "Gemma3"])
def test_what_has_the_same_parts_may_be_built_otherwise(lm, tiny_lm, tmp_path, kind):
    import transformers

    config = {"Qwen2": "Qwen2Config", "Gemma3": "Gemma3TextConfig"}[kind]
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "head_dim": 8}
    sizes |= {"num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.3}
    made = getattr(transformers, config)(vocab_size=len(lm.tokenizer), **sizes)
    torch.manual_seed(0)
    getattr(transformers, f"{kind}ForCausalLM")(made).save_pretrained(tmp_path)
    lm.tokenizer.save_pretrained(tmp_path)
    other = CutLM(str(tmp_path), 0.5, torch.float32, torch.device("cpu"))
    if kind == "Qwen2":
        require_same_path(other, kind)
    else:
        with pytest.raises(InvalidParameterError, match="got 'Gemma3'"):
            require_same_path(other, kind)
