"""The Model-SAT network: an llm's capability is a soft token that meets a question in an LM.

Letters in shape comments: b questions, m llms, c numbers of a capability vector, k soft tokens,
s = k (+ 1 with an inquiry) tokens per llm, p tokens of a prompt, d width of the LM, h key-value
heads, g query heads per key-value head, e width of a head.

References
----------
* Zhang, Zhan and Ye, "Capability Instruction Tuning: A New Paradigm for Dynamic LLM Routing"
  (Model-SAT), AAAI 2025: capability -> connector -> soft token in a causal LM -> P(Yes).
* Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from routers.model_sat.language_model import CutLM, Reading
from routers.validation import refusal

# Modules of a layer that soft tokens pass through adapted: keys and values stay the frozen LM's.
_ADAPTED = (
    "self_attn.q_proj",
    "self_attn.o_proj",
    *(f"mlp.{x}_proj" for x in ("gate", "up", "down")),
)
_SAME_PATH = 0.05  # of the length of a state: more than 16 bits lose


@dataclass(frozen=True)
class Memory:
    """Readings of b questions side by side, padded to p tokens.

    Attributes
    ----------
    states : Tensor of shape (b, 2, d)
    keys, values : Tensor of shape (l, b, h, p, e)
    padding : Tensor of shape (b, 1, 1, p)
        Added to the attention's logits: 0, or minus infinity behind a question's end.
    lengths : Tensor of int, shape (b,)
    """

    states: Tensor
    keys: Tensor
    values: Tensor
    padding: Tensor
    lengths: Tensor


def side_by_side(readings: Sequence[Reading], lm: CutLM) -> Memory:
    """Pad the readings of some questions to one length."""
    lengths = [reading.memory.shape[3] for reading in readings]
    n_layers, _, heads, _, e = readings[0].memory.shape
    shape = (2, n_layers, len(readings), heads, max(lengths), e)
    both = torch.zeros(shape, dtype=lm.dtype, device=lm.device)
    for row, (reading, length) in enumerate(zip(readings, lengths, strict=True)):
        both[:, :, row, :, :length] = reading.memory.transpose(0, 1).to(lm.device, lm.dtype)
    n_tokens = torch.tensor(lengths, device=lm.device)
    beyond = torch.arange(max(lengths), device=lm.device) >= n_tokens[:, None]
    padding = torch.zeros(beyond.shape, device=lm.device).masked_fill(beyond, -torch.inf)
    states = torch.stack([reading.states for reading in readings]).to(lm.device, torch.float32)
    return Memory(states, both[0], both[1], padding[:, None, None], n_tokens)


class LoRA(nn.Module):
    """Thin matrices beside the modules that soft tokens pass; they add nothing at first.

    Parameters
    ----------
    lm : CutLM
    rank : int
        0 for none.
    scale : float
        The product of the two matrices is multiplied by it.
    seed : int
    """

    def __init__(self, lm: CutLM, rank: int, scale: float, seed: int):
        super().__init__()
        self.rank, self.scale = rank, scale
        self.down, self.up = nn.ParameterDict(), nn.ParameterDict()
        generator = torch.Generator().manual_seed(seed)
        for number, layer in enumerate(lm.upper if rank else ()):
            for name in _ADAPTED:
                module = layer.get_submodule(name)
                start = torch.randn(rank, module.in_features, generator=generator)
                key = f"{number}/{name.replace('.', '/')}"
                self.down[key] = nn.Parameter(start / module.in_features**0.5)
                self.up[key] = nn.Parameter(torch.zeros(module.out_features, rank))

    def forward(self, number: int, layer: Any, name: str, x: Tensor) -> Tensor:
        """Apply a module of an upper layer, adapted."""
        module = layer.get_submodule(name)
        out = module(x)
        if not self.rank:
            return out
        key = f"{number}/{name.replace('.', '/')}"
        thin = functional.linear(x, self.down[key].to(x.dtype))
        return out + self.scale * functional.linear(thin, self.up[key].to(x.dtype))


class ModelSATNetwork(nn.Module):
    """Logits of "this llm answers this question correctly".

    Parameters
    ----------
    lm : CutLM
    n_inputs : int
        Length c of a capability vector.
    n_soft : int
        Soft tokens k per llm.
    inquiry : bool
        Whether P(Yes) is read off an inquiry behind the soft tokens instead of the last of them.
    rank, scale : int, float
        Of the adapters (:class:`LoRA`).
    seed : int
        Of the adapters' first matrices.

    Attributes
    ----------
    weight : Tensor of shape (k, d, c)
    bias : Tensor of shape (k, d)
        The connector, in units of the root mean square ``unit`` of the LM's states.
    """

    unit: Tensor

    def __init__(
        self,
        lm: CutLM,
        n_inputs: int,
        n_soft: int = 1,
        inquiry: bool = False,
        rank: int = 8,
        scale: float = 2.0,
        seed: int = 0,
    ):
        super().__init__()
        self.lm, self.inquiry = lm, inquiry
        self.weight = nn.Parameter(torch.zeros(n_soft, lm.width, n_inputs))
        self.bias = nn.Parameter(torch.zeros(n_soft, lm.width))
        self.register_buffer("unit", torch.ones(()))
        self.lora = LoRA(lm, rank, scale, seed)
        self.gain = nn.Parameter(torch.tensor(0.5))
        self.shift = nn.Parameter(torch.zeros(()))
        self.taste = nn.Parameter(torch.zeros(n_inputs))
        direction, offset = lm.direction()
        self.register_buffer("direction", direction, persistent=False)
        self.register_buffer("offset", offset, persistent=False)
        self.to(lm.device)

    @torch.no_grad()
    def begin_at(self, state: np.ndarray) -> None:
        """Let every soft token be a state (d,) of the LM at first: one that its layers know."""
        first = torch.as_tensor(state, dtype=torch.float32, device=self.lm.device)
        self.unit.copy_(first.square().mean().sqrt())
        self.bias.copy_((first / self.unit).expand_as(self.bias))

    def forward(self, memory: Memory, capability: Tensor) -> Tensor:
        """Return logits (b, m) for capability vectors (m, c)."""
        hidden = self._last_state(memory, self._soft(capability))
        read = self.lm.decoder.norm(hidden.to(self.lm.dtype)).float() @ self.direction + self.offset
        return self.gain * read + self.shift + capability @ self.taste

    def _soft(self, capability: Tensor) -> Tensor:
        """Return the soft tokens (m, k, d) of capability vectors."""
        return (torch.einsum("mc,kdc->mkd", capability, self.weight) + self.bias) * self.unit

    def _last_state(self, memory: Memory, soft: Tensor) -> Tensor:
        """Send every llm's tokens through the upper layers, behind every question: (b, m, d)."""
        x = soft.expand(len(memory.states), *soft.shape)
        if self.inquiry:
            asked = memory.states[:, 1, None, None].expand(-1, len(soft), 1, -1)
            x = torch.cat([x, asked], dim=2)
        places = torch.arange(x.shape[2], device=x.device)
        cos, sin = self.lm.rotation(memory.lengths[:, None] + places)  # (b, s, e)
        turn = cos[:, None, :, None], sin[:, None, :, None]
        for number, layer in enumerate(self.lm.upper):
            x = x + self._attend(number, layer, x, memory, turn)
            y = layer.post_attention_layernorm(x.to(self.lm.dtype))
            gate = layer.mlp.act_fn(self.lora(number, layer, "mlp.gate_proj", y))
            y = gate * self.lora(number, layer, "mlp.up_proj", y)
            x = x + self.lora(number, layer, "mlp.down_proj", y).float()
        return x[:, :, -1]

    def _attend(
        self, number: int, layer: Any, x: Tensor, memory: Memory, turn: tuple[Tensor, Tensor]
    ) -> Tensor:
        """Attend to the question and to the llm's own tokens so far; no llm sees another."""
        keys, values = memory.keys[number], memory.values[number]
        (b, m, s, _), (h, p, e) = x.shape, keys.shape[1:]
        y = layer.input_layernorm(x.to(self.lm.dtype))
        query = self.lora(number, layer, "self_attn.q_proj", y).view(b, m, s, -1, e)
        query = _turned(query, turn).to(y.dtype).view(b, m, s, h, -1, e)  # (b, m, s, h, g, e)
        key = _turned(layer.self_attn.k_proj(y).view(b, m, s, h, e), turn).to(y.dtype)
        value = layer.self_attn.v_proj(y).view(b, m, s, h, e)
        together = query.permute(0, 3, 1, 2, 4, 5).reshape(b, h, -1, e)  # (b, h, m s g, e)
        question = (together @ keys.transpose(2, 3)).float() + memory.padding * e**0.5
        own = torch.einsum("bmshge,bmthe->bhmsgt", query, key).float()
        later = torch.ones(s, s, dtype=torch.bool, device=x.device).triu(1)
        own = own.masked_fill(later[:, None], -torch.inf).reshape(b, h, -1, s)
        weights = torch.softmax(torch.cat([question, own], dim=3) * e**-0.5, dim=3).to(y.dtype)
        mine = weights[..., p:].view(b, h, m, s, -1, s)
        out = (weights[..., :p] @ values).view(b, h, m, s, -1, e)
        out = out + torch.einsum("bhmsgt,bmthe->bhmsge", mine, value)
        out = out.permute(0, 2, 3, 1, 4, 5).reshape(b, m, s, -1)
        return self.lora(number, layer, "self_attn.o_proj", out).float()

    def weights(self) -> dict[str, np.ndarray]:
        """Return the learned weights as plain arrays."""
        state = self.state_dict()
        return {name: value.detach().cpu().numpy().copy() for name, value in state.items()}

    def load_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Take over what :meth:`weights` returned."""
        self.load_state_dict({name: torch.from_numpy(np.array(v)) for name, v in weights.items()})


def require_same_path(lm: CutLM, name: str) -> None:
    """Refuse an LM that soft tokens would not pass as its own tokens do.

    Parameters
    ----------
    lm : CutLM
    name : str
        Where it is from.

    Raises
    ------
    InvalidParameterError
        If a token's state, sent through the upper layers here, does not end where the LM itself
        takes it: its layers are built otherwise than Llama's.
    """
    try:
        apart = _apart(lm)
    except (TypeError, AttributeError, RuntimeError):  # parts of the same names that take others
        apart = math.inf
    if not apart < _SAME_PATH:
        must = "a causal LM built as Llama, Mistral or Qwen2"
        raise refusal(
            "QuestionReader", "lm_path", must, name, "ROUTER=model_sat_paper takes others."
        )


@torch.no_grad()
def _apart(lm: CutLM) -> float:
    """Return how far from the LM's own last state a token's is, in lengths of the state."""
    reading, end = lm.read_to_the_end(lm.prompt("What?", 8))
    network = ModelSATNetwork(lm, 1, rank=0)
    network.begin_at(reading.states[1].float().cpu().numpy())
    soft = network._soft(torch.zeros(1, 1, device=lm.device))
    here = lm.decoder.norm(network._last_state(side_by_side([reading], lm), soft).to(lm.dtype))
    return float((here.flatten().float() - end.float()).norm() / end.float().norm())


def _turned(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate queries or keys (b, m, s, heads, e) to their positions (rotary embedding)."""
    cos, sin = turn
    first, second = x.float().chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin
