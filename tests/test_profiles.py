"""The profile family: hand-worked cases, and the controls that bound it."""

import dataclasses

import numpy as np
import pytest

from benchmarks.splits import kfold
from routers.baselines import BestSingle
from routers.encoders import Encoder, TfidfEncoder
from routers.profiles import ProfileRouter
from routers.recognition import RecognisedDatasetRouter
from routers.table import RoutingTable
from routers.tagging.base import Tagger, Tags
from routers.tagging.control import RandomTagger


class WordTagger(Tagger):
    """Capabilities: the first words of the text (after a colon); knowledge: its last word."""

    def __init__(self, n=2):
        self.n = n

    def tag(self, questions):
        words = [question.split(": ")[-1].strip("?").split() for question in questions]
        return [Tags(row[: self.n], row[-1:]) for row in words]


class SameTag(Tagger):
    def tag(self, questions):
        return [Tags(["all"], ["all"]) for _ in questions]


class TableTagger(Tagger):
    """Upper control: knows the dataset of every question by heart."""

    def __init__(self, dataset_of=None):
        self.dataset_of = dataset_of

    def tag(self, questions):
        return [Tags([], [self.dataset_of[text]]) for text in questions]


class Apart(Encoder):
    """Every text has a direction of its own: no two phrases mean the same."""

    def transform(self, texts):
        drawn = [np.random.default_rng(list(text.encode())).normal(size=99) for text in texts]
        return np.array([row / np.linalg.norm(row) for row in drawn], dtype=np.float32)


def table_of(questions, scores):
    ids = [f"q{i}" for i in range(len(questions))]
    return RoutingTable(questions, scores, ["a", "b"], ids, ["d"] * len(ids), costs=[1.0, 2.0])


def profile(**changes):
    given = {
        "tagger": WordTagger(),
        "encoder": Apart(),
        "mode": "capability",
        "prior": 0,
        "min_count": 1,
    }
    return ProfileRouter(**given | changes)


def unpriced(table, llms):
    costs = table.costs.copy()
    costs[:, np.isin(table.llms, llms)] = np.nan
    return dataclasses.replace(table, costs=costs)


def test_by_hand(tiny):
    # weights at alpha .5: first tag 2/3, second 1/3
    router = profile(alpha=0.5).fit(tiny)
    # "one fish" = tags one (entry (1, 0, 0)) and fish (entry (1, .5, 0)); each times the tag's
    # mean weight, 2/3 and 1/3, as the source's division by the count has it
    weights = np.array([2 / 3 * 2 / 3, 1 / 3 * 1 / 3])
    expected = weights @ np.array([[1, 0, 0], [1, 0.5, 0]]) / weights.sum()
    np.testing.assert_allclose(router.predict_scores(["one fish"]), [expected], atol=1e-6)
    # a text whose tags were never seen falls back on the means
    np.testing.assert_allclose(router.predict_scores(["green dog"]), [[0.5, 0.75, 0.25]])


def test_both_kinds_are_summed_and_one_kind_is_read_alone(tiny):
    # capability "one": (1, 0, 0); knowledge "fish": (1, .5, 0); each is the only tag of its kind
    both = profile(tagger=WordTagger(1), mode="both").fit(tiny)
    np.testing.assert_allclose(both.predict_scores(["one fish"]), [[1, 0.25, 0]])
    knowledge = profile(mode="knowledge").fit(tiny)
    np.testing.assert_allclose(knowledge.predict_scores(["one fish"]), [[1, 0.5, 0]])
    assert knowledge.tags_ == ["knowledge/bird", "knowledge/fish", "no tag"]
    assert not hasattr(profile().fit(tiny), "encoder_")  # capabilities need no merging


def test_alpha_0_reads_the_top_tag_only(table):
    questions = list(table.questions)
    for prior in (0, 20):
        none = profile(alpha=0, tagger=WordTagger(4), prior=prior).fit(table)
        first = profile(alpha=0.7, tagger=WordTagger(1), prior=prior).fit(table)
        np.testing.assert_array_equal(
            none.predict_scores(questions), first.predict_scores(questions)
        )


def test_alpha_1_weighs_all_tags_alike(tiny):
    router = profile(alpha=1).fit(tiny)
    # one (1, 0, 0) and fish (1, .5, 0); then red (0, 1, 0) and bird (0, 1, .5)
    expected = [[1, 0.25, 0], [0, 1, 0.25]]
    np.testing.assert_allclose(router.predict_scores(["one fish", "red bird"]), expected)
    np.testing.assert_array_equal(
        router.predict_scores(["one fish"]), router.predict_scores(["fish one"])
    )


def test_one_tag_for_every_question_is_the_best_single_llm(table):
    router = profile(tagger=SameTag(), mode="both", prior=20).fit(table)
    single = BestSingle(macro=False).fit(table)
    questions = list(table.questions)
    np.testing.assert_allclose(
        router.predict_scores(questions), single.predict_scores(questions), atol=1e-6
    )


def test_entries_are_pulled_toward_the_mean_in_questions(tiny):
    router = profile(mode="knowledge", prior=2).fit(tiny)
    # fish: sums (2, 1, 0) of 2 questions; means (.5, .75, .25) counted twice
    np.testing.assert_allclose(router.predict_scores(["x fish"]), [[0.75, 0.625, 0.125]])


def test_unobserved_scores_are_left_out(tiny):
    scores = tiny.scores.copy()
    scores[0, 0] = scores[1, 1] = np.nan
    router = profile(mode="knowledge").fit(dataclasses.replace(tiny, scores=scores))
    np.testing.assert_allclose(router.predict_scores(["x fish"]), [[1, 0, 0]])


def test_dividing_by_count_or_weight_changes_the_choice():
    # weights at alpha .5: of three tags 4/7, 2/7, 1/7. "first" always stands first, entry (0, 1);
    # "last" always last, entry (1, .2); so its mean weight is 1/7 against 4/7
    questions = ["first x y", "first z w", "u v last", "r s last"]
    scores = [[0, 1], [0, 1], [1, 0.2], [1, 0.2]]
    table = table_of(questions, scores)
    asked = ["last first"]  # 2/3 and 1/3
    by_weight = profile(tagger=WordTagger(3), divide_by="weight").fit(table)
    expected = (2 * np.array([1, 0.2]) + np.array([0, 1])) / 3
    np.testing.assert_allclose(by_weight.predict_scores(asked), [expected], atol=1e-6)
    by_count = profile(tagger=WordTagger(3)).fit(table)
    expected = (2 * 1 * np.array([1, 0.2]) + 4 * np.array([0, 1])) / 6
    np.testing.assert_allclose(by_count.predict_scores(asked), [expected], atol=1e-6)
    assert [by_weight.route(asked)[0], by_count.route(asked)[0]] == [0, 1]


def test_cost_is_taken_off_the_entries(tiny):
    router = profile(mode="knowledge", beta=0.1).fit(tiny)
    # fish: (1, .5, 0) less a tenth of (1, 2, 4)
    np.testing.assert_allclose(router.predict_scores(["x fish"]), [[0.9, 0.3, -0.4]], atol=1e-6)
    # in the source the cost is a mean over the questions of the tag, hence of the question
    costs = np.array(tiny.costs)
    costs[0] = [3, 2, 4]
    router = profile(mode="knowledge", beta=0.1).fit(dataclasses.replace(tiny, costs=costs))
    np.testing.assert_allclose(router.predict_scores(["x fish"]), [[0.8, 0.3, -0.4]], atol=1e-6)


@pytest.mark.parametrize("level", ["query", "group"])
def test_a_large_beta_always_chooses_the_cheapest(level, table):
    router = profile(mode="both", beta=1e6, level=level, prior=20).fit(table)
    cheapest = router.mean_costs_.argmin()
    assert set(router.route([*table.questions, "never seen"])) == {cheapest}


def test_an_llm_of_unknown_cost_is_never_preferred_once_cost_counts(table):
    best = table.scores.mean(axis=0).argmax()
    partly = unpriced(table, [table.llms[best]])
    questions = list(table.questions)
    assert best in profile().fit(partly).route(questions)  # cost is not asked for
    for beta in (1e-6, 0.1, 1e6):
        router = profile(beta=beta, mode="both", prior=20).fit(partly)
        assert best not in router.route(questions)
        newcomer = profile(beta=beta).fit(table.select(np.delete(table.llms, best)))
        before = newcomer.predict_scores(questions)
        newcomer.admit(table.llms[best], partly)
        assert (newcomer.predict_scores(questions)[:, -1] < before.min(axis=1)).all()
    with pytest.raises(ValueError, match=r"'beta' must be 0 .* No score of the table comes with"):
        profile(beta=1).fit(unpriced(table, table.llms))


def test_a_group_goes_to_one_llm(tiny):
    router = profile(level="group", alpha=1).fit(tiny)
    alone = profile(alpha=1).fit(tiny)
    # the group is the first word: "one" holds q1 only, whose own prediction it is
    np.testing.assert_array_equal(
        router.predict_scores(["one bird", "one fish"]), alone.predict_scores(["one fish"] * 2)
    )
    by_last = profile(level="group", mode="knowledge", tagger=WordTagger(1)).fit(tiny)
    np.testing.assert_allclose(by_last.predict_scores(["any fish"]), [[1, 0.5, 0]])
    # a group that no training question is in: predicted on its own
    np.testing.assert_array_equal(
        router.predict_scores(["new fish"]), alone.predict_scores(["new fish"])
    )


def test_a_group_is_predicted_the_mean_of_its_training_questions(table):
    router = profile(level="group", mode="both", prior=5).fit(table)
    own = profile(mode="both", prior=5).fit(table).predict_scores(table.questions)
    tags = WordTagger().tag(table.questions)
    group = np.array([f"{found.capabilities[0]} {found.knowledge[0]}" for found in tags])
    assert 10 < len(np.unique(group)) < len(table)
    found = router.predict_scores(table.questions)
    for name in np.unique(group):
        expected = own[group == name].mean(axis=0)
        np.testing.assert_allclose(
            found[group == name], np.tile(expected, (sum(group == name), 1)), atol=2e-6
        )


@pytest.mark.parametrize("level", ["query", "group"])
@pytest.mark.parametrize("beta", [0, 0.1])
def test_admitting_equals_fitting_together(level, beta, table):
    router = profile(level=level, beta=beta, mode="both", prior=20)
    together = router.fit(table).predict_scores(table.questions)
    apart = profile(level=level, beta=beta, mode="both", prior=20).fit(table.select(table.llms[1:]))
    apart.admit(table.llms[0], table)
    np.testing.assert_allclose(
        apart.predict_scores(table.questions)[:, [-1, *range(table.n_llms - 1)]],
        together,
        atol=1e-6,
    )


def test_upper_control_dataset_ids_as_tags_reproduce_the_dataset_means(table):
    tagger = TableTagger(dict(zip(table.questions, table.datasets, strict=True)))
    router = profile(tagger=tagger, mode="knowledge", encoder=Apart()).fit(table)
    predicted = router.predict_scores(table.questions)
    for name in np.unique(table.datasets):
        of_dataset = table.datasets == name
        means = table.scores[of_dataset].mean(axis=0)
        np.testing.assert_allclose(
            predicted[of_dataset], np.tile(means, (sum(of_dataset), 1)), atol=1e-6
        )


def test_lower_control_random_tags_are_worth_nothing(table):
    fold = kfold(table, seed=0, n_folds=2)[0]
    learn, judge = table.rows(fold.train), table.rows(fold.test)

    def reached(router):
        choice = router.fit(learn).route(judge.questions)
        return judge.scores[np.arange(len(judge)), choice].mean()

    recognised = reached(RecognisedDatasetRouter(TfidfEncoder(16)))
    found = [
        reached(ProfileRouter(RandomTagger(random_state=seed), Apart(), "knowledge"))
        for seed in range(5)
    ]
    assert np.mean(found) < reached(BestSingle()) + 0.05 < recognised - 0.2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mode": "all"}, "must be one of 'both', 'capability' or 'knowledge', got 'all'"),
        ({"level": "batch"}, "ProfileRouter: parameter 'level' must be one of 'query' or 'group'"),
        ({"divide_by": "rank"}, "'divide_by' must be one of 'count' or 'weight'"),
        ({"alpha": 2}, r"'alpha' .* in \[0, 1\]"),
        ({"beta": -1}, "ProfileRouter: parameter 'beta' must be a number"),
        ({"beta": float("inf")}, "'beta'"),
        ({"prior": -1}, "'prior'"),
        ({"threshold": 7}, r"'threshold' .* in \[0, 1\]"),
        ({"min_count": 0}, "'min_count'"),
    ],
)
def test_bad_parameters_are_refused_in_fit(changes, message, tiny):
    with pytest.raises(ValueError, match=message):
        profile(**changes).fit(tiny)
