"""What surrounds a training on its device: all that makes it faster and leaves its results alone."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from torch import nn
from torch.optim import Optimizer
from transformers import PreTrainedModel, TrainingArguments

from hf_newscls.training.acceleration.cls_only_last_layer import first_token_alone
from hf_newscls.training.acceleration.cpu_kernels import (
    attend_in_float32,
    draw_dropout_from_bits,
    is_fused,
    sparse_word_gradients,
)
from hf_newscls.training.acceleration.malloc import keep_freed_memory

__all__ = ["accelerated"]


@contextmanager
def accelerated(
    model: PreTrainedModel, arguments: TrainingArguments, optimizer: Optimizer | None = None
) -> Iterator[None]:
    """Do around a training what its device asks for.

    Args:
        model: that is trained.
        arguments: of the run.
        optimizer: that takes the steps; None where nothing learns.
    """
    if arguments.device.type == "xla":
        yield
        nn.Module.to(model, "cpu")  # tensors of XLA cannot be saved as they are
        return
    with ExitStack() as stack:
        stack.enter_context(first_token_alone(model))
        if arguments.device.type == "cpu":
            stack.enter_context(keep_freed_memory())
            if not arguments.torch_compile:
                stack.enter_context(draw_dropout_from_bits(model))
                # Several processes would have to add their sparse gradients up, and without a limit the Trainer takes
                # their norm by itself.
                can_be_sparse = arguments.world_size == 1 and (arguments.max_grad_norm or 0) > 0
                if optimizer is not None and is_fused(optimizer) and can_be_sparse:
                    stack.enter_context(sparse_word_gradients(model, optimizer))
            if arguments.bf16 and model.config._attn_implementation == "sdpa":
                stack.enter_context(attend_in_float32(model))
        yield
