"""Splits: their sizes, that they partition the rows, and that any machine makes the same ones."""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Sequence

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hf_newscls.data.cleaning import CleanedRows
from hf_newscls.data.splitting import (
    SIDES,
    build_manifest,
    compute_fingerprint,
    hash_content,
    split_rows,
)
from hf_newscls.errors import DataError
from hf_newscls.recipe import SplitSection

# Eight headlines; what must come of them was worked out with sha256sum and sort alone.
PINNED = [
    ("Aliens sign trade deal", "FAKE", "train"),
    ("Council repairs old bridge", "REAL", "test"),
    ("Moon made of old cheese", "FAKE", "train"),
    ("Bank keeps its rate", "REAL", "validation"),
    ("Cat elected as mayor", "FAKE", "validation"),
    ("Coach leaves after defeat", "REAL", "train"),
    ("Rain falls upwards again", "FAKE", "test"),
    ("Été sec à Paris", "REAL", "train"),
]
PINNED_FINGERPRINT = "e6c78f7c27a7178f65b862a41b06dfd68a241dc01862dc671869cca25610017a"
HALF = SplitSection(train=0.5, validation=0.25, test=0.25)


def build_dataset(rows: Sequence[tuple[str, str]], *, names: Sequence[str] | None = None) -> Dataset:
    """Rows of text and label; the id is the place."""
    names = names or sorted({label for _, label in rows})
    content = {
        "id": [str(place) for place in range(len(rows))],
        "text": [text for text, _ in rows],
        "label": [names.index(label) for _, label in rows],
    }
    features = Features(id=Value("string"), text=Value("string"), label=ClassLabel(names=list(names)))
    return Dataset.from_dict(content, features=features)


def build_classes(*sizes: int) -> Dataset:
    return build_dataset([(f"{label}{row}", f"{label}") for label, size in enumerate(sizes) for row in range(size)])


def split(dataset: Dataset, section: SplitSection) -> DatasetDict:
    return split_rows(dataset, section, where="news.csv")


def count_sides(splits: DatasetDict) -> list[tuple[int, ...]]:
    """For each label, its rows in train, validation and test."""
    labels = range(splits["train"].features["label"].num_classes)
    return [tuple(splits[side]["label"][:].count(label) for side in SIDES) for label in labels]


def find_sides(splits: DatasetDict) -> dict[str, str]:
    return {text: side for side in SIDES for text in splits[side]["text"]}


@pytest.mark.parametrize(
    ("rows", "fractions", "expected"),
    [
        (100, (0.8, 0.1, 0.1), (80, 10, 10)),
        (10, (0.7, 0.1, 0.2), (7, 1, 2)),
        (1000, (0.7, 0.1, 0.2), (700, 100, 200)),
        # 9.6, 1.2 and 1.2: the row left over goes to the largest remainder.
        (12, (0.8, 0.1, 0.1), (10, 1, 1)),
        # 13.3, 1.9 and 3.8: two rows are left over.
        (19, (0.7, 0.1, 0.2), (13, 2, 4)),
        # 11.9, 1.7 and 3.4
        (17, (0.7, 0.1, 0.2), (12, 2, 3)),
        # 3, 1.5 and 1.5: where they tie, validation comes before test.
        (6, (0.5, 0.25, 0.25), (3, 2, 1)),
        (100, (0.98, 0.01, 0.01), (98, 1, 1)),
        # Below, one row a side comes first, and the fractions after.
        (9, (0.8, 0.1, 0.1), (7, 1, 1)),
        (5, (0.8, 0.1, 0.1), (3, 1, 1)),
        (4, (0.8, 0.1, 0.1), (2, 1, 1)),
        (3, (0.8, 0.1, 0.1), (1, 1, 1)),
        (10, (0.98, 0.01, 0.01), (8, 1, 1)),
    ],
)
def test_sizes_are_the_fractions_by_largest_remainder(
    rows: int, fractions: tuple[float, float, float], expected: tuple[int, int, int]
) -> None:
    train, validation, test = fractions
    splits = split(build_classes(rows, 100), SplitSection(train=train, validation=validation, test=test))
    assert count_sides(splits)[0] == expected


@pytest.mark.parametrize("fractions", [(0.8, 0.1, 0.1), (0.7, 0.1, 0.2), (0.1, 0.8, 0.1), (0.1, 0.1, 0.8)])
@pytest.mark.parametrize("rows", [3, 4, 5, 6])
def test_smallest_classes_are_on_every_side(rows: int, fractions: tuple[float, float, float]) -> None:
    train, validation, test = fractions
    splits = split(build_classes(rows, 30), SplitSection(train=train, validation=validation, test=test))
    sizes = count_sides(splits)[0]
    assert sum(sizes) == rows
    assert min(sizes) == 1


all_fractions = [(0.8, 0.1, 0.1), (0.7, 0.1, 0.2), (0.6, 0.2, 0.2), (0.34, 0.33, 0.33), (0.9, 0.05, 0.05)]
class_sizes = st.lists(st.integers(3, 60), min_size=2, max_size=5)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(sizes=class_sizes, fractions=st.sampled_from(all_fractions), seed=st.integers(0, 9))
@example(sizes=[3, 5], fractions=(0.8, 0.1, 0.1), seed=17)
def test_split_is_a_stratified_partition(sizes: list[int], fractions: tuple[float, float, float], seed: int) -> None:
    train, validation, test = fractions
    dataset = build_classes(*sizes)
    splits = split(dataset, SplitSection(train=train, validation=validation, test=test, seed=seed))
    ids = [row_id for side in SIDES for row_id in splits[side]["id"]]
    assert sorted(ids, key=int) == dataset["id"][:]
    for rows, counts in zip(sizes, count_sides(splits), strict=True):
        assert min(counts) >= 1
        if rows * min(fractions) >= 1:
            assert all(abs(count - rows * fraction) <= 1 for count, fraction in zip(counts, fractions, strict=True))


def test_rows_keep_all_columns_and_the_order_of_the_file() -> None:
    dataset = build_classes(20, 30).add_column("date", [f"day {place}" for place in range(50)])
    splits = split(dataset, SplitSection())
    assert [*splits] == [*SIDES]
    for side in SIDES:
        assert splits[side].features == dataset.features
        assert [int(row_id) for row_id in splits[side]["id"]] == sorted(int(row_id) for row_id in splits[side]["id"])
        assert splits[side]["date"][:] == [f"day {row_id}" for row_id in splits[side]["id"]]


@pytest.mark.parametrize("small", [0, 1, 2])
def test_class_too_small_to_split_is_refused_by_name_and_count(small: int) -> None:
    rows = [(f"r{place}", "REAL") for place in range(10)] + [(f"s{place}", "SATIRE") for place in range(small)]
    dataset = build_dataset(rows, names=["REAL", "SATIRE"])
    with pytest.raises(DataError, match=rf"news\.csv: every label must have at least 3 rows.*'SATIRE \({small}\)'"):
        split(dataset, SplitSection())


def test_several_small_classes_are_all_named() -> None:
    with pytest.raises(DataError, match=r"found '0 \(1\)', '2 \(2\)'; merge them"):
        split(build_classes(1, 9, 2), SplitSection())


def test_order_of_the_rows_plays_no_part() -> None:
    rows = [(f"headline {place}", "ABC"[place % 3]) for place in range(60)]
    shuffled = random.Random(1).sample(rows, k=60)
    first, second = (split(build_dataset(content), SplitSection()) for content in (rows, shuffled))
    assert find_sides(first) == find_sides(second)
    assert compute_fingerprint(first) == compute_fingerprint(second)


def test_order_of_repeated_rows_leaves_the_fingerprint() -> None:
    rows = [(f"headline {place % 7}", "AB"[place % 2]) for place in range(56)]
    shuffled = random.Random(1).sample(rows, k=56)
    first, second = (split(build_dataset(content), SplitSection()) for content in (rows, shuffled))
    assert compute_fingerprint(first) == compute_fingerprint(second)


def test_order_of_the_labels_plays_no_part() -> None:
    rows = [(f"headline {place}", "AB"[place % 2]) for place in range(40)]
    first, second = (split(build_dataset(rows, names=names), SplitSection()) for names in ("AB", "BA"))
    assert find_sides(first) == find_sides(second)
    assert compute_fingerprint(first) == compute_fingerprint(second)


def test_another_class_plays_no_part() -> None:
    rows = [(f"headline {place}", "AB"[place % 2]) for place in range(40)]
    more = rows + [(f"more {place}", "C") for place in range(9)]
    first, second = (find_sides(split(build_dataset(content), SplitSection())) for content in (rows, more))
    assert {text: second[text] for text in first} == first


def test_another_seed_gives_another_split_of_the_same_sizes() -> None:
    dataset = build_classes(40, 60)
    first, second = (split(dataset, SplitSection(seed=seed)) for seed in (1, 2))
    assert find_sides(first) != find_sides(second)
    assert count_sides(first) == count_sides(second)
    assert compute_fingerprint(first) != compute_fingerprint(second)


def test_pinned_split() -> None:
    # If this fails, scores measured before and after cannot be compared: splits have changed on every machine.
    splits = split(build_dataset([(text, label) for text, label, _ in PINNED]), HALF)
    assert find_sides(splits) == {text: side for text, _, side in PINNED}
    assert compute_fingerprint(splits) == PINNED_FINGERPRINT


def build_splits(rows: Sequence[tuple[str, str, str]]) -> DatasetDict:
    return DatasetDict(
        {
            side: build_dataset([(text, label) for text, label, at in rows if at == side], names=["FAKE", "REAL"])
            for side in SIDES
        }
    )


@pytest.mark.parametrize(
    ("place", "changed"),
    [
        (0, ("Aliens sign trade deal", "FAKE", "validation")),
        (0, ("Aliens sign trade deal", "FAKE", "test")),
        (0, ("Aliens sign trade deal", "REAL", "train")),
        (0, ("Aliens sign trade deal.", "FAKE", "train")),
        (0, ("aliens sign trade deal", "FAKE", "train")),
        (6, ("Rain falls upwards again", "REAL", "test")),
        (7, ("E\u0301té sec à Paris", "REAL", "train")),
    ],
)
def test_fingerprint_changes_with_any_row(place: int, changed: tuple[str, str, str]) -> None:
    assert compute_fingerprint(build_splits(PINNED)) == PINNED_FINGERPRINT
    rows = [*PINNED[:place], changed, *PINNED[place + 1 :]]
    assert compute_fingerprint(build_splits(rows)) != PINNED_FINGERPRINT


@pytest.mark.parametrize("extra", [PINNED[0], PINNED[1]])
def test_fingerprint_changes_with_a_row_more(extra: tuple[str, str, str]) -> None:
    assert compute_fingerprint(build_splits([*PINNED, extra])) != PINNED_FINGERPRINT


def test_fingerprint_leaves_out_ids_and_kept_columns() -> None:
    splits = build_splits(PINNED)
    renamed = splits.map(lambda row: {"id": f"x{row['id']}", "date": "2020"})
    assert compute_fingerprint(renamed) == PINNED_FINGERPRINT


@pytest.mark.parametrize("text", ["", "abc", "Été\n日本 😀"])
def test_content_is_hashed_as_utf8(text: str) -> None:
    assert hash_content(text) == hashlib.sha256(text.encode()).hexdigest()


def test_manifest_tells_what_decided_the_split() -> None:
    dataset = build_dataset([(text, label) for text, label, _ in PINNED])
    cleaned = CleanedRows(dataset, rows_read=10, dropped={"missing label": 0, "empty text": 2, "short text": 0})
    manifest = build_manifest(split(dataset, HALF), cleaned, HALF, source="news.csv", source_sha256="ab" * 32)
    assert manifest.to_dict() == {
        "source": "news.csv",
        "source_sha256": "ab" * 32,
        "rows_read": 10,
        "dropped": {"missing label": 0, "empty text": 2, "short text": 0},
        "seed": 17,
        "fractions": {"train": 0.5, "validation": 0.25, "test": 0.25},
        "fingerprint": PINNED_FINGERPRINT,
        "label_counts": {
            "train": {"FAKE": 2, "REAL": 2},
            "validation": {"FAKE": 1, "REAL": 1},
            "test": {"FAKE": 1, "REAL": 1},
        },
        "row_ids": {"train": ["0", "2", "5", "7"], "validation": ["3", "4"], "test": ["1", "6"]},
    }
    assert json.loads(json.dumps(manifest.to_dict())) == manifest.to_dict()


def test_label_missing_on_a_side_is_counted_as_none() -> None:
    splits = build_splits([row for row in PINNED if row[2] != "test" or row[1] == "REAL"])
    cleaned = CleanedRows(splits["train"], rows_read=7, dropped={})
    manifest = build_manifest(splits, cleaned, HALF, source="news.csv", source_sha256="")
    assert manifest.label_counts["test"] == {"FAKE": 0, "REAL": 1}
    assert Counter(len(ids) for ids in manifest.row_ids.values()) == {4: 1, 2: 1, 1: 1}
