"""As jobs of SLURM, through submitit: https://github.com/facebookincubator/submitit."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks.launching import Finished
from benchmarks.launching.extras import extra
from benchmarks.launching.failing import finished, reason
from routers.constraints import Integer, OneOf, Real, Text
from routers.validation import checked

_POLL = 1.0  # seconds between two looks at what is done


class Slurm:
    """Runs jobs as those of SLURM, in arrays.

    Parameters
    ----------
    folder : str
        Of scripts and logs, which all nodes see.
    cluster : {"slurm", "local"}, default="slurm"
        ``"local"`` runs them as processes of this machine.
    partition : str, optional
        By default SLURM's.
    minutes : int, default=60
        That a job may take.
    memory_gb : float, default=8
    threads : int, default=1
        Cores that a job takes.
    at_once : int, default=64
        Jobs that may run at the same time.
    retries : int, default=2
        How often a job is begun again that died.
    """

    @checked(
        "slurm",
        folder=Text(),
        cluster=OneOf("slurm", "local"),
        partition=Text() | None,
        minutes=Integer(1),
        memory_gb=Real(0, open_low=True),
        threads=Integer(1),
        at_once=Integer(1),
        retries=Integer(0),
    )
    def __init__(
        self,
        folder: str,
        cluster: str = "slurm",
        partition: str | None = None,
        minutes: int = 60,
        memory_gb: float = 8,
        threads: int = 1,
        at_once: int = 64,
        retries: int = 2,
    ):
        self.folder = folder
        self.cluster = cluster
        self.partition = partition
        self.minutes = minutes
        self.memory_gb = memory_gb
        self.threads = threads
        self.at_once = at_once
        self.retries = retries

    def run(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Finished]:
        """See :class:`benchmarks.launching.Backend`."""
        executor = self._executor()
        waiting, died = deque(range(len(items))), Counter[int]()
        running: dict[int, Any] = {}
        while waiting or running:
            places = [waiting.popleft() for _ in range(self._room(len(waiting), len(running)))]
            if places:
                columns = zip(*((place, function, items[place]) for place in places), strict=True)
                jobs = executor.map_array(finished, *columns)
                running |= dict(zip(places, jobs, strict=True))
            over = [place for place, job in running.items() if job.done()]
            for position in over:
                job = running.pop(position)
                error = job.exception()
                if error is None:
                    yield job.result()
                elif died[position] < self.retries:
                    died[position] += 1
                    waiting.append(position)
                else:
                    yield Finished(position, error=reason(error))
            if not over:
                time.sleep(_POLL)

    def _room(self, n_waiting: int, n_running: int) -> int:
        return min(n_waiting, self.at_once - n_running)

    def _executor(self) -> Any:
        submitit = extra("submitit", "slurm")
        executor = submitit.AutoExecutor(folder=self.folder, cluster=self.cluster)
        executor.update_parameters(
            name="proctor",
            timeout_min=self.minutes,
            mem_gb=self.memory_gb,
            cpus_per_task=self.threads,
            slurm_array_parallelism=self.at_once,
            **({"slurm_partition": self.partition} if self.partition else {}),
        )
        return executor
