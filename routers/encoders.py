"""Text to vectors: TF-IDF and sentence encoders, with embeddings cached by content."""

from __future__ import annotations

import hashlib
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, clone

from routers.constraints import DEVICE, PATH, SEED, Boolean, Constraints, Integer, Real, Text
from routers.table import FloatArray, Texts
from routers.validation import check_parameters

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer


class Encoder(BaseEstimator, ABC):
    """Turns texts into vectors of unit length; fitted on training texts only."""

    def fit(self, texts: Texts) -> Encoder:
        """Learn from training texts; a pretrained encoder has nothing to learn."""
        check_parameters(self)
        return self

    @abstractmethod
    def transform(self, texts: Texts) -> FloatArray:
        """Return float32 vectors of shape (n, d) and Euclidean length 1 (0 for no known word)."""


def encode_training(encoder: Encoder | None, texts: Texts) -> tuple[Encoder, FloatArray]:
    """Fit a copy of an encoder on training texts; return it and their vectors (n, d).

    Parameters
    ----------
    encoder : Encoder or None
        A router's parameter, which stays as it was given; None means ``TfidfEncoder()``.
    texts : sequence of str, length n
    """
    fitted = TfidfEncoder() if encoder is None else clone(encoder)
    return fitted.fit(texts), fitted.transform(texts)


class TfidfEncoder(Encoder):
    """TF-IDF over words and word pairs, reduced by truncated SVD (latent semantic analysis).

    Parameters
    ----------
    dim : int, default=256
        Largest number of dimensions; fewer where the training texts span fewer.
    max_features : int, default=20000
        Most frequent words and word pairs kept.
    max_words : int, default=2
        Longest run of words that counts as one feature.
    lowercase : bool, default=True
    min_df, max_df : int or float, default=1 and 1.0
        Fewest and most training texts that a kept word stands in: a share of them if a float, a
        number if an int. Not applied where they would leave no word at all.
    random_state : int, default=0

    References
    ----------
    Deerwester et al., "Indexing by Latent Semantic Analysis", JASIS 1990.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "dim": Integer(1),
        "max_features": Integer(1),
        "max_words": Integer(1),
        "lowercase": Boolean(),
        "min_df": Integer(1) | Real(0, 1, integers=False),
        "max_df": Integer(1) | Real(0, 1, integers=False),
        "random_state": SEED,
    }

    def __init__(
        self,
        dim: int = 256,
        max_features: int = 20_000,
        max_words: int = 2,
        lowercase: bool = True,
        min_df: float = 1,
        max_df: float = 1.0,
        random_state: int = 0,
    ):
        self.dim = dim
        self.max_features = max_features
        self.max_words = max_words
        self.lowercase = lowercase
        self.min_df = min_df
        self.max_df = max_df
        self.random_state = random_state

    def fit(self, texts: Texts) -> Encoder:
        """Learn vocabulary, weights and directions from the training texts."""
        check_parameters(self)
        from sklearn.decomposition import TruncatedSVD

        try:
            self.vectorizer_ = self._vectorizer(self.min_df, self.max_df).fit(texts)
        except ValueError:  # few texts, and no word that passes: keep them all
            if (self.min_df, self.max_df) == (1, 1.0):
                raise
            self.vectorizer_ = self._vectorizer(1, 1.0).fit(texts)
        weights = self.vectorizer_.transform(texts)
        self.svd_ = None
        if min(weights.shape) > 1:  # one text or one word: nothing to reduce
            dim = min(self.dim, *weights.shape)
            self.svd_ = TruncatedSVD(dim, random_state=self.random_state).fit(weights)
        return self

    def _vectorizer(self, min_df: float, max_df: float) -> TfidfVectorizer:
        from sklearn.feature_extraction.text import TfidfVectorizer

        return TfidfVectorizer(
            ngram_range=(1, self.max_words),
            lowercase=self.lowercase,
            sublinear_tf=True,
            max_features=self.max_features,
            min_df=min_df,
            max_df=max_df,
            # every run of letters or of digits counts: a text of one sign must not be empty
            token_pattern=r"(?u)\w+|[^\w\s]",
        )

    def transform(self, texts: Texts) -> FloatArray:
        """Return vectors of shape (n, at most ``dim``)."""
        weights = self.vectorizer_.transform(texts)
        vectors = weights.toarray() if self.svd_ is None else self.svd_.transform(weights)
        return unit_length(vectors)


class CachedEncoder(Encoder):
    """An encoder whose vectors depend on pretrained weights alone, hence are kept by content.

    A subclass has a parameter ``cache_folder`` (str or None: only in this process) and overrides
    ``fingerprint`` and ``_encode``.
    """

    cache_folder: str | None

    def raw(self, texts: Texts) -> FloatArray:
        """Return the vectors as the weights give them (n, d); only new texts are encoded."""
        return _embedding_cache(self.fingerprint, self.cache_folder).get(texts, self._encode)

    def transform(self, texts: Texts) -> FloatArray:
        """Return vectors (n, d); only texts never seen before are encoded."""
        return self.raw(texts)

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Hash of what determines a vector: the weights' content and the text preparation."""

    @property
    def seconds_per_text(self) -> float:
        """Mean time it took to encode a text that was not in the cache; NaN if none was."""
        return _embedding_cache(self.fingerprint, self.cache_folder).seconds_per_text

    @abstractmethod
    def _encode(self, texts: list[str]) -> FloatArray:
        """Return float32 vectors (n, d) of texts that are not in the cache."""


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

    def _encode(self, texts: list[str]) -> FloatArray:
        network = _load_sentence_encoder(self.path, self.device)
        network.max_seq_length = min(self.max_tokens, network.max_seq_length or self.max_tokens)
        vectors = network.encode(
            [self.prefix + text for text in texts],
            batch_size=self.batch_size,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, dtype=np.float32)


class EmbeddingCache:
    """Vectors by text: in memory, and in a folder if one is given.

    Each call that encodes something adds one file under a new name, written beside and renamed,
    so that processes can share the folder and a killed run leaves only whole files.

    Parameters
    ----------
    folder : Path or None
    """

    def __init__(self, folder: Path | None):
        self.folder = folder
        self.seconds_per_text = float("nan")
        self._row: dict[bytes, int] = {}
        self._vectors = np.empty((0, 0), dtype=np.float32)
        for file in sorted(folder.glob("*.npz")) if folder else []:
            with np.load(file) as stored:
                self._add(stored["keys"].tobytes(), stored["vectors"])
                self.seconds_per_text = float(stored["seconds_per_text"])

    def get(self, texts: Texts, encode: Callable[[list[str]], FloatArray]) -> FloatArray:
        """Return the vector of each text, encoding (in sorted order) those not yet held."""
        keys = [hashlib.sha256(text.encode()).digest() for text in texts]
        missing = {text: key for text, key in zip(texts, keys, strict=True) if key not in self._row}
        if missing:
            self._encode_missing(dict(sorted(missing.items())), encode)
        if not keys:
            return self._vectors[:0]
        return self._vectors[[self._row[key] for key in keys]]

    def _encode_missing(
        self, missing: dict[str, bytes], encode: Callable[[list[str]], FloatArray]
    ) -> None:
        start = time.perf_counter()
        vectors = encode(list(missing))
        self.seconds_per_text = (time.perf_counter() - start) / len(missing)
        keys = b"".join(missing.values())
        self._add(keys, vectors)
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            part = self.folder / f"{uuid.uuid4().hex}.part"
            with part.open("wb") as file:
                np.savez(
                    file,
                    keys=np.frombuffer(keys, dtype=np.uint8),
                    vectors=vectors,
                    seconds_per_text=self.seconds_per_text,
                )
            part.rename(part.with_suffix(".npz"))

    def _add(self, keys: bytes, vectors: FloatArray) -> None:
        start = len(self._vectors)
        self._vectors = np.concatenate([self._vectors, vectors]) if start else vectors
        for row in range(len(vectors)):
            self._row.setdefault(keys[32 * row : 32 * row + 32], start + row)


@lru_cache(maxsize=8)
def _embedding_cache(fingerprint: str, folder: str | None) -> EmbeddingCache:
    return EmbeddingCache(Path(folder) / fingerprint if folder else None)


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


@lru_cache(maxsize=2)
def _load_sentence_encoder(path: str, device: str | None) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(path, device=device)


def unit_length(vectors: FloatArray) -> FloatArray:
    """Divide each row (n, d) by its Euclidean length; a row of zeros stays."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0).astype(
        np.float32
    )
