"""How often intervals hold the truth, and how often equal routers are told apart.

``make coverage`` draws made-up outcomes of known truth a thousand times per setting and writes
``results/published/coverage.md``.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np

from benchmarks.intervals import bootstrap_macro, interval
from benchmarks.progress import Progress
from benchmarks.scoring import gap_closed
from benchmarks.significance import holm, permutation_p_values
from benchmarks.store import ROOT, circumstances, made_by
from benchmarks.stored_rows import Panel
from benchmarks.synthetic_scores import ROUTERS, Population
from benchmarks.writing import table_of

FIGURES = {
    "score": "macro score",
    "lift": "lift over recognised dataset",
    "gap": "gap closed",
    "pair": "difference of two routers",
}
FAMILIES = (2, 5, 10)  # equal routers that are compared with each other
_FOUR = (50, 30, 15, 5)
_TWELVE = (30, 20, 12, 8, 6, 5, 5, 4, 4, 3, 2, 1)
_N_PERMUTATIONS = 999  # Holm's correction of 45 pairs needs 899
PATH = ROOT / "results" / "published" / "coverage.md"


@dataclass(frozen=True)
class Setting:
    """What is simulated: routers on datasets of given shares, n questions in all."""

    title: str
    population: Population
    shares: tuple[int, ...]  # per cent
    n_questions: int
    n_seeds: int

    @property
    def sizes(self) -> np.ndarray:
        """Questions of each dataset."""
        return np.array(self.shares) * self.n_questions // 100


def settings() -> list[Setting]:
    """Return the grid of the published table."""
    four, twelve = Population.make(len(_FOUR)), Population.make(len(_TWELVE), seed=3)
    good = Population.make(len(_FOUR), level=1.5, follow=0.9)
    moved = Population.make(len(_FOUR), skill=0.3, seed_spread=0.1)
    grids = [
        ("4 datasets", four, _FOUR, (1, 2, 4)),
        ("12 datasets", twelve, _TWELVE, (1, 2, 4)),
        ("4 datasets, high scores, routers much alike", good, _FOUR, (1, 4)),
        ("4 datasets, seeds that move all questions", moved, _FOUR, (1, 4)),
    ]
    return [
        Setting(title, population, shares, n, n_seeds)
        for title, population, shares, seeds in grids
        for n, n_seeds in product((100, 400, 1600), seeds)
    ]


def simulate(setting: Setting, n_draws: int = 1000, seed: int = 0) -> dict[str, float]:
    """Count how often intervals hold the truth and equal routers are told apart.

    Parameters
    ----------
    setting : Setting
    n_draws : int, default=1000
    seed : int, default=0

    Returns
    -------
    dict
        Coverage of the 95% interval of each of ``FIGURES``, as a share of the draws;
        ``unknown``, the share in which the gap closed has no interval (the draw counts as held);
        ``apart_<k>``, the share in which any two of k equal routers are told apart at 5%.
    """
    truth = derived(setting.population.truth())
    counts: Counter[str] = Counter()
    for number in range(n_draws):
        rng = np.random.default_rng((seed, number))
        found = setting.population.draw(setting.sizes, setting.n_seeds, rng)
        counts.update(_held(found, truth, rng) | told_apart(found, rng))
    return {name: count / n_draws for name, count in counts.items()}


def derived(scores: dict) -> dict:
    """Return the figures of ``FIGURES`` from macro scores, or from their replicates."""
    router = scores[ROUTERS[0]]
    return {
        "score": router,
        "lift": router - scores["recognised_dataset"],
        "gap": gap_closed(router, scores["best_single"], scores["oracle"]),
        "pair": router - scores[ROUTERS[1]],
    }


def _held(found: Panel, truth: dict[str, float], rng: np.random.Generator) -> dict[str, bool]:
    drawn = derived(bootstrap_macro(found, rng))
    ends = {name: interval(drawn[name]) for name in FIGURES} | _without(found)
    # what has no interval holds everything
    held = {
        name: not (truth[name] < low or truth[name] > high) for name, (low, high) in ends.items()
    }
    return held | {"unknown": bool(np.isnan(ends["gap"][0]))}


def _without(found: Panel) -> dict[str, tuple[float, float]]:
    """Return no interval for differences of policies that scored the same on every question."""
    mine = found.scores[ROUTERS[0]]
    others = {"lift": "recognised_dataset", "gap": "best_single", "pair": ROUTERS[1]}
    same = [name for name, other in others.items() if (mine == found.scores[other]).all()]
    return dict.fromkeys(same, (np.nan, np.nan))


def told_apart(found: Panel, rng: np.random.Generator) -> dict[str, bool]:
    """Tell, for each of ``FAMILIES``, if any two of that many equal routers are told apart."""
    values = np.stack([found.scores[name].mean(axis=0) for name in ROUTERS])
    p_values = permutation_p_values(
        values, found.datasets, rng, _N_PERMUTATIONS, groups=found.groups
    )
    return {f"apart_{k}": bool((holm(p_values[:k, :k]) <= 0.05).any()) for k in FAMILIES}


def to_markdown(rows: Iterable[tuple[Setting, dict[str, float]]], n_draws: int) -> str:
    """Return the table of coverage and of false alarms."""
    error = 1.96 * np.sqrt(0.05 * 0.95 / n_draws)
    heads = ["routers", "questions", "seeds", *FIGURES.values(), "gap unknown"]
    heads += [f"{k} equal routers" for k in FAMILIES]
    lines = [
        "# Do the intervals hold the truth?",
        "",
        f"Made-up routers of known truth, {n_draws:,} draws a line. Share of the draws in which "
        "the 95% interval holds the true value (95% are wanted; no interval counts as one that "
        "holds), in which the gap closed has none, and in which any two of 2, 5 or 10 equal "
        "routers are told apart (paired permutation test, Holm; at most 5% are wanted). The "
        f"simulation's own error is {error:.1%}. Of 4 datasets the smallest holds 5% of the "
        "questions, of 12 datasets 1%: "
        "one question of 100. Scores are 0 or 1; seeds choose alike on 70% of the questions.",
        "",
    ]
    shares = [*FIGURES, "unknown", *(f"apart_{k}" for k in FAMILIES)]
    cells = [
        [
            *(setting.title, f"{setting.n_questions:,}", str(setting.n_seeds)),
            *(f"{found[name]:.1%}" for name in shares),
        ]
        for setting, found in rows
    ]
    return "\n".join(lines) + "\n" + table_of(heads, cells)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--draws", type=int, default=1000, help="per setting")
    options = parser.parse_args(arguments)
    rows = []
    grid = settings()
    with Progress().stage("simulating", "setting") as tell:
        for number, setting in enumerate(grid, 1):
            rows.append((setting, simulate(setting, options.draws)))
            tell(number, len(grid))
    text = to_markdown(rows, options.draws)
    PATH.write_text(f"{text}\n{made_by('make coverage', circumstances())}")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
