"""What a causal LM holds in mind after reading a question, as a vector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from routers.batching import batches_by_length, run_batches
from routers.constraints import DEVICE, NUMBER_TYPE, PATH, Constraints, Integer, Real, SequenceOf
from routers.continuing import continuing
from routers.devices import arithmetic, resolve
from routers.encoders import CachedEncoder, Encoder, content_fingerprint, unit_length
from routers.table import FloatArray, Texts
from routers.validation import check_parameters

_BEFORE, _AFTER = "Question:\n", "\n\nAnswer:"


class LMReadingEncoder(CachedEncoder):
    """Hidden states of a frozen causal LM that is about to answer.

    Two kinds of state are taken, each at some depths: the mean over the question's tokens (what
    the text is like) and the state at the last token of the prompt, where the LM would begin its
    answer (what the question asks for). A few dimensions of such states are hundreds of times
    larger than the others, so each dimension is centred and scaled on the training texts, and
    each kind at each depth then has length 1: every block has the same weight.

    Parameters
    ----------
    lm_path : str
        Folder of the LM and its tokenizer, or a hub name where a hub can be reached.
    mean_depths, last_depths : sequence of float
        Depths of the two kinds, as shares of the LM's layers in (0, 1].
    max_tokens : int, default=384
        Longer questions lose their middle.
    batch_tokens : int, default=512
        Padded tokens that are read at a time. In 16 bits each question is read alone, since its
        states would depend on what else is in the batch.
    dtype : {"float32", "auto", "bfloat16", "float16"}, default="float32"
        Arithmetic of the LM; ``"auto"`` is bfloat16 where it is native, else float32. Only
        float32 gives the same vectors on every machine.
    device : str or None, default=None
        As torch names it; by default a GPU where there is one.
    cache_folder : str or None, default=None
        Where states are kept between runs; by default only in this process.

    References
    ----------
    Kadavath et al., "Language Models (Mostly) Know What They Know", 2022: an LM's states before
    it answers tell whether the answer will be right. BehnamGhader et al., "LLM2Vec", 2024: means
    of a decoder's states as text embeddings.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "lm_path": PATH,
        "mean_depths": SequenceOf(Real(0, 1, open_low=True), fewest=1),
        "last_depths": SequenceOf(Real(0, 1, open_low=True), fewest=1),
        "max_tokens": Integer(1),
        "batch_tokens": Integer(1),
        "dtype": NUMBER_TYPE,
        "device": DEVICE | None,
        "cache_folder": PATH | None,
    }

    def __init__(
        self,
        lm_path: str,
        mean_depths: Sequence[float] = (0.25, 0.5),
        last_depths: Sequence[float] = (0.5, 0.75),
        max_tokens: int = 384,
        batch_tokens: int = 512,
        dtype: str = "float32",
        device: str | None = None,
        cache_folder: str | None = None,
    ):
        self.lm_path = lm_path
        self.mean_depths = mean_depths
        self.last_depths = last_depths
        self.max_tokens = max_tokens
        self.batch_tokens = batch_tokens
        self.dtype = dtype
        self.device = device
        self.cache_folder = cache_folder

    def fit(self, texts: Texts) -> Encoder:
        """Learn the centre and the scale of every dimension from the training texts."""
        check_parameters(self)
        states = self.raw(texts).astype(np.float64)
        self.centre_ = states.mean(axis=0).astype(np.float32)
        self.scale_ = np.maximum(states.std(axis=0), 1e-6).astype(np.float32)
        return self

    def transform(self, texts: Texts) -> FloatArray:
        """Return vectors (n, d) of length 1."""
        states = (self.raw(texts) - self.centre_) / self.scale_
        blocks = np.split(states, len(self.mean_depths) + len(self.last_depths), axis=1)
        return unit_length(np.hstack([unit_length(block) for block in blocks]))

    @property
    def fingerprint(self) -> str:
        """Hash of the weights' content, the depths, the text preparation and the arithmetic."""
        depths = (tuple(self.mean_depths), tuple(self.last_depths))
        preparation = (_BEFORE, _AFTER, depths, self.max_tokens, self.arithmetic)
        return content_fingerprint(self.lm_path, preparation)

    @property
    def arithmetic(self) -> str:
        """What the LM computes with, such as ``"float32 on cpu"``."""
        return arithmetic(self.dtype, self.device)

    def _encode(self, texts: list[str]) -> Iterator[tuple[np.ndarray, FloatArray]]:
        deepest = max(*self.mean_depths, *self.last_depths)
        reader = _load(self.lm_path, self.dtype, self.device, deepest)
        prompts = [reader.prompt(text, self.max_tokens) for text in texts]
        lengths = [len(prompt.ids) for prompt in prompts]
        batches = batches_by_length(lengths, self.batch_tokens if reader.can_batch else 1)

        def states(rows: np.ndarray) -> FloatArray:
            few = [prompts[row] for row in rows]
            return reader.states(few, self.mean_depths, self.last_depths)

        yield from run_batches(states, batches, on_cpu=reader.lm.device.type == "cpu")


class _Prompt(NamedTuple):
    """Token ids of a prompt, and which of them are the question's."""

    ids: list[int]
    question: slice


class _Reader(NamedTuple):
    """A tokenizer, an LM that may lack its uppermost layers, and the number of layers it had."""

    tokenizer: Any
    lm: Any
    n_layers: int

    @property
    def can_batch(self) -> bool:
        """Whether states do not depend, by more than a hair, on what else is in a batch."""
        return self.lm.dtype.itemsize >= 4

    def prompt(self, text: str, max_tokens: int) -> _Prompt:
        """Return the prompt of a question."""
        tokens = continuing(self.tokenizer)
        question = tokens(_BEFORE + text)
        if len(question) > max_tokens:
            # the beginning says what it is about, the end what is asked and what the options are
            half = max_tokens // 2
            question = question[: max_tokens - half] + question[len(question) - half :]
        bos = self.tokenizer.bos_token_id
        start = [] if bos is None else [bos]
        asked = slice(len(start), len(start) + len(question))
        return _Prompt([*start, *question, *tokens(_AFTER)], asked)

    def states(
        self,
        prompts: Sequence[_Prompt],
        mean_depths: Sequence[float],
        last_depths: Sequence[float],
    ) -> FloatArray:
        """Read prompts together and return their states, shape (b, d).

        Shorter prompts are padded at their end. A causal LM never looks ahead, so that no mask is
        needed to keep the padding out of what is read.
        """
        import torch

        longest = max(len(prompt.ids) for prompt in prompts)
        ids = torch.zeros(len(prompts), longest, dtype=torch.long)
        for row, prompt in enumerate(prompts):
            ids[row, : len(prompt.ids)] = torch.tensor(prompt.ids)
        with torch.no_grad():
            read = self.lm(
                input_ids=ids.to(self.lm.device), use_cache=False, output_hidden_states=True
            )
        layers, found = read.hidden_states, []
        for row, prompt in enumerate(prompts):
            last = len(prompt.ids) - 1
            means = [
                layers[self._layer(depth)][row, prompt.question].float().mean(dim=0)
                for depth in mean_depths
            ]
            lasts = [layers[self._layer(depth)][row, last].float() for depth in last_depths]
            found.append(torch.cat([*means, *lasts]))
        return torch.stack(found).cpu().numpy()

    def _layer(self, share: float) -> int:
        return _layer(share, self.n_layers)


def _layer(share: float, n_layers: int) -> int:
    return max(1, round(share * n_layers))


@lru_cache(maxsize=2)
def _load(path: str, dtype: str, device: str | None, deepest: float) -> _Reader:
    """Load a tokenizer and an LM.

    The layers above the deepest state that is taken are left out, where the network is laid out as
    most are (``layers``, then ``norm``); another one is read whole.
    """
    from torch.nn import Identity
    from transformers import AutoModel, AutoTokenizer

    number_type, where = resolve(dtype, device)
    lm: Any = AutoModel.from_pretrained(path, dtype=number_type)
    n_layers = lm.config.num_hidden_layers
    if deepest < 1 and hasattr(lm, "layers") and hasattr(lm, "norm"):
        lm.layers = lm.layers[: _layer(deepest, n_layers)]
        lm.norm = Identity()  # it belongs behind the last layer of all
    tokenizer = AutoTokenizer.from_pretrained(path)
    return _Reader(tokenizer, lm.eval().requires_grad_(False).to(where), n_layers)
