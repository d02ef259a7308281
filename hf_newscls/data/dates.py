"""Read dates as news files write them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hf_newscls.errors import DataError, format_examples

__all__ = ["parse_dates"]

_NUMBERS = r"^(\d{1,2})[/.-](\d{1,2})[/.-]\d{4}"
# What follows a time of day and holds four digits that are no year: fractions of a second, the offset from UTC.
_AFTER_TIME = r"(?<=:\d\d)(\.\d+)?(\s*[+-]\d\d:?\d\d\b)?"
# Newspapers are printed since 1605; a year far from now is a slip or stands for "never".
_YEARS = (1600, 2200)


def parse_dates(
    values: Sequence[str | None], *, ids: Sequence[str], column: str, source_name: str
) -> NDArray[np.datetime64]:
    """Return the dates in UTC, to the second, shape (N,); NaT where there is no value.

    ISO 8601 and what else pandas understands. Of days and months written as numbers the month comes first, unless a
    date of the column can only be read the other way.

    Args:
        values: as the file has them.
        ids: of the rows, for messages.
        column: that holds them, for messages.
        source_name: the data file, for messages.

    Raises:
        DataError: values that are no dates, or have no year; dates of which some have the day first, some the month.
    """
    text = pd.Series(values, dtype="str").str.strip()
    text = text.where(text != "", None)
    # Without a year pandas takes this one, and for "today" or "now" the present moment.
    year = text.str.replace(_AFTER_TIME, "", regex=True).str.extract(r"(\d{4})", expand=False).astype("float64")
    has_year = year.between(*_YEARS)
    dates = pd.to_datetime(text.where(has_year, None), format="ISO8601", errors="coerce", utc=True).dt.as_unit("s")
    is_other = dates.isna() & has_year
    if is_other.any():
        other = text[is_other]
        dates[is_other] = pd.to_datetime(
            other, format="mixed", dayfirst=_is_day_first(other, column, source_name), errors="coerce", utc=True
        ).dt.as_unit("s")
    # In UTC the last hours of a year may fall into the next one.
    dates = dates.where((dates.dt.year - year).abs() <= 1)
    wrong = np.flatnonzero(dates.isna() & text.notna()).tolist()
    if wrong:
        offenders = [f"{values[index]} (id {ids[index]})" for index in wrong]
        raise DataError(
            f"{source_name}: {column!r} must hold dates, as in 2026-01-31, found {format_examples(offenders)}; "
            "mend them, "
            "or split by chance and set `data.date: null`"
        )
    parsed: NDArray[np.datetime64] = dates.dt.tz_localize(None).to_numpy().astype("datetime64[s]")
    return parsed


def _is_day_first(text: "pd.Series[str]", column: str, source_name: str) -> bool:
    numbers = text.str.extract(_NUMBERS).dropna().astype(int)
    day_first, month_first = text[numbers.index[numbers[0] > 12]], text[numbers.index[numbers[1] > 12]]
    if len(day_first) and len(month_first):
        raise DataError(
            f"{source_name}: {column!r} must have the day first in all dates or in none, found "
            f"{day_first.iloc[0]!r} and "
            f"{month_first.iloc[0]!r}; write them as 2026-01-31"
        )
    return len(day_first) > 0
