import threading

import numpy as np
import pytest
import torch

from routers.batching import batches_by_length, run_batches
from routers.lm_reading import LMReadingEncoder

TEXTS = [
    "Yes",
    "Question: will this be answered?",
    "",
    "No, 12345",
    "a long one " * 30,
    "the middle of a text that is too long is cut out of it " * 20,
    *(f"question {'z' * i}" for i in range(1, 30, 3)),
]


def test_every_text_is_in_one_batch_and_no_batch_is_too_large():
    lengths = np.random.default_rng(0).integers(1, 60, 500).tolist()
    batches = batches_by_length(lengths, max_total=256, max_size=20)
    assert sorted(np.concatenate(batches)) == list(range(500))
    sizes = [(len(batch), max(lengths[row] for row in batch)) for batch in batches]
    assert all(count * longest <= 256 and count <= 20 for count, longest in sizes)
    padded = sum(count * longest for count, longest in sizes)
    assert padded < 1.1 * sum(lengths)


def test_a_text_longer_than_a_batch_stands_alone_and_none_gives_none():
    assert [list(batch) for batch in batches_by_length([3, 900, 2], max_total=10)] in (
        [[1], [2, 0]],
        [[2, 0], [1]],
    )
    assert batches_by_length([], max_total=10) == []


def test_long_and_short_batches_are_mixed():
    """The first tenth takes about a tenth of the time, so that the time left can be told."""
    lengths = list(range(1, 2001))
    batches = batches_by_length(lengths, max_size=10)
    work = [sum(lengths[row] for row in batch) for batch in batches]
    assert sum(work[: len(work) // 10]) / sum(work) == pytest.approx(0.1, abs=0.04)


@pytest.mark.parametrize("on_cpu", [True, False])
def test_results_come_in_order_and_threads_are_given_back(on_cpu):
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    used = set()

    def compute(batch):
        used.add(threading.get_ident())
        return int(batch.sum())

    try:
        batches = [np.array([i]) for i in range(50)]
        assert [value for _, value in run_batches(compute, batches, on_cpu)] == list(range(50))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert (threading.get_ident() in used) != on_cpu


def test_an_error_in_a_batch_comes_out():
    def compute(batch):
        raise OSError("no memory")

    with pytest.raises(OSError, match="no memory"):
        list(run_batches(compute, [np.array([0])] * 5, on_cpu=True))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_states_do_not_depend_on_the_batch(dtype, tiny_lm):
    def states(texts, **changes):
        changes = {"lm_path": str(tiny_lm), "max_tokens": 64, "dtype": dtype} | changes
        encoder = LMReadingEncoder(**changes)
        found = np.empty((len(texts), 4 * 32), dtype=np.float32)
        for rows, vectors in encoder._encode(texts):
            found[rows] = vectors
        return found

    alone = np.vstack([states([text]) for text in TEXTS])
    for batch_tokens in (1, 100, 4096):
        np.testing.assert_allclose(states(TEXTS, batch_tokens=batch_tokens), alone, atol=1e-3)
