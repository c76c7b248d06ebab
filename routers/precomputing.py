"""What can be computed of texts before anything is fitted: vectors and tags, kept by content."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from routers.table import Texts

Progress = Callable[[int, int], None]  # how much of the work is done, of how much


class Clock:
    """Counts the seconds that this process spends on what is kept by content.

    Attributes
    ----------
    seconds : float
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time until the block ends."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - start


CLOCK = Clock()


class Precomputing:
    """Mixin of estimators whose parameters may compute something of texts beforehand."""

    def precompute(self, texts: Texts, progress: Progress | None = None) -> int:
        """Let every parameter compute what it will need of some texts.

        ``fit`` and ``predict`` would do the same; done before, it can show how far it is, and its
        time is not mistaken for that of fitting.

        Parameters
        ----------
        texts : sequence of str
        progress : callable, optional
            Called with how many texts are done, of how many.

        Returns
        -------
        int
            How many texts had to be computed; 0 where everything was kept.
        """
        parameters = self.get_params(deep=False).values()  # type: ignore[attr-defined]
        parts = [value for value in parameters if isinstance(value, Precomputing)]
        return sum(part.precompute(texts, progress) for part in parts)


def arithmetics(estimator: Any) -> dict[str, str]:
    """Return the arithmetic of an estimator and of its parameters, by name, where they have one.

    The estimator itself has the name ``""``.
    """
    parts = {"": estimator} | estimator.get_params(deep=True)
    named = {name: getattr(part, "arithmetic", None) for name, part in parts.items()}
    return {name: value for name, value in named.items() if isinstance(value, str)}
