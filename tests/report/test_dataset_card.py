"""The card of prepared data: metadata for the Hub, and text for people."""

import re
from dataclasses import replace
from typing import Any

import pytest
from huggingface_hub import DatasetCard

from hf_newscls.report.dataset_card import render_dataset_card
from tests.card_parts import FINGERPRINT, build_parts


def render(**options: Any) -> str:
    recipe, manifest, *_ = build_parts(**options)
    return render_dataset_card(recipe, manifest, repo_id="owner/tiny-news")


def read_sections(card: str) -> dict[str, str]:
    """Return the text below each second-level heading."""
    parts = re.split(r"^## (.+)\n", card, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_metadata_is_complete() -> None:
    data = DatasetCard(render()).data.to_dict()
    assert data == {
        "language": "en",
        "license": "unknown",
        "task_categories": ["text-classification"],
        "size_categories": "1K<n<10K",
        "pretty_name": "tiny",
        "tags": ["hf-newscls", "news"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": "train", "path": "data/train-*"},
                    {"split": "validation", "path": "data/validation-*"},
                    {"split": "test", "path": "data/test-*"},
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    ("labels", "size"), [(2, "1K<n<10K"), (8, "1K<n<10K"), (9, "10K<n<100K"), (84, "100K<n<1M"), (900, "1M<n<10M")]
)
def test_size_is_one_of_the_hubs_categories(labels: int, size: str) -> None:
    # The manifest of the fixture counts 1,200 rows of each label.
    names = [f"L{index}" for index in range(labels)]
    assert DatasetCard(render(labels=names)).data.size_categories == size


def test_sections_are_in_order() -> None:
    assert [*read_sections(render())] == [
        "How to load",
        "Source",
        "Rows",
        "Dropped rows",
        "Duplicates and split",
        "License",
    ]


def test_rows_are_counted_by_split_and_label() -> None:
    assert read_sections(render())["Rows"].strip() == (
        "| Label | train | validation | test |\n|---|---|---|---|\n"
        "| FAKE | 600 | 100 | 500 |\n| REAL | 600 | 100 | 500 |\n| all | 1,200 | 200 | 1,000 |"
    )


def test_dropped_rows_are_counted_by_reason() -> None:
    text = read_sections(render())["Dropped rows"]
    assert "2,400 of 2,401 source rows were kept." in text
    assert "| empty text | 1 |" in text
    assert "missing label" not in text


def test_source_is_named_without_local_folders() -> None:
    text = render()
    assert "- `news.csv`\n" in text
    assert "/home/ann" not in text
    assert f"SHA-256: `{'a' * 64}`" in text


def test_public_addresses_are_complete() -> None:
    source = ["kaggle://owner/set/a.csv", "hf://datasets/owner/set", "package:news/b.csv", "/home/ann/c.csv"]
    text = read_sections(render(data={"source": source}))["Source"]
    assert [*re.findall(r"^- `(.+)`$", text, flags=re.M)] == [*source[:3], "c.csv"]
    assert f"SHA-256 of the files' SHA-256 values: `{'a' * 64}`" in text


@pytest.mark.parametrize(
    ("data", "label"),
    [
        ({"source": {"FAKE": "a.csv", "REAL": "b.csv"}, "label": None}, "given by the file"),
        ({"source": "bbc/", "label": None}, "the column folder"),
        ({"source": {"train": "a.csv", "test": "b.csv"}}, "the column category"),
    ],
)
def test_origin_of_the_label_is_reported(data: dict[str, Any], label: str) -> None:
    text = read_sections(render(data=data))["Source"]
    assert f"the label is {label}." in text
    assert ("- `bbc`\n" in text) == (data["source"] == "bbc/")


@pytest.mark.parametrize(
    ("near", "handling", "expected"),
    [
        (
            {},
            "group",
            "is at least 0.8.\nDuplicates found: 4 (exact 3, near 1). Each stays in the split of the text it ",
        ),
        (None, "drop", "white space and Unicode form.\nDuplicates removed: 4 (exact 3, near 1)."),
        ({}, "keep", "Duplicates kept: 4 (exact 3, near 1); no test row has a duplicate in the training set."),
    ],
)
def test_handling_of_duplicates_is_reported(near: Any, handling: str, expected: str) -> None:
    recipe, manifest, *_ = build_parts(data={"near_duplicates": near})
    handled = replace(manifest, duplicates=replace(manifest.duplicates, handling=handling))
    card = render_dataset_card(recipe, handled, repo_id="owner/tiny-news")
    text = read_sections(card)["Duplicates and split"]
    assert expected in text
    assert "Split: random, stratified by label; seed 17." in text
    assert f"if both have this split fingerprint: `{FINGERPRINT}`." in text


def test_license_is_unknown_unless_the_recipe_names_one() -> None:
    assert "license of the texts is unknown" in read_sections(render())["License"]
    card = render(data={"license": "cc-by-4.0"})
    assert read_sections(card)["License"].strip() == "The texts are licensed under cc-by-4.0."
    assert DatasetCard(card).data.license == "cc-by-4.0"


def test_labels_and_columns_are_escaped() -> None:
    card = render(labels=["A | B", "<i>C</i>"], data={"text": ["short_description"], "label": "a*b*"})
    assert "| A \\| B | 600 |" in card
    assert "| \\<i\\>C\\</i\\> | 600 |" in card
    assert "The text is the column short\\_description; the label is the column a\\*b\\*." in card


def test_merged_labels_are_listed() -> None:
    card = render(data={"merge_labels": {"FAKE": ["HOAX", "SATIRE"]}})
    assert "- FAKE: HOAX, SATIRE\n" in card


def test_file_names_and_addresses_are_escaped() -> None:
    data = {
        "source": "/home/ann/a`b.csv",
        "separator": " ` ",
        "dataset_url": "https://news.example/set(1)",
        "dataset_name": "News",
    }
    text = read_sections(render(data=data))["Source"]
    assert "- ``a`b.csv``\n" in text
    assert "[News](https://news.example/set%281%29)" in text
    assert 'joined by ``" ` "``;' in text
