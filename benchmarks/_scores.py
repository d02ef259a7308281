"""For the benchmarks of scores: train as `hf-newscls train` does, in a process of its own, and compare the scores."""

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _common import describe_machine, read_peak_megabytes

RESAMPLES = 2000
_CALL_OPTIONS = {"at", "recipe", "data", "overrides", "results", "finished", "ways", "way", "seeds", "seed"}
SCORES = ("accuracy", "f1_macro")


def add_quality_options(parser: argparse.ArgumentParser, *, recipe: str, ways) -> None:
    parser.set_defaults(recipe=recipe)
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds, each with its own split")
    parser.add_argument("--ways", default="|".join(ways), help="ways to measure, separated by |")
    parser.add_argument(
        "--finished",
        type=Path,
        help="folder of finished measurements, which are not repeated; use a new one when the code changes",
    )
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)


def measure_ways(options) -> dict[str, list[dict]]:
    """Return the figures of each way with each seed; the ways take turns, each in a process of its own."""
    about = describe_measurements(options) if options.finished else {}
    measured: dict[str, list[dict]] = {way: [] for way in options.ways.split("|")}
    for seed in range(17, 17 + options.seeds):
        for way, figures in measured.items():
            figures.append(read_or_measure(options.finished, {**about, "way": way, "seed": seed}))
            shown = {name: value for name, value in figures[-1].items() if not isinstance(value, list)}
            print(f"seed {seed}: {way:<24}", json.dumps(shown), flush=True)
    return measured


def describe_measurements(options) -> dict:
    """Return all that affects the measurements of a call, except way, seed and code."""
    from hf_newscls import workflow
    from hf_newscls.recipe.loading import read_recipe

    recipe = read_recipe(options.recipe, options.overrides, source=options.data)
    content = recipe.model_dump(mode="json", exclude={"evaluation", "hub"})
    content["data"]["source"] = workflow.prepare(recipe).manifest.fingerprint  # the rows, wherever the file is
    own = {name: value for name, value in vars(options).items() if name not in _CALL_OPTIONS}
    return {**own, "recipe": content, "script": Path(sys.argv[0]).name, **describe_machine()}


def read_or_measure(folder: Path | None, what: dict) -> dict:
    """Return the figures from the folder of finished measurements, or measure and save them there."""
    from hf_newscls.storage import write_json

    options = ("--way", what["way"], "--seed", str(what["seed"]))
    if folder is None:
        return run_apart(*options)
    name = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
    path = folder / f"{name}.json"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        write_json(path, {"what": what, "figures": run_apart(*options)})
    return json.loads(path.read_text(encoding="utf-8"))["figures"]


def run_apart(*arguments: str) -> dict:
    ended = subprocess.run([sys.executable, *sys.argv, *arguments], capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(f"{arguments}: ended with {ended.returncode}:\n{ended.stderr[-2000:]}")
    return json.loads(ended.stdout.splitlines()[-1])


def read_rows(options, *overrides: str):
    """Return the recipe and its splits, with no more rows each than the options say."""
    from hf_newscls import workflow
    from hf_newscls.recipe.loading import read_recipe

    seeds = [f"split.seed={options.seed}", f"training_arguments.seed={options.seed}"]
    recipe = read_recipe(options.recipe, [*options.overrides, *overrides, *seeds], source=options.data)
    splits = workflow.prepare(recipe).splits
    for split, rows in splits.items():
        splits[split] = rows.shuffle(seed=options.seed).select(range(min(options.rows or len(rows), len(rows))))
    return recipe, splits


def train_and_predict(recipe, splits) -> dict:
    """Train by the recipe, keep the best checkpoint, and predict the test split."""
    from hf_newscls.data.deduplication import GROUP
    from hf_newscls.inference.predicting import TrainedClassifier, predict_probabilities
    from hf_newscls.modeling.loading import count_positions, load_pretrained
    from hf_newscls.modeling.tokenization import tokenize_splits
    from hf_newscls.training.arguments import build_training_arguments
    from hf_newscls.training.backend import detect_backend
    from hf_newscls.training.fit import fit_classifier

    names = splits["train"].features["label"].names
    backend = detect_backend(use_cpu=recipe.use_cpu)
    classifier = load_pretrained(recipe.model, names, seed=recipe.seed)
    length = min(recipe.model.max_length, count_positions(classifier.model))
    tokenized = tokenize_splits(splits, classifier.tokenizer, max_length=length, truncation=recipe.model.truncation)
    with tempfile.TemporaryDirectory() as folder:
        record = fit_classifier(
            classifier,
            tokenized,
            recipe=recipe,
            arguments=build_training_arguments(recipe, output_dir=Path(folder), backend=backend),
            backend=backend,
        )
    peak = read_peak_megabytes()
    classifier.tokenizer.model_max_length = length
    trained, texts = TrainedClassifier(classifier.model.eval(), classifier.tokenizer), splits["test"]["text"][:]
    start = time.perf_counter()
    probabilities = predict_probabilities(trained, texts)
    seconds = time.perf_counter() - start
    return {
        "train_seconds": record.runtime_seconds,
        "train_samples_per_second": record.total_steps * record.batch_rows / record.runtime_seconds,
        "predict_samples_per_second": len(texts) / seconds,
        "peak_megabytes": peak,
        "predictions": probabilities.argmax(axis=1).tolist(),
        "references": splits["test"]["label"][:],
        "ids": splits["test"]["id"][:],
        "articles": splits["test"][GROUP][:],
        "train_counts": [splits["train"]["label"][:].count(label) for label in range(len(names))],
        "names": names,
    }


def summarize(measured: dict[str, list[dict]], drawn: dict, *, base: str | None) -> dict[str, dict]:
    """Return the scores of each way on the test rows of all seeds, and their difference to a base on the same rows.

    Intervals are 95% by bootstrap over those rows; they do not include the variance between training runs.

    Args:
        measured: the figures of each way with each seed.
        drawn: the result of `resample` without strata for each way, for the differences.
        base: the way that others are compared with, if it was measured; None compares with none.
    """
    from hf_newscls.evaluation.statistics.bootstrap import compute_intervals, to_interval

    summary: dict[str, dict] = {}
    for way, runs in measured.items():
        medians = {
            name: statistics.median(run[name] for run in runs)
            for name, value in runs[0].items()
            if isinstance(value, float)
        }
        scores = _compute(runs)
        summary[way] = medians | _join(scores, compute_intervals(resample(runs, is_stratified=True)))
        if way != base and base in measured:
            if pool(runs, "ids") != pool(measured[base], "ids"):
                sys.exit("--ways: the ways predicted different rows; use the same data and split")
            gains = {name: scores[name] - value for name, value in _compute(measured[base]).items()}
            differences = {name: to_interval(drawn[way].scores[name] - drawn[base].scores[name]) for name in SCORES}
            summary[way][f"less {base}"] = _join(gains, differences)
    return summary


def pool(runs: list[dict], name: str) -> list:
    """Return a column of the test rows of all seeds."""
    return [value for run in runs for value in run[name]]


def _compute(runs: list[dict]) -> dict[str, float]:
    from hf_newscls.evaluation.metrics import compute_scores

    return compute_scores(to_probabilities(runs), pool(runs, "references"), top_k=[])


def resample(runs: list[dict], *, is_stratified: bool):
    """Return scores of resampled test rows of all seeds; the rows of an article are drawn together."""
    import numpy as np

    from hf_newscls.evaluation.statistics.bootstrap import Bootstrap, resample_scores

    # Articles are numbered before the split, so they have the same numbers with every seed.
    groups = np.asarray(pool(runs, "articles"))
    bootstrap = Bootstrap(RESAMPLES, seed=17, groups=groups, is_stratified=is_stratified)
    return resample_scores(to_probabilities(runs), pool(runs, "references"), bootstrap)


def to_probabilities(runs: list[dict]):
    """Return a probability of 1 for the predicted label of each test row of all seeds."""
    import numpy as np

    return np.eye(len(runs[0]["names"]))[pool(runs, "predictions")]


def _join(scores, intervals) -> dict[str, list[float]]:
    return {name: [float(scores[name]), intervals[name].low, intervals[name].high] for name in SCORES}


def show(summary: dict[str, dict], *, base: str) -> None:
    print(f"{'way':<26}{'accuracy':>26}{'macro F1':>26}{'macro F1 less base':>27}{'samples/s':>10}{'peak MB':>9}")
    for way, entry in summary.items():
        cells = [_show_interval(entry[name]) for name in SCORES]
        cells.append(_show_interval(entry[f"less {base}"]["f1_macro"]) if f"less {base}" in entry else "")
        speed, peak = entry["train_samples_per_second"], entry["peak_megabytes"]
        print(f"{way:<26}{cells[0]:>26}{cells[1]:>26}{cells[2]:>27}{speed:>10.1f}{peak:>9.0f}")


def _show_interval(values) -> str:
    return f"{values[0]:.4f} ({values[1]:.4f} to {values[2]:.4f})"
