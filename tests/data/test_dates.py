"""Dates as news files write them."""

import numpy as np
import pytest

from hf_newscls.data.dates import parse_dates


def parse(*values: str | None, date_format: str | None = None) -> list[str]:
    return [str(date) for date in parse_dates(values, date_format=date_format).values]


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
        ("2018-02-19T03:00Z", "2018-02-19T03:00:00"),
        ("19-Feb-18", "2018-02-19T00:00:00"),
        ("9 feb 18", "2018-02-09T00:00:00"),
        ("19/Feb/18 10:30", "2018-02-19T10:30:00"),
        ("31-Dec-68", "2068-12-31T00:00:00"),
        ("1-Jan-69", "1969-01-01T00:00:00"),
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


def test_days_and_months_in_either_order_cannot_be_read() -> None:
    dates = parse_dates(["26/05/2018", "05/27/2018", "2018-05-26", "03/04/2018", ""])
    assert dates.unreadable == [0, 1, 3]
    assert str(dates.values[2]) == "2018-05-26T00:00:00"


@pytest.mark.parametrize(
    "value", ["today", "now", "May 26", "10:30", "10", "26 May 10:30:00 +0100", "10:30:00.2018", "02/19/18", "18-Feb-9"]
)
def test_date_without_a_year_cannot_be_read(value: str) -> None:
    # pandas would complete it with the present moment, or guess which number is the year.
    assert parse_dates(["2018-05-26", value]).unreadable == [1]


@pytest.mark.parametrize("value", ["0018-05-26", "9999-12-31"])
def test_implausible_year_cannot_be_read(value: str) -> None:
    assert parse_dates(["2018-05-26", value]).unreadable == [1]


@pytest.mark.parametrize(
    ("value", "date_format", "expected"),
    [
        ("02/03/18", "%d/%m/%y", "2018-03-02T00:00:00"),
        ("18.02.03 10:30", "%y.%m.%d %H:%M", "2018-02-03T10:30:00"),
        ("2018\u5e742\u670819\u65e5", "%Y\u5e74%m\u6708%d\u65e5", "2018-02-19T00:00:00"),
        ("19/Feb/2018:03:00:00 +0200", "%d/%b/%Y:%H:%M:%S %z", "2018-02-19T01:00:00"),
    ],
)
def test_format_of_the_recipe_is_read(value: str, date_format: str, expected: str) -> None:
    assert parse(value, date_format=date_format) == [expected]


def test_dates_in_another_format_than_the_one_of_the_recipe_cannot_be_read() -> None:
    values = ["02/03/2018", "2018-03-02", "31/02/2018", "", None, "02/03/0018"]
    assert parse_dates(values, date_format="%d/%m/%Y").unreadable == [1, 2, 5]


def test_fractions_of_seconds_are_cut_off() -> None:
    assert parse("26/05/2018 10:30:00.5", "") == ["2018-05-26T10:30:00", "NaT"]


def test_rows_without_any_date() -> None:
    assert parse(None, None) == ["NaT", "NaT"]


def test_no_rows_give_no_dates() -> None:
    dates = parse_dates([])
    assert (dates.values.dtype, dates.values.shape, dates.unreadable) == (np.dtype("datetime64[s]"), (0,), [])


def test_values_that_are_not_dates_are_missing_and_listed() -> None:
    dates = parse_dates(["2018-05-26", "yesterday", "", "2018-13-45", None, "n/a"])
    assert np.isnat(dates.values).tolist() == [False, True, True, True, True, True]
    assert dates.unreadable == [1, 3, 5]
