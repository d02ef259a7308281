"""Rank what can be compared, models measured on one and the same split, and say why the rest cannot."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from hf_newscls.compare.model_scores import Origin, is_fingerprint
from hf_newscls.compare.pairwise_tests import Pair, compare_pairs, has_same_rows, lower_is_better
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.evaluation.statistics.significance import Verdict
from hf_newscls.report.predictions import PublishedPredictions

__all__ = ["Entry", "Leaderboard", "Refusal", "Row", "Setting", "Table", "rank_entries"]

_SHOWN = 12


@dataclass(frozen=True)
class Setting:
    """What a score is of: only scores of one setting are ranked together.

    Attributes:
        dataset: as the model calls it; empty where it does not say.
        split: its fingerprint, or what else tells one split of the dataset from another.
        metric: as `compute_scores` names it.
    """

    dataset: str
    split: str
    metric: str

    @property
    def key(self) -> tuple[str, ...]:
        """What must be equal: a fingerprint stands for the very rows, whatever their dataset is called."""
        return (self.split, self.metric) if is_fingerprint(self.split) else (self.dataset, self.split, self.metric)

    @property
    def short_split(self) -> str:
        """The split in few letters."""
        return f"{self.split[:_SHOWN]}…" if is_fingerprint(self.split) else self.split


@dataclass(frozen=True)
class Entry:
    """A model's score in one setting.

    Attributes:
        name: owner/name on the Hub, or recipe/run.
        origin: where the score comes from.
        setting: what it is of.
        score: it is ranked by.
        claimed: what the model says of itself; None where it says nothing.
        revision: commit that everything was read at; None for a run on this machine.
        interval: 95% interval of the score, where it is known.
        claimed_interval: what the model says of that.
        f1_macro: where it is known.
        predictions: behind the score; None where it is only claimed.
        notes: what is to be known of it.
        copies: runs of this machine that gave the very same answers: what was published.
    """

    name: str
    origin: Origin
    setting: Setting
    score: float
    claimed: float | None = None
    revision: str | None = None
    interval: Interval | None = None
    claimed_interval: Interval | None = None
    f1_macro: float | None = None
    predictions: PublishedPredictions | None = None
    notes: Sequence[str] = ()
    copies: Sequence[str] = ()

    @property
    def is_own(self) -> bool:
        """Whether it was measured on this machine."""
        return self.origin != "Hub" or bool(self.copies)


@dataclass(frozen=True)
class Refusal:
    """A model that has no place, and the reason."""

    name: str
    reason: str
    revision: str | None = None


@dataclass(frozen=True)
class Row:
    """A place in a table.

    Attributes:
        rank: from 1; equal scores share it.
        entry: the model.
        verdict: how it stands to the one above; None for the first, and where the two could not be tested.
        p_value: of that test, corrected for all pairs of the table.
    """

    rank: int
    entry: Entry
    verdict: Verdict | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class Table:
    """Models measured in one setting, the best first.

    Attributes:
        setting: they share.
        rows: in order.
        pairs: those that were tested.
        caution: why its scores must not be held against those of the first table; empty for that one.
    """

    setting: Setting
    rows: Sequence[Row]
    pairs: Sequence[Pair]
    caution: str = ""


@dataclass(frozen=True)
class Leaderboard:
    """All tables, and who has no place in them.

    Attributes:
        metric: that was asked for.
        tables: that of the split at hand first, then by their number of models.
        refusals: by name.
        remarks: what else is to be known, as that the Hub was not reached.
    """

    metric: str
    tables: Sequence[Table]
    refusals: Sequence[Refusal]
    remarks: Sequence[str] = ()


def rank_entries(
    entries: Iterable[Entry], refusals: Iterable[Refusal] = (), *, metric: str, seed: int = 0
) -> Leaderboard:
    """Rank models within each setting; scores of two settings are never put in one list.

    The setting of models measured on this machine comes first, then the one with the most models. A further one gets
    a table of its own where several models, or one of this machine, share it; else its model is refused.

    Args:
        entries: models with their scores.
        refusals: models that were refused before.
        metric: that was asked for.
        seed: of the bootstrap behind the tests.
    """
    groups: dict[tuple[str, ...], list[Entry]] = defaultdict(list)
    for entry in sorted(entries, key=lambda entry: entry.name):
        groups[entry.setting.key].append(entry)
    ordered = sorted(groups.items(), key=lambda item: (not any(one.is_own for one in item[1]), -len(item[1]), item[0]))
    tables: list[Table] = []
    refused = [*refusals]
    for _, group in ordered:
        kept, lost = _mark_other_rows(group)
        refused += lost
        if not tables or len(kept) > 1 or any(entry.is_own for entry in kept):
            if kept:
                tables.append(_build_table(kept, first=tables[0].setting if tables else None, seed=seed))
        else:
            refused += [_refuse_setting(entry, tables[0].setting) for entry in kept]
    return Leaderboard(metric, tables, sorted(refused, key=lambda one: (one.name, one.reason)))


def _build_table(entries: Sequence[Entry], *, first: Setting | None, seed: int) -> Table:
    """Rank the entries of one setting, and test each pair that has predictions."""
    # A dataset that is named, by a model of this machine where there is one, names the table.
    setting = min(entries, key=lambda entry: (not entry.setting.dataset, not entry.is_own)).setting
    sign = 1 if lower_is_better(setting.metric) else -1
    ranked = sorted(entries, key=lambda entry: (sign * entry.score, entry.name))
    answers = {entry.name: entry.predictions for entry in ranked if entry.predictions is not None}
    pairs = compare_pairs(answers, metric=setting.metric, seed=seed)
    tested = {(pair.first, pair.second): pair for pair in pairs}
    rows: list[Row] = []
    for index, entry in enumerate(ranked, start=1):
        above = rows[-1] if rows else None
        rank = above.rank if above and above.entry.score == entry.score else index
        pair = tested.get((above.entry.name, entry.name)) if above else None
        rows.append(Row(rank, entry, _turn(pair.verdict), pair.adjusted_p_value) if pair else Row(rank, entry))
    return Table(setting, rows, pairs, caution=_caution(setting, first) if first else "")


def _turn(verdict: Verdict) -> Verdict:
    """Return how the second stands where the first stands so."""
    turned: dict[Verdict, Verdict] = {"ahead": "behind", "behind": "ahead", "tied": "tied"}
    return turned[verdict]


def _mark_other_rows(entries: Sequence[Entry]) -> tuple[list[Entry], list[Refusal]]:
    """Mark models whose predictions are of other rows than those of this machine, or than those of most.

    What such predictions give is no score of this split: the model is ranked by what it claims, or refused.
    """
    answered = [entry for entry in entries if entry.predictions is not None]
    if not answered:
        return [*entries], []
    standard = max(
        answered, key=lambda entry: (entry.is_own, sum(_have_common_rows(entry, other) for other in answered))
    )
    kept, refused = [], []
    for entry in entries:
        if entry.predictions is None or _have_common_rows(entry, standard):
            kept.append(entry)
            continue
        note = f"its predictions are of other rows than those of {standard.name}"
        if entry.claimed is None:
            refused.append(Refusal(entry.name, note, entry.revision))
        else:
            kept.append(
                replace(
                    entry,
                    score=entry.claimed,
                    interval=entry.claimed_interval,
                    f1_macro=None,
                    predictions=None,
                    notes=[*entry.notes, f"{note}: not checked"],
                )
            )
    return kept, refused


def _have_common_rows(first: Entry, second: Entry) -> bool:
    if first.predictions is None or second.predictions is None:
        return False
    return first is second or has_same_rows(first.predictions, second.predictions)


def _refuse_setting(entry: Entry, first: Setting) -> Refusal:
    what = ["dataset"] if not is_fingerprint(entry.setting.split) and entry.setting.dataset != first.dataset else []
    own = f"{entry.setting.short_split} of {entry.setting.dataset}" if what else entry.setting.short_split
    return Refusal(entry.name, f"measured on another split: {own}, the table is on {first.short_split}", entry.revision)


def _caution(setting: Setting, first: Setting) -> str:
    """Say what of dataset, split and metric differs."""
    differences = [
        f"{name} ({own or 'not named'}, there {other or 'not named'})"
        for name, own, other in (
            ("dataset", setting.dataset, first.dataset),
            ("split", setting.short_split, first.short_split),
            ("metric", setting.metric, first.metric),
        )
        if own != other
    ]
    return f"Not to be compared with the first table: it differs in {' and '.join(differences)}."
