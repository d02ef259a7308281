"""What the benchmarks share: the model and rows of a recipe, FLOPs, and the file of results."""

import argparse
import json
import platform
import re
from pathlib import Path

RESULTS = Path(__file__).with_name("results.json")
# Dense bfloat16, from the makers' data sheets; a card that is not here has no share of a peak.
_PEAK_FLOPS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L4": 121e12}


def add_recipe_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipe", default="quickstart")
    parser.add_argument("--data", help="the news file, in place of the recipe's")
    parser.add_argument("--rows", type=int, help="training rows to take; all if unset")
    parser.add_argument("--results", type=Path, default=RESULTS, help="file that the figures are put into")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="changes to the recipe")


def load(options, *overrides: str, stock_config: bool = False):
    """Return recipe, classifier and tokenized rows, and the training rows that were asked for alone."""
    from hf_newscls import workflow
    from hf_newscls.modeling.loading import load_pretrained
    from hf_newscls.modeling.tokenization import tokenize_splits
    from hf_newscls.recipe.loading import read_recipe

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


def save(name: str, result: dict[str, object], path: Path = RESULTS) -> None:
    """Put a result into the file of results under its name."""
    results = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    path.write_text(json.dumps({**results, name: result}, indent=2) + "\n", encoding="utf-8")
    print(f"saved in {path.name} as {name!r}")


def count_flops(model, *, rows: int, length: int) -> float:
    """Count the FLOPs of a training step on a padded batch, all parameters learning.

    6 a token for each parameter outside the embeddings, pooler and head counted as if they ran on every token, and 12
    for each pair of tokens, hidden unit and layer: scores and weighted sums, forwards and twice that backwards.
    """
    config = model.config
    attention = 12 * config.num_hidden_layers * config.hidden_size * length
    return float(rows * length * (6 * model.num_parameters(exclude_embeddings=True) + attention))


def find_peak_flops() -> float | None:
    """Return the card's peak in bfloat16, None where it is not known."""
    import torch

    words = re.split("[ -]", torch.cuda.get_device_name()) if torch.cuda.is_available() else []
    return next((flops for card, flops in _PEAK_FLOPS.items() if card in words), None)


def wait_for_device() -> None:
    """Wait until a GPU has done what it was given; a CPU has."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
