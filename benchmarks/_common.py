"""What the benchmarks share: the model and rows of a recipe, and the file of results."""

import argparse
import json
import platform
from pathlib import Path

RESULTS = Path(__file__).with_name("results.json")


def add_recipe_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipe", default="quickstart")
    parser.add_argument("--data", help="the news file, in place of the recipe's")
    parser.add_argument("--rows", type=int, help="training rows to take; all if unset")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="changes to the recipe")


def load(options, *overrides: str, stock_config: bool = False):
    """Return recipe, classifier and tokenized rows, and the training rows that were asked for alone."""
    from hf_newscls import workflow
    from hf_newscls.data.tokenization import tokenize_splits
    from hf_newscls.modeling.loading import load_pretrained
    from hf_newscls.recipe_io import read_recipe

    recipe = read_recipe(options.recipe, [*options.overrides, *overrides], source=options.data)
    model = recipe.model.model_copy(update={"config": {}}) if stock_config else recipe.model
    splits = workflow.prepare(recipe).splits
    splits["train"] = (
        splits["train"].shuffle(seed=recipe.split.seed).select(range(options.rows or len(splits["train"])))
    )
    classifier = load_pretrained(model, splits["train"].features["label"].names, seed=recipe.seed)
    return recipe, classifier, splits, tokenize_splits(splits, classifier.tokenizer, max_length=model.max_length)


def describe(options) -> dict[str, object]:
    """Describe what was measured and where, without a path."""
    import torch
    import transformers

    from hf_newscls.training.backend import detect_backend

    return {
        "recipe": options.recipe,
        "data": Path(options.data).name if options.data else "the recipe's",
        "overrides": options.overrides,
        "device": detect_backend().name,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


def save(name: str, result: dict[str, object]) -> None:
    """Put a result into results.json under its name."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    RESULTS.write_text(json.dumps({**results, name: result}, indent=2) + "\n", encoding="utf-8")
    print(f"saved in {RESULTS.name} as {name!r}")
