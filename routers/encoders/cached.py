"""Encoders whose vectors depend on pretrained weights alone, hence are computed once and kept."""

from __future__ import annotations

import hashlib
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path

import numpy as np

from routers.content_store import ContentStore, content_key
from routers.encoders.base import Encoder
from routers.precomputing import CLOCK, Progress
from routers.table import FloatArray, Texts

# Of texts, yields the positions of some and their vectors, until all are done.
Encode = Callable[[list[str]], Iterator[tuple[np.ndarray, FloatArray]]]
# New vectors are written when that many texts, or that many seconds, have gathered: the most
# that a killed process loses.
_CHUNK_TEXTS, _CHUNK_SECONDS = 256, 5.0


class CachedEncoder(Encoder):
    """An encoder whose vectors are kept by content: in memory, and in a file where asked for.

    A subclass has a parameter ``cache_folder`` (str or None: only in this process) and overrides
    ``fingerprint``, ``arithmetic`` and ``_encode``.
    """

    cache_folder: str | None

    def precompute(self, texts: Texts, progress: Progress | None = None) -> int:
        """Encode the texts that are not kept yet, and return how many that were.

        Written in chunks, so that a process that is killed goes on from there. ``fit`` and
        ``transform`` do the same without a sign of life.

        Parameters
        ----------
        texts : sequence of str
        progress : callable, optional
            Called after every batch with how many of the new texts are done, of how many.
        """
        return self._cache.fill(texts, self._encode, progress)

    def raw(self, texts: Texts) -> FloatArray:
        """Return the vectors as the weights give them (n, d); only new texts are encoded."""
        return self._cache.get(texts, self._encode)

    def transform(self, texts: Texts) -> FloatArray:
        """Return vectors (n, d); only new texts are encoded."""
        return self.raw(texts)

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Hash of what determines a vector: weights, text preparation and arithmetic."""

    @property
    @abstractmethod
    def arithmetic(self) -> str:
        """What the network computes with, such as ``"float32 on cpu"``."""

    @property
    def seconds_per_text(self) -> float:
        """Mean seconds that it took to encode the texts of this process; NaN if there are none."""
        return self._cache.seconds_per_text

    @property
    def _cache(self) -> EmbeddingCache:
        return _embedding_cache(self.fingerprint, self.cache_folder)

    @abstractmethod
    def _encode(self, texts: list[str]) -> Iterator[tuple[np.ndarray, FloatArray]]:
        """Yield positions and float32 vectors (k, d) until every text has one."""


class EmbeddingCache:
    """Vectors by text: those of this process in memory, all of them in a file if one is given.

    Of a file, only what is asked for is read.

    Parameters
    ----------
    file : Path or None
        See :class:`routers.content_store.ContentStore`.
    """

    def __init__(self, file: Path | None):
        self._store = ContentStore(file) if file else None
        self._row: dict[bytes, int] = {}
        self._vectors = np.empty((0, 0), dtype=np.float32)  # grown by doubling
        self._seconds = 0.0

    @property
    def seconds_per_text(self) -> float:
        """Mean seconds that the texts held in memory took to encode; NaN without any."""
        return self._seconds / len(self._row) if self._row else float("nan")

    def get(self, texts: Texts, encode: Encode) -> FloatArray:
        """Return the vector of each text (n, d), encoding those that are not kept."""
        self.fill(texts, encode)
        rows = [self._row[content_key(text)] for text in texts]
        return self._vectors[np.array(rows, dtype=np.int64)]

    def fill(self, texts: Texts, encode: Encode, progress: Progress | None = None) -> int:
        """Encode, in sorted order, the texts that are not kept; return how many that were."""
        if not self._absent(texts):
            return 0
        with self._store.alone() if self._store else nullcontext():
            absent = self._absent(texts)  # another process may have encoded them meanwhile
            if absent:
                with CLOCK.running():
                    self._encode_new(dict(sorted(absent.items())), encode, progress)
        return len(absent)

    def _absent(self, texts: Texts) -> dict[str, bytes]:
        """Return the texts that are kept nowhere, and their keys; take from the file what is."""
        absent = {text: key for text in texts if (key := content_key(text)) not in self._row}
        if not self._store or not absent:
            return absent
        for key, (value, seconds) in self._store.get(list(absent.values())).items():
            self._remember(key, np.frombuffer(value, dtype=np.float32), seconds)
        return {text: key for text, key in absent.items() if key not in self._row}

    def _encode_new(
        self, absent: dict[str, bytes], encode: Encode, progress: Progress | None
    ) -> None:
        texts, keys = list(absent), list(absent.values())
        chunk: list[tuple[bytes, bytes, float]] = []
        done, started = 0, time.perf_counter()
        written = started
        try:
            for positions, vectors in encode(texts):
                now = time.perf_counter()
                seconds = (now - started) / len(positions)
                started = now
                for position, vector in zip(positions, vectors, strict=True):
                    self._remember(keys[position], vector, seconds)
                    chunk.append((keys[position], vector.astype(np.float32).tobytes(), seconds))
                done += len(positions)
                if progress:
                    progress(done, len(texts))
                if len(chunk) >= _CHUNK_TEXTS or now - written >= _CHUNK_SECONDS:
                    self._write(chunk)
                    chunk, written = [], now
        finally:
            self._write(chunk)

    def _write(self, chunk: list[tuple[bytes, bytes, float]]) -> None:
        if self._store and chunk:
            self._store.add(chunk)

    def _remember(self, key: bytes, vector: np.ndarray, seconds: float) -> None:
        n = len(self._row)
        if n >= len(self._vectors):
            grown = np.empty((max(64, 2 * n), len(vector)), dtype=np.float32)
            grown[:n] = self._vectors[:n] if n else 0
            self._vectors = grown
        self._vectors[n] = vector
        self._row[key] = n
        self._seconds += seconds


@lru_cache(maxsize=8)
def _embedding_cache(fingerprint: str, folder: str | None) -> EmbeddingCache:
    return EmbeddingCache(Path(folder) / f"{fingerprint}.sqlite" if folder else None)


@lru_cache(maxsize=8)
def content_fingerprint(path: str, preparation: tuple) -> str:
    """Hash the weights in a folder (or a hub name) and how texts are prepared for them."""
    digest = hashlib.sha256(repr(preparation).encode())
    folder = Path(path)
    if not folder.is_dir():  # a hub name: the name is all there is to go by
        digest.update(path.encode())
    for file in sorted(folder.rglob("*")) if folder.is_dir() else []:
        if file.is_file() and file.suffix in {".json", ".safetensors", ".bin", ".txt", ".model"}:
            digest.update(str(file.relative_to(folder)).encode())
            with file.open("rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()[:16]
