"""What is being done, how far it is, and remarks above it: a line that always moves."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TextIO

from tqdm import tqdm

log = logging.getLogger(__name__)

Update = Callable[[int, int], None]  # how much of a stage is done, of how much
Stage = Callable[[str, str], AbstractContextManager[Update]]  # what is done, and in what units

_LONGEST_NAME = 48  # on a terminal: the figures must find room beside it
_TERMINAL_SECONDS, _FILE_SECONDS = 1.0, 30.0  # between two signs of life
_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}]"
_NO_BAR = "{desc} [{elapsed}]"


def silent(what: str, unit: str) -> AbstractContextManager[Update]:
    """Return a stage that shows nothing."""
    return nullcontext(lambda done, total: None)


class Progress:
    """Shows the stages of a job one after the other.

    On a terminal a stage is a bar, drawn anew each second; in a file it is a line every half
    minute. A stage that takes less than that leaves nothing.

    Parameters
    ----------
    stream : file, optional
        Standard error by default.
    seconds : float, optional
        Between two signs of life.

    Attributes
    ----------
    job : str
        What every line begins with: number and name of what is run.
    """

    def __init__(self, stream: TextIO | None = None, seconds: float | None = None):
        self.job = ""
        self._stream = sys.stderr if stream is None else stream
        self._on_terminal = self._stream.isatty()
        self._seconds = seconds or (_TERMINAL_SECONDS if self._on_terminal else _FILE_SECONDS)

    @contextmanager
    def stage(self, what: str, unit: str) -> Iterator[Update]:
        """Show a stage while it lasts; yields a function that is told how far it is.

        Parameters
        ----------
        what : str
            Such as ``"encoding"``.
        unit : str
            What is counted, such as ``"text"``.
        """
        name = f"{self.job}: {what}" if self.job else what
        bar = tqdm(
            desc=name if len(name) <= _LONGEST_NAME else f"{name[:20]}…{name[-27:]}",
            unit=f" {unit}",
            file=self._stream,
            leave=False,
            dynamic_ncols=True,
            bar_format=_NO_BAR,
            disable=not self._on_terminal,
        )
        shown = _Shown(name, unit, bar)
        finished = threading.Event()
        alive = threading.Thread(target=self._keep_alive, args=(shown, finished), daemon=True)
        alive.start()
        try:
            yield shown.update
        finally:
            finished.set()
            alive.join()
            bar.close()

    def _keep_alive(self, shown: _Shown, finished: threading.Event) -> None:
        while not finished.wait(self._seconds):
            if self._on_terminal:
                shown.bar.refresh()
            else:
                log.info("%s", shown.text())


class _Shown:
    """How far a stage is, for a bar and for a line of text."""

    def __init__(self, name: str, unit: str, bar: tqdm):
        self.name, self.unit, self.bar = name, unit, bar
        self._done, self._total, self._before = 0, 0, 0
        self._start = time.perf_counter()

    def update(self, done: int, total: int) -> None:
        """Tell how far the stage is; where another piece of work begins, the speed is a new one."""
        if done < self._done or total != self._total:
            self._start, self._before = time.perf_counter(), done
            self.bar.reset(total)
            self.bar.initial = self.bar.n = done
        self._done, self._total = done, total
        if not self.bar.disable:
            self.bar.bar_format = _BAR
            self.bar.update(done - self.bar.n)

    def text(self) -> str:
        """Say how far the stage is, how fast it goes and what time is left."""
        elapsed = time.perf_counter() - self._start
        if self._done == self._before:
            return f"{self.name}, {_clock(elapsed)} so far"
        rate = (self._done - self._before) / elapsed
        return (
            f"{self.name}, {self._done:,} of {self._total:,} {self.unit}s, {rate:,.3g} per second, "
            f"{_clock((self._total - self._done) / rate)} left"
        )


def _clock(seconds: float) -> str:
    return str(tqdm.format_interval(seconds))


class LineAboveBar(logging.StreamHandler):
    """Log handler that writes above a progress bar instead of through it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        tqdm.write(self.format(record), file=sys.stderr)


class Once(logging.Filter):
    """Lets every remark through once: a sweep would print the same one for every run.

    Remarks that differ in their figures only are the same one if they are logged with the same
    name, ``extra={"once": name}``.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is new; what is no warning may be said again."""
        if record.levelno < logging.WARNING:
            return True
        remark = getattr(record, "once", record.getMessage())
        new = remark not in self._said
        self._said.add(remark)
        return new


def set_up_logging() -> None:
    """Send remarks of every package to standard error, each once, above the bar."""
    handler = LineAboveBar()
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.addFilter(Once())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    for noisy in ("sentence_transformers", "transformers", "httpx", "matplotlib"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
