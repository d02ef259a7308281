"""Duplicates: the groups are those of a brute-force search over all pairs."""

import csv
import itertools
import random
import string
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import CountVectorizer

from hf_newscls.data import duplicates
from hf_newscls.data.duplicates import find_duplicates, groups_with_conflicting_labels, normalize_text
from hf_newscls.recipe.data import NearDuplicatesSection

NEAR = NearDuplicatesSection()


def list_groups(texts: Sequence[str], near: NearDuplicatesSection | None = NEAR) -> list[int]:
    return find_duplicates(texts, near).groups.tolist()


@pytest.mark.parametrize(
    "other",
    [
        "storm hits coast",
        "STORM HITS COAST",
        "  Storm\n hits\tcoast ",
        "Storm hits\u00a0coast",
        "\uff33torm hits coast",
    ],
)
def test_texts_that_differ_in_form_case_or_space_are_equal(other: str) -> None:
    assert list_groups(["Bank fails", "Storm hits coast", other], near=None) == [0, 1, 1]


@pytest.mark.parametrize("other", ["Storm hits coasts", "Storm, hits coast", "Stórm hits coast", ""])
def test_texts_that_differ_in_letters_are_not_equal(other: str) -> None:
    assert list_groups(["Storm hits coast", other], near=None) == [0, 1]


def test_composed_and_decomposed_accents_are_equal() -> None:
    assert normalize_text("e\u0301te\u0301") == normalize_text("\u00e9t\u00e9")


def test_no_texts_give_no_groups() -> None:
    assert list_groups([]) == []


@pytest.mark.parametrize(
    ("first", "second", "shingle", "expected"),
    [
        ("abcd", "abcd", 2, 1.0),
        ("abcd", "wxyz", 2, 0.0),
        ("abcd", "bcde", 3, 1 / 3),  # abc bcd, bcd cde
        ("aaaa", "aa", 2, 1.0),  # sets: aa
        ("ab", "ab c", 3, 0.0),  # a text shorter than a shingle is one itself
        ("ab", "ab", 3, 1.0),
        ("日本語", "日本人", 2, 1 / 3),
    ],
)
def test_similarity_is_that_of_the_sets_of_shingles(first: str, second: str, shingle: int, expected: float) -> None:
    near = NearDuplicatesSection(threshold=expected or 1e-9, shingle=shingle)
    assert list_groups([first, second], near) == [0, 0 if expected else 1]
    if expected < 1:
        stricter = near.model_copy(update={"threshold": expected + 1e-6})
        assert list_groups([first, second], stricter) == [0, 1]


def compare_by_hand(first: str, second: str, shingle: int) -> float:
    sets = [
        {text[index : index + shingle] for index in range(max(1, len(text) - shingle + 1))} for text in (first, second)
    ]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def group_by_hand(texts: Sequence[str], near: NearDuplicatesSection) -> list[int]:
    """Connected components over all pairs."""
    groups = [*range(len(texts))]
    normalized = [normalize_text(text) for text in texts]
    for first, second in itertools.combinations(range(len(texts)), 2):
        if groups[first] != groups[second] and (
            compare_by_hand(normalized[first], normalized[second], near.shingle) >= near.threshold
        ):
            old, new = sorted((groups[first], groups[second]))[::-1]
            groups = [new if group == old else group for group in groups]
    return groups


@settings(deadline=None, max_examples=50, derandomize=True)
@given(texts=st.lists(st.text(alphabet="ab ", max_size=12), max_size=30), shingle=st.integers(1, 4))
def test_groups_of_short_texts_match_all_pairs(texts: list[str], shingle: int) -> None:
    near = NearDuplicatesSection(threshold=0.5, shingle=shingle)
    found, expected = list_groups(texts, near), group_by_hand(texts, near)
    # Hashing can miss a pair; it never joins texts that differ, and never misses equal sets.
    assert all(expected[row] == expected[group] for row, group in enumerate(found))
    for first, second in itertools.combinations(range(len(texts)), 2):
        if compare_by_hand(*(normalize_text(texts[row]) for row in (first, second)), shingle) == 1:
            assert found[first] == found[second]


def spoil(text: str, letters: int, chance: random.Random) -> str:
    for index in chance.sample(range(len(text)), letters):
        text = text[:index] + chance.choice(string.ascii_lowercase) + text[index + 1 :]
    return text


def test_groups_of_news_match_all_pairs() -> None:
    chance = random.Random(17)
    words = ["".join(chance.choices(string.ascii_lowercase, k=chance.randint(2, 9))) for _ in range(300)]
    originals = [" ".join(chance.choices(words, k=chance.randint(6, 40))) for _ in range(40)]
    texts = originals + [spoil(text, chance.randint(0, 4), chance) for text in originals for _ in range(2)]
    chance.shuffle(texts)
    expected = group_by_hand(texts, NEAR)
    assert 50 < len(set(expected)) < 100  # some are similar enough, some are not
    assert list_groups(texts) == expected


def test_rows_are_grouped_through_a_third() -> None:
    start = "the council of the harbour town votes on the new bridge after a long night of talks"
    chain = [start, start + " and tea", start + " and tea then rest"]
    near = NearDuplicatesSection(threshold=0.88)
    assert compare_by_hand(chain[0], chain[2], 5) < near.threshold
    assert list_groups(chain, near) == [0, 0, 0]


def test_exact_and_near_duplicates_are_distinguished() -> None:
    text = "the council of the harbour town votes on the new bridge after a long night of talks"
    found = find_duplicates(["other", text, text.upper(), text + "!"], NEAR)
    assert found.groups.tolist() == [0, 1, 1, 1]
    assert found.texts.tolist() == [0, 1, 1, 3]


def test_one_text_a_thousand_times_is_one_group() -> None:
    rows = [
        f"city council delays vote on the harbour bridge after the storm of last night, day {day}"
        for day in range(1000)
    ]
    assert set(list_groups(rows)) == {0}


@pytest.mark.parametrize("is_shuffled", [False, True])
def test_chain_is_one_group_in_any_order(is_shuffled: bool) -> None:
    # Each text is similar only to its neighbors, so the first text of the group is similar to few of the others.
    words = [f"word{number:03}" for number in range(260)]
    texts = [" ".join(words[start : start + 60]) for start in range(0, 200, 3)]
    assert compare_by_hand(texts[0], texts[-1], 5) < 0.5
    if is_shuffled:
        random.Random(3).shuffle(texts)
    assert set(list_groups(texts)) == {0}


def test_shared_passage_does_not_cost_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    chance, footer = random.Random(4), " subscribe to our letter and read all of the news on any device for free today"
    texts = ["".join(chance.choices(string.ascii_lowercase, k=40)) + footer for _ in range(600)]
    compared = []
    compare = duplicates._compare
    monkeypatch.setattr(duplicates, "_compare", lambda *sets: compared.append(1) or compare(*sets))
    assert list_groups(texts) == [*range(600)]
    assert 600 < len(compared) < 600 * 40  # all pairs are 180,000


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(5)
    texts = ["".join(chance.choices("abcdef ", k=chance.randint(0, 30))) for _ in range(200)]
    expected = list_groups(texts)
    monkeypatch.setattr("hf_newscls.data.duplicates._BLOCK_CHARACTERS", 40)
    assert list_groups(texts) == expected


def group_by_matrix(texts: Sequence[str], near: NearDuplicatesSection) -> list[int]:
    """Connected components over all pairs, with shared shingles counted by a product of matrices, without hashing."""
    length = near.shingle
    vectorizer = CountVectorizer(
        analyzer=lambda text: {text[index : index + length] for index in range(max(1, len(text) - length + 1))}
    )
    holds = vectorizer.fit_transform([normalize_text(text) for text in texts]).tocsc().astype(np.float32)
    shared = np.zeros((len(texts), len(texts)), dtype=np.float32)
    for start in range(0, holds.shape[1], 4096):
        block = holds[:, start : start + 4096].toarray()
        shared += block @ block.T
    sizes = shared.diagonal().copy()
    is_alike = shared >= near.threshold * (sizes[:, None] + sizes - shared)
    _, components = connected_components(csr_matrix(is_alike), directed=False)
    _, firsts, inverse = np.unique(components, return_index=True, return_inverse=True)
    return firsts[inverse].tolist()


def read_texts(folder: Path, name: str) -> list[str]:
    with (folder / name).open(encoding="utf-8", newline="") as stream:
        return [row["title"] for row in csv.DictReader(stream)]


@pytest.mark.slow
def test_groups_of_real_news_match_all_pairs(real_data: Path) -> None:
    texts = read_texts(real_data, "fake_news/titles_6335.csv")
    found, expected = list_groups(texts), group_by_matrix(texts, NEAR)
    assert len(set(expected)) < len(texts)
    assert found == expected


def test_repeated_titles_of_the_real_set_are_found(real_data: Path) -> None:
    titles = read_texts(real_data, "fake_news/titles_6335.csv")
    assert len(set(titles)) == len(titles) - 79
    folded = {" ".join(unicodedata.normalize("NFKC", title).casefold().split()) for title in titles}
    assert len(np.unique(find_duplicates(titles, None).groups)) == len(folded)


def test_conflicting_groups_have_several_kinds() -> None:
    groups, kinds = np.array([0, 0, 2, 2, 4]), np.array([1, 1, 0, 1, 2])
    assert groups_with_conflicting_labels(groups, kinds).tolist() == [2]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1))
def test_conflicting_groups_equal_a_plain_loop(rows: list[tuple[int, int]]) -> None:
    groups, kinds = (np.array(column) for column in zip(*rows, strict=True))
    expected = sorted({group for group, kind in rows for other, another in rows if group == other and kind != another})
    assert groups_with_conflicting_labels(groups, kinds).tolist() == expected
