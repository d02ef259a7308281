"""All speed-ups, their gains, and what they change.

TABLE
"""

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager

from transformers import PreTrainedModel, Trainer

from hf_newscls.training.acceleration.cls_only_last_layer import cls_only_last_layer
from hf_newscls.training.acceleration.cpu_kernels import (
    attend_in_float32,
    clip_in_step,
    draw_dropout_from_bits,
    is_fused,
    sparse_word_gradients,
)

__all__ = ["SPEEDUPS", "accelerated"]

SPEEDUPS = (
    "first token",
    "float32 attention",
    "dropout from bits",
    "clipping in the step",
    "sparse word gradients",
)
"""Names of the speed-ups."""


@contextmanager
def accelerated(trainer: Trainer, *, without: Collection[str] = ()) -> Iterator[None]:
    """Apply the speed-ups that suit the training, for as long as the context lasts.

    Args:
        trainer: not yet training, with its optimizer.
        without: names of speed-ups to leave out, for benchmarks.
    """
    model: PreTrainedModel = trainer.model
    arguments, optimizer = trainer.args, trainer.optimizer
    on_cpu = arguments.device.type == "cpu" and not arguments.torch_compile
    # Without a limit the Trainer takes the norm itself, and cannot take that of sparse gradients.
    clips = on_cpu and is_fused(optimizer) and (arguments.max_grad_norm or 0) > 0
    contexts = {
        "first token": arguments.device.type != "xla" and cls_only_last_layer(model),
        "float32 attention": (
            arguments.device.type == "cpu"
            and arguments.bf16
            and getattr(model.config, "_attn_implementation", None) == "sdpa"
            and attend_in_float32(model)
        ),
        "dropout from bits": on_cpu and draw_dropout_from_bits(model),
        "clipping in the step": clips and clip_in_step(trainer, optimizer),
        # Several processes would have to add up their sparse gradients.
        "sparse word gradients": (
            clips
            and arguments.world_size == 1
            and "clipping in the step" not in without
            and sparse_word_gradients(model, optimizer)
        ),
    }
    with ExitStack() as stack:
        for name in SPEEDUPS:
            context = contexts[name]
            if context and name not in without:
                stack.enter_context(context)
        yield
