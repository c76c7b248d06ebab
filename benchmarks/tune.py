"""Search for a router's parameters: ``python -m benchmarks.tune router=knn``.

Settings are those of ``configs/tuning.yaml``, what is searched those of ``configs/space``. Trials
are drawn by Optuna and scored on folds of the training questions; they are stored as they end, and
the same command goes on until there are ``n_trials``.
"""

from __future__ import annotations

import hashlib
import logging
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf

from benchmarks.commands import FailedError, make_command, run_command
from benchmarks.composing import ROOT, Job, UsageError, compose_job, options
from benchmarks.experiment import work_of
from benchmarks.experiment_report import Report
from benchmarks.experiment_work import config_of
from benchmarks.experiments import tuning
from benchmarks.identity import canonical, text_of
from benchmarks.launching.extras import extra
from benchmarks.progress import Progress
from benchmarks.store import load_run
from benchmarks.tasks import Task, attempts, backend_of
from routers.constraints import Integer
from routers.validation import require

log = logging.getLogger(__name__)

# What a run is compared by beside its router's parameters.
_COMPARED = re.compile(r"(data|zoo|pool|split|router)[.=@]|[^=]*@router[.=]")
Range = Mapping[str, Any] | Sequence[Any]  # low and high of a number, or what there is to choose


def space_of(job: Job) -> dict[str, Range]:
    """Return what is searched, by the name of the router's parameter.

    Raises
    ------
    UsageError
        If there is no space for the router.
    """
    if not job.cfg.get("space"):
        raise UsageError(
            f"There is no configs/space/{job.choices['router']}.yaml, which says what to search. "
            f'There are: {", ".join(options("space"))}. Write one, or name one: ARGS="space=...".'
        )
    return dict(_ranges("", OmegaConf.to_container(job.cfg.space)))


def _ranges(prefix: str, node: Any) -> Iterator[tuple[str, Range]]:
    for name, below in node.items():
        if isinstance(below, Mapping) and "low" not in below:
            yield from _ranges(f"{prefix}{name}.", below)
        else:
            yield f"{prefix}{name}", below


def drawn(trial: Any, space: Mapping[str, Range]) -> dict[str, Any]:
    """Return the parameters that a trial tries."""
    return {name: _drawn(trial, name, of) for name, of in space.items()}


def _drawn(trial: Any, name: str, of: Range) -> Any:
    if not isinstance(of, Mapping):
        return trial.suggest_categorical(name, list(of))
    whole = isinstance(of["low"], int) and isinstance(of["high"], int)
    suggest = trial.suggest_int if whole else trial.suggest_float
    return suggest(name, of["low"], of["high"], log=of.get("log", False))


def search(job: Job) -> tuple[list[Path], dict[str, Any]]:
    """Try settings until there are as many as are asked for.

    Parameters
    ----------
    job : Job
        Of ``configs/tuning.yaml``.

    Returns
    -------
    folders : list of Path
        Of the settings' parts, in the order of the trials; the default's first.
    best : dict
        Parameters of the setting of the best score.

    Raises
    ------
    FailedError
        If a setting failed.
    """
    for name in ("n_trials", "at_once"):
        require("tuning", name, job.cfg[name], Integer(1))
    optuna = extra("optuna", "tune")
    space, study = space_of(job), _study(optuna, job)
    while (n_left := job.cfg.n_trials - len(_finished(optuna, study))) > 0:
        trials = [study.ask() for _ in range(min(n_left, job.cfg.at_once))]
        _try(study, [(trial, drawn(trial, space)) for trial in trials], job)
    # a setting that was drawn twice was measured once
    folders = dict.fromkeys(trial.user_attrs["folder"] for trial in _finished(optuna, study))
    return list(map(Path, folders)), dict(study.best_params)


def _try(study: Any, trials: Sequence[tuple[Any, dict[str, Any]]], job: Job) -> None:
    """Measure trials, and tell the study what they score."""
    by_label, tasks = {}, []
    for trial, params in trials:
        label = f"trial {trial.number + 1}, {tuning.name_of(params)}"
        by_label[label] = trial
        tasks.append(Task("tuning", tuning.with_params(job, params), {"params": params}, label))
    for task, attempt in attempts(tasks, backend_of(job)):
        if reason := attempt.failure or attempt.left_out:
            raise (UsageError if attempt.is_slip else FailedError)(f"{task.label}: {reason}")
        run = load_run(Path(attempt.folder))
        score = tuning.score_of(run.rows())
        trial = by_label[task.label]
        trial.set_user_attr("folder", attempt.folder)
        study.tell(trial, score)
        log.info("%s: macro %.4f on validation", task.label, score)


def _study(optuna: Any, job: Job) -> Any:
    """Open the search, or begin it with the default setting; what was cut off is tried again."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = space_of(job)
    place = Path(ROOT, job.cfg.results, f"{_name(job)}.journal")
    place.parent.mkdir(parents=True, exist_ok=True)
    journal = optuna.storages.journal.JournalFileBackend(str(place))
    study = optuna.create_study(
        storage=optuna.storages.JournalStorage(journal),
        study_name="tuning",
        direction="maximize",
        load_if_exists=True,
    )
    # one that goes on must not draw again what it drew at first
    seed = np.random.SeedSequence([job.cfg.seed, len(study.trials)]).generate_state(1)[0]
    study.sampler = optuna.samplers.TPESampler(seed=int(seed), constant_liar=True)
    if not study.trials:
        study.enqueue_trial({name: OmegaConf.select(job.cfg.router, name) for name in space})
    for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        study.enqueue_trial(trial.params)
    return study


def _name(job: Job) -> str:
    """Return what a search is called: its router, and a hash of all that it depends on."""
    config = config_of(job.cfg)
    beside = {"results", "mirror", "n_trials", "at_once", "data", job.choices.get("backend")}
    settings = {name: canonical(value) for name, value in config.items() if name not in beside}
    hashes = work_of(job, {}, Progress()).hashes
    text = text_of([settings, hashes])
    return f"{job.choices['router']}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _finished(optuna: Any, study: Any) -> list[Any]:
    found: list[Any] = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
    return found


def command(overrides: list[str], verbatim: dict[str, str]) -> int:
    """Search, write and print the table, and say how the best setting is judged."""
    job = compose_job("tuning", overrides, verbatim)
    folders, best = search(job)
    report = Report("tuning", tuning, make_command("tune", job), [load_run(f) for f in folders])
    results = Path(ROOT, job.cfg.results)
    report.write(results)
    report.remember(results)
    sys.stdout.write(f"{report.text}\nJudge it: {judging(job, best)}\n")
    return 0


def judging(job: Job, params: Mapping[str, Any]) -> str:
    """Return the command that evaluates a setting on the test questions."""
    chosen = [f"{group}={job.choices[group]}" for group in ("router", "zoo", "pool", "split")]
    own = [item for item in job.overrides if _COMPARED.match(item)]
    found = [f"router.{name}={value}" for name, value in params.items()]
    overrides = dict.fromkeys([*chosen, *own, *found, f"seed={job.cfg.seed}"])
    usual = ("pool=others", "seed=0")
    return make_command(
        "bench", Job(job.cfg, job.choices, [item for item in overrides if item not in usual])
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    return run_command("tune", str(__doc__), command, arguments)


if __name__ == "__main__":
    sys.exit(main())
