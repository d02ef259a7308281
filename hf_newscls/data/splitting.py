"""Split rows into train, validation and test, the same way on every machine."""

import hashlib
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from datasets import Dataset, DatasetDict

from hf_newscls.data.cleaning import CleanedRows
from hf_newscls.data.reading import ROW_ID
from hf_newscls.errors import DataError, describe_offenders
from hf_newscls.recipe import SplitSection

__all__ = ["SIDES", "SplitManifest", "build_manifest", "compute_fingerprint", "hash_content", "split_rows"]

SIDES = ("train", "validation", "test")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SplitManifest:
    """What decides a split and what came of it; saved as `split.json`.

    Attributes:
        source: address of the data file as the recipe gives it.
        source_sha256: SHA-256 of the file.
        rows_read: rows of the file.
        dropped: rows dropped, by reason.
        seed: the seed of the split.
        fractions: the fraction asked for, by side.
        fingerprint: SHA-256 over the content hash and the side of every row, whatever the rows' order.
        label_counts: rows by side and label.
        row_ids: ids by side, in the file's order.
    """

    source: str
    source_sha256: str
    rows_read: int
    dropped: Mapping[str, int]
    seed: int
    fractions: Mapping[str, float]
    fingerprint: str
    label_counts: Mapping[str, Mapping[str, int]]
    row_ids: Mapping[str, Sequence[str]]

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as plain values, ready for JSON."""
        return asdict(self)


def split_rows(dataset: Dataset, section: SplitSection, *, where: str) -> DatasetDict:
    """Split stratified by label.

    Within a label, rows are ranked by a SHA-256 of seed and content; the first go to the test set, the next to
    validation, the rest to training. No random generator is involved whose stream another version or machine could
    change, and the order of the rows in the file plays no part, save among rows of equal content.

    Args:
        dataset: rows with `text` and a `ClassLabel` named `label`.
        section: fractions and seed.
        where: the data file, for messages.

    Returns:
        `train`, `validation` and `test`, each in the file's order. Every side holds at least one row of each label,
        and of each label within one row of its fraction where the label has rows enough.

    Raises:
        DataError: labels with fewer rows than there are sides.
    """
    names: list[str] = dataset.features["label"].names
    members: list[list[int]] = [[] for _ in names]
    for place, label in enumerate(dataset["label"][:]):
        members[label].append(place)
    _refuse_small_classes(names, members, where=where)
    keys = [hash_content(f"{section.seed}\n{text}") for text in dataset["text"][:]]
    places: dict[str, list[int]] = {side: [] for side in SIDES}
    for group in members:
        ranked = sorted(group, key=lambda place: (keys[place], place))
        sizes = _allot(len(group), section)
        test, validation = sizes["test"], sizes["test"] + sizes["validation"]
        places["test"] += ranked[:test]
        places["validation"] += ranked[test:validation]
        places["train"] += ranked[validation:]
    logger.info("split into %s", ", ".join(f"{len(places[side]):,} {side}" for side in SIDES))
    return DatasetDict({side: dataset.select(sorted(places[side])) for side in SIDES})


def build_manifest(
    splits: DatasetDict, cleaned: CleanedRows, section: SplitSection, *, source: str, source_sha256: str
) -> SplitManifest:
    """Describe a split, its counts and its fingerprint."""
    return SplitManifest(
        source=source,
        source_sha256=source_sha256,
        rows_read=cleaned.rows_read,
        dropped=dict(cleaned.dropped),
        seed=section.seed,
        fractions={side: getattr(section, side) for side in SIDES},
        fingerprint=compute_fingerprint(splits),
        label_counts={side: _count_labels(splits[side], cleaned.label_names) for side in SIDES},
        row_ids={side: splits[side][ROW_ID][:] for side in SIDES},
    )


def compute_fingerprint(splits: DatasetDict) -> str:
    """Return a SHA-256 that is equal for equal splits: over the sorted pairs of side and content of every row."""
    names: list[str] = splits["train"].features["label"].names
    pairs = (
        side + ":" + hash_content(names[label] + "\n" + text)
        for side in SIDES
        for text, label in zip(splits[side]["text"][:], splits[side]["label"][:], strict=True)
    )
    return _hash_lines(sorted(pairs))


def hash_content(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _hash_lines(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def _count_labels(dataset: Dataset, names: Sequence[str]) -> dict[str, int]:
    labels = dataset["label"][:]
    return {name: labels.count(place) for place, name in enumerate(names)}


def _refuse_small_classes(names: Sequence[str], members: Sequence[Sequence[int]], *, where: str) -> None:
    small = [f"{name} ({len(group)})" for name, group in zip(names, members, strict=True) if len(group) < len(SIDES)]
    if small:
        raise DataError(
            f"{where}: every label must have at least {len(SIDES)} rows, one for each side of the split, found "
            f"{describe_offenders(small)}; merge them in `data.merge_labels` or remove the rows"
        )


def _allot(rows: int, section: SplitSection) -> dict[str, int]:
    """Divide a label's rows among the sides by largest remainder, at least one row each."""
    exact = {side: rows * getattr(section, side) for side in SIDES}
    sizes = {side: max(1, math.floor(share)) for side, share in exact.items()}
    while sum(sizes.values()) < rows:
        sizes[max(SIDES, key=lambda side: exact[side] - sizes[side])] += 1
    while sum(sizes.values()) > rows:
        # A side with a single row keeps it.
        sizes[max((side for side in SIDES if sizes[side] > 1), key=lambda side: sizes[side] - exact[side])] -= 1
    return sizes
