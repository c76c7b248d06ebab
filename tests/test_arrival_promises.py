"""What holds at every arrival: what is chosen on which questions, and how rows are told apart."""

import dataclasses

import arrival_by_hand as by_hand
import numpy as np
import pandas as pd
from test_arrival_missing import (
    CARD,
    EVEN,
    FAMILIES,
    FOLDS,
    LABEL,
    ODD,
    ORDER,
    full_table,
    rows_of,
    setting_of,
)

from benchmarks.arrival import NO_FAMILY, NOT_OBSERVED, REFERENCES, follow
from benchmarks.arrival_figures import policies_of
from routers.table import RoutingTable


def changed(table: RoutingTable, llm: str, questions: np.ndarray, to: float) -> RoutingTable:
    scores = table.scores.copy()
    scores[questions, list(table.llms).index(llm)] = to
    return dataclasses.replace(table, scores=scores)


def first_fold(table: RoutingTable) -> pd.DataFrame:
    """Follow the arrivals of a fold that trains on the even questions."""
    return follow(setting_of(table), FOLDS[:1], CARD, LABEL)


def test_the_best_single_llm_is_chosen_on_training_questions():
    """ "f" is always right where one learns and always wrong where one is judged, "b" never so."""
    table = full_table(0)
    for llm, on_training in (("f", 1), ("b", 0), ("e", 0)):
        table = changed(changed(table, llm, EVEN, on_training), llm, ODD, 1 - on_training)
    rows = first_fold(table)
    met = rows[rows["newcomer"].isin(["b", "e"])]
    assert (met["best_single"] == 0).all()
    assert (met["newcomer_alone"] == 1).all()


def test_a_router_of_labels_knows_the_newcomer_from_its_aptitude_test_alone():
    """What the newcomer scores on other training questions changes no choice at its arrival."""
    table, newcomer = full_table(0), "e"

    def reached(of: RoutingTable) -> list[list[float]]:
        rows = first_fold(of)
        return rows.loc[rows["newcomer"] == newcomer, ["card", "label"]].to_numpy().tolist()

    n_strangers = sum(FAMILIES[f"p{i}"] not in ("", FAMILIES[newcomer]) for i in range(6))
    is_asked = np.isin(table.ids[EVEN], by_hand.asked_by(table.ids[EVEN].tolist(), n_strangers))
    assert is_asked.sum() == len(EVEN) / 2
    for to in (0, 1):
        assert reached(changed(table, newcomer, EVEN[~is_asked], to)) == reached(table)
    assert reached(changed(table, newcomer, EVEN[is_asked], 0)) != reached(table)


def test_a_row_per_arrival_and_question_numbered_from_0():
    rows = rows_of(full_table(0))
    assert list(rows.index) == list(range(7 * 60))
    assert policies_of(rows) == ["card", "label", *REFERENCES]
    unknown = rows[rows["left_out"] == NO_FAMILY]
    assert set(unknown["newcomer"]) == {"c"}
    assert set(unknown["zoo"]) == {()}
    assert set(unknown["n_observed"]) == {0}


def test_the_first_who_meets_somebody_may_be_of_a_family_of_its_own():
    rows = rows_of(full_table(0), FAMILIES | {"b": "U"})
    assert set(rows.loc[rows["newcomer"] == ORDER[1], "left_out"]) <= {"", NOT_OBSERVED}


def test_rows_hold_groups_if_there_are_any():
    table = full_table(0)
    groups = [f"g{i // 2}" for i in range(len(table))]
    rows = first_fold(dataclasses.replace(table, groups=groups))
    of_question = dict(zip(table.ids, groups, strict=True))
    assert rows["group"].tolist() == [of_question[name] for name in rows["question_id"]]
    assert set(rows["left_out"]) > {""}  # in rows that count and in others
    pd.testing.assert_frame_equal(rows.drop(columns="group"), first_fold(table))
    assert policies_of(rows) == ["card", "label", *REFERENCES]
