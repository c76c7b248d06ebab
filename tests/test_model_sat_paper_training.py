"""Model-SAT with soft tokens: adapters, groups, weights, the pool, views and checkpoints."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from sklearn.base import clone

from routers import load_router, save_router
from routers.encoders import TfidfEncoder
from routers.model_sat_paper.calibration import average_views
from routers.model_sat_paper.checkpoints import Checkpoint
from routers.model_sat_paper.language_model import LoRA, load_lm
from routers.model_sat_paper.losses import draw_negatives, group_loss, outcome_weights, pointwise
from routers.model_sat_paper.network import NetworkConfig, ScoringNetwork
from routers.model_sat_paper.pool import draw_stratified
from routers.model_sat_paper.prefixes import PrefixStore, _kept_prefixes
from routers.model_sat_paper.router import PaperModelSATRouter
from routers.model_sat_paper.training import Trainer, TrainingConfig
from routers.table import RoutingTable

QUESTIONS = ["what is one plus one?", "name a verb", "how many sums make a long question?"]
TARGETS = r".*\.(q_proj|v_proj|qkv_proj)"


@pytest.fixture(scope="module")
def lm_path(tiny_lm) -> str:
    return str(tiny_lm)


def answered(n_llms: int, name: str, n: int = 48) -> RoutingTable:
    """Questions on two topics, and llms that are right on the one or on the other."""
    words = {"sums": ["add", "plus", "total"], "verbs": ["noun", "verb", "clause"]}
    topics = np.array([list(words)[i % 2] for i in range(n)], dtype=object)
    questions = [
        f"{words[topic][i % 3]} {words[topic][i % 2]} {i}?" for i, topic in enumerate(topics)
    ]
    rng = np.random.default_rng(n_llms)
    known = rng.random((2, n_llms))
    p = np.where((topics == "sums")[:, None], known[0], known[1])
    return RoutingTable(
        questions=questions,
        scores=(rng.random(p.shape) < p).astype(float),
        llms=[f"{name}{j:02d}" for j in range(n_llms)],
        ids=[f"q{i:03d}" for i in range(n)],
        datasets=topics,
    )


@pytest.fixture(scope="module")
def table() -> RoutingTable:
    return answered(3, "llm")


@pytest.fixture(scope="module")
def pool() -> RoutingTable:
    return answered(12, "other")


@pytest.fixture
def router(lm_path) -> PaperModelSATRouter:
    return PaperModelSATRouter(
        TfidfEncoder(dim=8),
        lm_path,
        n_tasks=4,
        n_shots=6,
        epochs=2,
        validation_fraction=0.25,
        dtype="float32",
        device="cpu",
    )


def network(lm_path: str, order: str = "question_first") -> ScoringNetwork:
    lora = LoRA(rank=2, alpha=4, targets=TARGETS)
    config = NetworkConfig(lm_path, 3, order=order, dtype="float32", device="cpu", lora=lora)
    return ScoringNetwork(config)


def logits(scorer: ScoringNetwork) -> torch.Tensor:
    capability = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    return scorer([scorer.prefix(question) for question in QUESTIONS], capability)


def turned(scorer: ScoringNetwork) -> ScoringNetwork:
    """Adapted, with adapters that add something."""
    scorer.adapt(seed=0)
    with torch.no_grad():
        for number, value in enumerate(scorer.lora.values()):
            value.normal_(0, 0.3, generator=torch.Generator().manual_seed(number))
    return scorer


# Adapters -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["question_first", "profile_first"])
def test_new_adapters_add_nothing_and_all_of_them_learn(lm_path, order):
    scorer = network(lm_path, order)
    before = logits(scorer)
    scorer.adapt(seed=0)
    assert len(scorer.lora) == 2 * 2 * 2  # layers, query and value, two thin matrices each
    after = logits(scorer)
    assert torch.equal(before, after)
    after.square().sum().backward()
    for name, value in scorer.lora.items():
        # the second matrix is 0, hence the first has no gradient yet
        assert (value.grad.abs().max() > 0) == ("lora_B" in name), name
    assert not any(p.requires_grad for p in load_lm_of(lm_path).decoder.parameters())


def load_lm_of(lm_path):
    return load_lm(lm_path, torch.float32, torch.device("cpu"))


def test_adapters_leave_the_lm_of_the_process_alone(lm_path):
    frozen = network(lm_path)
    modules = [type(module) for module in frozen.lm.decoder.modules()]
    weights = {name: value.clone() for name, value in frozen.lm.decoder.named_parameters()}
    with torch.no_grad():
        before = logits(frozen)
        adapted = turned(network(lm_path))
        assert not torch.allclose(logits(adapted), before, atol=1e-3)
        assert torch.equal(logits(frozen), before)
        assert torch.equal(logits(network(lm_path)), before)
    assert [type(module) for module in load_lm_of(lm_path).decoder.modules()] == modules
    for name, value in load_lm_of(lm_path).decoder.named_parameters():
        assert torch.equal(value, weights[name])
    own = {name: value for name, value in adapted.lm.decoder.named_parameters() if "lora" in name}
    others = {id(v) for v in adapted.lm.decoder.parameters()} - {id(v) for v in own.values()}
    assert others == {id(value) for value in frozen.lm.decoder.parameters()}  # no copy in memory


def test_a_prefix_needs_a_gradient_only_if_the_lm_learns(lm_path):
    scorer = network(lm_path)
    assert not scorer.prefix("why?").states.requires_grad
    scorer.adapt(seed=0)
    assert scorer.prefix("why?").states.requires_grad
    with torch.no_grad():
        assert not scorer.prefix("why?").states.requires_grad


def test_prefixes_of_frozen_and_adapted_lms_do_not_mix(lm_path):
    _kept_prefixes.cache_clear()
    frozen, adapted = network(lm_path), turned(network(lm_path))
    first = PrefixStore(adapted, QUESTIONS, 1e9)
    assert first.get([0])[0] is not first.get([0])[0]
    assert not _kept_prefixes(frozen.prefix_key)
    kept = PrefixStore(frozen, QUESTIONS, 1e9).get([0])[0]
    with torch.no_grad():
        own = first.get([0])[0].states
    assert (own - kept.states).abs().max() > 0.01
    assert PrefixStore(frozen, QUESTIONS, 1e9).get([0])[0] is kept


def test_adapters_are_among_the_weights(lm_path):
    adapted = turned(network(lm_path))
    other = network(lm_path)
    other.load_weights(adapted.weights())
    with torch.no_grad():
        assert torch.equal(logits(other), logits(adapted))


@pytest.mark.parametrize("order", ["question_first", "profile_first"])
def test_many_llms_are_computed_in_several_passes(lm_path, order, monkeypatch):
    scorer = network(lm_path, order)
    sizes, hidden = [], scorer.arrangement.hidden

    def counted(prefixes, soft):
        sizes.append(len(soft))
        return hidden(prefixes, soft)

    monkeypatch.setattr(scorer.arrangement, "hidden", counted)
    with torch.no_grad():
        together = logits(scorer)
        monkeypatch.setattr("routers.model_sat_paper.network._LLMS_PER_PASS", 3)
        np.testing.assert_allclose(logits(scorer), together, atol=1e-5)
    assert sizes == [4, 3, 1]


def test_modules_to_adapt_must_be_there(lm_path):
    config = NetworkConfig(lm_path, 3, dtype="float32", device="cpu", lora=LoRA(2, 4, "c_attn"))
    with pytest.raises(ValueError, match="c_attn"):
        ScoringNetwork(config).adapt(seed=0)
    with pytest.raises(ValueError, match=r"'lora' of the NetworkConfig .* got None"):
        ScoringNetwork(NetworkConfig(lm_path, 3, dtype="float32", device="cpu")).adapt(seed=0)


def test_stage_2_is_learned_saved_and_nobody_elses(router, table, tmp_path):
    questions = list(table.questions[:6])
    router.set_params(validation_fraction=0.0, lm_learning_rate=0.01)
    frozen = clone(router).fit(table)
    before = frozen.predict_scores(questions)
    adapted = clone(router).set_params(stage2_epochs=2).fit(table)
    assert len(adapted.history_["train"]) == 4
    assert adapted.history_["stage1_epochs"] == 2
    assert adapted.history_["train"][:2] == frozen.history_["train"]
    assert adapted.history_["train"][3] < min(frozen.history_["train"])
    moved = [value for name, value in adapted.connector_.items() if "lora_B" in name]
    assert len(moved) == 4
    assert all(np.abs(value).max() > 1e-4 for value in moved)
    after = adapted.predict_scores(questions)
    loaded = load_router(save_router(adapted, tmp_path / "r.skops"))
    np.testing.assert_array_equal(loaded.predict_scores(questions), after)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_array_equal(frozen.predict_scores(questions), before)


def test_stage_2_that_helps_nothing_leaves_stage_1_standing(router, table):
    router.set_params(epochs=3)
    frozen = clone(router).fit(table)
    ruined = clone(router).set_params(stage2_epochs=1, learning_rate=0.1, lm_learning_rate=30.0)
    ruined.fit(table)
    assert ruined.history_["validation"][3] > min(ruined.history_["validation"])
    questions = list(table.questions)
    np.testing.assert_array_equal(
        ruined.predict_scores(questions), frozen.predict_scores(questions)
    )


# Groups and weights -------------------------------------------------------------------------------


def test_negatives_are_drawn_without_replacement():
    negative = torch.tensor([[1.0, 0.0, 0.5, 1.0, 1.0]])
    drawn = draw_negatives(negative, 2, torch.Generator().manual_seed(0))[0]
    assert drawn.shape == (5, 5)
    assert drawn.sum(dim=1).tolist() == [2] * 5
    assert not drawn[:, 1].any()
    assert len({tuple(row.tolist()) for row in drawn}) > 1  # anew for each positive
    generator = torch.Generator().manual_seed(0)
    often = sum(draw_negatives(negative, 2, generator)[0].float() for _ in range(300)) / 300
    assert often[:, [0, 2, 3, 4]] == pytest.approx(0.5, abs=0.11)


@pytest.mark.parametrize("dim", [0, 1])
def test_a_group_as_large_as_the_batch_is_the_whole_batch(dim):
    rng = torch.Generator().manual_seed(0)
    z, scores = torch.randn(6, 3, generator=rng), torch.rand(6, 3, generator=rng).round(decimals=1)
    scores[0, 0] = float("nan")
    whole = group_loss(z, scores, dim)
    assert group_loss(z, scores, dim, size=7, generator=rng).item() == pytest.approx(whole.item())
    assert group_loss(z, scores, dim, size=2, generator=rng) < whole


def test_a_positive_meets_k_minus_1_negatives():
    # all negatives are alike, so it does not matter which are drawn: log((3 + 2 * 1) / 3)
    z = torch.log(torch.tensor([[3.0, 1.0, 1.0, 1.0, 1.0]]))
    scores = torch.tensor([[1.0, 0, 0, 0, 0]])
    assert group_loss(z, scores, 1, size=3).item() == pytest.approx(np.log(5 / 3))


def test_weights_by_hand():
    scores = np.array([[1, 0], [1, 1], [1, np.nan], [1, 0]])
    # strengths 1 and 1/3, divided by their mean 2/3
    np.testing.assert_allclose(outcome_weights(scores, llm_weight=1), [[1.5, 0.5]] * 4)
    # 4 p (1 - p): 1, 0, 0, 1
    np.testing.assert_allclose(outcome_weights(scores, question_weight=1)[:, 0], [2, 0, 0, 2])
    assert (outcome_weights(scores) == 1).all()
    assert (outcome_weights(scores[1:2], question_weight=2) == 1).all()  # nobody is told apart


def test_weights_count_in_both_losses():
    z, scores = torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 1.0]])
    weights = torch.tensor([[2.0, 0.0]])
    assert pointwise(z, scores, weights).item() == pytest.approx(np.log(2))
    scores = torch.tensor([[1.0, 0.0]])
    once = group_loss(z, scores, 1)
    assert group_loss(z, scores, 1, weights).item() == pytest.approx(2 * once.item())


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "llm_groups", "group_size": 4, "llm_weight": 1.0},
        {"loss": "both_groups", "group_size": 2, "question_weight": 1.0},
        {"llms_per_step": 2},
    ],
    ids=str,
)
def test_options_change_what_is_learned_and_repeat(router, table, options):
    plain = clone(router).set_params(loss=options.get("loss", "pointwise")).fit(table)
    first, second = (clone(router).set_params(**options).fit(table) for _ in range(2))
    for name, value in first.connector_.items():
        np.testing.assert_array_equal(value, second.connector_[name])
    assert np.abs(first.connector_["connector.weight"] - plain.connector_["connector.weight"]).max()


# The pool -----------------------------------------------------------------------------------------


def test_every_strength_is_drawn_from_a_pool():
    scores = np.repeat(np.arange(40) / 40, 10).reshape(40, 10).T
    names = [f"llm{j:02d}" for j in np.random.default_rng(0).permutation(40)]
    pool = RoutingTable(["q"] * 10, scores, names, list(map(str, range(10))), ["d"] * 10)
    drawn = draw_stratified(pool.canonical(), 4, seed=0)
    means = np.sort(drawn.scores[0])
    assert (np.floor(means * 4) == [0, 1, 2, 3]).all()
    assert list(drawn.llms) == list(draw_stratified(pool.canonical(), 4, seed=0).llms)
    assert list(drawn.llms) != list(draw_stratified(pool.canonical(), 4, seed=1).llms)
    assert draw_stratified(pool, 40, seed=0) is pool


@pytest.fixture
def seen(monkeypatch):
    """The examples that the trainer is given."""
    given = {}
    train = Trainer.train

    def spy(self, training, validation, *rest):
        given.update(training=training, validation=validation)
        return train(self, training, validation, *rest)

    monkeypatch.setattr(Trainer, "train", spy)
    return given


def test_the_pool_is_learned_from_and_the_candidates_are_judged(router, table, pool, seen):
    router.set_params(max_pool=5, llms_per_step=4).fit(table, pool)
    assert seen["training"].scores.shape == (36, 3 + 5)
    assert seen["training"].capability.shape[1] == 8
    assert seen["validation"].scores.shape == (12, 3)
    assert len(router.profiles_) == 3
    turned_round = clone(router).fit(table, pool.select(pool.llms[::-1]))
    np.testing.assert_array_equal(
        router.connector_["connector.weight"], turned_round.connector_["connector.weight"]
    )
    without = clone(router).set_params(max_pool=0).fit(table, pool)
    assert seen["training"].scores.shape == (36, 3)
    plain = clone(router).fit(table)
    np.testing.assert_array_equal(
        without.predict_scores(["add 1?"]), plain.predict_scores(["add 1?"])
    )


def test_a_zoo_can_be_kept_from_training(router, table, pool, seen):
    router.set_params(pool_only=True).fit(table, pool)
    assert seen["training"].scores.shape == (36, 12)
    assert seen["validation"].scores.shape == (12, 12)
    others = answered(3, "llm", n=48)
    flipped = RoutingTable(
        others.questions, 1 - others.scores, others.llms, others.ids, others.datasets
    )
    again = clone(router).fit(flipped, pool)
    for name, value in router.connector_.items():
        np.testing.assert_array_equal(value, again.connector_[name])
    assert np.ptp(router.predict_scores(["add 1?"])) > 0
    with pytest.raises(ValueError, match=r"'pool_only' must be False where there is no pool"):
        clone(router).fit(table)


# Views of a profile -------------------------------------------------------------------------------


def test_probabilities_are_averaged_not_logits():
    two = np.log(np.array([[[0.2]], [[0.6]]]) / np.array([[[0.8]], [[0.4]]]))
    assert average_views(two) == pytest.approx(np.log(0.4 / 0.6))
    one = np.array([[[0.3, -80.0]]])
    assert average_views(one) is not one
    np.testing.assert_array_equal(average_views(one), one[0])


class _FirstWords(TfidfEncoder):
    """Reads the beginning of a long text only, as a sentence encoder does."""

    def transform(self, texts):
        return super().transform([text[:60] for text in texts])


def test_views_are_orders_of_the_tasks_and_flips_are_counted(router, table):
    questions = list(table.questions)
    router.set_params(encoder=_FirstWords(dim=8), capability="text", shuffles=3, prior=False)
    router.fit(table)
    views = router._view_logits(questions)
    assert views.shape == (3, 48, 3)
    assert np.abs(views[0] - views[1]).max() > 1e-3
    slope, intercept = router.calibration_
    mean = (1 / (1 + np.exp(-views))).mean(axis=0)
    by_hand = 1 / (1 + np.exp(-(slope * np.log(mean / (1 - mean)) + intercept)))
    np.testing.assert_allclose(router.predict_scores(questions), by_hand, atol=1e-5)
    choices = views.argmax(axis=2)
    flips = np.mean([(choices[a] != choices[b]).mean() for a, b in ((0, 1), (0, 2), (1, 2))])
    assert 0 < router.flip_rate(questions) == pytest.approx(flips)
    assert router.flip_rate([]) == 0


def test_profiles_without_an_order_have_one_view(router, table):
    questions = list(table.questions[:5])
    one = clone(router).fit(table)
    three = clone(router).set_params(shuffles=3).fit(table)
    np.testing.assert_array_equal(one.predict_scores(questions), three.predict_scores(questions))
    assert three.flip_rate(questions) == 0


# Cards --------------------------------------------------------------------------------------------


def test_a_card_is_as_good_as_the_outcomes(router, table):
    newcomer, old = table.llms[0], table.llms[1:]
    router.fit(table.select(old))
    questions = list(table.questions[:5])
    card = router.card(newcomer, table)
    from_outcomes = load_again(router, table.select(old)).admit(newcomer, table)
    from_card = load_again(router, table.select(old)).admit_card(card)
    np.testing.assert_array_equal(
        from_card.predict_scores(questions), from_outcomes.predict_scores(questions)
    )
    assert list(from_card.llms_) == [*old, newcomer]
    assert np.isnan(from_card.mean_costs_[-1])
    with pytest.raises(ValueError, match="in the zoo already"):
        from_card.admit_card(card)
    other_test = clone(router).set_params(random_state=1).fit(table.select(old))
    with pytest.raises(ValueError, match="must be of aptitude test"):
        other_test.admit_card(card)


def load_again(router, table):
    return clone(router).fit(table)


# Checkpoints --------------------------------------------------------------------------------------


class Killed(BaseException):
    pass


def killed_after(monkeypatch, n: int) -> None:
    """Let the process die once n states were saved."""
    save, count = Checkpoint.save, iter(range(100))

    def dying(self, state):
        save(self, state)
        if next(count) == n - 1:
            raise Killed

    monkeypatch.setattr(Checkpoint, "save", dying)


@pytest.mark.parametrize("epochs_before", [1, 2, 3])  # two in stage 1, two in stage 2
def test_an_interrupted_fit_goes_on_bit_for_bit(
    router, table, pool, tmp_path, monkeypatch, epochs_before
):
    router.set_params(stage2_epochs=2, llms_per_step=5, loss="both_groups", group_size=3)
    whole = clone(router).fit(table, pool)
    router.set_params(checkpoint_folder=str(tmp_path))
    with monkeypatch.context() as patch:
        killed_after(patch, epochs_before)
        with pytest.raises(Killed):
            clone(router).fit(table, pool)
    epochs = count_epochs(monkeypatch)
    resumed = clone(router).fit(table, pool)
    assert len(epochs) == 4 - epochs_before
    assert resumed.history_ == whole.history_
    np.testing.assert_array_equal(resumed.calibration_, whole.calibration_)
    for name, value in whole.connector_.items():
        np.testing.assert_array_equal(resumed.connector_[name], value)
    assert [file.suffix for file in tmp_path.iterdir()] == [".pt"]


def count_epochs(monkeypatch) -> list[int]:
    done, epoch = [], Trainer._epoch

    def counted(self, *arguments):
        done.append(1)
        return epoch(self, *arguments)

    monkeypatch.setattr(Trainer, "_epoch", counted)
    return done


def test_a_checkpoint_of_other_data_or_parameters_is_never_used(
    router, table, tmp_path, monkeypatch
):
    router.set_params(checkpoint_folder=str(tmp_path), epochs=1).fit(table)
    (file,) = tmp_path.iterdir()
    epochs = count_epochs(monkeypatch)
    clone(router).fit(table)
    assert not epochs  # all done already
    scores = table.scores.copy()
    scores[0, 0] = 1 - scores[0, 0]
    other = RoutingTable(table.questions, scores, table.llms, table.ids, table.datasets)
    clone(router).fit(other)
    assert len(epochs) == 1
    clone(router).set_params(learning_rate=0.05).fit(table)
    clone(router).set_params(random_state=1).fit(table)
    assert len(epochs) == 3
    assert len(list(tmp_path.iterdir())) == 4
    # a file under a name that is not its own
    borrowed = Checkpoint(str(tmp_path), "another")
    borrowed.path.write_bytes(file.read_bytes())
    assert borrowed.load() is None


def test_training_defaults_are_the_routers():
    import inspect

    given = inspect.signature(PaperModelSATRouter).parameters
    for name, value in vars(TrainingConfig()).items():
        assert given[name].default == value, name
