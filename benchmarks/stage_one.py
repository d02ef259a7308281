"""Stage 1 on cached features against stage 1 without: seconds, and in forward passes of the training set.

    python benchmarks/stage_one.py [--recipe NAME] [--data FILE] [--rows N] [--epochs 6] [--rounds 3] [KEY=VALUE …]

The unit is one forward pass of the frozen encoder over the training rows: in eval mode, in batches of like length and
of the training's size, after a few batches that warm memory and kernels up. The clock runs over `Trainer.train()` of
stage 1 alone, without evaluations and checkpoints, and so without features of the validation rows. Ratios are taken
within a round.
"""

import argparse
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from _common import add_recipe_options, describe, load, save, wait_for_device

WARM_UP_BATCHES = 8
WAYS = {"cached": "freeze.cache_features=true", "not cached": "freeze.cache_features=false"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_recipe_options(parser)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rounds = []
    for _ in range(options.rounds):
        rounds.append(measure(options))
        print(rounds[-1], flush=True)
    passes = {way: summarize([one[way]["seconds"] / one["forward pass"]["seconds"] for one in rounds]) for way in WAYS}
    for way, (middle, low, high) in passes.items():
        print(f"{way}: {middle:.2f} forward passes ({low:.2f} to {high:.2f})")
    result = {**describe(options), "rows": options.rows, "epochs": options.epochs, "rounds": rounds}
    save(f"stage_one {Path(options.recipe).stem}", {**result, "forward_passes": passes}, options.results)


def measure(options) -> dict[str, dict[str, float]]:
    """Return the seconds of a forward pass and of each way, and the milliseconds of a way's step."""
    quiet = ["eval_strategy=no", "save_strategy=no", "load_best_model_at_end=false", "disable_tqdm=true"]
    overrides = [f"training_arguments.{one}" for one in quiet] + [f"freeze.epochs={options.epochs}"]
    measured: dict[str, dict[str, float]] = {}
    for way, setting in WAYS.items():
        recipe, classifier, _, tokenized = load(options, *overrides, setting)
        if not measured:
            measured["forward pass"] = {"seconds": time_forward_pass(recipe, classifier, tokenized["train"])}
        measured[way] = time_stage_one(recipe, classifier, tokenized)._asdict()
    return measured


def summarize(ratios: list[float]) -> list[float]:
    """Return their median, the least and the greatest."""
    return [statistics.median(ratios), min(ratios), max(ratios)]


class Times(NamedTuple):
    """Seconds of the stage with its features, and milliseconds of a step: the median."""

    seconds: float
    step_milliseconds: float


def time_stage_one(recipe, classifier, tokenized) -> Times:
    from transformers import TrainerCallback

    from hf_newscls.training.acceleration.apply import accelerated
    from hf_newscls.training.arguments import build_training_arguments
    from hf_newscls.training.backend import detect_backend
    from hf_newscls.training.fit import build_trainer

    marks: list[float] = []

    class Mark(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs) -> None:
            wait_for_device()
            marks.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        arguments = build_training_arguments(recipe, output_dir=Path(folder), backend=detect_backend())
        arguments.num_train_epochs = recipe.freeze.epochs
        trainer = build_trainer(classifier, tokenized, arguments=arguments, freeze=recipe.freeze)
        trainer.add_callback(Mark())
        start = time.perf_counter()
        with accelerated(classifier.model, arguments, trainer.optimizer):
            trainer.train()
        seconds = time.perf_counter() - start
    steps = [later - earlier for earlier, later in pairwise(marks)]
    return Times(seconds, 1000 * statistics.median(steps))


def time_forward_pass(recipe, classifier, rows) -> float:
    """Time the encoder over the rows as a plain loop would run it, in the precision of the training."""
    import torch

    from hf_newscls.training.acceleration.apply import accelerated
    from hf_newscls.training.arguments import build_training_arguments
    from hf_newscls.training.backend import detect_backend
    from hf_newscls.training.collator import build_collator
    from hf_newscls.training.sampler import order_rows
    from hf_newscls.training.trainer import measure_lengths

    backend = detect_backend()
    arguments = build_training_arguments(recipe, output_dir=Path("unused"), backend=backend)
    model = classifier.model.to(arguments.device).eval()
    size = arguments.train_batch_size
    order = order_rows(measure_lengths(rows), batch_rows=size, seed=1, epoch=0, is_grouped=True)
    starts = range(0, len(order), size)
    collate = build_collator(classifier.tokenizer, lengths=None)
    dataset = rows.remove_columns("labels")

    def run(index: int) -> None:
        batch = collate([dataset[row] for row in order[index : index + size]])
        with torch.autocast(arguments.device.type, dtype=torch.bfloat16, enabled=arguments.bf16):
            model.base_model(**{name: values.to(arguments.device) for name, values in batch.items()})

    with accelerated(model.base_model, arguments), torch.no_grad():
        for index in starts[:WARM_UP_BATCHES]:
            run(index)
        wait_for_device()
        start = time.perf_counter()
        for index in starts:
            run(index)
        wait_for_device()
        return time.perf_counter() - start


if __name__ == "__main__":
    main()
