"""What a candidate is told, and how much it may write."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from benchmarks.collect.candidates import Candidate
from benchmarks.sources.small_llms import LETTERS, listed, question_hash

PROMPTS_VERSION = 1
NUMBER_TOKENS = 12  # room for " $1,234.50" and the llm's habit of a leading word
STEPS_TOKENS = {"choice": 80, "number": 224}


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
CUE = {
    ("direct", "choice"): "Answer:",
    ("direct", "number"): "Answer:",
    ("steps", "choice"): "\n\nTherefore, the letter of the correct option is",
    ("steps", "number"): "\n\nTherefore, the final number is",
}


def make_ask(row: dict[str, Any], candidate: Candidate, tokenizer: Any) -> Ask:
    """Write the prompt of one question; for ``direct`` it ends where the answer begins."""
    prompt = _prompt(row, candidate, tokenizer)
    if row["choices"] is None:
        return Ask(row["question_id"], question_hash(row), prompt, 0, row["answer"])
    letter = LETTERS[row["choices"].index(row["answer"])]
    return Ask(row["question_id"], question_hash(row), prompt, len(row["choices"]), letter)


def _prompt(row: dict[str, Any], candidate: Candidate, tokenizer: Any) -> str:
    kind = "number" if row["choices"] is None else "choice"
    body = row["question"] if kind == "number" else f"{row['question']}\n{listed(row['choices'])}"
    cue = CUE["direct", kind] if candidate.mode == "direct" else ""
    if candidate.chat:
        message = f"{body}\n\n{_INSTRUCTION[candidate.mode, kind]}"
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": message}], tokenize=False, add_generation_prompt=True
        )
        return prompt + cue
    shots = _SHOTS_NUMBER if kind == "number" else _SHOTS_CHOICE
    return f"{tokenizer.bos_token or ''}{shots}Question: {body}\n{cue}"


def prompts_hash() -> str:
    """Sha256 of all that the candidates are told, and of how long they may reason."""
    told = (_SHOTS_CHOICE, _SHOTS_NUMBER, _INSTRUCTION, CUE)
    return hashlib.sha256(repr((told, STEPS_TOKENS)).encode()).hexdigest()
