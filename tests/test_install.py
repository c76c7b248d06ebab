"""The set-up speaks, mends what was left half done, and refuses in one sentence."""

import csv
import fcntl
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from benchmarks.install import __main__ as program
from benchmarks.install import interpreters, narrator, record
from benchmarks.install.environment import Environment
from benchmarks.install.interpreters import choose
from benchmarks.install.lock import only_one
from benchmarks.install.narrator import Narrator, package
from benchmarks.install.pip import PipError, run_pip
from benchmarks.install.report import InstallError, duration, parsed_size, size

ROOT = Path(program.PROJECT)
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"

# A pip that does what its folder's plan says, and notes what it was asked.
FAKE_PIP = """
import json, os, signal, sys, time
from pathlib import Path

site = Path(__file__).resolve().parent.parent
with (site.parent / "asked").open("a") as asked:
    print(json.dumps(sys.argv[1:]), file=asked)
plan = site.parent / "plan.py"
if plan.exists():
    exec(plan.read_text())
for name in ("torch", "numpy"):
    if not (site / f"{name}-1.0.dist-info").exists():
        print(f"Collecting {name}\\n  Downloading {name}-1.0-py3-none-any.whl (12.5 MB)")
        (site / name).mkdir(exist_ok=True)
        (site / name / "__init__.py").write_text("x = 1")
        (site / f"{name}-1.0.dist-info").mkdir()
        (site / f"{name}-1.0.dist-info/RECORD").write_text(f"{name}/__init__.py,,5\\n")
print("Successfully installed torch-1.0 numpy-1.0")
"""


def make_environment(folder: Path) -> Path:
    """Write by hand what ``python -m venv`` makes, with the fake pip; return the packages."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/python").symlink_to(sys.executable)
    home = Path(sys.executable).resolve().parent
    command = f"{sys.executable} -m venv {folder}"
    (folder / "pyvenv.cfg").write_text(f"home = {home}\nversion = {HERE}\ncommand = {command}\n")
    site = folder / "lib" / f"python{HERE}" / "site-packages"
    add_pip(site)
    return site


def add_pip(site: Path) -> None:
    (site / "pip").mkdir(parents=True)
    (site / "pip/__init__.py").touch()
    (site / "pip/__main__.py").write_text(FAKE_PIP)
    (site / "pip-1.0.dist-info").mkdir()
    (site / "pip-1.0.dist-info/RECORD").write_text("pip/__init__.py,,0\npip/__main__.py,,\n")


class SetUp:
    """A project with an environment whose pip is fake; ``run`` calls the program."""

    def __init__(self, folder: Path, capsys):
        self.project, self.venv, self.capsys = folder, folder / ".venv", capsys
        (folder / "pyproject.toml").write_text("[project]")
        (folder / "constraints.txt").write_text("torch==1.0")

    def run(self, *arguments: str) -> tuple[int, str]:
        """Return exit status and all that was printed."""
        status = program.main(["--venv", str(self.venv), *arguments])
        told = self.capsys.readouterr()
        return status, told.out + told.err

    def asked(self) -> list[list[str]]:
        """What pip was called with."""
        notes = list(self.venv.glob("lib/python*/asked"))
        return [json.loads(line) for line in notes[0].read_text().splitlines()] if notes else []

    def plan(self, code: str) -> None:
        (next(self.venv.glob("lib/python*")) / "plan.py").write_text(textwrap.dedent(code))


@pytest.fixture
def set_up(tmp_path, capsys, monkeypatch) -> SetUp:
    monkeypatch.setattr(program, "PROJECT", tmp_path)
    monkeypatch.setattr(program, "DISK", 0)

    def make(self, python):
        for path in self.folder.iterdir():
            if path != self.lock:
                subprocess.run(["rm", "-r", str(path)], check=True)
        make_environment(self.folder)

    here = interpreters.Interpreter("python3", sys.executable, sys.version_info[:3], [])
    monkeypatch.setattr(program, "choose", lambda given="": choose(given) if given else here)
    monkeypatch.setattr(Environment, "make", make)
    return SetUp(tmp_path, capsys)


def test_a_fresh_set_up_says_what_it_will_do_what_it_does_and_what_it_did(set_up):
    status, told = set_up.run()
    first, *middle, last = told.splitlines()
    assert status == 0
    assert "105 packages, 500 MB to download" in first
    assert "python3" in first
    assert any(line.startswith("  torch 1.0: 12 MB, ") for line in middle)
    assert last.startswith("Ready: 3 packages in ")
    assert "25 MB downloaded" in last
    one, two = set_up.asked()
    assert one == ["install", "--constraint", "constraints.txt", "torch"]
    assert two[-2:] == ["--editable", ".[dev]"]


def test_a_second_call_asks_pip_nothing_and_is_quiet_if_told_to(set_up):
    set_up.run()
    assert set_up.run("--quiet") == (0, "")
    assert "is ready (3 packages)" in set_up.run()[1]
    assert len(set_up.asked()) == 2


@pytest.mark.parametrize("file", ["pyproject.toml", "constraints.txt"])
def test_changed_requirements_let_pip_look_again_and_install_only_what_is_missing(set_up, file):
    set_up.run()
    (set_up.project / file).write_text("changed")
    status, told = set_up.run("--quiet")
    assert status == 0
    assert "pyproject.toml or constraints.txt has changed" in told
    assert "MB, " not in told
    assert len(set_up.asked()) == 4
    assert set_up.run("--quiet") == (0, "")


def damage_record(site: Path) -> None:
    (site / "numpy-1.0.dist-info/RECORD").unlink()


def damage_info(site: Path) -> None:
    subprocess.run(["rm", "-r", str(site / "numpy-1.0.dist-info")], check=True)


def damage_package(site: Path) -> None:
    subprocess.run(["rm", "-r", str(site / "numpy")], check=True)


@pytest.mark.parametrize("harm", [damage_record, damage_info, damage_package])
@pytest.mark.parametrize("stamped", [True, False])
def test_a_half_installed_package_is_found_and_installed_again(set_up, harm, stamped):
    set_up.run()
    site = next(set_up.venv.glob("lib/python*/site-packages"))
    harm(site)
    if not stamped:
        (set_up.venv / ".installed").unlink()
    status, told = set_up.run("--quiet")
    assert status == 0
    assert ("numpy" if stamped else "an earlier set-up did not finish") in told.splitlines()[0]
    assert ("half installed, so installing again: numpy 1.0" in told) == (harm != damage_info)
    assert "numpy 1.0: 12 MB" in told
    assert "torch 1.0: 12 MB" not in told
    assert (site / "numpy/__init__.py").read_text() == "x = 1"
    assert set_up.run("--quiet") == (0, "")


def test_a_truncated_file_is_found_when_an_earlier_set_up_did_not_finish(set_up):
    set_up.run()
    (set_up.venv / ".installed").unlink()
    (next(set_up.venv.glob("lib/python*/site-packages")) / "torch/__init__.py").write_text("x")
    assert "installing again: torch 1.0" in set_up.run()[1]


def break_python(venv: Path) -> None:
    (venv / "bin/python").unlink()
    (venv / "bin/python").symlink_to("/nowhere/python3.11")


def break_interpreter(venv: Path) -> None:
    (venv / "bin/python").unlink()
    (venv / "bin/python").write_text("#!/bin/sh\nexit 1\n")
    (venv / "bin/python").chmod(0o755)


def break_creation(venv: Path) -> None:
    (venv / "bin/python").unlink()


def break_mark(venv: Path) -> None:
    (venv / "pyvenv.cfg").unlink()


def break_packages(venv: Path) -> None:
    (venv / "lib/python3.99/site-packages").mkdir(parents=True)


def break_place(venv: Path) -> None:
    text = (venv / "pyvenv.cfg").read_text().replace(str(venv), "/old/place/.venv")
    (venv / "pyvenv.cfg").write_text(text)


def break_version(venv: Path) -> None:
    (venv / "bin/python").unlink()
    (venv / "bin/python").write_text("#!/bin/sh\necho 3 10\n")
    (venv / "bin/python").chmod(0o755)


@pytest.mark.parametrize(
    ("harm", "line"),
    [
        (break_python, r"has lost its Python (/nowhere/python3.11)"),
        (break_interpreter, "/bin/python)"),
        (break_creation, "was left half made"),
        (break_mark, "was left half made"),
        (break_packages, "does not have one folder of packages"),
        (break_place, "was made as /old/place/.venv and moved or copied"),
        (break_version, "has Python 3.10, which is not supported"),
    ],
)
def test_a_broken_environment_is_made_anew(set_up, harm, line):
    set_up.run()
    harm(set_up.venv)
    status, told = set_up.run("--quiet")
    assert status == 0
    assert f"{line}. Making it anew with python3" in told.splitlines()[0]
    assert set_up.run("--quiet") == (0, "")


def test_an_environment_reached_through_a_link_was_not_moved(set_up, tmp_path):
    set_up.run()
    (tmp_path / "link").symlink_to(set_up.venv)
    assert program.main(["--venv", str(tmp_path / "link"), "--quiet"]) == 0
    assert set_up.capsys.readouterr().out == ""


def test_an_environment_without_pip_gets_one_and_keeps_its_packages(set_up, monkeypatch):
    set_up.run()
    site = next(set_up.venv.glob("lib/python*/site-packages"))
    for part in ("pip", "pip-1.0.dist-info"):
        subprocess.run(["rm", "-r", str(site / part)], check=True)
    monkeypatch.setattr(Environment, "add_pip", lambda self: add_pip(site))
    status, told = set_up.run("--quiet")
    assert status == 0
    assert "pip is missing or half installed" in told
    assert "MB, " not in told


def test_what_python_says_when_it_can_bring_no_pip_is_told(tmp_path):
    make_environment(tmp_path / "venv")
    (tmp_path / "venv/bin/python").unlink()
    (tmp_path / "venv/bin/python").write_text("#!/bin/sh\necho broken: $*\nexit 3\n")
    (tmp_path / "venv/bin/python").chmod(0o755)
    with pytest.raises(InstallError, match=r"exit status 3\)\. It said:\n  broken: -m ensurepip"):
        Environment(tmp_path / "venv", ROOT).add_pip()


def test_leftovers_of_a_killed_pip_are_removed(set_up):
    set_up.run()
    (set_up.venv / ".installed").unlink()
    part = set_up.venv / ".tmp/pip-unpack-1/torch.whl"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(2_000_000))
    (next(set_up.venv.glob("lib/python*/site-packages")) / "~umpy").mkdir()
    assert "removed 2.0 MB of an interrupted download" in set_up.run()[1]
    assert not part.exists()
    assert not list(set_up.venv.glob("lib/python*/site-packages/~*"))


def test_pip_that_fails_is_told_with_its_last_lines_only(set_up):
    make_environment(set_up.venv)
    set_up.plan(
        """
        print("WARNING: noise")
        print(*range(50), sep="\\n")
        print("ERROR: No matching distribution found for torch==1.0", file=sys.stderr)
        sys.exit(1)
        """
    )
    status, told = set_up.run()
    assert status == 1
    assert "pip failed (exit status 1): pip finds no torch==1.0 for this Python" in told
    assert "49\n  ERROR: No matching" in told
    assert "noise" not in told
    assert not (set_up.venv / ".installed").exists()


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("Retrying after NewConnectionError", "did not answer"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "not the pinned file"),
        ("something else", "see below"),
    ],
)
def test_the_cause_is_read_from_what_pip_says(said, cause):
    assert cause in str(PipError(1, [said]))


def test_pip_killed_in_the_middle_is_told_and_the_next_call_goes_on(set_up):
    make_environment(set_up.venv)
    set_up.plan("print('Collecting numpy', flush=True)\nos.kill(os.getpid(), signal.SIGKILL)")
    status, told = set_up.run()
    assert status == 1
    assert "ended by SIGKILL" in told
    set_up.plan("")
    status, told = set_up.run()
    assert status == 0
    assert "an earlier set-up did not finish" in told


def run_program(folder: Path) -> subprocess.Popen:
    code = (
        "import pathlib, sys; from benchmarks.install import __main__ as program;"
        f"program.PROJECT = pathlib.Path({str(folder)!r}); program.DISK = 0;"
        f"sys.exit(program.main(['--venv', {str(folder / '.venv')!r}]))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def wait_for(path: Path) -> None:
    for _ in range(500):
        if path.exists():
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} never came")


def test_two_set_ups_at_once_take_turns(set_up, tmp_path):
    make_environment(set_up.venv)
    set_up.plan(
        f"""
        Path({str(tmp_path / "working")!r}).touch()
        while not Path({str(tmp_path / "go")!r}).exists():
            time.sleep(0.01)
        """
    )
    first = run_program(tmp_path)
    wait_for(tmp_path / "working")
    second = run_program(tmp_path)
    line = second.stdout.readline().decode()
    assert f"Another set-up of {set_up.venv} is at work (process {first.pid}): waiting" in line
    (tmp_path / "go").touch()
    assert b"Ready: 3 packages" in first.communicate(timeout=20)[0]
    assert b"the other set-up has finished it" in second.communicate(timeout=20)[0]
    assert (first.returncode, second.returncode) == (0, 0)
    assert len(set_up.asked()) == 2


def test_the_lock_of_a_killed_set_up_is_held_until_its_pip_ends(set_up, tmp_path):
    make_environment(set_up.venv)
    set_up.plan(f"Path({str(tmp_path / 'working')!r}).touch()\ntime.sleep(1)\nsys.exit(0)")
    first = run_program(tmp_path)
    wait_for(tmp_path / "working")
    first.send_signal(signal.SIGKILL)
    first.wait()
    descriptor = os.open(set_up.venv / ".lock", os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    set_up.plan("")
    assert set_up.run()[0] == 0


def test_a_set_up_that_is_ended_ends_its_pip(set_up, tmp_path):
    make_environment(set_up.venv)
    set_up.plan(f"Path({str(tmp_path / 'working')!r}).touch()\ntime.sleep(60)")
    first = run_program(tmp_path)
    wait_for(tmp_path / "working")
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=20) == 143
    with only_one(set_up.venv / ".lock"):
        pass


def test_the_lock_of_a_dead_process_does_not_stand_in_the_way(tmp_path, capsys):
    (tmp_path / ".lock").write_text("4194304")
    with only_one(tmp_path / ".lock"):
        assert (tmp_path / ".lock").read_text() == str(os.getpid())
    assert capsys.readouterr().out == ""


def test_a_folder_that_is_no_environment_is_left_alone(set_up):
    set_up.venv.mkdir()
    (set_up.venv / "thesis.tex").touch()
    status, told = set_up.run()
    assert status == 1
    assert "is not a virtual environment (it holds 'thesis.tex')" in told
    assert (set_up.venv / "thesis.tex").exists()


def test_a_file_in_the_way_a_full_disk_and_a_missing_right_are_told(set_up, monkeypatch):
    set_up.venv.touch()
    assert "must be a folder. Remove what is there" in set_up.run()[1]
    set_up.venv.unlink()
    monkeypatch.setattr(program, "DISK", 1e18)
    assert "of free disk; there are" in set_up.run()[1]

    def refuse(*_):
        raise PermissionError(13, "Permission denied", "/somewhere")

    monkeypatch.setattr(program, "_check_disk", refuse)
    status, told = set_up.run()
    assert status == 1
    assert told.count("\n") == 1
    assert "There is no permission to write /somewhere" in told


def fake_python(folder: Path, name: str, version: tuple, missing: tuple = ()) -> Path:
    folder.mkdir(exist_ok=True)
    python = folder / name
    told = json.dumps({"path": f"/real/{name}", "version": version, "missing": missing})
    python.write_text(f"#!/bin/sh\necho '{told}'\n")
    python.chmod(0o755)
    return python


@pytest.fixture
def path(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path / "path"


def test_python3_is_taken_or_else_the_newest_that_is_suitable(path):
    fake_python(path, "python3", (3, 9, 2))
    fake_python(path, "python3.11", (3, 11, 4))
    assert str(choose()) == "python3.11 (3.11.4)"
    fake_python(path, "python3.13", (3, 13, 0), missing=("ensurepip",))
    (path / "python3.12").write_text("#!/bin/sh\nexit 127\n")
    (path / "python3.12").chmod(0o755)
    assert choose().command == "python3.11"
    fake_python(path, "python3.12", (3, 12, 1))
    assert choose().command == "python3.12"
    fake_python(path, "python3", (3, 11, 1))
    assert choose().path == "/real/python3"


@pytest.mark.parametrize(
    ("version", "missing", "line"),
    [
        ((3, 10, 1), (), r"needs Python 3.11, 3.12 or 3.13: python3 \(3.10.1\) is not"),
        ((3, 14, 0), (), r"python3 \(3.14.0\) is not Python 3.11, 3.12 or 3.13\. Install one"),
        ((3, 12, 1), ("ensurepip",), r"lacks the module ensurepip.*apt install python3.12-venv"),
    ],
)
def test_an_unsuitable_python_is_told(path, version, missing, line):
    with pytest.raises(InstallError, match="no Python was found on PATH"):
        choose()
    given = fake_python(path, "python3", version, missing)
    with pytest.raises(InstallError, match=line):
        choose()
    with pytest.raises(InstallError, match=f"PYTHON={given} cannot be used"):
        choose(str(given))


def test_a_named_python_that_is_none_is_told(path):
    with pytest.raises(InstallError, match=r"PYTHON=python9 must name .*: it is not there"):
        choose("python9")


def test_another_named_python_makes_the_environment_anew(set_up):
    set_up.run()
    other = fake_python(set_up.project / "pythons", "python3.99", (3, 12 if HERE != "3.12" else 13))
    status, told = set_up.run("--python", str(other))
    assert status == 0
    assert f"has Python {HERE}, not 3.1" in told


PIP_SAYS = """\
Looking in links: /somewhere
WARNING: Location is ignored
Collecting torch==2.13.0
  Downloading torch-2.13.0-cp312-cp312-linux_x86_64.whl.metadata (29 kB)
Processing /nowhere/mpmath-1.3.0-py3-none-any.whl (from sympy)
Downloading torch-2.13.0%2Bcpu-cp312-cp312-linux_x86_64.whl (190.4 MB)
Using cached jinja2-3.1.6-py3-none-any.whl (134 kB)
Downloading https://host/packages/antlr4-python3-runtime-4.9.3.tar.gz (117 kB)
  Building wheel for antlr4-python3-runtime (pyproject.toml): started
  Building wheel for antlr4-python3-runtime (pyproject.toml): finished with status 'done'
Installing collected packages: mpmath, jinja2, torch
  Attempting uninstall: mpmath
Successfully installed jinja2-3.1.6 mpmath-1.3.0 torch-2.13.0
"""


def test_the_lines_of_pip_become_one_line_a_package(capsys):
    clock = iter(range(1000))
    listener = Narrator(now=lambda: next(clock) / 4)
    for line in PIP_SAYS.splitlines():
        listener.read(line)
    told = [line.rsplit(maxsplit=2)[0] for line in capsys.readouterr().out.splitlines()]
    assert told == [
        "  mpmath 1.3.0: 0 kB from this machine,",
        "  torch 2.13.0+cpu: 190 MB,",
        "  jinja2 3.1.6: 0.1 MB from pip's cache,",
        "  antlr4-python3-runtime 4.9.3: 0.1 MB,",
        "  building antlr4-python3-runtime:",
        "  installing",
        "  installed 3 packages:",
    ]
    assert listener.downloaded == pytest.approx(190.4e6 + 117e3)


def test_long_silence_gets_a_sign_of_life(capsys):
    now, arrived, installed = [0.0], [0], [5]
    listener = Narrator(lambda name: arrived[0], lambda: installed[0], lambda: now[0])
    listener.read("  Downloading torch-2.13.0-py3-none-any.whl (190 MB)")
    now[0] = 9
    listener.silence()
    assert capsys.readouterr().out == ""
    now[0], arrived[0] = 11, 60_000_000
    listener.silence()
    listener.silence()
    assert capsys.readouterr().out == "    torch 2.13.0: 60 MB of 190 MB, 11 s so far\n"
    listener.read("Installing collected packages: a, b, c")
    now[0], installed[0] = 30, 7
    listener.silence()
    assert "2 of 3 packages installed, 19 s so far" in capsys.readouterr().out
    listener.read("Successfully installed a b c")
    for now[0] in range(31, 50):
        listener.read("Requirement already satisfied: pip")
    assert capsys.readouterr().out.splitlines()[1:] == ["    pip is at work, 10 s so far"]


def test_a_build_of_torch_for_gpus_is_remarked_upon_once(capsys):
    listener = Narrator()
    listener.read("Downloading nvidia_cublas-13.1-py3-none-any.whl (400 MB)")
    listener.read("Downloading nvidia_cufft-12.0-py3-none-any.whl (200 MB)")
    assert capsys.readouterr().out.count("PIP_EXTRA_INDEX_URL") == 1


def test_silent_pip_is_noticed_while_it_runs(tmp_path, monkeypatch):
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\nsleep 1.5\necho $PIP_USER$PIP_TARGET $TMPDIR\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    heard, silences = [], []
    run_pip(str(fake), [], heard.append, lambda: silences.append(1), {"TMPDIR": "/tmp/t"})
    assert heard == ["0 /tmp/t"]
    assert silences


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("scikit_learn-1.9.1-cp311-abi3-linux.whl", "scikit-learn 1.9.1"),
        ("antlr4-python3-runtime-4.9.3.tar.gz", "antlr4-python3-runtime 4.9.3"),
    ],
)
def test_package_of_a_file(file, name):
    assert package(file) == name


def test_sizes_and_times_are_written_for_people():
    assert [size(n) for n in (5300, 244e3, 526.6e6, 3e9)] == ["5 kB", "0.2 MB", "527 MB", "3.0 GB"]
    assert [duration(s) for s in (0.04, 41.2, 192)] == ["0.0 s", "41 s", "3 min 12 s"]
    assert [parsed_size(text) for text in ("526.6 MB", "244 kB", "")] == [526.6e6, 244e3, 0]


def test_a_list_of_files_tells_what_is_missing_or_cut_short(tmp_path):
    (tmp_path / "a").write_text("abc")
    (tmp_path / "b,c").write_text("")
    record.write(tmp_path)
    assert record.damage(tmp_path, tmp_path / "RECORD") is None
    assert len(list(csv.reader((tmp_path / "RECORD").open()))) == 2
    (tmp_path / "a").write_text("ab")
    assert record.damage(tmp_path, tmp_path / "RECORD") == "a has 2 bytes instead of 3"
    (tmp_path / "a").unlink()
    assert record.damage(tmp_path, tmp_path / "RECORD") == "a is missing"
    (tmp_path / "RECORD").write_text("nonsense\n")
    assert "list of files is missing" in record.damage(tmp_path, tmp_path / "RECORD")
    (tmp_path / "RECORD").unlink()
    assert "list of files is missing" in record.damage(tmp_path, tmp_path / "RECORD")


def test_the_program_needs_nothing_but_a_plain_python():
    code = (
        "import sys; import benchmarks.install.__main__;"
        "print(*[name for name in sys.modules if name.startswith(('benchmarks', 'routers'))])"
    )
    told = subprocess.check_output([sys.executable, "-S", "-c", code], cwd=ROOT, text=True)
    strangers = [name for name in told.split() if not name.startswith("benchmarks.install")]
    assert strangers == ["benchmarks"]


def test_the_supported_versions_are_said_alike_everywhere():
    low, high = min(interpreters.SUITABLE), max(interpreters.SUITABLE)
    bounds = f'requires-python = ">={low[0]}.{low[1]},<{high[0]}.{high[1] + 1}"'
    assert bounds in (ROOT / "pyproject.toml").read_text()
    assert narrator.QUIET_SECONDS == 10
