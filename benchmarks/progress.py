"""A progress bar over the jobs of a sweep."""

from __future__ import annotations

import logging
import sys
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from tqdm import tqdm


class LineAboveBar(logging.StreamHandler):
    """Log handler that writes above a progress bar instead of through it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        tqdm.write(self.format(record), file=sys.stderr)


class SweepProgress(Callback):
    """Hydra callback: one step per finished job, with the name of the last one."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Open the bar."""
        self._bar = tqdm(total=_count_jobs(config), unit="run", desc="runs", dynamic_ncols=True)

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:
        """Step."""
        if hasattr(self, "_bar"):
            self._bar.set_postfix_str(", ".join(config.hydra.overrides.task)[:60])
            self._bar.update()

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Close the bar."""
        self._bar.close()


def _count_jobs(config: DictConfig) -> int | None:
    """Expand the sweep as Hydra's own sweeper will; None where another sweeper runs."""
    params = config.hydra.sweeper.get("params") or {}
    overrides = [f"{name}={value}" for name, value in params.items()]
    overrides += config.hydra.overrides.task
    loader = GlobalHydra.instance().config_loader()
    parsed = OverridesParser.create(config_loader=loader).parse_overrides(list(overrides))
    return len(BasicSweeper.split_arguments(parsed, max_batch_size=None)[0])
