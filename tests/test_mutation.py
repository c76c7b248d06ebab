"""Mutation testing: its selection holds, and it tells which tests notice a broken line."""

import ast
import subprocess
import types
from pathlib import Path

import pytest

from benchmarks.mutation import __main__ as command
from benchmarks.mutation import patching, processes, report, selection, trials
from benchmarks.mutation.mutants import mutants_of
from benchmarks.mutation.outcomes import OutcomeFile
from benchmarks.mutation.processes import Outcome, Trial

ROOT = Path(__file__).resolve().parents[1]
TESTS = selection.tests_by_module(ROOT)
NAMED = selection.equivalents(ROOT)

SOURCE = '''"""About 1 + 1."""
import logging
from dataclasses import dataclass

log = logging.getLogger("x")


@dataclass(frozen=True)
class Adder:
    by: int = 2  # + 1

    def add(self, x: int, *, twice: bool) -> int:
        """Add 1."""
        if x > 9:
            raise ValueError(f"{x + 1} is too much")
        log.warning("%d", x - 1)
        return x + self.by
'''


def statements(source, named):
    """Return the part of a module in which these mutants stand: all of it would take long."""
    within = {entry.where.partition(".")[0] for entry in named}
    lines = source.splitlines(keepends=True)
    found = []
    for part in ast.parse(source).body:
        if getattr(part, "name", "") in within:
            above = getattr(part, "decorator_list", [])
            found += lines[min(node.lineno for node in (part, *above)) - 1 : part.end_lineno]
    return "".join(found)


class TestSelection:
    @pytest.mark.parametrize("module", TESTS)
    def test_modules_and_their_tests_are_there(self, module):
        assert (ROOT / module).is_file()
        assert TESTS[module]
        for test in TESTS[module]:
            file, *names = test.partition("[")[0].split("::")
            text = (ROOT / file).read_text()
            assert all(f"class {name}" in text or f"def {name}" in text for name in names), test

    def test_no_figure_of_the_field_is_left_out(self):
        files = {path.name for path in (ROOT / "benchmarks" / "field").glob("[!_]*.py")}
        assert {Path(module).name for module in TESTS if "/field/" in module} == files

    @pytest.mark.parametrize("module", sorted({entry.module for entry in NAMED}))
    def test_every_equivalent_is_a_mutant_that_there_is(self, module):
        named = [entry for entry in NAMED if entry.module == module]
        mutants = mutants_of(statements((ROOT / module).read_text(), named))
        for entry in named:
            assert entry.reason
            assert any(entry.matches(module, mutant) for mutant in mutants), entry

    def test_other_tests_have_another_hash(self, tmp_path):
        (tmp_path / "tests").mkdir()
        for name in ("test_a.py", "test_b.py", "conftest.py"):
            (tmp_path / "tests" / name).write_text("1")

        def found():
            return selection.tests_hash(tmp_path, ["tests/test_a.py::TestX"])

        before = found()
        (tmp_path / "tests" / "test_b.py").write_text("2")
        assert found() == before
        (tmp_path / "tests" / "conftest.py").write_text("2")
        between = found()
        assert between != before
        (tmp_path / "tests" / "test_a.py").write_text("2")
        assert found() not in (before, between)


class TestMutants:
    def test_what_is_changed_and_what_is_left_alone(self):
        found = {(m.line, m.where, m.was, m.becomes) for m in mutants_of(SOURCE)}
        test, result = "if x > 9:", "return x + self.by"
        assert found == {
            (10, "Adder", "by: int = 2  # + 1", "by: int = None  # + 1"),
            (10, "Adder", "by: int = 2  # + 1", "by: int = 3  # + 1"),
            (14, "Adder.add", test, "if (x > 9) and False:"),
            (14, "Adder.add", test, "if (x > 9) or True:"),
            (14, "Adder.add", test, "if x >= 9:"),
            (14, "Adder.add", test, "if x > 10:"),
            (17, "Adder.add", result, "return x - self.by"),
        }

    def test_each_is_the_module_with_that_change(self):
        for mutant in mutants_of(SOURCE):
            assert mutant.source == SOURCE.replace(mutant.was, mutant.becomes)
        assert len({mutant.key for mutant in mutants_of(SOURCE)}) == 7

    def test_arguments_are_dropped_but_not_what_guards_against_slips(self):
        found = {mutant.becomes for mutant in mutants_of("x = zip(a, b, strict=True)\n")}
        assert found == {
            "x = None",
            "x = zip(None, b, strict=True)",
            "x = zip(a, None, strict=True)",
            "x = zip(b, strict=True)",
            "x = zip(a, strict=True)",
        }

    def test_branches_of_comprehensions_are_forced(self):
        found = {mutant.becomes for mutant in mutants_of("x = [y for y in z if y]\n")}
        assert {"x = [y for y in z if (y) or True]", "x = [y for y in z if (y) and False]"} < found


@pytest.fixture
def project(tmp_path):
    """Make a checkout with a module of which one function is tested."""
    files = {
        ".gitignore": "ignored\n__pycache__\n",
        "ignored": "",
        "made/__init__.py": "",
        "made/up.py": "def known(x):\n    return x + 1\n\n\ndef untested(x):\n    return x + 1\n",
        "test_up.py": "from made.up import known\n\n\ndef test():\n    assert known(1) == 2\n",
        "tests/mutation/equivalents.toml": "",
    }
    root = tmp_path / "project"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


def measured(project, tests=("test_up.py",)):
    file = OutcomeFile(project.parent / "cache", "made/up.py", "hash")
    with trials.copied_tree(project) as tree:
        return command.measure(tree, "made/up.py", list(tests), file, workers=2)


class TestPatching:
    SOURCE = """
from functools import cache
from dataclasses import dataclass

LIMIT = 1


def plain(x=2):
    return x + 1


@cache
def kept(x):
    return [y + 1 for y in x]


@dataclass
class Adder:
    by: int = 3

    @property
    def twice(self):
        return self.by * 2

    def outer(self):
        def inner():
            return self.by - 1

        return inner()


def number(x):
    return 1
"""

    @pytest.fixture
    def module(self):
        module = types.ModuleType("made_to_be_patched")
        exec(self.code(self.SOURCE), module.__dict__)
        return module

    @staticmethod
    def code(source):
        return compile(source, "made", "exec", dont_inherit=True)

    @pytest.mark.parametrize(
        ("was", "becomes", "call", "before", "after"),
        [
            ("x + 1", "x - 1", "plain()", 3, 1),
            ("y + 1", "y * 9", "kept((2,))", [3], [18]),
            ("by * 2", "by * 5", "Adder().twice", 6, 15),
            ("by - 1", "by + 1", "Adder().outer()", 2, 4),
            ("return 1\n", "return True\n", "number(0) is True", False, True),
            ("    return 1\n", "    x = 7\n    return x\n", "number(0)", 1, 7),
        ],
    )
    def test_a_function_that_is_loaded_is_changed(self, module, was, becomes, call, before, after):
        held = module.plain  # as by a module that imported it
        assert eval(call, module.__dict__) == before
        module.kept.cache_clear()
        changed = self.SOURCE.replace(was, becomes)
        assert changed != self.SOURCE
        assert patching.patch(module.__name__, self.code(self.SOURCE), changed)
        assert eval(call, module.__dict__) == after
        assert held is module.plain

    @pytest.mark.parametrize(
        ("was", "becomes"),
        [
            ("LIMIT = 1", "LIMIT = 2"),
            ("x=2", "x=3"),
            ("by: int = 3", "by: int = 4"),
            ("@property", "@classmethod"),
            ("x + 1", "x + 1 + LIMIT\n\n\ndef more():\n    return 1"),
        ],
    )
    def test_what_needs_an_import_is_left_as_it_is(self, module, was, becomes):
        before = dict(vars(module))
        changed = self.SOURCE.replace(was, becomes)
        assert not patching.patch(module.__name__, self.code(self.SOURCE), changed)
        assert vars(module) == before
        assert module.plain() == 3

    def test_a_function_that_is_not_loaded_cannot_be_changed(self):
        changed = self.SOURCE.replace("x + 1", "x - 1")
        assert not patching.patch("nowhere", self.code(self.SOURCE), changed)


class TestTrials:
    def test_what_tests_notice_is_killed_and_the_tree_stays_as_it_is(self, project):
        before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
        result = measured(project)
        survived = [mutant for mutant, outcome in result.tried if outcome == Outcome.SURVIVED]
        assert {mutant.where for mutant in survived} == {"untested"}
        assert result.count(Outcome.KILLED) == len(survived) == 2
        after = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
        assert after == before

    def test_what_is_used_while_tests_are_collected_is_imported_changed(self, project):
        (project / "test_up.py").write_text(
            "import pytest\n\nfrom made.up import known, untested\n\n\n"
            "@pytest.mark.parametrize('two', [known(1)])\n"
            "def test(two):\n    assert two == 2 and untested(1) == 2\n"
        )
        result = measured(project)
        assert result.count(Outcome.KILLED) == len(result.tried) == 4

    def test_tests_that_fail_in_a_fork_say_nothing(self, project):
        (project / "test_up.py").write_text(
            "import os\n\nfrom made.up import known\n\nHERE = os.getpid()\n\n\n"
            "def test():\n    assert known(1) == 2 and os.getpid() == HERE\n"
        )
        with pytest.raises(processes.TestsFailError):
            measured(project)

    def test_what_is_known_is_not_tried_again(self, project, monkeypatch):
        first = measured(project)
        monkeypatch.setattr(trials, "rehearse", lambda trial: pytest.fail("nothing is to be done"))
        assert measured(project).tried == first.tried

    def test_an_endless_loop_is_ended(self, project):
        with trials.copied_tree(project) as tree:
            trial = Trial(tree, "made/up.py", ["test_up.py"], limit=2)
            endless = {"key": "def known(x):\n    while True: pass\n", "none": "import nowhere\n"}
            found = dict(trials.outcomes(trial, endless, workers=2))
        assert found == {"key": Outcome.TIMED_OUT, "none": Outcome.STILLBORN}

    def test_tests_must_pass_before_anything_is_changed(self, project):
        (project / "test_up.py").write_text("def test():\n    assert False\n")
        with pytest.raises(processes.TestsFailError, match=r"made/up\.py must pass before"):
            measured(project)

    def test_the_copy_has_what_git_would_take_and_nothing_else(self, project):
        with trials.copied_tree(project) as tree:
            names = {path.relative_to(tree).as_posix() for path in tree.rglob("*")}
            assert "made/up.py" in names
            assert "ignored" not in names
        assert not tree.exists()


def test_outcomes_hold_under_the_same_tests(tmp_path):
    OutcomeFile(tmp_path, "a/b.py", "old").add("one", Outcome.KILLED)
    OutcomeFile(tmp_path, "a/b.py", "old").add("two", Outcome.SURVIVED)
    file = OutcomeFile(tmp_path, "a/b.py", "new")
    assert file.read() == {}
    file.add("two", Outcome.TIMED_OUT)
    assert file.read() == {"two": Outcome.TIMED_OUT}
    kept = OutcomeFile(tmp_path, "a/b.py", "new", keep_killed=True)
    assert kept.read() == {"one": Outcome.KILLED, "two": Outcome.TIMED_OUT}
    assert OutcomeFile(tmp_path, "a/c.py", "old").read() == {}


class TestReport:
    MUTANTS = mutants_of("def f(x):\n    return x + 1\n")

    def test_table_counts_equivalents_apart(self):
        one, two = self.MUTANTS
        tried = [(one, Outcome.KILLED), (one, Outcome.TIMED_OUT), (two, Outcome.SURVIVED)]
        result = report.Result("m.py", "", tried, [(two, Outcome.SURVIVED, "no matter")])
        head, row, empty = report.table([result, report.Result("n.py", "", [], [])]).splitlines()
        assert head.split()[:3] == ["module", "mutants", "killed"]
        assert row.split() == ["m.py", "3", "1", "1", "1", "1", "66.7%"]
        assert empty.split() == ["n.py", "0", "0", "0", "0", "0", "–"]  # noqa: RUF001

    def test_survivors_are_shown_and_equivalents_that_are_none(self):
        one, two = self.MUTANTS
        source = "def f(x):\n    return x + 1\n"
        result = report.Result(
            "m.py", source, [(one, Outcome.SURVIVED)], [(two, Outcome.KILLED, "no matter")]
        )
        text = report.details(result)
        assert text.startswith("m.py:2 f survived\n def f(x):\n-    return x + 1\n+    return ")
        assert "m.py:2 f is named as equivalent (no matter), but was killed" in text
        fine = report.Result("m.py", source, [(one, Outcome.KILLED)], [])
        assert report.details(fine) == ""


def test_a_module_that_is_not_listed_is_refused(capsys):
    with pytest.raises(SystemExit):
        command.main(["--module", "nowhere.py"])
    assert "got 'nowhere.py'. Add it there with its tests." in capsys.readouterr().err
