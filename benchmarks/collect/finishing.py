"""The logs become a data folder: outcomes, facts of the llms, and how they were measured."""

from __future__ import annotations

import datetime
import json
import logging
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.collect.candidates import CANDIDATES, Candidate
from benchmarks.collect.log import log_of
from benchmarks.collect.network import THREADS
from benchmarks.collect.prompts import PROMPTS_VERSION, prompts_hash
from benchmarks.pins import WEIGHTS
from benchmarks.sources.small_llms import DATA, question_hash, records, text_hash

log = logging.getLogger(__name__)

_COMPACT = {
    "question_id": "category",
    "llm": "category",
    "score": "float32",
    "cost": "float32",
    "prompt_tokens": "uint16",
    "output_tokens": "uint16",
}


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
    arithmetic = sorted(outcomes.pop("arithmetic").fillna("not recorded").unique())
    facts = _facts(kept)
    folder.mkdir(parents=True, exist_ok=True)
    outcomes.astype(_COMPACT).to_parquet(
        folder / "outcomes.parquet", index=False, compression="zstd"
    )
    facts.to_parquet(folder / "llms.parquet", index=False)
    text = json.dumps(_circumstances(table, outcomes, arithmetic), indent=2)
    (folder / "measured.json").write_text(text + "\n")
    if folder != DATA:  # texts of others are not committed
        table.to_parquet(folder / "questions.parquet", index=False)
    return outcomes


def _complete(candidate: Candidate, table: pd.DataFrame) -> pd.DataFrame | None:
    """Return the outcomes of a candidate on all questions, in their order; None if some lack."""
    rows = {(row["question_id"], row["text"]): row for row in log_of(candidate).rows()}
    keys = [(row["question_id"], question_hash(row)) for row in records(table)]
    missing = sum(key not in rows for key in keys)
    if missing:
        log.warning("%s: left out, %d of %d missing", candidate.llm, missing, len(keys))
        return None
    columns = ["question_id", "score", "prompt_tokens", "output_tokens", "cost", "arithmetic"]
    part = pd.DataFrame([rows[key] for key in keys], columns=columns)
    part.insert(1, "llm", candidate.llm)
    return part


def _facts(kept: Sequence[Candidate]) -> pd.DataFrame:
    """Return what is known of the candidates beforehand, one row each."""
    return pd.DataFrame(
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


def _circumstances(
    table: pd.DataFrame, outcomes: pd.DataFrame, arithmetic: Sequence[str]
) -> dict[str, Any]:
    """Tell what is needed to judge the figures, or to measure them again."""
    versions = {name: version(name) for name in ("torch", "transformers", "tokenizers")}
    return {
        "date": datetime.date.today().isoformat(),
        "questions": len(table),
        "questions_sha256": text_hash(table),
        "prompts_version": PROMPTS_VERSION,
        "prompts_sha256": prompts_hash(),
        "cost": "CPU time of the process in core-seconds, shared within a batch by tokens",
        "threads": THREADS,
        "cpu_hours": round(float(outcomes["cost"].sum()) / 3600, 2),
        "machine": f"{os.cpu_count()} shared {platform.machine()} cores",
        "arithmetic": list(arithmetic),
        "versions": {"python": platform.python_version()} | versions,
    }


def summary(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Mean score of each llm on each dataset, with mean cost and mean tokens written."""
    dataset = outcomes["question_id"].astype(str).str.split("/").str[0]
    scores = outcomes.pivot_table("score", "llm", dataset, observed=True)
    scores["macro"] = scores.mean(axis=1)
    return scores.join(outcomes.groupby("llm", observed=True)[["cost", "output_tokens"]].mean())
