"""What was measured of the files of an exported model."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from hf_newscls.errors import RunError, shorten_text
from hf_newscls.evaluation.statistics.bootstrap import Interval

ONNX_FOLDER = "onnx"
FLOAT_FILE, INT8_FILE = f"{ONNX_FOLDER}/model.onnx", f"{ONNX_FOLDER}/model_quantized.onnx"
"""Paths where transformers.js and text-embeddings-inference look."""

RECORD_FILE = f"{ONNX_FOLDER}/parity.json"

COMPARED_METRICS = ("accuracy", "f1_macro")
SHOWN_METRICS = (*COMPARED_METRICS, "calibration_error")


@dataclass(frozen=True)
class Variant:
    """One file of a model, and how it answers on the test rows.

    Attributes:
        file: its path in the model's folder; empty for the model in PyTorch.
        bytes: its size.
        rows_per_second: without tokenizing.
        scores: accuracy, f1_macro and calibration_error.
        largest_difference: of a logit from that of the model in PyTorch.
        changed_answers: rows with another predicted label than the model in PyTorch gives.
        gains: 95% intervals of the score minus that of the model in PyTorch, paired, by metric.
    """

    file: str
    bytes: int
    rows_per_second: float
    scores: Mapping[str, float]
    largest_difference: float = 0.0
    changed_answers: int = 0
    gains: Mapping[str, Interval] | None = None

    @property
    def megabytes(self) -> float:
        """Its size in MB."""
        return self.bytes / 1e6


@dataclass(frozen=True)
class ExportRecord:
    """The files of an exported model.

    Attributes:
        rows: number of test rows.
        variants: by name: PyTorch, float32, int8.
        machine: processor, cores and memory of the machine.
        threads: that computed the rows per second.
        versions: by package.
    """

    rows: int
    variants: Mapping[str, Variant]
    machine: str
    threads: int
    versions: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values for JSON."""
        content: dict[str, Any] = _ADAPTER.dump_python(self, mode="json")
        return content


_ADAPTER = TypeAdapter(ExportRecord)


def read_record(folder: Path) -> ExportRecord:
    """Read the record of an exported model.

    Raises:
        RunError: the folder holds none, or one of another version.
    """
    path = folder / RECORD_FILE
    try:
        return _ADAPTER.validate_python(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read ({shorten_text(error)}); run `hf-newscls export` first") from error
