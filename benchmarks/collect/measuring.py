"""Ask one candidate, batch by batch, what its log lacks."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import pandas as pd

from benchmarks.carriers import model_folder
from benchmarks.collect.answering import answer_batch
from benchmarks.collect.candidates import Candidate
from benchmarks.collect.log import log_of
from benchmarks.collect.network import Network
from benchmarks.collect.prompts import Ask, make_ask
from benchmarks.sources.small_llms import question_hash, records

log = logging.getLogger(__name__)

# A forward pass is cheapest while its activations fit the caches; generating, which reads all
# weights for every token, is cheapest in large batches.
BATCH_SIZE = {"read": 16, "generate": 48}
BATCH_TOKENS = {"read": 2048, "generate": 8192}  # of the padded prompts, at most


def batches(asks: Sequence[Ask], lengths: Sequence[int], mode: str) -> Iterator[list[Ask]]:
    """Group questions of one kind and similar length, longest last, the same way each time."""
    by_length = sorted(
        zip(asks, lengths, strict=True), key=lambda x: (x[0].options > 0, x[1], x[0].question_id)
    )
    batch: list[Ask] = []
    for ask, length in by_length:
        work = "read" if mode == "direct" and ask.options else "generate"
        full = len(batch) == BATCH_SIZE[work] or (len(batch) + 1) * length > BATCH_TOKENS[work]
        if batch and (full or bool(ask.options) != bool(batch[0].options)):
            yield batch
            batch = []
        batch.append(ask)
    if batch:
        yield batch


def measure(candidate: Candidate, table: pd.DataFrame) -> None:
    """Ask one candidate every question that its log lacks."""
    from tqdm import tqdm

    store = log_of(candidate)
    done = {(row["question_id"], row["text"]) for row in store.rows()}
    if done >= {(row["question_id"], question_hash(row)) for row in records(table)}:
        log.info("%s: complete", candidate.llm)
        return
    network = Network(model_folder(candidate.network))
    asks = [make_ask(row, candidate, network.tokenizer) for row in records(table)]
    missing = [ask for ask in asks if (ask.question_id, ask.text) not in done]
    groups = batches(missing, [len(network.encode(ask.prompt)) for ask in missing], candidate.mode)
    answered = len(asks) - len(missing)
    with tqdm(total=len(asks), initial=answered, desc=candidate.llm, unit="q") as bar:
        for group in groups:
            answers = answer_batch(network, group, candidate.mode)
            store.append(row | {"arithmetic": network.arithmetic} for row in answers)
            bar.update(len(group))
