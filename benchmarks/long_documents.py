"""Windows against the first tokens of an article: scores, speed and memory; then the cost by number of windows.

    python benchmarks/long_documents.py --data bbc.csv [--texts whole] [--rows N] [--seeds 3] [KEY=VALUE …]

All ways train the recipe's encoder, with its stages, rates and epochs, on the same rows of the same splits:

- first 128, first 256: only the article's first tokens;
- head and tail 256: 64 tokens from its beginning and 192 from its end (Sun et al. 2019);
- windows, mean / max / attention / gru: the recipe's windows with each pooling.

Texts are

- whole: title and article;
- shuffled: without title, the paragraphs in random order, so the topic is no longer in the first sentences;
- buried: shuffled, after paragraphs of other articles that fill more than the first 256 tokens, so the first window has
  no information on the label. The other articles are from the same split and have any label.

Training and test rows are changed in the same way. Each measurement runs in a process of its own; seeds change split
and training. The scaling is a training step on one article that fills 1 to 64 windows, all at once or eight at a time.
"""

import argparse
import json
import random
import sys
import time
from pathlib import Path

from _common import add_recipe_options, describe, save, wait_for_device
from _scores import (
    add_quality_options,
    measure_ways,
    read_peak_megabytes,
    read_rows,
    resample,
    run_apart,
    show,
    summarize,
    train_and_predict,
)

POOLINGS = ("mean", "max", "attention", "gru")
FIRST = {"first 128": 128, "first 256": 256, "head and tail 256": 256}
WAYS = (*FIRST, *(f"windows, {pooling}" for pooling in POOLINGS))
BASE = "first 256"
TEXTS = ("whole", "shuffled", "buried")
WINDOWS = (1, 4, 16, 64)
WORDS_BEFORE = 230  # more than 256 tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_recipe_options(parser)
    add_quality_options(parser, recipe="bbc_minilm_long", ways=WAYS)
    parser.add_argument("--texts", choices=TEXTS, default="whole")
    parser.add_argument("--windows", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.windows:
        print(json.dumps(measure_step(options)))
        return
    if options.way:
        print(json.dumps(measure(options)))
        return
    measured = measure_ways(options)
    drawn = {way: resample(runs, is_stratified=False) for way, runs in measured.items()}
    summary = summarize(measured, drawn, base=BASE)
    show(summary, base=BASE)
    scaling = measure_scaling() if options.texts == "whole" else {}
    described = {**describe(options), "texts": options.texts, "rows": options.rows, "seeds": options.seeds}
    name = f"long_documents {Path(options.recipe).stem}, {options.texts}"
    save(name, {**described, "ways": summary, "scaling": scaling}, options.results)


def measure(options) -> dict:
    recipe, splits = read_rows(options, *build_overrides(options.way))
    if options.texts != "whole":
        for split, rows in splits.items():
            splits[split] = hide_topic(rows, seed=options.seed, is_buried=options.texts == "buried")
    return train_and_predict(recipe, splits)


def build_overrides(way: str) -> list[str]:
    if way in FIRST:
        truncation = "head_tail" if way.startswith("head and tail") else "head"
        return ["model.windows=null", f"model.max_length={FIRST[way]}", f"model.truncation={truncation}"]
    pooling = way.removeprefix("windows, ")
    if pooling not in POOLINGS:
        sys.exit(f"--ways: {way!r} is none of {', '.join(WAYS)}")
    return [f"model.windows.pooling={pooling}"]


def hide_topic(rows, *, seed: int, is_buried: bool):
    """Return the rows without title, with shuffled paragraphs, and after paragraphs of others if they are buried."""
    generator = random.Random(seed)
    articles = [text.partition(". ")[2] or text for text in rows["text"]]
    pool = [part for article in articles for part in article.split("\n\n") if part.strip()]
    texts = []
    for article in articles:
        parts = [part for part in article.split("\n\n") if part.strip()]
        generator.shuffle(parts)
        before: list[str] = []
        while is_buried and sum(len(part.split()) for part in before) < WORDS_BEFORE:
            before.append(generator.choice(pool))
        texts.append("\n\n".join([*before, *parts]))
    return rows.remove_columns("text").add_column("text", texts)


def measure_scaling() -> dict[str, dict[str, dict]]:
    figures: dict[str, dict[str, dict]] = {}
    for way in ("all at once", "eight at a time"):
        figures[way] = {str(count): run_apart("--way", way, "--windows", str(count)) for count in WINDOWS}
        print(f"{way:<16}", json.dumps(figures[way]), flush=True)
    return figures


def measure_step(options) -> dict[str, float]:
    """Measure a training step on one article that fills its windows; the first of two steps is the warm-up."""
    import torch

    from hf_newscls.modeling.loading import load_pretrained
    from hf_newscls.recipe.loading import read_recipe
    from hf_newscls.training.backend import detect_backend

    limit = "null" if options.way == "all at once" else "8"
    windows = f"{{count: {options.windows}, length: 256, window_batch_size: {limit}}}"
    recipe = read_recipe(options.recipe, [*options.overrides, f"model.windows={windows}"], source=options.data)
    device = detect_backend().device
    model = load_pretrained(recipe.model, ["A", "B"], seed=17).model.to(device).train()
    layout = model.layout
    article = torch.randint(1000, 20_000, (1, layout.max_tokens), device=device)
    article[0, 0], article[0, -1] = layout.prefix[0], layout.suffix[0]
    for _ in range(2):
        wait_for_device()
        start = time.perf_counter()
        model(article, labels=torch.zeros(1, dtype=torch.long, device=device)).loss.backward()
        wait_for_device()
    return {"seconds": time.perf_counter() - start, "peak_megabytes": read_peak_megabytes()}


if __name__ == "__main__":
    main()
