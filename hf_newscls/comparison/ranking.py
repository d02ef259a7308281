"""Rank models that were measured on the same split; list the others with the reason."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from hf_newscls.comparison.leaderboard import Entry, Leaderboard, Setting, Table, Unranked
from hf_newscls.comparison.model_scores import is_fingerprint
from hf_newscls.comparison.pairwise_tests import Pair, compare_pairs, has_same_answers, has_same_rows
from hf_newscls.evaluation.metric_names import lower_is_better
from hf_newscls.evaluation.statistics.significance import Verdict
from hf_newscls.runs.recipe_diff import NOT_OF_THE_TRAINING, find_changes

_REVERSED: dict[Verdict, Verdict] = {"ahead": "behind", "behind": "ahead", "tied": "tied"}


def merge_copies(entries: Sequence[Entry]) -> list[Entry]:
    """Leave out local runs that give the same answers as a model on the Hub, and name the run in the model's notes."""
    runs = [entry for entry in entries if entry.origin == "local run"]
    merged = [_add_copies(entry, runs) if entry.origin == "Hub" else entry for entry in entries]
    copies = {name for entry in merged for name in entry.copies}
    return [entry for entry in merged if entry.origin != "local run" or entry.name not in copies]


def rank_entries(entries: Iterable[Entry], unranked: Iterable[Unranked] = (), *, metric: str) -> Leaderboard:
    """Rank the verified models of each setting, and list its unverified models below them.

    The setting of models measured on this machine comes first, then the one with the most verified models. Another
    setting gets its own table only if it has several models, or one of this machine; otherwise its model is not ranked.
    """
    groups: dict[tuple[str, ...], list[Entry]] = defaultdict(list)
    for entry in sorted(entries, key=lambda entry: entry.name):
        groups[entry.setting.key].append(entry)
    tables: list[Table] = []
    others = [*unranked]
    for key in sorted(groups, key=lambda key: (*_order_group(groups[key]), key)):
        kept, mismatched = _check_rows(groups[key])
        others += mismatched
        if tables and len(kept) == 1 and not kept[0].is_own:
            others.append(_leave_out(kept[0], tables[0].setting))
        elif kept:
            tables.append(_build_table(kept, first=tables[0].setting if tables else None))
    return Leaderboard(metric, tables, sorted(others, key=lambda one: (one.name, one.reason)))


def _order_group(entries: Sequence[Entry]) -> tuple[bool, int, int]:
    return not any(one.is_own for one in entries), -sum(one.is_verified for one in entries), -len(entries)


def _build_table(entries: Sequence[Entry], *, first: Setting | None) -> Table:
    """Rank the verified entries of one setting, and test each pair that has predictions."""
    # A model that names the dataset gives the table its name, preferably a model of this machine.
    named = min(entries, key=lambda entry: (not entry.setting.dataset, not entry.is_own, not entry.is_verified))
    setting = named.setting
    sign = 1 if lower_is_better(setting.metric) else -1
    ordered = sorted(entries, key=lambda entry: (sign * entry.score, entry.name))
    answers = {entry.name: entry.predictions for entry in ordered if entry.predictions is not None}
    pairs = compare_pairs(answers, metric=setting.metric)
    ranked = _rank_rows([entry for entry in ordered if entry.is_verified], pairs)
    compared = _compare_recipes([*ranked, *(entry for entry in ordered if not entry.is_verified)])
    return Table(
        setting,
        rows=compared[: len(ranked)],
        unverified=compared[len(ranked) :],
        pairs=pairs,
        caution=_describe_differences(setting, first) if first else "",
    )


def _rank_rows(entries: Sequence[Entry], pairs: Sequence[Pair]) -> list[Entry]:
    tested = {(pair.first, pair.second): pair for pair in pairs}
    rows: list[Entry] = []
    for index, entry in enumerate(entries, start=1):
        above = rows[-1] if rows else None
        row = replace(entry, rank=above.rank if above and above.score == entry.score else index)
        pair = tested.get((rows[0].name, entry.name)) if rows else None
        rows.append(replace(row, verdict=_REVERSED[pair.verdict], p_value=pair.adjusted_p_value) if pair else row)
    return rows


def _compare_recipes(entries: Sequence[Entry]) -> list[Entry]:
    """Add how each recipe differs from the first one that is known."""
    first = next((entry for entry in entries if entry.recipe), None)
    return [
        replace(entry, differences=find_changes(first.recipe, entry.recipe, exclude=NOT_OF_THE_TRAINING))
        if first and first.recipe and entry.recipe and entry is not first
        else entry
        for entry in entries
    ]


def _add_copies(entry: Entry, runs: Sequence[Entry]) -> Entry:
    names = [
        run.name
        for run in runs
        if run.setting.key == entry.setting.key and has_same_answers(entry.predictions, run.predictions)
    ]
    if not names:
        return entry
    recipe = next(run.recipe for run in runs if run.name == names[0])
    return replace(entry, copies=names, recipe=recipe).add_note(f"published from {', '.join(names)}")


def _check_rows(entries: Sequence[Entry]) -> tuple[list[Entry], list[Unranked]]:
    """Find models with predictions for other rows than this machine's models, or else than most models.

    Such predictions verify nothing about this split: the model is listed with its claim, or not ranked if it has none.
    """
    answered = [entry for entry in entries if entry.predictions is not None]
    if not answered:
        return [*entries], []
    standard = max(
        answered,
        key=lambda entry: (
            entry.is_own,
            sum(has_same_rows(entry.predictions, other.predictions) for other in answered),
        ),
    )
    kept, unranked = [], []
    for entry in entries:
        if entry.predictions is None or has_same_rows(entry.predictions, standard.predictions):
            kept.append(entry)
            continue
        note = f"its predictions are for other rows than those of {standard.name}"
        if entry.claimed is None:
            unranked.append(Unranked(entry.name, note, entry.revision))
        else:
            unverified = replace(entry, score=entry.claimed, interval=entry.claimed_interval, f1_macro=None)
            kept.append(replace(unverified, predictions=None).add_note(f"not verified: {note}"))
    return kept, unranked


def _leave_out(entry: Entry, first: Setting) -> Unranked:
    setting, split = entry.setting, entry.setting.short_split
    if not is_fingerprint(setting.split) and setting.dataset != first.dataset:
        split += f" of {setting.dataset}"
    reason = f"measured on another split: {split}; the table is on {first.short_split}"
    return Unranked(entry.name, reason, entry.revision)


def _describe_differences(setting: Setting, first: Setting) -> str:
    """Return a sentence on how a setting differs from the first table's."""
    differences = [
        f"{name} ({own or 'not named'}; first table: {other or 'not named'})"
        for name, own, other in (
            ("dataset", setting.dataset, first.dataset),
            ("split", setting.short_split, first.short_split),
            ("metric", setting.metric, first.metric),
        )
        if own != other
    ]
    return f"These scores cannot be compared with the first table: different {' and '.join(differences)}."
