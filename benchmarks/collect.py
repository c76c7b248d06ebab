"""Ask small llms the embedded questions, and keep what they scored and cost.

    python -m benchmarks.collect                       # ask; may be killed and started again
    python -m benchmarks.collect --llms gemma-3-270m   # ask one candidate
    python -m benchmarks.collect --finish              # write the committed files

Every candidate is a network in one *mode*. ``direct``: a choice is the most likely option letter
after the question (one forward pass), a number is what is generated next. ``steps``: the llm first
reasons in text, then a cue forces the answer, so that nothing is lost to answer format.

The cost is CPU time of this process (core-seconds), a proxy for money. Wall time is not used: the
machine may be shared. Decoding is greedy and batches are the same each time, so that asking again
gives the same answers on the same machine.
"""

from __future__ import annotations

import argparse
import datetime
import json
import logging
import os
import platform
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from benchmarks.carriers import WEIGHTS, cache_folder, model_folder
from benchmarks.sources.small_llms import DATA, LETTERS, questions, text_hash

log = logging.getLogger(__name__)

PROMPTS_VERSION = 1
NUMBER_TOKENS = 12  # room for " $1,234.50" and the llm's habit of a leading word
STEPS_TOKENS = {"choice": 112, "number": 224}
# A forward pass is cheapest while its activations fit the caches; generating, which reads all
# weights for every token, is cheapest in large batches.
BATCH_SIZE = {"read": 16, "generate": 96}
BATCH_TOKENS = {"read": 2048, "generate": 16384}  # of the padded prompts, at most
THREADS = 1  # threads that wait for each other cost CPU time of their own on a shared machine


@dataclass(frozen=True)
class Candidate:
    """An llm that is asked: a network and the mode it answers in.

    Parameters
    ----------
    llm : str
        Name in the outcome table.
    network : str
        Name for `benchmarks.carriers.model_folder`.
    mode : {"direct", "steps"}
    chat : bool
        Whether the network was tuned to follow a chat template.
    params_b : float
        Parameters, in billions.
    licence : str
    released : str
        Month of release, ``YYYY-MM``.
    """

    llm: str
    network: str
    mode: str
    chat: bool
    params_b: float
    licence: str
    released: str


_SMOL = ("smollm2-135m-instruct", "smollm2_135m", True, 0.135, "Apache-2.0", "2024-11")
_GEMMA = ("gemma-3-270m", "gemma3_270m", False, 0.268, "Gemma terms", "2025-08")
_QWEN_S = ("qwen2.5-coder-0.5b-instruct", "qwen25_coder_0_5b", True, 0.494, "Apache-2.0", "2024-11")
_QWEN_M = ("qwen2.5-coder-1.5b-instruct", "qwen25_coder_1_5b", True, 1.544, "Apache-2.0", "2024-09")


def _candidate(of: tuple[Any, ...], mode: str) -> Candidate:
    name, network, chat, params_b, licence, released = of
    llm = name if mode == "direct" else f"{name}/{mode}"
    return Candidate(llm, network, mode, chat, params_b, licence, released)


CANDIDATES: dict[str, Candidate] = {
    candidate.llm: candidate
    for candidate in [
        *(_candidate(of, "direct") for of in (_SMOL, _GEMMA, _QWEN_S, _QWEN_M)),
        *(_candidate(of, "steps") for of in (_QWEN_S, _QWEN_M, _SMOL)),
    ]
}


# ------------------------------------------------------------------------------------- prompts


class Ask(NamedTuple):
    """One question as put to one candidate."""

    question_id: str
    text: str  # a hash of the question: what was asked under this id
    prompt: str
    options: int  # 0 for an open question
    answer: str  # the right letter, or the right number


_SHOTS_CHOICE = """\
Question: Which of these animals lives in water?
A. eagle
B. trout
C. camel
D. mole
Answer: B

Question: What is the opposite of "early"?
A. soon
B. quick
C. late
D. first
Answer: C

Question: How many sides has a square?
A. four
B. three
C. six
D. five
Answer: A

"""
_SHOTS_NUMBER = """\
Question: Ana has 3 bags with 4 pears each. She eats 2 pears. How many pears are left?
Answer: 10

Question: A bus ticket costs $2 and a train ticket costs $7. What do two of each cost together?
Answer: 18

"""
_INSTRUCTION = {
    ("direct", "choice"): "Reply with the letter of the correct option only.",
    ("direct", "number"): "Reply with the final number only, without any words.",
    ("steps", "choice"): "Think step by step in two short sentences, then name the right option.",
    ("steps", "number"): "Think step by step, one short line per step, then give the number.",
}
_CUE = {
    ("direct", "choice"): "Answer:",
    ("direct", "number"): "Answer:",
    ("steps", "choice"): "\n\nTherefore, the letter of the correct option is",
    ("steps", "number"): "\n\nTherefore, the final number is",
}


def listed(choices: Sequence[str]) -> str:
    """Letter the options, one a line.

    >>> print(listed(["salt", "sand"]))
    A. salt
    B. sand
    """
    return "\n".join(f"{LETTERS[i]}. {choice}" for i, choice in enumerate(choices))


def make_ask(row: dict[str, Any], candidate: Candidate, tokenizer: Any) -> Ask:
    """Write the prompt of one question; for ``direct`` it ends where the answer begins."""
    kind = "number" if row["choices"] is None else "choice"
    body = row["question"] if kind == "number" else f"{row['question']}\n{listed(row['choices'])}"
    cue = _CUE["direct", kind] if candidate.mode == "direct" else ""
    if candidate.chat:
        message = f"{body}\n\n{_INSTRUCTION[candidate.mode, kind]}"
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": message}], tokenize=False, add_generation_prompt=True
        )
    else:
        shots = _SHOTS_NUMBER if kind == "number" else _SHOTS_CHOICE
        prompt = f"{tokenizer.bos_token or ''}{shots}Question: {body}\n"
    text = text_hash(pd.DataFrame([row]))[:12]
    if kind == "number":
        return Ask(row["question_id"], text, prompt + cue, 0, row["answer"])
    letter = LETTERS[row["choices"].index(row["answer"])]
    return Ask(row["question_id"], text, prompt + cue, len(row["choices"]), letter)


# ------------------------------------------------------------------------------------- answers

_NUMBER = re.compile(r"-?\$?\d[\d,]*(?:\.\d+)?|-?\$?\.\d+")


def numbers_in(text: str) -> list[Decimal]:
    """Return the numbers of a text in order, without currency signs and thousands commas.

    >>> numbers_in("From $1,200.50 to 7.")
    [Decimal('1200.50'), Decimal('7')]
    """
    found = []
    for match in _NUMBER.findall(text):
        try:
            found.append(Decimal(match.replace(",", "").replace("$", "")))
        except InvalidOperation:  # nothing but signs
            continue
    return found


def number_score(forced: str, reasoning: str, answer: str) -> float:
    """Score a number: the first one after the cue, else the last one of the reasoning.

    Where the cue is followed by a sum, the number behind its equals sign counts.
    """
    said = numbers_in(forced.rpartition("=")[2])[:1] or numbers_in(forced)[:1]
    said = said or numbers_in(reasoning)[-1:]
    return float(said == numbers_in(answer)[:1])


# ------------------------------------------------------------------------------------- network


class Network:
    """A causal network that answers batches of prompts greedily, in bfloat16."""

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging as noise

        noise.disable_progress_bar()
        torch.manual_seed(0)
        torch.set_num_threads(THREADS)
        self.tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self.tokenizer.pad_token = self.tokenizer.pad_token or self.tokenizer.eos_token
        self.network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()
        pack_linear(self.network)
        spelled = [self.tokenizer.encode(f" {x}", add_special_tokens=False) for x in LETTERS]
        if any(len(ids) != 1 for ids in spelled):
            raise ValueError(f"Every option letter must be one token in {folder}, got {spelled}.")
        self.letter_ids = [ids[0] for ids in spelled]

    def count(self, prompt: str) -> int:
        """Count the tokens of a prompt, which has its special tokens written out."""
        return len(self.tokenizer.encode(prompt, add_special_tokens=False))

    def _batch(self, prompts: Sequence[str]) -> Any:
        return self.tokenizer(
            list(prompts), return_tensors="pt", padding=True, add_special_tokens=False
        )

    def letters(self, prompts: Sequence[str], options: Sequence[int]) -> list[str]:
        """Return, for each prompt, the most likely of its first `options` letters as next token."""
        import torch

        batch = self._batch(prompts)
        position = (batch.attention_mask.cumsum(-1) - 1).clamp(min=0)
        with torch.inference_mode():
            logits = self.network(
                input_ids=batch.input_ids,
                attention_mask=batch.attention_mask,
                position_ids=position,
                use_cache=False,
                logits_to_keep=1,
            ).logits[:, -1, self.letter_ids]  # (batch, letters)
        return [
            LETTERS[int(row[:count].argmax())] for row, count in zip(logits, options, strict=True)
        ]

    def generate(self, prompts: Sequence[str], limit: int) -> list[tuple[str, int]]:
        """Return, for each prompt, the greedy continuation and its count of tokens.

        A prompt that is finished leaves the batch, so that it costs nothing more.
        """
        import torch
        from transformers import DynamicCache

        batch = self._batch(prompts)
        tokens, mask = batch.input_ids, batch.attention_mask  # (live, length)
        position = (mask.cumsum(-1) - 1).clamp(min=0)
        cache = DynamicCache(config=self.network.config)
        live = list(range(len(prompts)))
        said: list[list[int]] = [[] for _ in prompts]
        with torch.inference_mode():
            for _ in range(limit):
                logits = self.network(
                    input_ids=tokens,
                    attention_mask=mask,
                    position_ids=position,
                    past_key_values=cache,
                    logits_to_keep=1,
                ).logits
                chosen = logits[:, -1].argmax(-1)  # (live,)
                for row, token in zip(live, chosen.tolist(), strict=True):
                    said[row].append(token)
                keep = (chosen != self.tokenizer.eos_token_id).nonzero()[:, 0]
                if len(keep) < len(live):
                    live = [live[i] for i in keep.tolist()]
                    cache.batch_select_indices(keep)
                if not live:
                    break
                tokens, mask = chosen[keep, None], mask[keep]
                mask = torch.cat([mask, mask.new_ones(len(live), 1)], dim=1)
                position = position[keep, -1:] + 1
        return [self._said(row) for row in said]

    def _said(self, tokens: list[int]) -> tuple[str, int]:
        return self.tokenizer.decode(tokens, skip_special_tokens=True), len(tokens)


def pack_linear(network: Any) -> None:
    """Store the weights of linear layers in the order that the CPU's matrix unit reads.

    Else they are reordered at every call, which takes half of the time when generating. The
    results are the same. Where torch lacks the operation, nothing changes.
    """
    import torch

    operations = torch.ops.mkldnn
    if not hasattr(operations, "_linear_pointwise"):
        return

    def packed_forward(layer: torch.nn.Linear) -> Any:
        weight = operations._reorder_linear_weight(layer.weight.detach(), None)
        bias = None if layer.bias is None else layer.bias.detach()
        return lambda x: operations._linear_pointwise(x, weight, bias, "none", [], "")

    for layer in network.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.forward = packed_forward(layer)


def answer_batch(network: Network, batch: Sequence[Ask], mode: str) -> list[dict[str, Any]]:
    """Ask a batch (all choices or all numbers), and return one row of outcome per question."""
    start = time.process_time()
    kind = "choice" if batch[0].options else "number"
    prompts = [ask.prompt for ask in batch]
    thought = [("", 0)] * len(batch)
    if mode == "steps":
        thought = network.generate(prompts, STEPS_TOKENS[kind])
        prompts = [p + text.rstrip() + _CUE["steps", kind] for p, (text, _) in zip(prompts, thought, strict=True)]
    if kind == "choice":
        read = [(letter, 1) for letter in network.letters(prompts, [ask.options for ask in batch])]
    else:
        read = network.generate(prompts, NUMBER_TOKENS)
    seconds = time.process_time() - start
    rows = []
    for ask, (reasoning, long), (forced, short) in zip(batch, thought, read, strict=True):
        right = forced == ask.answer if kind == "choice" else number_score(forced, reasoning, ask.answer)
        rows.append(
            {
                "question_id": ask.question_id,
                "text": ask.text,
                "score": float(right),
                "prompt_tokens": network.count(ask.prompt),
                "output_tokens": long + short,
                "said": (reasoning, forced),
            }
        )
    tokens = [row["prompt_tokens"] + row["output_tokens"] for row in rows]
    return [row | {"cost": seconds * own / sum(tokens)} for row, own in zip(rows, tokens, strict=True)]


# ------------------------------------------------------------------------------------- storing


class Log:
    """Outcomes of one candidate as lines of JSON: appended, synced, never rewritten.

    A process may be killed while it writes: a last line that is cut is left out, and the next
    batch begins on a line of its own.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self) -> list[dict[str, Any]]:
        """Return the whole rows; of a question asked twice, the first."""
        if not self.path.exists():
            return []
        first: dict[tuple[str, str], dict[str, Any]] = {}
        for line in self.path.read_bytes().split(b"\n"):
            try:
                row = json.loads(line)
            except ValueError:  # torn, or the empty end
                continue
            first.setdefault((row["question_id"], row["text"]), row)
        return list(first.values())

    def append(self, rows: Iterable[dict[str, Any]]) -> None:
        """Add rows and wait until they are on the disk."""
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            torn = file.tell() > 0 and not self.path.read_bytes().endswith(b"\n")
            file.write((b"\n" if torn else b"") + text.encode())
            file.flush()
            os.fsync(file.fileno())


def log_of(candidate: Candidate) -> Log:
    """Return the log of a candidate; other prompts mean another log."""
    folder = cache_folder() / "measured" / f"prompts{PROMPTS_VERSION}"
    return Log(folder / f"{candidate.llm.replace('/', '--')}.jsonl")


# ------------------------------------------------------------------------------------- measuring


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
    network = Network(model_folder(candidate.network))
    asks = [make_ask(row, candidate, network.tokenizer) for row in table.to_dict("records")]
    done = {(row["question_id"], row["text"]) for row in store.rows()}
    missing = [ask for ask in asks if (ask.question_id, ask.text) not in done]
    groups = batches(missing, [network.count(ask.prompt) for ask in missing], candidate.mode)
    with tqdm(total=len(asks), initial=len(asks) - len(missing), desc=candidate.llm, unit="q") as bar:
        for group in groups:
            store.append(answer_batch(network, group, candidate.mode))
            bar.update(len(group))


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collect", description=__doc__)
    parser.add_argument("--llms", nargs="+", choices=list(CANDIDATES), default=list(CANDIDATES))
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    table = questions()
    for llm in args.llms:
        measure(CANDIDATES[llm], table)


if __name__ == "__main__":
    main()
