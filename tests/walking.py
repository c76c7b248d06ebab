"""Everything that a package defines, found by walking its files: no list to keep."""

import inspect
from importlib import import_module
from pathlib import Path


def members(package, kind):
    """Return what the modules of a package define (kind: inspect.isclass, ...), by full name."""
    found = {}
    folder = Path(package.__path__[0])
    for file in sorted(folder.rglob("*.py")):
        if file.stem != "__main__":
            parts = file.relative_to(folder.parent).with_suffix("").parts
            module = ".".join(part for part in parts if part != "__init__")
            for name, member in inspect.getmembers(import_module(module), kind):
                if getattr(member, "__module__", None) == module:
                    found[f"{module}.{name}"] = member
    return found
