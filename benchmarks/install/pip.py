"""Run pip, and tell why it failed."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.install.report import InstallError

KEPT_LINES = 12
# Settings of a user's own pip that would hide its lines or put packages elsewhere.
SETTINGS = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "PIP_PROGRESS_BAR": "off",
    "PIP_QUIET": "0",
    "PIP_VERBOSE": "0",
    "PIP_USER": "0",
    "PYTHONNOUSERSITE": "1",
    "PYTHONUNBUFFERED": "1",
}
REMOVED = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONHOME", "PYTHONPATH")
_NO_NETWORK = (
    r"NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError|ConnectionReset"
    r"|Connection (?:aborted|refused|broken)|ProtocolError|IncompleteRead|IncompleteDownload"
)
_CAUSES = (
    (r"No space left on device", "the disk is full"),
    (r"Permission denied|Read-only file system", "a folder cannot be written to"),
    (_NO_NETWORK, "the network, or what pip's settings name as its source, did not answer"),
    (r"DO NOT MATCH THE HASHES", "what came is not the pinned file"),
    (r"No matching distribution found for (\S+)", r"pip finds no \1 for this Python and machine"),
)


class PipError(InstallError):
    """pip failed.

    Parameters
    ----------
    status : int
        Its exit status; negative for the signal that ended it.
    lines : sequence of str
        The last that it said.
    """

    def __init__(self, status: int, lines: Sequence[str]):
        self.status, self.lines = status, list(lines)
        super().__init__(
            f"pip failed ({self.ending}): {self.cause}. Mend that and run `make install` again: it "
            "goes on from what is there. pip's last lines:\n  " + "\n  ".join(self.lines)
        )

    @property
    def ending(self) -> str:
        """How it ended."""
        if self.status >= 0:
            return f"exit status {self.status}"
        return f"ended by {signal.Signals(-self.status).name}"

    @property
    def cause(self) -> str:
        """What its lines tell of the reason."""
        text = "\n".join(self.lines)
        for pattern, meaning in _CAUSES:
            found = re.search(pattern, text)
            if found:
                return found.expand(meaning)
        if self.status == -signal.SIGKILL:
            return "perhaps the memory is full"
        return "see below"

    @property
    def is_network(self) -> bool:
        """Whether the reason is that nothing could be reached."""
        return re.search(_NO_NETWORK, "\n".join(self.lines)) is not None


def run_pip(
    python: str,
    arguments: Sequence[str],
    on_line: Callable[[str], None],
    on_silence: Callable[[], None],
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    keep_open: tuple[int, ...] = (),
) -> None:
    """Run ``python -m pip`` and hand on what it prints, line by line.

    Parameters
    ----------
    python : str
        Whose pip.
    arguments : sequence of str
    on_line : callable
        Gets each line.
    on_silence : callable
        Called each second in which pip says nothing.
    environment : mapping, optional
        Variables beside those of this process.
    cwd : Path, optional
    keep_open : tuple of int
        File descriptors that pip inherits (a lock, held until pip ends too).

    Raises
    ------
    PipError
        If its exit status is not 0.
    """
    variables = {name: text for name, text in os.environ.items() if name not in REMOVED}
    variables.update(SETTINGS)
    variables.update(environment or {})
    process = subprocess.Popen(
        [python, "-m", "pip", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        errors="replace",
        env=variables,
        cwd=cwd,
        pass_fds=keep_open,
    )
    kept: deque[str] = deque(maxlen=KEPT_LINES)
    try:
        for line in _lines(process, on_silence):
            if line.strip():
                kept.append(line)
            on_line(line)
        status = process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if status:
        raise PipError(status, kept)


def _lines(process: subprocess.Popen[str], on_silence: Callable[[], None]) -> Iterator[str]:
    """Yield the lines of a process, calling `on_silence` each second without one."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line.rstrip("\n"))
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=1)
        except queue.Empty:
            on_silence()
            continue
        if line is None:
            return
        yield line
