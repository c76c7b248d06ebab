"""RouterDC: its two losses by hand, ties, missing outcomes, and what training does."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.special import expit, logit

from routers import CannotAdmitError
from routers._contrast import places, sample_llm_loss, sample_sample_loss
from routers._weighing import inner_folds
from routers.contrastive import RouterDC, _batches
from routers.encoders import TfidfEncoder
from routers.table import RoutingTable

NAN = np.nan


def loss_of(logits, scores, n_positive=3, n_negative=3):
    scores = np.array(scores, dtype=np.float32)
    shares = places(scores, n_positive), places(-scores, n_negative)
    tensors = (torch.from_numpy(x) for x in (scores, *shares))
    return float(sample_llm_loss(torch.tensor(logits), *tensors))


@pytest.mark.parametrize(
    ("scores", "k", "expected"),
    [
        ([0.9, 0.1, 0.5], 2, [1, 0, 1]),
        ([1, 1, 0, 0], 1, [0.5, 0.5, 0, 0]),
        ([1, 0, 0, 0], 2, [1, 1 / 3, 1 / 3, 1 / 3]),
        ([1, NAN, 0], 2, [1, 0, 1]),
        ([1, 0], 9, [1, 1]),
        ([NAN, NAN], 1, [0, 0]),
    ],
)
def test_ties_share_the_places(scores, k, expected):
    np.testing.assert_allclose(places(np.array([scores], dtype=np.float32), k)[0], expected)


def test_sample_llm_loss_by_hand():
    # two right answers share one place; each stands against the one wrong answer
    e = np.exp
    expected = 0.5 * np.log(1 + e(0.1 - 0.9)) + 0.5 * np.log(1 + e(0.1 - 0.3))
    assert loss_of([[0.9, 0.3, 0.1]], [[1, 1, 0]], n_positive=1) == pytest.approx(expected)
    # one best against the two worst
    expected = np.log(1 + e(0.3 - 0.9) + e(0.1 - 0.9))
    assert loss_of([[0.9, 0.3, 0.1]], [[1, 0.5, 0]], 1, 2) == pytest.approx(expected)


def test_a_question_on_which_all_tie_teaches_nothing():
    assert loss_of([[0.9, 0.3, 0.1]], [[1, 1, 1]]) == 0
    assert loss_of([[0.9, 0.3, 0.1]], [[0, 0, 0]]) == 0
    assert loss_of([[0.9, 0.3, 0.1]], [[1, NAN, NAN]]) == 0


def test_an_unobserved_llm_is_neither_best_nor_worst():
    seen = loss_of([[0.9, 0.1]], [[1, 0]])
    assert loss_of([[0.9, 5.0, 0.1]], [[1, NAN, 0]]) == pytest.approx(seen)


def test_the_loss_does_not_depend_on_the_order_of_the_llms():
    logits, scores = [0.9, 0.3, 0.1, -0.4], [1, 0, 1, 0]
    one = loss_of([logits], [scores], 1, 1)
    assert loss_of([logits[::-1]], [scores[::-1]], 1, 1) == pytest.approx(one)


def test_sample_sample_loss_by_hand():
    logits = torch.tensor([[1.0, 0.8, 0.1], [0.8, 1.0, 0.2], [0.1, 0.2, 1.0]])
    label = torch.tensor([0, 0, 1])
    draw = torch.rand(3, 3, generator=torch.Generator().manual_seed(0))
    # question 2 has no mate; 0 and 1 have each other, against question 2
    expected = np.mean([np.log(1 + np.exp(0.1 - 0.8)), np.log(1 + np.exp(0.2 - 0.8))])
    # more others asked for than there are
    for n_others in (1, 3, 9):
        found = float(sample_sample_loss(logits, label, draw, n_others))
        assert found == pytest.approx(expected)


def test_a_single_cluster_has_no_others():
    zero = sample_sample_loss(torch.zeros(2, 2), torch.tensor([0, 0]), torch.rand(2, 2), 3)
    assert float(zero) == 0


def test_every_question_is_seen_once_before_any_comes_again():
    batches = _batches(10, 5, 4, np.random.default_rng(0))
    assert [len(batch) for batch in batches] == [5, 5, 5, 5]
    assert sorted(np.concatenate(batches[:2])) == sorted(np.concatenate(batches[2:]))
    assert sorted(np.concatenate(batches[:2])) == list(range(10))
    assert len(_batches(3, 64, 7, np.random.default_rng(0))) == 7


def encoder():
    return TfidfEncoder(dim=32)


def test_training_brings_questions_near_their_llms(table):
    questions = list(table.questions)

    def margin(n_steps):
        router = RouterDC(encoder(), n_steps=n_steps, weigh=False)
        predicted = router.fit(table).predict_scores(questions)
        lead = table.scores - table.scores.mean(axis=1, keepdims=True)
        return (lead * predicted).sum(axis=1).mean()

    assert margin(60) > margin(1) + 0.02


def test_the_best_is_set_against_the_worst(table):
    table = dataclasses.replace(
        table.select(table.llms[:3]), scores=np.tile([1, 0.5, 0], (len(table), 1))
    ).canonical()
    best, worst = table.scores[0].argmax(), table.scores[0].argmin()

    def lead(n_steps):
        router = RouterDC(encoder(), n_positive=1, n_negative=1, sample_weight=0, n_steps=n_steps)
        cosines = router.fit(table)._cosines(router.encoder_.transform(table.questions))
        return (cosines[:, best] - cosines[:, worst]).mean()

    assert lead(60) > lead(1) + 0.02


def test_names_do_not_matter(table):
    """Base class sorts llms by name: reversing the names reverses what the method is given."""
    renamed = dataclasses.replace(table, llms=[f"llm {9 - j}" for j in range(table.n_llms)])
    questions = list(table.questions)
    first = RouterDC(encoder(), n_steps=20).fit(table).predict_scores(questions)
    second = RouterDC(encoder(), n_steps=20).fit(renamed).predict_scores(questions)
    np.testing.assert_allclose(first, second, atol=1e-4)


def test_scores_rise_with_the_cosine_and_are_on_the_scale_of_scores(table):
    table = table.canonical()
    router = RouterDC(encoder(), n_steps=20, weigh=False).fit(table)
    questions = list(table.questions)
    cosines = router._cosines(router.encoder_.transform(questions))
    predicted = router.predict_scores(questions)
    assert router.curve_[0] > 0
    np.testing.assert_array_equal(predicted.argmax(axis=1), cosines.argmax(axis=1))
    assert predicted.mean() == pytest.approx(table.scores.mean(), abs=0.02)


def test_where_text_tells_nothing_the_best_single_llm_is_asked():
    """One dataset, four unequal llms: the cosine alone is led astray, the means are not."""
    rng = np.random.default_rng(0)
    skill = np.array([0.3, 0.4, 0.5, 0.7])
    table = RoutingTable(
        questions=[" ".join(rng.choice(list("abcdefgh"), 4)) * 2 for _ in range(150)],
        scores=(rng.random((150, 4)) < skill).astype(float),
        llms=list("pqrs"),
        ids=[f"q{i:03}" for i in range(150)],
        datasets=["one"] * 150,
    )
    questions = list(table.questions)
    router = RouterDC(encoder(), n_steps=20).fit(table)
    assert router.share_ == 0
    np.testing.assert_allclose(
        router.predict_scores(questions), np.tile(table.scores.mean(axis=0), (150, 1)), atol=1e-6
    )
    assert set(router.route(questions)) == {3}


def test_where_topics_decide_the_means_are_moved_by_the_cosine(table):
    table = table.canonical()
    router = RouterDC(encoder(), n_steps=20).fit(table)
    assert router.share_ > 0
    cosines = router._cosines(router.encoder_.transform(list(table.questions)))
    lead = router.share_ * router.slope_ * (cosines - cosines.mean(axis=0))
    start = logit(table.scores.mean(axis=0))
    np.testing.assert_allclose(
        router.predict_scores(list(table.questions)), expit(start + lead), atol=1e-5
    )


def test_what_is_judged_was_learned_from_other_questions(table, monkeypatch):
    given = []
    monkeypatch.setattr("routers.contrastive.best_share", lambda *all: given.extend(all) or (0, 0))
    table = table.canonical()
    RouterDC(encoder(), n_steps=20).fit(table)
    expected, (lead,), scores = given
    np.testing.assert_array_equal(scores, table.scores)
    fold = inner_folds(len(table), 0)
    others = np.stack([table.scores[fold != k].mean(axis=0) for k in fold])
    np.testing.assert_allclose(expected, others, atol=1e-6)
    # it departs from an llm's mean: no llm leads on the whole
    assert (np.abs(lead.mean(axis=0)) < 0.4 * lead.std(axis=0)).all()


def test_where_all_llms_tie_the_router_still_answers(table):
    same = dataclasses.replace(table, scores=np.tile(table.scores[:, :1], (1, table.n_llms)))
    predicted = RouterDC(encoder(), n_steps=5).fit(same).predict_scores(list(table.questions))
    np.testing.assert_allclose(predicted, np.tile(predicted[:, :1], (1, table.n_llms)), atol=1e-5)


def test_it_cannot_admit(table):
    router = RouterDC(encoder(), n_steps=1).fit(table.select(table.llms[1:]))
    with pytest.raises(CannotAdmitError, match="fitted again"):
        router.admit(table.llms[0], table)


@pytest.mark.parametrize("name", ["n_positive", "n_negative", "n_clusters", "n_steps"])
def test_a_parameter_out_of_range_is_named(name, tiny):
    with pytest.raises(ValueError, match=f"'{name}'"):
        RouterDC(**{name: 0}).fit(tiny)
