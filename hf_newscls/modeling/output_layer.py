"""Fold a temperature into the layer that makes the logits.

Shape letters: B batch, L labels.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from hf_newscls.errors import ModelError

_TOLERANCE = 1e-4


@torch.no_grad()
def fold_temperature(model: PreTrainedModel, temperature: float, batch: Mapping[str, Tensor]) -> None:
    """Divide weight and bias of the layer that makes the logits by a temperature, in place.

    Args:
        model: in eval mode and float32; of any architecture, with an adapter or without.
        temperature: above 0.
        batch: inputs, on which the layer is found and the result is checked.

    Raises:
        ModelError: no layer was found, or it does more than make the logits; the model is as before.
    """
    layer, logits = _find_output_layer(model, batch)
    before = [parameter.clone() for parameter in layer.parameters()]
    for parameter in layer.parameters():
        parameter.div_(temperature)
    scaled = model(**batch).logits * temperature
    if not torch.allclose(scaled, logits, rtol=_TOLERANCE, atol=_TOLERANCE * float(logits.abs().max())):
        for parameter, old in zip(layer.parameters(), before, strict=True):
            parameter.copy_(old)
        raise ModelError(f"{model.config.model_type}: dividing the last layer does not divide the logits")


def _find_output_layer(model: PreTrainedModel, batch: Mapping[str, Tensor]) -> tuple[nn.Linear, Tensor]:
    """Return the linear layer whose output is the logits (B, L), and the logits."""
    outputs: list[tuple[nn.Linear, Tensor]] = []

    def keep_output(layer: Any, inputs: Any, output: Tensor) -> None:
        """Keep a layer with its output."""
        outputs.append((layer, output))

    with ExitStack() as stack:
        for module in model.modules():
            if isinstance(module, nn.Linear) and module.out_features == model.config.num_labels:
                stack.callback(module.register_forward_hook(keep_output).remove)
        logits: Tensor = model(**batch).logits
    for layer, output in reversed(outputs):
        if torch.equal(output, logits):
            return layer, logits
    raise ModelError(f"{model.config.model_type}: no linear layer makes the logits")
