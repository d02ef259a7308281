"""A run of this machine and what was published of it are one model, and stand on one line."""

from collections.abc import Sequence
from dataclasses import replace

from hf_newscls.compare.leaderboard import Entry
from hf_newscls.compare.pairwise_tests import has_same_answers

__all__ = ["merge_copies"]


def merge_copies(entries: Sequence[Entry]) -> list[Entry]:
    """Leave out each run of this machine whose answers a model on the Hub gives too; that one names the run."""
    runs = [entry for entry in entries if entry.origin == "local run"]
    merged = [_find_copies(entry, runs) if entry.origin == "Hub" else entry for entry in entries]
    taken = {name for entry in merged for name in entry.copies}
    return [entry for entry in merged if entry.origin != "local run" or entry.name not in taken]


def _find_copies(entry: Entry, runs: Sequence[Entry]) -> Entry:
    names = [run.name for run in runs if run.setting.key == entry.setting.key and _is_copy(entry, run)]
    if not names:
        return entry
    return replace(entry, copies=names, notes=[*entry.notes, f"published from {', '.join(names)}"])


def _is_copy(entry: Entry, run: Entry) -> bool:
    if entry.predictions is None or run.predictions is None:
        return False
    return has_same_answers(entry.predictions, run.predictions)
