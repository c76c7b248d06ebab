"""Mark a stored run as one that does not count, with a reason.

``python -m benchmarks.invalidate RUN REASON`` moves the folder of a run from ``results/runs`` to
``results/invalidated``, where no table looks, and the same command that made it makes it anew.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.store import invalidate


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.invalidate", description=__doc__)
    parser.add_argument("run", type=Path, help="its folder")
    parser.add_argument("reason", help="why it does not count")
    options = parser.parse_args(arguments)
    if not options.reason.strip():
        sys.exit("REASON must say why the run does not count, got ''.")
    try:
        sys.stdout.write(f"{invalidate(options.run, options.reason)}\n")
    except FileNotFoundError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
