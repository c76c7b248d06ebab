"""A pretrained causal LM: read only, or read through LoRA adapters of one's own.

References
----------
Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, cast

import torch
from torch import Tensor, nn

from routers.continuing import continuing


@dataclass(frozen=True)
class LoRA:
    """Which matrices of an LM are adapted, and how.

    Parameters
    ----------
    rank : int
        Of the product that is added to a matrix.
    alpha : float
        The product is multiplied by ``alpha / rank``.
    targets : str
        Regular expression of the names of the modules to adapt.
    """

    rank: int
    alpha: float
    targets: str


class FrozenLM:
    """A pretrained causal LM that is only ever read, with its tokenizer.

    Attributes
    ----------
    tokens : callable
        Token ids of a text, see :func:`routers.continuing.continuing`.
    embedding_rms : float
        Root mean square of the entries of its token embeddings, the natural unit of soft tokens.
    """

    def __init__(self, path: str, dtype: torch.dtype, device: torch.device):
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(path)
        with torch.random.fork_rng(devices=[]):  # loading initialises before it reads
            loaded = AutoModelForCausalLM.from_pretrained(
                path, dtype=dtype, attn_implementation=_register_attention()
            )
        network = cast(Any, loaded)
        network.eval().requires_grad_(False).to(device)
        self.decoder = network.get_decoder()
        self.embedding = network.get_input_embeddings()
        self.dtype, self.device = dtype, device
        self.tokens = continuing(self.tokenizer)
        n_tokens, self.width = self.embedding.weight.shape
        self._head = network.get_output_embeddings()
        some = self.embedding(torch.arange(min(4096, n_tokens), device=device))
        self.embedding_rms = float(some.float().square().mean().sqrt())

    def embed(self, ids: Sequence[int]) -> Tensor:
        """Return the embeddings of some tokens, shape (len(ids), d)."""
        return self.embedding(torch.tensor(list(ids), dtype=torch.long, device=self.device))

    def output_weights(self, word: str) -> tuple[Tensor, Tensor]:
        """Return the weights (d,) and the bias () of a word's first token in the output layer."""
        token = self.tokens(word)[0]
        bias = self._head.bias
        zero = torch.zeros((), device=self.device)
        return self._head.weight[token].float(), zero if bias is None else bias[token].float()


def grouped_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    softcap: float | None = None,
    **_: object,
) -> tuple[Tensor, None]:
    """Attend in plain matrix products, the queries of a key-value head side by side.

    For suffixes of a few tokens behind a long shared prefix this is faster on a CPU than the fused
    attention (whose backward pass takes half of a training step) and than transformers' own plain
    one (which copies the keys once per query head).

    Parameters
    ----------
    module : nn.Module
        Not used: the LM is frozen, there is no dropout.
    query : Tensor of shape (b, heads, q, e)
    key, value : Tensor of shape (b, h, n, e)
        ``heads`` is a multiple of h.
    attention_mask : Tensor of shape (b, 1, q, n) or None
        Added to the logits.
    scaling : float
        Of the logits.
    dropout : float
        Not used.
    softcap : float, optional
        Logits are bent to stay below it (Gemma 2).

    Returns
    -------
    Tensor of shape (b, q, heads, e), None
    """
    b, heads, q, e = query.shape
    h, n = key.shape[1:3]
    together = query.reshape(b, h, heads // h * q, e)
    logits = (together @ key.transpose(2, 3)).view(b, heads, q, n) * scaling
    if softcap is not None:
        logits = softcap * torch.tanh(logits / softcap)
    if attention_mask is not None:
        logits = logits + attention_mask
    weights = torch.softmax(logits, dim=-1, dtype=torch.float32).to(query.dtype)
    out = weights.view(b, h, heads // h * q, n) @ value
    return out.view(b, heads, q, e).transpose(1, 2), None


def _register_attention() -> str:
    """Make :func:`grouped_attention` known to transformers, and return its name there."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import eager_mask

    name = "proctor_grouped"
    AttentionInterface.register(name, grouped_attention)
    AttentionMaskInterface.register(name, eager_mask)  # masks that are added, never left out
    return name


@lru_cache(maxsize=2)
def load_lm(path: str, dtype: torch.dtype, device: torch.device) -> FrozenLM:
    """Load an LM once per process."""
    return FrozenLM(path, dtype, device)


def with_adapters(lm: FrozenLM, lora: LoRA, seed: int) -> tuple[FrozenLM, dict[str, nn.Parameter]]:
    """Return an LM that shares the weights of another one, and the adapters it has of its own.

    The other LM, which the process may use elsewhere, is left as it is: the modules are copied, the
    tensors in them are not. New adapters add nothing yet.

    Parameters
    ----------
    lm : FrozenLM
    lora : LoRA
    seed : int
        Of the adapters' first weights.

    Raises
    ------
    ValueError
        If no module is named as ``lora.targets`` wants.
    """
    from peft import LoraConfig, inject_adapter_in_model

    tensors = {id(t): t for t in chain(lm.decoder.parameters(), lm.decoder.buffers())}
    adapted = copy.copy(lm)
    adapted.decoder = copy.deepcopy(lm.decoder, cast(Any, tensors))
    config = LoraConfig(r=lora.rank, lora_alpha=cast(int, lora.alpha), target_modules=lora.targets)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(config, adapted.decoder)
    adapted.decoder.eval()
    learned = {n: p for n, p in adapted.decoder.named_parameters() if p.requires_grad}
    for parameter in learned.values():
        parameter.data = parameter.data.float()  # steps of the optimizer are too small for 16 bits
    return adapted, learned
