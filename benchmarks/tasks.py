"""Parts of experiments as tasks: measured here or elsewhere, and told of in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.utils import instantiate

from benchmarks.commands import explain
from benchmarks.composing import Job, UsageError, register_resolvers
from benchmarks.experiment import kept, module_of, work_of
from benchmarks.launching import Backend
from benchmarks.launching.inline import Inline
from benchmarks.progress import Progress, silent
from routers.validation import NotApplicableError


@dataclass(frozen=True)
class Task:
    """A part of an experiment.

    Attributes
    ----------
    experiment : str
        Its name.
    job : Job
    part : dict
        See ``benchmarks.experiments``.
    label : str
        What lines about it begin with.
    """

    experiment: str
    job: Job
    part: Mapping[str, Any]
    label: str


@dataclass(frozen=True)
class Attempt:
    """What became of a task.

    Attributes
    ----------
    folder : str
        Where it is stored, "" where it is not.
    is_new : bool
        Whether it was measured for that.
    told : str
        What the experiment says of a part that is new.
    left_out : str
        Why it does not apply, "" where it does.
    failure : str
        Why it failed, "" where it did not.
    is_slip : bool
        Whether it failed because what was asked for makes no sense.
    """

    folder: str = ""
    is_new: bool = False
    told: str = ""
    left_out: str = ""
    failure: str = ""
    is_slip: bool = False


def attempt(task: Task) -> Attempt:
    """Measure a part unless it is stored."""
    register_resolvers()  # another process may never have composed anything
    module, progress = module_of(task.experiment), Progress()
    progress.job = task.label
    work = work_of(task.job, task.part, progress)
    try:
        run, is_new = kept(task.experiment, module, work)
        told = module.tell(work, run) if is_new and hasattr(module, "tell") else ""
    except NotApplicableError as error:
        return Attempt(left_out=str(error))
    except Exception as error:
        return Attempt(failure=explain(error), is_slip=isinstance(error, UsageError))
    return Attempt(str(run.folder), is_new, told)


def attempts(tasks: Sequence[Task], backend: Backend) -> Iterator[tuple[Task, Attempt]]:
    """Measure parts, wherever the backend says, and yield what became of them as they end."""
    # in this process each task shows how far it is
    stage = silent if isinstance(backend, Inline) else Progress().stage
    with stage("running", "job") as tell:
        for number, done in enumerate(backend.run(attempt, tasks), 1):
            tell(number, len(tasks))
            yield tasks[done.position], done.result or Attempt(failure=done.error)


def backend_of(job: Job) -> Backend:
    """Return where a job says that it is to be run; by default in this process."""
    name = job.choices.get("backend")
    found: Backend = instantiate(job.cfg[name]) if name else Inline()
    return found


def again(reason: str, last: str) -> str:
    """Return the reason of a failure; where it is the last one's, just that."""
    return "as the one before" if reason == last else reason
