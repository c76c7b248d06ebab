"""Say in one line a package what pip does."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from urllib.parse import unquote

from benchmarks.install.report import duration, parsed_size, plural, say, size

QUIET_SECONDS = 10.0


class Narrator:
    """Turns the lines of ``pip install`` into one line a package, with size and time.

    Parameters
    ----------
    arrived : callable
        Given a file name, how many bytes of its download have arrived (0 if unknown).
    installed : callable
        How many packages are installed by now.
    now : callable
        Seconds.
    """

    def __init__(
        self,
        arrived: Callable[[str], int] = lambda name: 0,
        installed: Callable[[], int] = lambda: 0,
        now: Callable[[], float] = time.monotonic,
    ):
        self.arrived, self.installed, self.now = arrived, installed, now
        self.downloaded = 0.0  # bytes
        self._began = now()
        self._done: Callable[[str], str] | None = None  # makes the line that ends the activity
        self._progress: Callable[[], str] = lambda: "starting pip"
        self._spoke = now()
        self._installing = False
        self._warned = False

    def read(self, line: str) -> None:
        """Take one line of pip."""
        text = line.strip()
        self.silence()  # many lines of pip say nothing that is told
        if self._installing and not text.startswith("Successfully installed "):
            return  # of packages that make way for another release
        self._finish()
        verb, _, rest = text.partition(" ")
        if verb in ("Downloading", "Using", "Processing"):
            self._file(verb, rest)
        elif text.startswith("Installing collected packages: "):
            self._install(len(text.split(",")))
        elif re.match(r"Building (wheel|editable) for \S+ .*: started", text):
            what = f"building {text.split()[3]}"
            self._begin(what, lambda took: f"  {what}: {took}")
        elif verb == "Collecting":
            self._begin(f"looking for {re.split(r'[<>=!~;( ]', rest)[0]}")

    def silence(self) -> None:
        """Say what goes on if nothing was said for a while."""
        if self.now() - self._spoke >= QUIET_SECONDS:
            self._say(f"    {self._progress()}, {duration(self.now() - self._began)} so far")

    def _say(self, line: str) -> None:
        say(line)
        self._spoke = self.now()

    def _begin(self, activity: str, done: Callable[[str], str] | None = None) -> None:
        self._done, self._began = done, self.now()
        self._progress = lambda: activity

    def _finish(self) -> None:
        if self._done:
            self._say(self._done(duration(self.now() - self._began)))
            self._begin("pip is at work")
        self._installing = False

    def _file(self, verb: str, rest: str) -> None:
        """Tell of a package that is downloaded, or taken from pip's cache or a folder."""
        found = re.match(r"(?:cached )?(\S+)(?: \(([^)]*)\))?", rest)
        name = unquote(found.group(1).rsplit("/", 1)[-1]) if found else ""
        if not found or name.endswith(".metadata") or "." not in name:
            return
        self._warn_of_cuda(name)
        label, total = package(name), parsed_size(found.group(2) or "")
        if verb == "Downloading":
            self.downloaded += total
            self._begin(label, lambda took: f"  {label}: {size(total)}, {took}")
            self._progress = lambda: f"{label}: {size(self.arrived(name))} of {size(total)}"
            return
        if verb == "Processing" and os.path.isfile(found.group(1)):
            total = os.path.getsize(found.group(1))
        source = "from pip's cache" if verb == "Using" else "from this machine"
        self._begin(label, lambda took: f"  {label}: {size(total)} {source}, {took}")

    def _install(self, count: int) -> None:
        self._installing, before = True, self.installed()
        self._say(f"  installing {plural(count)}")
        self._begin("", lambda took: f"  installed {plural(count)}: {took}")
        self._progress = lambda: f"{self.installed() - before} of {plural(count)} installed"

    def _warn_of_cuda(self, name: str) -> None:
        if name.startswith("nvidia_") and not self._warned:
            self._warned = True
            self._say(
                "  This build of torch brings NVIDIA's libraries (2.5 GB, never needed here); an "
                "index of CPU builds in PIP_EXTRA_INDEX_URL spares them."
            )


def package(file: str) -> str:
    """Return name and version of a wheel or source archive, such as ``torch 2.13.0``."""
    stem = re.sub(r"\.(whl|tar\.gz|zip|tar\.bz2)$", "", file)
    parts = stem.split("-") if file.endswith(".whl") else stem.rsplit("-", 1)
    return " ".join(parts[:2]).replace("_", "-")
