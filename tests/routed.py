"""One run of routing, as a task does it, but that errors are raised."""

from benchmarks.experiment import kept, work_of
from benchmarks.experiments import routing
from benchmarks.progress import Progress


def routed(job, progress=None):
    """Evaluate a job's router unless it is stored; return the folder, and what is said of it."""
    work = work_of(job, {}, progress or Progress())
    run, is_new = kept("routing", routing, work)
    return run.folder, routing.tell(work, run) if is_new else ""


def folder_of(job, progress=None):
    """Return the folder alone."""
    return routed(job, progress)[0]
