"""Table and picture of a sweep that varied something, from the runs that are stored.

``make sweep`` writes ``results/ablations/<sweep>-<data>-<zoo>-<split>.{csv,md,png,pdf}``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.ablation import ablation, settings
from benchmarks.ablation_figure import picture
from benchmarks.ablation_text import to_markdown
from benchmarks.comparison import runs_of
from benchmarks.composing import data_choice
from benchmarks.store import load_runs, made_by


@dataclass(frozen=True)
class Sweep:
    """What was varied, and where it was run.

    Attributes
    ----------
    name : str
        Of a file of ``configs/sweep``.
    overrides : sequence of str
        Those of the sweep, and what was set beside it.
    verbatim : dict
        See :func:`benchmarks.composing.compose_job`.
    """

    name: str
    overrides: Sequence[str]
    verbatim: Mapping[str, str]

    @classmethod
    def of(cls, name: str, comparison: str) -> Sweep:
        """Return a sweep as it is run on ``DATA/ZOO/SPLIT``."""
        data, zoo, split = comparison.split("/")
        chosen = data_choice(data)
        return cls(name, [f"sweep={name}", *chosen, f"zoo={zoo}", f"split={split}"], {})


def report(sweep: Sweep, results: Path, comparison: str, command: str, stem: Path) -> str | None:
    """Write ``stem.csv``, ``stem.md``, ``stem.png`` and ``stem.pdf``; return the table.

    Parameters
    ----------
    sweep : Sweep
    results : Path
        Where the runs are stored.
    comparison : str
        ``DATA/ZOO/SPLIT``.
    command : str
        That makes the runs again.
    stem : Path

    Returns
    -------
    str or None
        Markdown; None where the sweep varies nothing of a router or its pool, so that there is no
        ablation.

    Raises
    ------
    ValueError
        See :func:`benchmarks.ablation.ablation`.
    """
    asked = settings(sweep.overrides, sweep.verbatim)
    if not asked:
        return None
    runs = runs_of(load_runs(results), comparison)
    found = ablation(runs, asked)
    text = to_markdown(found, sweep.name, comparison)
    last = max(runs, key=lambda run: run.about["finished"])
    _write(found, f"{text}\n{made_by(command, last.about)}", f"{sweep.name}: {comparison}", stem)
    return text


def _write(found: pd.DataFrame, text: str, title: str, stem: Path) -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    found.to_csv(Path(f"{stem}.csv"), index=False, float_format="%.6g")
    Path(f"{stem}.md").write_text(text)
    picture(found, title, stem)
