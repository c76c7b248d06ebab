"""What a linear probe on text embeddings tells of outcomes, by encoder and training questions.

``make ceiling DATA=folder ZOO=small8`` writes ``results/ceiling/ceiling.{csv,md,png,pdf}``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from hydra.utils import instantiate

from benchmarks import ceiling_figure
from benchmarks.ceiling import PARTS, explained, squared_errors
from benchmarks.commands import make_command, run_command
from benchmarks.composing import ROOT, compose_job
from benchmarks.loading import load_folds, load_table
from benchmarks.progress import Progress
from benchmarks.store import circumstances, made_by
from benchmarks.writing import markdown, number, with_interval


def to_markdown(rows: pd.DataFrame, about: str) -> str:
    """Write the shares of variance, and what they rest on, as a table."""
    lines = [
        f"{markdown(about)} Shares of variance on test questions. Difficulty: the zoo's mean score "
        "on a question; contrasts: what is left, the only part that a choice can depend on. "
        "*Dataset*: its mean, told which dataset it is; *text adds*: a linear probe (ridge "
        "regression) on the encoder's vectors, with 95% intervals over questions. It is a lower "
        "estimate of what text tells: readers that are not linear may find more. A test question "
        "counts if at least two llms were observed on it; *outcomes*: observed on these, of all.",
        "",
        "| encoder | training questions | test questions | llms | outcomes | difficulty: dataset "
        "| text adds | contrasts: dataset | text adds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows.to_dict("records"):
        cells = [markdown(row["encoder"]), number(row["n_train"], ".0f"), *_rests_on(row)]
        for part in PARTS:
            value, low, high = (row[f"{part}_{what}"] for what in ("text", "low", "high"))
            dataset = number(row[f"{part}_dataset"], ".1%")
            cells += [dataset, with_interval(value, low, high, "+.1%")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _rests_on(row: dict) -> list[str]:
    """Return the cells that say how many questions, llms and outcomes the shares rest on."""
    return [
        f"{row['n_questions']:,} of {row['n_tested']:,}",
        f"{row['n_llms']:,}",
        f"{row['n_observed']:,} of {row['n_possible']:,}",
    ]


def command(overrides: list[str], verbatim: dict[str, str]) -> int:
    """Measure, write table and figure, and print the table."""
    job, progress = compose_job("ceiling", overrides, verbatim), Progress()
    cfg = job.cfg
    with progress.stage(f"reading {cfg.data.name}", "outcome"):
        table = load_table(cfg)
    folds = load_folds(cfg, table)
    rows = []
    for name, config in cfg.encoders.items():
        encoder = instantiate(config, _convert_="all")
        with progress.stage(f"encoding with {name}", "text") as tell:
            encoder.precompute(list(table.questions), tell)
        with progress.stage(f"fitting on {name}", "share") as tell:
            for number, share in enumerate(cfg.shares, 1):
                errors = squared_errors(table, encoder, folds, share, cfg.seed)
                rows.append({"encoder": name} | explained(errors))
                tell(number, len(cfg.shares))
    found = pd.DataFrame(rows)
    folder = Path(ROOT, cfg.results)
    folder.mkdir(parents=True, exist_ok=True)
    found.to_csv(folder / "ceiling.csv", index=False, float_format="%.5g")
    zoo = job.choices["zoo"]
    about = f"{cfg.data.name}, zoo {zoo}: {len(table)} questions, {table.n_llms} llms."
    made = made_by(make_command("ceiling", job), circumstances())
    text = f"{to_markdown(found, about)}\n{made}"
    (folder / "ceiling.md").write_text(text)
    ceiling_figure.picture(found, folder / "ceiling")
    sys.stdout.write(text)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    return run_command("run_ceiling", str(__doc__), command, arguments)


if __name__ == "__main__":
    sys.exit(main())
