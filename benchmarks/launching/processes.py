"""Several jobs at a time, in processes of this machine.

Each process has a pipe of its own: one that is killed breaks nothing that another needs.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from benchmarks.launching import Finished
from benchmarks.launching.failing import finished
from benchmarks.launching.threads import inherited, n_cores
from routers.constraints import Integer
from routers.validation import checked

# A new interpreter for each: one that is forked from a process with threads may hang.
_CONTEXT = multiprocessing.get_context("spawn")
Function = Callable[[Any], Any]


class Processes:
    """Runs jobs in processes of this machine.

    Parameters
    ----------
    n_workers : int, optional
        Processes at a time; by default as many as the cores have room for.
    threads : int, default=1
        Of each process.
    retries : int, default=2
        How often a job is begun again whose process died.
    """

    @checked("processes", n_workers=Integer(1) | None, threads=Integer(1), retries=Integer(0))
    def __init__(self, n_workers: int | None = None, threads: int = 1, retries: int = 2):
        self.n_workers = n_workers or max(1, n_cores() // threads)
        self.threads = threads
        self.retries = retries

    def run(self, function: Function, items: Sequence[Any]) -> Iterator[Finished]:
        """See :class:`benchmarks.launching.Backend`."""
        waiting, died = deque(range(len(items))), Counter[int]()
        crew = _Crew(function, self.threads)
        try:
            while waiting or crew.busy:
                while waiting and len(crew.busy) < self.n_workers:
                    position = waiting.popleft()
                    crew.begin(position, items[position])
                for position, message in crew.heard():
                    if isinstance(message, logging.LogRecord):
                        logging.getLogger(message.name).handle(message)
                    elif isinstance(message, Finished):
                        yield message
                    elif died[position] < self.retries:
                        died[position] += 1
                        waiting.append(position)
                    else:
                        times = f", {died[position] + 1} times" if died[position] else ""
                        yield Finished(position, error=f"its process died {message}{times}")
        finally:
            crew.dismiss()


class _Crew:
    """Processes: those that are at work, by their pipe with the position of their job, and idle."""

    def __init__(self, function: Function, threads: int):
        self._function, self._threads = function, threads
        self.busy: dict[Connection, tuple[_Worker, int]] = {}
        self._idle: list[_Worker] = []

    def begin(self, position: int, item: Any) -> None:
        """Let a process begin a job; one is started where none is idle."""
        alive = [worker for worker in self._idle if worker.is_alive()]
        worker = alive.pop() if alive else _Worker(self._function, self._threads)
        self._idle = alive
        worker.give(position, item)
        self.busy[worker.pipe] = worker, position

    def heard(self) -> Iterator[tuple[int, logging.LogRecord | Finished | str]]:
        """Wait for messages and yield them, each with the position of its job.

        That a process died is told by a text, which says how.
        """
        for pipe in wait(list(self.busy)):
            assert isinstance(pipe, Connection)
            worker, position = self.busy[pipe]
            try:
                message = pipe.recv()
            except (EOFError, OSError):
                message = worker.bury()
            if not isinstance(message, logging.LogRecord):
                del self.busy[pipe]
            if isinstance(message, Finished):
                self._idle.append(worker)
            yield position, message

    def dismiss(self) -> None:
        """End all processes, whatever they do."""
        for worker in [*self._idle, *(worker for worker, _ in self.busy.values())]:
            worker.dismiss()


class _Worker:
    """A process that does one job after the other, and the pipe to it."""

    def __init__(self, function: Function, threads: int):
        self.pipe, theirs = _CONTEXT.Pipe()
        with inherited(threads):
            self._process = _CONTEXT.Process(target=_serve, args=(theirs, function), daemon=True)
            self._process.start()
        theirs.close()  # it has its own: what it alone holds is closed when it dies

    def give(self, position: int, item: Any) -> None:
        """Send a job; that a process has just died is noticed when it is listened to."""
        with suppress(OSError):
            self.pipe.send((position, item))

    def is_alive(self) -> bool:
        """Tell whether the process can be given a job."""
        return self._process.is_alive()

    def bury(self) -> str:
        """Return how a dead process ended."""
        self.pipe.close()
        self._process.join()
        code = self._process.exitcode
        return f"by signal {-code}" if code and code < 0 else f"with status {code}"

    def dismiss(self) -> None:
        """End the process, whatever it does."""
        self.pipe.close()
        self._process.terminate()
        self._process.join()


def _serve(pipe: Connection, function: Function) -> None:
    """Do jobs until the other side closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the other side's to answer
    sender, root = _Sender(pipe), logging.getLogger()
    root.handlers, root.level = [sender], logging.INFO
    with suppress(EOFError, OSError):
        while True:
            position, item = pipe.recv()
            sender.send(finished(position, function, item))


class _Sender(logging.Handler):
    """Sends what is logged to the other side of a pipe, and what else is to be sent."""

    def __init__(self, pipe: Connection):
        super().__init__()
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record, its text made: what it was made of may not survive the way."""
        record.msg, record.args, record.exc_info = record.getMessage(), None, None
        with suppress(OSError):
            self.send(record)

    def send(self, message: object) -> None:
        """Send something; threads wait for each other."""
        with self.lock or nullcontext():
            self._pipe.send(message)
