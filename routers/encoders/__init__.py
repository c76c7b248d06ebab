"""Text to vectors: TF-IDF and pretrained encoders, whose vectors are cached by content.

* ``base``      ``Encoder``, the interface
* ``tfidf``     words and word pairs, reduced by truncated SVD
* ``sentence``  a pretrained sentence encoder
* ``cached``    what pretrained encoders share: vectors kept between runs
"""

from routers.encoders.base import Encoder, unit_length
from routers.encoders.cached import CachedEncoder, EmbeddingCache, content_fingerprint
from routers.encoders.sentence import SentenceEncoder
from routers.encoders.tfidf import TfidfEncoder, encode_training

__all__ = [
    "CachedEncoder",
    "EmbeddingCache",
    "Encoder",
    "SentenceEncoder",
    "TfidfEncoder",
    "content_fingerprint",
    "encode_training",
    "unit_length",
]
