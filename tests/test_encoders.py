import numpy as np
import pytest

from routers.encoders import EmbeddingCache, SentenceEncoder, TfidfEncoder


class Counting:
    """Encodes a text by its length, and remembers what it was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, texts):
        self.asked.append(list(texts))
        return np.array([[len(text), 1] for text in texts], dtype=np.float32)


def test_cache_encodes_each_text_once_in_sorted_order(tmp_path):
    encode, cache = Counting(), EmbeddingCache(tmp_path / "c")
    np.testing.assert_array_equal(cache.get(["bb", "a", "bb"], encode), [[2, 1], [1, 1], [2, 1]])
    np.testing.assert_array_equal(cache.get(["ccc", "a"], encode), [[3, 1], [1, 1]])
    assert encode.asked == [["a", "bb"], ["ccc"]]
    assert cache.seconds_per_text >= 0
    again = EmbeddingCache(tmp_path / "c")
    np.testing.assert_array_equal(again.get(["ccc", "bb"], None), [[3, 1], [2, 1]])


def test_cache_survives_two_writers_and_a_torn_file(tmp_path):
    one, two = EmbeddingCache(tmp_path), EmbeddingCache(tmp_path)
    one.get(["a"], Counting())
    two.get(["a", "bb"], Counting())  # has not seen what the other wrote
    (tmp_path / "0123.part").write_bytes(b"half a fi")
    merged = EmbeddingCache(tmp_path)
    np.testing.assert_array_equal(merged.get(["bb", "a"], None), [[2, 1], [1, 1]])


def test_cache_without_a_folder_and_without_texts():
    cache = EmbeddingCache(None)
    assert len(cache.get([], Counting())) == 0
    assert cache.get(["x"], Counting()).shape == (1, 2)
    assert cache.get([], Counting()).shape == (0, 2)


def test_sentence_vectors_are_kept_by_the_content_of_the_weights(tmp_path, monkeypatch):
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "config.json").write_text("{}")
    encode = Counting()
    monkeypatch.setattr(SentenceEncoder, "_encode", lambda self, texts: encode(texts))

    def encoder(**changes):
        given = {"path": str(weights), "cache_folder": str(tmp_path / "vectors")} | changes
        return SentenceEncoder(**given)

    encoder().transform(["a"])
    encoder().transform(["a"])
    assert encode.asked == [["a"]]
    encoder(prefix="query: ").transform(["a"])
    assert len(encode.asked) == 2
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "config.json").write_text("{}")
    assert encoder(path=str(copy)).fingerprint == encoder().fingerprint
    (copy / "config.json").write_text("{ }")
    assert SentenceEncoder(str(copy), prefix="other").fingerprint != encoder().fingerprint


@pytest.mark.parametrize("texts", [["one text"], ["word"], ["a", "b"], ["same", "same", "same"]])
def test_tfidf_stands_tiny_corpora(texts):
    vectors = TfidfEncoder().fit(texts).transform([*texts, "", "unseen words"])
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    assert vectors.shape[0] == len(texts) + 2
    np.testing.assert_allclose(np.linalg.norm(vectors[0]), 1, atol=1e-5)


def test_tfidf_puts_texts_on_a_topic_together():
    texts = ["the cat sat on the mat", "a cat and a mat", "stock prices fell", "prices of stock"]
    vectors = TfidfEncoder().fit(texts).transform(["cat mat", "stock prices"])
    base = TfidfEncoder().fit(texts).transform(texts)
    assert (vectors @ base.T).argmax(axis=1)[0] in (0, 1)
    assert (vectors @ base.T).argmax(axis=1)[1] in (2, 3)
