"""Export a classifier, and refuse files that answer differently.

Shape letters: N test rows, L labels.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hf_newscls.errors import ModelError
from hf_newscls.evaluation.metrics import compute_scores
from hf_newscls.evaluation.statistics.bootstrap import Bootstrap, Interval
from hf_newscls.evaluation.statistics.significance import compare_scores, draw_scores
from hf_newscls.inference.predicting import TrainedClassifier, tokenize_texts
from hf_newscls.onnx_export.graphs import build_graph, quantize_graph, save_graph
from hf_newscls.onnx_export.logits import Logits, compute_onnx_logits, compute_torch_logits
from hf_newscls.onnx_export.record import (
    COMPARED_METRICS,
    FLOAT_FILE,
    INT8_FILE,
    RECORD_FILE,
    SHOWN_METRICS,
    ExportRecord,
    Variant,
)
from hf_newscls.onnx_export.serving_config import build_serving_config
from hf_newscls.storage import write_json
from hf_newscls.training.record import describe_machine, describe_versions

_TOLERANCE = 1e-4

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ParityRows:
    """The rows on which an exported model must answer as the classifier does."""

    texts: Sequence[str]
    references: NDArray[np.int64]  # (N,)
    bootstrap: Bootstrap


def export_classifier(
    classifier: TrainedClassifier, rows: ParityRows, folder: Path, *, int8: bool, max_loss: float
) -> ExportRecord:
    """Fill an empty folder with the ONNX files of a classifier, its tokenizer, a config.json and the record.

    Args:
        classifier: it is moved to the CPU.
        rows: at least one.
        int8: also write a file with weights of 8 bits.
        max_loss: the largest loss of accuracy or macro F1 of that file, at the end of its 95% interval.

    Raises:
        ModelError: the model cannot be exported, or a file answers differently; the folder is then not complete.
    """
    model: Any = classifier.model
    model.to("cpu").float()
    graph = build_graph(classifier.model)
    save_graph(graph, folder / FLOAT_FILE)
    parity = _Parity(classifier, rows, folder)
    variants = {"PyTorch": parity.own, "float32": parity.measure(FLOAT_FILE)}
    check_float(variants["float32"])
    if int8:
        save_graph(quantize_graph(graph), folder / INT8_FILE)
        variants["int8"] = parity.measure(INT8_FILE)
        check_int8(variants["int8"], max_loss=max_loss)
    classifier.tokenizer.save_pretrained(folder)
    write_json(folder / "config.json", build_serving_config(classifier.model))
    record = ExportRecord(
        len(rows.texts),
        variants,
        describe_machine(),
        torch.get_num_threads(),
        {**describe_versions(), "onnxruntime": version("onnxruntime")},
    )
    write_json(folder / RECORD_FILE, record.to_dict())
    return record


class _Parity:
    """The test rows as the classifier answers them, to measure files against."""

    def __init__(self, classifier: TrainedClassifier, rows: ParityRows, folder: Path) -> None:
        self._classifier, self._rows, self._folder = classifier, rows, folder
        self._tokenized = tokenize_texts(classifier, rows.texts)
        self._logits = compute_torch_logits(classifier, self._tokenized)
        self._drawn = draw_scores(self._logits.probabilities, rows.references, rows.bootstrap)

    @property
    def own(self) -> Variant:
        """The classifier itself."""
        size = sum(weights.numel() * weights.element_size() for weights in self._classifier.model.state_dict().values())
        return Variant("", size, self._logits.rows_per_second, self._score(self._logits))

    def measure(self, file: str) -> Variant:
        """Run a file of the folder on all rows."""
        path = self._folder / file
        logits = compute_onnx_logits(path, self._classifier, self._tokenized)
        variant = Variant(
            file,
            path.stat().st_size,
            logits.rows_per_second,
            self._score(logits),
            largest_difference=float(np.abs(logits.values - self._logits.values).max()),
            changed_answers=int((logits.values.argmax(axis=1) != self._logits.values.argmax(axis=1)).sum()),
            gains=self._compute_gains(logits),
        )
        logger.info(
            "%s: %.1f MB, largest difference of a logit %.2g, %d of %s answers changed",
            file,
            variant.megabytes,
            variant.largest_difference,
            variant.changed_answers,
            f"{len(self._rows.texts):,}",
        )
        return variant

    def _score(self, logits: Logits) -> dict[str, float]:
        scores = compute_scores(logits.probabilities, self._rows.references, top_k=[])
        return {name: scores[name] for name in SHOWN_METRICS}

    def _compute_gains(self, logits: Logits) -> dict[str, Interval]:
        drawn = draw_scores(logits.probabilities, self._rows.references, self._rows.bootstrap)
        return {
            name: compare_scores(drawn.by_metric[name], self._drawn.by_metric[name]).gain for name in COMPARED_METRICS
        }


def check_float(variant: Variant) -> None:
    """Raise a `ModelError` if a file with weights of 32 bits differs by more than rounding."""
    # Not `>`, which is false for not-a-number.
    if not (variant.largest_difference <= _TOLERANCE and variant.changed_answers == 0):
        raise ModelError(
            f"{variant.file}: a logit differs by {variant.largest_difference:.2g} from that of the model, and "
            f"{variant.changed_answers} answers changed; at most {_TOLERANCE:g} and 0 are allowed, so nothing was "
            "written; please report this architecture"
        )


def check_int8(variant: Variant, *, max_loss: float) -> None:
    """Raise a `ModelError` if accuracy or macro F1 may have lost more, by the end of the 95% interval."""
    losses = {name: -gain.low for name, gain in (variant.gains or {}).items()}
    name = max(losses, key=lambda name: losses[name])
    if losses[name] > max_loss:
        raise ModelError(
            f"{variant.file}: {variant.changed_answers} answers changed, and the loss of {name} may be "
            f"{losses[name]:.4f} (end of its 95% interval), more than --max-loss {max_loss:g}; nothing was written; "
            "export without --int8, or allow the loss with --max-loss"
        )
