"""Read dates as news files write them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_NUMBERS = r"^(\d{1,2})[/.-](\d{1,2})[/.-]\d{4}"
_SHORT_YEAR = r"^(\d{1,2})([-/. ])([A-Za-z]{3,9})\2(\d\d)(?![\d:])"
# Follows a time of day and can hold four digits that are not a year: fractions of a second, the offset from UTC.
_AFTER_TIME = r"(?<=:\d\d)(\.\d+)?(\s*[+-]\d\d:?\d\d\b)?"
# Newspapers exist since 1605; a year far from now is an error or stands for "never".
_YEARS = (1600, 2200)


@dataclass(frozen=True)
class Dates:
    """Dates of N rows."""

    values: NDArray[np.datetime64]  # shape (N,), in UTC, to the second; NaT for a row without a date that can be read
    unreadable: Sequence[int]  # indices of the rows with a value that is not a date


def parse_dates(values: Sequence[str | None], *, date_format: str | None = None) -> Dates:
    """Return the dates of all rows; `date_format` is that of strptime.

    Without it, ISO 8601, 19-Feb-18 and the other formats that pandas knows are read, if they have a year. In numeric
    dates such as 03/04/2018 the month comes first, unless some date in the column is only valid with the day first.
    If others are only valid with the month first, none of them can be read.
    """
    text = pd.Series(values, dtype="str").str.strip()
    text = text.where(text != "", None)
    dates = _parse_any(text) if date_format is None else _parse(text, date_format)
    dates = dates.where(dates.dt.year.between(*_YEARS))
    parsed: NDArray[np.datetime64] = dates.dt.tz_localize(None).to_numpy().astype("datetime64[s]")
    return Dates(parsed, np.flatnonzero(dates.isna() & text.notna()).tolist())


def to_years(dates: NDArray[np.datetime64]) -> list[str]:
    """Return the year of each date, four digits; `unknown` for NaT."""
    return ["unknown" if year == "NaT" else year for year in np.datetime_as_string(dates, unit="Y").tolist()]


def count_by_year(years: Sequence[str], labels: NDArray[np.int64], *, size: int) -> tuple[list[str], NDArray[np.int64]]:
    """Return the years that occur, ascending, `unknown` last; and the rows by label and year, shape (L, Y).

    >>> years, counts = count_by_year(["2020", "unknown", "2018"], np.array([0, 1, 1]), size=2)
    >>> years, counts.tolist()
    (['2018', '2020', 'unknown'], [[0, 1, 0], [1, 0, 1]])
    """
    distinct, indices = np.unique(years, return_inverse=True)
    counts = np.zeros((size, len(distinct)), dtype=np.int64)
    np.add.at(counts, (labels, indices), 1)
    return distinct.tolist(), counts


def _parse(text: "pd.Series[str]", date_format: str, *, day_first: bool = False) -> "pd.Series[pd.Timestamp]":
    return pd.to_datetime(text, format=date_format, dayfirst=day_first, errors="coerce", utc=True).dt.as_unit("s")


def _parse_any(text: "pd.Series[str]") -> "pd.Series[pd.Timestamp]":
    text = text.str.replace(_SHORT_YEAR, _write_year_out, regex=True)
    # pandas would complete a date without a year with the current one, and read "today" or "now".
    year = text.str.replace(_AFTER_TIME, "", regex=True).str.extract(r"(\d{4})", expand=False).astype("float64")
    text = text.where(year.between(*_YEARS), None)
    dates = _parse(text, "ISO8601")
    other = text[dates.isna() & text.notna()]
    numbers = other.str.extract(_NUMBERS).dropna().astype(int)
    has_day_first = bool((numbers[0] > 12).any())
    if has_day_first and (numbers[1] > 12).any():
        other = other.drop(numbers.index)
    if len(other):
        dates = dates.fillna(_parse(other, "mixed", day_first=has_day_first))
    # In UTC the last hours of a year can belong to the next one.
    return dates.where((dates.dt.year - year).abs() <= 1)


def _write_year_out(match: "re.Match[str]") -> str:
    """Write 19-Feb-18 as 19-Feb-2018; as in POSIX, 69 is the first year of the last century."""
    day, separator, month, year = match.groups()
    return separator.join([day, month, f"{'19' if int(year) >= 69 else '20'}{year}"])
