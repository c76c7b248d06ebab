"""A documented default is the one that the signature has."""

import ast
import inspect
import re

import pytest
from walking import members

import benchmarks
import routers

CLASSES = members(routers, inspect.isclass) | members(benchmarks, inspect.isclass)
FUNCTIONS = members(routers, inspect.isfunction) | members(benchmarks, inspect.isfunction)
METHODS = {
    f"{owner}.{name}": member
    for owner, cls in CLASSES.items()
    for name, member in vars(cls).items()
    if inspect.isfunction(member)
}
DOCUMENTED = {
    name: member
    for name, member in (CLASSES | FUNCTIONS | METHODS).items()
    if "Parameters\n" in (inspect.getdoc(member) or "")
}


def documented(member):
    """Yield the names and the type line of each entry of a numpydoc parameter section."""
    _, _, section = inspect.getdoc(member).partition("Parameters\n----------\n")
    for line in re.split(r"\n\w[\w ]*\n---", section)[0].splitlines():
        if entry := re.fullmatch(r"(\*{0,2}\w+(?:, \w+)*) : (.*)", line):
            yield entry[1].replace("*", "").split(", "), entry[2]


def written(text):
    """Return the value of a written default; None for words, which say what None stands for."""
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return None


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_documented_defaults_are_those_of_the_signature(name):
    signature = inspect.signature(DOCUMENTED[name]).parameters
    for names, kind in documented(DOCUMENTED[name]):
        assert set(names) <= set(signature), f"{names} of {name}"
        if default := re.search(r"default=(.*)$", kind):
            values = default[1].split(" and ")
            values = values * len(names) if len(values) == 1 else values
            for parameter, value in zip(names, values, strict=True):
                assert signature[parameter].default == written(value), f"{parameter} of {name}"


def test_defaults_are_found():
    """Guard the test above: it must not pass because nothing was read."""
    found = [kind for member in DOCUMENTED.values() for _, kind in documented(member)]
    assert sum("default=" in kind for kind in found) > 150
