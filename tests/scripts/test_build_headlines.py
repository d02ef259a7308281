"""The synthetic headlines: the committed file is what the generator writes, and its rows keep their promises."""

import csv
import datetime
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest

from scripts.build_headlines import Headline, build_headlines, write_headlines

CATEGORIES = ["BUSINESS", "CULTURE", "HEALTH", "POLITICS", "SCIENCE", "SPORTS", "TECHNOLOGY", "WORLD"]


def read_committed_bytes() -> bytes:
    return (files("hf_newscls.data") / "headlines.csv").read_bytes()


@pytest.fixture(scope="module")
def headlines() -> list[Headline]:
    return build_headlines()


def test_committed_file_equals_generated_file(headlines: list[Headline], tmp_path: Path) -> None:
    write_headlines(tmp_path / "headlines.csv", headlines)
    # A mismatch shows as one line here; comparing the bytes in the assert would print 2,400.
    is_equal = (tmp_path / "headlines.csv").read_bytes() == read_committed_bytes()
    assert is_equal, "run `python -m scripts.build_headlines hf_newscls/data/headlines.csv`"


def test_committed_file_is_small_and_has_the_header() -> None:
    content = read_committed_bytes()
    assert len(content) < 250_000
    assert content.startswith(b"headline,category,date\n")
    assert b"\r" not in content


def test_sizes_and_categories(headlines: list[Headline]) -> None:
    counts = Counter(row.category for row in headlines)
    assert len(headlines) == 2400
    assert sorted(counts) == CATEGORIES
    assert 2 < max(counts.values()) / min(counts.values()) < 4


def test_no_headline_comes_twice(headlines: list[Headline]) -> None:
    assert len({row.headline.casefold() for row in headlines}) == len(headlines)


def test_headlines_are_filled_in_and_of_headline_length(headlines: list[Headline]) -> None:
    texts = [row.headline for row in headlines]
    assert not [text for text in texts if "{" in text or "}" in text or "  " in text or text != text.strip()]
    assert {len(text.split()) for text in texts} == set(range(6, 15))


def test_dates_ascend_over_several_years(headlines: list[Headline]) -> None:
    dates = [datetime.date.fromisoformat(row.date) for row in headlines]
    assert dates == sorted(dates)
    assert {date.year for date in dates} == set(range(2016, 2025))


def test_some_texts_fit_two_categories(headlines: list[Headline]) -> None:
    categories = {
        row.category for row in headlines if row.headline.startswith("Vinyl pressing robots bring records back")
    }
    assert categories == {"CULTURE", "TECHNOLOGY"}


def test_same_seed_gives_the_same_headlines() -> None:
    assert build_headlines(rows=50, seed=3) == build_headlines(rows=50, seed=3)


def test_another_seed_gives_other_headlines() -> None:
    first, second = (build_headlines(rows=50, seed=seed) for seed in (3, 4))
    assert {row.headline for row in first} != {row.headline for row in second}


@pytest.mark.parametrize("rows", [0, 1, 120])
def test_gives_as_many_rows_as_asked(rows: int) -> None:
    assert len(build_headlines(rows=rows)) == rows


def test_written_file_reads_back(tmp_path: Path) -> None:
    written = [
        Headline('Mayor: "no comment", again', "POLITICS", "2020-02-29"),
        Headline("Café opens", "CULTURE", "2021-01-01"),
    ]
    write_headlines(tmp_path / "two.csv", written)
    with (tmp_path / "two.csv").open(encoding="utf-8", newline="") as stream:
        assert [Headline(**row) for row in csv.DictReader(stream)] == written
