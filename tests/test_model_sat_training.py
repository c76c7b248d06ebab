"""How Model-SAT is taught: what a step draws, what it costs to be wrong, and where it begins."""

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from routers.model_sat import training
from routers.model_sat.language_model import load_lm
from routers.model_sat.lessons import Lessons, Teaching
from routers.model_sat.network import ModelSATNetwork, side_by_side

NAN = float("nan")


@pytest.fixture(scope="module")
def lm(tiny_lm):
    return load_lm(str(tiny_lm), 0.5, torch.float32, torch.device("cpu"))


@pytest.fixture(scope="module")
def readings(lm):
    return [lm.read(lm.prompt(f"question {number}?", 32)) for number in range(24)]


@pytest.fixture
def lessons():
    rng = np.random.default_rng(0)
    return Lessons(
        np.repeat(["a", "b"], [20, 4]),
        rng.random((24, 6)),
        rng.normal(size=(6, 3)).astype(np.float32),
        rng.normal(size=6),
        np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.0]),
    )


def test_contrasts_are_departures_from_the_question_s_mean():
    predicted = torch.tensor([[0.5, 0.7, 0.9], [0.2, 0.2, 0.9]])
    wanted = torch.tensor([[0.4, 0.8, 0.6], [0.1, 0.3, NAN]])
    # errors .1, -.1, .3 with mean .1, and .1, -.1 with mean 0: five known entries
    expected = (0.0**2 + 0.2**2 + 0.2**2 + 0.1**2 + 0.1**2) / 5
    assert float(training.contrast_loss(predicted, wanted)) == pytest.approx(expected)
    level = torch.tensor([[0.3], [-0.2]])  # of a question, which no choice depends on
    moved = training.contrast_loss(predicted + level, wanted)
    assert float(moved) == pytest.approx(expected, abs=1e-6)
    assert float(training.contrast_loss(predicted, torch.full((2, 3), NAN))) == 0


def test_datasets_are_drawn_alike_and_tiny_ones_less():
    found = training._question_chances(np.repeat(["big", "small", "tiny"], [40, 10, 5]))
    np.testing.assert_allclose(found, np.repeat([1 / 40, 1 / 10, 1 / 10], [40, 10, 5]))


def test_a_draw_is_without_replacement_and_of_those_that_may_be_drawn():
    weights = np.array([1.0, 0.0, 1.0, 5.0])
    drawn = [training._draw(np.random.default_rng(seed), weights, 9) for seed in range(5)]
    assert all(sorted(found) == [0, 2, 3] for found in drawn)
    first = [training._draw(np.random.default_rng(seed), weights, 1)[0] for seed in range(200)]
    assert 100 < first.count(3) < 180


def test_logits_begin_with_mean_zero(lm, readings, lessons):
    network = ModelSATNetwork(lm, 3)
    network.begin_at(np.linspace(-1, 1, lm.width))
    asked = []

    def read(rows):
        asked.append(rows)
        return [readings[row] for row in rows]

    training._center(network, read, lessons, 0)
    assert len(set(asked[0])) == 16
    with torch.no_grad():
        said = network(side_by_side(read(asked[0]), lm), torch.zeros(1, 3))
    assert float(said.mean()) == pytest.approx(0, abs=1e-5)


def test_what_a_step_draws_depends_on_seed_and_number_alone(lm, readings, lessons):
    def drawn(seed, n_steps):
        network, asked = ModelSATNetwork(lm, 3, rank=2), []
        network.begin_at(np.linspace(-1, 1, lm.width))
        read = lambda rows: asked.append(list(rows)) or [readings[row] for row in rows]  # noqa: E731
        teaching = Teaching(n_steps=n_steps, n_questions=5, n_llms=3)
        losses = training.train(network, read, lessons, teaching, seed)
        assert len(losses) == n_steps
        return asked[1:]  # the first centers

    long = drawn(0, 4)
    assert drawn(0, 2) == long[:2]
    assert drawn(1, 2) != long[:2]
    assert long[0] != long[1]
    assert all(len(set(rows)) == 5 for rows in long)


def test_a_share_of_the_tokens_is_hidden_and_never_the_first(lm, readings):
    memory = side_by_side([*readings[:3], lm.read(lm.prompt("a longer question " * 9, 64))], lm)
    assert training.hide_tokens(memory, 0.0, np.random.default_rng(0)) is memory
    there = ~memory.padding.isinf()
    shares = []
    for seed in range(40):
        found = training.hide_tokens(memory, 0.6, np.random.default_rng(seed))
        hidden = found.padding.isinf()
        assert not hidden[..., 0].any()
        assert hidden[~there].all()  # behind a question's end there is nothing
        assert torch.equal(found.padding[~hidden], memory.padding[~hidden])
        shares.append(float(hidden[there].float().sum() / (there.sum() - 4)))
        assert found.keys is memory.keys
    assert np.mean(shares) == pytest.approx(0.6, abs=0.02)
    assert np.std(shares) > 0.01


def test_tokens_are_hidden_while_it_is_trained_and_at_no_other_time(
    lm, readings, lessons, monkeypatch
):
    seen = []
    whole = ModelSATNetwork.forward

    def forward(network, memory, capability):
        seen.append(bool((memory.padding.isinf().float().mean()) > 0.3))
        return whole(network, memory, capability)

    monkeypatch.setattr(ModelSATNetwork, "forward", forward)
    network = ModelSATNetwork(lm, 3, rank=2)
    network.begin_at(np.linspace(-1, 1, lm.width))
    read = lambda rows: [readings[row] for row in rows]  # noqa: E731
    training.train(network, read, lessons, Teaching(n_steps=2, token_dropout=0.9), 0)
    training.logits(network, read, np.full(24, 9), lessons.capability)
    assert seen == [False, True, True, False, False]  # centered, two steps, then asked


def test_rates_rise_over_a_tenth_of_the_steps_and_fall_to_nothing(
    lm, readings, lessons, monkeypatch
):
    rates = []
    whole = training._set_rates

    def telling(optimizer, share):
        whole(optimizer, share)
        rates.append([group["lr"] for group in optimizer.param_groups])

    monkeypatch.setattr(training, "_set_rates", telling)
    teaching = Teaching(n_steps=20, n_questions=2, n_llms=2, learning_rate=0.5)
    network = ModelSATNetwork(lm, 3, rank=2)
    network.begin_at(np.linspace(-1, 1, lm.width))
    training.train(network, lambda rows: [readings[row] for row in rows], lessons, teaching, 0)
    connector, adapters, readout = np.array(rates).T
    np.testing.assert_allclose(connector[:3], [0.25, 0.5, 0.5])
    assert (np.diff(connector[2:]) < 0).all()
    assert connector[-1] < 0.01
    np.testing.assert_allclose(adapters, connector / 100)
    np.testing.assert_allclose(readout, connector / 25)
