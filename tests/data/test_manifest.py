"""The manifest of a split, its fingerprint, and the leaks from training to test set."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from datasets import DatasetDict

from hf_newscls.data.deduplication import DuplicateCounts
from hf_newscls.data.manifest import (
    Leakage,
    SplitManifest,
    build_manifest,
    compute_fingerprint,
    measure_leakage,
)
from hf_newscls.data.readers.format import CsvDialect, FileFormat
from hf_newscls.data.splitting import SPLITS
from hf_newscls.recipe.data import SplitSection
from tests.data.test_splitting import HALF, PINNED, PINNED_FINGERPRINT, build_classes, build_dataset, split

COUNTS = DuplicateCounts(
    handling="group", groups=1, rows=2, largest=2, exact=1, near=0, conflicting_texts=0, conflicting_rows=0
)
LEAKAGE = Leakage(rows=0, random_split_rows=1, random_split_test_rows=2)


def describe(splits: DatasetDict, section: SplitSection = HALF) -> SplitManifest:
    return build_manifest(
        splits,
        section,
        source="news.csv",
        source_sha256="ab" * 32,
        rows_read=10,
        dropped={"missing label": 0, "empty text": 2},
        duplicates=COUNTS,
        leakage=LEAKAGE,
        files=[FileFormat("news.csv", "CSV", 10, {"title": "Storm"}, "utf-8", CsvDialect(",", "minimal", True), 2)],
    )


def build_splits(rows: Sequence[tuple[str, str, str]]) -> DatasetDict:
    return DatasetDict(
        {
            split_name: build_dataset(
                [(text, label) for text, label, at in rows if at == split_name], names=["FAKE", "REAL"]
            )
            for split_name in SPLITS
        }
    )


@pytest.mark.parametrize(
    ("index", "changed"),
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
def test_fingerprint_changes_with_any_row(index: int, changed: tuple[str, str, str]) -> None:
    assert compute_fingerprint(build_splits(PINNED)) == PINNED_FINGERPRINT
    rows = [*PINNED[:index], changed, *PINNED[index + 1 :]]
    assert compute_fingerprint(build_splits(rows)) != PINNED_FINGERPRINT


@pytest.mark.parametrize("extra", [PINNED[0], PINNED[1]])
def test_fingerprint_changes_with_an_added_row(extra: tuple[str, str, str]) -> None:
    assert compute_fingerprint(build_splits([*PINNED, extra])) != PINNED_FINGERPRINT


def test_fingerprint_ignores_ids_and_kept_columns() -> None:
    splits = build_splits(PINNED)
    renamed = splits.map(lambda row: {"id": f"x{row['id']}", "date": "2020"})
    assert compute_fingerprint(renamed) == PINNED_FINGERPRINT


def test_manifest_describes_the_split() -> None:
    manifest = describe(split(build_dataset([(text, label) for text, label, _ in PINNED]), HALF))
    assert manifest.to_dict() == {
        "source": "news.csv",
        "source_sha256": "ab" * 32,
        "rows_read": 10,
        "dropped": {"missing label": 0, "empty text": 2},
        "strategy": "random, stratified by label",
        "seed": 17,
        "fractions": {"train": 0.5, "validation": 0.25, "test": 0.25},
        "fingerprint": PINNED_FINGERPRINT,
        "label_counts": {
            "train": {"FAKE": 2, "REAL": 2},
            "validation": {"FAKE": 1, "REAL": 1},
            "test": {"FAKE": 1, "REAL": 1},
        },
        "row_ids": {"train": ["0", "2", "5", "7"], "validation": ["3", "4"], "test": ["1", "6"]},
        "duplicates": {
            "handling": "group",
            "groups": 1,
            "rows": 2,
            "largest": 2,
            "exact": 1,
            "near": 0,
            "conflicting_texts": 0,
            "conflicting_rows": 0,
        },
        "leakage": {"rows": 0, "random_split_rows": 1, "random_split_test_rows": 2},
        "files": [
            {
                "name": "news.csv",
                "kind": "CSV",
                "rows": 10,
                "first_row": {"title": "Storm"},
                "encoding": "utf-8",
                "csv": {"separator": ",", "quoting": "minimal", "has_header": True},
                "skipped_lines": 2,
                "records": None,
                "sheet": None,
            }
        ],
    }
    assert SplitManifest.from_dict(json.loads(json.dumps(manifest.to_dict()))) == manifest


def test_label_missing_from_a_split_has_a_count_of_zero() -> None:
    manifest = describe(build_splits([row for row in PINNED if row[2] != "test" or row[1] == "REAL"]))
    assert manifest.label_counts["test"] == {"FAKE": 0, "REAL": 1}
    assert Counter(len(ids) for ids in manifest.row_ids.values()) == {4: 1, 2: 1, 1: 1}


@pytest.mark.parametrize(
    ("changes", "strategy"),
    [
        ({"by": "time"}, "by time, the newest rows in the test set"),
        ({"folds": 5, "fold": 2}, "fold 2 of 5, stratified by label"),
    ],
)
def test_strategy_is_described(changes: dict[str, object], strategy: str) -> None:
    section = HALF.model_copy(update=changes)
    assert describe(build_splits(PINNED), section).strategy == strategy


@pytest.mark.parametrize(
    ("validation", "strategy"),
    [
        ("dev", "by column part"),
        ("train", "by column part; validation sampled from its training rows"),
    ],
)
def test_strategy_says_where_predefined_validation_comes_from(validation: str, strategy: str) -> None:
    words = {"train": "train", "validation": validation, "test": "test"}
    splits = DatasetDict(
        {
            split_name: rows.add_column("part", [words[split_name]] * len(rows))
            for split_name, rows in build_splits(PINNED).items()
        }
    )
    assert describe(splits, HALF.model_copy(update={"predefined": "part"})).strategy == strategy


def test_manifest_of_version_0_1_is_read() -> None:
    manifest = describe(build_splits(PINNED))
    values = manifest.to_dict()
    old = {
        **{key: value for key, value in values.items() if key != "strategy"},
        "way": values["strategy"],
        "label_counts": {"train": {"equal": 1, "plain": 2}},  # labels are not keys
        "duplicates": {
            "handling": "group",
            "groups": 1,
            "rows": 2,
            "largest": 2,
            "equal": 1,
            "alike": 0,
            "contradictory_texts": 0,
            "contradictory_rows": 0,
        },
        "leakage": {"rows": 0, "plain": 1, "plain_test_rows": 2},
    }
    expected = replace(manifest, label_counts={"train": {"equal": 1, "plain": 2}})
    assert SplitManifest.from_dict(json.loads(json.dumps(old))) == expected


def test_manifest_without_a_value_is_refused() -> None:
    values = describe(build_splits(PINNED)).to_dict()
    del values["fingerprint"]
    with pytest.raises(ValueError, match="fingerprint"):
        SplitManifest.from_dict(values)


# Leaks.


def test_test_rows_with_a_duplicate_in_training_are_counted() -> None:
    #                  train, validation, test, left out
    splits = np.array([0, 0, 1, 1, 2, 2, 2, 2, -1])
    groups = np.array([7, 8, 9, 6, 7, 7, 9, 5, 5])
    dataset = build_dataset([(f"text {index}", "AB"[index % 2]) for index in range(9)])
    assert measure_leakage(dataset, splits, groups=groups, section=HALF).rows == 2


def test_random_split_leaks_and_a_grouped_one_does_not() -> None:
    dataset, groups = build_classes(100, 100), np.arange(200) // 2
    splits = np.zeros(200, dtype=np.int64)
    for index, split_name in enumerate(SPLITS):
        splits[[int(row_id) for row_id in split(dataset, SplitSection(), groups=groups)[split_name]["id"]]] = index
    leakage = measure_leakage(dataset, splits, groups=groups, section=SplitSection())
    plain = split(dataset, SplitSection())
    train = {int(row_id) // 2 for row_id in plain["train"]["id"]}
    expected = sum(int(row_id) // 2 in train for row_id in plain["test"]["id"])
    assert expected > 0
    assert leakage == Leakage(rows=0, random_split_rows=expected, random_split_test_rows=20)
