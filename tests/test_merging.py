"""Results of several machines come together whole, once, and none is lost or rewritten."""

import json

import fsspec
import pandas as pd
import pytest
from test_experiment import Noting, made_work

from benchmarks import merging, store
from benchmarks.experiment import kept
from benchmarks.merging import Merged, Results, merge

ROWS = pd.DataFrame({"question_id": ["a", "b"], "score/x": [0.0, 1.0]})
PLACE = "runs/data/zoo/split/router"


def stored(root, key, rows=ROWS, place=PLACE):
    store.save_run(root / place / key, rows, {"seed": 0})
    return f"{place}/{key}"


def merged(source, target):
    return merge(Results(str(source)), Results(str(target)))


@pytest.fixture
def bucket():
    files = fsspec.filesystem("memory")
    yield "memory://bucket"
    files.rm("/bucket", recursive=True)


def test_what_is_lacking_is_copied_and_what_is_there_is_not_doubled(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    both = stored(here, "k0")
    stored(there, "k0")
    mine, part = stored(there, "k1"), stored(there, "p0", place="parts")
    assert merged(there, here) == Merged(copied=[mine, part], known=[both])
    assert [run.folder.name for run in store.load_runs(here)] == ["k0", "k1"]
    for name in (store.ROWS, store.RECORD):
        assert (here / mine / name).read_bytes() == (there / mine / name).read_bytes()
    assert merged(there, here) == Merged(known=[both, mine, part])
    assert merged(tmp_path / "nowhere", here) == Merged()


def test_an_object_store_is_a_place_like_another(tmp_path, bucket):
    place = stored(tmp_path / "here", "k0")
    assert merged(tmp_path / "here", bucket).copied == [place]
    assert merged(tmp_path / "here", bucket).known == [place]
    assert merged(bucket, tmp_path / "third").copied == [place]
    (run,) = store.load_runs(tmp_path / "third")
    pd.testing.assert_frame_equal(run.rows(), ROWS)


def test_of_a_run_with_other_rows_the_one_that_is_there_stands(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    place = stored(here, "k0")
    stored(there, "k0", ROWS.assign(**{"score/x": 1.0}))
    assert merged(there, here) == Merged(differing=[place])
    pd.testing.assert_frame_equal(store.load_run(here / place).rows(), ROWS)


def test_rows_that_are_packed_in_another_way_are_the_same(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    place = stored(here, "k0")
    stored(there, "k0")
    ROWS.to_parquet(there / place / store.ROWS, compression=None)
    record = json.loads((there / place / store.RECORD).read_text())
    del record[store.ROWS_HASH]  # as records were once
    (there / place / store.RECORD).write_text(json.dumps(record))
    assert merged(there, here) == Merged(known=[place])


def test_what_is_damaged_is_left_out_on_either_side(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    cut, gone, bad = (stored(there, key) for key in ("k0", "k1", "k2"))
    (there / cut / store.ROWS).write_bytes((there / cut / store.ROWS).read_bytes()[:-9])
    (there / gone / store.ROWS).unlink()
    stored(here, "k2")
    (here / bad / store.ROWS).write_bytes(b"")
    assert merged(there, here) == Merged(damaged=[cut, gone, bad])
    assert not (here / cut).exists()


def test_what_was_invalidated_does_not_come_back(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    place = stored(here, "k0")
    stored(there, "k0")
    store.invalidate(here / place, "Its prices were wrong.")
    assert merged(there, here) == Merged(taken_out=[place])
    stored(here, "k0")  # it was made anew
    assert merged(there, here) == Merged(known=[place])


def test_what_is_being_written_is_not_copied(tmp_path):
    place = stored(tmp_path / "there", ".k0.123.part")
    assert (tmp_path / "there" / place / store.RECORD).exists()
    assert merged(tmp_path / "there", tmp_path / "here") == Merged()


def test_the_command_says_what_came_of_it(tmp_path, capsys):
    here, there = tmp_path / "here", tmp_path / "there"
    stored(there, "k0")
    gone, lost = stored(there, "k1"), stored(there, "k2")
    for place in (gone, lost):
        (there / place / store.ROWS).unlink()
    assert merging.main([str(there), str(here)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "1 copied",
        "0 there already",
        "0 invalidated there, and left out",
        "0 there with other rows, which stand",
        "2 damaged, here or there, and left out",
        f"  {gone}",
        f"  {lost}",
    ]
    assert merging.main([str(here), str(here)]) == 0
    for nothing in ("", str(tmp_path / "a slip")):
        with pytest.raises(SystemExit, match="FROM must name a folder of results or a URL, got"):
            merging.main([nothing, str(here)])


def test_machines_share_their_work_through_a_mirror(tmp_path, bucket):
    first, is_new = kept("made", Noting(), made_work(tmp_path / "a", mirror=bucket))
    assert is_new
    second, is_new = kept("made", Noting(), made_work(tmp_path / "b", mirror=bucket))
    assert not is_new
    assert second.folder.parent == tmp_path / "b" / "parts"
    assert second.about == first.about
    _, is_new = kept("made", Noting(), made_work(tmp_path / "c", mirror=None))
    assert is_new
