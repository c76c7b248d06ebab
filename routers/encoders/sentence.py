"""A pretrained sentence encoder."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from routers.batching import batches_by_length, run_batches
from routers.constraints import DEVICE, PATH, Constraints, Integer, Text
from routers.devices import arithmetic, resolve_device
from routers.encoders.cached import CachedEncoder, content_fingerprint
from routers.table import FloatArray


class SentenceEncoder(CachedEncoder):
    """A pretrained sentence encoder (sentence-transformers), with its vectors cached on disk.

    Parameters
    ----------
    path : str
        Folder of the weights, or a hub name where a hub can be reached.
    prefix : str, default=""
        Put before each text (E5 encoders want ``"query: "``).
    max_tokens : int, default=256
        Longer texts are cut.
    batch_size : int, default=32
    device : str or None, default=None
        As torch names it; by default a GPU where there is one.
    cache_folder : str or None, default=None
        Where vectors are kept between runs; by default only in this process.

    References
    ----------
    Reimers and Gurevych, "Sentence-BERT", EMNLP 2019.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "path": PATH,
        "prefix": Text(),
        "max_tokens": Integer(1),
        "batch_size": Integer(1),
        "device": DEVICE | None,
        "cache_folder": PATH | None,
    }

    def __init__(
        self,
        path: str,
        prefix: str = "",
        max_tokens: int = 256,
        batch_size: int = 32,
        device: str | None = None,
        cache_folder: str | None = None,
    ):
        self.path = path
        self.prefix = prefix
        self.max_tokens = max_tokens
        self.batch_size = batch_size
        self.device = device
        self.cache_folder = cache_folder

    @property
    def fingerprint(self) -> str:
        """Hash of the weights' content and the text preparation."""
        return content_fingerprint(self.path, (self.prefix, self.max_tokens))

    @property
    def arithmetic(self) -> str:
        """What the network computes with; sentence encoders are small enough for float32."""
        return arithmetic("float32", self.device)

    def _encode(self, texts: list[str]) -> Iterator[tuple[np.ndarray, FloatArray]]:
        network = _load_sentence_encoder(self.path, self.device)
        network.max_seq_length = min(self.max_tokens, network.max_seq_length or self.max_tokens)
        prepared = [self.prefix + text for text in texts]

        def vectors(rows: np.ndarray) -> FloatArray:
            return network.encode(
                [prepared[row] for row in rows],
                batch_size=self.batch_size,
                normalize_embeddings=True,
                show_progress_bar=False,
            ).astype(np.float32)

        vectors(np.arange(1))  # sets the tokenizer up, which threads must not do
        batches = batches_by_length([len(text) for text in prepared], max_size=self.batch_size)
        yield from run_batches(vectors, batches, on_cpu=network.device.type == "cpu")


@lru_cache(maxsize=2)
def _load_sentence_encoder(path: str, device: str | None) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(path, device=str(resolve_device(device)))
