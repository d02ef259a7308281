"""Say what decided a split and what came of it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from datasets import DatasetDict

from hf_newscls.data.deduplication import DuplicateCounts
from hf_newscls.data.leakage import Leakage
from hf_newscls.data.readers.rows import ROW_ID
from hf_newscls.data.splitting import SPLITS
from hf_newscls.recipe.recipe import SplitSection

__all__ = ["SplitManifest", "build_manifest", "compute_fingerprint", "hash_row"]


@dataclass(frozen=True)
class SplitManifest:
    """What decides a split and what came of it; saved as `split.json`.

    Attributes:
        source: address of the data file as the recipe gives it.
        source_sha256: SHA-256 of the file.
        rows_read: rows of the file.
        dropped: rows dropped, by reason.
        strategy: how rows were split, in words.
        seed: the seed of the split.
        fractions: the fraction asked for, by side; None where a column or folds decided.
        fingerprint: SHA-256 over the content hash and the side of every row, whatever the rows' order.
        label_counts: rows by side and label.
        row_ids: ids by side, in the file's order.
        duplicates: what was found.
        leakage: of this split, and of one that does not know of duplicates.
    """

    source: str
    source_sha256: str
    rows_read: int
    dropped: Mapping[str, int]
    strategy: str
    seed: int
    fractions: Mapping[str, float] | None
    fingerprint: str
    label_counts: Mapping[str, Mapping[str, int]]
    row_ids: Mapping[str, Sequence[str]]
    duplicates: DuplicateCounts
    leakage: Leakage

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "SplitManifest":
        """Return the manifest that `to_dict` made the values of."""
        parts = {
            "duplicates": DuplicateCounts(**values["duplicates"]),
            "leakage": Leakage(**values["leakage"]),
        }
        return cls(**{**values, **parts})


def build_manifest(
    splits: DatasetDict,
    section: SplitSection,
    *,
    source: str,
    source_sha256: str,
    rows_read: int,
    dropped: Mapping[str, int],
    duplicates: DuplicateCounts,
    leakage: Leakage,
) -> SplitManifest:
    """Describe a split, its counts and its fingerprint."""
    names: list[str] = splits["train"].features["label"].names
    return SplitManifest(
        source=source,
        source_sha256=source_sha256,
        rows_read=rows_read,
        dropped=dict(dropped),
        strategy=_describe_strategy(section, splits),
        seed=section.seed,
        fractions={split: getattr(section, split) for split in SPLITS} if section.has_fractions else None,
        fingerprint=compute_fingerprint(splits),
        label_counts={split: _count_labels(splits[split]["label"][:], names) for split in SPLITS},
        row_ids={split: splits[split][ROW_ID][:] for split in SPLITS},
        duplicates=duplicates,
        leakage=leakage,
    )


def compute_fingerprint(splits: DatasetDict) -> str:
    """Return a SHA-256 that is equal for equal splits: over the sorted pairs of side and content of every row."""
    names: list[str] = splits["train"].features["label"].names
    digest = hashlib.sha256()
    for split in sorted(SPLITS):
        rows = zip(splits[split]["text"][:], splits[split]["label"][:], strict=True)
        for content in sorted(hash_row(text, names[label]) for text, label in rows):
            digest.update(f"{split}:{content}\n".encode())
    return digest.hexdigest()


def hash_row(text: str, label_name: str) -> str:
    """Return the SHA-256 of a row's content, by which it is known where its text must not be shown."""
    return hashlib.sha256(f"{label_name}\n{text}".encode()).hexdigest()


def _describe_strategy(section: SplitSection, splits: DatasetDict) -> str:
    if section.predefined is not None:
        train, validation = ({*splits[split][section.predefined][:]} for split in ("train", "validation"))
        # The column has no word for validation where that side's rows say what training rows say.
        cut = ", validation cut from its training rows by chance" if validation <= train else ""
        return f"as the column {section.predefined} says{cut}"
    if section.by == "time":
        return "by time, the newest rows in the test set"
    if section.folds is not None:
        return f"fold {section.fold} of {section.folds}, stratified by label"
    return "random, stratified by label"


def _count_labels(labels: Iterable[int], names: Sequence[str]) -> dict[str, int]:
    counts = np.bincount(np.fromiter(labels, dtype=np.int64), minlength=len(names))
    return dict(zip(names, counts.tolist(), strict=True))
