"""The card of prepared data: what the Hub reads of it, and what people read."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from huggingface_hub import DatasetCard

from hf_newscls.report.dataset_card import render_dataset_card
from tests.card_parts import FINGERPRINT, CardParts

MakeParts = Callable[..., CardParts]


def render(make_parts: MakeParts, **options: Any) -> str:
    recipe, manifest, *_ = make_parts(**options)
    return render_dataset_card(recipe, manifest, repo_id="owner/tiny-news")


def read_sections(card: str) -> dict[str, str]:
    """Return the text below each heading of the second level."""
    parts = re.split(r"^## (.+)\n", card, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_metadata_is_what_the_hub_wants(make_parts: MakeParts) -> None:
    data = DatasetCard(render(make_parts)).data.to_dict()
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
def test_size_is_one_of_the_hubs_categories(labels: int, size: str, make_parts: MakeParts) -> None:
    # The manifest of the fixture counts 1,200 rows of each label.
    names = [f"L{index}" for index in range(labels)]
    assert DatasetCard(render(make_parts, labels=names)).data.size_categories == size


def test_sections_stand_in_their_order(make_parts: MakeParts) -> None:
    assert [*read_sections(render(make_parts))] == [
        "How to load",
        "Source",
        "Rows",
        "What was dropped",
        "Duplicates and split",
        "Licence",
    ]


def test_rows_are_counted_by_side_and_label(make_parts: MakeParts) -> None:
    assert read_sections(render(make_parts))["Rows"].strip() == (
        "| Label | train | validation | test |\n|---|---|---|---|\n"
        "| FAKE | 600 | 100 | 500 |\n| REAL | 600 | 100 | 500 |\n| all | 1,200 | 200 | 1,000 |"
    )


def test_dropped_rows_are_told_by_reason(make_parts: MakeParts) -> None:
    text = read_sections(render(make_parts))["What was dropped"]
    assert "2,400 of the 2,401 rows of the source were kept." in text
    assert "| empty text | 1 |" in text
    assert "missing label" not in text


def test_source_is_told_without_the_folders_of_this_machine(make_parts: MakeParts) -> None:
    text = render(make_parts)
    assert "- `news.csv`\n" in text
    assert "/home/ann" not in text
    assert f"SHA-256: `{'a' * 64}`" in text


def test_addresses_that_hold_everywhere_are_told_whole(make_parts: MakeParts) -> None:
    source = ["kaggle://owner/set/a.csv", "hf://datasets/owner/set", "package:news/b.csv", "/home/ann/c.csv"]
    text = read_sections(render(make_parts, data={"source": source}))["Source"]
    assert [*re.findall(r"^- `(.+)`$", text, flags=re.M)] == [*source[:3], "c.csv"]
    assert f"SHA-256 over those of the files: `{'a' * 64}`" in text


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {},
            "reaches 0.8.\n7 rows of the source fall into 3 groups of one article each.\nEach group stands",
        ),
        ({"duplicates": "drop"}, "Of each group the first row was kept."),
        ({"near_duplicates": None}, "white space and Unicode form.\n"),
        ({"duplicates": "keep"}, "They stand where chance put them: 0 test rows have a twin in the training set."),
    ],
)
def test_handling_of_duplicates_is_told(data: dict[str, Any], expected: str, make_parts: MakeParts) -> None:
    text = read_sections(render(make_parts, data=data))["Duplicates and split"]
    assert expected in text
    assert "The split is random, stratified by label, seed 17. The fingerprint of the split, by which results" in text
    assert f"is `{FINGERPRINT}`." in text


def test_licence_is_unknown_unless_the_recipe_says(make_parts: MakeParts) -> None:
    assert "licence of the texts is unknown" in read_sections(render(make_parts))["Licence"]
    card = render(make_parts, data={"license": "cc-by-4.0"})
    assert read_sections(card)["Licence"].strip() == "The texts are under cc-by-4.0."
    assert DatasetCard(card).data.license == "cc-by-4.0"


def test_labels_and_columns_show_as_they_are_written(make_parts: MakeParts) -> None:
    card = render(make_parts, labels=["A | B", "<i>C</i>"], data={"text": ["short_description"], "label": "a*b*"})
    assert "| A \\| B | 600 |" in card
    assert "| \\<i\\>C\\</i\\> | 600 |" in card
    assert "the columns short\\_description; the label is the column a\\*b\\*." in card


def test_merged_labels_are_listed(make_parts: MakeParts) -> None:
    card = render(make_parts, data={"merge_labels": {"FAKE": ["HOAX", "SATIRE"]}})
    assert "- FAKE: HOAX, SATIRE\n" in card


def test_names_of_files_and_addresses_do_not_break_out(make_parts: MakeParts) -> None:
    data = {
        "source": "/home/ann/a`b.csv",
        "separator": " ` ",
        "dataset_url": "https://news.example/set(1)",
        "dataset_name": "News",
    }
    text = read_sections(render(make_parts, data=data))["Source"]
    assert "- ``a`b.csv``\n" in text
    assert "[News](https://news.example/set%281%29)" in text
    assert 'joined by ``" ` "``;' in text
