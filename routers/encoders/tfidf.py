"""TF-IDF with latent semantic analysis: the encoder that needs no pretrained weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sklearn.base import clone

from routers.constraints import SEED, Boolean, Constraints, Integer, Real
from routers.encoders.base import Encoder, unit_length
from routers.table import FloatArray, Texts
from routers.validation import check_parameters

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer


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
