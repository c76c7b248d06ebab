"""Many records in one file: a copy that never says what the folders do not."""

import json
import os

import pytest

from benchmarks import manifest
from benchmarks.manifest import records

N = 130


def write(root, n, **more):
    for i in range(n):
        folder = root / f"d{i % 3}" / f"k{i:03}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "run.json").write_text(json.dumps({"i": i} | more))


def listed(root):
    return records(root, "run.json", 1)


@pytest.fixture
def opened(monkeypatch):
    """Return the records that are read where they stand."""
    seen, read = [], manifest.Path.read_text

    def noted(path, *more):
        seen.append(path.parent.name)
        return read(path, *more)

    monkeypatch.setattr(manifest.Path, "read_text", noted)
    return seen


def test_the_second_time_one_file_is_read(tmp_path, opened):
    write(tmp_path, N)
    first = listed(tmp_path)
    assert len(first) == len(opened) == N
    assert [folder.relative_to(tmp_path).parts for folder, _ in first] == sorted(
        (f"d{i % 3}", f"k{i:03}") for i in range(N)
    )
    assert all(int(folder.name[1:]) == record["i"] for folder, record in first)
    opened.clear()
    assert listed(tmp_path) == first
    assert opened == []


def test_what_is_new_gone_or_changed_is_as_the_folders_say(tmp_path, opened):
    write(tmp_path, N)
    listed(tmp_path)
    opened.clear()
    changed = tmp_path / "d0" / "k000" / "run.json"
    changed.write_text(json.dumps({"i": -1}))
    os.utime(changed, ns=(0, 1))
    (tmp_path / "d1" / "k001" / "run.json").unlink()
    (tmp_path / "d1" / "new").mkdir()
    (tmp_path / "d1" / "new" / "run.json").write_text('{"i": 999}')
    hidden = tmp_path / "d1" / ".new.part"
    hidden.mkdir()
    (hidden / "run.json").write_text('{"i": 1000}')
    found = {folder.name: record["i"] for folder, record in listed(tmp_path)}
    assert sorted(opened) == ["k000", "new"]
    assert len(found) == N
    assert (found["k000"], found["new"]) == (-1, 999)
    assert "k001" not in found


def test_few_records_need_no_copy(tmp_path):
    write(tmp_path, 100)
    assert len(listed(tmp_path)) == 100
    assert not (tmp_path / manifest.NAME).exists()
    write(tmp_path, 101)
    listed(tmp_path)
    assert (tmp_path / manifest.NAME).exists()
    assert [f.name for f in tmp_path.iterdir() if f.name.startswith(".")] == [manifest.NAME]


@pytest.mark.parametrize("content", [b"", b"PAR1 and nothing", None])
def test_a_copy_that_cannot_be_read_is_made_anew(tmp_path, content):
    write(tmp_path, N)
    first = listed(tmp_path)
    file = tmp_path / manifest.NAME
    whole = file.read_bytes()
    if content is None:
        manifest.pd.DataFrame({"place": ["d0/k000"]}).to_parquet(file)
    else:
        file.write_bytes(content)
    assert listed(tmp_path) == first
    assert file.read_bytes() == whole


def test_the_order_is_that_of_folders_not_of_their_whole_names(tmp_path):
    for place in ("a/x", "a-b/x", "a/w"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "run.json").write_text("{}")
    found = [folder.relative_to(tmp_path).as_posix() for folder, _ in listed(tmp_path)]
    assert found == ["a/w", "a/x", "a-b/x"]


def test_where_nothing_is_there_is_nothing(tmp_path):
    assert listed(tmp_path / "nowhere") == []
    (tmp_path / "a file").touch()
    assert listed(tmp_path) == []


def test_a_place_that_cannot_be_written_to_is_read(tmp_path, monkeypatch):
    write(tmp_path, N)

    def refused(*_, **__):
        raise OSError("read-only")

    monkeypatch.setattr(manifest.pd.DataFrame, "to_parquet", refused)
    assert len(listed(tmp_path)) == N
