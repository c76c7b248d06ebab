"""Routers to be killed while they are fitted: one takes its time, one counts."""

import time
from pathlib import Path

from routers.baselines import BestSingle


class Slow(BestSingle):
    """The best single llm, found in a second."""

    def _fit(self, table):
        time.sleep(1.0)
        return super()._fit(table)


class Counting(BestSingle):
    """The best single llm; every fit adds a line to a file."""

    def __init__(self, file: str = "", macro: bool = True):
        super().__init__(macro)
        self.file = file

    def _fit(self, table):
        with Path(self.file).open("a") as lines:
            lines.write("fitted\n")
        return super()._fit(table)
