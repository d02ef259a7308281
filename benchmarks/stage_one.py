"""Time of stage 1 with and without cached features, in forward passes over the training rows.

    python benchmarks/stage_one.py [--recipe NAME] [--data FILE] [--rows N] [--epochs 6] [--rounds 3] [KEY=VALUE …]

The unit is one forward pass of the frozen encoder over the training rows, in eval mode, in the batches of the first
epoch, after a few batches in which memory and kernels are set up. The clock runs over `Trainer.train()` of stage 1,
without evaluations and checkpoints. Ratios are taken within a round.
"""

import argparse
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from _common import add_recipe_options, describe, load, save, summarize_ratios, wait_for_device

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
    ratios = {way: [one[way]["seconds"] / one["forward pass"]["seconds"] for one in rounds] for way in WAYS}
    passes = {way: summarize_ratios(found) for way, found in ratios.items()}
    for way, (middle, low, high) in passes.items():
        print(f"{way}: {middle:.2f} forward passes ({low:.2f} to {high:.2f})")
    result = {**describe(options), "rows": options.rows, "epochs": options.epochs, "rounds": rounds}
    save(f"stage_one {Path(options.recipe).stem}", {**result, "forward_passes": passes}, options.results)


def measure(options) -> dict[str, dict[str, float]]:
    """Return the seconds of a forward pass and of each way, and the milliseconds of a way's step."""
    from hf_newscls.training.acceleration.apply import accelerated

    quiet = ["eval_strategy=no", "save_strategy=no", "load_best_model_at_end=false", "disable_tqdm=true"]
    overrides = [f"training_arguments.{one}" for one in quiet] + [f"freeze.epochs={options.epochs}"]
    measured: dict[str, dict[str, float]] = {}
    for way, setting in WAYS.items():
        with tempfile.TemporaryDirectory() as folder:
            trainer = build(options, *overrides, setting, folder=Path(folder))
            with accelerated(trainer):
                if not measured:
                    measured["forward pass"] = {"seconds": time_forward_pass(trainer)}
                measured[way] = time_stage_one(trainer)
    return measured


def build(options, *overrides: str, folder: Path):
    """Return the Trainer of stage 1."""
    from hf_newscls.training.arguments import build_training_arguments
    from hf_newscls.training.backend import detect_backend
    from hf_newscls.training.fit import build_trainer

    recipe, classifier, tokenized = load(options, *overrides)
    arguments = build_training_arguments(recipe, output_dir=folder, backend=detect_backend())
    arguments.num_train_epochs = recipe.freeze.epochs
    return build_trainer(classifier, tokenized, recipe=recipe, arguments=arguments)


def time_stage_one(trainer) -> dict[str, float]:
    """Return the seconds of the stage with its features, and the median milliseconds of a step."""
    from transformers import TrainerCallback

    marks: list[float] = []

    class Mark(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs) -> None:
            wait_for_device()
            marks.append(time.perf_counter())

    trainer.add_callback(Mark())
    start = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - start
    steps = [later - earlier for earlier, later in pairwise(marks)]
    return {"seconds": seconds, "step_milliseconds": 1000 * statistics.median(steps)}


def time_forward_pass(trainer) -> float:
    """Return the seconds of the encoder over the training rows, in the precision of the training."""
    import torch

    encoder, arguments = trainer.model.base_model, trainer.args
    trainer.model.eval()
    names = ("input_ids", "attention_mask")
    batches = [{name: batch[name] for name in names} for batch in trainer.get_train_dataloader()]

    def run(batch) -> None:
        with torch.autocast(arguments.device.type, dtype=torch.bfloat16, enabled=arguments.bf16):
            encoder(**batch)

    with torch.no_grad():
        for batch in batches[:WARM_UP_BATCHES]:
            run(batch)
        wait_for_device()
        start = time.perf_counter()
        for batch in batches:
            run(batch)
        wait_for_device()
        return time.perf_counter() - start


if __name__ == "__main__":
    main()
