"""Graphs give the logits of the model, for each architecture, head and pooling, and for any batch and length."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from hf_newscls.modeling.configuration_newscls import NewsClassifierConfig
from hf_newscls.modeling.configuration_windowed import WindowedClassifierConfig
from hf_newscls.modeling.modeling_newscls import NewsClassifier
from hf_newscls.modeling.modeling_windowed import WindowedClassifier
from hf_newscls.onnx_export.graphs import build_graph, quantize_graph, save_graph

pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.slow

_LABELS, _PAD = 3, 1
_SIZES = {"vocab_size": 300, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
_SIZES |= {"intermediate_size": 64, "max_position_embeddings": 66, "pad_token_id": _PAD}
_SPECIAL = {"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
ENCODERS: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("Bert", {}),
    "roberta": ("Roberta", {"type_vocab_size": 1}),
    "distilbert": ("DistilBert", {}),
    "deberta": ("DebertaV2", {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 16}),
    "modernbert": ("ModernBert", {"local_attention": 8, **_SPECIAL}),
    "mpnet": ("MPNet", {}),
}
WINDOWS = {"window_count": 4, "window_length": 16, "window_stride": 4, "prefix_token_ids": [2], "suffix_token_ids": [3]}
SHAPES = [(1, 1), (1, 9), (5, 33), (2, 60)]
LONG_SHAPES = [(1, 16), (2, 17), (1, 100), (3, 7000)]


def build_model(encoder: str, head: str = "stock", **windows: Any) -> PreTrainedModel:
    """Return a model with weights so large that a wrong graph shows."""
    name, options = ENCODERS[encoder]
    config = getattr(transformers, f"{name}Config")(**_SIZES, **options, num_labels=_LABELS)
    torch.manual_seed(17)
    if windows:
        own = WindowedClassifierConfig(backbone_config=config, head=head, num_labels=_LABELS, **WINDOWS, **windows)
        model: PreTrainedModel = WindowedClassifier(own)
    elif head == "two_layer":
        model = NewsClassifier(NewsClassifierConfig(backbone_config=config, num_labels=_LABELS))
    else:
        model = AutoModelForSequenceClassification.from_config(config)
    for weights in model.parameters():
        if weights.dim() > 1:
            weights.data.mul_(4)
    return model.eval()


def build_batch(rows: int, tokens: int) -> dict[str, torch.Tensor]:
    """Return random tokens; each row but the first ends with padding."""
    ids = torch.randint(5, 300, (rows, tokens))
    mask = torch.arange(tokens).expand(rows, -1) < max(tokens // 2, 1)
    mask[0] = True
    return {"input_ids": torch.where(mask, ids, _PAD), "attention_mask": mask.long()}


@torch.no_grad()
def compute_logits(model: PreTrainedModel, batch: dict[str, torch.Tensor]) -> NDArray[np.float32]:
    logits: NDArray[np.float32] = model(**batch).logits.numpy()
    return logits


@pytest.mark.parametrize(
    ("encoder", "head", "windows"),
    [
        *((encoder, "stock", {}) for encoder in ENCODERS),
        ("roberta", "two_layer", {}),
        ("bert", "stock", {"window_pooling": "mean"}),
        ("roberta", "two_layer", {"window_pooling": "attention", "truncation": "head_tail"}),
        ("bert", "stock", {"window_pooling": "gru", "truncation": "tail"}),
        ("modernbert", "stock", {"window_pooling": "max"}),
    ],
)
def test_graph_gives_the_logits_of_the_model(encoder: str, head: str, windows: dict[str, Any], tmp_path: Path) -> None:
    from onnxruntime import InferenceSession

    model = build_model(encoder, head, **windows)
    graph = build_graph(model)
    save_graph(graph, tmp_path / "model.onnx")
    save_graph(quantize_graph(graph), tmp_path / "int8.onnx")
    session, int8 = (InferenceSession(tmp_path / name) for name in ("model.onnx", "int8.onnx"))
    assert [(one.name, one.shape) for one in session.get_inputs()] == [
        (name, ["batch_size", "sequence_length"]) for name in ("input_ids", "attention_mask")
    ]
    for shape in [*SHAPES, *(LONG_SHAPES if windows else [])]:
        batch = build_batch(*shape)
        fed = {name: values.numpy() for name, values in batch.items()}
        expected = compute_logits(model, batch)
        assert session.run(["logits"], fed)[0] == pytest.approx(expected, abs=1e-4)
        assert np.isfinite(int8.run(["logits"], fed)[0]).all()
    # Nothing in it names a folder of the machine that made it.
    assert str(Path(__file__).parents[2]).encode() not in (tmp_path / "model.onnx").read_bytes()
    assert (tmp_path / "int8.onnx").stat().st_size < (tmp_path / "model.onnx").stat().st_size
