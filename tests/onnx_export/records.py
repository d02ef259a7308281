"""An export as `export` leaves it, without the export."""

import json
from pathlib import Path

from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.onnx_export.record import FLOAT_FILE, INT8_FILE, RECORD_FILE, ExportRecord, Variant

GAINS = {"accuracy": Interval(-0.0012, 0.0034), "f1_macro": Interval(-0.0056, 0.0078)}
SCORES = {"accuracy": 0.91, "f1_macro": 0.82, "calibration_error": 0.03}


def build_record() -> ExportRecord:
    variants = {
        "PyTorch": Variant("", 90_000_000, 100.4, SCORES),
        "float32": Variant(FLOAT_FILE, 91_000_000, 200.4, SCORES, 2.5e-7, 0, GAINS),
        "int8": Variant(INT8_FILE, 23_000_000, 300.4, SCORES, 0.5, 2, GAINS),
    }
    return ExportRecord(1234, variants, "a processor, 2 cores", 2, {"onnxruntime": "1.0"})


def write_export(folder: Path, *, served: dict[str, object]) -> None:
    """Write a folder with files of one byte."""
    (folder / "onnx").mkdir(parents=True)
    for name in (FLOAT_FILE, INT8_FILE):
        (folder / name).write_bytes(b"\x08")
    (folder / RECORD_FILE).write_text(json.dumps(build_record().to_dict()))
    (folder / "config.json").write_text(json.dumps(served))
