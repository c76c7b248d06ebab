"""The fine-tuned transformer on a tiny random encoder."""

import dataclasses

import numpy as np
import pytest

from routers.transformer import MultiLabelTransformerRouter, _load_backbone, balanced_weights


@pytest.fixture
def build(tiny_encoder):
    def build(**changes):
        given = {"path": str(tiny_encoder), "epochs": 1, "batch_size": 16, "max_tokens": 24}
        return MultiLabelTransformerRouter(**(given | changes))

    return build


def test_it_learns_from_the_text(build, table):
    """First letters tell the topics apart, even to a tiny random encoder."""
    words = {"birds": "aaaa aaaa", "ships": "zzzz zzzz", "bread": "9999 9999"}
    plain = dataclasses.replace(
        table,
        questions=[words[name] for name in table.datasets],
        scores=np.eye(4)[[list(words).index(name) for name in table.datasets]],
    )
    router = build(epochs=8, patience=8, head_learning_rate=0.05).fit(plain)
    assert list(router.predict_scores(list(words.values())).argmax(axis=1)) == [0, 1, 2]
    losses = router.history_["validation"]
    assert router.history_["best_epoch"] == 1 + int(np.argmin(losses))
    assert min(losses) < losses[0]


def test_before_learning_llms_rank_by_their_means_even_if_none_is_likely(build, table):
    scores = np.zeros(table.scores.shape)
    for column, n_right in enumerate((2, 9, 4, 3)):  # all logits far below zero; column 1 best
        scores[:n_right, column] = 1
    rarely = dataclasses.replace(table, scores=scores)
    router = build(learning_rate=0.0, head_learning_rate=0.0).fit(rarely)
    predicted = router.predict_scores(list(table.questions[:3]))
    assert (predicted < 0.5).all()
    np.testing.assert_allclose(predicted, [scores.mean(axis=0)] * 3, atol=2e-6)
    assert list(router.route(list(table.questions[:3]))) == [1, 1, 1]


def test_only_the_layers_asked_for_are_trained_and_pretrained_weights_stay(
    build, table, tiny_encoder
):
    backbone = _load_backbone(str(tiny_encoder), None)
    every = backbone.trainable(None)
    before = {name: value.detach().clone() for name, value in backbone.copies(every).items()}
    last = build(trainable_layers=1).fit(table)
    assert {name.split(".")[2] for name in last.weights_ if name.startswith("encoder")} == {"1"}
    assert set(build(trainable_layers=0).fit(table).weights_) == {
        "multilabel_head.weight",
        "multilabel_head.bias",
    }
    whole = build(trainable_layers=None).fit(table)
    assert set(every) < set(whole.weights_)
    moved = "encoder.layer.0.output.dense.weight"
    assert (whole.weights_[moved] != before[moved].numpy()).any()
    for name, value in backbone.copies(every).items():
        np.testing.assert_array_equal(value.detach().numpy(), before[name].numpy())


def test_questions_are_cut_at_max_tokens(build, table):
    router = build(max_tokens=6).fit(table)
    first, second = router.predict_scores(["abcd" + "x" * 40, "abcd" + "y" * 40])
    np.testing.assert_array_equal(first, second)


def test_unobserved_labels_are_masked(build, table):
    scores = table.scores.copy()
    scores[::2, 0] = np.nan
    whole = dataclasses.replace(table, scores=np.nan_to_num(scores))
    router = build(learning_rate=0.0, head_learning_rate=0.0)
    masked = router.fit(dataclasses.replace(table, scores=scores)).predict_scores(["x"])[0, 0]
    assert masked == pytest.approx(np.nanmean(scores[:, 0]), abs=1e-5)
    assert masked > router.fit(whole).predict_scores(["x"])[0, 0] + 0.1


def test_balanced_weights_by_hand(build, table):
    np.testing.assert_allclose(
        balanced_weights(np.array([[1, 1], [0, 1], [np.nan, 0], [np.nan, 1]])), [1.25, 0.625 / 0.75]
    )
    scores = table.scores.copy()
    scores[:, 0] = 0
    scores[:9, 0] = 1
    rare = dataclasses.replace(table, scores=scores)
    question = list(table.questions[:1])
    given = {"epochs": 4, "head_learning_rate": 0.02}
    plain = build(**given).fit(rare).predict_scores(question)[0, 0]
    assert build(loss="balanced", **given).fit(rare).predict_scores(question)[0, 0] > plain


def test_the_global_generator_is_left_alone(build, table):
    import torch

    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    build().fit(table)
    assert torch.rand(1) == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": "focal"}, "must be one of 'bce' or 'balanced'"),
        ({"epochs": 0}, "'epochs'"),
        ({"validation_fraction": 1}, "'validation_fraction'"),
        ({"trainable_layers": -1}, "'trainable_layers'"),
    ],
)
def test_bad_parameters_are_refused_in_fit(build, change, message, table):
    with pytest.raises(ValueError, match=message):
        build(**change).fit(table)
