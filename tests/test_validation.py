"""Every parameter says what it must be, and a wrong one fails before any work is done."""

import inspect
import math
from fractions import Fraction

import numpy as np
import pytest
from conftest import ROOT, ROUTERS, composed
from hydra.utils import instantiate
from omegaconf import OmegaConf
from sklearn.base import BaseEstimator
from walking import members

import benchmarks
import routers
from routers import InvalidParameterError
from routers.constraints import (
    Boolean,
    Either,
    InstanceOf,
    Integer,
    Nothing,
    OneOf,
    Real,
    SequenceOf,
    Text,
)
from routers.encoders import TfidfEncoder
from routers.model_sat.reader import QuestionReader
from routers.model_sat_paper.arrangements import ARRANGEMENTS
from routers.model_sat_paper.losses import LOSSES
from routers.model_sat_paper.router import PaperModelSATRouter
from routers.neighbors import KNNRouter
from routers.validation import check_parameters

DEFINED = members(routers, inspect.isclass)
CLASSES = {
    name: cls
    for name, cls in DEFINED.items()
    if (issubclass(cls, BaseEstimator) or hasattr(cls, "parameter_constraints"))
    and cls.__init__ is not object.__init__
}
FUNCTIONS = {
    name: function
    for package in (routers, benchmarks)
    for name, function in members(package, callable).items()
    if not inspect.isclass(function) and hasattr(function, "parameter_constraints")
}


def configs(group):
    return sorted(file.stem for file in (ROOT / "configs" / group).glob("*.yaml"))


CONFIGURED = {
    **{f"router={name}": [f"router={name}"] for name in ROUTERS},
    **{f"encoder={n}": ["router=knn", f"encoder@router.encoder={n}"] for n in configs("encoder")},
    **{f"tagger={n}": ["router=profile", f"tagger@router.tagger={n}"] for n in configs("tagger")},
}


def wrong_values(constraint):
    """Return values that a constraint must refuse, by its kind; independent of ``accepts``."""
    nan, inf = math.nan, math.inf
    never = [None, True, nan, {}, "seven"]
    match constraint:
        case Integer(low, high):
            below = [] if low is None else [low - 1]
            return [*never, 2.5, 5.0, inf, "1", [3], *below, *([] if high is None else [high + 1])]
        case Real():
            outside = [] if constraint.infinite else [inf, -inf]
            if constraint.low > -inf:
                outside += [constraint.low - 1, *([constraint.low] * constraint.open_low)]
            if constraint.high < inf:
                outside += [constraint.high * 2, *([constraint.high] * constraint.open_high)]
            return [*never, "0.5", [0.5], *outside]
        case OneOf(words):
            return [*never, "", 3, *(f"{word}s" for word in words), words[0].upper()]
        case Boolean():
            return [None, nan, {}, "seven", "true", 0, 1, 1.0]
        case Text(_, rule):
            return [None, True, nan, {}, 3, ["a"], *([""] if rule else [])]
        case SequenceOf(entry, fewest):
            return [*never, 3, *([value] for value in wrong_values(entry)), *([[]] * (fewest > 0))]
        case InstanceOf():
            return [*never, "", 3]
        case Either(options):
            lists = [wrong_values(option) for option in options if option != Nothing()]
            both = [v for v in lists[0] if all(repr(v) in map(repr, other) for other in lists)]
            return [v for v in both if v is not None] if Nothing() in options else both
    raise AssertionError(f"no wrong value is known for {constraint!r}")


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_parameter_is_declared_and_its_default_is_valid(name):
    cls = CLASSES[name]
    parameters = dict(inspect.signature(cls).parameters)
    assert set(cls.parameter_constraints) == set(parameters)
    for parameter, constraint in cls.parameter_constraints.items():
        default = parameters[parameter].default
        assert default is inspect.Parameter.empty or constraint.accepts(default), parameter


def test_the_walk_finds_what_it_must():
    found = {cls.__name__ for cls in CLASSES.values()}
    assert found >= {"KNNRouter", "SentenceEncoder", "RandomTagger", "SoftLabelMLP", "ItemFactors"}
    found = {function.__name__ for function in FUNCTIONS.values()}
    assert found >= {"kfold", "holdout", "given", "load", "choose", "best_within_budget"}


def built(overrides):
    """Build a configured router; folders of weights are names that nothing is read from."""
    node = OmegaConf.to_container(composed(*overrides), resolve=False)["router"]
    return instantiate(OmegaConf.create({"seed": 0, "router": _stand_in(node)}), _convert_="all")[
        "router"
    ]


def _stand_in(node):
    if isinstance(node, dict):
        given = {name: _stand_in(value) for name, value in node.items()}
        return given | ({"base_url": "http://localhost/v1"} if "base_url" in node else {})
    if isinstance(node, list):
        return [_stand_in(value) for value in node]
    nothing_there = isinstance(node, str) and node.startswith(("${carrier:", "${cache:", "???"))
    return "nowhere" if nothing_there else node


@pytest.mark.parametrize("name", sorted(CONFIGURED))
def test_a_wrong_value_in_a_configuration_is_refused_before_any_work(name, table):
    router = built(CONFIGURED[name])
    check_parameters(router)  # as configured, all is well
    tried = 0
    parts = {"": router} | {f"{path}__": p for path, p in router.get_params().items()}
    for path, part in parts.items():
        for parameter, constraint in getattr(type(part), "parameter_constraints", {}).items():
            right = getattr(part, parameter)
            for value in wrong_values(constraint):
                part.set_params(**{parameter: value})
                with pytest.raises(InvalidParameterError) as error:
                    router.fit(table)
                start = f"{type(part).__name__}: parameter '{parameter}' must be {constraint}, got"
                assert str(error.value).startswith(start), f"{path}{parameter}={value!r}"
                tried += 1
            part.set_params(**{parameter: right})
    assert tried or name == "router=cheapest"
    check_parameters(router)


def _work(cls):
    """Return what a part does on its own, None for one that only holds settings."""
    return next((getattr(cls, x) for x in ("fit", "update", "readings") if hasattr(cls, x)), None)


WORKING = {name: _work(cls) for name, cls in CLASSES.items() if _work(cls)}


def test_what_cannot_work_alone_only_holds_settings():
    settings = {name.split(".")[-1] for name in set(CLASSES) - set(WORKING)}
    assert settings == {"Connector", "Teaching"}


@pytest.mark.parametrize("name", sorted(WORKING))
def test_fit_of_every_part_checks(name):
    """An encoder, a tagger or an estimator used on its own is checked as well."""
    cls, fit = CLASSES[name], WORKING[name]
    for parameter, constraint in cls.parameter_constraints.items():
        part = object.__new__(cls)
        for other, its in inspect.signature(cls).parameters.items():
            setattr(part, other, _right_value(cls.parameter_constraints[other], its.default))
        setattr(part, parameter, wrong_values(constraint)[0])
        needed = list(inspect.signature(fit).parameters.values())[1:]
        given = [None for argument in needed if argument.default is inspect.Parameter.empty]
        with pytest.raises(InvalidParameterError, match=f"{cls.__name__}: .*'{parameter}'"):
            fit(part, *given)


def _right_value(constraint, default=inspect.Parameter.empty):
    """Return the default, or some value that is right."""
    if default is not inspect.Parameter.empty:
        return default
    some = [0, 1, 2, 0.5, "http://any", "pooled", ["any"], [0.5], TfidfEncoder(), KNNRouter()]
    some.append(QuestionReader("nowhere"))
    return next(value for value in some if constraint.accepts(value))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_wrong_argument_of_a_function_is_refused(name):
    function = FUNCTIONS[name]
    right = {
        parameter: _right_value(function.parameter_constraints[parameter], its.default)
        if parameter in function.parameter_constraints
        else None
        for parameter, its in inspect.signature(function).parameters.items()
    }
    for parameter, constraint in function.parameter_constraints.items():
        for value in wrong_values(constraint):
            with pytest.raises(InvalidParameterError, match=f": parameter '{parameter}' must be"):
                function(**right | {parameter: value})


def test_numbers_of_numpy_are_numbers():
    assert Integer(1, 8).accepts(np.int32(8))
    assert Real(0, 1).accepts(np.float32(0.5))
    assert Real(0, 1).accepts(np.int64(1))
    assert Boolean().accepts(np.bool_(True))
    assert not Integer().accepts(np.bool_(True))
    assert not Integer().accepts(np.float64(5))
    assert not Real().accepts(np.array(0.5))
    assert not Real().accepts(Fraction(1, 2))
    assert Real(0, infinite=True).accepts(math.inf)
    assert not Real(0, infinite=True).accepts(math.nan)
    assert Real().accepts(10**400)
    assert SequenceOf(Integer(1)).accepts(np.array([3, 4]))
    assert not SequenceOf(Integer(1)).accepts(np.array([[3, 4]]))


def test_declared_words_are_those_that_are_implemented():
    declared = PaperModelSATRouter.parameter_constraints
    assert set(declared["order"].words) == set(ARRANGEMENTS)
    assert set(declared["loss"].words) == set(LOSSES)
