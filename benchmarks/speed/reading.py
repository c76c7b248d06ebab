"""What it takes a language model to read questions."""

from __future__ import annotations

import time

import numpy as np


def case_reading() -> dict[str, float]:
    """Read questions of about 75 tokens with SmolLM2-135M, as ``encoder=lm_reading`` does."""
    from benchmarks.carriers import model_folder
    from routers.lm_reading import LMReadingEncoder

    encoder = LMReadingEncoder(str(model_folder("smollm2_135m")))
    words = [
        "law",
        "motion",
        "planet",
        "river",
        "metal",
        "which",
        "found",
        "after",
        "because",
        "measure",
    ]
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(words, length)) for length in rng.integers(20, 110, 200)]
    encoder.raw(texts[:8])
    start = time.perf_counter()
    encoder.raw(texts)
    return {"texts_per_second": (len(texts) - 8) / (time.perf_counter() - start)}
