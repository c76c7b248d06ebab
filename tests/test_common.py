import ast
import inspect
from typing import NamedTuple

import numpy as np
import pytest
from conftest import ROOT, ROUTERS, composed
from router_checks import CHECKS

from benchmarks.splits import kfold
from routers.base import Router

# Rules that cannot learn, and the reason why they may stay below what learning reaches.
NO_LEARNING = {
    "best_single": "asks one llm always",
    "cheapest": "asks one llm always",
    "random": "does not read the question",
}
NEEDS_PRETRAINED = {
    "model_sat": "a random tiny language model stands in for the real one",
    "multilabel_transformer": "a random tiny encoder stands in for the pretrained one",
    "model_sat_paper": "a random tiny language model stands in for the real one",
}
THRIFTY = {"policy_sorted": "takes the cheapest llm that is good enough, not the best"}


# The checks of a router follow each other, so that a worker meets few routers and fits them once.
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", ROUTERS)
def test_contract(name, check, build_router, fitted_router, table, tmp_path):
    on_offer = {
        "build": lambda: build_router(name),
        "fitted": lambda: fitted_router(name),
        "table": table,
        "few": table.rows(slice(30)),
        "folder": tmp_path,
    }
    check(*(on_offer[wanted] for wanted in inspect.signature(check).parameters))


def test_a_check_that_changes_the_fitted_router_changes_its_copy_only(fitted_router):
    first = fitted_router("knn")
    before = first.predict_scores(["owl robin"])
    for name, value in vars(first).items():
        if isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.floating):
            getattr(first, name)[:] = -1
    assert (first.mean_costs_ == -1).all()
    second = fitted_router("knn")
    np.testing.assert_array_equal(second.predict_scores(["owl robin"]), before)
    assert (second.mean_costs_ > 0).all()


@pytest.mark.parametrize(
    "name", sorted(set(ROUTERS) - set(NO_LEARNING) - set(NEEDS_PRETRAINED) - set(THRIFTY))
)
def test_learners_beat_the_best_single_llm_where_topics_decide(name, build_router, table):
    fold = kfold(table, seed=0, n_folds=2)[0]
    router = build_router(name).fit(table.rows(fold.train))
    test = table.rows(fold.test)
    reached = test.scores[range(len(test)), router.route(list(test.questions))].mean()
    assert reached > test.scores.mean(axis=0).max() + 0.1


def test_every_router_class_has_a_configuration():
    configured = {composed(f"router={name}").router._target_ for name in ROUTERS}
    routers, missing, classes = {"Router"}, [], _classes()
    while found := [c for c in classes if c.bases & routers and c.name not in routers]:
        routers |= {c.name for c in found}
        names = [f"{c.module}.{c.name}" for c in found if "ABC" not in c.bases]
        missing += set(names) - configured
    assert "KMeansRouter" in routers  # which derives from Router through another class
    assert not missing


class _Class(NamedTuple):
    module: str
    name: str
    bases: set[str]


def _classes() -> list[_Class]:
    """Return every class in the files of the package."""
    found = []
    for file in (ROOT / "routers").rglob("*.py"):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for node in ast.parse(file.read_text()).body:
            bases = {getattr(base, "id", "") for base in getattr(node, "bases", [])}
            if bases:
                found.append(_Class(module, node.name, bases))
    return found


@pytest.mark.parametrize("name", ROUTERS)
def test_every_published_method_names_its_source(name, build_router):
    router = build_router(name)
    assert isinstance(router, Router)
    rules = {"cheapest", "random", "recognised_dataset", "recognized_subject"}
    if name not in rules:  # which nobody need cite
        assert "References" in type(router).__doc__
