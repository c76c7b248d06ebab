import itertools
import unicodedata

import numpy as np
import pytest

from benchmarks.duplicates import duplicate_groups
from benchmarks.splits import kfold
from routers.table import RoutingTable


def table_of(texts, datasets=None):
    return RoutingTable(
        questions=texts,
        scores=np.zeros((len(texts), 1)),
        llms=["a"],
        ids=[f"q{i:04d}" for i in range(len(texts))],
        datasets=["d"] * len(texts) if datasets is None else datasets,
    )


def same(one, other) -> bool:
    first, second = duplicate_groups(table_of([one, other]))
    return first == second


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is 2 + 2?", "what IS 2 + 2?"),
        ("What is\n2 + 2?", "  What   is 2\t+ 2? "),
        ("non\u00a0breaking", "non breaking"),
        ("café", unicodedata.normalize("NFD", "café")),
        ("CAFÉ", unicodedata.normalize("NFD", "café")),
        ("Straße", "STRASSE"),
        ("ΟΔΟΣ", "οδος"),
        ("Wet?\nA. sea\nB. sun\nC. sky", "Wet?\nA. sky\nB. sea\nC. sun"),
        ("Wet?\nin two lines\nA. sea\nB. sun", "Wet? in two lines\nA. Sun\nB. Sea"),
    ],
)
def test_how_a_text_is_typed_makes_no_difference(one, other):
    assert same(one, other)


SIGNS = ["a + b", "a - b", "a * b", "a / b", "a ^ b", "a = b", "a b", "ab", "a_b", "(a) b", "a (b)"]
SIGNS += ["[a] b", "{a} b", "a < b", "a > b", "a ≤ b", "a ≠ b", "a b?", "a b!", "a, b", "a. b"]
SIGNS += ["x2", "x²", "x₂", "x 2", "x 20", "1.5", "15", "-5", "5", "5%", "$5", "¬a b", "a ∧ b"]
SIGNS += ["cafe", "café", "mañana", "manana", "한국", "한굯", "模型", "模形", "שָׁלוֹם", "שלום"]
SIGNS += ["( ( ) )", "( ) ( )", ") ( ( )", "😀", "😃", "def f(x): return x", "def f(x): return -x"]
SIGNS += [
    "Wet?\nA. sea\nB. sun",
    "Wet?\nA. sea\nB. sky",
    "Wet?\nB. sea\nA. sun",
    "Wet?\nA. sea sun",
]


SIGNS += ["Wet?\nsea\nsun", "Wet?\nA. sun\nA. sea", "Wet?\nA. sea\nC. sun", "Wet?\nC. sea"]


def test_what_a_text_says_does():
    assert [(a, b) for a, b in itertools.combinations(SIGNS, 2) if same(a, b)] == []


def test_arithmetic_and_brackets_keep_all_their_questions():
    numbers = itertools.product(range(2, 8), range(3, 13))
    sums = [f"What is {a} {sign} {b}?" for a, b in numbers for sign in "+-*/"]
    assert len(set(duplicate_groups(table_of(sums)))) == 240
    signs = (
        "".join(drawn) for drawn in itertools.product("([", "])", "(<", ">)", "[<", ">]", "([")
    )
    brackets = list(itertools.islice(signs, 100))
    words = [f"A question about {i}" for i in range(100)]
    table = table_of(brackets + words, ["brackets"] * 100 + ["words"] * 100)
    for fold in kfold(table, seed=0):
        names, counts = np.unique(table.datasets[fold.test], return_counts=True)
        assert dict(zip(names, counts, strict=True)) == {"brackets": 20, "words": 20}
