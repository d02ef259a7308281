"""For all benchmarks: the options, the model and rows of a recipe, and the results file."""

import argparse
import json
import platform
import resource
import statistics
from collections.abc import Sequence
from pathlib import Path

RESULTS = Path(__file__).with_name("results.json")


def add_recipe_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipe", default="quickstart")
    parser.add_argument("--data", help="the news file, instead of the recipe's")
    parser.add_argument("--rows", type=int, help="number of training rows; default: all")
    parser.add_argument("--results", type=Path, default=RESULTS, help="results file")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="changes to the recipe")


def load(options, *overrides: str):
    """Return recipe, classifier and tokenized rows, with as many training rows as the options say."""
    from hf_newscls import workflow
    from hf_newscls.modeling.loading import load_pretrained
    from hf_newscls.modeling.tokenization import tokenize_splits
    from hf_newscls.recipe.loading import read_recipe

    recipe = read_recipe(options.recipe, [*options.overrides, *overrides], source=options.data)
    splits = workflow.prepare(recipe).splits
    splits["train"] = (
        splits["train"].shuffle(seed=recipe.split.seed).select(range(options.rows or len(splits["train"])))
    )
    classifier = load_pretrained(recipe.model, splits["train"].features["label"].names, seed=recipe.seed)
    return recipe, classifier, tokenize_splits(splits, classifier.tokenizer, max_length=recipe.model.max_length)


def describe(options) -> dict[str, object]:
    """Return what was measured, and on what machine, without a path."""
    return {
        "recipe": Path(options.recipe).name,
        "data": Path(options.data).name if options.data else "the recipe's",
        "overrides": options.overrides,
        **describe_machine(),
    }


def describe_machine() -> dict[str, str]:
    import torch
    import transformers

    from hf_newscls.training.backend import detect_backend

    return {
        "device": detect_backend().name,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


def read_results(path: Path = RESULTS) -> dict[str, dict]:
    """Return all results by name; none if the file does not exist."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def save(name: str, result: dict[str, object], path: Path = RESULTS) -> None:
    """Write a result into the results file, under its name."""
    from hf_newscls.storage import write_text

    write_text(path, json.dumps({**read_results(path), name: result}, indent=2) + "\n")
    print(f"saved in {path.name} as {name!r}")


def read_peak_megabytes() -> float:
    """Return the most memory that this process has held: of the GPU, or without one of the CPU."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e6
    return read_resident_megabytes()


def read_resident_megabytes() -> float:
    """Return the most memory of the CPU that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def summarize_ratios(ratios: Sequence[float]) -> list[float]:
    """Return the median, the least and the greatest."""
    return [statistics.median(ratios), min(ratios), max(ratios)]


def wait_for_device() -> None:
    """Wait until a GPU has finished its work."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
