"""What the README and results/README say in figures is what the published tables hold."""

import re

import pytest
from conftest import ROOT

PUBLISHED = ROOT / "results" / "published"
SMALL8, MIXED12 = "open_llm_leaderboard-small8", "open_llm_leaderboard-mixed12"
SMALL = "small_llms"
LIFT = "lift over recognised dataset"
SINGLE, KNOWN = "lead over current best single", "lead over recognised dataset"
SCORE, CONTRASTS, DIFFICULTY = (
    "macro score",
    "contrasts: dataset > text adds",
    "difficulty: dataset > text adds",
)
PERFECT = "*dataset-best, told the dataset* | 0 to 3"
# Rows of ablations and arrivals bear the names that routers had when these were made:
# capability_fusion was model_sat, the code of model_sat_paper was model_sat_soft.
SOFT = "**model_sat_soft {} pool=none**"
POINTWISE = ("ablation-soft-groups", SOFT.format("loss=pointwise"), SCORE)

# What is said, and the cell that it rests on: table, row, column ("X > Y": Y, next to X). Of a
# cell "0.719 [0.688, 0.751]" the first number may be said, or all three.
CLAIMS = {
    "README.md": [
        ("explains 10.6% [7.4%, 13.8%] of", "ceiling-small8", "lm_reading | 775", DIFFICULTY),
        ("and 0.2% [-0.1%, +0.5%] of that", "ceiling-small8", "lm_reading | 775", CONTRASTS),
        ("best single llm by .033 [.021, .046]", "arrival", "model_sat", SINGLE),
        ("recognised dataset by .009 [.004, .015]", "arrival", "model_sat", KNOWN),
    ],
    "results/README.md": [
        ("(lift +.006 [-.006, +.017]", SMALL8, "**capability_fusion**", LIFT),
        ("and +.006 [-.004, +.016])", SMALL8, "**model_sat**", LIFT),
        ("(+.004 [-.005, +.013])", MIXED12, "**capability_fusion**", LIFT),
        ("it scores .718", SMALL8, "**model_sat**", SCORE),
        ("subject .713", SMALL8, "**recognized_subject**", SCORE),
        ("dataset .711)", SMALL8, "**recognised_dataset**", SCORE),
        ("`mixed12` .760", MIXED12, "**model_sat**", SCORE),
        ("(.760", MIXED12, "**recognized_subject**", SCORE),
        ("and .757)", MIXED12, "**recognised_dataset**", SCORE),
        ("`small_llms` .473", SMALL, "**model_sat**", SCORE),
        ("(.475", SMALL, "**recognized_subject**", SCORE),
        ("and .479)", SMALL, "**recognised_dataset**", SCORE),
        ("(lift -.006 [-.019, +.006])", SMALL, "**model_sat**", LIFT),
        ("worth +.017", SMALL8, PERFECT, LIFT),
        ("and +.011", MIXED12, PERFECT, LIFT),
        ("below random (.541)", "ablation-profile", "**model_sat profile=swapped**", SCORE),
        ("error .044 on", f"{SMALL8}-field", "**capability_fusion**", "ECE"),
        ("and .047 on", f"{MIXED12}-field", "**capability_fusion**", "ECE"),
        ("(Model-SAT .044", f"{SMALL8}-field", "**model_sat**", "ECE"),
        ("and .042;", f"{MIXED12}-field", "**model_sat**", "ECE"),
        ("logistic .036", f"{SMALL8}-field", "**logistic**", "ECE"),
        ("and .040),", f"{MIXED12}-field", "**logistic**", "ECE"),
        ("score .210", f"{SMALL8}-field", "**capability_fusion**", "Brier"),
        ("and .201", f"{MIXED12}-field", "**capability_fusion**", "Brier"),
        ("(Model-SAT .223", f"{SMALL8}-field", "**model_sat**", "Brier"),
        ("and .208;", f"{MIXED12}-field", "**model_sat**", "Brier"),
        ("logistic .224", f"{SMALL8}-field", "**logistic**", "Brier"),
        ("and .211)", f"{MIXED12}-field", "**logistic**", "Brier"),
        ("llm by .033 [.021, .046]", "arrival", "model_sat", SINGLE),
        ("by .009 [.004, .015]", "arrival", "model_sat", KNOWN),
        ("llm by .023 [.011, .035]", "ablation-card-tasks", "5 tasks", SINGLE),
        ("250 (50 tasks of 5) by .025", "ablation-card-shots", "5 shots", SINGLE),
        ("480 (50 of 10) by .028", "ablation-card-shots", "10 shots", SINGLE),
        (
            "(.737 on its held-out part)",
            "ablation-soft-groups",
            "*recognised dataset* (floor)",
            SCORE,
        ),
        ("with pooled tasks (.695)", *POINTWISE),
        (
            "bad one (.436,",
            "ablation-soft-group-size",
            SOFT.format("loss=llm_groups batch_size=16 group_size=8"),
            SCORE,
        ),
        (
            "8 orders of tasks (.678)",
            "ablation-soft-shuffles",
            SOFT.format("capability=text shuffles=8"),
            SCORE,
        ),
        (
            "still asks one llm (.678)",
            "ablation-soft-order",
            SOFT.format("order=profile_first epochs=1"),
            SCORE,
        ),
        (
            "too wide (up to 99.8%)",
            "coverage",
            "4 datasets, high scores, routers much alike | 100 | 1",
            "difference of two routers",
        ),
        ("explains 10.6% [7.4%, 13.8%] of", "ceiling-small8", "lm_reading | 775", DIFFICULTY),
        ("but 0.2% [-0.1%, +0.5%] of that", "ceiling-small8", "lm_reading | 775", CONTRASTS),
    ],
}
# Differences of two cells.
DIFFERENCES = {
    "results/README.md": [
        (
            "Item factors add about .004",
            ("ablation-factors", "**model_sat n_factors=16**", SCORE),
            ("ablation-factors", "**model_sat n_factors=0**", SCORE),
        ),
    ],
}
# From the logs of the runs: no table holds them.
LOGGED = {"results/README.md": [".646 after .645", "is .674 with", "and .680 with"]}


def prose(name):
    """Return a page in one line, without what stands between ``<!-- table`` and ``<!-- end``."""
    text = re.sub(r"<!-- table: .*?<!-- end -->", "", (ROOT / name).read_text(), flags=re.S)
    return " ".join(text.split())


def numbers(text):
    return [float(number) for number in re.findall(r"[+-]?\d*\.\d+", text)]


def cell(table, row, column):
    """Return the numbers of a cell of a published table, found by its row's first cells."""
    column, _, beside = column.partition(" > ")
    lines = (PUBLISHED / f"{table}.md").read_text().splitlines()
    (found,) = (line for line in lines if line.startswith(f"| {row} |"))
    (heads,) = (line for line in lines if f"| {column} |" in line)
    names = [name.strip() for name in heads.split("|")]
    place = names.index(column) + bool(beside)
    assert beside in ("", names[place])
    return numbers(found.split("|")[place])


CASES = [(page, *claim) for page, claims in CLAIMS.items() for claim in claims]


@pytest.mark.parametrize(("page", "claim", "table", "row", "column"), CASES)
def test_a_claim_is_what_its_table_holds(page, claim, table, row, column):
    assert claim in prose(page)
    said, held = numbers(claim), cell(table, row, column)
    assert said
    assert said == held[: len(said)]


@pytest.mark.parametrize("page", DIFFERENCES)
def test_a_difference_is_that_of_its_cells(page):
    for claim, more, less in DIFFERENCES[page]:
        assert claim in prose(page)
        assert numbers(claim) == [round(cell(*more)[0] - cell(*less)[0], 3)]


@pytest.mark.parametrize("page", CLAIMS)
def test_every_figure_of_a_page_is_held_to_a_table(page):
    text = prose(page)
    known = [claim[0] for claim in (*CLAIMS[page], *DIFFERENCES.get(page, []))]
    for claim in (*known, *LOGGED.get(page, [])):
        assert claim in text, claim
        text = text.replace(claim, "")
    assert re.findall(r".{30}\.\d{3}\b|.{30}\d\.\d%", text) == []
