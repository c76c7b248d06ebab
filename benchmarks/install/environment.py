"""The virtual environment: is it ready, what is wrong with it, how is it mended."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.install.interpreters import SUITABLE, Interpreter, version_of
from benchmarks.install.record import damage
from benchmarks.install.report import InstallError

# What `python -m venv` and this program put into the folder, at any moment of their work.
_OWN = {"bin", "include", "lib", "lib64", "share", "etc", "pyvenv.cfg", ".gitignore"}
_OWN |= {".installed", ".installed.part", ".tmp", ".lock"}


class Environment:
    """A virtual environment and the project that it is for.

    Parameters
    ----------
    folder : Path
        Of the environment; need not be there.
    project : Path
        Holds ``pyproject.toml`` and ``constraints.txt``.
    """

    def __init__(self, folder: Path, project: Path):
        self.folder = folder.absolute()
        self.project = project
        self.python = self.folder / "bin" / "python"
        self.lock = self.folder / ".lock"
        self.temporary = self.folder / ".tmp"  # pip's downloads, so that a killed pip leaves none
        self._stamp = self.folder / ".installed"

    @property
    def site(self) -> Path | None:
        """The folder of packages; None unless there is exactly one."""
        found = list(self.folder.glob("lib/python3*/site-packages"))
        return found[0] if len(found) == 1 else None

    def why_incomplete(self) -> str | None:
        """Say why something may have to be installed, or None; told in milliseconds by the stamp.

        Only for an environment that `why_unusable` has nothing against.
        """
        try:
            stamp = json.loads(self._stamp.read_text())
            gone = sorted(set(stamp["entries"]) - set(self._entries()))
            if stamp["digest"] != self._digest(version_of(self.python)):
                return "pyproject.toml or constraints.txt has changed"
            return f"{gone[0]} is gone" if gone else None
        except (OSError, ValueError, TypeError, KeyError):
            return "an earlier set-up did not finish"

    def write_stamp(self) -> None:
        """Note that everything is installed."""
        digest = self._digest(version_of(self.python))
        text = json.dumps({"digest": digest, "entries": sorted(self._entries())})
        part = self._stamp.with_name(".installed.part")
        part.write_text(text)
        os.replace(part, self._stamp)

    def remove_stamp(self) -> None:
        """Note that work has begun."""
        if self._stamp.exists():
            self._stamp.unlink()

    def packages(self) -> list[str]:
        """Return the folders that describe packages, such as ``numpy-2.4.6.dist-info``."""
        return sorted(path.name for path in self.site.glob("*.dist-info")) if self.site else []

    def why_unusable(self, asked: Interpreter | None = None) -> str | None:
        """Say why the environment must be made anew, or None if it can be used.

        Parameters
        ----------
        asked : Interpreter, optional
            The Python that was asked for; by default any supported one will do.

        Raises
        ------
        InstallError
            If what is there is not an environment, and so is not ours to remove.
        """
        if os.path.lexists(self.folder) and not self.folder.is_dir():
            raise InstallError(f"{self.folder} must be a folder. Remove what is there.")
        marked = (self.folder / "pyvenv.cfg").is_file()
        names = os.listdir(self.folder) if self.folder.is_dir() else []
        strangers = sorted(set(names) - _OWN)
        if strangers and not marked:
            raise InstallError(
                f"{self.folder} is not a virtual environment (it holds {strangers[0]!r}). "
                "Move it away, or remove it."
            )
        if not marked or not os.path.lexists(self.python):
            return "was left half made"
        version = version_of(self.python)
        if version is None:
            return f"has lost its Python ({os.path.realpath(self.python)})"
        if self._moved_from():
            return f"was made as {self._moved_from()} and moved or copied"
        if asked and asked.version[:2] != version:
            return "has Python {}.{}, not {}.{}".format(*version, *asked.version)
        if version not in SUITABLE:
            return "has Python {}.{}, which is not supported".format(*version)
        return None if self.site else "does not have one folder of packages"

    def make(self, python: Interpreter) -> None:
        """Make the environment, removing what is there (but the lock).

        Raises
        ------
        InstallError
            If the module venv fails.
        """
        # the file that marks the folder as ours goes last: whoever is killed here can begin again
        for path in sorted(self.folder.iterdir(), key=lambda path: path.name == "pyvenv.cfg"):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path != self.lock:
                path.unlink()
        self._run([python.path, "-m", "venv", str(self.folder)], "the virtual environment")

    def has_pip(self) -> bool:
        """Whether pip is whole."""
        return any(name.startswith("pip-") for name in self.packages()) and bool(
            self.site and (self.site / "pip" / "__main__.py").is_file()
        )

    def add_pip(self) -> None:
        """Install the pip that Python brings along."""
        self._run([str(self.python), "-m", "ensurepip", "--upgrade"], "pip")

    def damaged(self) -> list[str]:
        """Return the packages of which files are missing or cut short.

        Each package lists its files and their sizes (RECORD); pip writes that list last.
        """
        site = self.site or self.folder
        return [info for info in self.packages() if damage(site, site / info / "RECORD")]

    def forget(self, info: str) -> None:
        """Make pip take a package for not installed, so that it installs it again."""
        if self.site:
            shutil.rmtree(self.site / info)

    def remove_leftovers(self) -> int:
        """Remove what a killed pip left: part downloads, and packages that were being replaced.

        Returns
        -------
        int
            Bytes of part downloads.
        """
        files = (path for path in self.temporary.rglob("*") if path.is_file())
        count = sum(path.stat().st_size for path in files)
        shutil.rmtree(self.temporary, ignore_errors=True)
        for path in self.site.glob("~*") if self.site else ():
            shutil.rmtree(path, ignore_errors=True)
        return count

    def _moved_from(self) -> str | None:
        """Return the place where the environment was made, if it is not there any more."""
        text = (self.folder / "pyvenv.cfg").read_text()
        made = re.search(r"^command = .* -m venv (?:--\S+ )*(.+)$", text, flags=re.MULTILINE)
        if not made:
            return None
        try:
            same = os.path.samefile(made.group(1), self.folder)
        except OSError:
            same = False
        return None if same else made.group(1)

    def _digest(self, version: tuple[int, ...] | None) -> str:
        digest = hashlib.sha256(repr(version).encode())
        for name in ("pyproject.toml", "constraints.txt"):
            digest.update((self.project / name).read_bytes())
        return digest.hexdigest()

    def _entries(self) -> Iterator[str]:
        """Yield what stands in the folder of packages, and the list of files of each."""
        for name in os.listdir(self.site) if self.site else []:
            if name != "__pycache__" and not name.startswith("~"):
                yield name
            if self.site and name.endswith(".dist-info") and (self.site / name / "RECORD").exists():
                yield f"{name}/RECORD"

    def _run(self, command: list[str], what: str) -> None:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        if done.returncode:
            said = done.stdout.decode(errors="replace").strip().splitlines()[-8:]
            raise InstallError(
                f"{command[0]} could not make {what} in {self.folder} (exit status "
                f"{done.returncode}). It said:\n  " + "\n  ".join(said)
            )
