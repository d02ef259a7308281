"""Our training against the stock way, in one run: speed, peak memory, and scores on the test side.

    python benchmarks/training_speed.py [--recipe NAME] [--data FILE] [--rows N] [--epochs N] [--rounds N] [KEY=VALUE …]

Ways train the same encoder on the same rows for the same epochs, in batches of the same size, under the same seed:

- stock: as transformers' run_classification example sets the Trainer up: padded to max_length, random order, float32,
  dropout on attention weights as the encoder's config has it;
- stock, dynamic: the same, padded to the longest row of a batch;
- stock, grouped: the same, in batches of like length besides;
- ours: what `make train` does with the recipe, everything unfrozen;
- ours, two stages: the recipe's stage 1 for one of the epochs, on cached features; needs two epochs or more.

Each measurement is a process of its own, and the ways take turns within a round, so that what else the machine does
falls on all of them. The clock runs from the beginning of training to its end, without evaluations and checkpoints;
the features of stage 1 are computed within it. The first three steps are taken out, with the very rows and tokens they
held, for memory and kernels are set up in them. transformers' grouped order begins with long batches, so those rows
are long ones: its texts a second come out a little high, its tokens a second do not. Rounds differ in the seed. On a
GPU the share of the card's peak FLOP/s in bfloat16 is added, padding counted as work; stock computes in float32.
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
from typing import NamedTuple

from _common import add_recipe_options, count_flops, describe, find_peak_flops, load, save, wait_for_device

WAYS = ("stock", "stock, dynamic", "stock, grouped", "ours", "ours, two stages")
WARM_UP_STEPS = 3


def main() -> None:
    options = parse_options()
    if options.way:
        print(json.dumps(measure(options)))
        return
    ways = [way for way in WAYS if way in options.ways.split("|")]
    rounds = []
    for number in range(options.rounds):
        figures = {way: run_apart(way, seed=17 + number) for way in ways}
        rounds.append(figures)
        for way, measured in figures.items():
            print(f"round {number + 1}: {way:<17}", json.dumps(measured), flush=True)
    result = {**describe(options), "rows": options.rows, "epochs": options.epochs, "ways": summarize(rounds, ways)}
    show(result["ways"])
    save(f"training_speed {options.name or Path(options.recipe).stem}", {**result, "rounds": rounds}, options.results)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_recipe_options(parser)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--ways", default="|".join(WAYS[:4]), help="ways to measure, separated by |")
    parser.add_argument("--no-scores", action="store_true", help="leave the test side out")
    parser.add_argument("--name", help="of the entry in results.json; the recipe's if unset")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=17, help=argparse.SUPPRESS)
    return parser.parse_args()


def run_apart(way: str, *, seed: int) -> dict[str, float]:
    command = [sys.executable, __file__, *sys.argv[1:], "--way", way, "--seed", str(seed)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(f"{way}: must run, ended with {ended.returncode}:\n{ended.stderr[-2000:]}")
    return json.loads(ended.stdout.splitlines()[-1])


def summarize(rounds, ways):
    """Take medians over the rounds, and ratios within each round."""
    summary = {}
    for way in ways:
        entry = {name: statistics.median(figures[way][name] for figures in rounds) for name in rounds[0][way]}
        for base in ("stock", "stock, grouped"):
            if base in ways:
                name, memory = "samples_per_second", "peak_megabytes"
                ratios = [figures[way][name] / figures[base][name] for figures in rounds]
                entry[f"speed to {base}"] = [statistics.median(ratios), min(ratios), max(ratios)]
                ratios = [figures[way][memory] / figures[base][memory] for figures in rounds]
                entry[f"memory to {base}"] = [statistics.median(ratios), min(ratios), max(ratios)]
        summary[way] = entry
    return summary


def show(ways) -> None:
    print(f"{'way':<18}{'samples/s':>10}{'to stock':>22}{'peak memory':>13}{'accuracy':>10}{'macro F1':>10}")
    for way, entry in ways.items():
        middle, low, high = entry.get("speed to stock", [float("nan")] * 3)
        ratio = f"{middle:.2f} ({low:.2f} to {high:.2f})"
        speed, memory = entry["samples_per_second"], entry["peak_megabytes"]
        scores = "".join(f"{entry[name]:>10.4f}" for name in ("accuracy", "f1_macro") if name in entry)
        print(f"{way:<18}{speed:>10.1f}{ratio:>22}{memory:>10.0f} MB{scores}")


def measure(options: argparse.Namespace) -> dict[str, float]:
    is_stock = options.way.startswith("stock")
    with tempfile.TemporaryDirectory() as folder:
        # The seed of the recipe: new parameters, order and dropout follow from it.
        recipe, classifier, splits, tokenized = load(
            options, f"training_arguments.seed={options.seed}", stock_config=is_stock
        )
        build = build_stock if is_stock else build_ours
        trainer, context = build(options, recipe, classifier, tokenized, Path(folder))
        clock, counter = build_clock(), Counter(trainer.data_collator)
        # First, so that what other callbacks do when training begins is on the clock.
        trainer.callback_handler.callbacks.insert(0, clock)
        trainer.data_collator = counter
        with context:
            trainer.train()
    if trainer.state.global_step <= WARM_UP_STEPS:
        sys.exit(f"--rows: must make over {WARM_UP_STEPS} steps, got {trainer.state.global_step}; take more rows")
    batches = counter.batches[WARM_UP_STEPS * trainer.args.gradient_accumulation_steps :]
    peak = read_peak_megabytes()  # before the scores, which take memory of their own
    return {
        "samples_per_second": sum(batch.rows for batch in batches) / clock.seconds,
        "useful_tokens_per_second": sum(batch.useful_tokens for batch in batches) / clock.seconds,
        "useful_share": sum(batch.useful_tokens for batch in batches) / sum(one.rows * one.length for one in batches),
        "peak_megabytes": peak,
        **({} if options.no_scores else score(classifier, splits["test"])),
        **({} if "two stages" in options.way else measure_utilization(classifier.model, batches, clock.seconds)),
    }


class Batch(NamedTuple):
    rows: int
    length: int
    useful_tokens: int


class Counter:
    """A collator that notes what its batches hold."""

    def __init__(self, collate) -> None:
        self._collate = collate
        self.batches: list[Batch] = []

    def __call__(self, rows):
        batch = self._collate(rows)
        self.batches.append(Batch(*batch["attention_mask"].shape, int(batch["attention_mask"].sum())))
        return batch


def build_clock():
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        """Seconds of training less those of the warm-up."""

        def on_train_begin(self, args, state, control, **kwargs) -> None:
            self.seconds = -time.perf_counter()

        def on_step_begin(self, args, state, control, **kwargs) -> None:
            if state.global_step == 0:
                wait_for_device()
                self.seconds += time.perf_counter()

        def on_step_end(self, args, state, control, **kwargs) -> None:
            if state.global_step == WARM_UP_STEPS:
                wait_for_device()
                self.seconds -= time.perf_counter()

        def on_train_end(self, args, state, control, **kwargs) -> None:
            wait_for_device()
            self.seconds += time.perf_counter()

    return Clock()


def build_stock(options, recipe, classifier, tokenized, folder):
    from contextlib import nullcontext

    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    is_padded = options.way == "stock"
    length = recipe.model.max_length
    stock = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=recipe.training_arguments.get("per_device_train_batch_size", 16),
        learning_rate=recipe.training_arguments.get("learning_rate", 5e-5),
        num_train_epochs=options.epochs,
        seed=options.seed,
        save_strategy="no",
        disable_tqdm=True,
        train_sampling_strategy="group_by_length" if options.way == "stock, grouped" else "random",
    )
    padding = {"padding": "max_length", "max_length": length} if is_padded else {"padding": True}
    collator = DataCollatorWithPadding(classifier.tokenizer, **padding)
    return Trainer(classifier.model, stock, train_dataset=tokenized["train"], data_collator=collator), nullcontext()


def build_ours(options, recipe, classifier, tokenized, folder):
    from hf_newscls.training.acceleration.apply import accelerated
    from hf_newscls.training.arguments import build_training_arguments
    from hf_newscls.training.backend import detect_backend
    from hf_newscls.training.fit import build_trainer

    freeze = None
    if options.way == "ours, two stages":
        freeze = recipe.freeze.model_copy(update={"epochs": 1.0})
    quiet = {"eval_strategy": "no", "save_strategy": "no", "load_best_model_at_end": False, "disable_tqdm": True}
    epochs = {"num_train_epochs": float(options.epochs - (freeze is not None))}
    recipe = recipe.model_copy(
        update={"freeze": freeze, "training_arguments": {**recipe.training_arguments, **quiet, **epochs}}
    )
    arguments = build_training_arguments(recipe, output_dir=folder, backend=detect_backend())
    trainer = build_trainer(classifier, tokenized, arguments=arguments, freeze=freeze, finetune=recipe.finetune)
    return trainer, accelerated(classifier.model, arguments, trainer.optimizer)


def read_peak_megabytes() -> float:
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def score(classifier, test) -> dict[str, float]:
    import numpy as np

    from hf_newscls.evaluation.metrics import compute_scores
    from hf_newscls.inference.predicting import TrainedClassifier, predict_probabilities

    trained = TrainedClassifier(classifier.model.eval(), classifier.tokenizer)
    scores = compute_scores(predict_probabilities(trained, test["text"][:]), np.asarray(test["label"][:]), top_k=[])
    return {name: scores[name] for name in ("accuracy", "f1_macro")}


def measure_utilization(model, batches: list[Batch], seconds: float) -> dict[str, float]:
    """Return the share of the card's peak FLOP/s, where it is known."""
    peak = find_peak_flops()
    if peak is None:
        return {}
    flops = sum(count_flops(model, rows=batch.rows, length=batch.length) for batch in batches)
    return {"flops_utilization": flops / seconds / peak}


if __name__ == "__main__":
    main()
