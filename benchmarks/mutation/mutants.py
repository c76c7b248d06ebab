"""The mutants of a module: mutmut's operators, without what no test should pin down."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import islice, pairwise
from typing import Any

import libcst as cst
import libcst.matchers as m
from mutmut.mutation.mutators import (
    mutation_operators,
    operator_arg_removal,
    operator_if_exp,
    operator_string,
)

_DOCSTRING = m.SimpleStatementLine([m.Expr(m.SimpleString() | m.ConcatenatedString())])
_LOGGING = m.Expr(m.Call(m.Attribute(m.Name("log") | m.Name("warnings"))))
_TYPING = m.Annotation() | m.Call(m.Name("cast") | m.Name("TypeVar"))
_COMMAND = m.If(test=m.Comparison(m.Name("__name__")))
_LOGGER = m.Assign([m.AssignTarget(m.Name("log"))])
# strict (of zip) and frozen guard against a slip of who writes the code; help is words for people
_QUIET_ARGUMENT = m.Arg(keyword=m.Name("strict") | m.Name("frozen") | m.Name("help"))
_NOISE = _DOCSTRING | _LOGGING | _TYPING | _COMMAND | _LOGGER | _QUIET_ARGUMENT | m.Raise()


@dataclass(frozen=True)
class Mutant:
    """A module with one change.

    Attributes
    ----------
    where : str
        Function or method that holds the change, ``Class.method``; '' at the module's level.
    line : int
        On which the change begins.
    was, becomes : str
        The lines that differ, without indentation.
    source : str
        The whole changed module.
    """

    where: str
    line: int
    was: str
    becomes: str
    source: str

    @property
    def key(self) -> str:
        """Hash of the changed module, 16 hex digits."""
        return hashlib.sha256(self.source.encode()).hexdigest()[:16]


def mutants_of(source: str) -> list[Mutant]:
    """Return the mutants of a module's source, in the order of their lines, none twice.

    Docstrings, annotations, the wording of errors and logs, and what only guards against slips
    (``strict`` of ``zip``) are left alone.
    """
    module = cst.parse_module(source)
    codes = [module.code_for_node(statement) for statement in module.body]
    head = source[: source.index("".join(codes))]
    found: dict[str, Mutant] = {}
    for i, statement in enumerate(module.body):
        before, after = head + "".join(codes[:i]), "".join(codes[i + 1 :])
        collector = _Collector()
        statement.visit(collector)
        for where, changed in collector.changes:
            code = module.code_for_node(changed)
            text = before + code + after
            if text != source and _compiles(code):
                found.setdefault(text, Mutant(where, *_difference(source, text), text))
    return sorted(found.values(), key=lambda mutant: mutant.line)


class _Collector(cst.CSTVisitor):
    """Gather what every operator makes of a statement, with the function around each change."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[tuple[str, cst.CSTNode]] = []
        self._path: list[cst.CSTNode] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if m.matches(node, _NOISE):
            return False
        self._path.append(node)
        scopes = [n for n in self._path if isinstance(n, cst.FunctionDef | cst.ClassDef)]
        where = ".".join(scope.name.value for scope in scopes)
        for kind, operator in _OPERATORS:
            if isinstance(node, kind):
                self.changes += ((where, self._with(changed)) for changed in operator(node))
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if self._path and self._path[-1] is original_node:
            self._path.pop()

    def _with(self, changed: cst.CSTNode) -> cst.CSTNode:
        """Return the statement with the node that is visited changed (deep_replace is slower)."""
        for parent, child in reversed(list(pairwise(self._path))):
            changed = parent.with_changes(**_slot(parent, child, changed))
        return changed


def _slot(parent: cst.CSTNode, child: cst.CSTNode, changed: cst.CSTNode) -> dict[str, Any]:
    """Return the field of a node that holds its child, with another child in its place."""
    for field in fields(parent):
        value = getattr(parent, field.name)
        if value is child:
            return {field.name: changed}
        if isinstance(value, list | tuple) and any(item is child for item in value):
            return {field.name: [changed if item is child else item for item in value]}
    raise AssertionError("a child stands in one of its parent's fields")


def _change_text(node: cst.SimpleString) -> Iterator[cst.CSTNode]:
    """Change a string once: that its letters are changed, too, tells nothing more."""
    yield from islice(operator_string(node), 1)


def _change_arguments(node: cst.Call) -> Iterator[cst.CSTNode]:
    """Replace by None, or drop, each argument that is not noise."""
    quiet = [argument for argument in node.args if m.matches(argument, _QUIET_ARGUMENT)]
    telling = [argument for argument in node.args if argument not in quiet]
    for changed in operator_arg_removal(node.with_changes(args=telling)):
        yield changed.with_changes(args=[*changed.args, *quiet])


_OWN = (operator_string, operator_arg_removal)
# What a node of a kind may become.
_OPERATORS: list[tuple[Any, Callable[[Any], Any]]] = [
    *((kind, operator) for kind, operator in mutation_operators if operator not in _OWN),
    (cst.SimpleString, _change_text),
    (cst.Call, _change_arguments),
    (cst.If | cst.CompIf, operator_if_exp),  # each branch forced
]


def _compiles(source: str) -> bool:
    try:
        compile(source, "<mutant>", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def _difference(source: str, text: str) -> tuple[int, str, str]:
    """Return the first line that differs, and the lines that do, before and after."""
    old, new = source.splitlines(), text.splitlines()
    start = next((i for i, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), 0)
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    was, becomes = (" ".join(map(str.strip, x[start : len(x) - end])) for x in (old, new))
    return start + 1, was, becomes
