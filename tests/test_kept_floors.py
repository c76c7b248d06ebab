"""Floors of many questions are routed once for all processes, and anew for anything else."""

import dataclasses

import numpy as np
import pytest

from benchmarks import bounds, kept_floors
from benchmarks.kept_floors import key_of
from benchmarks.sources.synthetic import load
from routers.encoders import TfidfEncoder
from routers.recognition import RecognisedDatasetRouter


@pytest.fixture
def table():
    return load(n_questions=60).table


FOLD = tuple(np.array(rows, dtype=np.int64).tobytes() for rows in (range(40), range(40, 60)))


def recognizer(**given):
    return RecognisedDatasetRouter(TfidfEncoder(), **given)


def test_many_are_kept_and_are_what_they_were(table, monkeypatch, tmp_path):
    monkeypatch.setattr(kept_floors, "cache_folder", lambda: tmp_path)
    few = bounds.floors(table, *FOLD, recognizer())
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(bounds, "_MANY", 40)
    first = bounds.floors(table, *FOLD, recognizer())
    assert (tmp_path / "floors.sqlite").exists()
    monkeypatch.setattr(bounds, "_routed", None)  # what is kept is not routed again
    again = bounds.floors(table, *FOLD, recognizer())
    for found in (first, again):
        assert found.best_single == few.best_single
        assert list(found.choices) == list(few.choices)
        for name, choice in few.choices.items():
            np.testing.assert_array_equal(found.choices[name], choice)
            assert found.choices[name].dtype == choice.dtype
    with pytest.raises(TypeError):  # another split would have to be
        bounds.floors(table, *FOLD[::-1], recognizer())
    with pytest.raises(TypeError):  # and so would another recognizer
        bounds.floors(table, *FOLD, recognizer(strength=3.0))


def test_the_key_follows_all_that_choices_depend_on(table, monkeypatch):
    scores = table.scores.copy()
    scores[0, 0] = 1 - scores[0, 0]
    others = [
        key_of(dataclasses.replace(table, scores=scores), *FOLD, recognizer()),
        key_of(table.rows(np.arange(60)[::-1]), *FOLD, recognizer()),
        key_of(table.select(table.llms[::-1]), *FOLD, recognizer()),
        key_of(table, *FOLD[::-1], recognizer()),
        key_of(table, *FOLD, recognizer(strength=3.0)),
        key_of(table, *FOLD, RecognisedDatasetRouter(TfidfEncoder(dim=3))),
    ]
    own = key_of(table, *FOLD, recognizer())
    assert own == key_of(dataclasses.replace(table), *FOLD, recognizer())
    assert len({own, *others}) == 1 + len(others)
    monkeypatch.setattr("sklearn.__version__", "0")
    assert key_of(table, *FOLD, recognizer()) != own


def test_the_key_follows_the_code(table, monkeypatch, tmp_path):
    own = key_of(table, *FOLD, recognizer())
    (tmp_path / "new.py").write_text("")
    monkeypatch.setattr("routers.__file__", str(tmp_path / "__init__.py"))
    assert key_of(table, *FOLD, recognizer()) != own


def test_the_key_follows_the_weights_and_the_kind_of_what_reads(table):
    class Weighed(TfidfEncoder):
        fingerprint = "a"

    class Other(TfidfEncoder):
        fingerprint = "a"

    def key(encoder):
        return key_of(table, *FOLD, RecognisedDatasetRouter(encoder))

    own = key(Weighed())
    assert key(Weighed()) == own != key(Other())
    Weighed.fingerprint = "b"
    assert key(Weighed()) != own
