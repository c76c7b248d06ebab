"""The linear probe: shares of variance by hand, what is drawn, what is refused."""

import numpy as np
import pandas as pd
import pytest
from test_ceiling_missing import FOLDS, TwoNumbers, errors_of, random_table, with_scores

from benchmarks.ceiling import explained, squared_errors
from routers.validation import InvalidParameterError

NAN = np.nan
COUNTS = ["n_train", "n_questions", "n_tested", "n_llms", "n_observed", "n_possible"]
SHARES = ["dataset", "text", "low", "high"]


@pytest.fixture
def errors() -> pd.DataFrame:
    """The dataset halves the error on difficulty, the text halves it again; nobody differs."""
    return pd.DataFrame(
        {
            "n_train": [10, 10, 20, 20],
            "n_llms": [3, 3, 4, 4],
            "n_observed": [3, 2, 4, 1],
            "difficulty/nothing": [1.0, 2.0, 4.0, NAN],
            "difficulty/dataset": [0.5, 1.0, 2.0, NAN],
            "difficulty/text": [0.25, 0.5, 1.0, NAN],
            "contrast/nothing": [0.0, 0.0, 0.0, NAN],
            "contrast/dataset": [0.0, 0.0, 0.0, NAN],
            "contrast/text": [0.0, 0.0, 0.0, NAN],
        }
    )


@pytest.mark.filterwarnings("error")
def test_shares_by_hand(errors):
    found = explained(errors)
    assert list(found) == [*COUNTS, *(f"difficulty_{x}" for x in SHARES)] + [
        f"contrast_{x}" for x in SHARES
    ]
    assert [found[name] for name in COUNTS] == [15, 3, 4, 3, 9, 10]
    assert [found[f"difficulty_{x}"] for x in SHARES] == [0.5, 0.25, 0.25, 0.25]
    assert np.isnan([found[f"contrast_{x}"] for x in SHARES]).all()


@pytest.mark.filterwarnings("error")
def test_where_no_question_counts_nothing_is_known(errors):
    found = explained(errors.iloc[3:])
    assert [found[name] for name in COUNTS] == [20, 0, 1, 0, 0, 0]
    assert np.isnan([value for name, value in found.items() if name not in COUNTS]).all()


def test_intervals_are_drawn_1000_times_from_the_seed():
    errors = errors_of(random_table(0))
    found = explained(errors)
    assert found == explained(errors, n_replicates=1000, seed=0)
    assert found["contrast_low"] < found["contrast_text"] < found["contrast_high"]
    for other in ({"seed": 1}, {"n_replicates": 999}):
        assert found["contrast_low"] != explained(errors, **other)["contrast_low"]
    assert explained(errors, n_replicates=1)["contrast_text"] == found["contrast_text"]
    for wrong in ({"n_replicates": 0}, {"seed": -1}):
        with pytest.raises(InvalidParameterError, match=next(iter(wrong))):
            explained(errors, **wrong)


def test_the_training_questions_are_drawn_from_the_seed():
    def drawn(**arguments) -> pd.DataFrame:
        return squared_errors(random_table(0), TwoNumbers(), FOLDS[:1], share=0.5, **arguments)

    pd.testing.assert_frame_equal(drawn(), drawn(random_state=0))
    assert (drawn()["contrast/text"] != drawn(random_state=1)["contrast/text"]).any()
    with pytest.raises(InvalidParameterError, match="random_state"):
        drawn(random_state=-1)


def test_two_questions_are_learned_from_at_least():
    found = squared_errors(random_table(0), TwoNumbers(), FOLDS, share=0.01)
    assert (found["n_train"] == 2).all()


@pytest.mark.filterwarnings("error")
def test_a_row_per_test_question_numbered_from_0_also_where_nobody_can_be_compared():
    table = random_table(0)
    scores = table.scores.copy()
    scores[FOLDS[0].train, 1:] = NAN
    found = errors_of(with_scores(table, scores))
    assert list(found.index) == list(range(48))
    first = found.iloc[:24]
    assert (first["n_llms"] == 0).all()
    assert (first["n_observed"] == 0).all()
    of_errors = [name for name in found if "/" in name]
    assert len(of_errors) == 6
    assert {str(kind) for kind in found[of_errors].dtypes} == {"float64"}
    assert first[of_errors].isna().all(axis=None)
