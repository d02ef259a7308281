"""A leaderboard: models measured on the same split are in one table, the others are listed with the reason."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from hf_newscls.comparison.model_scores import Model, is_fingerprint
from hf_newscls.comparison.pairwise_tests import Pair
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.evaluation.statistics.significance import Verdict
from hf_newscls.runs.recipe_diff import RecipeChange

_SHOWN = 12
_COLUMNS = (
    *("dataset", "split", "metric", "rank", "name", "revision", "origin", "score", "interval_low", "interval_high"),
    *("f1_macro", "verdict", "p_value", "is_verified", "differs_in", "notes", "reason"),
)


@dataclass(frozen=True)
class Setting:
    """What a score was measured on: only scores of one setting are ranked together."""

    dataset: str  # empty if the model's card does not name it
    split: str  # its fingerprint, or configuration, split and revision of the dataset
    metric: str  # named as in `compute_scores`

    @property
    def key(self) -> tuple[str, ...]:
        """Equal for settings that can be ranked together; a fingerprint identifies the rows under any dataset name."""
        return (self.split, self.metric) if is_fingerprint(self.split) else (self.dataset, self.split, self.metric)

    @property
    def short_split(self) -> str:
        """The split, with a fingerprint shortened."""
        return _shorten_split(self.split)


@dataclass(frozen=True)
class Entry(Model):
    """A model's score in one setting, with the predictions that give it; without them it is only claimed."""

    setting: Setting
    score: float
    claimed: float | None = None  # score in the model's own files; None if they have none
    interval: Interval | None = None  # 95% interval of the score, if known
    claimed_interval: Interval | None = None  # the interval in the model's own files
    f1_macro: float | None = None
    is_verified_by_hub: bool = False  # whether the Hub itself verified the score
    copies: Sequence[str] = ()  # local runs with the same answers, which this model was published from
    rank: int | None = None  # from 1 in its table, equal for equal scores; None if the score is not verified
    # How the model compares with the first one; None for the first, or if the two were not tested.
    verdict: Verdict | None = None
    p_value: float | None = None  # of that test, corrected for all tests of the table
    # How the recipe differs from the first one in the table; None for the first, and if the recipe is not known.
    differences: Sequence[RecipeChange] | None = None

    @property
    def is_own(self) -> bool:
        """Whether the score was measured on this machine."""
        return self.origin != "Hub" or bool(self.copies)

    @property
    def is_verified(self) -> bool:
        """Whether the score was computed from predictions, here or by the Hub."""
        return self.predictions is not None or self.is_verified_by_hub

    @property
    def verdict_text(self) -> str:
        """The verdict with its p-value; empty if there is none."""
        return "" if self.verdict is None else f"{self.verdict} (p = {self.p_value:.2g})"

    @property
    def differs_in(self) -> str:
        """The keys of `differences`; values can be paths of this machine, which are not published."""
        if self.differences is None:
            return ""
        return ", ".join(change.key for change in self.differences) or "nothing"


@dataclass(frozen=True)
class Unranked:
    """A model that is not ranked, and the reason."""

    name: str
    reason: str
    revision: str | None = None


@dataclass(frozen=True)
class Table:
    """Models measured in one setting, best first, and the tested pairs; `unverified` models only claim their scores.

    The caution says why the scores cannot be compared with the first table; it is empty for the first table.
    """

    setting: Setting
    rows: Sequence[Entry]
    unverified: Sequence[Entry] = ()
    pairs: Sequence[Pair] = ()
    caution: str = ""


@dataclass(frozen=True)
class Leaderboard:
    """All tables, and the models that are in none.

    Attributes:
        metric: that was asked for.
        tables: first the split of this machine's runs, then by number of models.
        unranked: models that are in no table, by name.
        remarks: for example that the Hub could not be reached.
    """

    metric: str
    tables: Sequence[Table]
    unranked: Sequence[Unranked]
    remarks: Sequence[str] = ()

    def to_pandas(self) -> pd.DataFrame:
        """Return one row for each model, in the order of the tables; models in no table come last, with the `reason`.

        `rank` is missing for scores that are not verified, `verdict` compares with the first model, `differs_in` names
        the keys of the recipe with other values than for the first model.
        """
        rows = [_to_record(table, entry) for table in self.tables for entry in (*table.rows, *table.unverified)]
        records = [*rows, *(asdict(one) for one in self.unranked)]
        return pd.DataFrame(records, columns=[*_COLUMNS]).convert_dtypes()

    def _repr_html_(self) -> str:
        """Return the table that a notebook shows."""
        filled = self.to_pandas().dropna(axis="columns", how="all")
        formats = {"split": _shorten_split}
        html: str = filled.to_html(index=False, na_rep="", float_format="{:.4g}".format, formatters=formats)
        return html


def _shorten_split(split: str) -> str:
    return f"{split[:_SHOWN]}…" if is_fingerprint(split) else split


def _to_record(table: Table, entry: Entry) -> dict[str, Any]:
    """Return the columns of a row, among other fields of the entry."""
    low, high = entry.interval or (None, None)
    computed = {"interval_low": low, "interval_high": high, "is_verified": entry.is_verified}
    texts = {"differs_in": entry.differs_in or None, "notes": "; ".join(entry.notes)}
    return {**vars(entry), **asdict(table.setting), **computed, **texts}
