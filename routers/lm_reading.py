"""What a causal LM holds in mind after reading a question, as a vector."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from routers.constraints import DEVICE, NUMBER_TYPE, PATH, Constraints, Integer, Real, SequenceOf
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
    dtype : {"auto", "float32", "bfloat16", "float16"}, default="auto"
        Arithmetic of the LM; ``"auto"`` is bfloat16 where it is native, else float32.
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
        dtype: str = "auto",
        device: str | None = None,
        cache_folder: str | None = None,
    ):
        self.lm_path = lm_path
        self.mean_depths = mean_depths
        self.last_depths = last_depths
        self.max_tokens = max_tokens
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
        """Hash of the weights' content, the depths and the text preparation."""
        depths = (tuple(self.mean_depths), tuple(self.last_depths))
        return content_fingerprint(self.lm_path, (_BEFORE, _AFTER, depths, self.max_tokens))

    def _encode(self, texts: list[str]) -> FloatArray:
        deepest = max(*self.mean_depths, *self.last_depths)
        tokenizer, lm, depth = _load(self.lm_path, self.dtype, self.device, deepest)
        return np.stack([self._states(tokenizer, lm, depth, text) for text in texts])

    def _states(self, tokenizer: Any, lm: Any, depth: int, text: str) -> np.ndarray:
        """Read one question, alone: in 16 bits a batch would change the last digits."""
        import torch

        def tokens(part: str) -> list[int]:
            return tokenizer(part, add_special_tokens=False)["input_ids"]

        question, after = tokens(_BEFORE + text), tokens(_AFTER)
        if len(question) > self.max_tokens:
            # the beginning says what it is about, the end what is asked and what the options are
            half = self.max_tokens // 2
            question = question[: self.max_tokens - half] + question[len(question) - half :]
        start = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
        ids = torch.tensor([[*start, *question, *after]], device=lm.device)
        with torch.no_grad():
            layers = lm(input_ids=ids, use_cache=False, output_hidden_states=True).hidden_states
        asked = slice(len(start), len(start) + len(question))
        means = [layers[_layer(d, depth)][0, asked].float().mean(dim=0) for d in self.mean_depths]
        lasts = [layers[_layer(d, depth)][0, -1].float() for d in self.last_depths]
        return torch.cat([*means, *lasts]).cpu().numpy()


def _layer(share: float, n_layers: int) -> int:
    return max(1, round(share * n_layers))


@lru_cache(maxsize=2)
def _load(path: str, dtype: str, device: str | None, deepest: float) -> tuple[Any, Any, int]:
    """Load a tokenizer and an LM, and count the LM's layers.

    The layers above the deepest state that is taken are left out, where the network is laid out as
    most are (``layers``, then ``norm``); another one is read whole.
    """
    from torch.nn import Identity
    from transformers import AutoModel, AutoTokenizer

    from routers.model_sat.language_model import resolve

    number_type, where = resolve(dtype, device)
    lm: Any = AutoModel.from_pretrained(path, dtype=number_type)
    depth = lm.config.num_hidden_layers
    if deepest < 1 and hasattr(lm, "layers") and hasattr(lm, "norm"):
        lm.layers = lm.layers[: _layer(deepest, depth)]
        lm.norm = Identity()  # it belongs behind the last layer of all
    return AutoTokenizer.from_pretrained(path), lm.eval().requires_grad_(False).to(where), depth
