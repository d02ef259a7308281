"""Losses and sampling for rare classes against the plain loss: scores over all classes, and of the ten rarest.

    python benchmarks/rare_classes.py --data News_Category_Dataset_v3.json [--rows N] [--seeds 3] [KEY=VALUE …]

All ways train the recipe's encoder, with its stages, rates and epochs, on the same rows of the same splits; they differ
in the recipe's `loss` and `sampling` alone. Each measurement is a process of its own; seeds change split and training.
The ten rarest classes are those with the fewest training rows of all seeds; their F1 is that of the test rows of all
seeds together.
"""

import argparse
import json
import sys
from pathlib import Path

from _common import add_recipe_options, describe, save
from _scores import add_quality_options, measure_ways, pool, read_rows, show, summarize, train_and_predict

BASE = "plain"
WAYS = {
    BASE: "loss={}",
    "label smoothing": "loss={label_smoothing: 0.1}",
    "balanced": "loss={class_weights: balanced}",
    "effective number": "loss={class_weights: effective_number}",
    "focal": "loss={name: focal}",
    "focal, balanced": "loss={name: focal, class_weights: balanced}",
    "logit adjustment": "loss={name: logit_adjustment}",
    "logit adjustment, half": "loss={name: logit_adjustment, tau: 0.5}",
    "sampling, balanced": "sampling={labels: balanced}",
    "sampling, square root": "sampling={labels: square_root}",
}
RARE = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_recipe_options(parser)
    add_quality_options(parser, recipe="news_category_minilm_balanced", ways=WAYS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(measure(options)))
        return
    measured = measure_ways(options)
    summary = summarize(measured, base=BASE)
    for way, runs in measured.items():
        summary[way]["rarest"] = score_rarest(runs)
    show(summary, base=BASE)
    show_rarest(summary)
    described = {**describe(options), "rows": options.rows, "seeds": options.seeds}
    save(f"rare_classes {Path(options.recipe).stem}", {**described, "ways": summary}, options.results)


def measure(options) -> dict:
    if options.way not in WAYS:
        sys.exit(f"--ways: must be of {', '.join(WAYS)}, got {options.way!r}; see --help")
    # The recipe's own loss is taken back first: overrides add to it.
    plain = ["loss.name=cross_entropy", "loss.tau=null", "loss.class_weights=null"]
    recipe, splits = read_rows(options, *plain, WAYS[options.way])
    return train_and_predict(recipe, splits)


def score_rarest(runs: list[dict]) -> dict[str, dict[str, float]]:
    """Return training rows and F1 of the ten rarest classes, and their mean F1 under `mean`."""
    import numpy as np

    predicted, true = np.asarray(pool(runs, "predictions")), np.asarray(pool(runs, "references"))
    counts = np.sum([run["train_counts"] for run in runs], axis=0)
    scores = {}
    for label in counts.argsort(kind="stable")[:RARE].tolist():
        both = int(((predicted == label) & (true == label)).sum())
        either = int((predicted == label).sum() + (true == label).sum())
        f1 = 2 * both / either if either else 0.0
        scores[runs[0]["names"][label]] = {"train_rows": counts[label] / len(runs), "f1": f1}
    return {**scores, "mean": {"f1": float(np.mean([entry["f1"] for entry in scores.values()]))}}


def show_rarest(summary: dict[str, dict]) -> None:
    names = [*next(iter(summary.values()))["rarest"]]
    print(f"{'F1 of':<26}" + "".join(f"{name[:14]:>16}" for name in names))
    for way, entry in summary.items():
        print(f"{way:<26}" + "".join(f"{entry['rarest'][name]['f1']:>16.3f}" for name in names))


if __name__ == "__main__":
    main()
