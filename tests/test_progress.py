import io
import logging
import time

import pytest
from tqdm import tqdm

from benchmarks import progress
from benchmarks.progress import Once, Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_moves_while_nothing_is_told_and_says_stage_speed_and_time_left():
    stream = Terminal()
    shown = Progress(stream, seconds=0.02)
    shown.job = "[2/9] knn, seed 0"
    with shown.stage("encoding", "text") as tell:
        time.sleep(0.15)
        drawn = stream.getvalue().count("encoding")
        assert drawn >= 3
        tell(10, 120)
        tell(30, 120)
        time.sleep(0.1)
    text = stream.getvalue()
    assert "[2/9] knn, seed 0: encoding" in text
    assert "25%" in text
    assert "30/120" in text
    assert "text/s" in text


def test_a_long_name_leaves_room_for_the_figures(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    shown = Progress(stream, seconds=0.02)
    shown.job = "[10/99] a router " + "with many settings " * 9
    with shown.stage("encoding", "text") as tell:
        tell(30, 120)
        time.sleep(0.05)
    last = stream.getvalue().split("\r")[-3]
    assert "[10/99] a router" in last
    assert ": encoding: " in last


def test_a_file_gets_a_line_now_and_then(caplog):
    caplog.set_level(logging.INFO)
    shown = Progress(io.StringIO(), seconds=0.05)
    with shown.stage("reading logs", "outcome"):
        time.sleep(0.12)
    with shown.stage("encoding", "text") as tell:
        tell(200, 1200)
        time.sleep(0.01)
        tell(300, 1200)
        time.sleep(0.12)
    first, *_, last = [record.getMessage() for record in caplog.records]
    assert first == "reading logs, 00:00 so far"
    assert last.startswith("encoding, 300 of 1,200 texts, ")
    assert last.endswith(" left")


def test_a_second_encoder_is_not_charged_with_the_time_of_the_first(monkeypatch):
    now = 0.0
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now)
    bar = tqdm(file=Terminal(), bar_format="{desc}")
    shown = progress._Shown("encoding", "text", bar)
    shown.update(1, 692)
    now = 100.0
    shown.update(692, 692)
    shown.update(10, 692)  # another encoder begins
    now = 101.0
    shown.update(110, 692)
    assert shown.text() == "encoding, 110 of 692 texts, 100 per second, 00:05 left"
    assert (bar.n, bar.initial, bar.total) == (110, 10, 692)


def test_a_quick_stage_leaves_nothing(caplog):
    caplog.set_level(logging.INFO)
    with Progress(io.StringIO()).stage("routing", "fold") as tell:
        tell(1, 5)
    assert not caplog.records


def test_a_stage_that_fails_ends():
    stream = Terminal()
    with pytest.raises(OSError, match="disk"), Progress(stream, 0.02).stage("encoding", "text"):
        raise OSError("disk")
    drawn = len(stream.getvalue())
    time.sleep(0.06)
    assert len(stream.getvalue()) == drawn


def test_a_remark_is_printed_once_and_a_line_of_a_run_each_time():
    once = Once()

    def passes(level, text):
        return once.filter(logging.LogRecord("any", level, "", 0, text, (), None))

    assert [passes(logging.WARNING, "12 questions recur") for _ in range(3)] == [True, False, False]
    assert passes(logging.WARNING, "13 questions recur")
    assert all(passes(logging.INFO, "knn is stored already") for _ in range(3))


def test_a_remark_under_a_name_is_printed_once_whatever_its_figures(caplog):
    caplog.handler.addFilter(once := Once())
    for figure in (12, 13):
        logging.getLogger("any").warning("%d questions recur", figure, extra={"once": "recur"})
    caplog.handler.removeFilter(once)
    assert caplog.messages == ["12 questions recur"]
