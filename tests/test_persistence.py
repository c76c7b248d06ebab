import pytest
from sklearn.exceptions import NotFittedError
from skops import io

from routers import load_router, save_router
from routers.baselines import BestSingle


def test_unfitted_routers_are_not_saved(tmp_path):
    with pytest.raises(NotFittedError):
        save_router(BestSingle(), tmp_path / "r.skops")
    assert not list(tmp_path.iterdir())


def test_files_with_foreign_objects_are_refused(tmp_path, tiny):
    import collections
    import subprocess

    file = tmp_path / "r.skops"
    io.dump({"harm": subprocess.Popen, "data": collections.Counter("ab")}, file)
    with pytest.raises(ValueError, match="holds objects that no router needs"):
        load_router(file)


def test_files_without_a_router_are_refused(tmp_path):
    file = tmp_path / "r.skops"
    io.dump([1, 2], file)
    with pytest.raises(ValueError, match="must hold a Router, it holds a list"):
        load_router(file)


def test_a_failed_save_keeps_the_older_file(tmp_path, tiny, monkeypatch):
    file = save_router(BestSingle().fit(tiny), tmp_path / "r.skops")
    before = file.read_bytes()

    def fails(*_):
        raise OSError("disk full")

    monkeypatch.setattr(io, "dump", fails)
    with pytest.raises(OSError, match="disk full"):
        save_router(BestSingle().fit(tiny), file)
    assert file.read_bytes() == before
