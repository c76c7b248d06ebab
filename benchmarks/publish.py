"""Copy one comparison's table and figures to ``results/published`` and into the README.

``python -m benchmarks.publish NAME --show DATA/ZOO/SPLIT --command "make bench ..."``, or for
another experiment ``--experiment arrival --results results/arrival`` in place of ``--show``: from
what is stored, without measuring anything. The README
quotes a table between ``<!-- table: results/published/NAME.md -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path

from benchmarks import plots
from benchmarks.ablation_report import Sweep, report
from benchmarks.comparison import COMPARISON, runs_of
from benchmarks.experiment import module_of
from benchmarks.experiment_report import stored
from benchmarks.leaderboard import ROOT, calibration_table, load_board
from benchmarks.leaderboard_text import to_field_markdown, to_markdown
from benchmarks.store import load_runs, made_by

_QUOTE = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def quote_tables(readme: str, root: Path) -> str:
    """Return the README with every quoted table replaced by what its file holds now."""

    def filled(match: re.Match[str]) -> str:
        return f"{match[1]}\n{_table_of((root / match[2]).read_text())}\n\n{match[3]}"

    return _QUOTE.sub(filled, readme)


def _table_of(text: str) -> str:
    """Return the first table of a published file, and what is said of it below its heading."""
    _, _, body = text.partition("\n## ")
    lines = body.splitlines()[1:]
    last = max(i for i, line in enumerate(lines) if line.startswith("|"))
    return "\n".join(lines[: last + 1]).strip()


def publish(
    name: str,
    show: str,
    command: str,
    results: Path,
    root: Path = ROOT,
    sweep: str | None = None,
) -> None:
    """Write a comparison's tables and figures under a name, and refresh the README.

    The tables are ``NAME.md``, ``NAME.csv``, ``NAME-field.md`` and ``NAME-calibration.csv``; of a
    sweep there are ``NAME.md``, ``NAME.csv`` and ``NAME.png``.

    Parameters
    ----------
    name : str
        Of the published files.
    show : str
        The comparison, ``DATA/ZOO/SPLIT``.
    command : str
        The command that makes the runs again.
    results : Path
        Where the runs are stored.
    root : Path
        Of the repository.
    sweep : str, optional
        A file of ``configs/sweep``: what it varied is published, not the leaderboard.

    Raises
    ------
    ValueError
        If runs of several splits, floors or data are stored under that name, or the sweep varies
        nothing.
    """
    folder = root / "results" / "published"
    folder.mkdir(parents=True, exist_ok=True)
    if sweep is None:
        _publish_board(folder, name, show, command, results)
    elif report(Sweep.of(sweep, show), results, show, command, folder / name) is None:
        raise ValueError(f"A sweep to be published must vary a router or its pool, got {sweep!r}.")
    _refresh(root)


def publish_experiment(name: str, experiment: str, results: Path, root: Path = ROOT) -> None:
    """Write an experiment's last report under a name, and refresh the README.

    Parameters
    ----------
    name : str
        Of the published files.
    experiment : str
        Of a module of ``benchmarks.experiments``.
    results : Path
        The folder that it was written into.
    root : Path
        Of the repository.

    Raises
    ------
    FileNotFoundError
        See :func:`benchmarks.experiment_report.stored`.
    """
    report = stored(experiment, module_of(experiment), results)
    report.write(root / "results" / "published", name)
    _refresh(root)


def _refresh(root: Path) -> None:
    readme = root / "README.md"
    readme.write_text(quote_tables(readme.read_text(), root))


def _publish_board(folder: Path, name: str, show: str, command: str, results: Path) -> None:
    board = load_board(results, show)
    several = board[list(COMPARISON)].drop_duplicates()
    if len(several) > 1:
        raise ValueError(
            f"{show} must be one comparison to be published, got {len(several)}, of settings "
            f"{', '.join(map(repr, several['settings']))} and data "
            f"{', '.join(several['data_hash'])}. Give a results folder with one of them."
        )
    runs = runs_of(load_runs(results), show)
    made = made_by(command, runs[0].about)
    (folder / f"{name}.md").write_text(to_markdown(board) + "\n" + made)
    board.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g")
    (folder / f"{name}-field.md").write_text(to_field_markdown(board) + "\n" + made)
    per_llm = calibration_table(runs)
    per_llm.to_csv(folder / f"{name}-calibration.csv", index=False, float_format="%.6g")
    for figure in plots.draw_all(results, show):
        shutil.copy(figure, folder / f"{name}-{figure.name}")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Publish one comparison.")
    parser.add_argument("name")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--show", help="DATA/ZOO/SPLIT")
    what.add_argument("--experiment", help="a module of benchmarks.experiments")
    parser.add_argument("--command", help="that makes the runs of --show again")
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    parser.add_argument("--sweep", help="publish what this sweep varied, not the leaderboard")
    options = parser.parse_args(arguments)
    if options.experiment:
        publish_experiment(options.name, options.experiment, options.results)
        return
    if not options.command:
        parser.error("--show needs --command, which makes the runs again")
    publish(
        options.name,
        options.show,
        options.command,
        options.results,
        sweep=options.sweep,
    )


if __name__ == "__main__":
    main()
