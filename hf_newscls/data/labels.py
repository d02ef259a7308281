"""Merge label names, and decide which labels a model has and in which order."""

import json
from collections.abc import Mapping, Sequence

from hf_newscls.errors import DataError, format_examples

__all__ = ["invert_merges", "resolve_label_names"]


def invert_merges(merges: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return for each label of the file the label it becomes.

    >>> invert_merges({"ARTS & CULTURE": ["ARTS", "CULTURE & ARTS"]})
    {'ARTS': 'ARTS & CULTURE', 'CULTURE & ARTS': 'ARTS & CULTURE'}
    """
    return {source: target for target, sources in merges.items() for source in sources}


def resolve_label_names(counts: Mapping[str, int], *, expected: Sequence[str] | None, source_name: str) -> list[str]:
    """Return the label names in the model's order: as the recipe lists them, else sorted.

    Args:
        counts: rows of each label found, after merging.
        expected: the labels the recipe lists, if it does.
        source_name: the data file, for messages.

    Raises:
        DataError: fewer than two labels, labels the recipe does not list, or listed ones without a row; where it lists
            none, labels that differ in case or white space alone.

    >>> resolve_label_names({"REAL": 3, "FAKE": 2}, expected=None, source_name="news.csv")
    ['FAKE', 'REAL']
    """
    if len(counts) < 2:
        raise DataError(
            f"{source_name}: must hold at least two labels, found {format_examples(counts)}; check `data.label`"
        )
    if expected is None:
        _refuse_variants(counts, source_name=source_name)
        return sorted(counts)
    unknown = [_show(label, counts) for label in sorted(set(counts) - set(expected))]
    if unknown:
        raise DataError(
            f"{source_name}: must hold only the labels of `data.labels`, found {format_examples(unknown)}; "
            "add them there, merge them in `data.merge_labels`, or set `data.labels: null`"
        )
    absent = [label for label in expected if label not in counts]
    if absent:
        raise DataError(
            f"{source_name}: must hold rows of every label of `data.labels`, found none of {format_examples(absent)}; "
            "remove them there"
        )
    return [*expected]


def _refuse_variants(counts: Mapping[str, int], *, source_name: str) -> None:
    """Refuse labels that are one label written in several ways, and offer the mapping that merges them."""
    spellings: dict[str, list[str]] = {}
    for label in sorted(counts):
        spellings.setdefault(" ".join(label.split()).casefold(), []).append(label)
    variants = {
        max(labels, key=lambda label: counts[label]): labels for labels in spellings.values() if len(labels) > 1
    }
    if not variants:
        return
    shown = [" and ".join(f"{_show(label, counts)}" for label in labels) for labels in variants.values()]
    raise DataError(
        f"{source_name}: labels must differ in more than case and white space, found {format_examples(shown)}; add "
        f"`merge_labels: {json.dumps(variants, ensure_ascii=False)}` to the data section, or list all labels in "
        "`data.labels` to keep them apart"
    )


def _show(label: str, counts: Mapping[str, int]) -> str:
    return f"{label} ({counts[label]} row{'s' if counts[label] != 1 else ''})"
