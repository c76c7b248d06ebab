"""A batch of questions is put to a network, and scored."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from benchmarks.collect.network import Network
from benchmarks.collect.prompts import CUE, NUMBER_TOKENS, STEPS_TOKENS, Ask
from benchmarks.collect.scoring import number_score


def answer_batch(network: Network, batch: Sequence[Ask], mode: str) -> list[dict[str, Any]]:
    """Ask a batch (all choices or all numbers), and return one row of outcome per question.

    The CPU time of the batch is shared among its questions in proportion to their tokens.
    """
    start = time.process_time()
    kind = "choice" if batch[0].options else "number"
    reading = network.read([ask.prompt for ask in batch])
    thoughts = [("", 0)] * len(batch)
    if mode == "steps":
        thoughts = network.write(reading, STEPS_TOKENS[kind])
        network.add(reading, CUE["steps", kind])
    if kind == "choice":
        ends = [(letter, 1) for letter in network.letters(reading, [a.options for a in batch])]
    else:
        ends = network.write(reading, NUMBER_TOKENS)
    seconds = time.process_time() - start
    rows = [
        _outcome(ask, len(network.encode(ask.prompt)), thought, end)
        for ask, thought, end in zip(batch, thoughts, ends, strict=True)
    ]
    return _shared(seconds, rows)


def _shared(seconds: float, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    tokens = [row["prompt_tokens"] + row["output_tokens"] for row in rows]
    shares = [seconds * own / sum(tokens) for own in tokens]
    return [row | {"cost": share} for row, share in zip(rows, shares, strict=True)]


def _outcome(
    ask: Ask, prompt_tokens: int, thought: tuple[str, int], end: tuple[str, int]
) -> dict[str, Any]:
    said, written = (thought[0], end[0]), thought[1] + end[1]
    if ask.options:
        score = float(end[0] == ask.answer)
    else:
        score = number_score(end[0], thought[0], ask.answer)
    return {
        "question_id": ask.question_id,
        "text": ask.text,
        "score": score,
        "prompt_tokens": prompt_tokens,
        "output_tokens": written,
        "said": said,
    }
