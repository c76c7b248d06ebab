"""Where jobs run: each ends once, whatever happens to its process."""

import logging
import os
import signal
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
from threadpoolctl import threadpool_info

from benchmarks import run
from benchmarks.composing import UsageError, compose_job
from benchmarks.launching import Finished
from benchmarks.launching.extras import extra
from benchmarks.launching.inline import Inline
from benchmarks.launching.processes import Processes
from benchmarks.launching.ray_cluster import RayCluster
from benchmarks.launching.slurm import Slurm
from benchmarks.tasks import backend_of
from routers.validation import InvalidParameterError

HERE = str(os.getpid())


def halved(n):
    """Return half of an even number."""
    if n % 2:
        raise ValueError(f"{n} is odd")
    return n // 2


def mortal(asked):
    """Die as often as is asked, by the lines of a file; then say in which process."""
    file, n_deaths = asked
    with Path(file).open("a") as lines:
        lines.write(f"{os.getpid()}\n")
    if len(Path(file).read_text().splitlines()) <= n_deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def talkative(word):
    """Log something, in a moment."""
    logging.getLogger("talk").info("saying %s", word)
    return os.environ["OMP_NUM_THREADS"]


def meeting(asked):
    """Wait until as many others have come, and say whether they have."""
    folder, name, n = asked
    (Path(folder) / name).touch()
    for _ in range(600):
        if len(list(Path(folder).iterdir())) >= n:
            return True
        time.sleep(0.1)
    return False


def in_order(found):
    return sorted(found, key=lambda job: job.position)


@pytest.mark.parametrize("backend", [Inline(), Processes(n_workers=2)], ids=["inline", "processes"])
def test_every_job_ends_once_and_an_error_ends_no_other(backend):
    found = in_order(backend.run(halved, [4, 3, 8]))
    error = "ValueError: 3 is odd"
    assert found == [Finished(0, 2), Finished(1, error=error), Finished(2, 4)]
    assert list(backend.run(halved, [])) == []


def test_a_job_whose_process_dies_is_begun_again(tmp_path):
    items = [(str(tmp_path / "a"), 0), (str(tmp_path / "b"), 2), (str(tmp_path / "c"), 9)]
    found = in_order(Processes(n_workers=2).run(mortal, items))
    assert found[0].result > 0
    assert found[1].result == int((tmp_path / "b").read_text().splitlines()[2])
    assert found[2] == Finished(2, error="its process died by signal 9, 3 times")
    (only,) = Processes(n_workers=1, retries=0).run(mortal, [(str(tmp_path / "d"), 1)])
    assert only.error == "its process died by signal 9"


def test_as_many_jobs_at_a_time_as_there_are_workers(tmp_path):
    items = [(str(tmp_path), name, 3) for name in "abc"]
    assert all(job.result for job in Processes(n_workers=3).run(meeting, items))


def test_what_a_job_logs_is_logged_here_and_it_has_its_threads(caplog):
    with caplog.at_level(logging.INFO):
        found = list(Processes(n_workers=1, threads=3).run(talkative, ["hello", "there"]))
    assert [job.result for job in found] == ["3", "3"]
    assert [record.getMessage() for record in caplog.records] == ["saying hello", "saying there"]
    assert os.environ.get("OMP_NUM_THREADS") != "3"


def threads_here(_):
    """Say how many threads libraries have: those loaded, torch, and those of other processes."""
    pools = {pool["num_threads"] for pool in threadpool_info()}
    return pools, torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS")


def test_threads_of_jobs_in_this_process_are_given_back():
    before = threads_here(None)
    (job,) = Inline(threads=1).run(threads_here, [None])
    assert job.result == ({1}, 1, "1")
    assert threads_here(None) == before
    (job,) = Inline().run(threads_here, [None])
    assert job.result == before


def test_threads_are_a_whole_number_above_0():
    with pytest.raises(ValueError, match="inline: parameter 'threads' must be"):
        Inline(threads=0)


def test_a_cluster_that_runs_has_its_own_cores():
    with pytest.raises(ValueError, match="'cores' must be None where 'address' is given, got 3"):
        RayCluster(address="auto", cores=3)


def test_workers_end_with_what_asked_for_them(tmp_path):
    jobs = Processes(n_workers=1).run(mortal, [(str(tmp_path / "a"), 0), (str(tmp_path / "b"), 0)])
    worker = next(jobs).result
    jobs.close()
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Processes(n_workers=0), "'n_workers'"),
        (lambda: Processes(threads=0), "'threads'"),
        (lambda: Slurm("here", cluster="pbs"), "'cluster'"),
    ],
)
def test_parameters_are_checked(make, named):
    with pytest.raises(InvalidParameterError, match=named):
        make()


def test_a_package_that_is_not_installed_is_named_with_its_extra():
    with pytest.raises(UsageError, match=r"pip install 'proctor-llm-routing\[ray\]'"):
        extra("a_package_of_nobody", "ray")


def test_the_backend_is_a_setting():
    assert isinstance(backend_of(compose_job("routing", ["router=knn"])), Inline)
    more = ["router=knn", "backend=processes", "processes.n_workers=5", "processes.threads=2"]
    found = backend_of(compose_job("routing", more))
    assert isinstance(found, Processes)
    assert (found.n_workers, found.threads, found.retries) == (5, 2, 2)
    with pytest.raises(
        UsageError, match=r"There is no setting 'ray\.address' here: it comes with backend=ray"
    ):
        compose_job("routing", ["router=knn", "ray.address=auto"])


TIMES = ["fit_seconds", "route_qps", "encode_seconds", "peak_memory_mb"]
SWEEP = [
    *("--data=synthetic", "data.n_questions=90", "split=holdout", "seed=0,1"),
    *("router=best_single,cheapest,random", "encoder@recogniser.encoder=tfidf"),
]


def test_a_sweep_in_processes_ends_in_the_table_of_one_in_this_process(tmp_path, capsys):
    assert run.main([*SWEEP, "--results", str(tmp_path / "here")]) == 0
    apart = ["backend=processes", "processes.n_workers=2"]
    assert run.main([*SWEEP, *apart, "--results", str(tmp_path / "apart")]) == 0
    assert "random, seed 0, synthetic/all/holdout, pool others: macro 0." in (
        capsys.readouterr().err
    )
    tables = [pd.read_csv(tmp_path / name / "leaderboard.csv") for name in ("here", "apart")]
    pd.testing.assert_frame_equal(*(table.drop(columns=TIMES) for table in tables))
    here, apart = (
        sorted(file.parent.name for file in (tmp_path / name).rglob("run.json"))
        for name in ("here", "apart")
    )
    assert here == apart
    assert len(here) == 6
