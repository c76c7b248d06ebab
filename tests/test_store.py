import json

import pandas as pd
import pytest

from benchmarks import store

ROWS = pd.DataFrame({"question_id": ["a", "b"], "score/x": [0.0, 1.0]})


def folder_in(tmp_path, key="k"):
    return tmp_path / "runs" / "data" / "zoo" / "split" / "router" / key


def test_what_is_saved_is_loaded(tmp_path):
    folder = store.save_run(folder_in(tmp_path), ROWS, {"seed": 3})
    assert store.is_finished(folder)
    (run,) = store.load_runs(tmp_path)
    pd.testing.assert_frame_equal(run.rows(), ROWS)
    assert run.about["seed"] == 3
    assert {"commit", "finished", "machine", "versions"} <= set(run.about)


def test_a_killed_write_leaves_nothing_that_counts(tmp_path, monkeypatch):
    folder = folder_in(tmp_path)

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "circumstances", killed)
    with pytest.raises(KeyboardInterrupt):
        store.save_run(folder, ROWS, {})
    assert not store.is_finished(folder)
    assert list(folder.parent.iterdir()) == []
    # a process that dies without cleaning up leaves a hidden part, which nobody reads
    part = folder.with_name(".k.0123.part")
    part.mkdir()
    (part / "run.json").write_text("{}")
    assert store.load_runs(tmp_path) == []


def test_failed_replacement_keeps_the_old_run(tmp_path):
    folder = store.save_run(folder_in(tmp_path), ROWS, {"seed": 1})
    with pytest.raises(TypeError):
        store.save_run(folder, ROWS, {"seed": object()})
    assert json.loads((folder / "run.json").read_text())["seed"] == 1
    store.save_run(folder, ROWS.iloc[:1], {"seed": 2})
    (run,) = store.load_runs(tmp_path)
    assert run.about["seed"] == 2
    assert len(run.rows()) == 1


def test_key_follows_configuration_and_data():
    key = store.run_key({"k": 5, "seed": 0}, "data")
    assert key == store.run_key({"seed": 0, "k": 5}, "data")
    assert (
        len(
            {
                key,
                store.run_key({"k": 6, "seed": 0}, "data"),
                store.run_key({"k": 5, "seed": 0}, "other"),
            }
        )
        == 3
    )
