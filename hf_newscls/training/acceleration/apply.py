"""The speed-ups of a training: what each does, what it gains, and what it changes.

The gain is the speed without it, relative to the speed with all: medians on a CPU with AVX-512 and bfloat16, for
headlines and for articles of 256 tokens. docs/benchmarks.md has the ranges and the command (`make bench
BENCH=training_speed`).

| speed-up | what it does | headlines | articles | what it changes, until the context ends |
|---|---|---|---|---|
| float32 attention | attention in float32 under bfloat16 autocast | 0.80 | 0.92 | the model's attention implementation,
  through transformers' AttentionInterface, which keeps the name `sdpa_float32` for good |
| first token | feed-forward of the last layer only for the token that the head reads | 1.02 | 0.91 | a forward hook on
  the last layer |
| clipping in the step | the fused optimizer scales gradients as it reads them | 0.85 | 1.00 | the Trainer's
  `_clip_grad_norm` (private; without it, nothing is done), `grad_scale` of the optimizer within a step |
| sparse word gradients | gradients only of the words in the batch | 0.81 | 1.02 | `sparse` of the word embeddings, a
  hook on the optimizer's step |

`training_arguments.bf16`, on by default on a CPU with units for it, is no part of this: 0.73 and 0.63.
`speedups: false` in a recipe turns all of them off.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from transformers import Trainer

from hf_newscls.modeling.acceleration.cls_only_last_layer import cls_only_last_layer
from hf_newscls.modeling.acceleration.float32_attention import attend_in_float32
from hf_newscls.training.acceleration.cpu_kernels import clip_in_step, is_fused, sparse_word_gradients


@contextmanager
def accelerated(trainer: Trainer, *, without: Collection[str] = ()) -> Iterator[None]:
    """Apply the speed-ups that suit the training, for as long as the context lasts.

    Args:
        trainer: not yet training, with its optimizer.
        without: names of speed-ups in the table to leave out, for benchmarks.
    """
    model: Any = trainer.model
    optimizer: Any = trainer.optimizer
    arguments = trainer.args
    on_cpu = arguments.device.type == "cpu"
    is_eager = on_cpu and not arguments.torch_compile
    clips = (
        on_cpu and (arguments.max_grad_norm or 0) > 0 and is_fused(optimizer) and hasattr(trainer, "_clip_grad_norm")
    )
    is_sdpa = getattr(model.config, "_attn_implementation", None) == "sdpa"
    suitable: dict[str, tuple[bool, Callable[[], AbstractContextManager[None]]]] = {
        "float32 attention": (on_cpu and arguments.bf16 and is_sdpa, lambda: attend_in_float32(model)),
        "first token": (arguments.device.type != "xla", lambda: cls_only_last_layer(model)),
        "clipping in the step": (clips, lambda: clip_in_step(trainer, optimizer)),
        # Only our clipping takes the norm of sparse gradients, and several processes would have to add them up.
        "sparse word gradients": (
            clips and is_eager and arguments.world_size == 1 and "clipping in the step" not in without,
            lambda: sparse_word_gradients(model, optimizer),
        ),
    }
    with ExitStack() as stack:
        for name, (is_suitable, enter) in suitable.items():
            if is_suitable and name not in without:
                stack.enter_context(enter())
        yield
