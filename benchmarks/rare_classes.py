"""Losses and sampling for rare classes against the plain loss: scores over all classes, and of the ten rarest.

    python benchmarks/rare_classes.py --data News_Category_Dataset_v3.json [--rows N] [--seeds 3] [KEY=VALUE …]

All ways train the recipe's encoder, with its stages, rates and epochs, on the same rows of the same splits; they differ
in the recipe's `loss` and `sampling` alone. Each measurement is a process of its own; seeds change split and training.
The ten rarest classes are those with the fewest training rows of all seeds; their F1 is that of the test rows of all
seeds together, with the interval of their mean, and of its difference to the plain way on the very same draws.
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
    rarest = choose_rarest(measured[BASE] if BASE in measured else next(iter(measured.values())))
    for way, runs in measured.items():
        summary[way]["rarest"] = score_rarest(runs, rarest, base=measured.get(BASE))
    show(summary, base=BASE)
    show_rarest(summary)
    described = {**describe(options), "rows": options.rows, "seeds": options.seeds}
    save(f"rare_classes {Path(options.recipe).stem}", {**described, "ways": summary}, options.results)


def measure(options) -> dict:
    if options.way not in WAYS:
        sys.exit(f"--ways: must be of {', '.join(WAYS)}, got {options.way!r}; see --help")
    # The recipe's own loss and sampling are taken back first: overrides add to them.
    plain = ["loss.name=cross_entropy", "loss.tau=null", "loss.class_weights=null", "sampling=null"]
    recipe, splits = read_rows(options, *plain, WAYS[options.way])
    return train_and_predict(recipe, splits)


def choose_rarest(runs: list[dict]) -> list[int]:
    """Return the ids of the ten labels with the fewest training rows of all seeds."""
    import numpy as np

    return np.sum([run["train_counts"] for run in runs], axis=0).argsort(kind="stable")[:RARE].tolist()


def score_rarest(runs: list[dict], rarest: list[int], *, base: list[dict] | None) -> dict[str, dict]:
    """Return training rows a seed and F1 of each of the labels, and their mean F1 with its interval under `mean`."""
    import numpy as np

    from hf_newscls.evaluation.intervals import to_interval

    f1, counts = compute_label_f1(runs), np.mean([run["train_counts"] for run in runs], axis=0)
    drawn = resample(runs).label_f1[:, rarest].mean(axis=1)
    names = runs[0]["names"]
    scores = {names[one]: {"train_rows": float(counts[one]), "f1": float(f1[one])} for one in rarest}
    mean, interval = float(f1[rarest].mean()), to_interval(drawn)
    scores["mean"] = {"f1": [mean, interval.low, interval.high]}
    if base is not None and base is not runs:
        gain = mean - float(compute_label_f1(base)[rarest].mean())
        interval = to_interval(drawn - resample(base).label_f1[:, rarest].mean(axis=1))
        scores["mean"][f"less {BASE}"] = [gain, interval.low, interval.high]
    return scores


def compute_label_f1(runs: list[dict]):
    """Return the F1 of each label over the test rows of all seeds."""
    from hf_newscls.evaluation.confusions import compute_f1
    from hf_newscls.evaluation.metrics import compute_confusion

    confusion = compute_confusion(to_probabilities(runs), pool(runs, "references"))
    return compute_f1(confusion[None].astype(float))[0]


def show_rarest(summary: dict[str, dict]) -> None:
    names = [*next(iter(summary.values()))["rarest"]]
    print(f"{'F1 of':<26}" + "".join(f"{name[:14]:>16}" for name in names))
    for way, entry in summary.items():
        values = (entry["rarest"][name]["f1"] for name in names)
        print(f"{way:<26}" + "".join(f"{value[0] if isinstance(value, list) else value:>16.3f}" for value in values))


if __name__ == "__main__":
    main()
