"""Where jobs run: one after the other, in processes of this machine, on Ray, on SLURM.

A backend is a file here and one in ``configs/backend``. What a job does to its process touches no
other: one that fails, or whose process is killed, does not keep the others from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Finished:
    """A job that came to an end.

    Attributes
    ----------
    position : int
        Of its item.
    result : object
        What the function returned, None where it did not return.
    error : str
        Why it did not, "" if it did.
    """

    position: int
    result: Any = None
    error: str = ""


class Backend(Protocol):
    """Runs jobs."""

    def run(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Finished]:
        """Call a function on every item, and yield the jobs as they come to an end.

        Parameters
        ----------
        function : callable
            Of a module, so that another process finds it.
        items : sequence
            Each can be pickled, and so can what the function returns of it.

        Yields
        ------
        Finished
            Of each item one, in any order.
        """
