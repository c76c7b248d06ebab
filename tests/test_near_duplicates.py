import itertools
import os
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_duplicates import SIGNS, table_of

from benchmarks import near_duplicates
from benchmarks.duplicates import comparable_text, duplicate_groups
from benchmarks.near_duplicates import near_duplicate_groups, near_duplicates_across
from benchmarks.sources import folder

STORY = (
    "A pedestrian was walking along Chestnut Street at ten in the evening when she noticed that "
    "the door of a shop stood open. She went in to warn the owner, who took her for a thief and "
    "struck her with a broom. Is the owner liable to her for battery?"
)
CHINESE = "一个人沿着街道行走时看见一家商店的门开着" * 6
ARABIC = "كان رجل يمشي في الشارع عندما رأى باب متجر مفتوحا " * 4


def near(one, other, similarity=0.9) -> bool:
    first, second = near_duplicate_groups(table_of([one, other]), similarity)
    return first == second


@cache
def by_definition(one: str, other: str) -> float:
    """Return the similarity of two texts as the documentation defines it, slowly."""
    first, second = comparable_text(one), comparable_text(other)
    border = "\0" * 4
    many, more = (
        Counter(padded[k : k + 5] for k in range(len(padded) - 4))
        for padded in (border + first + border, border + second + border)
    )
    jaccard = (many & more).total() / (many | more).total()
    longest = [0] * (len(second) + 1)
    for sign in first:
        before = 0
        for place, its in enumerate(second):
            best = before + 1 if sign == its else max(longest[place + 1], longest[place])
            before, longest[place + 1] = longest[place + 1], best
    return min(jaccard, 2 * longest[-1] / ((len(first) + len(second)) or 1))


def connected(n: int, pairs) -> list[int]:
    """Return a group per position, numbered by appearance."""
    group = list(range(n))
    for one, other in pairs:
        group = [group[one] if its == group[other] else its for its in group]
    seen = {its: k for k, its in enumerate(dict.fromkeys(group))}
    return [seen[its] for its in group]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (STORY, STORY.replace("ten in", "10 in")),
        (STORY, STORY.replace("evening when", "evening, when").upper()),
        (STORY, STORY.replace("took her for", "mistook her for") + "\n"),
        (STORY + "\nA. yes\nB. no", STORY + "\nA. No\nB. yes, he is"),
        (STORY, unicodedata.normalize("NFD", STORY + " é")),
        (CHINESE, "问" * 3 + CHINESE),
        (ARABIC, "و" + ARABIC),
    ],
)
def test_a_slip_in_a_long_text_makes_a_near_duplicate(one, other):
    assert near(one, other)
    assert not near(one, other, 1)


def test_short_questions_differ_in_what_differs():
    assert len(set(near_duplicate_groups(table_of(SIGNS), 0.9))) == len(SIGNS)
    towns = [f"What is the capital of {name}?" for name in ("France", "Greece", "Peru", "Perm")]
    assert len(set(near_duplicate_groups(table_of(towns), 0.9))) == 4


def test_templates_of_few_words_are_not_one_question():
    numbers = itertools.product(range(2, 8), range(3, 13))
    sums = [f"What is {a} {sign} {b}?" for a, b in numbers for sign in "+-*/"]
    assert len(set(near_duplicate_groups(table_of(sums), 0.9))) == 240
    rng = np.random.default_rng(0)
    brackets = sorted({" ".join(rng.permutation(list("()" * 5 + "[]" * 5))) for _ in range(300)})
    assert len(set(near_duplicate_groups(table_of(brackets), 0.9))) == len(brackets)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("not true and not false or true is", "not false or true and not true is"),
        ("false and ( false or not false ) is", "false or not false and ( false ) is"),
        ("not ( not not true ) or false is", "not not ( not true ) or false is"),
        ("( ) ( ( ) ) ( ) ( ) ( ( ) )", "( ( ) ) ( ) ( ) ( ( ) ) ( )"),
    ],
)
def test_the_same_pieces_in_another_order_are_not_the_same(one, other):
    assert not near(one, other, 0.95)


@cache
def variants():
    """Return texts of every likeness: cut, doubled, moved, with other signs, in other scripts."""
    rng = np.random.default_rng(1)
    bases = [
        "Say x.",
        STORY[:60],
        STORY,
        "( [ ] ) " * 9,
        "一个人看见一家商店的门开着。" * 3,
        "",
        "a",
        "aaaaaaa",
    ]
    texts = list(bases)
    for base in bases:
        for _ in range(5):
            signs = list(base)
            for _ in range(rng.integers(1, 4)):
                place = int(rng.integers(0, len(signs) + 1))
                length = int(rng.integers(0, 12))
                signs[place : place + length] = rng.permutation(signs[place : place + length])
                signs.insert(place, "abx é"[rng.integers(5)])
            texts.append("".join(signs))
    return list(dict.fromkeys(texts))


@pytest.mark.parametrize("similarity", [0.5, 0.7, 0.8, 0.9, 0.95, 1.0])
def test_groups_are_those_of_the_definition(similarity, monkeypatch):
    texts = variants()
    # a few at a time, so that what is found in one portion meets that of another
    monkeypatch.setattr(near_duplicates, "_ROWS", 7)
    monkeypatch.setattr(near_duplicates, "_ENTRIES", 900)
    pairs = [
        (i, j)
        for i, j in itertools.combinations(range(len(texts)), 2)
        if by_definition(texts[i], texts[j]) >= similarity or same_text(texts[i], texts[j])
    ]
    found = near_duplicate_groups(table_of(texts), similarity)
    assert list(found) == connected(len(texts), pairs)


def same_text(one, other):
    return comparable_text(one) == comparable_text(other)


def test_a_similarity_is_reached_by_what_equals_it():
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 91)))
    assert by_definition(text, text[:-1] + "!") == 0.9
    assert near(text, text[:-1] + "!", 0.9)
    assert not near(text, text[:-1] + "!", np.nextafter(0.9, 1))


def test_an_order_is_reached_by_what_equals_it():
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 1000)))
    moved = text[900:] + text[:900]  # of the pieces only those at three borders are others
    assert near(text, moved, 0.9)
    assert not near(text, moved, np.nextafter(0.9, 1))


def test_two_of_many_are_found_wherever_they_stand(monkeypatch):
    monkeypatch.setattr(near_duplicates, "_ROWS", 4)
    others = [chr(0x4E00 + k) * 40 for k in range(23)]
    slip = STORY.replace("ten in", "10 in")
    for place in (0, 5, 23):
        texts = [*others[:place], STORY, *others[place:], slip]
        found = near_duplicate_groups(table_of(texts), 0.9)
        assert found[place] == found[-1]
        assert len(set(found)) == 24


@pytest.mark.parametrize("texts", [[], ["x"]])
def test_there_is_nothing_to_compare(texts):
    assert list(near_duplicate_groups(table_of(texts), 0.9)) == list(range(len(texts)))


texts_of_slips = st.lists(st.text("ab ()+é", max_size=30), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(texts_of_slips, st.sampled_from([0.5, 0.7, 0.9]), st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_order_and_hold_all_duplicates(texts, similarity, random):
    texts = [*texts, *(text.upper() for text in texts)]
    found = near_duplicate_groups(table_of(texts), similarity)
    order = list(range(len(texts)))
    random.shuffle(order)
    turned = near_duplicate_groups(table_of([texts[i] for i in order]), similarity)
    assert partition(found[order]) == partition(turned)
    assert len(set(zip(duplicate_groups(table_of(texts)), found, strict=True))) == len(
        set(duplicate_groups(table_of(texts)))
    )
    stricter = near_duplicate_groups(table_of(texts), (1 + similarity) / 2)
    assert len(set(zip(stricter, found, strict=True))) == len(set(stricter))


def partition(groups):
    first = {}
    return [first.setdefault(int(group), place) for place, group in enumerate(groups)]


def test_groups_are_transitive():
    steps = [STORY]
    for word in ("walking", "noticed", "Street", "broom", "liable", "evening"):
        steps.append(steps[-1].replace(word, word[::-1]))
    assert not near(steps[0], steps[-1])
    assert set(near_duplicate_groups(table_of(steps[::-1]), 0.9)) == {0}
    assert len(set(near_duplicate_groups(table_of([*steps[:2], *steps[5:]]), 0.9))) == 2


def test_very_long_texts():
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefgh"), 6)) for _ in range(2_000)]
    text = " ".join(rng.choice(words, 57_200))
    assert len(text) > 400_000
    texts = [text, text[:1_000] + "!" + text[1_000:], text[200_000:], "short", "?" + text]
    assert list(near_duplicate_groups(table_of(texts), 0.9)) == [0, 0, 1, 2, 0]


def test_what_is_across():
    groups = np.array([0, 1, 0, 2, 1, 3])
    found = near_duplicates_across(groups, np.array([0, 3]), np.array([1, 2, 4, 5]))
    assert list(found) == [2]


def test_a_similarity_that_says_nothing_is_refused():
    with pytest.raises(ValueError, match=r"'similarity' must be a number in \[0.5, 1\], got 0.2"):
        near_duplicate_groups(table_of(["a", "b"]), 0.2)


# Real questions -------------------------------------------------------------------------------

DATA = Path(os.environ.get("PROCTOR_DATA", ""))


def real(name, *datasets):
    """Return the questions of a folder of PROCTOR_DATA, of some of its datasets."""
    if not (os.environ.get("PROCTOR_DATA") and (DATA / name).is_dir()):
        pytest.skip(f"PROCTOR_DATA does not name a folder with {name}: real questions untested")
    table = folder.load(DATA / name).table
    return table.rows(np.isin(table.datasets, datasets)) if datasets else table


def n_more(table, similarity):
    """Return how many questions repeat another one nearly, besides those that repeat it."""
    distinct = table.rows(np.unique(duplicate_groups(table), return_index=True)[1])
    return len(distinct) - len(set(near_duplicate_groups(distinct, similarity)))


def test_real_code_is_not_near():
    assert n_more(real("zeroeval_reasoning", "crux_eval"), 0.9) == 0


def test_real_arithmetic_is_not_near():
    assert n_more(real("open_llm_leaderboard", "gsm8k"), 0.9) == 0


def test_real_questions_with_an_option_more_or_less_are_near():
    table = real("open_llm_v2", "mmlu_pro")
    assert n_more(table.rows(table.subjects == "health"), 0.9) == 11


def test_real_boolean_expressions_are_not_near():
    table = real("open_llm_v2", "bbh")
    assert n_more(table.rows(table.subjects == "boolean_expressions"), 0.95) == 0


def test_real_questions_in_two_languages_are_near_where_they_are_the_same():
    table = real("enem")
    # read a second time from the same page of the exam, not from its translation
    years = np.char.find(table.ids.astype(str), "2021-LC") >= 0
    assert n_more(table.rows(years), 0.9) == 3


class TestKept:
    """Groups of many texts are found once, for all processes."""

    TEXTS = ("a long enough text about nothing in particular " * 3, "b " * 80, "c " * 80)

    @pytest.fixture(autouse=True)
    def kept_here(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PROCTOR_CACHE", str(tmp_path))
        monkeypatch.setattr(near_duplicates, "_MANY", 2)
        self.searched = []
        search = near_duplicates._alike

        def noted(texts, similarity):
            self.searched.append(similarity)
            return search(texts, similarity)

        monkeypatch.setattr(near_duplicates, "_alike", noted)

    def groups(self, texts, similarity=0.9):
        return list(near_duplicate_groups(table_of(texts), similarity))

    def test_what_was_found_is_not_searched_again(self):
        texts = [self.TEXTS[0], self.TEXTS[1], self.TEXTS[0][:-1] + "!"]
        assert self.groups(texts) == self.groups(texts) == [0, 1, 0]
        assert self.searched == [0.9]

    def test_other_texts_order_and_similarity_are_searched(self):
        for texts in (self.TEXTS, self.TEXTS[::-1], self.TEXTS[:2]):
            self.groups(texts)
        self.groups(self.TEXTS, 0.8)
        assert self.searched == [0.9, 0.9, 0.9, 0.8]

    def test_few_texts_are_not_kept(self, monkeypatch, tmp_path):
        monkeypatch.setattr(near_duplicates, "_MANY", 4)
        assert self.groups(self.TEXTS) == [0, 1, 2]
        assert not list(tmp_path.iterdir())
