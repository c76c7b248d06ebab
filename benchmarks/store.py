"""One run, one folder: written whole or not at all, never changed, skipped when it is there.

``<results>/runs/<data>/<zoo>/<split>/<router>/<key>/`` holds ``rows.parquet`` (what happened, one
row per question) and ``run.json`` (configuration, versions, machine, timing). The key is a hash of
the configuration and of the outcomes, so that another parameter, or other data under the same
name, is another run. A run that failed leaves ``<results>/failed/<the same place>.json``, until it
succeeds.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import traceback
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

_VERSIONS = ("numpy", "scikit-learn", "torch", "transformers", "xgboost-cpu", "xgboost")
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Run:
    """A stored run: its folder and what ``run.json`` says; rows are read when asked for."""

    folder: Path
    about: dict[str, Any]

    def rows(self) -> pd.DataFrame:
        """Read the rows, one per test question; see ``benchmarks.evaluate.Evaluation``."""
        return pd.read_parquet(self.folder / "rows.parquet")


def run_key(config: dict[str, Any], data_hash: str) -> str:
    """Hash what determines a run's result, 12 hex digits.

    Parameters
    ----------
    config : dict
        The groups that matter (router, split, zoo, seed ...), with machine paths unresolved.
    data_hash : str
        ``RoutingTable.content_hash``.
    """
    text = json.dumps([config, data_hash], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def run_place(about: dict[str, Any], key: str) -> Path:
    """Return where a run stands below ``runs`` and ``failed``."""
    return Path(*(str(about[name]) for name in ("data", "zoo", "split", "router")), key)


def is_finished(folder: Path) -> bool:
    """Tell whether a run was stored in this folder."""
    return (folder / "run.json").is_file()


def save_run(folder: Path, rows: pd.DataFrame, about: dict[str, Any]) -> Path:
    """Store a run: written beside its folder and renamed, so that it is there whole or not.

    Parameters
    ----------
    folder : Path
        Replaced if it is there.
    rows : DataFrame
    about : dict
        JSON-able; machine, versions, commit and time are added.
    """
    part = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.part")
    part.mkdir(parents=True)
    try:
        rows.to_parquet(part / "rows.parquet", index=False, compression="zstd")
        text = json.dumps(about | circumstances(), indent=1, sort_keys=True)
        (part / "run.json").write_text(text + "\n")
        if folder.exists():
            old = part.with_suffix(".old")
            folder.rename(old)
            part.rename(folder)
            shutil.rmtree(old)
        else:
            part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def save_failure(results: Path, place: Path, about: dict[str, Any], error: BaseException) -> Path:
    """Record why a run failed, and return the file.

    Parameters
    ----------
    results : Path
    place : Path
        Of :func:`run_place`.
    about : dict
        JSON-able; the error, its traceback and the circumstances are added.
    error : BaseException
    """
    file = _failure_file(results, place)
    file.parent.mkdir(parents=True, exist_ok=True)
    trace = "".join(traceback.format_exception(error))
    found = about | {"error": f"{type(error).__name__}: {error}", "traceback": trace}
    part = file.with_suffix(f".{uuid.uuid4().hex}.part")
    part.write_text(json.dumps(found | circumstances(), indent=1, sort_keys=True) + "\n")
    part.replace(file)
    return file


def forget_failure(results: Path, place: Path) -> None:
    """Remove the record of a failure: the run has succeeded."""
    _failure_file(results, place).unlink(missing_ok=True)


def _failure_file(results: Path, place: Path) -> Path:
    return (results / "failed" / place).with_suffix(".json")


def load_runs(results: Path) -> list[Run]:
    """Return every finished run below a results folder, in a fixed order."""
    files = sorted((results / "runs").glob("*/*/*/*/*/run.json"))
    visible = [file for file in files if not file.parent.name.startswith(".")]
    return [Run(file.parent, json.loads(file.read_text())) for file in visible]


def circumstances() -> dict[str, Any]:
    """Return commit, time, machine and versions of what is run now."""
    return {
        "commit": _commit(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cores": os.cpu_count(),
            "processor": platform.machine(),
            "system": platform.system(),
            "python": platform.python_version(),
            "instructions": _instructions(),
        },
        "versions": {name: _version(name) for name in _VERSIONS if _version(name)},
    }


def _instructions() -> str | None:
    """Return which instructions torch uses, ``AVX2`` say; None in a process without torch."""
    torch = sys.modules.get("torch")
    return None if torch is None else torch.backends.cpu.get_cpu_capability()


def made_by(command: str, about: dict[str, Any]) -> str:
    """Return the line that ends a published table: what made it, when, on what."""
    machine = about["machine"]
    return (
        f"Made by `{command}` on {about['finished'][:10]}: {machine['cores']} "
        f"{machine['processor']} cores, Python {machine['python']}, commit {about['commit']}.\n"
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str:
    """Return the commit of the code, marked if files differ from it; '' outside a checkout."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
