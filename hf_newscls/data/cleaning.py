"""Join the text columns, name the labels, and drop the rows that cannot be used."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from datasets import ClassLabel, Dataset, DatasetInfo, Features, Value
from datasets.fingerprint import generate_random_fingerprint

from hf_newscls.data.labels import resolve_label_names
from hf_newscls.data.readers.columns import TEXT
from hf_newscls.data.readers.rows import ROW_ID
from hf_newscls.errors import DataError, format_examples
from hf_newscls.recipe.recipe import DataSection

__all__ = ["CleanedRows", "apply_min_count", "clean_rows", "join_columns"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CleanedRows:
    """The rows that can be used, and why the others were dropped.

    Attributes:
        dataset: columns id, text, label (a `ClassLabel`) and those the recipe keeps, in the file's order.
        rows_read: rows of the file; equals the rows of `dataset` plus all dropped ones.
        dropped: number of dropped rows by reason, in the order the reasons are tried.
    """

    dataset: Dataset
    rows_read: int
    dropped: Mapping[str, int]

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
    rows: Dataset, section: DataSection, *, extra_columns: Sequence[str] = (), source_name: str
) -> CleanedRows:
    """Build text and label of each row; drop and count the rows with a short text, no label or a rare label.

    White space around texts and labels is removed.

    `extra_columns` are kept in addition to those that the section names.

    Raises:
        DataError: labels are missing although the recipe forbids it, no row is left, or the labels do not fit.
    """
    columns = [[(value or "").strip() for value in rows[name][:]] for name in section.text]
    texts = [join_columns(values, separator=section.separator) for values in zip(*columns, strict=True)]
    measured = columns if section.min_characters_in == "each" else [texts]
    lengths = [min(map(len, values)) for values in zip(*measured, strict=True)]
    targets = {source: target for target, sources in section.merge_labels.items() for source in sources}
    labels = [targets.get(label, label) for label in ((value or "").strip() for value in rows[section.label][:])]
    reasons = [
        _find_reason(*row, min_characters=section.min_characters) for row in zip(labels, texts, lengths, strict=True)
    ]
    if section.missing_label == "error":
        _refuse_missing_labels(rows, reasons, section, source_name=source_name)
    usable = [index for index, reason in enumerate(reasons) if reason is None]
    for index, label in zip(usable, apply_min_count([labels[index] for index in usable], section), strict=True):
        if label is None:
            reasons[index] = "rare label"
        else:
            labels[index] = label
    tried = ["missing label", "empty text", "short text"] + ["rare label"] * (section.min_count > 1)
    dropped = {reason: reasons.count(reason) for reason in tried}
    kept = [index for index, reason in enumerate(reasons) if reason is None]
    counts = ", ".join(f"{count:,} {reason}" for reason, count in dropped.items() if count) or "none dropped"
    logger.info("kept %s of %s rows: %s", f"{len(kept):,}", f"{len(rows):,}", counts)
    if not kept:
        raise DataError(
            f"{source_name}: none of {len(rows)} rows can be used ({counts}); "
            "check data.text, data.min_characters and data.min_count"
        )
    chosen = rows.select(kept)
    labels = [labels[index] for index in kept]
    names = resolve_label_names(Counter(labels), expected=section.labels, source_name=source_name)
    features = Features(
        {ROW_ID: Value("large_string"), "text": Value("large_string"), "label": ClassLabel(names=names)}
    )
    table = {
        ROW_ID: pa.array(chosen[ROW_ID][:], TEXT),
        "text": pa.array([texts[index] for index in kept], TEXT),
        "label": pa.array(features["label"].str2int(labels), pa.int64()),
    }
    for name in dict.fromkeys([*section.keep, *extra_columns]):
        features[name], table[name] = Value("large_string"), pa.array(chosen[name][:], TEXT)
    # Without a fingerprint `datasets` would pickle all rows to compute one.
    info, fingerprint = DatasetInfo(features=features), generate_random_fingerprint()
    return CleanedRows(Dataset(pa.table(table), info=info, fingerprint=fingerprint), len(rows), dropped)


def apply_min_count(labels: Sequence[str], section: DataSection) -> list[str | None]:
    """Return each row's label; a rare one becomes the label that the section names, or None to drop the row.

    >>> section = DataSection(source="a.csv", text=["a"], label="b", min_count=2, rare_labels="OTHER")
    >>> apply_min_count(["X", "Y", "X"], section)
    ['X', 'OTHER', 'X']
    """
    counts = Counter(labels)
    rare = {label for label, count in counts.items() if count < section.min_count}
    if rare:
        shown = format_examples(sorted(rare))
        logger.info("%d of %d labels have fewer than %d rows: %s", len(rare), len(counts), section.min_count, shown)
    target = None if section.rare_labels == "drop" else section.rare_labels
    return [target if label in rare else label for label in labels]


def _find_reason(label: str, text: str, length: int, *, min_characters: int) -> str | None:
    if not label:
        return "missing label"
    if not text:
        return "empty text"
    return "short text" if length < min_characters else None


def _refuse_missing_labels(
    rows: Dataset, reasons: Sequence[str | None], section: DataSection, *, source_name: str
) -> None:
    unlabelled = [row_id for row_id, reason in zip(rows[ROW_ID][:], reasons, strict=True) if reason == "missing label"]
    if unlabelled:
        raise DataError(
            f"{source_name}: no label in column {section.label!r} of the rows with id {format_examples(unlabelled)}; "
            "label them or set `data.missing_label: drop`"
        )
