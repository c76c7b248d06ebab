"""Hold the figures of the suite against those of the reference."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from made_boards import Board, MadeRun
from reference import calibration_rows, leaderboard_rows

from benchmarks.comparison import names_of
from benchmarks.leaderboard import calibration_table, leaderboard

NAMES = {"router", "data", "zoo", "split", "data_hash", "cost_unit", "llm"}
NAMES |= {"settings", "settings_hash"}
ELSEWHERE = {"group", "remarks", "fit_seconds", "route_qps", "encode_seconds", "peak_memory_mb"}
INTERVALS = {
    f"{name}_{end}" for name in ("macro", "gap", "lead", "lift") for end in ("low", "high")
}


def differences(found: pd.Series, expected: dict) -> dict[str, tuple]:
    """Return what the suite and the reference say where they do not agree."""
    pairs = {
        name: (found.get(name, "missing"), expected.get(name, "missing"))
        for name in (set(found.index) | set(expected)) - NAMES - ELSEWHERE - INTERVALS
    }
    return {name: pair for name, pair in sorted(pairs.items()) if not same(*pair)}


def same(found: object, expected: object) -> bool:
    """Tell whether two figures agree to six digits; an unknown one is NaN or None."""
    if isinstance(found, str) or isinstance(expected, str):
        return found == expected
    one, other = (math.nan if value is None else float(value) for value in (found, expected))
    both_unknown = math.isnan(one) and math.isnan(other)
    return both_unknown or math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-6)


def disagreements(board: Board, beside: Sequence[MadeRun] = ()) -> list[str]:
    """Return a line for each figure of a board that differs, be other runs stored beside or not."""
    runs = [*board.runs, *beside]
    by_router, by_llm = (
        table[table["settings_hash"] == names_of(board.runs[0])["settings_hash"]]
        for table in (leaderboard(runs), calibration_table(runs))
    )
    pairs = (
        (by_router.set_index("router"), leaderboard_rows(board.comparison)),
        (by_llm.set_index(["router", "llm"]), calibration_rows(board.comparison)),
    )
    return [
        f"{place} {name}: the suite says {found}, the reference {expected}"
        for table, rows in pairs
        for place, row in rows.items()
        for name, (found, expected) in differences(table.loc[place], row).items()
    ]
