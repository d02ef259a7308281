"""Prepared rows and their split, in memory and in a folder."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from datasets import DatasetDict, load_from_disk

from hf_newscls.data.manifest import SplitManifest
from hf_newscls.storage import check_replaceable, replace_folder, report_disk_errors, write_json

MANIFEST = "split.json"


@dataclass(frozen=True)
class PreparedData:
    """Rows that were read, cleaned and split.

    Attributes:
        splits: train, validation and test, with id, text, label and the columns that the recipe keeps.
        manifest: what decided the split, and its counts.
    """

    splits: DatasetDict
    manifest: SplitManifest = field(repr=False)  # it names every row

    @property
    def label_names(self) -> list[str]:
        """Label names in the order of their ids."""
        names: list[str] = self.splits["train"].features["label"].names
        return names


def save_prepared(prepared: PreparedData, folder: Path) -> None:
    """Save the `DatasetDict`, for `datasets.load_from_disk`, and the manifest next to it.

    Raises:
        RunError: the folder holds other files, which would be lost.
    """
    folder = folder.resolve()
    check_replaceable(folder, markers=["dataset_dict.json", MANIFEST], content="prepared data")
    with report_disk_errors(folder), replace_folder(folder) as fresh:
        write_prepared(prepared, fresh)


def write_prepared(prepared: PreparedData, folder: Path) -> None:
    """Write both into an empty folder."""
    prepared.splits.save_to_disk(folder)
    write_json(folder / MANIFEST, prepared.manifest.to_dict())


def read_prepared(folder: Path) -> PreparedData:
    """Return what `write_prepared` wrote; an OSError, ValueError, KeyError or TypeError if a file is damaged."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return PreparedData(load_from_disk(str(folder)), SplitManifest.from_dict(manifest))
