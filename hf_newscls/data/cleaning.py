"""Join the text columns, name the labels, and drop the rows that cannot be used."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import ClassLabel, Dataset, Features, Value

from hf_newscls.data.joined_labels import choose_labels
from hf_newscls.data.labels import match_truth_values, resolve_label_names
from hf_newscls.data.missing_values import clear_missing_values
from hf_newscls.data.readers.columns import to_dataset
from hf_newscls.data.readers.format import FileFormat
from hf_newscls.data.readers.rows import ROW_ID, FileRows
from hf_newscls.errors import DataError, format_examples
from hf_newscls.recipe.data import DataSection

# Why a row is dropped, in the order of the checks; a rare label comes last.
_REASONS = ("missing label", "empty text", "short text")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CleanedRows:
    """The rows that can be used, in the file's order, and the number of dropped rows by reason.

    The columns are id, text, label (a `ClassLabel`) and those the recipe keeps. `rows_read` counts the file's rows.
    `files` says how each file was read.
    """

    dataset: Dataset
    rows_read: int
    dropped: Mapping[str, int]
    files: Sequence[FileFormat] = ()

    @property
    def label_names(self) -> list[str]:
        """Label names in the order of their ids."""
        names: list[str] = self.dataset.features["label"].names
        return names


def join_columns(values: Sequence[str | None], *, separator: str) -> str:
    """Join the text columns of a row, skipping the empty ones.

    >>> join_columns(["Storm hits coast ", None, "Two towns cut off"], separator=". ")
    'Storm hits coast. Two towns cut off'
    """
    return separator.join(stripped for value in values if value and (stripped := value.strip()))


def clean_rows(
    found: FileRows,
    section: DataSection,
    *,
    extra_columns: Sequence[str] = (),
    source_name: str,
    allows_one_label: bool = False,
) -> CleanedRows:
    """Build text and label of each row, stripped; drop and count the rows with a short text, no label or a rare label.

    Raises:
        DataError: no row is left, a label is missing, the labels do not fit, or values have several meanings.
    """
    rows = clear_missing_values(found.dataset, section, source_name=source_name)
    found_labels = choose_labels(rows[section.label_column][:], section, source_name=source_name)
    if section.missing_label == "error":
        _refuse_unlabeled(found, found_labels, section)
    section = match_truth_values(section, {*found_labels})
    texts, labels = _build_texts(rows, section), _merge_labels(found_labels, section)
    reasons = _find_reasons(rows, section, texts=texts, labels=labels)
    rare = _find_rare((label for label, reason in zip(labels, reasons, strict=True) if not reason), section)
    if section.rare_labels == "drop":
        reasons = [
            reason or ("rare label" if label in rare else "") for label, reason in zip(labels, reasons, strict=True)
        ]
    else:
        labels = [section.rare_labels if label in rare else label for label in labels]
    kept = [index for index, reason in enumerate(reasons) if not reason]
    counted = [*_REASONS, "rare label"] if section.min_count > 1 else _REASONS
    dropped = {reason: reasons.count(reason) for reason in counted}
    counts = ", ".join(f"{count:,} {reason}" for reason, count in dropped.items() if count) or "none dropped"
    logger.info("kept %s of %s rows: %s", f"{len(kept):,}", f"{len(rows):,}", counts)
    if not kept:
        raise DataError(
            f"{source_name}: none of {len(rows)} rows can be used ({counts}); "
            "check data.text, data.min_characters and data.min_count"
        )
    kept_labels = [labels[index] for index in kept]
    names = resolve_label_names(
        Counter(kept_labels), expected=section.labels, source_name=source_name, allows_one=allows_one_label
    )
    usable_rows = rows.select(kept)
    ids = dict(zip(names, range(len(names)), strict=True))
    columns: dict[str, Sequence[Any]] = {
        ROW_ID: usable_rows[ROW_ID][:],
        "text": [texts[index] for index in kept],
        "label": [ids[label] for label in kept_labels],
        **{name: usable_rows[name][:] for name in (*section.keep, *extra_columns)},
    }
    return CleanedRows(_build_dataset(columns, names), len(rows), dropped, found.formats)


def _find_rare(labels: Iterable[str], section: DataSection) -> set[str]:
    """Return the labels with fewer rows than the section asks for."""
    counts = Counter(labels)
    rare = {label for label, count in counts.items() if count < section.min_count}
    if rare:
        shown = format_examples(sorted(rare))
        logger.info("%d of %d labels have fewer than %d rows: %s", len(rare), len(counts), section.min_count, shown)
    return rare


def _build_dataset(columns: Mapping[str, Sequence[Any]], names: Sequence[str]) -> Dataset:
    features = Features({name: Value("large_string") for name in columns} | {"label": ClassLabel(names=[*names])})
    return to_dataset(pa.table(dict(columns), schema=features.arrow_schema), features)


def _build_texts(rows: Dataset, section: DataSection) -> list[str]:
    columns = [rows[name][:] for name in section.text]
    return [join_columns(values, separator=section.separator) for values in zip(*columns, strict=True)]


def _refuse_unlabeled(found: FileRows, labels: Sequence[str], section: DataSection) -> None:
    unlabeled = [index for index, label in enumerate(labels) if not label]
    if unlabeled:
        raise DataError(
            f"{found.locate(unlabeled)}: no label in column {section.label_column!r}; fill it in there, or set "
            "`data.missing_label: drop`"
        )


def _merge_labels(labels: Sequence[str], section: DataSection) -> list[str]:
    targets = {source: target for target, sources in section.merge_labels.items() for source in sources}
    return [label and targets.get(label, label) for label in labels]


def _find_reasons(rows: Dataset, section: DataSection, *, texts: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Return for each row the first reason why it cannot be used; "" if it can."""
    measured = [texts] if section.min_characters_in == "joined" else [rows[name][:] for name in section.text]
    lengths = [min(len((value or "").strip()) for value in values) for values in zip(*measured, strict=True)]
    is_short = np.array(lengths) < section.min_characters
    reasons: list[str] = np.select(
        [[not label for label in labels], [not text for text in texts], is_short], _REASONS, default=""
    ).tolist()
    return reasons
