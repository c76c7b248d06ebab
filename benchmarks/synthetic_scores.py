"""Scores of made-up routers whose true values are known, to see whether intervals hold them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from benchmarks.scoring import FloatArray
from benchmarks.stored_rows import Panel

ROUTERS = tuple(f"router {number}" for number in range(10))
_N_LLMS = 5
_SAME = 0.7  # share of questions on which a seed chooses as the other seeds do
_REPEATED = 0.7  # share of a group's questions that are the first one in other words
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(60)


@dataclass(frozen=True)
class Population:
    """Datasets without end, llms that answer their questions, and routers that choose.

    An llm is right if its ability plus the easiness of the question plus luck, both standard
    normal, is above 0. Ten routers are alike in distribution; another knows the dataset.

    Attributes
    ----------
    abilities : ndarray of shape (D, 5)
        Of each llm on each dataset.
    follow : float
        Probability, in [0, 1], that a router's guess is the dataset's best llm; else it is any.
    skill : float
        Probability, in [0, 1], that a router does not guess, but picks an llm that is right, if
        there is one.
    seed_spread : float
        Standard deviation of the skill over seeds: all of a seed's questions move together. At
        most a third of the skill, so that it stays in [0, 1].
    group_size : int
        Questions of a dataset that are a group: each but the first is, with probability 0.7, the
        first again, to every llm and router. What a policy truly scores is the same.
    """

    abilities: FloatArray
    follow: float = 0.7
    skill: float = 0.1
    seed_spread: float = 0.0
    group_size: int = 1

    @classmethod
    def make(cls, n_datasets: int, level: float = 0.3, seed: int = 0, **fields: Any) -> Population:
        """Draw abilities around ``level``: datasets differ, and llms within each."""
        rng = np.random.default_rng(seed)
        datasets = rng.normal(level, 0.6, size=(n_datasets, 1))
        return cls(datasets + rng.normal(0, 0.5, (n_datasets, _N_LLMS)), **fields)

    @property
    def right(self) -> FloatArray:
        """Probability (D, 5) that an llm is right."""
        return ndtr(self.abilities / np.sqrt(2))

    @property
    def best_single(self) -> int:
        """The llm of the highest macro score."""
        return int(self.right.mean(axis=0).argmax())

    @property
    def guesses(self) -> dict[str, FloatArray]:
        """Probability (D, 5) of guessing each llm, by kind of router."""
        best = np.eye(_N_LLMS)[self.right.argmax(axis=1)]
        mistaken = np.eye(_N_LLMS)[self.best_single]
        return {
            "router": self.follow * best + (1 - self.follow) / _N_LLMS,
            "recognised_dataset": 0.95 * best + 0.05 * mistaken,
        }

    def truth(self) -> dict[str, float]:
        """Macro score of every policy over all questions and seeds."""
        wrong = ndtr(-(self.abilities[..., None] + _NODES)).prod(axis=1)
        oracle = 1 - wrong @ (_WEIGHTS / _WEIGHTS.sum())
        guessed = {kind: (p * self.right).sum(axis=1) for kind, p in self.guesses.items()}
        router = float(np.mean(self.skill * oracle + (1 - self.skill) * guessed["router"]))
        return dict.fromkeys(ROUTERS, router) | {
            "recognised_dataset": float(guessed["recognised_dataset"].mean()),
            "best_single": float(self.right[:, self.best_single].mean()),
            "oracle": float(oracle.mean()),
        }

    def draw(self, sizes: np.ndarray, n_seeds: int, rng: np.random.Generator) -> Panel:
        """Draw questions, ``sizes`` (D,) of each dataset, and what policies score on them."""
        dataset = np.repeat(np.arange(len(sizes)), sizes)
        ease, luck = (rng.normal(size=(len(dataset), k)) for k in (1, _N_LLMS))
        answers = self.abilities[dataset] + ease + luck > 0
        skill = self.skill + self.seed_spread * rng.standard_normal(n_seeds)
        guesses = {kind: p.cumsum(axis=1)[dataset] for kind, p in self.guesses.items()}
        scores = {name: _scores(answers, guesses["router"], skill, rng) for name in ROUTERS}
        known = "recognised_dataset"
        scores[known] = _scores(answers, guesses[known], np.zeros(n_seeds), rng)
        for name, of_any_seed in (
            ("best_single", answers[:, self.best_single]),
            ("oracle", answers.any(axis=1)),
        ):
            scores[name] = np.tile(of_any_seed.astype(float), (n_seeds, 1))
        names = np.array([f"d{place:02d}" for place in dataset], dtype=object)
        if self.group_size == 1:
            return Panel(names, scores, {})
        groups, repeats = _grouped(sizes, self.group_size, rng)
        return Panel(names, {name: of[:, repeats] for name, of in scores.items()}, {}, groups)


def _grouped(
    sizes: np.ndarray, group_size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw each question's group (n,), and the question (n,) that it is: itself or the first."""
    within = np.concatenate([np.arange(size) for size in sizes])
    itself = np.arange(len(within))
    first = itself - within % group_size
    return first, np.where(rng.random(len(within)) < _REPEATED, first, itself)


def _scores(
    answers: np.ndarray, guesses: FloatArray, skill: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Scores (n_seeds, n) of a router whose seeds mostly choose alike on a question."""
    shape = (len(skill), len(answers))
    # a question's draws are those that all seeds share, or a seed's own
    alike = rng.random(shape) < _SAME
    luck, guess = (np.where(alike, rng.random(shape[1]), rng.random(shape)) for _ in range(2))
    choice = (guess[..., None] > guesses).sum(axis=2).clip(max=_N_LLMS - 1)
    guessed = answers[np.arange(shape[1]), choice]
    return np.where(luck < skill[:, None], answers.any(axis=1), guessed).astype(float)
