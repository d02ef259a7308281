"""Compute the logits of all test rows, with torch or with onnxruntime, and measure the speed.

Shape letters: N texts, L labels, B batch.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hf_newscls.inference.predicting import TokenizedTexts, TrainedClassifier, iterate_batches

Forward = Callable[[Any], NDArray[np.float32]]
"""Takes a padded batch, and returns its logits (B, L)."""


@dataclass(frozen=True)
class Logits:
    """The logits of N texts, and how fast they were computed."""

    values: NDArray[np.float32]  # (N, L)
    rows_per_second: float  # without tokenizing

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Probabilities (N, L)."""
        found: NDArray[np.float32] = torch.from_numpy(self.values).softmax(dim=-1).numpy()
        return found


def compute_torch_logits(classifier: TrainedClassifier, tokenized: TokenizedTexts) -> Logits:
    """Compute the logits with the classifier, which must be on the CPU."""

    def run(batch: Any) -> NDArray[np.float32]:
        """Return logits."""
        with torch.inference_mode():
            logits: NDArray[np.float32] = classifier.model(**batch).logits.numpy()
        return logits

    return _compute(classifier, tokenized, run, step="predicting with PyTorch")


def compute_onnx_logits(path: Path, classifier: TrainedClassifier, tokenized: TokenizedTexts) -> Logits:
    """Compute the logits with an ONNX file of the classifier, with as many threads as torch uses."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]  # a tokenizer may give more

    def run(batch: Any) -> NDArray[np.float32]:
        """Return logits."""
        logits: NDArray[np.float32] = session.run(["logits"], {name: batch[name].numpy() for name in names})[0]
        return logits

    return _compute(classifier, tokenized, run, step=f"predicting with {path.name}")


def _compute(classifier: TrainedClassifier, tokenized: TokenizedTexts, run: Forward, *, step: str) -> Logits:
    rows, seconds = tokenized.rows, 0.0
    values = np.full((len(rows["input_ids"]), len(classifier.label_names)), np.nan, dtype=np.float32)
    for indices, batch in iterate_batches(classifier, rows, step=step):
        if seconds == 0:
            run(batch)  # not timed: the first batch of a program allocates its memory
        begin = time.perf_counter()
        values[indices] = run(batch)
        seconds += time.perf_counter() - begin
    return Logits(values[tokenized.indices], len(values) / seconds)
