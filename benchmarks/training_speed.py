"""Samples per second and peak memory of our training against the stock way, measured in one run.

    python benchmarks/training_speed.py [--recipe quickstart] [--data news.csv] [--steps 40] [--rounds 3] [KEY=VALUE …]

Three ways train the same encoder on the same rows for the same number of steps of the same batch size, everything
unfrozen:

- stock: as transformers' run_classification example sets the Trainer up: padded to max_length, random order, float32,
  dropout on attention weights as the encoder's config has it;
- stock, dynamic: the same with padding to the longest of a batch and batches of like length;
- ours: what `make train` does with the recipe.

Each measurement is a process of its own, and the ways take turns, so that what else the machine does falls on all of
them. Writes benchmarks/results.json. Needs a recipe whose encoder and data are at hand.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WAYS = ("stock", "stock, dynamic", "ours")
RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    options = parse_options()
    if options.way:
        print(json.dumps(measure(options)))
        return
    rounds = {way: [] for way in WAYS}
    for _ in range(options.rounds):
        for way in WAYS:
            command = [sys.executable, __file__, *sys.argv[1:], "--way", way]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            rounds[way].append(json.loads(output.splitlines()[-1]))
    results = {"recipe": options.recipe, "steps": options.steps, "rounds": options.rounds, "ways": summarize(rounds)}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(f"{'way':<16}{'samples/s':>11}{'ratio to stock':>24}{'peak memory':>13}")
    for way, figures in results["ways"].items():
        ratio = f"{figures['ratio']:.2f} ({figures['lowest_ratio']:.2f} to {figures['highest_ratio']:.2f})"
        print(f"{way:<16}{figures['samples_per_second']:>11.1f}{ratio:>24}{figures['peak_megabytes']:>10.0f} MB")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="quickstart")
    parser.add_argument("--data")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("overrides", nargs="*")
    return parser.parse_args()


def summarize(rounds: dict[str, list[dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Take medians over the rounds, and ratios within each round."""
    summary = {}
    for way, measured in rounds.items():
        speeds = [figures["samples_per_second"] for figures in measured]
        ratios = [speed / stock["samples_per_second"] for speed, stock in zip(speeds, rounds["stock"], strict=True)]
        summary[way] = {
            "samples_per_second": statistics.median(speeds),
            "ratio": statistics.median(ratios),
            "lowest_ratio": min(ratios),
            "highest_ratio": max(ratios),
            "peak_megabytes": max(figures["peak_megabytes"] for figures in measured),
        }
    return summary


def measure(options: argparse.Namespace) -> dict[str, float]:
    from hf_newscls import workflow
    from hf_newscls.data.tokenization import tokenize_splits
    from hf_newscls.modeling.loading import load_pretrained
    from hf_newscls.recipe_io import read_recipe
    from hf_newscls.training.arguments import build_training_arguments
    from hf_newscls.training.backend import detect_backend
    from hf_newscls.training.fitting import build_trainer

    steps = [f"training_arguments.max_steps={options.steps}", "training_arguments.eval_strategy=no"]
    nothing_saved = ["training_arguments.save_strategy=no", "training_arguments.load_best_model_at_end=false"]
    overrides = [*options.overrides, *steps, *nothing_saved, "freeze=null"]
    recipe = read_recipe(options.recipe, overrides, source=options.data)
    if options.way != "ours":
        recipe = recipe.model_copy(update={"model": recipe.model.model_copy(update={"config": {}})})
    prepared = workflow.prepare(recipe)
    classifier = load_pretrained(recipe.model, prepared.label_names, seed=recipe.seed)
    tokenized = tokenize_splits(prepared.splits, classifier.tokenizer, max_length=recipe.model.max_length)
    with tempfile.TemporaryDirectory() as folder:
        arguments = build_training_arguments(recipe, output_dir=Path(folder), backend=detect_backend())
        if options.way == "ours":
            trainer = build_trainer(classifier, tokenized, arguments=arguments, freeze=None)
        else:
            trainer = build_stock_trainer(
                classifier, tokenized, arguments, max_length=recipe.model.max_length, way=options.way
            )
        rows = arguments.train_batch_size * arguments.gradient_accumulation_steps * arguments.world_size
        start = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - start
    return {
        "samples_per_second": options.steps * rows / seconds,
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def build_stock_trainer(classifier, tokenized, arguments, *, max_length, way):
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    is_dynamic = way == "stock, dynamic"
    stock = TrainingArguments(
        output_dir=arguments.output_dir,
        per_device_train_batch_size=arguments.per_device_train_batch_size,
        gradient_accumulation_steps=arguments.gradient_accumulation_steps,
        learning_rate=arguments.learning_rate,
        max_steps=arguments.max_steps,
        save_strategy="no",
        disable_tqdm=True,
        train_sampling_strategy="group_by_length" if is_dynamic else "random",
        use_cpu=arguments.use_cpu,
    )
    padding = {"padding": True} if is_dynamic else {"padding": "max_length", "max_length": max_length}
    collator = DataCollatorWithPadding(classifier.tokenizer, **padding)
    return Trainer(classifier.model, stock, train_dataset=tokenized["train"], data_collator=collator)


if __name__ == "__main__":
    main()
