import ast
import inspect

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
    "model_sat_soft": "a random tiny language model stands in for the real one",
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
    routers, missing = {"Router"}, []
    while found := _classes_derived_from(routers):
        for module, name, bases in found:
            routers.add(name)
            if "ABC" not in bases and f"{module}.{name}" not in configured:
                missing.append(f"{module}.{name}")
    assert "KMeansRouter" in routers  # which derives from Router through another class
    assert not missing


def _classes_derived_from(known):
    """Return (module, class, its bases) of what derives from a known class, but is not known."""
    found = []
    for file in (ROOT / "routers").rglob("*.py"):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for node in ast.parse(file.read_text()).body:
            bases = {getattr(base, "id", "") for base in getattr(node, "bases", [])}
            if bases & known and node.name not in known:
                found.append((module, node.name, bases))
    return found


@pytest.mark.parametrize("name", ROUTERS)
def test_every_published_method_names_its_source(name, build_router):
    router = build_router(name)
    assert isinstance(router, Router)
    if name not in {"cheapest", "random", "recognised_dataset"}:  # rules nobody need cite
        assert "References" in type(router).__doc__
