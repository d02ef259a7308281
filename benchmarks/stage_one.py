"""Stage 1 on cached features against stage 1 without: seconds, and in forward passes of the training set.

    python benchmarks/stage_one.py [--recipe NAME] [--data FILE] [--rows N] [--epochs 6] [KEY=VALUE …]

The unit is one forward pass of the frozen encoder over the training rows: in eval mode, in batches of like length and
of the training's size. The clock runs over `Trainer.train()` of stage 1 alone, without evaluations and checkpoints;
the features of the validation rows, which the cache holds too, are among its costs.
"""

import argparse
import tempfile
import time
from pathlib import Path

from _common import add_recipe_options, describe, load, save


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_recipe_options(parser)
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    quiet = ["eval_strategy=no", "save_strategy=no", "load_best_model_at_end=false", "disable_tqdm=true"]
    overrides = [f"training_arguments.{one}" for one in quiet] + [f"freeze.epochs={options.epochs}"]
    seconds = {}
    for cached in ("true", "false"):
        recipe, classifier, _, tokenized = load(options, *overrides, f"freeze.cache_features={cached}")
        if cached == "true":
            seconds["forward pass"] = time_forward_pass(recipe, classifier, tokenized["train"])
        seconds["cached" if cached == "true" else "not cached"] = time_stage_one(recipe, classifier, tokenized)
        print({name: round(value, 2) for name, value in seconds.items()}, flush=True)
    passes = {name: value / seconds["forward pass"] for name, value in seconds.items()}
    print({name: round(value, 2) for name, value in passes.items()}, "forward passes")
    result = {**describe(options), "rows": len(tokenized["train"]), "epochs": options.epochs}
    save(f"stage_one {options.recipe}", {**result, "seconds": seconds, "forward_passes": passes})


def time_stage_one(recipe, classifier, tokenized) -> float:
    from hf_newscls.training.arguments import build_training_arguments
    from hf_newscls.training.backend import detect_backend
    from hf_newscls.training.fitting import build_trainer, suited_to_device

    with tempfile.TemporaryDirectory() as folder:
        arguments = build_training_arguments(recipe, output_dir=Path(folder), backend=detect_backend())
        arguments.num_train_epochs = recipe.freeze.epochs
        trainer = build_trainer(classifier, tokenized, arguments=arguments, freeze=recipe.freeze)
        start = time.perf_counter()
        with suited_to_device(classifier.model, arguments):
            trainer.train()
        return time.perf_counter() - start


def time_forward_pass(recipe, classifier, rows) -> float:
    """Time the encoder over the rows as a plain loop would run it, in the precision of the training."""
    import torch

    from hf_newscls.training.arguments import build_training_arguments
    from hf_newscls.training.backend import detect_backend
    from hf_newscls.training.fitting import suited_to_device
    from hf_newscls.training.padding import build_collator
    from hf_newscls.training.sampling import order_rows
    from hf_newscls.training.trainer import measure_lengths

    backend = detect_backend()
    arguments = build_training_arguments(recipe, output_dir=Path("unused"), backend=backend)
    model = classifier.model.to(arguments.device).eval()
    size = arguments.train_batch_size
    order = order_rows(measure_lengths(rows), batch_rows=size, seed=1, epoch=0, is_grouped=True)
    collate = build_collator(classifier.tokenizer, lengths=None)
    dataset = rows.remove_columns("labels")
    with suited_to_device(model, arguments), torch.no_grad():
        start = time.perf_counter()
        for place in range(0, len(order), size):
            batch = collate([dataset[row] for row in order[place : place + size]])
            with torch.autocast(arguments.device.type, dtype=torch.bfloat16, enabled=arguments.bf16):
                model.base_model(**{name: values.to(arguments.device) for name, values in batch.items()})
        return time.perf_counter() - start


if __name__ == "__main__":
    main()
