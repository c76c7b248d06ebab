"""What an experiment's stored rows say: csv, md, png and pdf, the same way for all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import canvas
from benchmarks.store import Run, is_finished, load_run, made_by
from benchmarks.writing import markdown, number, table_of, with_interval

Draw = Callable[[Any, pd.DataFrame], object]  # what is drawn on: axes, or several
Labels = Callable[[Mapping[str, Any]], Mapping[str, Any]]
_HEIGHT, _DIGITS = 3.0, 5  # of figures, in inches; of the numbers in csv files


@dataclass(frozen=True)
class Report:
    """An experiment whose parts are all stored.

    Attributes
    ----------
    name : str
    module : module
        See ``benchmarks.experiments``.
    command : str
        That makes it.
    runs : sequence of Run
        Its parts, in order.
    """

    name: str
    module: Any
    command: str
    runs: Sequence[Run]

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The facts of all parts, or what the experiment keeps of them."""
        condense = getattr(self.module, "condense", lambda rows: rows)
        labels: Labels = getattr(self.module, "labels", lambda about: {})
        found = [condense(run.rows().assign(**labels(run.about))) for run in self.runs]
        return pd.concat(found, ignore_index=True)

    @cached_property
    def frames(self) -> Mapping[str, pd.DataFrame]:
        """What the facts mean, the main frame first, under the name ""."""
        found = self.module.summarise(self.rows)
        return found if isinstance(found, Mapping) else {"": found}

    @cached_property
    def text(self) -> str:
        """The table as Markdown, and the line that says how it was made."""
        about = self.runs[0].about
        if hasattr(self.module, "to_markdown"):
            text = self.module.to_markdown(self.rows, about)
        else:
            text = f"{_about(about)}\n\n{table(self.frames[''])}"
        last = max(self.runs, key=lambda run: run.about["finished"])
        return f"{text}\n{made_by(self.command, last.about)}"

    def remember(self, results: Path) -> None:
        """Keep in the results folder what this report is on, for :func:`stored`."""
        about = {
            "command": self.command,
            "parts": [_below(results, run.folder) for run in self.runs],
        }
        part = results / f".{self.name}.json.part"
        part.write_text(json.dumps(about, indent=1) + "\n")
        part.replace(results / f"{self.name}.json")

    def write(self, folder: Path, stem: str | None = None) -> list[Path]:
        """Write ``stem.csv``, ``stem.md`` and a figure for each frame that is drawn.

        Parameters
        ----------
        folder : Path
        stem : str, optional
            The experiment's name by default; further frames are ``stem-<name>``.
        """
        stem = stem or self.name
        folder.mkdir(parents=True, exist_ok=True)
        files = [folder / f"{stem}.md"]
        files[0].write_text(self.text)
        for name, frame in self.frames.items():
            place = f"{stem}-{name}" if name else stem
            index = frame.index.names != [None]
            files.append(folder / f"{place}.csv")
            digits = getattr(self.module, "DIGITS", _DIGITS)
            frame.to_csv(files[-1], index=index, float_format=f"%.{digits}g")
            draw: Draw | None = getattr(self.module, f"draw_{name}" if name else "draw", None)
            if draw:
                files += self._drawn(draw, frame, folder / place, main=not name)
        return files

    def _drawn(self, draw: Draw, frame: pd.DataFrame, stem: Path, main: bool) -> list[Path]:
        """Draw a frame; what the module says of panels and height is of the main one."""
        panels, height = (
            getattr(self.module, name, usual) if main else usual
            for name, usual in (("PANELS", 1), ("HEIGHT", _HEIGHT))
        )
        with canvas.sheet(stem, canvas.PAGE, height, ncols=panels) as (_, axes):
            draw(axes[0] if panels > 1 else axes[0, 0], frame)
        return canvas.files_of(stem)


def _below(results: Path, folder: Path) -> str:
    return folder.resolve().relative_to(results.resolve()).as_posix()


def stored(name: str, module: Any, results: Path) -> Report:
    """Return the report that was remembered last; nothing is measured, and no outcome is read.

    Parameters
    ----------
    name : str
    module : module
    results : Path
        The folder that the experiment was written into.

    Raises
    ------
    FileNotFoundError
        If there is none, or a part of it is not stored any more.
    """
    file = results / f"{name}.json"
    if not file.is_file():
        raise FileNotFoundError(f"no report on {name} is kept in {results}. Run it first.")
    about = json.loads(file.read_text())
    folders = [results / place for place in about["parts"]]
    for folder in folders:
        if not is_finished(folder):
            raise FileNotFoundError(
                f"part {folder} of {name} is not stored any more. Run it again."
            )
    return Report(name, module, about["command"], [load_run(folder) for folder in folders])


def _about(about: Mapping[str, Any]) -> str:
    return (
        f"{markdown(about['data'])}, zoo {markdown(about['zoo'])}: {about['n_questions']} "
        f"questions, {about['n_llms']} llms."
    )


def table(frame: pd.DataFrame) -> str:
    """Return a frame as a Markdown table; ``x_low`` and ``x_high`` are the interval of ``x``."""
    shown = frame.reset_index() if frame.index.names != [None] else frame
    names = [
        name
        for name in map(str, shown.columns)
        if not (name.endswith(("_low", "_high")) and name.rpartition("_")[0] in shown)
    ]
    cells = [[_cell(row, name) for name in names] for row in shown.to_dict("records")]
    return table_of([*map(markdown, names)], cells)


def _cell(row: Mapping[Any, Any], name: str) -> str:
    value = row[name]
    if isinstance(value, bool | np.bool_) or not isinstance(value, float | np.floating):
        return markdown(value)
    value = float(value)
    if f"{name}_low" in row:
        return with_interval(value, row[f"{name}_low"], row[f"{name}_high"], ".3f")
    return number(value)
