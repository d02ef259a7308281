"""Dates as news files write them."""

import re

import numpy as np
import pytest

from hf_newscls.data.dates import parse_dates
from hf_newscls.errors import DataError


def parse(*values: str | None) -> list[str]:
    ids = [str(index) for index in range(len(values))]
    return [str(date) for date in parse_dates(values, ids=ids, column="date", source_name="news.csv")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2018-05-26", "2018-05-26T00:00:00"),
        ("2018-05-26T10:30:00Z", "2018-05-26T10:30:00"),
        ("2018-05-26T10:30:00+02:00", "2018-05-26T08:30:00"),
        ("May 26, 2018", "2018-05-26T00:00:00"),
        ("26 May 2018", "2018-05-26T00:00:00"),
        ("05/26/2018", "2018-05-26T00:00:00"),
        ("26/05/2018", "2018-05-26T00:00:00"),
        ("26.05.2018", "2018-05-26T00:00:00"),
        (" 2018-05-26 ", "2018-05-26T00:00:00"),
        ("26 May 2018 10:30:00.123", "2018-05-26T10:30:00"),
        ("Sat May 26 10:30:00 +0000 2018", "2018-05-26T10:30:00"),
        ("2018-12-31T23:30:00-05:00", "2019-01-01T04:30:00"),
        ("", "NaT"),
        (None, "NaT"),
    ],
)
def test_date_is_read(value: str | None, expected: str) -> None:
    assert parse(value, "2020-01-01") == [expected, "2020-01-01T00:00:00"]


def test_formats_can_be_mixed() -> None:
    assert parse("2018-05-26", "May 27, 2018", None)[:2] == ["2018-05-26T00:00:00", "2018-05-27T00:00:00"]


def test_one_date_with_the_day_first_decides_for_all() -> None:
    assert parse("03/04/2018", "26/05/2018") == ["2018-04-03T00:00:00", "2018-05-26T00:00:00"]
    assert parse("03/04/2018", "05/26/2018") == ["2018-03-04T00:00:00", "2018-05-26T00:00:00"]


def test_days_and_months_in_either_order_are_refused() -> None:
    with pytest.raises(DataError, match=r"news\.csv: column 'date' .*'26/05/2018', '05/27/2018'"):
        parse("26/05/2018", "05/27/2018")


@pytest.mark.parametrize("value", ["today", "now", "May 26", "10:30", "10", "26 May 10:30:00 +0100", "10:30:00.2018"])
def test_date_without_a_year_is_refused(value: str) -> None:
    # pandas would complete it with the present moment.
    with pytest.raises(DataError, match=re.escape(f"'{value} (id 1)'")):
        parse("2018-05-26", value)


@pytest.mark.parametrize("value", ["0018-05-26", "9999-12-31"])
def test_implausible_year_is_refused(value: str) -> None:
    with pytest.raises(DataError, match=f"'{value} \\(id 1\\)'"):
        parse("2018-05-26", value)


def test_fractions_of_seconds_are_cut_off() -> None:
    assert parse("26/05/2018 10:30:00.5", "") == ["2018-05-26T10:30:00", "NaT"]


def test_rows_without_any_date() -> None:
    assert parse(None, None) == ["NaT", "NaT"]


def test_no_rows_give_no_dates() -> None:
    assert parse_dates([], ids=[], column="date", source_name="news.csv").dtype == np.dtype("datetime64[s]")


def test_values_that_are_not_dates_are_refused_with_their_rows() -> None:
    values = ["2018-05-26", "yesterday", "2018-13-45", *["n/a"] * 5]
    with pytest.raises(DataError) as caught:
        parse(*values)
    message = str(caught.value)
    assert message.startswith("news.csv: column 'date'")
    assert "'yesterday (id 1)', '2018-13-45 (id 2)'" in message
    assert "'n/a (id 5)'" in message
    assert "'n/a (id 6)'" not in message
    assert "(7 in all)" in message
