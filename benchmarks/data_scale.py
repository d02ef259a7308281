"""Data preparation at the size of news archives: seconds, peak memory, and their growth.

    python benchmarks/data_scale.py [--recipe NAME] [--data FILE] [--sizes 20000 200000 2000000]

The recipe's file is grown to each size: a new row has the length and label of an old row, and words from random rows;
every fiftieth is a copy of an old row in upper case. Each size runs in a process of its own: `prepare` twice (from the
cache the second time), tokenization, and each step of the preparation again to time it. The growth exponent compares a
size with the one before: 1 is linear. Peak memory is that of `prepare`.
"""

import argparse
import itertools
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from _common import add_recipe_options, describe, read_resident_megabytes, save

STEPS = ("read", "clean", "duplicates", "split", "tokenize")
_COPIES = 50
_SEED = 17


def main() -> None:
    options = parse_options()
    if options.grown:
        print(json.dumps(measure(options)))
        return
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes:
            figures[size] = run_apart(options, grow(options, size, Path(folder)), Path(folder) / "cache")
            print(f"{size:,} rows:", json.dumps(figures[size]), flush=True)
    result = {**describe(options), "sizes": figures, "growth": compute_growth(figures)}
    show(result)
    save("data_scale", result, options.results)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_recipe_options(parser)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--grown", help=argparse.SUPPRESS)
    return parser.parse_args()


def grow(options: argparse.Namespace, size: int, folder: Path) -> Path:
    """Write a JSON-lines file of the columns that the recipe reads."""
    from hf_newscls.data.readers.rows import read_files
    from hf_newscls.data.sources.fetch import fetch_source
    from hf_newscls.recipe.loading import read_recipe

    recipe = read_recipe(options.recipe, options.overrides, source=options.data)
    paths = fetch_source(recipe.data.source).paths
    rows = read_files(paths, columns=recipe.columns, id_column=recipe.data.id).dataset[:]
    chance = random.Random(_SEED)
    path = folder / f"grown-{size}.json"
    with path.open("w", encoding="utf-8") as stream:
        for number in range(size):
            stream.write(json.dumps(_make_row(rows, recipe.columns, recipe.data.text, number, chance)) + "\n")
    return path


def _make_row(rows, columns, text_columns, number: int, chance: random.Random) -> dict[str, str | None]:
    count = len(rows["id"])
    index = number % count
    row = {name: rows[name][index] for name in columns}
    if number < count:
        return row
    if number % _COPIES == 0:
        return {name: (value or "").upper() if name in text_columns else value for name, value in row.items()}
    for name in text_columns:
        words = (rows[name][index] or "").split()
        row[name] = " ".join(_draw_word(rows[name], chance) for _ in words)
    return row


def _draw_word(texts, chance: random.Random) -> str:
    while not (words := (texts[chance.randrange(len(texts))] or "").split()):
        pass
    return chance.choice(words)


def run_apart(options: argparse.Namespace, path: Path, cache: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--recipe", options.recipe, *options.overrides, "--grown", str(path)]
    environment = {**os.environ, "HF_NEWSCLS_CACHE": str(cache)}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    path.unlink()
    if ended.returncode:
        sys.exit(f"{path.name}: ended with {ended.returncode}:\n{ended.stderr[-2000:]}")
    return json.loads(ended.stdout.splitlines()[-1])


def measure(options: argparse.Namespace) -> dict[str, float]:
    import numpy as np

    from hf_newscls.data.cleaning import clean_rows
    from hf_newscls.data.deduplication import resolve_duplicates
    from hf_newscls.data.preparation import prepare
    from hf_newscls.data.readers.rows import read_files
    from hf_newscls.data.splitting import assign_splits, select_splits
    from hf_newscls.modeling.loading import load_tokenizer
    from hf_newscls.modeling.tokenization import tokenize_splits
    from hf_newscls.recipe.loading import read_recipe

    recipe = read_recipe(options.recipe, options.overrides, source=options.grown)
    seconds: dict[str, float] = {}
    clock = _build_clock(seconds)
    with clock("first prepare"):
        prepared = prepare(recipe)
    peak = read_resident_megabytes()
    with clock("second prepare"):
        prepare(recipe)
    tokenizer = load_tokenizer(recipe.model)
    with clock("tokenize"):
        tokenize_splits(prepared.splits, tokenizer, max_length=recipe.model.max_length)
    source_name = options.grown
    with clock("read"):
        found = read_files(Path(source_name), columns=recipe.columns, id_column=recipe.data.id)
    with clock("clean"):
        cleaned = clean_rows(found, recipe.data, extra_columns=recipe.split_columns, source_name=source_name)
    with clock("duplicates"):
        deduplicated = resolve_duplicates(cleaned, recipe.data)
    with clock("split"):
        groups = np.asarray(deduplicated.bound_groups)
        select_splits(
            deduplicated.cleaned.dataset,
            assign_splits(deduplicated.cleaned.dataset, recipe.split, groups=groups, source_name=source_name),
        )
    return {
        "rows": len(found.dataset),
        "peak_megabytes": peak,
        **{f"{step} seconds": value for step, value in seconds.items()},
    }


def _build_clock(seconds: dict[str, float]) -> Callable[[str], object]:
    @contextmanager
    def clock(step: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        seconds[step] = time.perf_counter() - start

    return clock


def compute_growth(figures: dict[int, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return the exponent of each step's seconds from one size to the next."""
    sizes = [*figures]
    steps = [name for name in figures[sizes[0]] if name.endswith("seconds") and not name.startswith("second")]
    return {
        f"{small:,} to {large:,}": {
            step: math.log(figures[large][step] / figures[small][step]) / math.log(large / small) for step in steps
        }
        for small, large in itertools.pairwise(sizes)
    }


def show(result) -> None:
    for size, figures in result["sizes"].items():
        steps = ", ".join(f"{step} {figures[f'{step} seconds']:.1f} s" for step in STEPS)
        print(
            f"{size:,} rows: {steps}; prepare {figures['first prepare seconds']:.1f} s, again "
            f"{figures['second prepare seconds']:.1f} s; peak {figures['peak_megabytes']:,.0f} MB"
        )
    for sizes, exponents in result["growth"].items():
        print(f"{sizes}: exponents", ", ".join(f"{step} {value:.2f}" for step, value in exponents.items()))


if __name__ == "__main__":
    main()
