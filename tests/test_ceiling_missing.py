"""The linear probe on outcomes of which some are missing, against a slow computation."""

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from benchmarks.ceiling import PARTS, explained, squared_errors
from benchmarks.contrasts import squared_errors_of, take_apart
from benchmarks.experiments.ceiling import draw, text_of
from benchmarks.splits import Fold
from routers.encoders import Encoder
from routers.table import RoutingTable

NAN = np.nan
N, M = 48, 4
PENALTIES = 10 ** np.arange(-1, 4.5, 0.5)
FOLDS = [Fold(np.arange(0, N, 2), np.arange(1, N, 2)), Fold(np.arange(1, N, 2), np.arange(0, N, 2))]


class TwoNumbers(Encoder):
    """Reads the two numbers that a question consists of."""

    def fit(self, texts):
        return self

    def transform(self, texts):
        return np.array([[float(word) for word in text.split()] for text in texts])


def random_table(seed: int, missing: float = 0.0) -> RoutingTable:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(N, 2))
    logits = vectors @ rng.normal(size=(2, M)) + rng.normal(size=M)
    scores = (rng.random((N, M)) < 1 / (1 + np.exp(-2 * logits))).astype(float)
    return RoutingTable(
        questions=[f"{x:.6f} {y:.6f}" for x, y in vectors],
        scores=np.where(rng.random(scores.shape) < missing, NAN, scores),
        llms=list("abcd"),
        ids=[f"q{i:02}" for i in range(N)],
        datasets=rng.choice(["one", "two", "three"], size=N),
    )


def errors_of(table: RoutingTable) -> pd.DataFrame:
    return squared_errors(table, TwoNumbers(), FOLDS)


def with_scores(table: RoutingTable, scores: np.ndarray) -> RoutingTable:
    return dataclasses.replace(table, scores=scores)


def test_errors_hold_groups_if_there_are_any():
    table = random_table(0)
    groups = [f"g{i // 5}" for i in range(N)]
    found = errors_of(dataclasses.replace(table, groups=groups))
    assert found["group"].tolist() == [groups[i] for fold in FOLDS for i in fold.test]
    pd.testing.assert_frame_equal(found.drop(columns="group"), errors_of(table))


# By hand -----------------------------------------------------------------------------------------


def ridge(x, y, penalty):
    """Return (intercept, weights) by the normal equations of centered data."""
    center, level = x.mean(axis=0), y.mean()
    z = x - center
    weights = np.linalg.solve(z.T @ z + penalty * np.eye(x.shape[1]), z.T @ (y - level))
    return level - center @ weights, weights


def read_by_hand(x, y, x_test):
    """Choose the penalty by leaving each training question out in turn; predict the test ones."""
    known = ~np.isnan(y)
    x, y = x[known], y[known]
    if len(y) < 2:
        return np.zeros(len(x_test))

    def left_out(penalty):
        errors = []
        for i in range(len(y)):
            level, weights = ridge(np.delete(x, i, 0), np.delete(y, i), penalty)
            errors.append((y[i] - level - x[i] @ weights) ** 2)
        return np.mean(errors)

    level, weights = ridge(x, y, min(PENALTIES, key=left_out))
    return level + x_test @ weights


def predict_by_hand(targets, learn, judge):
    """Return {what: predictions (n_test,)} of one target."""
    known = ~np.isnan(targets)
    overall = targets[known].mean()

    def of(name):
        if name not in set(learn.datasets):
            return overall
        inside = targets[known & (learn.datasets == name)]
        return (inside.sum() + overall) / (len(inside) + 1)

    x, x_test = (TwoNumbers().transform(part.questions) for part in (learn, judge))
    dataset = np.array([of(name) for name in judge.datasets])
    left = targets - np.array([of(name) for name in learn.datasets])
    text = dataset + read_by_hand(x, left, x_test)
    return {"nothing": np.full(len(judge), overall), "dataset": dataset, "text": text}


@pytest.mark.parametrize("missing", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("seed", range(2))
def test_every_column_by_hand(seed, missing):
    check_every_column(random_table(seed, missing))


def test_what_is_rare_by_hand():
    """An llm known from one or two training questions; a dataset that no training question has."""
    table = random_table(0)
    scores, datasets = table.scores.copy(), table.datasets.copy()
    scores[FOLDS[0].train[1:], 3] = NAN
    scores[FOLDS[1].train[2:], 2] = NAN
    datasets[FOLDS[0].test[:3]] = "elsewhere"
    check_every_column(dataclasses.replace(table, scores=scores, datasets=datasets))


def check_every_column(table: RoutingTable) -> None:
    rows = errors_of(table)
    start = 0
    for fold in FOLDS:
        learn, judge = table.rows(fold.train), table.rows(fold.test)
        found = rows.iloc[start : start + len(judge)]
        start += len(judge)
        difficulty, contrasts = take_apart(learn.scores)
        of_difficulty = predict_by_hand(difficulty[:, 0], learn, judge)
        of_llm = [predict_by_hand(contrasts[:, j], learn, judge) for j in range(M)]
        assert (found["n_train"] == len(learn)).all()
        assert (found["n_llms"] == M).all()
        assert list(found["n_observed"]) == [sum(s == s for s in row) for row in judge.scores]
        for what in ("nothing", "dataset", "text"):
            predicted = np.stack([of_one[what] for of_one in of_llm], axis=1)
            expected = squared_errors_of(judge.scores, of_difficulty[what][:, None], predicted)
            for part, values in zip(PARTS, expected, strict=True):
                np.testing.assert_allclose(
                    found[f"{part}/{what}"], values, atol=1e-6
                )  # means of part are in float32


def test_shares_by_hand():
    errors = errors_of(random_table(0, 0.1))
    found = explained(errors, n_replicates=200)
    counted = errors[errors["n_observed"] > 1]
    assert found["n_questions"] == len(counted) < found["n_tested"] + 1
    assert found["n_observed"] == counted["n_observed"].sum()
    assert found["n_possible"] == M * len(counted)
    assert (found["n_llms"], found["n_train"]) == (M, N / 2)
    for part in PARTS:
        nothing, dataset, text = (
            sum(counted[f"{part}/{what}"]) for what in ("nothing", "dataset", "text")
        )
        assert found[f"{part}_dataset"] == pytest.approx(1 - dataset / nothing)
        assert found[f"{part}_text"] == pytest.approx((dataset - text) / nothing)
        assert found[f"{part}_low"] < found[f"{part}_text"] < found[f"{part}_high"]


# Patterns of what is missing ---------------------------------------------------------------------


def test_an_llm_that_was_never_observed_counts_for_nothing():
    table = random_table(1, 0.1)
    scores = np.hstack([table.scores, np.full((N, 1), NAN)])
    wider = RoutingTable(
        questions=table.questions,
        scores=scores,
        llms=list("abcde"),
        ids=table.ids,
        datasets=table.datasets,
    )
    assert explained(errors_of(wider)) == explained(errors_of(table))


def test_an_llm_without_training_outcomes_is_not_judged():
    table = random_table(1)
    scores = table.scores.copy()
    scores[FOLDS[0].train, 0] = NAN
    rows = errors_of(with_scores(table, scores))
    assert list(rows["n_llms"].unique()) == [M - 1, M]
    first = rows.iloc[: len(FOLDS[0].test)]
    alone = squared_errors(table.select(["b", "c", "d"]), TwoNumbers(), FOLDS[:1])
    pd.testing.assert_frame_equal(first, alone)
    assert explained(rows)["n_llms"] == M - 1


def unknown(found: dict[str, float]) -> bool:
    return all(np.isnan(found[f"{part}_{what}"]) for part in PARTS for what in ("dataset", "text"))


@pytest.mark.parametrize("pattern", ["log", "nothing", "two groups", "constant"])
def test_what_cannot_be_told_is_unknown(pattern, tmp_path):
    table = random_table(2)
    scores = table.scores.copy()
    if pattern == "log":  # every question was answered by one llm
        scores[np.arange(M) != np.arange(N)[:, None] % 3] = NAN
    elif pattern == "nothing":
        scores[:] = NAN
    elif pattern == "two groups":  # which is better, or has easier questions?
        scores[: N // 2, :2] = NAN
        scores[N // 2 :, 2:] = NAN
    else:
        scores[:] = 0.3
    found = explained(errors_of(with_scores(table, scores)))
    assert unknown(found)
    assert found["n_questions"] == (N if pattern == "constant" else 0)
    rows = pd.DataFrame([{"encoder": "numbers"} | found])
    about = {"data": "Numbers", "zoo": "all", "n_questions": N, "n_llms": M}
    line = text_of(rows, about).splitlines()[-1]
    assert line.endswith("| – | – | – | – |")  # noqa: RUF001 - a dash, not a minus
    figure, panels = plt.subplots(1, 2)
    draw(panels, rows)
    figure.savefig(tmp_path / "ceiling.png")
    plt.close(figure)


def test_no_share_of_a_variance_that_may_be_noise():
    """All questions are as difficult; what holes make of that has no share to explain."""
    table = random_table(3)
    one_right = np.eye(M)[np.random.default_rng(0).integers(M, size=N)]
    for seed in range(5):
        holes = np.random.default_rng(seed).random((N, M)) < 0.3
        found = explained(errors_of(with_scores(table, np.where(holes, NAN, one_right))))
        assert np.isnan(found["difficulty_text"])
        assert not np.isnan(found["contrast_text"])


def test_a_dataset_of_one_question():
    table = random_table(4, 0.1)
    datasets = table.datasets.copy()
    datasets[0], datasets[1] = "alone", "lonely"
    found = explained(errors_of(dataclasses.replace(table, datasets=datasets)))
    assert not unknown(found)


def test_figures_are_close_to_those_of_complete_outcomes():
    rng = np.random.default_rng(0)
    tables = [random_table(seed) for seed in range(8)]
    whole = [explained(errors_of(table)) for table in tables]
    holed = [
        explained(
            errors_of(with_scores(table, np.where(rng.random((N, M)) < 0.1, NAN, table.scores)))
        )
        for table in tables
    ]
    for part in PARTS:
        mean = [np.nanmean([found[f"{part}_text"] for found in many]) for many in (whole, holed)]
        assert mean[1] == pytest.approx(mean[0], abs=0.05)


def test_nothing_is_chosen_on_test_outcomes():
    """Other outcomes of one test question change the errors on it, and on no other."""
    table = random_table(5)
    scores = table.scores.copy()
    changed = FOLDS[0].test[3]
    scores[changed] = 1 - scores[changed]
    before, after = (
        squared_errors(with_scores(table, of), TwoNumbers(), FOLDS[:1])
        for of in (table.scores, scores)
    )
    others = np.arange(len(before)) != 3
    pd.testing.assert_frame_equal(before[others], after[others])
    assert (before.loc[3] != after.loc[3]).any()
