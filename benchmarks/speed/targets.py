"""What each case must reach, and what it took before it did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """What a figure must reach.

    Attributes
    ----------
    value : float
        At most this, or at least if ``more`` is better.
    before : float, optional
        What it was in an earlier version, where that was far off: measured on one core of another
        machine of the same kind.
    """

    value: float
    before: float | None = None
    more: bool = False

    def ratio(self, found: float) -> float:
        """Return how many times better than the target something is: 1 reaches it."""
        return found / self.value if self.more else self.value / found


TARGETS: dict[str, dict[str, Target]] = {
    "import": {"seconds": Target(0.5)},
    # the fastest k-NN router of the field routes about 6,400 questions per second in 897 MB
    "knn": {
        "questions_per_second": Target(20_000, more=True),
        "peak_memory_mb": Target(400),
    },
    "nearest": {
        "route_in_searches": Target(1.5),
        "route_in_products": Target(2.0, before=214 / 81),
        "mb_beside_vectors": Target(128, before=1_138),
    },
    "svm": {"fit_seconds": Target(10, before=217), "route_us": Target(20)},
    "likelihood": {"share_of_both_apart": Target(0.5, before=1)},
    "choice": {
        "us_of_one_in_many": Target(20, before=38),
        "us_of_one_alone": Target(200, before=512),
    },
    "clusters": {
        "fit_in_starts": Target(1.5, before=7),
        "us_of_one_alone": Target(140, before=280),
    },
    "trees": {
        "seconds_alone": Target(3),
        "times_as_long_beside": Target(3, before=39),
    },
    # the slowest router of all, and the memory of the process that ran them in turn
    "families": {
        "fit_seconds": Target(15),
        "questions_per_second": Target(10_000, more=True),
        "peak_memory_mb": Target(500),
    },
    "folder": {"seconds": Target(300)},
    "large": {"seconds": Target(300), "peak_memory_mb": Target(4096)},
    "leaderboard": {
        "cpu_seconds": Target(20, before=88),
        "largest_mb": Target(700, before=664),
    },
    "best_single": {"first_cpu_seconds": Target(40), "cpu_seconds": Target(8, before=40)},
    "promises": {"cpu_seconds": Target(10, before=118)},
    "budget": {
        "programme_seconds": Target(30),
        "dual_seconds": Target(3),
        "price_seconds": Target(1),
    },
    # llms in the cost of 8, the paper's order in the cost of ours, and 1,000 questions as read
    "model_sat": {
        "cost_of_64_llms_in_8": Target(1.5),
        "cost_of_1000_llms_in_8": Target(6),
        "papers_order_8_llms": Target(10, more=True),
        "papers_order_64_llms": Target(50, more=True),
        "mb_of_1000_readings": Target(1000),
    },
    # 1 is in proportion
    "growth": {
        "power_of_questions": Target(1.15),
        "power_of_llms": Target(1.15),
        "power_of_routers": Target(1.15),
    },
    # on two cores; one by one it was 2
    "reading": {"texts_per_second": Target(8, before=2, more=True)},
}
