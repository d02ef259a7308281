"""Turn a classifier into an ONNX graph, and quantize it.

The exporter is that of transformers, which patches what torch.export and onnxruntime cannot read.

Shape letters: B batch, T tokens, L labels.
"""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import PreTrainedModel

from hf_newscls.errors import InputError, ModelError, shorten_text
from hf_newscls.modeling.loading import count_positions
from hf_newscls.modeling.modeling_windowed import WindowedClassifier

if TYPE_CHECKING:
    import onnx_ir

_EXAMPLE_TOKENS = 8
_SIZES = ("batch_size", "sequence_length")


def check_packages() -> None:
    """Check that the packages of the extra `onnx` are installed.

    Raises:
        InputError: one is missing.
    """
    try:
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputError(
            f"export: no module {error.name!r} is installed; run `pip install 'hf-newscls[onnx]'`"
        ) from error


def build_graph(model: PreTrainedModel) -> "onnx_ir.Model":
    """Return the graph of a classifier in eval mode on the CPU.

    From `input_ids` and `attention_mask`, both (B, T) of any size, it computes `logits` (B, L). A windowed model cuts
    its windows inside the graph, and reads as many as the longest text of a batch has.

    Raises:
        ModelError: the exporter cannot trace the model.
    """
    import onnx_ir
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass
    from transformers.exporters.configs import OnnxConfig
    from transformers.exporters.exporter_onnx import OnnxExporter

    # Three rows, because sizes that are equal in the example may be taken for the same size. Two tensors, because one
    # would become one input.
    shape = (3, _count_example_tokens(model))
    inputs: dict[str, Any] = {name: torch.ones(shape, dtype=torch.long) for name in ("input_ids", "attention_mask")}
    rows, tokens = _SIZES
    # A windowed model reads texts of any length.
    limit = None if isinstance(model, WindowedClassifier) else count_positions(model)
    sizes = {0: torch.export.Dim(rows), 1: torch.export.Dim(tokens, max=limit)}
    config = OnnxConfig(
        dynamic_shapes={name: sizes for name in inputs},
        prefer_deferred_runtime_asserts_over_guards=True,  # guards would fix the number of windows
    )
    try:
        with _quiet():
            graph: onnx_ir.Model = OnnxExporter().export(model, inputs, config=config).program
            # It names files of this machine.
            ClearMetadataAndDocStringPass()(graph)
            for value in graph.graph.inputs:
                value.shape = onnx_ir.Shape(_SIZES)
            (logits,) = graph.graph.outputs
            logits.shape = onnx_ir.Shape([rows, model.config.num_labels])
    except (RuntimeError, ValueError, TypeError) as error:
        raise ModelError(
            f"{model.config.model_type}: cannot be exported to ONNX ({shorten_text(error, limit=300)})"
        ) from error
    return graph


def quantize_graph(graph: "onnx_ir.Model") -> "onnx_ir.Model":
    """Return a graph with weights of 8 bits; activations are quantized while it runs."""
    from onnxruntime.quantization import QuantType
    from transformers.exporters.configs import ExportFormat
    from transformers.exporters.quantizers.quantizer_onnxruntime import OnnxRuntimeDynamicConfig, OnnxRuntimeQuantizer

    # Unsigned weights: with signed ones, processors without VNNI instructions clip sums, and answers would depend on
    # the machine.
    config = OnnxRuntimeDynamicConfig(weight_type=QuantType.QUInt8, per_channel=True)
    with _quiet():
        return OnnxRuntimeQuantizer(config).quantize(graph, {}, ExportFormat.ONNX)


def save_graph(graph: "onnx_ir.Model", path: Path) -> None:
    """Write a graph with its weights into one file."""
    import onnx_ir

    path.parent.mkdir(parents=True, exist_ok=True)
    onnx_ir.save(graph, path)


def _count_example_tokens(model: Any) -> int:
    """Return a length that makes the example two windows: torch.export takes a size of one for a constant."""
    return model.layout.length + 1 if isinstance(model, WindowedClassifier) else _EXAMPLE_TOKENS


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide what torch.onnx prints, and the warnings about its own internals."""
    disabled = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
