"""The Model-SAT network: a trained connector in front of a frozen causal LM.

References
----------
* Zhang, Zhan and Ye, "Capability Instruction Tuning: A New Paradigm for Dynamic LLM Routing",
  AAAI 2025: capability text -> encoder -> connector -> soft token before question and inquiry;
  an llm's score on a question is P(Yes).
* Lester, Al-Rfou and Constant, "The Power of Scale for Parameter-Efficient Prompt Tuning", EMNLP
  2021: soft tokens in front of a frozen LM.

Letters in shape comments: b questions, m llms, c numbers in a capability vector, k soft tokens,
t tokens of the inquiry, s = k + t tokens per llm, p tokens of a prefix, d width of the LM,
l layers, h key-value heads, e width of a head.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

log = logging.getLogger(__name__)

ORDERS = ("question_first", "profile_first")
READOUTS = ("yes_no", "yes", "linear")

# Before and after the soft tokens. The question is put between the two parts of `_BEFORE`.
_QUESTION_FIRST = ("Question:\n", "\n\nWill this question be answered correctly by the")
_PROFILE_FIRST = ("\nQuestion:\n", "\n\nWill this question be answered correctly by the assistant")
_SOFT = " assistant"  # what a soft token stands for before it has learned anything
_INQUIRY = "?"  # one token: soft tokens and inquiry are all that is paid for once per llm
_YES, _NO = " Yes", " No"


@dataclass(frozen=True)
class NetworkConfig:
    """What determines the network but for its weights.

    Parameters
    ----------
    lm_path : str
        Folder (or hub name) of a causal LM and its tokenizer.
    n_inputs : int
        Length c of a capability vector.
    n_soft : int, default=1
        Soft tokens k per llm.
    order : {"question_first", "profile_first"}
        Whether the question comes first, so that one pass over it serves all llms, or the
        capability does, as in the paper.
    readout : {"yes_no", "yes", "linear"}
        Logit of P(Yes) against P(No), the raw logit of Yes (the authors' release), or a trained
        linear layer that starts as the first (a variant that the paper names).
    max_question_tokens : int, default=192
        Of a longer question, the first and the last half of that many are kept.
    dtype : {"auto", "float32", "bfloat16", "float16"}
        Arithmetic of the LM; "auto" is bfloat16 where it is native, else float32.
    device : str or None
        As torch names it; by default a GPU where there is one.
    """

    lm_path: str
    n_inputs: int
    n_soft: int = 1
    order: str = "question_first"
    readout: str = "yes_no"
    max_question_tokens: int = 192
    dtype: str = "auto"
    device: str | None = None


class FrozenLM:
    """A pretrained causal LM that is only ever read, with its tokenizer.

    Attributes
    ----------
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
        n_tokens, self.width = self.embedding.weight.shape
        self._head = network.get_output_embeddings()
        some = self.embedding(torch.arange(min(4096, n_tokens), device=device))
        self.embedding_rms = float(some.float().square().mean().sqrt())

    def tokens(self, text: str) -> list[int]:
        """Return the token ids of a text, without special tokens."""
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

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


def resolve(dtype: str, device: str | None) -> tuple[torch.dtype, torch.device]:
    """Return the dtype and the device to use for what was asked."""
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if dtype != "auto":
        return getattr(torch, dtype), where
    if where.type == "cuda":
        return (torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16), where
    if where.type != "cpu":
        return torch.float32, where
    native = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    return (torch.bfloat16 if native else torch.float32), where


@lru_cache(maxsize=2)
def load_lm(path: str, dtype: torch.dtype, device: torch.device) -> FrozenLM:
    """Load an LM once per process."""
    return FrozenLM(path, dtype, device)


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


class Connector(nn.Module):
    """One linear layer from a capability vector to soft tokens, in units of the LM's embeddings.

    It starts blind to the vector: all soft tokens are the embedding of a word, so that the LM
    starts from a sentence it understands and all llms start equal.

    Parameters
    ----------
    n_inputs, n_soft : int
        c and k.
    start : Tensor of shape (d,)
        The word's embedding.
    unit : float
        Root mean square entry of the LM's embeddings. Weights are learned in this unit, so that
        one learning rate suits every LM.
    """

    def __init__(self, n_inputs: int, n_soft: int, start: Tensor, unit: float):
        super().__init__()
        self.n_soft, self.unit = n_soft, unit
        self.weight = nn.Parameter(torch.zeros(n_soft * len(start), n_inputs))
        self.bias = nn.Parameter((start.float() / unit).repeat(n_soft))

    def forward(self, capability: Tensor) -> Tensor:
        """Map (m, c) to soft tokens (m, k, d)."""
        soft = nn.functional.linear(capability, self.weight, self.bias) * self.unit
        return soft.view(len(capability), self.n_soft, -1)


class ScoringNetwork(nn.Module):
    """Logits of "this llm answers this question correctly".

    Parameters
    ----------
    config : NetworkConfig
    """

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.config = config
        self.lm = load_lm(config.lm_path, *resolve(config.dtype, config.device))
        start = self.lm.embed(self.lm.tokens(_SOFT)).float().mean(dim=0)
        self.connector = Connector(config.n_inputs, config.n_soft, start, self.lm.embedding_rms)
        # What a logit of the LM is worth, learned with the connector.
        self.scale = nn.Parameter(torch.ones(()))
        self.shift = nn.Parameter(torch.zeros(()))
        self.arrangement = _ARRANGEMENTS[config.order](self.lm, config.max_question_tokens)
        self.direction, self.offset = self.lm.output_weights(_YES)  # (d,), ()
        if config.readout != "yes":
            no, no_bias = self.lm.output_weights(_NO)
            self.direction, self.offset = self.direction - no, self.offset - no_bias
        self.turn = nn.Parameter(torch.zeros(self.lm.width)) if config.readout == "linear" else None
        self.to(self.lm.device)

    @property
    def prefix_key(self) -> tuple[object, ...]:
        """What a question's prefix depends on, besides the question."""
        config = self.config
        return (
            config.lm_path,
            self.lm.dtype,
            self.lm.device,
            config.order,
            config.max_question_tokens,
        )

    def prefix(self, question: str) -> Prefix:
        """Compute what all llms share of a question.

        Each question is computed alone and unpadded: in 16 bits the logits of one would otherwise
        depend by some hundredths on what else was in its batch.
        """
        with torch.no_grad():
            return self.arrangement.prefix(question)

    def forward(self, prefixes: Sequence[Prefix], capability: Tensor) -> Tensor:
        """Return logits (b, m) for capability vectors (m, c)."""
        soft = self.connector(capability).to(self.lm.dtype)  # (m, k, d)
        hidden = self.arrangement.hidden(prefixes, soft)  # (b, m, d)
        direction = self.direction
        if self.turn is not None:
            # in a unit of the order of 1 / d, a step of the optimizer moves a logit by about its
            # learning rate, as a step on scale and shift does
            direction = direction + self.turn * (2 / self.lm.width)
        return self.scale * (hidden.float() @ direction + self.offset) + self.shift

    def weights(self) -> dict[str, np.ndarray]:
        """Return the learned weights as plain arrays."""
        state = self.state_dict()
        return {name: value.detach().cpu().numpy().copy() for name, value in state.items()}

    def load_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Take over what :meth:`weights` returned."""
        state = {name: torch.from_numpy(np.array(value)) for name, value in weights.items()}
        self.load_state_dict(state)


class _Arrangement(ABC):
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


class QuestionFirst(_Arrangement):
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


class ProfileFirst(_Arrangement):
    """Soft tokens, question, inquiry: the paper's order, one whole pass per llm and question."""

    texts = _PROFILE_FIRST

    def prefix(self, question: str) -> Prefix:
        """Return the token embeddings of the question."""
        embeddings = self.lm.embed(self.prompt(question))
        return Prefix(len(embeddings), embeddings)  # (p, d)

    def hidden(self, prefixes: Sequence[Prefix], soft: Tensor) -> Tensor:
        """Run one whole sequence per question and llm."""
        b, (m, k, d) = len(prefixes), soft.shape
        prompts = [torch.cat([prefix.states, self.inquiry]) for prefix in prefixes]
        lengths = torch.tensor([len(prompt) for prompt in prompts], device=self.lm.device)
        padded = nn.utils.rnn.pad_sequence(prompts, batch_first=True)  # (b, p + t, d)
        start = self._start(m)
        pairs = torch.cat(
            [
                start.repeat(b, 1, 1),
                soft.repeat(b, 1, 1),
                padded.repeat_interleave(m, dim=0),
            ],
            dim=1,
        )  # (b m, 1 + k + p + t, d)
        # padding is on the right, where a causal LM's earlier positions cannot see it
        states = self.lm.decoder(inputs_embeds=pairs, use_cache=False).last_hidden_state
        last = (start.shape[1] + k + lengths - 1).repeat_interleave(m)
        return states[torch.arange(b * m, device=self.lm.device), last].view(b, m, d)

    def _start(self, m: int) -> Tensor:
        """Return the beginning-of-text embedding per llm (m, 1, d), or none (m, 0, d)."""
        bos = self.lm.tokenizer.bos_token_id
        return self.lm.embed([] if bos is None else [bos]).expand(m, -1, -1)


_ARRANGEMENTS: dict[str, type[_Arrangement]] = {
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
