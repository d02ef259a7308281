"""Run a trained classifier faster, for files: in bfloat16 where the device is faster in it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from hf_newscls.inference.predicting import TrainedClassifier
from hf_newscls.modeling.acceleration.cls_only_last_layer import cls_only_last_layer
from hf_newscls.modeling.acceleration.cpu_bfloat16 import has_fast_cpu_bf16
from hf_newscls.modeling.acceleration.float32_attention import attend_in_float32


def has_fast_bf16(classifier: TrainedClassifier) -> bool:
    """Return whether predictions are faster in bfloat16 on the device of the classifier."""
    device = classifier.model.device.type
    if device == "cpu":
        return has_fast_cpu_bf16()
    return device == "cuda" and torch.cuda.is_bf16_supported(False)


@contextmanager
def predicting_fast(classifier: TrainedClassifier, *, bf16: bool) -> Iterator[None]:
    """Run the last layer only for the tokens that the head reads, for as long as the context lasts.

    With `bf16`, the weights are rounded to bfloat16, and stay so: load the classifier again for other uses.
    """
    model: Any = classifier.model
    is_sdpa = getattr(model.config, "_attn_implementation", None) == "sdpa"
    with ExitStack() as stack:
        stack.enter_context(cls_only_last_layer(model))
        if bf16:
            model.bfloat16()
        if bf16 and is_sdpa and model.device.type == "cpu":
            stack.enter_context(attend_in_float32(model))
        yield
