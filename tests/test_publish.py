import pandas as pd
from conftest import ROOT

from benchmarks import publish
from benchmarks.sources.hub import arc_questions


def test_readme_quotes_what_is_published():
    readme = (ROOT / "README.md").read_text()
    assert readme.count("<!-- table: ") == readme.count("<!-- end -->") >= 1
    assert publish.quote_tables(readme, ROOT) == readme


def test_a_quote_follows_its_file(tmp_path):
    (tmp_path / "t.md").write_text(
        "# L\n\n## d\n\nA remark.\n\n3 questions\n\n| a |\n|---|\n| 1 |\n\nMade by x.\n"
    )
    text = "before\n<!-- table: t.md -->\nold\n<!-- end -->\nafter\n"
    found = publish.quote_tables(text, tmp_path)
    quoted = "\nA remark.\n\n3 questions\n\n| a |\n|---|\n| 1 |\n\n"
    assert found == f"before\n<!-- table: t.md -->\n{quoted}<!-- end -->\nafter\n"
    assert publish.quote_tables(found, tmp_path) == found


def test_arc_rows_become_questions():
    from datasets import Dataset

    rows = Dataset.from_list(
        [
            {
                "id": "B",
                "question": "Which? ",
                "answerKey": "2",
                "choices": {"text": ["salt", "sand "], "label": ["1", "2"]},
            },
            {
                "id": "A",
                "question": "What?",
                "answerKey": "A",
                "choices": {"text": ["x", "y"], "label": ["A", "B"]},
            },
        ]
    )
    found = arc_questions(rows, 5).set_index("question_id").loc["arc_challenge/B"]
    assert found["question"] == "Which?"
    assert found["choices"] == ["salt", "sand"]
    assert found["answer"] == "sand"
    assert len(arc_questions(rows, 1)) == 1


def test_figures_in_the_readme_s_prose_are_the_published_ones():
    readme = " ".join((ROOT / "README.md").read_text().split())
    ceiling = pd.read_csv(ROOT / "results/published/ceiling-small8.csv")
    best = ceiling[ceiling["encoder"] == "lm_reading"].iloc[-1]
    for part, style in (("difficulty", ".1%"), ("contrast", "+.1%")):
        low, high = (format(best[f"{part}_{end}"], style) for end in ("low", "high"))
        assert f"{best[f'{part}_text']:.1%} [{low}, {high}]" in readme
    arrival = (ROOT / "results/published/arrival.md").read_text()
    row = next(line for line in arrival.splitlines() if line.startswith("| model_sat |"))
    for lead in row.split("|")[3:5]:  # over the best single llm, over recognised dataset
        assert lead.strip().replace("+0.", ".") in readme
