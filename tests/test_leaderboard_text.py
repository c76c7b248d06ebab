"""What the leaderboard shows as text: lines written out by hand from figures that are given."""

import pandas as pd
import pytest
from board_rows import NAN, REFERENCES, row

from benchmarks.leaderboard_text import to_field_markdown, to_markdown
from benchmarks.writing import DASH


def lines(*rows):
    """Return the lines of the table that begin with a router, a floor or a bound."""
    text = to_markdown(pd.DataFrame(rows))
    return [line for line in text.splitlines() if line.startswith(("| *", "| **"))]


def line_of(title, *rows):
    (found,) = [line for line in lines(*rows) if line.startswith(f"| {title} |")]
    return found


def head(*rows):
    """Return what stands above the table."""
    return to_markdown(pd.DataFrame(rows)).split("\n\n| router")[0]


def test_a_table_is_in_the_order_of_scores():
    assert lines(row()) == [
        "| *oracle* (bound) | 0 |  | 0.900 | +1.00 | +0.300 | 2 |  |  |  |",
        "| *oracle without lucky guesses* (bound) | 0 |  | 0.800 | +0.75 | +0.200 "
        f"| {DASH} |  |  |  |",
        "| **mine** | 0 | a | 0.700 [0.650, 0.750] | +0.50 [+0.25, +0.75] "
        "| +0.100 [+0.050, +0.150] | 1.25 | 1.50 | 0.25 | 12,345 |",
        "| *dataset-best, told the dataset* | 0 |  | 0.625 | +0.31 | +0.025 | 2.5 |  |  |  |",
        "| *recognised dataset* (floor) | 0 |  | 0.600 | +0.25 | +0.000 | 2.25 |  |  |  |",
        "| *best single, chosen on train* (floor) | 0 |  | 0.500 | +0.00 | -0.100 | 3 |  |  |  |",
        "| *random, analytic* (floor) | 0 |  | 0.400 | -0.25 | -0.200 | 1.5 |  |  |  |",
        "| *cheapest* (floor) | 0 |  | 0.300 | -0.50 | -0.300 | 1 |  |  |  |",
    ]


def test_above_the_table_stands_what_it_rests_on():
    assert head(row()).startswith(
        "# Leaderboard\n\n## made_up, zoo all, split holdout\n\n"
        "1,200 questions, 3 llms, 3,600 outcomes, 1 seed(s), data da7a, settings 5e77; cost in "
        "USD; brackets hold 95% intervals over questions"
    )
    found = head(row(settings="test_share=0.5", remarks="Some are left out."))
    assert "split holdout (test_share=0.5)\n\nSome are left out.\n\n1,200 questions" in found


def test_routers_may_rest_on_different_numbers():
    few = row(router="few", n_seeds=4, n_questions=900, n_outcomes=2000)
    found = head(row(), few)
    expected = "900 to 1,200 questions, 3 llms, 2,000 to 3,600 of 3,600 outcomes, 1 to 4 seed(s)"
    assert expected in found
    assert "3,000 of 3,600 outcomes" in head(row(n_outcomes=3000))


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"cost": 1.25, "cost_known": 1.0}, "; cost in USD; "),
        ({"cost_known": 0.25}, "; cost in USD, known in part; "),
        ({"cost_known": 0.0}, "; no costs are known; "),
        ({"cost_cheapest": 1.0, "cost_known": 0.0}, "; cost in USD; "),
    ],
)
def test_what_costs_are_counted_in_is_said_if_any_is_known(known, said):
    nothing = {"cost": NAN} | {f"cost_{name}": NAN for name in REFERENCES}
    assert said in head(row(**nothing | known))


def test_costs_of_some_routers_are_enough():
    nothing = {"cost": NAN} | {f"cost_{name}": NAN for name in REFERENCES}
    none, part = row(**nothing, cost_known=0.0), row(**nothing, cost_known=0.5, router="other")
    assert "; cost in USD, known in part; " in head(none, part)
    assert "; cost in USD; " in head(none, row(router="other"))


def test_a_cost_known_in_part_is_a_dash_with_the_share_that_is_known():
    assert f"| {DASH} (known for 25%) |" in line_of("**mine**", row(cost=NAN, cost_known=0.25))
    nowhere = line_of("**mine**", row(cost=NAN, cost_known=0.0))
    assert f"| {DASH} | 1.50 |" in nowhere
    assert "known for" not in nowhere
    assert "| 0.5 | 1.50 |" in line_of("**mine**", row(cost=0.5, cost_known=1.0))


def test_where_no_choice_gains_a_score_it_is_said():
    one = head(row(n_llms=1))
    assert one.endswith("5%). There is nothing to route: the zoo is a single llm.")
    assert "no score to gain" not in one
    even = row(oracle=0.5, best_single=0.5)
    assert "no score to gain by routing" in head(even)
    assert "no score to gain by routing" in head(row(oracle=0.5 + 1e-15, best_single=0.5))
    assert "no score to gain by routing" in head(row(oracle=NAN))  # or nobody knows of any
    for rows in ([row()], [even, row(router="other", seeds="1")]):
        assert head(*rows).endswith("(paired permutation test of every pair, Holm, 5%).")


def test_of_a_single_llm_no_letter_is_shown():
    assert line_of("**mine**", row(n_llms=1)).startswith(f"| **mine** | 0 | {DASH} | 0.700")
    assert line_of("**mine**", row(group="")).startswith(f"| **mine** | 0 | {DASH} | 0.700")
    assert line_of("**mine**", row(group="bc")).startswith("| **mine** | 0 | bc | 0.700")


def test_a_floor_that_is_a_router_is_not_listed_twice():
    single = row(router="best_single", macro_score=0.5)
    assert not [line for line in lines(row(), single) if "*best single" in line]
    drawn = row(router="random", macro_score=0.41)
    assert [line for line in lines(row(), drawn) if "*random, analytic*" in line]
    # the floor of other seeds is another one
    found = lines(row(), row(router="best_single", seeds="1", macro_score=0.45, best_single=0.45))
    assert [line for line in found if "*best single" in line] == [
        "| *best single, chosen on train* (floor) | 0 |  | 0.500 | +0.00 | -0.100 | 3 |  |  |  |"
    ]


def test_floors_and_bounds_are_those_of_each_set_of_seeds():
    found = lines(row(), row(router="other", seeds="0 1", oracle=0.85))
    assert [line[:40] for line in found if "*oracle*" in line] == [
        "| *oracle* (bound) | 0 |  | 0.900 | +1.00 | +0.300"[:40],
        "| *oracle* (bound) | 0, 1 |  | 0.850 | +1.00"[:40],
    ]
    turned = lines(row(seeds="1"), row(router="other", seeds="0"))  # in the order of the rows
    assert [line[:23] for line in turned if "*oracle*" in line] == [
        "| *oracle* (bound) | 1 ",
        "| *oracle* (bound) | 0 ",
    ]
    same = lines(row(), row(router="other"))
    assert len([line for line in same if "*oracle*" in line]) == 1


def test_a_floor_that_is_unknown_is_left_out():
    found = lines(row(cheapest=NAN, corrected_oracle=NAN))
    assert not [line for line in found if "cheapest" in line or "lucky" in line]
    assert len(found) == 6


def test_a_cost_that_is_not_there_is_a_dash():
    found = row()
    del found["cost_oracle"]
    assert f"| +0.300 | {DASH} |" in line_of("*oracle* (bound)", found)


def test_who_has_no_score_stands_last():
    unknown = {f"{name}_{end}": NAN for name in ("macro", "gap", "lift") for end in ("low", "high")}
    unknown |= {"macro_score": NAN, "gap_closed": NAN, "lift_recognised": NAN}
    found = lines(row(router="unknown", **unknown), row())
    assert found[-1].startswith(f"| **unknown** | 0 | a | {DASH} | {DASH} | {DASH} | 1.25 |")


def test_a_best_single_that_was_not_always_observed_is_called_what_it_is():
    title = "*best of the observed, by its mean on train* (floor)"
    assert line_of(title, row(best_single_share=0.99)).startswith(f"| {title} | 0 |  | 0.500 ")
    # and nothing else is
    assert (
        len([line for line in lines(row(best_single_share=0.5)) if "of the observed" in line]) == 1
    )
    assert not [line for line in lines(row(best_single_share=NAN)) if "of the observed" in line]


@pytest.mark.parametrize(
    ("seeds", "shown"),
    [
        ("3", "3"),
        ("0 1", "0, 1"),
        ("0 1 2", "0 to 2"),
        ("2 3 4 5", "2 to 5"),
        ("0 1 3", "0, 1, 3"),
        ("9 10 11", "9 to 11"),
    ],
)
def test_seeds_in_a_row_are_shown_by_their_ends(seeds, shown):
    assert line_of("**mine**", row(seeds=seeds)).startswith(f"| **mine** | {shown} | a |")


def test_each_comparison_has_its_table():
    other = row(data="another", data_hash="0000", router="yours")  # in the order of the rows
    text = to_markdown(pd.DataFrame([row(), other]))
    first, second = text.split("## ")[1:]
    assert ("**mine**" in first, "**yours**" in first) == (True, False)
    assert ("**mine**" in second, "**yours**" in second) == (False, True)
    assert second.startswith("another, zoo all, split holdout\n\n1,200 questions")
    assert text.endswith("|\n")
    assert first.endswith("|\n\n")


def test_the_fields_metrics_have_a_document_of_their_own():
    text = to_field_markdown(pd.DataFrame([row()]))
    assert text.startswith("# The field's metrics\n\n## ")
    assert "cost in USD; the zero router's AIQ is 0.550." in text
    expected = "| **mine** | 1.400 | 1.50 | +0.062 | +40.0% | 22.2% | 0.200 | 0.040 | 0.300 |"
    assert text.splitlines()[-1] == expected


def test_names_are_shown_as_they_are():
    text = to_markdown(pd.DataFrame([row(router="k|n *n*", cost_unit="$ [US]")]))
    assert "| **k\\|n \\*n\\*** |" in text
    assert "cost in \\$ \\[US\\];" in text
