"""A frozen causal LM cut in two: the lower layers read questions, soft tokens enter above them.

Letters in shape comments: p tokens of a prompt, d width of the LM, l upper layers, h key-value
heads, e width of a head.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from routers.continuing import continuing
from routers.validation import refusal

_BEFORE, _AFTER = "Question:\n", "\n\nWill this question be answered correctly by the"
_INQUIRY = "?"  # behind the soft tokens
_YES, _NO = " Yes", " No"
# What a layer must be made of: that of Llama, Mistral, Qwen2 and SmolLM2.
_PARTS = (
    "input_layernorm",
    "post_attention_layernorm",
    *(f"self_attn.{name}_proj" for name in "qkvo"),
    *(f"mlp.{name}_proj" for name in ("gate", "up", "down")),
)


@dataclass(frozen=True)
class Reading:
    """What the LM holds of a question, whatever the llms.

    Parameters
    ----------
    states : Tensor of shape (2, d)
        What enters the upper layers at the prompt's last token, and at an inquiry behind it.
    memory : Tensor of shape (l, 2, h, p, e)
        Keys and values of the prompt in the upper layers.
    """

    states: Tensor
    memory: Tensor


class CutLM:
    """A pretrained causal LM that is only ever read, with its tokenizer.

    Parameters
    ----------
    path : str
        Folder (or hub name) of the weights and the tokenizer.
    depth : float
        Share of the layers, in [0, 1), below the cut.
    dtype : torch.dtype
    device : torch.device
    trained : bool, default=True
        Whether the weights are loaded; else they are drawn anew, the same every time.

    Raises
    ------
    InvalidParameterError
        If the LM's layers have not the parts of Llama's, or its Yes and No begin alike.
    """

    def __init__(
        self,
        path: str,
        depth: float,
        dtype: torch.dtype,
        device: torch.device,
        trained: bool = True,
    ):
        from transformers import AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(path)
        self.tokens = continuing(self.tokenizer)
        lm, self.trained = _load_weights(path, dtype, trained), trained
        lm.eval().requires_grad_(False).to(device)
        self.decoder = lm.get_decoder()
        self.dtype, self.device = dtype, device
        layers = getattr(self.decoder, "layers", [])
        self.cut = min(round(depth * len(layers)), len(layers) - 1)
        self.upper = list(layers[self.cut :])
        if not self.upper or not all(_has(self.upper[0], part) for part in _PARTS):
            raise refusal(
                "QuestionReader",
                "lm_path",
                "a causal LM built as Llama, Mistral or Qwen2",
                path,
                "ROUTER=model_sat_paper takes others.",
            )
        self.head = lm.get_output_embeddings()

    @property
    def width(self) -> int:
        """Width d of the states."""
        return self.decoder.config.hidden_size

    def prompt(self, question: str, max_tokens: int) -> list[int]:
        """Return the tokens of a question and of what surrounds it; a long one loses its middle."""
        tokens = self.tokens(question)
        if len(tokens) > max_tokens:
            # the beginning says what it is about, the end what is asked and what the options are
            half = max_tokens // 2
            tokens = tokens[: max_tokens - half] + tokens[len(tokens) - half :]
        bos = self.tokenizer.bos_token_id
        start = [] if bos is None else [bos]
        return [*start, *self.tokens(_BEFORE), *tokens, *self.tokens(_AFTER)]

    def read(self, prompt: list[int]) -> Reading:
        """Read a prompt, alone: what it leaves must not depend on what else is read."""
        return self.read_to_the_end(prompt)[0]

    @torch.no_grad()
    def read_to_the_end(self, prompt: list[int]) -> tuple[Reading, Tensor]:
        """Return what a prompt leaves, and the last state (d,) of an inquiry behind it."""
        inquiry = self.tokens(_INQUIRY)[:1]
        ids = torch.tensor([[*prompt, *inquiry]], device=self.device)
        out = self.decoder(input_ids=ids, use_cache=True, output_hidden_states=True)
        layers = out.past_key_values.layers[self.cut :]
        memory = [torch.stack([layer.keys[0, :, :-1], layer.values[0, :, :-1]]) for layer in layers]
        reading = Reading(out.hidden_states[self.cut][0, -2:], torch.stack(memory))
        return reading, out.last_hidden_state[0, -1]

    def rotation(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return cosines and sines (..., e) of the rotary embedding at positions (...)."""
        flat = positions.reshape(1, -1)
        like = torch.empty((), dtype=torch.float32, device=self.device)
        cos, sin = self.decoder.rotary_emb(like, flat)
        return cos.view(*positions.shape, -1), sin.view(*positions.shape, -1)

    def direction(self) -> tuple[Tensor, Tensor]:
        """Return the output layer's weights (d,) and bias () of Yes, less those of No."""
        yes, no = (self.tokens(word)[0] for word in (_YES, _NO))
        if yes == no:
            must = "an LM whose tokens tell Yes from No"
            raise refusal("QuestionReader", "lm_path", must, self.tokenizer.name_or_path)
        weight, bias = self.head.weight.float(), self.head.bias
        zero = torch.zeros((), device=self.device)
        return weight[yes] - weight[no], zero if bias is None else bias[yes] - bias[no]


def _has(layer: Any, part: str) -> bool:
    for name in part.split("."):
        layer = getattr(layer, name, None)
    return layer is not None


def _load_weights(path: str, dtype: torch.dtype, trained: bool) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.random.fork_rng(devices=[]):  # loading initializes before it reads
        if trained:
            return AutoModelForCausalLM.from_pretrained(path, dtype=dtype)
        torch.manual_seed(1)
        return AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(path), dtype=dtype)


@lru_cache(maxsize=2)
def load_lm(
    path: str, depth: float, dtype: torch.dtype, device: torch.device, trained: bool = True
) -> CutLM:
    """Load an LM once per process."""
    return CutLM(path, depth, dtype, device, trained)
