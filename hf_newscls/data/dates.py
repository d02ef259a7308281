"""Read dates as news files write them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hf_newscls.errors import DataError, format_examples

_NUMBERS = r"^(\d{1,2})[/.-](\d{1,2})[/.-]\d{4}"
# Follows a time of day and can hold four digits that are not a year: fractions of a second, the offset from UTC.
_AFTER_TIME = r"(?<=:\d\d)(\.\d+)?(\s*[+-]\d\d:?\d\d\b)?"
# Newspapers exist since 1605; a year far from now is an error or stands for "never".
_YEARS = (1600, 2200)


def parse_dates(
    values: Sequence[str | None], *, ids: Sequence[str], column: str, source_name: str
) -> NDArray[np.datetime64]:
    """Return the dates in UTC, to the second, shape (N,); NaT for empty values.

    Reads ISO 8601 and the other formats that pandas knows. In numeric dates such as 03/04/2018 the month comes first,
    unless some date in the column is only valid with the day first. Messages show `ids`, `column` and `source_name`.

    Raises:
        DataError: a value is not a date or has no year; or some dates have the day first and others the month.
    """
    text = pd.Series(values, dtype="str").str.strip()
    text = text.where(text != "", None)
    # pandas would complete a date without a year with the current one, and read "today" or "now".
    year = text.str.replace(_AFTER_TIME, "", regex=True).str.extract(r"(\d{4})", expand=False).astype("float64")
    has_year = year.between(*_YEARS)
    dates = pd.to_datetime(text.where(has_year, None), format="ISO8601", errors="coerce", utc=True).dt.as_unit("s")
    is_other = dates.isna() & has_year
    if is_other.any():
        day_first = _is_day_first(text[is_other], column, source_name)
        other = pd.to_datetime(text[is_other], format="mixed", dayfirst=day_first, errors="coerce", utc=True)
        dates[is_other] = other.dt.as_unit("s")
    # In UTC the last hours of a year can belong to the next one.
    dates = dates.where((dates.dt.year - year).abs() <= 1)
    wrong = np.flatnonzero(dates.isna() & text.notna()).tolist()
    if wrong:
        offenders = format_examples(f"{values[index]} (id {ids[index]})" for index in wrong)
        raise DataError(
            f"{source_name}: column {column!r} holds values that are not dates with a year: {offenders}; "
            "write them as 2026-01-31, or split at random and set `data.date: null`"
        )
    parsed: NDArray[np.datetime64] = dates.dt.tz_localize(None).to_numpy().astype("datetime64[s]")
    return parsed


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


def _is_day_first(text: "pd.Series[str]", column: str, source_name: str) -> bool:
    numbers = text.str.extract(_NUMBERS).dropna().astype(int)
    day_first, month_first = text[numbers.index[numbers[0] > 12]], text[numbers.index[numbers[1] > 12]]
    if len(day_first) and len(month_first):
        raise DataError(
            f"{source_name}: column {column!r} mixes dates with the day first and with the month first "
            f"({day_first.iloc[0]!r}, {month_first.iloc[0]!r}); write them as 2026-01-31"
        )
    return len(day_first) > 0
