"""Arrivals on outcomes of which some are missing, against a computation in plain Python."""

import dataclasses

import arrival_by_hand as by_hand
import numpy as np
import pandas as pd
import pytest

from benchmarks import arrival, arrival_drawing
from benchmarks.arrival import follow
from benchmarks.arrival_figures import basis, by_dataset, curves, leads, policies_of, shortened
from benchmarks.arrival_setting import ArrivalSetting
from benchmarks.arrival_text import to_markdown
from benchmarks.splits import Fold
from routers.table import RoutingTable

ORDER = ["f", "b", "e", "a", "d", "c", "h", "g"]  # not that of the alphabet, nor of skill
POOL = [f"p{i}" for i in range(6)]
FAMILIES = {"f": "X", "b": "Y", "e": "X", "a": "Z", "d": "Y", "c": "", "h": "X", "g": "Y"}
FAMILIES |= {"p0": "X", "p1": "X", "p2": "Y", "p3": "Z", "p4": "", "p5": "V"}
N = 60
EVEN, ODD = np.arange(0, N, 2), np.arange(1, N, 2)
FOLDS = [Fold(EVEN, ODD), Fold(ODD, EVEN)]
CARD, LABEL = {"card": by_hand.Parity(examines=True)}, {"label": by_hand.Parity()}


def full_table(seed: int) -> RoutingTable:
    rng = np.random.default_rng(seed)
    names = [*ORDER, *POOL]
    level = rng.uniform(0.2, 0.8, size=(2, len(names)))
    side = rng.integers(10, size=N)
    scores = rng.random((N, len(names))) < level[side % 2]
    return RoutingTable(
        questions=[f"question {i:02}, {digit}" for i, digit in enumerate(side)],
        scores=np.where(rng.random(scores.shape) < 0.2, 0.5, scores),
        llms=names,
        ids=[f"q{i:02}" for i in range(N)],
        datasets=rng.choice(["one", "two", "three"], size=N),
    )


def with_holes(table: RoutingTable, seed: int) -> RoutingTable:
    """Drop outcomes at random, by llm, by dataset, by fold and by question."""
    rng = np.random.default_rng(seed)
    scores = table.scores.copy()
    scores[rng.random(scores.shape) < 0.1] = np.nan
    sparse, unseen_in_a_fold, one_dataset, nowhere = rng.choice(ORDER, size=4, replace=False)
    place = {llm: j for j, llm in enumerate(table.llms)}
    scores[rng.random(N) < 0.45, place[sparse]] = np.nan
    scores[EVEN, place[unseen_in_a_fold]] = np.nan
    scores[table.datasets == "two", place[one_dataset]] = np.nan
    scores[:, place[nowhere]] = np.nan
    scores[rng.choice(N, size=3, replace=False)] = np.nan
    return dataclasses.replace(table, scores=scores)


def setting_of(table: RoutingTable, families=FAMILIES) -> ArrivalSetting:
    return ArrivalSetting(table.select(ORDER), table.select(POOL), ORDER, families, by_hand.KEEP)


def rows_of(table: RoutingTable, families=FAMILIES) -> pd.DataFrame:
    return follow(setting_of(table, families), FOLDS, CARD, LABEL)


def expected_of(table: RoutingTable):
    """The same by hand: {(step, question): scores or None}, {(step, question): why not}."""
    text = dict(zip(table.ids, table.questions, strict=True))
    outcomes = {
        (text[name], llm): float(score)
        for name, of_question in zip(table.ids, table.scores, strict=True)
        for llm, score in zip(table.llms, of_question, strict=True)
        if score == score
    }
    dataset = dict(zip(table.questions, table.datasets, strict=True))
    name = {question: key for key, question in text.items()}
    rows, reasons = {}, {}
    for fold in FOLDS:
        train, test = ([text[i] for i in table.ids[part]] for part in (fold.train, fold.test))
        found, why = by_hand.follow_fold(outcomes, dataset, train, test, ORDER, POOL, FAMILIES)
        rows |= {(step, name[q]): row for (step, q), row in found.items()}
        reasons |= {(step, name[q]): why.get(step, "") for step, q in found}
    return rows, reasons


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("holes", [False, True])
def test_every_column_by_hand(seed, holes):
    table = full_table(seed)
    table = with_holes(table, seed) if holes else table
    rows = rows_of(table).set_index(["step", "question_id"])
    expected, reasons = expected_of(table)
    found = rows.to_dict("index")
    assert set(found) == set(expected)
    assert list(rows.columns[-6:]) == ["card", "label", *arrival.REFERENCES]
    for key, by_policy in expected.items():
        row = found[key]
        assert row["newcomer"] == ORDER[key[0] - 1]
        if by_policy is None:
            assert reasons[key] in row["left_out"]
            assert row["left_out"] == arrival.NOT_OBSERVED or reasons[key]
            assert np.isnan([row[name] for name in policies_of(rows)]).all()
        else:
            assert row["left_out"] == ""
            for name, value in by_policy.items():
                assert row[name] == (value if name == "zoo" else pytest.approx(value))


@pytest.mark.parametrize("seed", range(3))
def test_leads_by_hand(seed):
    table = with_holes(full_table(seed), seed)
    dataset = dict(zip(table.ids, table.datasets, strict=True))
    expected, _ = expected_of(table)
    score = {}
    for policy in ("card", "label", *arrival.REFERENCES):
        by_question = {}
        for (_, question), row in expected.items():
            if row:
                by_question.setdefault(question, []).append(row[policy])
        score[policy] = by_hand.macro(
            {q: by_hand.mean(values) for q, values in by_question.items()}, dataset
        )
    found = leads(rows_of(table), over="label", n_replicates=200)
    assert list(found.index) == list(score)
    for policy, row in found.iterrows():
        assert row["score"] == pytest.approx(score[policy])
        assert row["lead"] == pytest.approx(score[policy] - score["label"])
        assert row["low"] <= row["lead"] <= row["high"]
    assert found.loc["label", ["low", "high"]].tolist() == [0, 0]


def test_what_figures_rest_on_by_hand():
    table = with_holes(full_table(1), 1)
    rows, (expected, _) = rows_of(table), expected_of(table)
    counted = {key: row for key, row in expected.items() if row}
    found = basis(rows)
    assert found.pairs == (len(counted), len(expected))
    assert found.arrivals == (len({step for step, _ in counted}), len({s for s, _ in expected}))
    assert found.questions == (len({q for _, q in counted}), N)
    assert found.datasets == (3, 3)
    assert found.llms == len({llm for row in counted.values() for llm in row["zoo"]})
    outcomes = [(row["n_observed"], len(row["zoo"])) for row in counted.values()]
    assert found.outcomes == tuple(map(sum, zip(*outcomes, strict=True)))
    assert found.choices == sum(observed > 1 for observed, _ in outcomes)
    parts = by_dataset(rows)
    sums = parts[["n_compared", "n_tested", "n_observed", "n_possible"]].sum()
    assert tuple(sums) == (*found.pairs, *found.outcomes)
    short = shortened(rows).reset_index()
    for row in short.to_dict("records"):
        of_step = {q: value for (step, q), value in expected.items() if step == row["step"]}
        assert row["tested"] == len(of_step)
        assert row["compared"] == sum(value is not None for value in of_step.values())
    everybody = {step for step, _ in expected}
    whole = everybody - {step for (step, _), row in expected.items() if not row}
    assert set(short["step"]) == everybody - whole


def test_a_curve_is_unknown_where_a_dataset_is_missing():
    table = full_table(0)
    scores = table.scores.copy()
    scores[table.datasets == "two", ORDER.index("e")] = np.nan
    rows = rows_of(dataclasses.replace(table, scores=scores))
    found = curves(rows)
    assert found.loc[3].isna().all()
    assert found.drop(index=[3, ORDER.index("c") + 1]).notna().all(axis=None)
    parts = rows[rows["step"] == 2].groupby("dataset")["card"].mean()
    assert found.loc[2, "card"] == pytest.approx(parts.mean())


def test_what_is_left_out_is_named():
    table = full_table(0)
    scores = table.scores.copy()
    scores[:, ORDER.index("a")] = np.nan
    scores[0, ORDER.index("b")] = np.nan
    text = to_markdown(rows_of(dataclasses.replace(table, scores=scores)), by_hand.KEEP, ["card"])
    assert text.startswith("Mean over 5 arrivals")  # of seven: not "a", nor "c" of no family
    assert "rests on 5 of 7 arrivals, 7 llms, 60 of 60 questions from 3 of 3 datasets" in text
    assert f"| 2 | b | 59 of 60 | {arrival.NOT_OBSERVED} (1) |" in text
    assert f"| 4 | a | 0 of 60 | {arrival.NO_OUTCOME} (60) |" in text
    assert f"| 6 | c | 0 of 60 | {arrival.NO_FAMILY} (60) |" in text
    assert "nothing to choose" not in text
    known = FAMILIES | {"c": "V"}
    assert "not at all" not in to_markdown(rows_of(table, known), by_hand.KEEP, ["card"])


def test_who_arrives_before_all_others_meets_nobody():
    table = full_table(0)
    scores = table.scores.copy()
    scores[:, 0] = np.nan
    short = shortened(rows_of(dataclasses.replace(table, scores=scores)))
    assert short.loc[(1, "f"), arrival.NO_OUTCOME] == N
    assert short.loc[(2, "b"), arrival.NOBODY_BEFORE] == N


def test_a_log_leaves_nothing_to_choose():
    """Each question was answered by one llm: all policies score the same, and the table says so."""
    table = full_table(0)
    chosen = np.random.default_rng(0).integers(len(ORDER), size=N)
    scores = np.where(np.arange(len(table.llms)) == chosen[:, None], table.scores, np.nan)
    scores[:, len(ORDER) :] = table.scores[:, len(ORDER) :]
    rows = rows_of(dataclasses.replace(table, scores=scores))
    assert basis(rows).pairs[0] == 0  # nobody has taken half of a test
    assert arrival.NO_CARD in to_markdown(rows, by_hand.KEEP, ["card"])
    scores = table.scores.copy()
    scores[np.ix_(ODD, range(len(ORDER)))] = scores[np.ix_(ODD, range(len(ORDER)))] * np.where(
        np.arange(len(ORDER)) == chosen[ODD, None], 1, np.nan
    )
    logged = dataclasses.replace(table, scores=scores)
    rows = follow(setting_of(logged), FOLDS[:1], CARD, LABEL)
    assert basis(rows).choices == 0
    assert leads(rows, n_replicates=100)["lead"].abs().max() < 1e-7
    assert "there is nothing to choose" in to_markdown(rows, by_hand.KEEP, ["card"])


def test_where_nothing_can_be_compared_figures_are_dashes(tmp_path):
    rows = rows_of(full_table(0), families={})
    assert set(rows["left_out"]) == {arrival.NO_FAMILY}
    assert leads(rows).isna().all(axis=None)
    text = to_markdown(rows, by_hand.KEEP, ["card"])
    assert text.startswith("Mean over 0 arrivals")
    assert "| card | – | – |" in text  # noqa: RUF001 - a dash, not a minus
    arrival_drawing.curves_picture(curves(rows), "card", tmp_path / "curves")
    arrival_drawing.leads_picture(leads(rows), tmp_path / "leads")


def test_strangers_without_training_outcomes_are_none():
    table = full_table(0)
    scores = table.scores.copy()
    scores[:, len(ORDER) :] = np.nan
    rows = rows_of(dataclasses.replace(table, scores=scores))
    known = rows[rows["newcomer"] != "c"]
    assert set(known["left_out"]) == {arrival.NO_STRANGERS}


def test_missing_costs_change_nothing():
    table = full_table(2)
    costs = np.random.default_rng(0).random(table.scores.shape)
    costs[costs < 0.5] = np.nan
    pd.testing.assert_frame_equal(rows_of(dataclasses.replace(table, costs=costs)), rows_of(table))


@pytest.mark.parametrize("name", ["oracle", "left_out", "label"])
def test_policies_have_names_of_their_own(name):
    with pytest.raises(ValueError, match=rf"\['{name}'\] more than once"):
        follow(setting_of(full_table(0)), FOLDS, {name: CARD["card"]}, LABEL)
    with pytest.raises(ValueError, match="at least one router"):
        follow(setting_of(full_table(0)), FOLDS, {}, LABEL)


def test_what_does_not_count_for_one_policy_counts_for_none():
    rows = rows_of(full_table(0), FAMILIES | {"c": "V"})
    policies, two = policies_of(rows), rows["dataset"] == "two"
    first = rows["question_id"] == rows["question_id"].iloc[0]
    rows.loc[first, "oracle"] = np.nan
    rows.loc[two, policies] = np.nan
    found = leads(rows, n_replicates=100)
    pd.testing.assert_frame_equal(found, leads(rows[~first & ~two], n_replicates=100))
    assert found.notna().all(axis=None)


def test_the_first_llm_s_family_examines_nobody():
    """It meets nobody, so no router is fitted for it, and no other llm is asked its test."""
    families = FAMILIES | {"f": "W", "e": "Z", "h": "Z"}
    table = full_table(0)
    scores = table.scores.copy()
    for fold in FOLDS:  # all other families leave four strangers, which ask the even places
        scores[fold.train[1::2], ORDER.index("d")] = np.nan
    rows = rows_of(dataclasses.replace(table, scores=scores), families)
    assert set(rows.loc[rows["newcomer"] == "d", "left_out"]) == {"", arrival.NOT_OBSERVED}
