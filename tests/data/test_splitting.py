"""Splits: their sizes, that they partition the rows, and that every machine makes the same ones."""

import random
from collections.abc import Sequence

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hf_newscls.data.manifest import compute_fingerprint
from hf_newscls.data.splitting import SPLITS, assign_splits, select_splits
from hf_newscls.errors import DataError
from hf_newscls.recipe.data import SplitSection

# Eight headlines; the expected splits were computed with sha256sum and sort only.
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
    """Rows of text and label; the id is the index."""
    names = names or sorted({label for _, label in rows})
    content = {
        "id": [str(index) for index in range(len(rows))],
        "text": [text for text, _ in rows],
        "label": [names.index(label) for _, label in rows],
    }
    features = Features(id=Value("string"), text=Value("string"), label=ClassLabel(names=list(names)))
    return Dataset.from_dict(content, features=features)


def build_classes(*sizes: int) -> Dataset:
    return build_dataset([(f"{label}{row}", f"{label}") for label, size in enumerate(sizes) for row in range(size)])


def split(
    dataset: Dataset,
    section: SplitSection,
    *,
    groups: Sequence[int] | None = None,
    dates: Sequence[object] | None = None,
) -> DatasetDict:
    """Split as `prepare` does; without groups every row is a group."""
    splits = assign_splits(
        dataset,
        section,
        groups=np.arange(len(dataset)) if groups is None else np.asarray(groups),
        dates=None if dates is None else np.asarray(dates, dtype="datetime64[s]"),
        source_name="news.csv",
    )
    return select_splits(dataset, splits)


def count_splits(splits: DatasetDict) -> list[tuple[int, ...]]:
    """For each label, its rows in train, validation and test."""
    labels = range(splits["train"].features["label"].num_classes)
    return [tuple(splits[split_name]["label"][:].count(label) for split_name in SPLITS) for label in labels]


def find_splits(splits: DatasetDict) -> dict[str, str]:
    return {text: split_name for split_name in SPLITS for text in splits[split_name]["text"]}


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
        # Below, each split gets one row first.
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
    assert count_splits(splits)[0] == expected


@pytest.mark.parametrize("fractions", [(0.8, 0.1, 0.1), (0.7, 0.1, 0.2), (0.1, 0.8, 0.1), (0.1, 0.1, 0.8)])
@pytest.mark.parametrize("rows", [3, 4, 5, 6])
def test_smallest_classes_are_in_every_split(rows: int, fractions: tuple[float, float, float]) -> None:
    train, validation, test = fractions
    splits = split(build_classes(rows, 30), SplitSection(train=train, validation=validation, test=test))
    sizes = count_splits(splits)[0]
    assert sum(sizes) == rows
    assert min(sizes) == 1


all_fractions = [(0.8, 0.1, 0.1), (0.7, 0.1, 0.2), (0.6, 0.2, 0.2), (0.34, 0.33, 0.33), (0.9, 0.05, 0.05)]
class_sizes = st.lists(st.integers(3, 60), min_size=2, max_size=5)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(sizes=class_sizes, fractions=st.sampled_from(all_fractions), seed=st.integers(0, 9))
@example(sizes=[3, 5], fractions=(0.8, 0.1, 0.1), seed=17)
def test_split_is_a_stratified_partition(sizes: list[int], fractions: tuple[float, float, float], seed: int) -> None:
    train, validation, test = fractions
    dataset = build_classes(*sizes)
    splits = split(dataset, SplitSection(train=train, validation=validation, test=test, seed=seed))
    ids = [row_id for split_name in SPLITS for row_id in splits[split_name]["id"]]
    assert sorted(ids, key=int) == dataset["id"][:]
    for rows, counts in zip(sizes, count_splits(splits), strict=True):
        assert min(counts) >= 1
        if rows * min(fractions) >= 1:
            assert all(abs(count - rows * fraction) <= 1 for count, fraction in zip(counts, fractions, strict=True))


def test_rows_keep_all_columns_and_the_order_of_the_file() -> None:
    dataset = build_classes(20, 30).add_column("date", [f"day {index}" for index in range(50)])
    splits = split(dataset, SplitSection())
    assert [*splits] == [*SPLITS]
    for split_name in SPLITS:
        assert splits[split_name].features == dataset.features
        assert [int(row_id) for row_id in splits[split_name]["id"]] == sorted(
            int(row_id) for row_id in splits[split_name]["id"]
        )
        assert splits[split_name]["date"][:] == [f"day {row_id}" for row_id in splits[split_name]["id"]]


@pytest.mark.parametrize("small", [0, 1, 2])
def test_class_too_small_to_split_is_refused_by_name_and_count(small: int) -> None:
    rows = [(f"r{index}", "REAL") for index in range(10)] + [(f"s{index}", "SATIRE") for index in range(small)]
    dataset = build_dataset(rows, names=["REAL", "SATIRE"])
    with pytest.raises(DataError, match=rf"news\.csv: .*fewer than 3 rows.*'SATIRE \({small}\)'"):
        split(dataset, SplitSection())


def test_several_small_classes_are_all_named() -> None:
    with pytest.raises(DataError, match=r"'0 \(1\)', '2 \(2\)'; .*data.merge_labels"):
        split(build_classes(1, 9, 2), SplitSection())


def test_order_of_the_rows_does_not_matter() -> None:
    rows = [(f"headline {index}", "ABC"[index % 3]) for index in range(60)]
    shuffled = random.Random(1).sample(rows, k=60)
    first, second = (split(build_dataset(content), SplitSection()) for content in (rows, shuffled))
    assert find_splits(first) == find_splits(second)
    assert compute_fingerprint(first) == compute_fingerprint(second)


def test_order_of_repeated_rows_does_not_change_the_fingerprint() -> None:
    rows = [(f"headline {index % 7}", "AB"[index % 2]) for index in range(56)]
    shuffled = random.Random(1).sample(rows, k=56)
    first, second = (split(build_dataset(content), SplitSection()) for content in (rows, shuffled))
    assert compute_fingerprint(first) == compute_fingerprint(second)


def test_order_of_the_labels_does_not_matter() -> None:
    rows = [(f"headline {index}", "AB"[index % 2]) for index in range(40)]
    first, second = (split(build_dataset(rows, names=names), SplitSection()) for names in ("AB", "BA"))
    assert find_splits(first) == find_splits(second)
    assert compute_fingerprint(first) == compute_fingerprint(second)


def test_another_class_does_not_matter() -> None:
    rows = [(f"headline {index}", "AB"[index % 2]) for index in range(40)]
    more = rows + [(f"more {index}", "C") for index in range(9)]
    first, second = (find_splits(split(build_dataset(content), SplitSection())) for content in (rows, more))
    assert {text: second[text] for text in first} == first


def test_another_seed_gives_another_split_of_the_same_sizes() -> None:
    dataset = build_classes(40, 60)
    first, second = (split(dataset, SplitSection(seed=seed)) for seed in (1, 2))
    assert find_splits(first) != find_splits(second)
    assert count_splits(first) == count_splits(second)
    assert compute_fingerprint(first) != compute_fingerprint(second)


def test_pinned_split() -> None:
    # If this fails, scores measured before and after cannot be compared: splits have changed on every machine.
    splits = split(build_dataset([(text, label) for text, label, _ in PINNED]), HALF)
    assert find_splits(splits) == {text: split_name for text, _, split_name in PINNED}
    assert compute_fingerprint(splits) == PINNED_FINGERPRINT


# Groups.


@settings(deadline=None, max_examples=30, derandomize=True)
@given(
    sizes=st.lists(st.lists(st.integers(1, 6), min_size=3, max_size=20), min_size=2, max_size=4),
    fractions=st.sampled_from(all_fractions),
    seed=st.integers(0, 9),
)
def test_groups_stay_whole_and_fractions_hold_within_the_largest(
    sizes: list[list[int]], fractions: tuple[float, float, float], seed: int
) -> None:
    train, validation, test = fractions
    numbers = [(label, number) for label, groups in enumerate(sizes) for number in range(len(groups))]
    rows = [(label, number) for label, number in numbers for _ in range(sizes[label][number])]
    dataset = build_dataset([(f"{label}-{number}-{index}", str(label)) for index, (label, number) in enumerate(rows)])
    groups = [numbers.index(row) for row in rows]
    section = SplitSection(train=train, validation=validation, test=test, seed=seed)
    splits = split(dataset, section, groups=groups)
    held = {split_name: {groups[int(row_id)] for row_id in splits[split_name]["id"]} for split_name in SPLITS}
    assert sum(map(len, held.values())) == len(numbers)
    assert sum(map(len, splits.values())) == len(rows)
    for label, counts in enumerate(count_splits(splits)):
        assert min(counts) >= 1
        total, largest = sum(sizes[label]), max(sizes[label])
        if len(sizes[label]) > 3 * len(SPLITS):  # with fewer, each split gets one group first
            expected = [total * fraction for fraction in fractions]
            assert all(abs(count - ratio) < largest + 1 for count, ratio in zip(counts, expected, strict=True))


def test_groups_of_one_change_nothing() -> None:
    dataset = build_classes(40, 60)
    assert find_splits(split(dataset, SplitSection(), groups=range(100, 200))) == find_splits(
        split(dataset, SplitSection())
    )


def test_order_of_grouped_rows_does_not_matter() -> None:
    rows = [(f"headline {index}", "AB"[index % 2]) for index in range(60)]
    order = random.Random(1).sample(range(60), k=60)
    groups = [index // 4 for index in range(60)]
    first = split(build_dataset(rows), SplitSection(), groups=groups)
    second = split(
        build_dataset([rows[index] for index in order]), SplitSection(), groups=[groups[index] for index in order]
    )
    assert find_splits(first) == find_splits(second)


def test_large_groups_are_in_every_split() -> None:
    # A test set with only single rows would not be like the training set.
    rows = [(f"headline {index}", "AB"[index // 200]) for index in range(400)]
    splits = split(build_dataset(rows), HALF, groups=[index // 2 for index in range(400)])
    assert [len(splits[split_name]) for split_name in SPLITS] == [200, 100, 100]


def test_class_of_one_article_is_refused() -> None:
    rows = [(f"r{index}", "REAL") for index in range(10)] + [(f"s{index}", "SATIRE") for index in range(5)]
    groups = [*range(10), 10, 10, 10, 10, 11]
    with pytest.raises(DataError, match=r"'SATIRE \(5, but 2 without duplicates\)'; .*data.merge_labels"):
        split(build_dataset(rows), SplitSection(), groups=groups)


# Folds.


@pytest.mark.parametrize("folds", [3, 5])
def test_each_row_is_tested_in_one_fold(folds: int) -> None:
    dataset = build_classes(20, 31)
    groups = [index // 2 for index in range(51)]
    tested: list[str] = []
    for fold in range(folds):
        splits = split(dataset, SplitSection(folds=folds, fold=fold), groups=groups)
        following = split(dataset, SplitSection(folds=folds, fold=(fold + 1) % folds), groups=groups)
        assert splits["validation"]["id"][:] == following["test"]["id"][:]
        tested += splits["test"]["id"][:]
    assert sorted(tested, key=int) == dataset["id"][:]


def test_class_smaller_than_the_folds_is_refused() -> None:
    with pytest.raises(DataError, match=r"fewer than 5 rows.*'1 \(4\)'"):
        split(build_classes(20, 4), SplitSection(folds=5))


# Time.


def test_newest_rows_are_the_test_set() -> None:
    dataset = build_dataset([(f"headline {index}", "AB"[index % 2]) for index in range(20)])
    dates = [f"2020-01-{1 + (index * 7) % 20:02}" for index in range(20)]
    splits = split(dataset, SplitSection(by="time"), dates=dates)
    days = {split_name: sorted(dates[int(row_id)] for row_id in splits[split_name]["id"]) for split_name in SPLITS}
    assert days["test"] == ["2020-01-19", "2020-01-20"]
    assert days["validation"] == ["2020-01-17", "2020-01-18"]
    assert len(days["train"]) == 16


def test_group_goes_with_its_newest_row() -> None:
    dataset = build_dataset([(f"headline {index}", "AB"[index % 2]) for index in range(20)])
    dates = [f"2020-01-{1 + index:02}" for index in range(20)]
    groups = [*range(19), 0]  # the oldest row is a duplicate of the newest
    assert split(dataset, SplitSection(by="time"), groups=groups, dates=dates)["test"]["id"][:] == ["0", "19"]


def test_large_group_of_new_rows_does_not_shrink_validation() -> None:
    dataset = build_dataset([(f"headline {index}", "AB"[index % 2]) for index in range(100)])
    days = np.datetime64("2020-01-01") + np.arange(100)
    groups = [*range(74), *[99] * 26]
    splits = split(dataset, SplitSection(by="time"), groups=groups, dates=days)
    assert [len(splits[split_name]) for split_name in SPLITS] == [64, 10, 26]


def test_order_of_the_rows_does_not_matter_by_time() -> None:
    # Ten articles of one day, twice each: either row may come first.
    texts = [f"text {index}" for index in range(20)]
    groups = [index // 2 for index in range(20)]
    contents = []
    for order in (range(20), range(19, -1, -1)):
        dataset = build_dataset([(texts[index], "AB"[index // 10]) for index in order])
        splits = split(
            dataset,
            SplitSection(by="time"),
            groups=np.array([groups[index] for index in order]),
            dates=["2020-01-01"] * 20,
        )
        contents.append({split_name: sorted(rows["text"][:]) for split_name, rows in splits.items()})
    assert contents[0] == contents[1]


def test_dates_must_be_given_for_a_split_by_time() -> None:
    with pytest.raises(ValueError, match="dates is None"):
        split(build_classes(10, 10), SplitSection(by="time"))


def test_row_without_a_date_is_refused() -> None:
    dataset = build_classes(10, 10)
    with pytest.raises(DataError, match=r"`split\.by: time`.*id '3'"):
        split(dataset, SplitSection(by="time"), dates=["2020-01-01"] * 3 + ["NaT"] + ["2020-01-02"] * 16)


def test_label_missing_from_the_test_set_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    # Class 0 has the ten oldest rows, class 1 the others.
    split(build_classes(10, 10), SplitSection(by="time"), dates=[f"2020-01-{1 + index:02}" for index in range(20)])
    assert "the test set has no rows of '0'" in caplog.text


def test_label_missing_from_the_training_set_is_refused() -> None:
    dataset = build_dataset([(f"headline {index}", "A" if index < 19 else "B") for index in range(20)])
    with pytest.raises(DataError, match="no rows of 'B' in the training set"):
        split(dataset, SplitSection(by="time"), dates=[f"2020-01-{1 + index:02}" for index in range(20)])


# A column that names the split.


def build_predefined(*splits: str) -> Dataset:
    rows = [(f"headline {index}", "AB"[index % 2]) for index in range(len(splits))]
    return build_dataset(rows).add_column("part", list(splits))


PREDEFINED = SplitSection(predefined="part")


def test_column_decides_the_split() -> None:
    splits = split(build_predefined("train", "Train ", "dev", "valid", "test", "TEST"), PREDEFINED)
    assert [splits[split_name]["id"][:] for split_name in SPLITS] == [["0", "1"], ["2", "3"], ["4", "5"]]


def test_validation_is_cut_from_training_if_there_is_none() -> None:
    splits = split(build_predefined(*["train"] * 36, *["test"] * 4), PREDEFINED)
    assert [len(splits[split_name]) for split_name in SPLITS] == [32, 4, 4]
    assert splits["test"]["id"][:] == ["36", "37", "38", "39"]


def test_duplicates_of_the_test_set_are_left_out_of_the_others() -> None:
    dataset = build_predefined(*["train"] * 4, *["validation"] * 4, *["test"] * 2)
    groups = [8, 1, 2, 4, 4, 9, 6, 7, 8, 9]
    splits = split(dataset, PREDEFINED, groups=groups)
    assert [splits[split_name]["id"][:] for split_name in SPLITS] == [["1", "2"], ["4", "6", "7"], ["8", "9"]]


def test_other_words_in_the_column_are_refused() -> None:
    with pytest.raises(DataError, match=r"column 'part' .*split.predefined .*'tset', '', .*did you mean 'test'"):
        split(build_predefined("train", "train", "tset", ""), PREDEFINED)


def test_split_without_rows_is_refused() -> None:
    with pytest.raises(DataError, match="the test set has no rows"):
        split(build_predefined(*["train"] * 20), PREDEFINED)


@pytest.mark.parametrize("splits", [["test"] * 20, ["test"] * 10 + ["train"] * 10])
def test_file_without_training_rows_is_refused(splits: list[str]) -> None:
    # In the second case every training row has a duplicate in the test set.
    groups = [index % 10 for index in range(20)]
    with pytest.raises(DataError, match="the train set has no rows"):
        split(build_predefined(*splits), PREDEFINED, groups=groups)
