"""What a wrong parameter is answered with, word for word."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from xgboost import XGBClassifier, XGBRegressor

from benchmarks.sources import synthetic
from benchmarks.splits import given, holdout, kfold
from routers import DualAllocator, InvalidParameterError, choose
from routers._xgboost import in_one_line
from routers.calibration import CalibratedRouter
from routers.classifiers import ClassifierRouter
from routers.clusters import KMeansRouter
from routers.encoders import SentenceEncoder, TfidfEncoder
from routers.mlp import SoftLabelMLP
from routers.model_sat_paper.router import PaperModelSATRouter
from routers.neighbors import KNNRouter
from routers.profiles import ProfileRouter
from routers.recognition import RecognisedDatasetRouter
from routers.tagging.endpoint import EndpointTagger

SLIPS = [
    (KNNRouter(k=2.5), "KNNRouter: parameter 'k' must be an integer of at least 1, got 2.5."),
    (KNNRouter(k="5"), "KNNRouter: parameter 'k' must be an integer of at least 1, got '5'."),
    (KNNRouter(k=True), "KNNRouter: parameter 'k' must be an integer of at least 1, got True."),
    (KNNRouter(k=None), "KNNRouter: parameter 'k' must be an integer of at least 1, got None."),
    (
        RecognisedDatasetRouter(strength=-1),
        "RecognisedDatasetRouter: parameter 'strength' must be a finite number above 0, got -1.",
    ),
    (
        RecognisedDatasetRouter(soft="yes"),
        "RecognisedDatasetRouter: parameter 'soft' must be True or False, got 'yes'.",
    ),
    (
        KMeansRouter(prior=np.float64("nan")),
        "KMeansRouter: parameter 'prior' must be a finite number of at least 0, got nan.",
    ),
    (
        KMeansRouter(random_state=-1),
        "KMeansRouter: parameter 'random_state' must be an integer in [0, 4294967295], got -1.",
    ),
    (
        ProfileRouter(mode="knowlege"),
        "ProfileRouter: parameter 'mode' must be one of 'both', 'capability' or 'knowledge', "
        "got 'knowlege'. Did you mean 'knowledge'?",
    ),
    (
        ProfileRouter(alpha=2),
        "ProfileRouter: parameter 'alpha' must be a number in [0, 1], got 2.",
    ),
    (
        KNNRouter(encoder="minilm"),
        "KNNRouter: parameter 'encoder' must be an Encoder or None, got 'minilm'.",
    ),
    (
        CalibratedRouter(KNNRouter(SentenceEncoder("nowhere", max_tokens=-3))),
        "SentenceEncoder: parameter 'max_tokens' must be an integer of at least 1, got -3.",
    ),
    (
        KNNRouter(SentenceEncoder("nowhere", device="gpu")),
        "SentenceEncoder: parameter 'device' must be a device as torch names it, such as 'cpu' or "
        "'cuda:0' or None, got 'gpu'.",
    ),
    (
        KNNRouter(TfidfEncoder(min_df=0)),
        "TfidfEncoder: parameter 'min_df' must be an integer of at least 1 or a float in [0, 1], "
        "got 0.",
    ),
    (
        ClassifierRouter(SoftLabelMLP(hidden=[256, 2.5])),
        "SoftLabelMLP: parameter 'hidden' must be a sequence, each entry an integer of at least "
        "1, got [256, 2.5].",
    ),
    (
        ProfileRouter(EndpointTagger("localhost:80", "any")),
        "EndpointTagger: parameter 'base_url' must be an address that starts with http:// or "
        "https://, got 'localhost:80'.",
    ),
    (
        PaperModelSATRouter(TfidfEncoder(), "nowhere", lora_targets="*_proj"),
        "PaperModelSATRouter: parameter 'lora_targets' must be a regular expression, got '*_proj'.",
    ),
    (
        ClassifierRouter(RandomForestRegressor(n_estimators=-1)),
        "The 'n_estimators' parameter of RandomForestRegressor must be an int in the range "
        "[1, inf). Got -1 instead.",
    ),
    (
        ClassifierRouter(XGBRegressor(n_estimators=-1)),
        "XGBRegressor: parameter 'n_estimators' must be an integer of at least 1 or None, got -1.",
    ),
    (
        ClassifierRouter(XGBRegressor(max_depth=-2)),
        "XGBRegressor: xgboost refuses its parameters: value -2 for Parameter max_depth should be "
        "greater equal to 0 (max_depth: Maximum depth of the tree; 0 indicates no limit; a limit "
        "is required for depthwise policy).",
    ),
    (
        ClassifierRouter(XGBClassifier(learning_rate="a")),
        "XGBClassifier: xgboost refuses its parameters: Invalid Parameter format for "
        "learning_rate expect float but value='a'.",
    ),
]


@pytest.mark.parametrize(("router", "expected"), SLIPS, ids=lambda part: str(part)[:50])
def test_typical_slips_in_their_own_words(router, expected, table, monkeypatch):
    monkeypatch.setattr("routers.classifiers.encode_training", _no_work)
    with pytest.raises(InvalidParameterError) as error:
        router.fit(table)
    assert str(error.value) == expected
    assert isinstance(error.value, ValueError)
    assert isinstance(error.value, TypeError)


def _no_work(*_):
    raise AssertionError("texts were encoded before the parameters were checked")


def test_an_unknown_word_of_xgboost_is_told_with_the_known_ones(table):
    with pytest.raises(InvalidParameterError) as error:
        ClassifierRouter(XGBRegressor(objective="foo")).fit(table)
    said = str(error.value)
    assert said.startswith("XGBRegressor: xgboost refuses its parameters: Unknown objective")
    assert "reg:logistic" in said
    assert "\n" not in said
    assert "trace" not in said
    message = "[22:01:50] /src/a.cc:27: No such word\nCandidate: x\nCandidate: y\n\nStack trace:\n"
    assert in_one_line(message) == "No such word (Candidate: x, y)"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            lambda table: kfold(table, 0, n_folds=2.5),
            "kfold: parameter 'n_folds' must be an integer of at least 2, got 2.5.",
        ),
        (
            lambda table: kfold(table, 0, n_folds=91),
            "kfold: parameter 'n_folds' must be between 2 and 90, the number of distinct "
            "questions, got 91.",
        ),
        (
            lambda table: kfold(table, seed="0"),
            "kfold: parameter 'seed' must be an integer in [0, 4294967295], got '0'.",
        ),
        (
            lambda table: holdout(table, 0, "0.3"),
            "holdout: parameter 'test_share' must be a number in (0, 1), got '0.3'.",
        ),
        (
            lambda table: holdout(table, 0, True),
            "holdout: parameter 'test_share' must be a number in (0, 1), got True.",
        ),
        (
            lambda table: given(table, -1),
            "given: parameter 'seed' must be an integer in [0, 4294967295], got -1.",
        ),
        (
            lambda table: synthetic.load(-5).table,
            "synthetic: parameter 'n_questions' must be an integer of at least 1, got -5.",
        ),
        (
            lambda table: choose(table.scores, table.costs, table.llms, "a lot"),
            "choose: parameter 'price' must be a finite number of at least 0, got 'a lot'.",
        ),
        (
            lambda table: DualAllocator(table.llms).update(table.scores, table.costs),
            "DualAllocator: exactly one of 'min_score' and 'budget' must be a number, got "
            "(None, None).",
        ),
    ],
)
def test_typical_slips_in_a_call(call, expected, table):
    with pytest.raises(InvalidParameterError) as error:
        call(table)
    assert str(error.value) == expected


def test_a_long_value_is_shown_in_part_and_in_one_line(table):
    with pytest.raises(InvalidParameterError) as error:
        KNNRouter(k=np.arange(1000).reshape(10, 100)).fit(table)
    assert len(str(error.value)) < 160
    assert "\n" not in str(error.value)
