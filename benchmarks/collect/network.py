"""A causal network on this machine that reads prompts and writes on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.sources.small_llms import LETTERS
from routers.devices import arithmetic, resolve

if TYPE_CHECKING:
    import torch

THREADS = 1  # threads that wait for each other cost CPU time of their own on a shared machine


@dataclass
class Reading:
    """A batch of texts that a network has read so far, and its state after the last token."""

    cache: Any
    mask: torch.Tensor  # (batch, length): 0 where a text has no token
    hidden: torch.Tensor  # (batch, width): at the last position


class Network:
    """A causal network that answers batches of prompts greedily.

    Parameters
    ----------
    folder : Path
        Network and tokenizer, as `benchmarks.carriers.model_folder` gives it.
    dtype : {"auto", "float32", "bfloat16", "float16"}, default="auto"
        Arithmetic; ``"auto"`` is bfloat16 where the CPU has it natively, else float32.
    """

    def __init__(self, folder: Path, dtype: str = "auto") -> None:
        os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # large pages: fewer page faults
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging as noise

        noise.disable_progress_bar()
        torch.manual_seed(0)
        torch.set_num_threads(THREADS)
        self.tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self.tokenizer.pad_token = self.tokenizer.pad_token or self.tokenizer.eos_token
        number_type, _ = resolve(dtype, "cpu")
        self.network = AutoModelForCausalLM.from_pretrained(folder, dtype=number_type).eval()
        pack_linear(self.network)
        self.arithmetic = arithmetic(dtype, "cpu")
        self.letter_weights = self._letter_weights(folder)

    def _letter_weights(self, folder: Path) -> torch.Tensor:
        """Return the rows of the output layer that say the option letters: (letters, width)."""
        spelled = [self.encode(f" {letter}") for letter in LETTERS]
        if any(len(ids) != 1 for ids in spelled):
            raise ValueError(f"Every option letter must be one token in {folder}, got {spelled}.")
        head = self.network.get_output_embeddings().weight  # (vocabulary, width)
        return head.detach()[[ids[0] for ids in spelled]].float()

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text, which has its special tokens written out."""
        return self.tokenizer.encode(text, add_special_tokens=False)

    def read(self, prompts: Sequence[str]) -> Reading:
        """Read prompts, padded on the left."""
        import torch
        from transformers import DynamicCache

        batch = self.tokenizer(
            list(prompts), return_tensors="pt", padding=True, add_special_tokens=False
        )
        empty = torch.zeros(len(prompts), 0)
        reading = Reading(DynamicCache(config=self.network.config), empty.long(), empty)
        self._go_on(reading, batch.input_ids, batch.attention_mask)
        return reading

    def _go_on(self, reading: Reading, tokens: torch.Tensor, mask: torch.Tensor) -> None:
        """Read more tokens, where the mask is 1; both (batch, more)."""
        import torch

        reading.mask = torch.cat([reading.mask, mask], dim=1)
        position = (reading.mask.cumsum(-1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
        with torch.inference_mode():
            reading.hidden = self.network.base_model(
                input_ids=tokens,
                attention_mask=reading.mask,
                position_ids=position,
                past_key_values=reading.cache,
                use_cache=True,
            ).last_hidden_state[:, -1]

    def add(self, reading: Reading, text: str) -> None:
        """Let every row read the same text."""
        import torch

        tokens = torch.tensor([self.encode(text)] * len(reading.mask))
        self._go_on(reading, tokens, torch.ones_like(tokens))

    def letters(self, reading: Reading, options: Sequence[int]) -> list[str]:
        """Return, for each row, the likeliest of its first `options` letters as next token."""
        # In 16 bits letters would often tie, and a tie would always go to A.
        logits = reading.hidden.float() @ self.letter_weights.T  # (batch, letters)
        return [
            LETTERS[int(row[:count].argmax())] for row, count in zip(logits, options, strict=True)
        ]

    def write(self, reading: Reading, limit: int) -> list[tuple[str, int]]:
        """Return, for each row, the greedy continuation and its count of tokens.

        A row that has ended waits, masked, for the others, and can be read on afterwards.
        """
        import torch

        eos, pad = self.tokenizer.eos_token_id, self.tokenizer.pad_token_id
        ended = torch.zeros(len(reading.mask), dtype=torch.bool)
        said: list[list[int]] = [[] for _ in ended]
        for _ in range(limit):
            with torch.inference_mode():
                logits = self.network.get_output_embeddings()(reading.hidden)
            chosen = logits.max(-1).indices  # (batch,); in bfloat16 faster than argmax
            for row in (~ended).nonzero()[:, 0].tolist():
                said[row].append(int(chosen[row]))
            ended |= chosen == eos
            if ended.all():
                break
            chosen = chosen.masked_fill(ended, pad)
            self._go_on(reading, chosen[:, None], (~ended).long()[:, None])
        texts = self.tokenizer.batch_decode(said, skip_special_tokens=True)
        return [(text, len(tokens)) for text, tokens in zip(texts, said, strict=True)]


def pack_linear(network: Any) -> None:
    """Store the weights of linear layers in the order that the CPU's matrix unit reads.

    Else they are reordered at every call, which takes a good part of the time when generating.
    The results are the same. A layer that this CPU or this torch cannot pack stays as it is.
    """
    import torch

    operations = torch.ops.mkldnn

    def packed_forward(layer: Any) -> Any:
        weight = operations._reorder_linear_weight(layer.weight.detach(), None)
        bias = None if layer.bias is None else layer.bias.detach()

        def forward(x: torch.Tensor) -> torch.Tensor:
            return operations._linear_pointwise(x, weight, bias, "none", [], "")

        forward(layer.weight.new_zeros(1, layer.in_features))  # some CPUs pack, but cannot compute
        return forward

    for layer in network.modules():
        if isinstance(layer, torch.nn.Linear):
            try:
                layer.__dict__["forward"] = packed_forward(layer)
            except (RuntimeError, AttributeError):  # not this arithmetic here; no such operation
                continue
