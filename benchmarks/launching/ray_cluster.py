"""On a Ray cluster: https://docs.ray.io."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks.launching import Finished
from benchmarks.launching.extras import extra
from benchmarks.launching.failing import finished, reason
from routers.constraints import Integer, Text
from routers.validation import InvalidParameterError, checked


class RayCluster:
    """Runs jobs as tasks of a Ray cluster.

    Every node needs Proctor, installed at the same place, and must see the folder of results.

    Parameters
    ----------
    address : str, optional
        Of a running cluster, such as ``"ray://host:10001"``; ``"auto"`` for the one that this
        machine is a node of; by default one is started here, for this command.
    cores : int, optional
        Of a cluster that is started here, by default those of this machine. More let more jobs
        share them.
    threads : int, default=1
        Cores that a job takes.
    retries : int, default=2
        How often a job is begun again whose worker died.
    """

    @checked(
        "ray",
        address=Text() | None,
        cores=Integer(1) | None,
        threads=Integer(1),
        retries=Integer(0),
    )
    def __init__(
        self,
        address: str | None = None,
        cores: int | None = None,
        threads: int = 1,
        retries: int = 2,
    ):
        if address is not None and cores is not None:
            raise InvalidParameterError(
                f"ray: 'cores' must be None where 'address' is given, got {cores}: a cluster that "
                "runs has its own. Leave one of them out."
            )
        self.address = address
        self.cores = cores
        self.threads = threads
        self.retries = retries

    def run(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Finished]:
        """See :class:`benchmarks.launching.Backend`."""
        ray = extra("ray", "ray")
        started = not ray.is_initialized()
        ray.init(
            address=self.address,
            num_cpus=self.cores,
            ignore_reinit_error=True,
            include_dashboard=False,
        )
        try:
            call = ray.remote(num_cpus=self.threads, max_retries=self.retries)(finished)
            jobs = enumerate(items)
            waiting = {call.remote(place, function, item): place for place, item in jobs}
            while waiting:
                (done,), _ = ray.wait(list(waiting), num_returns=1)
                yield _result(ray, done, waiting.pop(done))
        finally:
            if started:
                ray.shutdown()


def _result(ray: Any, job: Any, position: int) -> Finished:
    try:
        found: Finished = ray.get(job)
    except ray.exceptions.RayError as error:  # of its worker or its node
        return Finished(position, error=reason(error))
    return found
