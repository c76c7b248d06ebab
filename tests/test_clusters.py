"""The clustering family: hand-worked votes, limits that are other methods, no luck of numbering."""

import dataclasses

import numpy as np
import pytest
from test_families import Words

from benchmarks.sources import synthetic
from routers.avengers import (
    AvengersProRouter,
    AvengersRouter,
    balance,
    nearest_weights,
    votes,
)
from routers.baselines import BestSingle
from routers.clusters import KMeansRouter, MixtureRouter, ViableSetRouter
from routers.encoders import TfidfEncoder
from routers.neighbors import KNNRouter
from routers.table import RoutingTable

FAMILY = {
    "kmeans": KMeansRouter(TfidfEncoder(dim=16), n_clusters=4),
    "viable": ViableSetRouter(TfidfEncoder(dim=16), n_clusters=4, threshold=0.6),
    "mixture": MixtureRouter(TfidfEncoder(dim=16), n_clusters=4, dim=8),
    "avengers": AvengersRouter(TfidfEncoder(dim=16), n_clusters=6, top_k=2),
    "avengers_pro": AvengersProRouter(TfidfEncoder(dim=16), n_clusters=6, alpha=0.6),
}


@pytest.fixture
def topics():
    """Return a table whose costs differ by question, so that clusters differ in cost."""
    table = synthetic.load(90, seed=1).table
    costs = table.costs * np.random.default_rng(0).uniform(0.2, 5, table.costs.shape)
    return dataclasses.replace(table, costs=costs)


# Viable sets ------------------------------------------------------------------------------------


def test_viable_llms_tie_and_the_cheapest_of_them_is_asked(tiny):
    # in "bird" llm b is always right and c half the time; in "fish" a always, b half
    strict = ViableSetRouter(Words(), n_clusters=2, threshold=0.99).fit(tiny)
    np.testing.assert_allclose(strict.predict_scores(["one fish", "red bird"]), tiny_means())
    assert list(strict.route(["one fish", "red bird"])) == [0, 1]
    loose = ViableSetRouter(Words(), n_clusters=2, threshold=0.5).fit(tiny)
    np.testing.assert_allclose(
        loose.predict_scores(["one fish", "red bird"]), [[1, 1, 0], [0, 1, 1]]
    )
    dear_a = dataclasses.replace(tiny, costs=np.array([9.0, 2.0, 1.0]))
    router = ViableSetRouter(Words(), n_clusters=2, threshold=0.5).fit(dear_a)
    assert list(router.route(["one fish", "red bird"])) == [1, 2]


def tiny_means():
    return [[1, 0.5, 0], [0, 1, 0.5]]


def test_without_a_viable_llm_the_best_of_the_cluster_is_asked(tiny):
    halved = dataclasses.replace(tiny, scores=tiny.scores / 2)
    router = ViableSetRouter(Words(), n_clusters=2, threshold=0.9).fit(halved)
    np.testing.assert_allclose(
        router.predict_scores(["one fish", "red bird"]), np.array(tiny_means()) / 2
    )


# Mixture ----------------------------------------------------------------------------------------


def test_mixture_weighs_components_by_membership(topics):
    router = FAMILY["mixture"].fit(topics.canonical())
    questions = list(topics.questions[:10])
    members = router._members(router.encoder_.transform(questions))
    np.testing.assert_allclose(members.sum(axis=1), 1)
    np.testing.assert_allclose(
        router.predict_scores(questions), members @ router.cluster_scores_, atol=1e-6
    )


def test_mixture_of_one_component_is_the_best_single_llm(tiny):
    router = MixtureRouter(Words(), n_clusters=1, prior=0).fit(tiny)
    np.testing.assert_allclose(router.predict_scores(["x"]), [[0.5, 0.75, 0.25]])


# Avengers: votes ----------------------------------------------------------------------------------


def test_votes_by_hand():
    merit = np.array([[0.9, 0.5, 0.7], [0.5, 0.5, 0.1], [np.nan, 0.2, 0.1]])
    expected = [
        [1, 0.1 / 2.1, 0.1 / 1.1],
        [0.1 / 0.6, 0.1 / 0.6, 0.1 / 2.1],  # ranks 0 and 1 are shared
        [0, 1, 0.1 / 1.1],
    ]
    np.testing.assert_allclose(votes(merit, 0.1), expected)
    np.testing.assert_allclose(votes(merit[:1], 1.0), [[1, 1 / 3, 1 / 2]])


def test_equal_means_are_equal_ranks_whatever_the_last_bits():
    np.testing.assert_allclose(votes(np.array([[0.3, 0.1 + 0.2]]), 0.1), [[1 / 6, 1 / 6]])


def test_nearest_weights_by_hand():
    centres = np.array([[1.0, 0], [0, 1.0], [0, 0.5]])
    vectors = np.array([[0.0, 1.0]])
    e = np.exp(-2 * np.array([1, 0, 0.5]))  # distances 1, 0 and .5: centres keep their length
    np.testing.assert_allclose(nearest_weights(vectors, centres, 3, 2.0), [e / e.sum()])
    two = e * [0, 1, 1]
    np.testing.assert_allclose(nearest_weights(vectors, centres, 2, 2.0), [two / two.sum()])
    np.testing.assert_allclose(nearest_weights(vectors, centres, 1, 2.0), [[0, 1, 0]])
    # a text of unknown words is as far from all: none is left out by its number
    np.testing.assert_allclose(nearest_weights(np.zeros((1, 2)), centres, 1, 2.0), [[1 / 3] * 3])
    np.testing.assert_allclose(nearest_weights(vectors, centres, 2, 0.0), [[0, 0.5, 0.5]])


@pytest.mark.parametrize(
    "router",
    [
        AvengersRouter(Words(), n_clusters=1),
        AvengersProRouter(Words(), n_clusters=1, alpha=1.0),
    ],
)
def test_one_cluster_chooses_as_the_best_single_llm(router, tiny):
    best = BestSingle(macro=False).fit(tiny)
    questions = ["red bird", "no known word"]
    np.testing.assert_array_equal(router.fit(tiny).route(questions), best.route(questions))


@pytest.mark.parametrize("kind", [AvengersRouter, AvengersProRouter])
def test_a_cluster_per_question_chooses_as_the_nearest_neighbour(kind, topics):
    extra = {"alpha": 1.0} if kind is AvengersProRouter else {}
    encoder = TfidfEncoder(dim=16)
    learn, judge = topics.rows(slice(0, 60)), list(topics.questions[60:])
    router = kind(encoder, n_clusters=60, top_k=1, **extra).fit(learn)
    assert len(router.values_) == 60
    nearest = KNNRouter(encoder, k=1, prior=0).fit(learn)
    np.testing.assert_array_equal(router.route(judge), nearest.route(judge))


@pytest.mark.parametrize("name", ["avengers", "avengers_pro"])
def test_votes_stay_in_range_and_say_that_they_are_votes(name, topics):
    router = FAMILY[name].fit(topics)
    predicted = router.predict_scores(list(topics.questions))
    assert predicted.min() >= 0
    assert predicted.max() <= 1
    assert router.relative_scores


@pytest.mark.parametrize("name", ["avengers", "avengers_pro"])
def test_the_numbering_of_clusters_does_not_matter(name, topics):
    router = FAMILY[name].fit(topics)
    before = router.predict_scores(list(topics.questions))
    order = np.random.default_rng(0).permutation(len(router.values_))
    router.clustering_.cluster_centers_ = router.clustering_.cluster_centers_[order]
    router.values_ = router.values_[order]
    np.testing.assert_allclose(router.predict_scores(list(topics.questions)), before, atol=1e-6)


# Avengers-Pro: the balance ------------------------------------------------------------------------


def test_balance_by_hand():
    scores = np.array([[0.2, 0.6, 0.4], [0.5, 0.5, 0.5]])
    costs = np.array([[1.0, 4.0, 2.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(
        balance(scores, costs, 0.6),
        [[0.4 * 0.75, 0.6, 0.6 * 0.5 + 0.4 * 0.5], [1, 1, 1]],
    )


def test_an_unknown_cost_counts_as_the_dearest_and_keeps_no_llm_from_being_asked(topics):
    scores = np.array([[0.2, 0.6, 0.4]])
    found = balance(scores, np.array([[1.0, np.nan, 4.0]]), 0.6)
    np.testing.assert_allclose(found, [[0.4 * 0.75, 0.6, 0.6 * 0.5]])
    np.testing.assert_array_equal(
        balance(scores, np.full((1, 3), np.nan), 0.6), balance(scores, np.zeros((1, 3)), 1.0)
    )
    costs = topics.costs.copy()
    costs[:, 0] = np.nan
    unknown = dataclasses.replace(topics, costs=costs)
    shares = []
    for alpha in (0.0, 0.8, 1.0):
        router = AvengersProRouter(TfidfEncoder(dim=16), n_clusters=4, alpha=alpha).fit(unknown)
        shares.append((router.route(list(topics.questions)) == 0).mean())
    assert shares[0] == 0
    assert 0 < shares[1] <= shares[2]


def test_alpha_zero_takes_the_cheapest_llm_of_the_cluster(topics):
    router = AvengersProRouter(TfidfEncoder(dim=16), n_clusters=6, top_k=1, alpha=0).fit(topics)
    questions = list(topics.questions)
    cluster = router._weights(router.encoder_.transform(questions)).argmax(axis=1)
    chosen = router.llms_[router.route(questions)]
    by_name = np.sort(topics.llms.astype(str))
    np.testing.assert_array_equal(chosen, by_name[router.cluster_costs_.argmin(axis=1)[cluster]])


def test_alpha_buys_score_with_cost(topics):
    costs = []
    for alpha in (0, 0.3, 1):
        router = AvengersProRouter(TfidfEncoder(dim=16), n_clusters=6, alpha=alpha).fit(topics)
        costs.append(router.mean_costs_[router.route(list(topics.questions))].mean())
    assert costs[0] < costs[2]
    assert costs == sorted(costs)


# The family ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAMILY)
def test_admitting_from_the_training_questions_equals_fitting_with_the_newcomer(name, topics):
    questions = list(topics.questions)
    names = list(topics.llms)
    grown = FAMILY[name].fit(topics.select(names[:-1])).admit(names[-1], topics)
    grown_scores = grown.predict_scores(questions)
    whole = FAMILY[name].fit(topics)
    np.testing.assert_allclose(grown_scores, whole.predict_scores(questions), atol=1e-6)


@pytest.mark.parametrize("name", FAMILY)
def test_clusters_are_found_in_training_questions_alone(name, topics):
    learn = topics.rows(slice(0, 60))
    router = FAMILY[name].fit(learn)
    before = router.predict_scores(list(topics.questions[60:]))
    router.predict_scores(["feather hull yeast"] * 50)
    np.testing.assert_array_equal(router.predict_scores(list(topics.questions[60:])), before)


@pytest.mark.parametrize("name", FAMILY)
def test_equal_questions_make_one_cluster(name, tiny):
    same = RoutingTable(["fish"] * 4, tiny.scores, tiny.llms, tiny.ids, tiny.datasets, tiny.costs)
    router = FAMILY[name].fit(same)
    assert router.clustering_ is None
    assert router.route(["fish"]).shape == (1,)


@pytest.mark.parametrize(
    ("router", "message"),
    [
        (ViableSetRouter(Words(), threshold=1.5), r"'threshold' .* in \[0, 1\]"),
        (AvengersRouter(Words(), top_k=0), "AvengersRouter: parameter 'top_k'"),
        (AvengersRouter(Words(), beta=-1), "'beta'"),
        (AvengersProRouter(Words(), alpha=2), r"'alpha' .* in \[0, 1\]"),
        (MixtureRouter(Words(), dim=0), "'dim'"),
    ],
)
def test_bad_parameters_are_refused_in_fit(router, message, tiny):
    with pytest.raises(ValueError, match=message):
        router.fit(tiny)


def test_rare_and_common_words_can_be_left_out():
    texts = ["the Fish swims", "the fish sleeps", "the Bird sleeps", "the bird flies"]
    encoder = TfidfEncoder(max_words=1, lowercase=False, min_df=2, max_df=0.9).fit(texts)
    assert list(encoder.vectorizer_.get_feature_names_out()) == ["sleeps"]
    alone = TfidfEncoder(min_df=2, max_df=0.9).fit(texts[:1])  # nothing would pass: keep all
    assert len(alone.vectorizer_.vocabulary_) == 5
