"""Which router is of which family, and what a family looks like, in every figure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.lines import Line2D

from benchmarks import palette


@dataclass(frozen=True)
class Family:
    """Routers that work alike; its marker tells it apart where colors do not, in grey.

    Attributes
    ----------
    title : str
    color, marker : str
    routers : tuple of str
        Files of ``configs/router``.
    """

    title: str
    color: str
    marker: str
    routers: tuple[str, ...] = ()


FAMILIES = (
    Family(
        "capability profiles",
        palette.VERMILION,
        "D",
        ("model_sat", "model_sat_paper", "capability_fusion", "profile"),
    ),
    Family("recognizers", palette.ORANGE, "P", ("recognised_dataset", "recognized_subject")),
    Family(
        "neighbors and clusters",
        palette.BLUE,
        "o",
        (
            *("knn", "omnirouter", "kmeans", "kmeans_routereval", "mixture"),
            *("avengers", "avengers_pro", "viable_minilm", "viable_tfidf"),
        ),
    ),
    Family(
        "classifiers",
        palette.SKY,
        "s",
        ("logistic", "svm", "mlp", "random_forest", "xgboost", "multilabel_transformer"),
    ),
    Family(
        "latent factors",
        palette.GREEN,
        "^",
        ("matrix_factorization", "item_response", "router_dc"),
    ),
    Family(
        "policies over a router",
        palette.PURPLE,
        "v",
        ("calibrated", "policy_random", "policy_sorted"),
    ),
    Family("floors", palette.GREY, "X", ("best_single", "cheapest", "random")),
)
OTHERS = Family("other routers", palette.INK, "h")
_FAMILY = {router: family for family in FAMILIES for router in family.routers}


def family_of(label: str) -> Family:
    """Return the family of a router; ``OTHERS`` if it is not listed.

    Parameters
    ----------
    label : str
        As the leaderboard names it: the file of ``configs/router``, then parameters that differ.
    """
    return _FAMILY.get(label.split(" ")[0], OTHERS)


def families_of(labels: Iterable[str]) -> list[Family]:
    """Return the families that routers are of, in the order of ``FAMILIES``."""
    found = {family_of(label) for label in labels}
    return [family for family in (*FAMILIES, OTHERS) if family in found]


def handles(labels: Iterable[str]) -> dict[str, Artist]:
    """Return what a legend shows of the families that routers are of."""
    return {
        family.title: Line2D([], [], color=family.color, marker=family.marker, ls="none", ms=4.5)
        for family in families_of(labels)
    }
