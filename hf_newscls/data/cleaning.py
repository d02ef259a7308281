"""Join the text columns, name the labels, and drop the rows that cannot be used."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from datasets import ClassLabel, Dataset, DatasetInfo, Features, Value
from datasets.fingerprint import generate_random_fingerprint

from hf_newscls.data.labels import invert_merges, resolve_label_names
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
        dropped: rows dropped, by reason, in the order the reasons are tried.
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
    """Join what the text columns of a row hold, skipping the empty ones.

    >>> join_columns(["Storm hits coast ", None, "Two towns cut off"], separator=". ")
    'Storm hits coast. Two towns cut off'
    """
    return separator.join(stripped for value in values if value and (stripped := value.strip()))


def clean_rows(
    rows: Dataset, section: DataSection, *, extra_columns: Sequence[str] = (), source_name: str
) -> CleanedRows:
    """Build text and label of each row; drop and count the rows whose text is too short or whose label is missing.

    White space around texts and labels is no part of them.

    Args:
        rows: what `read_rows` returned.
        section: the recipe's data section.
        extra_columns: columns that stay beside text and label, further to those that the section names.
        source_name: the data file, for messages.

    Raises:
        DataError: labels are missing where the recipe forbids it, nothing is left, or the labels do not fit.
    """
    columns = [rows[name][:] for name in section.text]
    reasons = [
        _find_reason(values, label, section) for *values, label in zip(*columns, rows[section.label][:], strict=True)
    ]
    if section.missing_label == "error":
        _refuse_missing_labels(rows, reasons, section, source_name=source_name)
    kept = [index for index, reason in enumerate(reasons) if reason is None]
    dropped = {reason: reasons.count(reason) for reason in ("missing label", "empty text", "short text")}
    targets = invert_merges(section.merge_labels)
    labels = [targets.get(label, label) for label in map(str.strip, rows.select(kept)[section.label][:])]
    if section.min_count > 1:
        settled = apply_min_count(labels, section)
        dropped["rare label"] = settled.count(None)
        kept = [index for index, label in zip(kept, settled, strict=True) if label is not None]
        labels = [label for label in settled if label is not None]
    _log_counts(len(rows), len(kept), dropped)
    if not kept:
        raise DataError(
            f"{source_name}: must hold rows that can be used, found none of {len(rows)}; see data.min_characters and "
            "data.min_count"
        )
    chosen = rows.select(kept)
    names = resolve_label_names(Counter(labels), expected=section.labels, source_name=source_name)
    text = [join_columns([column[index] for column in columns], separator=section.separator) for index in kept]
    columns_kept = {name: chosen[name][:] for name in (*section.keep, *extra_columns)}
    dataset = _build_dataset(chosen[ROW_ID][:], text, labels, names=names, extra_columns=columns_kept)
    return CleanedRows(dataset, rows_read=len(rows), dropped=dropped)


def apply_min_count(labels: Sequence[str], section: DataSection) -> list[str | None]:
    """Return each row's label, that of rare ones being what the section makes of it: another label, or None to drop it.

    >>> section = DataSection(source="a.csv", text=["a"], label="b", min_count=2, rare_labels="OTHER")
    >>> apply_min_count(["X", "Y", "X"], section)
    ['X', 'OTHER', 'X']
    """
    counts = Counter(labels)
    rare = {label for label, count in counts.items() if count < section.min_count}
    if rare:
        logger.info(
            "%d of %d labels have fewer than %d rows: %s",
            len(rare),
            len(counts),
            section.min_count,
            format_examples(sorted(rare)),
        )
    target = None if section.rare_labels == "drop" else section.rare_labels
    return [target if label in rare else label for label in labels]


def _build_dataset(
    ids: Sequence[str],
    text: Sequence[str],
    labels: Sequence[str],
    *,
    names: Sequence[str],
    extra_columns: Mapping[str, Sequence[str | None]],
) -> Dataset:
    indices = {name: index for index, name in enumerate(names)}
    string = pa.large_string()  # as in read_rows
    table = {
        ROW_ID: pa.array(ids, string),
        "text": pa.array(text, string),
        "label": pa.array([indices[label] for label in labels], pa.int64()),
        **{name: pa.array(values, string) for name, values in extra_columns.items()},
    }
    features = Features({name: Value("large_string") for name in table} | {"label": ClassLabel(names=[*names])})
    # Without a fingerprint `datasets` would pickle all rows to make one.
    info = DatasetInfo(features=features)
    return Dataset(pa.table(table), info=info, fingerprint=generate_random_fingerprint())


def _find_reason(values: Sequence[str | None], label: str | None, section: DataSection) -> str | None:
    if label is None or not label.strip():
        return "missing label"
    joined = join_columns(values, separator=section.separator)
    if not joined:
        return "empty text"
    parts = [joined] if section.min_characters_in == "joined" else [(value or "").strip() for value in values]
    return "short text" if min(map(len, parts)) < section.min_characters else None


def _refuse_missing_labels(
    rows: Dataset, reasons: Sequence[str | None], section: DataSection, *, source_name: str
) -> None:
    offenders = [row_id for row_id, reason in zip(rows[ROW_ID][:], reasons, strict=True) if reason == "missing label"]
    if offenders:
        raise DataError(
            f"{source_name}: every row must have a label in {section.label!r}, found none in the rows with id "
            f"{format_examples(offenders)}; label them or set `data.missing_label: drop`"
        )


def _log_counts(read: int, kept: int, dropped: Mapping[str, int]) -> None:
    counts = ", ".join(f"{count:,} {reason}" for reason, count in dropped.items() if count) or "none dropped"
    logger.info("kept %s of %s rows: %s", f"{kept:,}", f"{read:,}", counts)
