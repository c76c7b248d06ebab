"""What the commands of all experiments share: arguments, exit status, one sentence for a slip."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Callable, Sequence

from hydra.errors import InstantiationException
from omegaconf.errors import OmegaConfBaseException

from benchmarks.carriers import CarrierError
from benchmarks.composing import Job, UsageError, backends, data_overrides
from benchmarks.launching.failing import reason
from benchmarks.progress import set_up_logging

log = logging.getLogger(__name__)
# The Makefile's defaults, by target (others pass on what was set alone), and the settings that its
# variables stand for.
_MAKE = {"DATA": "small_llms", "ZOO": "all", "SPLIT": "kfold", "ROUTER": "model_sat"}
_DEFAULTS = dict.fromkeys(("bench", "ceiling"), _MAKE) | {
    target: {name: _MAKE[name] for name in ("DATA", "ROUTER")}
    for target in ("arrival", "unseen", "tune")
}
_DEFAULTS["sweep"] = {name: value for name, value in _MAKE.items() if name != "ROUTER"}
# What is read where, and where it is run and written: other places give the same figures.
_PLACES = ("data", "data.path", "results", "mirror", "backend")
_VARIABLES = {"sweep": "SWEEP", "zoo": "ZOO", "split": "SPLIT", "router": "ROUTER"}
_VARIABLES["router@examined"] = "ROUTER"


class FailedError(Exception):
    """Something of what was asked for failed; the rest is stored."""


_WRAPPERS = (InstantiationException, OmegaConfBaseException)
_FORESEEN = (ValueError, TypeError, FileNotFoundError, CarrierError, UsageError, FailedError)

# Given overrides and settings that are taken verbatim; returns the exit status.
Command = Callable[[list[str], dict[str, str]], int]


def run_command(
    name: str, description: str, command: Command, arguments: Sequence[str] | None
) -> int:
    """Parse the arguments of an experiment, run it, and return its exit status.

    Parameters
    ----------
    name : str
        Of the module below ``benchmarks``.
    description : str
        For ``--help``.
    command : callable
    arguments : sequence of str or None
        By default those of the process.

    Returns
    -------
    int
        What the command returned; 1 where it failed for a reason that a sentence explains; 2 where
        the arguments make no sense; 130 after Ctrl-C.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("overrides", nargs="*", metavar="name=value")
    parser.add_argument("-m", "--multirun", action="store_true", help="always on; as Hydra has it")
    parser.add_argument("--data", help="a source of configs/data, or the path of a folder")
    parser.add_argument("--results", help="the folder to write into")
    options = parser.parse_intermixed_args(arguments)
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # the stages have one of their own
    set_up_logging()
    try:
        typed = {override.partition("=")[0] for override in options.overrides}
        more: list[str] = []
        verbatim: dict[str, str] = {}
        if options.data is not None and "data" not in typed:  # an override goes before an option
            more, verbatim = data_overrides(options.data)
        if options.results is not None and "results" not in typed:
            if not options.results:
                raise UsageError("RESULTS must name the folder to write into, got ''.")
            verbatim["results"] = options.results
        return command([*more, *options.overrides], verbatim)
    except UsageError as error:
        log.error("%s", error)
        return 2
    except (*_FORESEEN, *_WRAPPERS) as error:
        log.error("%s", explain(error))
        return 1
    except KeyboardInterrupt:
        log.error("Interrupted. What is finished is stored; the same command goes on.")
        return 130


def explain(error: BaseException) -> str:
    """Return what went wrong as a sentence; where it was not foreseen, with its kind."""
    while isinstance(error, _WRAPPERS) and error.__cause__ is not None:
        error = error.__cause__
    text = " ".join(str(error).split())
    if text and isinstance(error, _FORESEEN):
        return text
    return reason(error)


def make_command(target: str, job: Job) -> str:
    """Return the ``make`` command of an experiment: its data, and every setting that was changed.

    Parameters
    ----------
    target : str
        Of the Makefile.
    job : Job
    """
    said = {}
    if data := job.choices.get("data"):  # none for what is derived from stored runs
        said["DATA"] = f"<folder>/{job.cfg.data.name}" if data == "folder" else data
    rest = []
    for override in job.overrides:
        name, _, value = override.partition("=")
        if name in _VARIABLES:
            said[_VARIABLES[name]] = value
        elif name not in _PLACES and name.partition(".")[0] not in backends():
            rest.append(override)
    usual = _DEFAULTS.get(target, {})
    named = [f"{name}={value}" for name, value in said.items() if value != usual.get(name)]
    arguments = [f'ARGS="{" ".join(rest)}"'] if rest else []
    return " ".join([f"make {target}", *named, *arguments])
