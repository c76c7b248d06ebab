"""Model-SAT: the aptitude test, the capability vectors, the network and the router."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from sklearn.base import clone
from transformers import AutoModel

from routers._training import learning_rate_schedule
from routers.aptitude.examination import AptitudeTest, describe, distinguishability
from routers.aptitude.profiles import complete, profile_text
from routers.encoders import TfidfEncoder
from routers.model_sat_paper.calibration import calibrate
from routers.model_sat_paper.capability import CapabilityEncoder, tasks_read
from routers.model_sat_paper.losses import group_loss, pointwise
from routers.model_sat_paper.network import NetworkConfig, ScoringNetwork
from routers.model_sat_paper.prefixes import PrefixStore, _kept_prefixes
from routers.model_sat_paper.router import PaperModelSATRouter
from routers.table import RoutingTable

WORDS = {
    "sums": ["add", "plus", "total", "sum", "number", "count"],
    "verbs": ["grammar", "tense", "noun", "verb", "phrase", "clause"],
}


@pytest.fixture(scope="module")
def lm_path(tiny_lm) -> str:
    return str(tiny_lm)


@pytest.fixture(scope="module")
def table() -> RoutingTable:
    """Two topics; `adder` and `counter` know the one, `poet` the other; `half` half of each."""
    rng = np.random.default_rng(0)
    n = 80
    topics = np.array([list(WORDS)[i % 2] for i in range(n)], dtype=object)
    questions = [f"{' '.join(rng.choice(WORDS[topic], 3))} {i}?" for i, topic in enumerate(topics)]
    sums = topics == "sums"
    half = rng.random(n) < 0.5
    scores = np.stack([sums, sums, ~sums, half], axis=1).astype(float)
    scores[2] = 1.0  # every llm is right
    scores[3] = 0.0  # none is
    return RoutingTable(
        questions=questions,
        scores=scores,
        llms=["adder", "counter", "poet", "half"],
        ids=[f"q{i:03d}" for i in range(n)],
        datasets=topics,
    )


@pytest.fixture
def router(lm_path) -> PaperModelSATRouter:
    return PaperModelSATRouter(
        TfidfEncoder(dim=16),
        lm_path,
        n_tasks=6,
        n_shots=8,
        epochs=6,
        learning_rate=0.1,
        batch_size=8,
        dtype="float32",
        device="cpu",
    )


@pytest.fixture(scope="module")
def fitted(lm_path, table) -> PaperModelSATRouter:
    """Fitted on the first 60 questions without `counter`. Not to be changed: copy it."""
    return PaperModelSATRouter(
        TfidfEncoder(dim=16),
        lm_path,
        n_tasks=6,
        n_shots=8,
        epochs=20,
        learning_rate=0.03,
        patience=20,
        batch_size=8,
        dtype="float32",
        device="cpu",
    ).fit(table.rows(slice(60)).select(["adder", "poet", "half"]))


def copy_of(router: PaperModelSATRouter) -> PaperModelSATRouter:
    """A second router of the same fitted state."""
    twin = clone(router)
    for name, value in vars(router).items():
        if name.endswith("_"):
            setattr(twin, name, value)
    return twin


def network(lm_path: str, order: str, n_soft: int = 2) -> ScoringNetwork:
    """A network of three inputs with random weights."""
    config = NetworkConfig(lm_path, 3, n_soft, order=order, dtype="float32", device="cpu")
    scorer = ScoringNetwork(config)
    rng = np.random.default_rng(1)
    scorer.load_weights(
        {
            name: rng.normal(size=value.shape).astype(np.float32)
            for name, value in scorer.weights().items()
        }
    )
    return scorer


# The aptitude test --------------------------------------------------------------------------------


def test_distinguishability_is_largest_where_half_succeed():
    scores = np.array([[1, 1, 0, 0], [1, 1, 1, 1], [0, np.nan, np.nan, 1], [np.nan] * 4, [0] * 4])
    assert distinguishability(scores) == pytest.approx([1, 0, 1, 0, 0])
    assert distinguishability(np.array([[1, 0, 0, 0]])) == pytest.approx([0.75])  # 4 * 1/4 * 3/4


def test_aptitude_test_holds_training_questions_that_distinguish(table):
    train = table.rows(slice(40))
    test = AptitudeTest.build(train, n_tasks=6, n_shots=8)
    drawn = [name for task in test.tasks for name in task]
    assert len(drawn) == len(set(drawn)) == test.n_questions > 20
    assert set(drawn) <= set(train.ids)
    assert not {"q002", "q003"} & set(drawn)  # all right, all wrong
    assert max(map(len, test.tasks)) <= 8
    assert len(test.tasks) <= 6


def test_no_task_mixes_datasets_and_thick_subjects_are_tasks(table):
    topic = dict(zip(table.ids, table.datasets, strict=True))
    for task in AptitudeTest.build(table, n_tasks=6, n_shots=8).tasks:
        assert len({topic[name] for name in task}) == 1
    subjects = np.array(["thick" if i < 30 else f"thin{i}" for i in range(80)], dtype=object)
    mixed = RoutingTable(
        table.questions, table.scores, table.llms, table.ids, ["one"] * 80, subjects=subjects
    )
    by_id = dict(zip(mixed.ids, subjects, strict=True))
    tasks = AptitudeTest.build(mixed, n_tasks=10, n_shots=20).tasks
    assert {by_id[name] for name in tasks[0]} == {"thick"}
    assert all(by_id[name] != "thick" for task in tasks[1:] for name in task)
    assert len(tasks) == 1 + 2  # 50 thin ones in clusters of about 20


def test_aptitude_test_is_seeded_and_blind_to_order(table):
    shuffled = table.rows(np.random.default_rng(5).permutation(80)).select(list(table.llms[::-1]))
    first = AptitudeTest.build(table, 4, 5, random_state=1)
    assert first == AptitudeTest.build(shuffled, 4, 5, random_state=1)
    # one task per dataset: nothing is clustered, only drawn
    assert AptitudeTest.build(table, 2, 5, random_state=1) != AptitudeTest.build(table, 2, 5)


def test_questions_that_distinguish_more_are_drawn_more_often():
    n = 2000
    scores = np.zeros((n, 10))
    scores[: n // 2, :5] = 1  # w = 1
    scores[n // 2 :, :1] = 1  # w = 0.36
    table = RoutingTable(
        ["same words"] * n,
        scores,
        [f"llm{j}" for j in range(10)],
        [f"{i:04d}" for i in range(n)],
        ["one"] * n,
    )
    shares = []
    for seed in range(8):
        drawn = AptitudeTest.build(table, 1, 100, random_state=seed).tasks[0]
        shares.append(np.mean([int(name) < n // 2 for name in drawn]))
    assert np.mean(shares) == pytest.approx(1 / 1.36, abs=0.06)


def test_profiles_are_means_of_what_was_observed():
    table = RoutingTable(
        ["x", "y", "z"],
        [[1, np.nan], [0, np.nan], [np.nan, 0.5]],
        ["a", "b"],
        ["1", "2", "3"],
        ["d"] * 3,
    )
    test = AptitudeTest([["1", "2"], ["3", "not here"]], ["", ""])
    np.testing.assert_array_equal(test.profiles(table), [[0.5, np.nan], [np.nan, 0.5]])
    np.testing.assert_array_equal(test.coverage(table), [2, 1])


def test_descriptions_are_the_words_that_set_a_task_apart():
    described = describe([["The cell wall"] * 3 + ["a wall"], ["sum, wall"] * 3 + ["wall 3"]])
    # 7 words a task; cell: 3/7 log(1 + 7/3) = 0.52; wall, though more frequent,
    # 4/7 log(1 + 7/8) = 0.36
    assert described == ["cell, wall", "sum, wall"]


# Capability vectors -------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["pooled", "numbers", "text"])
def test_capability_vectors_are_centred_and_about_one_long(mode):
    descriptions = ["cells, plants", "sums, numbers", "verbs, nouns"]
    # few words: most differences between profile texts are differences of numbers
    profiles = np.array([[0.9, 0.1, 0.5], [0.2, 0.8, 0.5], [0.4, np.nan, 0.1]])
    texts = [profile_text(p, descriptions) for p in np.nan_to_num(profiles)]
    encoder = CapabilityEncoder(mode, TfidfEncoder(dim=8).fit(texts), descriptions)
    vectors = encoder.transform(profiles, encoder.fit(profiles))
    assert np.isfinite(vectors).all()
    assert vectors.mean(axis=0) == pytest.approx(0, abs=1e-6)
    n_blocks = 2 if mode == "pooled" else 1
    assert (vectors**2).sum(axis=1).mean() == pytest.approx(n_blocks, rel=1e-4)


def test_unobserved_tasks_are_filled_with_the_llms_own_level():
    # 0.1 above the zoo where observed, hence 0.1 above it elsewhere; 1 is the limit
    filled = complete(np.array([[0.6, np.nan, np.nan]]), np.array([0.5, 0.3, 0.95]))
    assert filled == pytest.approx(np.array([[0.6, 0.4, 1.0]]))


class _FirstLetters(TfidfEncoder):
    """Reads the first 60 letters only."""

    def transform(self, texts):
        return super().transform([text[:60] for text in texts])


def test_tasks_read_counts_what_an_encoder_does_not_cut():
    descriptions = ["alpha beta", "gamma delta", "epsilon zeta", "eta theta"]
    profile = np.array([0.1, 0.2, 0.3, 0.4])
    texts = [profile_text(profile[:t], descriptions[:t]) for t in range(1, 5)]
    assert tasks_read(TfidfEncoder().fit(texts), profile, descriptions) == 4
    assert tasks_read(_FirstLetters().fit(texts), profile, descriptions) == 2


# The network --------------------------------------------------------------------------------------

QUESTIONS = ["what is one plus one?", "name a verb", "x", "how many sums make a long question?"]


def by_hand(scorer: ScoringNetwork, order: str, question: str, vector: torch.Tensor) -> float:
    """The logit of one llm on one question: a single pass over plain embeddings, no cache."""
    from routers.model_sat_paper import arrangements as module

    lm = scorer.lm
    decoder = AutoModel.from_pretrained(scorer.config.lm_path, attn_implementation="eager")
    before, after = module._QUESTION_FIRST if order == "question_first" else module._PROFILE_FIRST
    soft = (scorer.connector.weight @ vector + scorer.connector.bias) * lm.embedding_rms
    soft = soft.view(scorer.config.n_soft, -1)
    bos = lm.embed([lm.tokenizer.bos_token_id])
    prompt = lm.embed(lm.tokens(before) + lm.tokens(question) + lm.tokens(after))
    inquiry = lm.embed(lm.tokens(module._INQUIRY))
    parts = [bos, prompt, soft] if order == "question_first" else [bos, soft, prompt]
    hidden = decoder(inputs_embeds=torch.cat([*parts, inquiry])[None]).last_hidden_state[0, -1]
    logits = lm._head(hidden)
    z = logits[lm.tokens(" Yes")[0]] - logits[lm.tokens(" No")[0]]
    return float(scorer.scale * z + scorer.shift)


@pytest.mark.parametrize("order", ["question_first", "profile_first"])
def test_shared_prefix_equals_a_full_pass(lm_path, order):
    scorer = network(lm_path, order)
    capability = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = scorer([scorer.prefix(question) for question in QUESTIONS], capability)
        expected = [[by_hand(scorer, order, q, c) for c in capability] for q in QUESTIONS]
    assert np.std(expected, axis=0).min() > 0.01  # the question matters
    assert np.std(expected, axis=1).min() > 0.01  # so does the llm
    np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_raw_yes_logit_is_another_score(lm_path):
    config = {"lm_path": lm_path, "n_inputs": 3, "dtype": "float32", "device": "cpu"}
    yes, margin = (ScoringNetwork(NetworkConfig(readout=r, **config)) for r in ("yes", "yes_no"))
    yes_row = yes.lm._head.weight[yes.lm.tokens(" Yes")[0]]
    assert torch.equal(yes.direction, yes_row)
    assert not torch.equal(margin.direction, yes_row)


def test_long_questions_keep_beginning_and_end(lm_path):
    config = NetworkConfig(lm_path, 3, dtype="float32", device="cpu", max_question_tokens=7)
    arrangement = ScoringNetwork(config).arrangement
    tokens = arrangement.lm.tokens("0123456789 and so on")
    kept = arrangement.prompt("0123456789 and so on")
    start = len(arrangement._before)
    assert kept[start : start + 7] == tokens[:4] + tokens[-3:]


def test_prefixes_beyond_the_budget_are_computed_again(lm_path):
    scorer = network(lm_path, "question_first")
    n_bytes = PrefixStore(scorer, QUESTIONS, 0).get([0])[0].n_bytes
    _kept_prefixes.cache_clear()
    store = PrefixStore(scorer, QUESTIONS, 1.5 * n_bytes)
    assert store.get([0])[0] is store.get([0])[0]
    assert store.get([3])[0] is not store.get([3])[0]
    unlimited = PrefixStore(scorer, QUESTIONS, 1e9)
    assert torch.equal(store.get([3])[0].states, unlimited.get([3])[0].states)


def test_prefixes_are_shared_by_folds_but_not_by_prompts(lm_path):
    scorer = network(lm_path, "question_first")
    first = PrefixStore(scorer, QUESTIONS, 1e9).get([0])[0]
    assert PrefixStore(scorer, QUESTIONS[::-1], 1e9).get([len(QUESTIONS) - 1])[0] is first
    other = network(lm_path, "profile_first")
    assert PrefixStore(other, QUESTIONS, 1e9).get([0])[0].states.shape != first.states.shape


# Training -----------------------------------------------------------------------------------------


def test_pointwise_loss_by_hand():
    # log(1 + e^0) = log 2 whatever the score; the unobserved outcome does not count
    logits = torch.tensor([[0.0, 0.0, 5.0]])
    scores = torch.tensor([[1.0, 0.25, float("nan")]])
    assert pointwise(logits, scores).item() == pytest.approx(np.log(2))


def test_group_loss_by_hand():
    logits = torch.log(torch.tensor([[3.0, 1.0, 2.0]]))
    scores = torch.tensor([[1.0, 0.0, 0.0]])
    assert group_loss(logits, scores, dim=1).item() == pytest.approx(np.log(6 / 3))
    soft = torch.tensor([[1.0, 0.5, float("nan")]])
    # positives: 3 against 0.5 * 1, and with weight 1/2: 1 against 0.5 * 1
    expected = (np.log(3.5 / 3) + 0.5 * np.log(1.5 / 1)) / 1.5
    assert group_loss(logits, soft, dim=1).item() == pytest.approx(expected, rel=1e-5)


def test_llm_groups_do_not_see_the_offset_of_an_llm():
    rng = torch.Generator().manual_seed(0)
    logits, scores = torch.randn(6, 3, generator=rng), torch.randint(0, 2, (6, 3)).float()
    moved = logits + torch.tensor([0.0, 2.0, -1.0])
    losses = [[group_loss(z, scores, dim).item() for z in (logits, moved)] for dim in (0, 1)]
    assert losses[0][0] == pytest.approx(losses[0][1])
    assert losses[1][0] != pytest.approx(losses[1][1])


def test_learning_rate_rises_then_falls():
    share = learning_rate_schedule("cosine", 0.2, 10)
    assert [share(0), share(1), share(2)] == pytest.approx([0.5, 1.0, 1.0])
    assert share(10) == pytest.approx(0)
    assert learning_rate_schedule("constant", 0.2, 10)(10) == 1.0


def test_calibration_recovers_slope_and_intercept():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 2))
    scores = (rng.random((4000, 2)) < 1 / (1 + np.exp(-(2 * logits - 1)))).astype(float)
    scores[0, 0] = np.nan
    assert calibrate(logits, scores) == pytest.approx([2, -1], abs=0.12)
    assert calibrate(-logits, scores)[0] > 0  # never reverses


# The router ---------------------------------------------------------------------------------------


def test_learns_who_knows_what(fitted, table):
    test = table.rows(slice(60, 80))
    choices = fitted.llms_[fitted.route(list(test.questions))]
    right = np.where(test.datasets == "sums", "adder", "poet")
    assert (choices == right).mean() >= 0.9  # half of it by choosing either llm for everything


def test_swapped_profiles_swap_predictions(fitted, table):
    questions = list(table.questions[60:])
    swapped = copy_of(fitted)
    swapped.profiles_ = fitted.profiles_[[0, 2, 1]]  # canonical order: adder, half, poet
    before, after = fitted.predict_scores(questions), swapped.predict_scores(questions)
    column = {name: j for j, name in enumerate(fitted.llms_)}
    np.testing.assert_allclose(
        after[:, [column["poet"], column["half"]]], before[:, [column["half"], column["poet"]]]
    )
    assert np.abs(before - after).max() > 0.1


def test_equal_profiles_tie(fitted, table):
    twins = copy_of(fitted)
    twins.profiles_ = fitted.profiles_[[0, 0, 2]]
    scores = twins.predict_scores(list(table.questions[:5]))
    column = {name: j for j, name in enumerate(fitted.llms_)}
    np.testing.assert_array_equal(scores[:, column["adder"]], scores[:, column["half"]])


def test_admits_from_the_aptitude_test_alone(fitted, table):
    twin = copy_of(fitted)
    taken = [name for task in fitted.aptitude_test_["tasks"] for name in task]
    only_the_test = table.rows(np.isin(table.ids, taken))
    questions = list(table.questions[60:])
    scores = twin.admit("counter", only_the_test).predict_scores(questions)
    np.testing.assert_allclose(scores[:, :3], fitted.predict_scores(questions), atol=1e-5)
    # `counter` answered the test just as `adder` did
    np.testing.assert_array_equal(scores[:, 3], scores[:, list(twin.llms_).index("adder")])
    elsewhere = copy_of(fitted).admit("counter", table.rows(slice(60)))
    np.testing.assert_array_equal(elsewhere.profiles_, twin.profiles_)
    assert list(fitted.llms_) == ["adder", "poet", "half"]


def test_too_little_of_the_aptitude_test_is_an_error(fitted, table):
    taken = {name for task in fitted.aptitude_test_["tasks"] for name in task}
    few = table.rows([i for i, name in enumerate(table.ids) if name not in taken or i < 4])
    with pytest.raises(ValueError, match=rf"'counter'.* {len(taken)} questions.*got \d+\."):
        copy_of(fitted).admit("counter", few)


def test_order_of_rows_and_columns_does_not_matter(router, table):
    train = table.rows(slice(40))
    shuffled = train.rows(np.random.default_rng(3).permutation(40)).select(
        ["half", "adder", "poet", "counter"]
    )
    questions = list(table.questions[60:70])
    first = clone(router).fit(train).predict_scores(questions)
    second = clone(router).fit(shuffled).predict_scores(questions)
    np.testing.assert_array_equal(first, second[:, [1, 3, 2, 0]])


def test_one_by_one_is_all_together(fitted, table):
    questions = list(table.questions[55:65])
    together = fitted.predict_scores(questions)
    alone = np.concatenate([fitted.predict_scores([question]) for question in questions])
    np.testing.assert_array_equal(together, alone)
    assert fitted.predict_scores([]).shape == (0, 3)


def test_seed_decides_everything_and_global_state_is_left_alone(router, table):
    train, questions = table.rows(slice(40)), list(table.questions[60:70])
    state = torch.get_rng_state()
    numpy_state = np.random.get_state()[1].copy()  # noqa: NPY002 - it is to be left alone
    first = clone(router).fit(train).predict_scores(questions)
    assert torch.equal(state, torch.get_rng_state())
    assert (numpy_state == np.random.get_state()[1]).all()  # noqa: NPY002
    torch.manual_seed(17)
    np.testing.assert_array_equal(first, clone(router).fit(train).predict_scores(questions))
    other = clone(router).set_params(random_state=1).fit(train).predict_scores(questions)
    assert np.abs(first - other).max() > 1e-6


@pytest.mark.parametrize(
    "options",
    [
        {"order": "profile_first", "n_soft": 2},
        {"loss": "question_groups"},
        {"loss": "llm_groups", "readout": "yes"},
        {"loss": "both_groups", "prior": False},
        {"capability": "numbers", "validation_fraction": 0.0},
        {"capability": "text"},
        {"schedule": "constant", "prefix_cache_gb": 0.0},
        {"readout": "linear"},
    ],
    ids=str,
)
def test_every_option_works(router, table, options):
    holes = np.array(table.scores)
    holes[np.random.default_rng(0).random(holes.shape) < 0.3] = np.nan
    partial = RoutingTable(table.questions, holes, table.llms, table.ids, table.datasets)
    router.set_params(**options, epochs=2).fit(partial.rows(slice(60)))
    scores = router.predict_scores(list(table.questions[60:]))
    assert ((scores > 0) & (scores < 1)).all()
    assert np.ptp(scores, axis=0).min() > 0


def test_zoo_of_one(router, table):
    router.fit(table.rows(slice(20)).select(["half"]))
    assert router.predict_scores(["add numbers?"]).shape == (1, 1)


def test_wrong_parameters_are_named(router, table):
    with pytest.raises(ValueError, match=r"'loss' must be one of .*pointwise.*got 'hinge'"):
        clone(router).set_params(loss="hinge").fit(table)
    with pytest.raises(ValueError, match=r"'n_shots' must be an integer of at least 1, got 0"):
        clone(router).set_params(n_shots=0).fit(table)


def _kinds(value: object) -> set[type]:
    if isinstance(value, dict):
        return {dict}.union(*(_kinds(v) for v in value.values()))
    if isinstance(value, list):
        return {list}.union(*(_kinds(v) for v in value))
    return {type(value)}


def test_what_is_learned_is_plain(fitted):
    learned = {name: value for name, value in vars(fitted).items() if name.endswith("_")}
    assert "connector_" in learned
    plain = {dict, list, str, int, float, np.ndarray}
    for name, value in learned.items():
        if name != "encoder_":  # as savable as the encoder's class
            assert _kinds(value) <= plain, name
