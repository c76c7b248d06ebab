"""Readings of questions: kept by content, mapped from files, never more than is allowed."""

import logging

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from routers.model_sat.language_model import CutLM, load_lm
from routers.model_sat.plain import without_template
from routers.model_sat.reader import QuestionReader
from routers.model_sat.readings import Readings, _flat

TEXTS = ["one plus one?", "name a verb", "x"]


@pytest.fixture(scope="module")
def lm(tiny_lm) -> CutLM:
    return load_lm(str(tiny_lm), 0.5, torch.float32, torch.device("cpu"))


@pytest.fixture
def counted(lm, monkeypatch):
    """Count what the LM reads."""
    read = []
    whole = CutLM.read

    def counting(self, prompt):
        read.append(prompt)
        return whole(self, prompt)

    monkeypatch.setattr(CutLM, "read", counting)
    return read


def same(one, two) -> bool:
    return torch.equal(one.states, two.states) and torch.equal(one.memory, two.memory)


def kept(lm, text):
    """What is kept of a text: the reading in 16 bits."""
    reading = lm.read(lm.prompt(text, 64))
    return reading.states.half(), reading.memory.half()


@pytest.mark.parametrize("on_disk", [True, False])
def test_each_text_is_read_once(lm, tmp_path, counted, on_disk):
    folder = tmp_path / "readings" if on_disk else None
    readings = Readings(lm, 64, folder, 1.0)
    told = []
    assert readings.fill([*TEXTS, "x"], lambda done, of: told.append((done, of))) == 3
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert readings.fill(TEXTS) == 0
    assert len(counted) == 3
    found = readings.get(["x", TEXTS[0], "x"])
    assert len(counted) == 3
    assert same(found[0], found[2])
    for text, reading in zip(["x", TEXTS[0]], found, strict=False):
        states, memory = kept(lm, text)
        assert torch.equal(reading.states, states)
        assert torch.equal(reading.memory, memory)


def test_another_process_finds_what_one_has_written(lm, tmp_path, counted):
    first, second = (Readings(lm, 64, tmp_path, 1.0) for _ in range(2))
    first.fill(TEXTS[:1])
    second.fill(TEXTS)
    assert len(counted) == 3
    first.fill(TEXTS)
    third = Readings(lm, 64, tmp_path, 1.0)
    assert third.fill(TEXTS) == 0
    assert len(counted) == 3
    assert all(same(*pair) for pair in zip(first.get(TEXTS), third.get(TEXTS), strict=True))
    assert len(list(tmp_path.glob("*.f16"))) == 2


def test_what_a_killed_process_wrote_without_naming_it_is_read_again(lm, tmp_path):
    Readings(lm, 64, tmp_path, 1.0).fill(TEXTS[:1])
    (written,) = tmp_path.glob("*.f16")
    with written.open("ab") as file:
        file.write(b"half a number's wor")
    again = Readings(lm, 64, tmp_path, 1.0)
    assert again.fill(TEXTS) == 2
    for text, reading in zip(TEXTS, again.get(TEXTS), strict=True):
        assert torch.equal(reading.memory, kept(lm, text)[1])


@pytest.mark.parametrize("on_disk", [True, False])
def test_no_more_is_kept_than_may_be(lm, tmp_path, counted, caplog, on_disk):
    sizes = [_flat(lm.read(lm.prompt(text, 64))).nbytes for text in TEXTS]
    counted.clear()
    limit = (max(sizes) + min(sizes) - 1) / 1e9  # one fits, two do not
    readings = Readings(lm, 64, tmp_path if on_disk else None, limit)
    with caplog.at_level(logging.WARNING):
        assert readings.fill(TEXTS) in (1, 2)
    assert "are read anew whenever they are needed" in caplog.text
    n_read = len(counted)
    found = readings.get(TEXTS)
    assert len(counted) > n_read
    for text, reading in zip(TEXTS, found, strict=True):
        assert torch.equal(reading.memory, kept(lm, text)[1])
    stored = sum(file.stat().st_size for file in tmp_path.glob("*.f16"))
    assert stored <= limit * 1e9


def test_numbers_are_mapped_and_not_held(lm, tmp_path):
    readings = Readings(lm, 64, tmp_path, 1.0)
    readings.fill(TEXTS)
    assert all(isinstance(numbers, np.memmap) for numbers in readings._kept.values())


def test_a_plain_question_is_its_words_alone():
    asked = "Which gas, mostly?\nA. Oxygen.\nB) Neon-20"
    assert without_template(asked) == "which gas mostly"
    assert without_template("(A) yes\n(B) no") == "a yes b no"
    assert without_template("A. is this a start?") == "a is this a start"


def test_plain_and_untrained_readings_are_other_readings(tiny_lm):
    found = [
        QuestionReader(str(tiny_lm), depth=0.5, dtype="float32", **changed).readings()
        for changed in ({}, {"plain": True}, {"trained": False})
    ]
    assert len({readings.fingerprint for readings in found}) == 3
    question = "What is it?\nA. x"
    usual, plain, untrained = (readings.get([question])[0] for readings in found)
    assert plain.memory.shape[3] < usual.memory.shape[3]
    assert untrained.memory.shape == usual.memory.shape
    assert not torch.equal(untrained.memory, usual.memory)
    assert same(plain, found[0].get(["what is it"])[0])
