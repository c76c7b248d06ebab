"""Give a function that is loaded the code of its mutant, without importing its module again."""

from __future__ import annotations

import gc
import inspect
from itertools import zip_longest
from types import CodeType, FunctionType

# What makes two code objects do the same; their lines may differ.
_PARTS = (
    "co_code",
    "co_exceptiontable",
    "co_names",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
    "co_flags",
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
)


def patch(name: str, before: CodeType, source: str) -> bool:
    """Put a mutant in place of a loaded module, if one function is all that it changes.

    Parameters
    ----------
    name : str
        Of the module, which is loaded.
    before : CodeType
        What the module's source compiles to.
    source : str
        The mutant's.

    Returns
    -------
    bool
        False if the module must be imported anew, because the change lies outside of functions
        (a constant, a default, a decorator) or in one that is not there to be changed. The module
        is as it was then.
    """
    found = changed_function(before, compile(source, before.co_filename, "exec", dont_inherit=True))
    if found is None:
        return False
    old, new = found
    loaded = [function for function in _functions(name) if _is(function.__code__, old)]
    if not loaded or old.co_freevars != new.co_freevars:
        return False
    for function in loaded:
        function.__code__ = new
    return True


def changed_function(before: CodeType, after: CodeType) -> tuple[CodeType, CodeType] | None:
    """Return the outermost function that alone differs between two modules, before and after."""
    if not _same(before, after, deep=False):
        return None
    pairs = zip(_codes(before), _codes(after), strict=True)
    differ = [pair for pair in pairs if not _same(*pair)]
    if len(differ) != 1:
        return None
    if differ[0][0].co_flags & inspect.CO_OPTIMIZED:  # a function; a class's body is not
        return differ[0]
    return changed_function(*differ[0])


def _same(one: CodeType, two: CodeType, deep: bool = True) -> bool:
    """Tell whether two code objects do the same; ``deep=False`` leaves out functions within."""
    if any(getattr(one, part) != getattr(two, part) for part in _PARTS):
        return False
    for a, b in zip_longest(one.co_consts, two.co_consts):
        if isinstance(a, CodeType) and isinstance(b, CodeType):
            if deep and not _same(a, b):
                return False
        elif type(a) is not type(b) or repr(a) != repr(b):  # 1 equals 1.0 and True
            return False
    return True


def _codes(code: CodeType) -> list[CodeType]:
    return [part for part in code.co_consts if isinstance(part, CodeType)]


def _functions(module: str) -> list[FunctionType]:
    """Return the functions of a module, wherever they are kept (decorated, in a class)."""
    return [
        thing
        for thing in gc.get_objects()
        if isinstance(thing, FunctionType) and thing.__module__ == module
    ]


def _is(code: CodeType, other: CodeType) -> bool:
    here = (code.co_qualname, code.co_firstlineno)
    return here == (other.co_qualname, other.co_firstlineno) and _same(code, other)
