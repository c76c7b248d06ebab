"""One job after the other, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks.launching import Finished
from benchmarks.launching.failing import finished
from benchmarks.launching.threads import limited
from routers.constraints import Integer
from routers.validation import checked


class Inline:
    """Runs jobs in this process.

    Parameters
    ----------
    threads : int, optional
        That libraries use; by default as many as each likes, mostly one for each core.
    """

    @checked("inline", threads=Integer(1) | None)
    def __init__(self, threads: int | None = None):
        self.threads = threads

    def run(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Finished]:
        """See :class:`benchmarks.launching.Backend`."""
        for position, item in enumerate(items):
            with limited(self.threads):
                found = finished(position, function, item)
            yield found
