import multiprocessing
import os
import signal
import time

import numpy as np
import pytest

from routers.content_store import ContentStore, content_key
from routers.encoders import EmbeddingCache, SentenceEncoder, TfidfEncoder, cached


class Counting:
    """Encodes a text by its length, one by one, and remembers what it was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, texts):
        self.asked.append(list(texts))
        for position, text in enumerate(texts):
            yield np.array([position]), np.array([[len(text), 1]], dtype=np.float32)


def refuse(texts):
    raise AssertionError(f"asked to encode {texts}")


def test_cache_encodes_each_text_once_in_sorted_order(tmp_path):
    encode, cache = Counting(), EmbeddingCache(tmp_path / "c")
    np.testing.assert_array_equal(cache.get(["bb", "a", "bb"], encode), [[2, 1], [1, 1], [2, 1]])
    np.testing.assert_array_equal(cache.get(["ccc", "a"], encode), [[3, 1], [1, 1]])
    assert encode.asked == [["a", "bb"], ["ccc"]]
    again = EmbeddingCache(tmp_path / "c")
    np.testing.assert_array_equal(again.get(["ccc", "bb"], refuse), [[3, 1], [2, 1]])


def test_the_seconds_of_encoding_are_kept_with_the_vectors(tmp_path):
    def slowly(texts):
        for position in range(len(texts)):
            time.sleep(0.01)
            yield np.array([position]), np.ones((1, 2), dtype=np.float32)

    cache = EmbeddingCache(tmp_path / "c")
    assert np.isnan(cache.seconds_per_text)
    cache.get(["a", "b"], slowly)
    assert 0.01 <= cache.seconds_per_text < 1
    again = EmbeddingCache(tmp_path / "c")
    again.get(["a", "b"], refuse)
    assert again.seconds_per_text == pytest.approx(cache.seconds_per_text)


def test_two_processes_share_a_file(tmp_path):
    one, two = EmbeddingCache(tmp_path / "c"), EmbeddingCache(tmp_path / "c")
    one.get(["a"], Counting())
    encode = Counting()
    two.get(["a", "bb"], encode)
    assert encode.asked == [["bb"]]
    np.testing.assert_array_equal(one.get(["bb", "a"], refuse), [[2, 1], [1, 1]])


def test_only_what_is_asked_for_is_read(tmp_path):
    EmbeddingCache(tmp_path / "c").get([f"text {i}" for i in range(2000)], Counting())
    cache = EmbeddingCache(tmp_path / "c")
    cache.get(["text 7"], refuse)
    assert len(cache._row) == 1
    assert cache.get([f"text {i}" for i in range(2000)], refuse).shape == (2000, 2)


def test_cache_without_a_file_and_without_texts():
    cache = EmbeddingCache(None)
    assert len(cache.get([], refuse)) == 0
    assert cache.get(["x"], Counting()).shape == (1, 2)
    assert cache.get([], refuse).shape == (0, 2)


def test_progress_counts_the_new_texts(tmp_path):
    cache, told = EmbeddingCache(None), []
    cache.get(["a"], Counting())
    assert cache.fill(["a", "b", "c"], Counting(), lambda *at: told.append(at)) == 2
    assert told == [(1, 2), (2, 2)]
    assert cache.fill(["a", "b", "c"], refuse) == 0


def test_an_encoder_that_fails_loses_nothing_that_it_had_done(tmp_path):
    def breaking(texts):
        yield np.array([0]), np.ones((1, 2), dtype=np.float32)
        raise OSError("out of disk")

    with pytest.raises(OSError, match="out of disk"):
        EmbeddingCache(tmp_path / "c").get(["a", "b"], breaking)
    encode = Counting()
    EmbeddingCache(tmp_path / "c").get(["a", "b"], encode)
    assert encode.asked == [["b"]]


def _encode_and_tell(file, told, texts):
    def slowly(new):
        for position, text in enumerate(new):
            with told.open("a") as lines:
                lines.write(f"{text}\n")
            time.sleep(0.01)
            yield np.array([position]), np.array([[len(text), 1]], dtype=np.float32)

    found = EmbeddingCache(file).get(texts, slowly)
    np.testing.assert_array_equal(found[:, 0], [len(text) for text in texts])


def test_processes_that_need_the_same_at_the_same_time_encode_it_once(tmp_path):
    texts = [f"{'x' * (i % 7)} {i}" for i in range(30)]
    context = multiprocessing.get_context("fork")
    asked = (tmp_path / "c", tmp_path / "told", texts)
    processes = [context.Process(target=_encode_and_tell, args=asked) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert sorted((tmp_path / "told").read_text().splitlines()) == sorted(texts)


def _encode_until_killed(file, texts):
    def slowly(new):
        for position, text in enumerate(new):
            time.sleep(0.002)
            yield np.array([position]), np.array([[len(text), 1]], dtype=np.float32)

    cached._CHUNK_TEXTS = 8
    EmbeddingCache(file).get(texts, slowly)


def test_kill_at_random_moments_loses_at_most_a_chunk(tmp_path):
    """Ten processes in turn are killed while they encode; what they wrote is whole."""
    texts = [f"{'x' * (i % 17)} {i}" for i in range(300)]
    file, rng = tmp_path / "c", np.random.default_rng(0)
    context, kept = multiprocessing.get_context("fork"), 0
    for _ in range(10):
        process = context.Process(target=_encode_until_killed, args=(file, texts))
        process.start()
        time.sleep(rng.uniform(0.02, 0.12))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        now = len(ContentStore(file).get([content_key(text) for text in texts]))
        assert now >= kept
        kept = now
    assert kept
    found = EmbeddingCache(file).get(texts, Counting())
    np.testing.assert_array_equal(found[:, 0], [len(text) for text in texts])


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "c").write_bytes(b"no database, " * 100)
    with pytest.raises(RuntimeError, match=r"c must be a readable SQLite file.*delete it"):
        EmbeddingCache(tmp_path / "c").get(["a"], Counting())
    assert (tmp_path / "c").read_bytes().startswith(b"no database")


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
