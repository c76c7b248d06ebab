"""One job after the other, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks.launching import Finished
from benchmarks.launching.failing import finished


class Inline:
    """Runs jobs in this process."""

    def run(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Finished]:
        """See :class:`benchmarks.launching.Backend`."""
        for position, item in enumerate(items):
            yield finished(position, function, item)
