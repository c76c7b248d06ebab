"""Ask small llms the embedded questions, and keep what they scored and cost.

    python -m benchmarks.collect                       # ask; may be killed and started again
    python -m benchmarks.collect --llms gemma-3-270m   # ask one candidate
    python -m benchmarks.collect --finish              # write the committed files
    python -m benchmarks.collect --arc 200             # ask ARC-Challenge too (needs a model hub)
    python -m benchmarks.collect --arc 200 --finish --out ../with_arc

Every candidate is a network in one *mode*. ``direct``: a choice is the most likely option letter
after the question (one forward pass), a number is what is generated next. ``steps``: the llm first
reasons in text, then a cue forces the answer, so that nothing is lost to answer format.

The cost is CPU time of this process (core-seconds), a proxy for money. Wall time is not used: the
machine may be shared. Decoding is greedy and questions are grouped the same way each time, so
that asking again gives the same answers on the same machine (another one may round otherwise).
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmarks.collect.candidates import CANDIDATES
from benchmarks.collect.finishing import finish, summary
from benchmarks.collect.measuring import measure
from benchmarks.sources.hub import arc_challenge
from benchmarks.sources.small_llms import DATA, questions


def with_arc(table: pd.DataFrame, n_questions: int) -> pd.DataFrame:
    """Add questions of ARC-Challenge, which only those who reach the model hub have."""
    if not n_questions:
        return table
    return pd.concat([table, arc_challenge(n_questions)], ignore_index=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.collect",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--llms", nargs="+", choices=list(CANDIDATES), default=list(CANDIDATES))
    parser.add_argument(
        "--arc",
        type=int,
        default=0,
        metavar="N",
        help="ask N questions of ARC-Challenge too, from the model hub",
    )
    parser.add_argument("--finish", action="store_true", help="write what was measured")
    parser.add_argument(
        "--out",
        type=Path,
        default=DATA,
        help="where to; another folder than the committed one gets the texts too, "
        "and is then a data folder for `make bench DATA=`",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = _parser()
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if args.arc and args.finish and args.out == DATA:
        parser.error("--arc needs --out: questions of the hub are not in the embedded data set")
    table = with_arc(questions(), args.arc)
    if args.finish:
        sys.stdout.write(summary(finish(table, args.out)).round(3).to_string() + "\n")
        return
    for llm in args.llms:
        measure(CANDIDATES[llm], table)


if __name__ == "__main__":
    main()
