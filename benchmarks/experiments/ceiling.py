"""What a linear probe on text embeddings tells of outcomes, by encoder and training questions.

``make ceiling DATA=folder ZOO=small8`` writes ``results/ceiling/``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from omegaconf import DictConfig, OmegaConf

from benchmarks import ceiling_figure
from benchmarks.ceiling import PARTS, explained, squared_errors
from benchmarks.experiment_work import Work
from benchmarks.identity import canonical
from benchmarks.writing import markdown, number, table_of, with_interval

TARGET = "ceiling"
AXES = ("encoders", "shares")
PANELS = len(PARTS)
draw = ceiling_figure.draw


def parts(cfg: DictConfig) -> list[dict[str, Any]]:
    """Return each encoder with each share of the training questions."""
    return [{"encoder": name, "share": share} for name in cfg.encoders for share in cfg.shares]


def depends_on(work: Work) -> Any:
    """Return the settings of the part's encoder."""
    return canonical(OmegaConf.to_container(work.cfg.encoders[work.part["encoder"]]))


def measure(work: Work) -> pd.DataFrame:
    """Probe one encoder, see :func:`benchmarks.ceiling.squared_errors`."""
    name, share = work.part["encoder"], work.part["share"]
    encoder = work.made(work.cfg.encoders[name])
    with work.progress.stage(f"encoding with {name}", "text") as tell:
        encoder.precompute(list(work.table.questions), tell)
    with work.progress.stage("fitting", "fold"):
        errors = squared_errors(work.table, encoder, work.folds, share, work.cfg.seed)
    return errors.assign(encoder=name, share=share)


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Return shares of variance by encoder and training questions, with intervals."""
    groups = rows.groupby(["encoder", "share"], sort=False)
    return pd.DataFrame([{"encoder": name} | explained(part) for (name, _), part in groups])


def to_markdown(rows: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """Write the shares of variance, and what they rest on, as a table."""
    return text_of(summarise(rows), about)


def text_of(shares: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """Write a summary as a table."""
    data, zoo = markdown(about["data"]), markdown(about["zoo"])
    lines = [
        f"{data}, zoo {zoo}: {about['n_questions']} questions, {about['n_llms']} llms. Shares of "
        "variance on test questions. Difficulty: the zoo's mean score "
        "on a question; contrasts: what is left, the only part that a choice can depend on. "
        "*Dataset*: its mean, told which dataset it is; *text adds*: a linear probe (ridge "
        "regression) on the encoder's vectors, with 95% intervals over questions. It is a lower "
        "estimate of what text tells: readers that are not linear may find more. A test question "
        "counts if at least two llms were observed on it; *outcomes*: observed on these, of all.",
        "",
    ]
    heads = ["encoder", "training questions", "test questions", "llms", "outcomes"]
    heads += ["difficulty: dataset", "text adds", "contrasts: dataset", "text adds"]
    found = []
    for row in shares.to_dict("records"):
        cells = [markdown(row["encoder"]), number(row["n_train"], ".0f"), *_rests_on(row)]
        for part in PARTS:
            value, low, high = (row[f"{part}_{what}"] for what in ("text", "low", "high"))
            dataset = number(row[f"{part}_dataset"], ".1%")
            cells += [dataset, with_interval(value, low, high, "+.1%")]
        found.append(cells)
    return "\n".join(lines) + "\n" + table_of(heads, found)


def _rests_on(row: Mapping[Any, Any]) -> list[str]:
    """Return the cells that say how many questions, llms and outcomes the shares rest on."""
    return [
        f"{row['n_questions']:,} of {row['n_tested']:,}",
        f"{row['n_llms']:,}",
        f"{row['n_observed']:,} of {row['n_possible']:,}",
    ]
