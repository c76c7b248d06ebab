"""What Phi-3 wants of ``model_sat_paper``: its tokenizer, and passes that fit into memory."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
import torch
from transformers import AutoTokenizer

from routers.model_sat_paper import arrangements
from routers.model_sat_paper.language_model import LoRA
from routers.model_sat_paper.network import NetworkConfig, ScoringNetwork

QUESTIONS = ["Item 900: wing egg song flight owl?", "Item 901: hull mast?", "Item 902: rye oven?"]


@pytest.fixture(scope="module")
def phi(tiny_phi) -> str:
    return str(tiny_phi)


def small(phi: str, **changes) -> ScoringNetwork:
    lora = LoRA(rank=2, alpha=4, targets=r".*\.(q_proj|v_proj|qkv_proj)")
    given = {"order": "profile_first", "dtype": "float32", "device": "cpu", "lora": lora}
    return ScoringNetwork(NetworkConfig(phi, 3, **(given | changes)))


def test_the_space_that_a_tokenizer_puts_first_is_no_token_of_a_text(phi):
    lm, tokenizer = small(phi).lm, AutoTokenizer.from_pretrained(phi)
    assert tokenizer.tokenize(" Yes") == ["▁", "▁Yes"]
    assert tokenizer.convert_ids_to_tokens(lm.tokens(" Yes")) == ["▁Yes"]
    assert lm.tokens("Yes") == lm.tokens(" Yes")
    assert tokenizer.convert_ids_to_tokens(lm.tokens("\n")) == ["<0x0A>"]
    assert lm.tokens("") == []


def test_yes_and_no_must_begin_otherwise(phi, monkeypatch):
    monkeypatch.setattr("routers.model_sat_paper.network._NO", " Yes.")
    with pytest.raises(ValueError, match=r"'lm_path' must tell ' Yes' from ' Yes.' .* got \["):
        small(phi)


@pytest.mark.parametrize("adapted", [False, True])
def test_passes_of_a_few_sequences_are_one_pass(phi, monkeypatch, adapted):
    scorer = small(phi)
    if adapted:
        scorer.adapt(seed=0)
    capability = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    sizes, whole = [], arrangements.ProfileFirst._pass
    monkeypatch.setattr(
        arrangements.ProfileFirst,
        "_pass",
        lambda self, *rest: sizes.append(len(rest[-1])) or whole(self, *rest),
    )

    def learned(tokens: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        monkeypatch.setattr(arrangements, "_TOKENS_PER_PASS", tokens)
        scorer.zero_grad()
        logits = scorer([scorer.prefix(question) for question in QUESTIONS], capability)
        logits.square().sum().backward()
        moved = {n: p.grad.clone() for n, p in scorer.named_parameters() if p.grad is not None}
        return logits.detach(), moved

    together, all_at_once = learned(10**6)
    assert sizes == [15]
    longest = 2 + max(len(scorer.prefix(question).states) + 1 for question in QUESTIONS)
    apart, in_turn = learned(4 * longest)
    assert sizes == [15, 4, 4, 4, 3, 3, 4, 4, 4]  # once more for the gradient
    torch.testing.assert_close(apart, together, atol=1e-5, rtol=1e-4)
    assert any("lora" in name for name in in_turn) == adapted
    for name, gradient in all_at_once.items():
        torch.testing.assert_close(in_turn[name], gradient, atol=1e-3, rtol=1e-3)
    with torch.no_grad():
        scorer([scorer.prefix(question) for question in QUESTIONS], capability)
    assert sizes[9:] == [4, 4, 4, 3]
    monkeypatch.setattr(arrangements, "_TOKENS_PER_PASS", 1)
    with torch.no_grad():
        scorer([scorer.prefix(QUESTIONS[0])], capability[:2])
    assert sizes[13:] == [1, 1]
