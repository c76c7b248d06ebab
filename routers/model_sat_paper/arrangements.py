"""The order of question, soft tokens and inquiry, and how it is computed.

Letters in shape comments: b questions, m llms, k soft tokens, t tokens of the inquiry,
s = k + t tokens per llm, p tokens of a prefix, d width of the LM, l layers, h key-value heads,
e width of a head.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from routers.model_sat_paper.language_model import FrozenLM

# Before and after the soft tokens. The question is put between the two parts of `_BEFORE`.
_QUESTION_FIRST = ("Question:\n", "\n\nWill this question be answered correctly by the")
_PROFILE_FIRST = ("\nQuestion:\n", "\n\nWill this question be answered correctly by the assistant")
# Whole sequences of more tokens than these are computed in several passes. Of Phi-3-mini a pass
# takes some 20 GB while it is differentiated.
_TOKENS_PER_PASS = 4096
_INQUIRY = "?"  # one token: soft tokens and inquiry are all that is paid for once per llm


@dataclass(frozen=True)
class Prefix:
    """What is computed of a question once, whatever the llms and the connector's weights.

    Parameters
    ----------
    length : int
        Tokens p.
    states : Tensor
        Keys and values (l, 2, h, p, e) if the question comes first; embeddings (p, d) if not.
    """

    length: int
    states: Tensor

    @property
    def n_bytes(self) -> int:
        """Memory it holds."""
        return self.states.nbytes


class Arrangement(ABC):
    """The order of question, soft tokens and inquiry, and how it is computed."""

    texts: tuple[str, str]

    def __init__(self, lm: FrozenLM, max_question_tokens: int):
        self.lm = lm
        self.max_question_tokens = max_question_tokens
        self._before, self._after = (lm.tokens(text) for text in self.texts)
        with torch.no_grad():
            self.inquiry = lm.embed(lm.tokens(_INQUIRY))  # (t, d)

    def prompt(self, question: str) -> list[int]:
        """Return the tokens of the question and of what surrounds it."""
        tokens = self.lm.tokens(question)
        if len(tokens) > self.max_question_tokens:
            # the beginning says what it is about, the end what is asked and what the options are
            half = self.max_question_tokens // 2
            tokens = tokens[: self.max_question_tokens - half] + tokens[len(tokens) - half :]
        return [*self._before, *tokens, *self._after]

    def suffix(self, soft: Tensor) -> Tensor:
        """Put the inquiry behind the soft tokens (m, k, d) of each llm: (m, s, d)."""
        return torch.cat([soft, self.inquiry.expand(len(soft), -1, -1)], dim=1)

    @abstractmethod
    def prefix(self, question: str) -> Prefix:
        """Return what does not depend on the llms."""

    @abstractmethod
    def hidden(self, prefixes: Sequence[Prefix], soft: Tensor) -> Tensor:
        """Return the LM's last state (b, m, d) for soft tokens (m, k, d)."""


class QuestionFirst(Arrangement):
    """Question, soft tokens, inquiry: one pass over the question serves every llm.

    The suffixes of all llms follow the question in one sequence of m s tokens; a mask lets each
    token see the question and its own llm only, and positions start anew for each llm. So the
    keys and values of the question are neither computed nor copied per llm.
    """

    texts = _QUESTION_FIRST

    def prefix(self, question: str) -> Prefix:
        """Return the keys and values of the question."""
        prompt = self.prompt(question)
        bos = self.lm.tokenizer.bos_token_id
        ids = torch.tensor([[bos, *prompt] if bos is not None else prompt], device=self.lm.device)
        cache = self.lm.decoder(input_ids=ids, use_cache=True).past_key_values
        states = [torch.stack([layer.keys[0], layer.values[0]]) for layer in cache.layers]
        return Prefix(ids.shape[1], torch.stack(states))  # (l, 2, h, p, e)

    def hidden(self, prefixes: Sequence[Prefix], soft: Tensor) -> Tensor:
        """Run the suffixes of all llms in one sequence per question."""
        suffix = self.suffix(soft)
        m, s, d = suffix.shape
        b = len(prefixes)
        lengths = torch.tensor([prefix.length for prefix in prefixes], device=self.lm.device)
        out = self.lm.decoder(
            inputs_embeds=suffix.reshape(1, m * s, d).expand(b, -1, -1),
            attention_mask=_block_mask(lengths, m, s, self.lm.dtype),
            position_ids=lengths[:, None] + torch.arange(s, device=self.lm.device).repeat(m),
            past_key_values=_stack_caches(prefixes, self.lm.dtype),
            use_cache=True,
        )
        return out.last_hidden_state.view(b, m, s, d)[:, :, -1]


class ProfileFirst(Arrangement):
    """Soft tokens, question, inquiry: the paper's order, one whole pass per llm and question."""

    texts = _PROFILE_FIRST

    def prefix(self, question: str) -> Prefix:
        """Return the token embeddings of the question."""
        embeddings = self.lm.embed(self.prompt(question))
        return Prefix(len(embeddings), embeddings)  # (p, d)

    def hidden(self, prefixes: Sequence[Prefix], soft: Tensor) -> Tensor:
        """Run one whole sequence per question and llm, as many at a time as memory has room for.

        Of several passes each is computed again when it is differentiated, so that the states of
        one at a time are held.
        """
        b, (m, k, d) = len(prefixes), soft.shape
        prompts = [torch.cat([prefix.states, self.inquiry]) for prefix in prefixes]
        lengths = torch.tensor([len(prompt) for prompt in prompts], device=self.lm.device)
        padded = nn.utils.rnn.pad_sequence(prompts, batch_first=True)  # (b, p + t, d)
        at_a_time = max(1, _TOKENS_PER_PASS // (1 + k + padded.shape[1]))
        passes = torch.arange(b * m, device=self.lm.device).split(at_a_time)
        if len(passes) == 1 or not torch.is_grad_enabled():
            states = [self._pass(padded, lengths, soft, pairs) for pairs in passes]
        else:
            states = [
                checkpoint(
                    *(self._pass, padded, lengths, soft, pairs),
                    use_reentrant=False,
                    preserve_rng_state=False,  # nothing is drawn
                )
                for pairs in passes
            ]
        return torch.cat(states).view(b, m, d)

    def _pass(self, padded: Tensor, lengths: Tensor, soft: Tensor, pairs: Tensor) -> Tensor:
        """Return the last state (len(pairs), d) of some pairs of question and llm.

        They are numbered question by question: pair i is of question i // m and llm i % m.
        """
        row, llm = pairs // len(soft), pairs % len(soft)
        start = self._start(len(pairs))
        whole = torch.cat([start, soft[llm], padded[row]], dim=1)  # (pairs, 1 + k + p + t, d)
        # padding is on the right, where a causal LM's earlier positions cannot see it
        states = self.lm.decoder(inputs_embeds=whole, use_cache=False).last_hidden_state
        last = start.shape[1] + soft.shape[1] + lengths[row] - 1
        return states[torch.arange(len(pairs), device=self.lm.device), last]

    def _start(self, m: int) -> Tensor:
        """Return the beginning-of-text embedding per llm (m, 1, d), or none (m, 0, d)."""
        bos = self.lm.tokenizer.bos_token_id
        return self.lm.embed([] if bos is None else [bos]).expand(m, -1, -1)


ARRANGEMENTS: dict[str, type[Arrangement]] = {
    "question_first": QuestionFirst,
    "profile_first": ProfileFirst,
}


def _block_mask(lengths: Tensor, m: int, s: int, dtype: torch.dtype) -> Tensor:
    """Return what is added to the attention logits, (b, 1, m s, p + m s): 0 where a token may look.

    Prefixes have ``lengths`` (b,), padded on the right to p; the m suffixes have s tokens each.
    """
    own = torch.block_diag(*[torch.ones(s, s).tril()] * m).bool().to(lengths.device)
    question = torch.arange(int(lengths.max()), device=lengths.device) < lengths[:, None]  # (b, p)
    may_look = torch.cat(
        [question[:, None].expand(-1, m * s, -1), own.expand(len(lengths), -1, -1)], dim=2
    )[:, None]
    mask = torch.zeros(may_look.shape, dtype=dtype, device=lengths.device)
    return mask.masked_fill(~may_look, torch.finfo(dtype).min)


def _stack_caches(prefixes: Sequence[Prefix], dtype: torch.dtype) -> Any:
    """Return one key-value cache for a batch of prefixes, padded on the right."""
    from transformers import DynamicCache

    longest = max(prefix.length for prefix in prefixes)
    states = torch.stack(
        [
            nn.functional.pad(prefix.states, (0, 0, 0, longest - prefix.length))
            for prefix in prefixes
        ],
        dim=2,
    ).to(dtype)  # (l, 2, b, h, p, e)
    cache = DynamicCache()
    for layer, (keys, values) in enumerate(states):
        cache.update(keys, values, layer)
    return cache
