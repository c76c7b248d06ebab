"""Which router is of which family, and that families can be told apart."""

import pytest
from conftest import ROUTERS
from matplotlib.colors import to_rgb

from benchmarks import palette
from benchmarks.router_families import FAMILIES, OTHERS, families_of, family_of, handles


def test_every_listed_router_is_a_file_of_configs_and_of_one_family():
    listed = [router for family in FAMILIES for router in family.routers]
    assert len(set(listed)) == len(listed)
    assert set(listed) <= set(ROUTERS)


@pytest.mark.parametrize(
    ("label", "title"),
    [
        ("knn", "neighbors and clusters"),
        ("knn encoder=tfidf k=5", "neighbors and clusters"),
        ("model_sat", "capability profiles"),
        ("knn_of_mine", "other routers"),
        ("", "other routers"),
    ],
)
def test_a_label_begins_with_its_router(label, title):
    assert family_of(label).title == title


def test_families_look_different_also_in_grey():
    every = [*FAMILIES, OTHERS]
    assert len({family.color for family in every}) == len(every)
    assert len({family.marker for family in every}) == len(every)


def test_a_legend_shows_the_families_that_are_there_in_one_order():
    found = handles(["mine", "best_single", "knn", "kmeans"])
    assert list(found) == ["neighbors and clusters", "floors", "other routers"]
    assert [line.get_color() for line in found.values()] == [
        palette.BLUE,
        palette.GREY,
        palette.INK,
    ]
    assert families_of([]) == []


def test_areas_that_lie_side_by_side_differ():
    assert len(set(map(to_rgb, [*palette.AREAS, palette.REST]))) == len(palette.AREAS) + 1
