"""Decide which labels a model has, and in which order."""

import json
from collections.abc import Mapping, Sequence

from hf_newscls.errors import DataError, format_examples


def resolve_label_names(counts: Mapping[str, int], *, expected: Sequence[str] | None, source_name: str) -> list[str]:
    """Return the label names in the model's order: as the recipe lists them (`expected`), else sorted.

    Raises:
        DataError: fewer than two labels; labels that differ from the recipe's list; or, if the recipe lists none,
            labels that differ only in case or white space.

    >>> resolve_label_names({"REAL": 3, "FAKE": 2}, expected=None, source_name="news.csv")
    ['FAKE', 'REAL']
    """
    if len(counts) < 2:
        found = format_examples(counts) or "none"
        raise DataError(f"{source_name}: a classifier needs two labels (found: {found}); check data.label")
    if expected is None:
        _refuse_variants(counts, source_name=source_name)
        return sorted(counts)
    unknown = [_show(label, counts) for label in sorted(counts) if label not in expected]
    if unknown:
        raise DataError(
            f"{source_name}: labels that data.labels does not list: {format_examples(unknown)}; "
            "add them there, merge them in data.merge_labels, or set `data.labels: null`"
        )
    absent = [label for label in expected if label not in counts]
    if absent:
        raise DataError(f"{source_name}: no rows of {format_examples(absent)}; remove these labels from data.labels")
    return [*expected]


def _refuse_variants(counts: Mapping[str, int], *, source_name: str) -> None:
    """Refuse several spellings of one label, and offer the mapping that merges them."""
    spellings: dict[str, list[str]] = {}
    for label in sorted(counts):
        spellings.setdefault(" ".join(label.split()).casefold(), []).append(label)
    variants = {max(labels, key=counts.__getitem__): labels for labels in spellings.values() if len(labels) > 1}
    if variants:
        shown = [" and ".join(_show(label, counts) for label in labels) for labels in variants.values()]
        raise DataError(
            f"{source_name}: labels that differ only in case or white space: {format_examples(shown)}; add "
            f"`merge_labels: {json.dumps(variants, ensure_ascii=False)}` to the data section, or list all labels in "
            "data.labels to keep them apart"
        )


def _show(label: str, counts: Mapping[str, int]) -> str:
    return f"{label} ({counts[label]} row{'s' if counts[label] != 1 else ''})"
