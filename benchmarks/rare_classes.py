"""Losses and sampling for rare classes against the plain loss: scores over all classes, and of the ten rarest.

    python benchmarks/rare_classes.py --data News_Category_Dataset_v3.json [--rows N] [--seeds 3] [KEY=VALUE …]

All ways train the recipe's encoder, with its stages, rates and epochs, on the same rows of the same splits; they differ
only in the recipe's `loss` and `sampling`. Each measurement runs in a process of its own; seeds change split and
training. The ten rarest classes have the fewest training rows over all seeds; their F1 is that of the test rows of all
seeds. Their mean has no interval, because strata have too few rows; its difference to the plain way has one, from draws
without strata.
"""

import argparse
import json
import sys
from pathlib import Path

from _common import add_recipe_options, describe, save
from _scores import (
    add_quality_options,
    measure_ways,
    pool,
    read_rows,
    resample,
    show,
    summarize,
    to_probabilities,
    train_and_predict,
)

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
# Resets the recipe's own loss and sampling, because overrides add to them.
PLAIN = (
    "loss={name: cross_entropy, class_weights: null, label_smoothing: 0, gamma: null, tau: null, beta: null}",
    "sampling=null",
)
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
    drawn = {way: resample(runs, is_stratified=False) for way, runs in measured.items()}
    summary = summarize(measured, drawn, base=BASE)
    for way, scores in score_rarest(measured, drawn).items():
        summary[way]["rarest"] = scores
    show(summary, base=BASE)
    show_rarest(summary)
    described = {**describe(options), "rows": options.rows, "seeds": options.seeds}
    save(f"rare_classes {Path(options.recipe).stem}", {**described, "ways": summary}, options.results)


def measure(options) -> dict:
    if options.way not in WAYS:
        sys.exit(f"--ways: {options.way!r} is none of {', '.join(WAYS)}")
    recipe, splits = read_rows(options, *PLAIN, WAYS[options.way])
    return train_and_predict(recipe, splits)


def score_rarest(measured: dict[str, list[dict]], drawn: dict) -> dict[str, dict[str, dict]]:
    """Return for each way the training rows per seed and the F1 of the rarest labels, and in `mean` their mean F1.

    The mean has its difference to the base, with a 95% interval over the draws.
    """
    import numpy as np

    from hf_newscls.evaluation.statistics.bootstrap import to_interval

    runs = next(iter(measured.values()))
    counts, names = np.mean([run["train_counts"] for run in runs], axis=0), runs[0]["names"]
    rarest = counts.argsort(kind="stable")[:RARE].tolist()
    f1 = {way: compute_label_f1(runs)[rarest] for way, runs in measured.items()}
    means = {
        way: resamples.label_f1[:, rarest].sum(axis=1) / np.maximum(resamples.is_counted[:, rarest].sum(axis=1), 1)
        for way, resamples in drawn.items()
    }
    scores: dict[str, dict[str, dict]] = {}
    for way, values in f1.items():
        scores[way] = {
            names[label]: {"train_rows": float(counts[label]), "f1": float(value)}
            for label, value in zip(rarest, values, strict=True)
        }
        scores[way]["mean"] = {"f1": float(values.mean())}
        if way != BASE and BASE in measured:
            gain, interval = values.mean() - f1[BASE].mean(), to_interval(means[way] - means[BASE])
            scores[way]["mean"][f"less {BASE}"] = [float(gain), interval.low, interval.high]
    return scores


def compute_label_f1(runs: list[dict]):
    """Return the F1 of each label over the test rows of all seeds."""
    from hf_newscls.evaluation.metrics import compute_confusion, compute_f1

    confusion = compute_confusion(to_probabilities(runs), pool(runs, "references"))
    return compute_f1(confusion[None].astype(float))[0]


def show_rarest(summary: dict[str, dict]) -> None:
    names = [*next(iter(summary.values()))["rarest"]]
    print(f"{'F1 of':<26}" + "".join(f"{name[:14]:>16}" for name in names))
    for way, entry in summary.items():
        print(f"{way:<26}" + "".join(f"{entry['rarest'][name]['f1']:>16.3f}" for name in names))


if __name__ == "__main__":
    main()
