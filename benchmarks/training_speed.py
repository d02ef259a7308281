"""Speed of our training against the stock Trainer, and without each of our speed-ups.

    python benchmarks/training_speed.py [--recipe NAME] [--data FILE] [--rows N] [--rounds N] [--ways …] [KEY=VALUE …]

All ways train the same encoder for one epoch on the same rows, in batches of the same size, under the same seed:

- stock: as transformers' run_classification example sets the Trainer up: padded to max_length, random order, float32;
- stock, grouped: padded to the longest row of a batch, in batches of rows of similar length;
- grouped, same config: the same, with the changes that the recipe makes to the model's config;
- grouped, same config, bf16: the same under bfloat16 autocast;
- ours: what `hf-newscls train` does with the recipe, without stage 1;
- ours without X: the same in float32 (bf16), without a speed-up of `hf_newscls.training.acceleration`, or without all.

Each measurement runs in a process of its own. The ways take turns within a round, in random order, so that other load
on the machine affects all of them. Rounds differ in the seed. New rounds are added to those that the results file has
under the same name, so a long benchmark can run round by round.

The clock runs over the training steps, without evaluations, checkpoints and the first three steps, in which memory and
kernels are set up. Our ways see the same batches in a round, so their speed relative to ours is the median over steps,
which a short burst of other load does not change. Other ratios are of rows per second.
"""

import argparse
import json
import multiprocessing
import random
import statistics
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from _common import (
    add_recipe_options,
    describe,
    read_peak_megabytes,
    read_results,
    save,
    summarize_ratios,
    wait_for_device,
)

STOCK = ("stock", "stock, grouped", "grouped, same config", "grouped, same config, bf16")
SPEEDUPS = (
    "bf16",
    "float32 attention",
    "first token",
    "sparse word gradients",
    "clipping in the step",
)
WITHOUT = {"ours": set(), **{f"ours without {one}": {one} for one in SPEEDUPS}, "ours without all": {*SPEEDUPS}}
WAYS = (*STOCK, *WITHOUT)
WARM_UP_STEPS = 3


def main() -> None:
    options = parse_options()
    ways = options.ways.split("|")
    name = f"training_speed {options.name or Path(options.recipe).stem}"
    rounds = read_results(options.results).get(name, {}).get("rounds", [])
    prepared = prepare(options)
    for _ in range(options.rounds):
        rounds.append(measure_round(ways, seed=17 + len(rounds), prepared=prepared))
        result = {**run_apart(describe, options), "rows": options.rows, "ways": summarize(rounds)}
        save(name, {**result, "rounds": rounds}, options.results)
    for way, figures in summarize(rounds).items():
        print(f"{way:<36}", json.dumps(figures))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_recipe_options(parser)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--ways", default="|".join(WAYS), help="ways to measure, separated by |")
    parser.add_argument("--name", help="name of the entry in results.json; default: that of the recipe")
    return parser.parse_args()


def prepare(options):
    """Return the recipe, the names of the labels, and the tokenized rows."""
    import datasets
    import transformers

    from hf_newscls import workflow
    from hf_newscls.modeling.loading import load_tokenizer
    from hf_newscls.modeling.tokenization import tokenize_splits
    from hf_newscls.recipe.loading import read_recipe

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    recipe = read_recipe(options.recipe, options.overrides, source=options.data)
    splits = workflow.prepare(recipe).splits
    train = splits["train"].shuffle(seed=recipe.split.seed)
    splits["train"] = train.select(range(options.rows or len(train)))
    tokenizer = load_tokenizer(recipe.model)
    return recipe, train.features["label"].names, tokenize_splits(splits, tokenizer, max_length=recipe.model.max_length)


def measure_round(ways, *, seed: int, prepared) -> dict[str, dict[str, float]]:
    """Return the figures of each way under one seed."""
    figures, seconds = {}, {}
    for way in random.Random(seed).sample(ways, len(ways)):
        figures[way], seconds[way] = run_apart(measure, way, seed, *prepared)
        print(f"seed {seed}: {way:<36}", json.dumps(figures[way]), flush=True)
    if "ours" in ways:
        for way in {*WITHOUT} & {*ways}:
            ratios = [ours / other for ours, other in zip(seconds["ours"], seconds[way], strict=True)]
            figures[way]["speed to ours"] = statistics.median(ratios)
    return {way: figures[way] for way in ways}


def run_apart(function, *arguments):
    """Run a function in a forked process: this one has done the imports, and no thread of torch runs in it yet."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(function, arguments)


def measure(way: str, seed: int, recipe, names, tokenized) -> tuple[dict[str, float], list[float]]:
    """Train once; return the figures of the training and the seconds of its steps."""
    from hf_newscls.modeling.loading import load_pretrained

    recipe = recipe.model_copy(update={"training_arguments": {**recipe.training_arguments, "seed": seed}})
    model = recipe.model.model_copy(update={"config": {}}) if way.startswith("stock") else recipe.model
    classifier = load_pretrained(model, names, seed=seed)
    build = build_stock if way in STOCK else build_ours
    with tempfile.TemporaryDirectory() as folder:
        trainer, context = build(way, recipe, classifier, tokenized, Path(folder))
        clock, counter = build_clock(), Counter(trainer.data_collator)
        trainer.add_callback(clock)
        trainer.data_collator = counter
        with context:
            trainer.train()
    if len(clock.steps) <= WARM_UP_STEPS:
        sys.exit(f"--rows: {len(clock.steps)} steps, but the first {WARM_UP_STEPS} do not count; take more rows")
    seconds = clock.steps[WARM_UP_STEPS:]
    batches = counter.shapes[WARM_UP_STEPS * trainer.args.gradient_accumulation_steps :]
    tokens = sum(useful for _, _, useful in batches)
    figures = {
        "samples_per_second": sum(rows for rows, _, _ in batches) / sum(seconds),
        "useful_tokens_per_second": tokens / sum(seconds),
        "useful_fraction": tokens / sum(rows * length for rows, length, _ in batches),
        "peak_megabytes": read_peak_megabytes(),
    }
    return figures, seconds


class Counter:
    """A collator that notes rows, length and tokens without padding of each batch."""

    def __init__(self, collate) -> None:
        self._collate = collate
        self.shapes: list[tuple[int, int, int]] = []

    def __call__(self, rows):
        batch = self._collate(rows)
        self.shapes.append((*batch["attention_mask"].shape, int(batch["attention_mask"].sum())))
        return batch


def build_clock():
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        """Seconds of each step, with the preparation of its batch."""

        def on_train_begin(self, args, state, control, **kwargs) -> None:
            wait_for_device()
            self.steps, self.last = [], time.perf_counter()

        def on_step_end(self, args, state, control, **kwargs) -> None:
            wait_for_device()
            now = time.perf_counter()
            self.steps.append(now - self.last)
            self.last = now

    return Clock()


def build_stock(way: str, recipe, classifier, tokenized, folder: Path):
    """Return a Trainer as the run_classification example has it."""
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    is_grouped = "grouped" in way
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=recipe.training_arguments.get("per_device_train_batch_size", 16),
        learning_rate=recipe.training_arguments.get("learning_rate", 5e-5),
        num_train_epochs=1,
        seed=recipe.seed,
        save_strategy="no",
        disable_tqdm=True,
        bf16=way.endswith("bf16"),
        use_cpu=way.endswith("bf16"),  # the Trainer accepts bf16 on a CPU only with this
        train_sampling_strategy="group_by_length" if is_grouped else "random",
    )
    padding = {"padding": True} if is_grouped else {"padding": "max_length", "max_length": recipe.model.max_length}
    collator = DataCollatorWithPadding(classifier.tokenizer, **padding)
    return Trainer(classifier.model, arguments, train_dataset=tokenized["train"], data_collator=collator), nullcontext()


def build_ours(way: str, recipe, classifier, tokenized, folder: Path):
    """Return our Trainer and the context with its speed-ups."""
    from hf_newscls.training.acceleration.apply import accelerated
    from hf_newscls.training.arguments import build_training_arguments
    from hf_newscls.training.backend import detect_backend
    from hf_newscls.training.fit import build_trainer

    without = WITHOUT[way]
    changes = {
        "eval_strategy": "no",
        "save_strategy": "no",
        "load_best_model_at_end": False,
        "disable_tqdm": True,
        "num_train_epochs": 1.0,
        **({"bf16": False} if "bf16" in without else {}),
    }
    training = {**recipe.training_arguments, **changes}
    recipe = recipe.model_copy(update={"freeze": None, "training_arguments": training})
    arguments = build_training_arguments(recipe, output_dir=folder, backend=detect_backend())
    trainer = build_trainer(classifier, tokenized, recipe=recipe, arguments=arguments)
    return trainer, accelerated(trainer, without=without)


def summarize(rounds) -> dict[str, dict]:
    """Return medians over the rounds of each way, and its speed relative to others: median, least and greatest."""
    summary = {}
    for way in rounds[0]:
        measured = [figures for figures in rounds if way in figures]
        entry = {"rounds": len(measured)}
        entry |= {name: statistics.median(one[way][name] for one in measured) for name in measured[0][way]}
        for base in ("stock", "grouped, same config", "ours"):
            if ratios := [compute_ratio(one, way, base) for one in measured if base in one]:
                entry[f"speed to {base}"] = summarize_ratios(ratios)
        summary[way] = entry
    return summary


def compute_ratio(figures, way: str, base: str) -> float:
    """Return the speed of a way relative to another one in the same round."""
    found = figures[way].get("speed to ours") if base == "ours" else None
    return found or figures[way]["samples_per_second"] / figures[base]["samples_per_second"]


if __name__ == "__main__":
    main()
