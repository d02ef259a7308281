"""Accuracy against the number of training rows: how much accuracy more rows would bring.

    python benchmarks/learning_curve.py --recipe news_category_minilm --data News_Category_Dataset_v3.json
        [--ways "1000|2000|4000|8000"] [--seeds 1] [--at 12991 160682] [KEY=VALUE …]

A way is a number of training rows. They are the first of the shuffled training rows, so a smaller set is part of each
larger one; validation and test rows are the same. TF-IDF with logistic regression is trained on the same rows. Each
measurement runs in a process of its own; seeds change split and training.

The error is fitted by a power of the number of rows, as Hestness et al. (2017, arXiv:1712.00409) found it to fall. The
fit gives an estimate of the accuracy with --at rows. It has no term for errors that no number of rows removes, so far
from the measured rows it is probably too high.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from _common import add_recipe_options, describe, save
from _scores import add_quality_options, measure_ways, pool, read_rows, summarize, train_and_predict
from matplotlib.axes import Axes
from numpy.typing import NDArray

NAME = "learning_curve"
WAYS = ("1000", "2000", "4000", "8000")
PUBLISHED_ROWS = 160_682  # 80% of the rows of version 2 of the HuffPost set


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_recipe_options(parser)
    add_quality_options(parser, recipe="news_category_minilm", ways=WAYS)
    parser.add_argument("--at", type=int, nargs="+", default=[PUBLISHED_ROWS], help="rows to estimate the accuracy for")
    options = parser.parse_args()
    if options.way:
        print(json.dumps(measure(options)))
        return
    if "|" not in options.ways:
        sys.exit(f"--ways: a curve needs two numbers of rows or more, but there is only {options.ways}")
    measured = measure_ways(options)
    summary = summarize(measured, {}, base=None)
    for way, runs in measured.items():
        summary[way]["tfidf_accuracy"] = float(np.mean(pool(runs, "tfidf_is_right")))
    estimated = [{"rows": rows, "accuracy": estimate_accuracy(summary, rows)} for rows in options.at]
    print(f"accuracy, estimated: {estimated}")
    result = {**describe(options), "seeds": options.seeds, "ways": summary, "estimated": estimated}
    save(f"{NAME} {Path(options.recipe).stem}", result, options.results)


def measure(options) -> dict:
    from hf_newscls.evaluation.baselines.models import predict_tfidf

    recipe, splits = read_rows(options)  # shuffled
    if (found := len(splits["train"])) < int(options.way):
        sys.exit(f"--ways: {options.way} training rows, but there are {found}")
    splits["train"] = splits["train"].select(range(int(options.way)))
    train = splits["train"]["text"][:], splits["train"]["label"][:]
    figures = train_and_predict(recipe, splits)
    predicted = predict_tfidf(train, splits["test"]["text"][:], num_labels=len(figures["names"])).argmax(axis=1)
    return {**figures, "tfidf_is_right": (predicted == np.array(figures["references"])).tolist()}


def fit_errors(ways: Mapping[str, Mapping], rows: int | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the fraction of wrong answers with other numbers of training rows.

    It is on the line through the logarithms of rows and error, by least squares.

    Args:
        ways: scores by number of training rows, `accuracy` with the ends of its interval.
        rows: one number of training rows, or several.
    """
    errors = [1 - scores["accuracy"][0] for scores in ways.values()]
    slope, intercept = np.polyfit(np.log([*map(int, ways)]), np.log(errors), deg=1)
    return np.exp(intercept + slope * np.log(rows))


def estimate_accuracy(ways: Mapping[str, Mapping], rows: int) -> tuple[float, float, float]:
    """Return the accuracy on the line for a number of training rows, with the ends of its 95% interval.

    The interval is that of lines through measured accuracies that are drawn from their own intervals, independently.
    """
    rng = np.random.default_rng(17)
    point, low, high = np.array([scores["accuracy"] for scores in ways.values()]).T
    drawn = [
        dict(zip(ways, ({"accuracy": [one]} for one in draw), strict=True))
        for draw in rng.normal(point, (high - low) / (2 * 1.96), size=(2000, len(point)))
    ]
    ends = np.quantile([1 - fit_errors(draw, rows) for draw in drawn], [0.025, 0.975])
    return float(1 - fit_errors(ways, rows)), *map(float, ends)


def draw_curve(axes: Axes, entry: Mapping, *, label: str, color: str) -> None:
    """Draw the accuracy of a recipe by training rows, and the line that is fitted to it."""
    ways = entry["ways"]
    rows, (accuracy, low, high) = [*map(int, ways)], np.array([scores["accuracy"] for scores in ways.values()]).T
    axes.errorbar(rows, accuracy, [accuracy - low, high - accuracy], fmt="o", color=color, capsize=3, label=label)
    line = np.geomspace(min(rows), max(point["rows"] for point in entry["estimated"]), 50)
    axes.plot(line, 1 - fit_errors(ways, line), "--", color=color, linewidth=1)
    tfidf = [scores["tfidf_accuracy"] for scores in ways.values()]
    axes.plot(rows, tfidf, "x", color="#767676", label=f"TF-IDF with logistic regression, rows of {label}")


if __name__ == "__main__":
    main()
