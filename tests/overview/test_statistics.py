"""Statistics of a news file, worked by hand."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import ClassLabel, Dataset

from hf_newscls.data.cleaning import CleanedRows, clean_rows
from hf_newscls.data.dates import Dates
from hf_newscls.data.duplicates import DuplicateGroups, find_duplicates, find_repeated, normalize_text
from hf_newscls.data.readers.rows import read_files
from hf_newscls.errors import InputError
from hf_newscls.modeling.token_counts import TokenCounts
from hf_newscls.overview.statistics import DataOverview, describe_lengths, show_rows, summarize_groups, summarize_rows
from hf_newscls.recipe.data import DataSection, NearDuplicatesSection

TEXTS = ["Storm hits the coast", "storm HITS the coast", "Storm hits the coast", "Rain", "Sun and wind over the hills"]
LABELS = [0, 1, 0, 1, 1]
TOKENS = TokenCounts(np.array([6, 6, 6, 3, 8]), np.array([0, 0, 3, 0, 0]), special=2)


def build_cleaned(texts: Sequence[str] = TEXTS, labels: Sequence[int] = LABELS) -> CleanedRows:
    """Rows with the ids 0, 1 and so on, and the labels FAKE and REAL; two more rows were dropped."""
    content = {"id": [str(index) for index in range(len(texts))], "text": [*texts], "label": [*labels]}
    dataset = Dataset.from_dict(content).cast_column("label", ClassLabel(names=["FAKE", "REAL"]))
    return CleanedRows(dataset, rows_read=len(texts) + 2, dropped={"empty text": 2, "short text": 0})


def count_one(texts: int) -> TokenCounts:
    """One known token for each text."""
    return TokenCounts(np.ones(texts, dtype=np.int64), np.zeros(texts, dtype=np.int64), special=0)


def summarize(**changes: Any) -> DataOverview:
    cleaned = build_cleaned()
    groups = find_duplicates(TEXTS, None)
    return summarize_rows(cleaned, groups, **{"token_counts": TOKENS, "max_length": 6} | changes)


def build_dates(*dates: str, unreadable: Sequence[int] = ()) -> Dates:
    return Dates(np.array(dates, dtype="datetime64[s]"), unreadable)


def test_rows_are_counted_by_label() -> None:
    overview = summarize()
    assert (overview.rows_read, overview.rows_kept, overview.dropped["empty text"]) == (7, 5, 2)
    assert dict(zip(overview.label_names, overview.label_counts.tolist(), strict=True)) == {"FAKE": 2, "REAL": 3}


def test_rows_are_counted_by_label_and_year() -> None:
    overview = summarize(dates=build_dates("2020-01-05", "2018-05-02", "NaT", "NaT", "2018-12-31", unreadable=[3]))
    assert overview.years == ["2018", "2020", "unknown"]
    assert overview.year_counts.tolist() == [[0, 1, 1], [2, 0, 1]]
    assert overview.unreadable_dates == 1


def test_without_dates_there_are_no_years() -> None:
    overview = summarize()
    assert (overview.years, overview.unreadable_dates) == ([], 0)
    assert overview.year_counts.shape == (2, 0)


def test_dates_that_are_all_unknown_are_counted() -> None:
    overview = summarize(dates=build_dates(*["NaT"] * 5))
    assert overview.years == ["unknown"]
    assert overview.year_counts.tolist() == [[2], [3]]


def test_duplicates_and_conflicting_labels_are_counted() -> None:
    overview = summarize()
    assert (
        overview.articles,
        overview.exact_duplicates.groups,
        overview.exact_duplicates.rows,
        overview.exact_duplicates.extra,
    ) == (3, 1, 3, 2)
    assert (overview.conflicting_labels.groups, overview.conflicting_labels.rows) == (1, 3)
    assert overview.near_duplicates.groups == 0
    (example,) = overview.conflicting_labels.examples
    assert [(row.id, row.label) for row in example.shown] == [("0", "FAKE"), ("1", "REAL"), ("2", "FAKE")]


def test_near_duplicates_and_exact_duplicates_are_counted_separately() -> None:
    # Rows 0 and 1 are equal and 2 is a near duplicate of them; 3 and 4 are equal.
    groups = DuplicateGroups(groups=np.array([0, 0, 0, 3, 3]), texts=np.array([0, 0, 2, 3, 3]))
    overview = summarize_rows(build_cleaned(), groups, token_counts=TOKENS, max_length=6)
    assert (overview.articles, overview.exact_duplicates.groups, overview.exact_duplicates.extra) == (2, 2, 2)
    assert (overview.near_duplicates.groups, overview.near_duplicates.rows) == (1, 3)
    (example,) = overview.near_duplicates.examples
    assert [row.id for row in example.shown] == ["0", "2", "1"]


def test_words_are_separated_by_white_space() -> None:
    words = summarize().words
    assert words.mean == (4 + 4 + 4 + 1 + 6) / 5
    assert (words.quantiles["min"], words.quantiles["50%"], words.quantiles["max"]) == (1, 4, 6)


def test_tokens_are_summarized_for_each_label() -> None:
    overview = summarize()
    assert overview.label_tokens.tolist() == [[6, 6, 6, 6, 6], [3, 3, 6, 8, 8]]
    assert overview.tokens.quantiles["max"] == 8
    # Each text has two special tokens.
    assert (overview.token_summary.texts_cut_off, overview.token_summary.unknown_fraction) == (1, 3 / 19)


def test_quantiles_are_lengths_of_texts() -> None:
    lengths = describe_lengths([*range(1, 101)])
    assert lengths.mean == 50.5
    assert [*lengths.quantiles.values()] == [1, 5, 25, 50, 75, 95, 99, 100]


def test_shortest_texts_come_first() -> None:
    overview = summarize()
    assert [row.text for row in overview.shortest] == [TEXTS[3], TEXTS[0], TEXTS[1], TEXTS[2], TEXTS[4]]


def test_statistics_can_be_written_as_json() -> None:
    content = json.loads(json.dumps(summarize(dates=build_dates("2020", "2018", "2020", "2018", "2019")).to_dict()))
    assert content["label_counts"] == {"FAKE": 2, "REAL": 3}
    assert content["year_counts"]["REAL"] == {"2018": 2, "2019": 1, "2020": 0}
    assert content["label_tokens"]["REAL"] == {"5%": 3, "25%": 3, "50%": 6, "75%": 8, "95%": 8}
    assert content["exact_duplicates"]["examples"][0]["shown"][0] == {"id": "0", "label": "FAKE", "text": TEXTS[0]}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [({"token_counts": count_one(4)}, "token_counts: 4 "), ({"dates": build_dates("2020")}, "dates: 1 ")],
)
def test_columns_of_another_length_are_refused(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputError, match=rf"^{fault}.*\b5 rows"):
        summarize(**changes)


@pytest.mark.parametrize(
    ("file", "columns", "extra"),
    [("fake_news/titles_6335.csv", ["title"], 79), ("long_documents/bbc.csv", ["title", "text"], 98)],
)
def test_exact_duplicates_of_real_files_are_the_known_ones(
    file: str, columns: list[str], extra: int, real_data: Path
) -> None:
    section = DataSection(source=file, text=columns, label="label", near_duplicates=None)
    rows = read_files(real_data / file, columns=[*columns, "label"])
    cleaned = clean_rows(rows, section, source_name=file)
    texts = cleaned.dataset["text"][:]
    overview = summarize_rows(cleaned, find_duplicates(texts, None), token_counts=count_one(len(texts)), max_length=8)
    assert len(texts) - len({normalize_text(one) for one in texts}) == overview.exact_duplicates.extra
    assert overview.exact_duplicates.extra >= extra, (
        "more than the equal texts: also those that differ in case or white space"
    )
    assert len(texts) - len({*texts}) == extra


def test_articles_include_exact_duplicates(news_rows: list[dict[str, str]]) -> None:
    texts = [row["title"] for row in news_rows for _ in range(2)] + ["A storm hits the coast of the north today again!"]
    texts += ["A storm hits the coast of the north today again?"]
    labels = [0, 1] * (len(texts) // 2)
    groups = find_duplicates(texts, NearDuplicatesSection())
    overview = summarize_rows(build_cleaned(texts, labels), groups, token_counts=count_one(len(texts)), max_length=8)
    assert overview.exact_duplicates.groups == len(news_rows)
    assert overview.conflicting_labels.groups == len(news_rows)
    assert overview.articles == len(np.unique(groups.groups))


# Groups of rows, and examples.


def build_rows(texts: Sequence[str], labels: Sequence[int]) -> Dataset:
    """Rows with the ids r0, r1 and so on, and the labels A, B, C."""
    content = {"id": [f"r{index}" for index in range(len(texts))], "text": [*texts], "label": [*labels]}
    return Dataset.from_dict(content).cast_column("label", ClassLabel(names=["A", "B", "C"]))


def test_rows_of_groups_are_counted() -> None:
    groups = np.array([0, 1, 0, 3, 1, 0])
    rows = build_rows(["x", "y", "x", "z", "y", "x"], [0, 0, 0, 0, 1, 1])
    summary = summarize_groups(rows, groups, find_repeated(groups), kinds=np.zeros(6, dtype=np.int64))
    assert (summary.groups, summary.rows, summary.extra, summary.largest) == (2, 5, 3, 3)


def test_without_groups_all_counts_are_zero() -> None:
    groups = np.arange(3)
    summary = summarize_groups(build_rows("xyz", [0, 1, 2]), groups, find_repeated(groups), kinds=groups)
    assert (summary.groups, summary.rows, summary.extra, summary.largest) == (0, 0, 0, 0)
    assert summary.examples == []


def test_largest_group_is_the_first_example() -> None:
    groups = np.array([0, 0, 2, 2, 2, 5, 5])
    summary = summarize_groups(build_rows("aabbbcc", [0] * 7), groups, find_repeated(groups), kinds=groups)
    assert [group.rows for group in summary.examples] == [3, 2, 2]
    assert [[row.id for row in group.shown] for group in summary.examples] == [
        ["r2", "r3", "r4"],
        ["r0", "r1"],
        ["r5", "r6"],
    ]


def test_example_shows_one_row_of_each_kind_first() -> None:
    groups, labels = np.zeros(5, dtype=np.int64), np.array([0, 0, 0, 2, 1])
    (group,) = summarize_groups(build_rows("xxxxx", labels), groups, np.array([0]), kinds=labels).examples
    assert group.rows == 5
    assert [(row.id, row.label) for row in group.shown] == [("r0", "A"), ("r3", "C"), ("r4", "B")]


def test_at_most_ten_groups_are_examples() -> None:
    groups = np.arange(30) // 2 * 2
    summary = summarize_groups(build_rows(["x"] * 30, [0] * 30), groups, find_repeated(groups), kinds=groups)
    assert summary.groups == 15
    assert len(summary.examples) == 10


def test_rows_are_shown_in_the_given_order() -> None:
    shown = show_rows(build_rows(["one", "two", "three"], [2, 1, 0]), [2, 0])
    assert [(row.id, row.label, row.text) for row in shown] == [("r2", "A", "three"), ("r0", "C", "one")]
