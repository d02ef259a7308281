"""Read dates as news files write them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hf_newscls.errors import DataError, describe_offenders

__all__ = ["parse_dates"]


def parse_dates(values: Sequence[str | None], *, ids: Sequence[str], column: str, where: str) -> NDArray[np.datetime64]:
    """Return the dates in UTC, to the second, shape (N,); NaT where there is no value.

    ISO 8601 and what else pandas understands; where day and month could change places, the month comes first.

    Args:
        values: as the file has them.
        ids: of the rows, for messages.
        column: that holds them, for messages.
        where: the data file, for messages.

    Raises:
        DataError: values that are no dates.
    """
    text = pd.Series(values, dtype="str").str.strip()
    text = text.where(text != "", None)
    dates = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)
    is_other = dates.isna() & text.notna()
    if is_other.any():
        dates[is_other] = pd.to_datetime(text[is_other], format="mixed", errors="coerce", utc=True)
    wrong = np.flatnonzero(dates.isna() & text.notna())
    if len(wrong):
        offenders = [f"{values[place]} (row {ids[place]})" for place in wrong]
        raise DataError(
            f"{where}: {column!r} must hold dates, as in 2026-01-31, found {describe_offenders(offenders)}; mend them, "
            "or set `data.date: null`"
        )
    return dates.dt.tz_localize(None).to_numpy().astype("datetime64[s]")
