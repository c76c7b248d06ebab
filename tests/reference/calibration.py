"""How well predicted scores are calibrated, per llm."""

from __future__ import annotations

from collections.abc import Sequence

from reference.facts import Number, Test, mean

Pair = tuple[Number, Number]  # predicted, observed
N_BINS = 10


def by_llm(tests: Sequence[Test], router: str, llm: str) -> dict[str, Number | None]:
    """Return the figures of one llm over the compared tests of a router."""
    by_seed: dict[int, list[Pair]] = {}
    for test in tests:
        if llm in test.can_be_chosen(router):
            pair = test.predictions[router].scores[llm], test.question.scores[llm]
            by_seed.setdefault(test.seed, []).append(pair)
    return {
        "n_pairs": sum(map(len, by_seed.values())),
        "predicted": mean(mean(p for p, _ in pairs) for pairs in by_seed.values()),
        "score": mean(mean(score for _, score in pairs) for pairs in by_seed.values()),
        "brier": mean(map(brier, by_seed.values())),
        "calibration_error": mean(map(calibration_error, by_seed.values())),
    }


def brier(pairs: Sequence[Pair]) -> Number:
    """Return the mean squared difference."""
    return mean((predicted - score) ** 2 for predicted, score in pairs)


def calibration_error(pairs: Sequence[Pair]) -> Number:
    """Return the expected calibration error in ten bins of equal mass."""
    ordered = sorted(predicted for predicted, _ in pairs)
    edges = [ordered[tenth * (len(ordered) - 1) // N_BINS] for tenth in range(1, N_BINS)]
    gaps: dict[int, Number] = {}
    for predicted, score in pairs:
        place = sum(predicted > edge for edge in edges)
        gaps[place] = gaps.get(place, 0) + predicted - score
    return sum(map(abs, gaps.values())) / len(pairs)
