"""Ask small llms the embedded questions, and keep what they scored and cost.

    python -m benchmarks.collect                       # ask; may be killed and started again
    python -m benchmarks.collect --llms gemma-3-270m   # ask one candidate
    python -m benchmarks.collect --finish              # write the committed files
    python -m benchmarks.collect --arc 200             # ask ARC-Challenge too (needs a model hub)
    python -m benchmarks.collect --arc 200 --finish --out ../with_arc

Every candidate is a network in one *mode*. ``direct``: a choice is the most likely option letter
after the question (one forward pass), a number is what is generated next. ``steps``: the llm first
reasons in text, then a cue forces the answer, so that nothing is lost to answer format.

The cost is CPU time of this process (core-seconds), a proxy for money. Wall time is not used: the
machine may be shared. Decoding is greedy and questions are grouped the same way each time, so
that asking again gives the same answers on the same machine (bfloat16 rounds otherwise on another).
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import logging
import os
import platform
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from benchmarks.carriers import cache_folder, model_folder
from benchmarks.pins import WEIGHTS
from benchmarks.sources.hub import arc_challenge
from benchmarks.sources.small_llms import (
    DATA,
    LETTERS,
    listed,
    question_hash,
    questions,
    records,
    text_hash,
)

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

PROMPTS_VERSION = 1
NUMBER_TOKENS = 12  # room for " $1,234.50" and the llm's habit of a leading word
STEPS_TOKENS = {"choice": 80, "number": 224}
# A forward pass is cheapest while its activations fit the caches; generating, which reads all
# weights for every token, is cheapest in large batches.
BATCH_SIZE = {"read": 16, "generate": 48}
BATCH_TOKENS = {"read": 2048, "generate": 8192}  # of the padded prompts, at most
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
        *(_candidate(of, "steps") for of in (_QWEN_S, _QWEN_M)),
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
    ("steps", "choice"): "Think step by step in one short sentence, then name the right option.",
    ("steps", "number"): "Think step by step, one short line per step, then give the number.",
}
_CUE = {
    ("direct", "choice"): "Answer:",
    ("direct", "number"): "Answer:",
    ("steps", "choice"): "\n\nTherefore, the letter of the correct option is",
    ("steps", "number"): "\n\nTherefore, the final number is",
}
_PROMPTS = (_SHOTS_CHOICE, _SHOTS_NUMBER, _INSTRUCTION, _CUE)


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
    text = question_hash(row)
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
    return [Decimal(re.sub("[$,]", "", match)) for match in _NUMBER.findall(text)]


def number_score(forced: str, reasoning: str, answer: str) -> float:
    """Score a number: the first one after the cue, else the last one of the reasoning.

    Where the cue is followed by a sum, the number behind its equals sign counts.
    """
    said = numbers_in(forced.rpartition("=")[2])[:1] or numbers_in(forced)[:1]
    said = said or numbers_in(reasoning)[-1:]
    return float(said == numbers_in(answer)[:1])


# ------------------------------------------------------------------------------------- network


@dataclass
class Reading:
    """A batch of texts that a network has read so far, and its state after the last token."""

    cache: Any
    mask: torch.Tensor  # (batch, length): 0 where a text has no token
    hidden: torch.Tensor  # (batch, width): at the last position


class Network:
    """A causal network that answers batches of prompts greedily, in bfloat16.

    Parameters
    ----------
    folder : Path
        Network and tokenizer, as `benchmarks.carriers.model_folder` gives it.
    """

    def __init__(self, folder: Path) -> None:
        os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # large pages: fewer page faults
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
        spelled = [self.encode(f" {letter}") for letter in LETTERS]
        if any(len(ids) != 1 for ids in spelled):
            raise ValueError(f"Every option letter must be one token in {folder}, got {spelled}.")
        head = self.network.get_output_embeddings().weight  # (vocabulary, width)
        self.letter_weights = head.detach()[[ids[0] for ids in spelled]].float()

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text, which has its special tokens written out."""
        return self.tokenizer.encode(text, add_special_tokens=False)

    def read(self, prompts: Sequence[str]) -> Reading:
        """Read prompts, padded on the left."""
        import torch
        from transformers import DynamicCache

        batch = self.tokenizer(
            list(prompts), return_tensors="pt", padding=True, add_special_tokens=False
        )
        empty = torch.zeros(len(prompts), 0)
        reading = Reading(DynamicCache(config=self.network.config), empty.long(), empty)
        self._go_on(reading, batch.input_ids, batch.attention_mask)
        return reading

    def _go_on(self, reading: Reading, tokens: torch.Tensor, mask: torch.Tensor) -> None:
        """Read more tokens, where the mask is 1; both (batch, more)."""
        import torch

        reading.mask = torch.cat([reading.mask, mask], dim=1)
        position = (reading.mask.cumsum(-1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
        with torch.inference_mode():
            reading.hidden = self.network.base_model(
                input_ids=tokens,
                attention_mask=reading.mask,
                position_ids=position,
                past_key_values=reading.cache,
                use_cache=True,
            ).last_hidden_state[:, -1]

    def add(self, reading: Reading, text: str) -> None:
        """Let every row read the same text."""
        import torch

        tokens = torch.tensor([self.encode(text)] * len(reading.mask))
        self._go_on(reading, tokens, torch.ones_like(tokens))

    def letters(self, reading: Reading, options: Sequence[int]) -> list[str]:
        """Return, for each row, the likeliest of its first `options` letters as next token."""
        # In bfloat16 letters would often tie, and a tie would always go to A.
        logits = reading.hidden.float() @ self.letter_weights.T  # (batch, letters)
        return [
            LETTERS[int(row[:count].argmax())] for row, count in zip(logits, options, strict=True)
        ]

    def write(self, reading: Reading, limit: int) -> list[tuple[str, int]]:
        """Return, for each row, the greedy continuation and its count of tokens.

        A row that has ended waits, masked, for the others, and can be read on afterwards.
        """
        import torch

        eos, pad = self.tokenizer.eos_token_id, self.tokenizer.pad_token_id
        ended = torch.zeros(len(reading.mask), dtype=torch.bool)
        said: list[list[int]] = [[] for _ in ended]
        for _ in range(limit):
            with torch.inference_mode():
                logits = self.network.get_output_embeddings()(reading.hidden)
            chosen = logits.max(-1).indices  # (batch,); in bfloat16 faster than argmax
            for row in (~ended).nonzero()[:, 0].tolist():
                said[row].append(int(chosen[row]))
            ended |= chosen == eos
            if ended.all():
                break
            chosen = chosen.masked_fill(ended, pad)
            self._go_on(reading, chosen[:, None], (~ended).long()[:, None])
        texts = self.tokenizer.batch_decode(said, skip_special_tokens=True)
        return [(text, len(tokens)) for text, tokens in zip(texts, said, strict=True)]


def pack_linear(network: Any) -> None:
    """Store the weights of linear layers in the order that the CPU's matrix unit reads.

    Else they are reordered at every call, which takes a good part of the time when generating.
    The results are the same. Where torch lacks the operation, nothing changes.
    """
    import torch

    operations = torch.ops.mkldnn
    if not hasattr(operations, "_linear_pointwise"):
        return

    def packed_forward(layer: Any) -> Any:
        weight = operations._reorder_linear_weight(layer.weight.detach(), None)
        bias = None if layer.bias is None else layer.bias.detach()
        return lambda x: operations._linear_pointwise(x, weight, bias, "none", [], "")

    for layer in network.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.__dict__["forward"] = packed_forward(layer)


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
        network.add(reading, _CUE["steps", kind])
    if kind == "choice":
        ends = [(letter, 1) for letter in network.letters(reading, [a.options for a in batch])]
    else:
        ends = network.write(reading, NUMBER_TOKENS)
    seconds = time.process_time() - start
    rows = [
        _outcome(ask, len(network.encode(ask.prompt)), thought, end)
        for ask, thought, end in zip(batch, thoughts, ends, strict=True)
    ]
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
            store.append(answer_batch(network, group, candidate.mode))
            bar.update(len(group))


# ------------------------------------------------------------------------------------ finishing


def finish(table: pd.DataFrame, folder: Path = DATA) -> pd.DataFrame:
    """Write what was measured as the embedded data set; candidates not complete are left out.

    Parameters
    ----------
    table : DataFrame
        The questions, from `benchmarks.sources.small_llms.questions`.
    folder : Path
        Where ``outcomes.parquet``, ``llms.parquet`` and ``measured.json`` go; other than the
        committed one, ``questions.parquet`` too.

    Returns
    -------
    DataFrame
        The outcomes, one row per question and llm.
    """
    parts = {candidate: _complete(candidate, table) for candidate in CANDIDATES.values()}
    kept = [candidate for candidate, part in parts.items() if part is not None]
    if not kept:
        raise SystemExit("No llm has answered every question. Run `python -m benchmarks.collect`.")
    outcomes = pd.concat([parts[candidate] for candidate in kept], ignore_index=True)
    llms = pd.DataFrame(
        {
            "llm": candidate.llm,
            "params_b": candidate.params_b,
            "licence": candidate.licence,
            "mode": candidate.mode,
            "released": candidate.released,
            "weights_sha256": WEIGHTS[candidate.network].sha256,
        }
        for candidate in kept
    )
    folder.mkdir(parents=True, exist_ok=True)
    compact = {"question_id": "category", "llm": "category", "score": "float32", "cost": "float32"}
    compact |= {"prompt_tokens": "uint16", "output_tokens": "uint16"}
    outcomes.astype(compact).to_parquet(
        folder / "outcomes.parquet", index=False, compression="zstd"
    )
    llms.to_parquet(folder / "llms.parquet", index=False)
    text = json.dumps(_circumstances(table, outcomes), indent=2)
    (folder / "measured.json").write_text(text + "\n")
    if folder != DATA:  # texts of others are not committed
        table.to_parquet(folder / "questions.parquet", index=False)
    return outcomes


def with_arc(table: pd.DataFrame, n_questions: int) -> pd.DataFrame:
    """Add questions of ARC-Challenge, which only those who reach the model hub have."""
    if not n_questions:
        return table
    return pd.concat([table, arc_challenge(n_questions)], ignore_index=True)


def _complete(candidate: Candidate, table: pd.DataFrame) -> pd.DataFrame | None:
    """Return the outcomes of a candidate on all questions, in their order; None if some lack."""
    rows = {(row["question_id"], row["text"]): row for row in log_of(candidate).rows()}
    keys = [(row["question_id"], question_hash(row)) for row in records(table)]
    missing = sum(key not in rows for key in keys)
    if missing:
        log.warning("%s: left out, %d of %d missing", candidate.llm, missing, len(keys))
        return None
    columns = ["question_id", "score", "prompt_tokens", "output_tokens", "cost"]
    part = pd.DataFrame([rows[key] for key in keys], columns=columns)
    part.insert(1, "llm", candidate.llm)
    return part


def _circumstances(table: pd.DataFrame, outcomes: pd.DataFrame) -> dict[str, Any]:
    """Tell what is needed to judge the figures, or to measure them again."""
    versions = {name: version(name) for name in ("torch", "transformers", "tokenizers")}
    return {
        "date": datetime.date.today().isoformat(),
        "questions": len(table),
        "questions_sha256": text_hash(table),
        "prompts_version": PROMPTS_VERSION,
        "prompts_sha256": hashlib.sha256(repr((_PROMPTS, STEPS_TOKENS)).encode()).hexdigest(),
        "cost": "CPU time of the process in core-seconds, shared within a batch by tokens",
        "threads": THREADS,
        "cpu_hours": round(float(outcomes["cost"].sum()) / 3600, 2),
        "machine": f"{os.cpu_count()} shared {platform.machine()} cores, bfloat16",
        "versions": {"python": platform.python_version()} | versions,
    }


def summary(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Mean score of each llm on each dataset, with mean cost and mean tokens written."""
    dataset = outcomes["question_id"].astype(str).str.split("/").str[0]
    scores = outcomes.pivot_table("score", "llm", dataset, observed=True)
    scores["macro"] = scores.mean(axis=1)
    return scores.join(outcomes.groupby("llm", observed=True)[["cost", "output_tokens"]].mean())


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.collect",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--llms", nargs="+", choices=list(CANDIDATES), default=list(CANDIDATES))
    parser.add_argument(
        "--arc",
        type=int,
        default=0,
        metavar="N",
        help="ask N questions of ARC-Challenge too, from the model hub",
    )
    parser.add_argument("--finish", action="store_true", help="write what was measured")
    parser.add_argument(
        "--out",
        type=Path,
        default=DATA,
        help="where to; another folder than the committed one gets the texts too, "
        "and is then a data folder for `make bench DATA=`",
    )
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if args.arc and args.finish and args.out == DATA:
        parser.error("--arc needs --out: questions of the hub are not in the embedded data set")
    table = with_arc(questions(), args.arc)
    if args.finish:
        sys.stdout.write(summary(finish(table, args.out)).round(3).to_string() + "\n")
        return
    for llm in args.llms:
        measure(CANDIDATES[llm], table)


if __name__ == "__main__":
    main()
