"""What a stored run says of itself, and where it and a failure lie."""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from benchmarks import store

ROWS = pd.DataFrame({"question_id": ["a", "b"], "score/x": [0.0, 1.0]}, index=[7, 9])
ABOUT = {"data": "d", "zoo": "z", "split": "s", "router": "r", "seed": 0}
PLACE = Path("d", "z", "s", "r", "k")


def test_a_folder_of_rows_without_its_record_is_not_finished(tmp_path):
    assert not store.is_finished(tmp_path)
    ROWS.to_parquet(tmp_path / "rows.parquet")
    assert not store.is_finished(tmp_path)
    (tmp_path / "run.json").mkdir()
    assert not store.is_finished(tmp_path)


def test_files_of_a_run(tmp_path):
    folder = store.save_run(tmp_path / "runs" / PLACE, ROWS, {"seed": 3, "a": 1})
    assert sorted(file.name for file in folder.iterdir()) == ["rows.parquet", "run.json"]
    stored = pq.ParquetFile(folder / "rows.parquet")
    assert stored.schema.names == list(ROWS.columns)  # the index of a frame is no fact
    assert stored.metadata.row_group(0).column(0).compression == "ZSTD"
    lines = (folder / "run.json").read_text().splitlines(keepends=True)
    assert lines[1] == ' "a": 1,\n'  # sorted, a line each: differences can be read
    assert lines[-1] == "}\n"
    assert [path.name for path in folder.parent.iterdir()] == ["k"]


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    folder = tmp_path / "runs" / PLACE
    with pytest.raises(TypeError):
        store.save_run(folder, ROWS, {"seed": object()})
    assert list(folder.parent.iterdir()) == []


def test_runs_are_loaded_in_a_fixed_order(tmp_path):
    for router, key in (("b", "1"), ("a", "2"), ("a", "1")):
        store.save_run(tmp_path / "runs/d/z/s" / router / key, ROWS, {"router": router})
    found = [run.folder.relative_to(tmp_path / "runs" / "d" / "z" / "s").parts
             for run in store.load_runs(tmp_path)]  # fmt: skip
    assert found == [("a", "1"), ("a", "2"), ("b", "1")]
    assert store.load_runs(tmp_path / "elsewhere") == []


class TestFailure:
    @staticmethod
    def fail(folder):
        try:
            raise KeyError("no llm")
        except KeyError as error:
            return store.save_failure(folder, {"seed": 5}, error)

    def test_says_what_went_wrong_where_and_under_which_circumstances(self, tmp_path):
        file = self.fail(tmp_path / "runs" / PLACE)
        assert file == tmp_path / "failed" / "d" / "z" / "s" / "r" / "k.json"
        text = file.read_text()
        assert text.startswith('{\n "commit"')
        assert text.endswith("}\n")
        found = json.loads(text)
        assert found["error"] == "KeyError: 'no llm'"
        assert found["traceback"].startswith("Traceback (most recent call last):\n")
        assert 'raise KeyError("no llm")' in found["traceback"]
        assert found["seed"] == 5
        assert set(found) == {"error", "traceback", "seed", *store.circumstances()}

    def test_is_replaced_and_forgotten(self, tmp_path):
        folder = tmp_path / "runs" / PLACE
        file = self.fail(folder)
        assert self.fail(folder) == file
        assert list(file.parent.iterdir()) == [file]
        store.forget_failure(folder)
        assert not file.exists()
        store.forget_failure(folder)  # a run that never failed has none

    def test_of_a_part_it_lies_beside_the_parts(self, tmp_path):
        assert self.fail(tmp_path / "parts" / "k") == tmp_path / "failed" / "k.json"

    @pytest.mark.parametrize("name", ["runs", "parts"])
    def test_whatever_data_zoo_and_router_are_called(self, tmp_path, name):
        file = self.fail(tmp_path / "runs" / name / name / "s" / name / "k")
        assert file == tmp_path / "failed" / name / name / "s" / name / "k.json"

    def test_what_is_no_folder_of_a_run_has_no_failure(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="must be the folder of a stored run"):
            self.fail(tmp_path / "k")


class TestCircumstances:
    def test_time_and_machine(self):
        found = store.circumstances()
        assert set(found) == {"commit", "finished", "machine", "versions"}
        finished = datetime.fromisoformat(found["finished"])
        assert finished.utcoffset().total_seconds() == 0
        assert finished.microsecond == 0
        assert abs((datetime.now(UTC) - finished).total_seconds()) < 60
        assert "." not in found["finished"]
        machine = dict(found["machine"])
        machine.pop("instructions")
        assert machine == {
            "cores": os.cpu_count(),
            "processor": platform.machine(),
            "system": platform.system(),
            "python": platform.python_version(),
        }

    def test_instructions_are_torchs_where_it_is_loaded(self, monkeypatch):
        cpu = SimpleNamespace(get_cpu_capability=lambda: "AVX9")
        torch = SimpleNamespace(backends=SimpleNamespace(cpu=cpu))
        monkeypatch.setitem(sys.modules, "torch", torch)
        assert store.circumstances()["machine"]["instructions"] == "AVX9"
        monkeypatch.delitem(sys.modules, "torch")
        assert store.circumstances()["machine"]["instructions"] is None

    def test_versions_are_those_installed(self, monkeypatch):
        found = store.circumstances()["versions"]
        assert found["numpy"] == np.__version__
        assert found["scikit-learn"]
        assert set(found) <= {
            *("numpy", "scikit-learn", "torch", "transformers"),
            *("xgboost-cpu", "xgboost"),
        }
        assert {"torch", "transformers"} < set(found)
        assert any(name.startswith("xgboost") for name in found)
        monkeypatch.setattr(store, "_VERSIONS", ("numpy", "no-such-package"))
        assert store.circumstances()["versions"] == {"numpy": np.__version__}

    def test_commit_of_the_code_marked_where_files_differ(self, tmp_path, monkeypatch):
        def git(*words):
            who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
            command = ["git", "-C", str(tmp_path), *who, *words]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout

        git("init", "-q")
        (tmp_path / "code.py").write_text("1")
        git("add", "code.py")
        git("commit", "-q", "-m", "first")
        monkeypatch.setattr(store, "ROOT", tmp_path)
        commit = git("rev-parse", "HEAD")[:12]
        assert store.circumstances()["commit"] == commit
        (tmp_path / "code.py").write_text("2")
        assert store.circumstances()["commit"] == f"{commit}-dirty"

    def test_no_commit_outside_a_checkout_or_without_git(self, tmp_path, monkeypatch):
        monkeypatch.setattr(store, "ROOT", tmp_path)
        assert store.circumstances()["commit"] == ""
        monkeypatch.setenv("PATH", str(tmp_path))
        assert store.circumstances()["commit"] == ""


def test_the_line_below_a_published_table():
    about = {
        "machine": {"cores": 2, "processor": "x86_64", "python": "3.11.7"},
        "finished": "2025-06-01T10:00:00+00:00",
        "commit": "abc",
    }
    assert store.made_by("make bench", about) == (
        "Made by `make bench` on 2025-06-01: 2 x86_64 cores, Python 3.11.7, commit abc.\n"
    )


class TestLeftovers:
    """What a process leaves that is killed while it writes."""

    def left(self, tmp_path, name):
        part = tmp_path / name
        part.mkdir()
        (part / "rows.parquet").write_text("half of")
        return part

    def test_they_are_removed_when_the_run_is_stored(self, tmp_path):
        mine = self.left(tmp_path, ".k.0123.part")
        others = self.left(tmp_path, ".other.0123.part"), self.left(tmp_path, ".k.0123")
        folder = store.save_run(tmp_path / "k", ROWS, ABOUT)
        assert not mine.exists()
        assert all(other.exists() for other in others)
        assert {file.name for file in folder.iterdir()} == {"rows.parquet", "run.json"}

    def test_what_another_process_is_writing_is_not_one(self, tmp_path):
        part, held = store._new_part(tmp_path / "k")
        store.save_run(tmp_path / "k", ROWS, ABOUT)
        assert part.exists()
        os.close(held)
        store._remove_leftovers(tmp_path / "k")
        assert not part.exists()

    def test_one_that_was_taken_for_a_leftover_is_made_anew(self, tmp_path, monkeypatch):
        lock, locked = store.fcntl.flock, []

        def late(held, how):
            locked.append(how)
            if len(locked) == 1:
                store._remove_leftovers(tmp_path / "k")
            lock(held, how)

        monkeypatch.setattr(store.fcntl, "flock", late)
        part, held = store._new_part(tmp_path / "k")
        assert part.exists()
        assert len(list(tmp_path.glob(".k.*.part"))) == 1
        os.close(held)
