"""Add finished runs to results.json, and write docs/results.md and its figures: scores, cost, and scores on other data.

    hf-newscls evaluate fake_news_minilm --on liar_minilm_binary    # before, for each run and each other set
    python benchmarks/results.py runs/*/latest

A run replaces the one with the same recipe, changes, split and seed. Without runs, the page is written again.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import learning_curve
import numpy as np
from _common import RESULTS, read_results, save
from jinja2 import Environment, StrictUndefined
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from pydantic import TypeAdapter

from hf_newscls.evaluation.baselines.comparison import FROZEN, find_strongest, predict_baselines
from hf_newscls.evaluation.baselines.models import predict_features
from hf_newscls.evaluation.other_data import OtherDataReport
from hf_newscls.evaluation.report import EvaluationReport
from hf_newscls.recipe.loading import read_recipe
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.other_data import read_other_data
from hf_newscls.runs.folder import RunFolder, find_run
from hf_newscls.runs.recipe_diff import NOT_OF_THE_TRAINING, find_changes
from hf_newscls.training.record import TrainingRecord
from hf_newscls.workflow import prepare
from hf_newscls.workflow.evaluation.step import encode_splits

NAME = "models"
TEMPLATE = Path(__file__).with_name("results.md.jinja")
PAGE = Path(__file__).parents[1] / "docs/results.md"
FIGURE, CURVE = "images/results.png", "images/learning_curve.png"
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREY = "#767676"
SCORES = ("accuracy", "f1_macro", "top_3_accuracy")
# Where a copy of the encoder comes from does not matter.
COPY = ("model.model_name_or_path", "model.revision", "model.base_model", "model.sha256")

Score = tuple[float, float, float]
"""A score with the ends of its 95% interval."""


@dataclass(frozen=True)
class Baseline:
    """A simpler classifier on the same rows."""

    name: str
    accuracy: float
    gain: tuple[float, float]  # 95% interval of the model's accuracy minus this one, paired
    minutes: float  # to train it and to predict the test rows, on the machine that added the run


@dataclass(frozen=True)
class OtherData:
    """Scores of a trained model on data that it was not trained on."""

    name: str  # with the number of labels
    rows: int
    seen_rows: int | None  # rows left out, because the model was trained on them; None if that is not known
    scores: Mapping[str, Score]
    majority: float  # accuracy of always predicting the most frequent label
    log_loss: float
    calibration_error: float


@dataclass(frozen=True)
class Model:
    """A trained model: what was trained on what, its scores on its own test set, and what it took."""

    recipe: str
    changes: str  # keys with other values than in the recipe of that name, when the run was added; may be empty
    data: str
    split: str  # fingerprint of the rows and their split
    labels: int
    seed: int
    train_rows: int
    test_rows: int
    scores: Mapping[str, Score]
    majority: float
    log_loss: float
    calibration_error: float
    baselines: Sequence[Baseline]  # the TF-IDF classifier that is strongest on validation, and the frozen encoder
    minutes: float
    device: str
    precision: str
    other_data: Sequence[OtherData]

    @property
    def title(self) -> str:
        """Recipe and changes."""
        return f"{self.recipe}, {self.changes}" if self.changes else self.recipe

    @property
    def key(self) -> str:
        """The model's name in results.json."""
        return f"{self.title}, split {self.split[:12]}, seed {self.seed}"

    @property
    def tfidf(self) -> Baseline | None:
        """The TF-IDF classifier; None in an evaluation without baselines."""
        return next((one for one in self.baselines if one.name != FROZEN), None)

    @property
    def frozen(self) -> Baseline | None:
        """Logistic regression on the output of the encoder before training."""
        return next((one for one in self.baselines if one.name == FROZEN), None)

    @property
    def data_title(self) -> str:
        """Data and number of labels."""
        return f"{self.data}, {self.labels} labels"

    @property
    def hardware(self) -> str:
        """Device and precision."""
        return f"{self.device}, {self.precision}"


@dataclass(frozen=True)
class DataSet:
    """All models of one split."""

    models: Sequence[Model]

    @property
    def first(self) -> Model:
        """One of them, for what all have in common."""
        return self.models[0]

    @property
    def hardware(self) -> list[str]:
        """Devices that the models were trained on."""
        return list(dict.fromkeys(model.hardware for model in self.models))

    @property
    def recipes(self) -> dict[str, list[Model]]:
        """The models of each recipe, which differ only in their seed."""
        return _group(self.models, by="title")


_MODELS = TypeAdapter(dict[str, Model])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path, help="folders of finished runs")
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--results", type=Path, default=RESULTS, help="results file")
    options = parser.parse_args()
    if options.runs:
        add_runs(options.runs, options.results)
    write_page(options.results, options.page)
    print(f"wrote {options.page}")


def add_runs(folders: Sequence[Path], results: Path) -> None:
    """Add the models of these run folders to the results file."""
    models = read_models(results)
    for folder in folders:
        model = read_model(find_run(folder, runs_dir=folder.parent), earlier=[*models.values()])
        models[model.key] = model
    ordered = sorted(models.values(), key=lambda model: (model.data_title, model.split, model.title, model.seed))
    save(NAME, _MODELS.dump_python({model.key: model for model in ordered}, mode="json"), results)


def read_models(results: Path) -> dict[str, Model]:
    """Return the models of the results file by their keys, in the file's order."""
    return _MODELS.validate_python(read_results(results).get(NAME, {}))


def read_model(run: RunFolder, *, earlier: Sequence[Model]) -> Model:
    """Return what the page says about a finished run.

    Its baselines have the times of an `earlier` model of another seed; without one, they are timed.
    """
    recipe, split = run.read_recipe(), run.read_fingerprint()
    changes = describe_changes(recipe)
    report = run.read_as(run.metrics, EvaluationReport.from_dict)
    training = run.read_as(run.training, TrainingRecord.from_dict)
    support = [scores["support"] for scores in report.test.per_class.values()]
    shown = {find_strongest(report.comparisons), FROZEN} & report.comparisons.keys()
    minutes = {
        baseline.name: baseline.minutes
        for one in earlier
        if (one.recipe, one.changes, one.split) == (recipe.name, changes, split) and one.seed != recipe.seed
        for baseline in one.baselines
    }
    if not shown <= minutes.keys():
        minutes = time_baselines(recipe, split)
    return Model(
        recipe=recipe.name,
        changes=changes,
        data=recipe.data.dataset_name or recipe.name,
        split=split,
        labels=len(report.label_names),
        seed=recipe.seed,
        train_rows=training.train_rows,
        test_rows=report.test.rows,
        scores=join_intervals(report.test.scores, report.intervals),
        majority=max(support) / sum(support),
        log_loss=report.test.scores["log_loss"],
        calibration_error=report.test.scores["calibration_error"],
        baselines=[
            Baseline(name, one.scores["accuracy"], one.gains["accuracy"], minutes[name])
            for name, one in report.comparisons.items()
            if name in shown
        ],
        minutes=training.runtime_seconds / 60,
        device=training.device,
        precision=training.precision,
        other_data=[summarize_other(one) for one in read_other_data(run.other_data)],
    )


def describe_changes(recipe: Recipe) -> str:
    """Return what differs from the recipe of the same name: keys of the training without the seed, and the text."""
    shipped = read_recipe(recipe.name)
    not_compared = {*NOT_OF_THE_TRAINING, *COPY, "split", "training_arguments.seed"}
    changes = {change.key: change.now for change in find_changes(shipped, recipe, exclude=not_compared)}
    # The columns of a copy of the data may have other names, but not another number.
    if len(recipe.data.text) != len(shipped.data.text):
        changes["data.text"] = f"[{', '.join(recipe.data.text)}]"
    if name_encoder(recipe) != name_encoder(shipped):
        changes["encoder"] = name_encoder(recipe)
    return ", ".join(f"{key.removeprefix('training_arguments.')}={value}" for key, value in changes.items())


def name_encoder(recipe: Recipe) -> str:
    """Return the name of the encoder on the Hub, also if a copy of it is used."""
    return recipe.model.base_model or recipe.model.model_name_or_path


def join_intervals(scores: Mapping[str, float], intervals: Mapping[str, tuple[float, float]]) -> dict[str, Score]:
    """Return the scores that the page shows, with their intervals."""
    return {name: (scores[name], *intervals[name]) for name in SCORES if name in scores}


def time_baselines(recipe: Recipe, split: str) -> dict[str, float]:
    """Train the baselines of a recipe again, and return the minutes that they take, with predicting the test rows.

    The strongest TF-IDF classifier is known only after training all three, so it has the time of all.
    """
    prepared = prepare(recipe)
    if prepared.manifest.fingerprint != split:
        sys.exit(f"{recipe.name}: the data have changed since the training; restore them")
    splits = prepared.splits
    start = time.perf_counter()
    names = predict_baselines(splits, None)
    minutes = dict.fromkeys(names, (time.perf_counter() - start) / 60)
    start = time.perf_counter()
    if (features := encode_splits(recipe, splits)) is not None:
        labels = np.asarray(splits["train"]["label"][:])[features.train_rows]
        predict_features(features.train, labels, features.test, num_labels=len(splits["train"].features["label"].names))
        minutes[FROZEN] = (time.perf_counter() - start) / 60
    return minutes


def summarize_other(report: OtherDataReport) -> OtherData:
    """Return what the page says about scores on other data."""
    never = f"; never predicts {', '.join(report.never_predicted)}" if report.never_predicted else ""
    return OtherData(
        name=f"{report.name} ({len(report.label_names)} labels{never})",
        rows=report.rows,
        seen_rows=report.seen_rows,
        scores=join_intervals(report.scores, report.intervals),
        majority=report.majority_accuracy,
        log_loss=report.scores["log_loss"],
        calibration_error=report.scores["calibration_error"],
    )


def write_page(results: Path, page: Path) -> None:
    """Write the page of the results file, and its figures next to it."""
    (page.parent / FIGURE).parent.mkdir(parents=True, exist_ok=True)
    figures = {}
    if models := read_models(results):
        figures[FIGURE] = draw([*models.values()])
    if curves := read_curves(results):
        figures[CURVE] = draw_curves(curves)
    for name, figure in figures.items():
        figure.savefig(page.parent / name, metadata={"Software": None})
    page.write_text(render_page(results), encoding="utf-8")


def render_page(results: Path) -> str:
    """Return the page of the results file."""
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    models = [*read_models(results).values()]
    page = template.render(
        models=models,
        data_sets=group_by_split(models),
        average=average,
        figure=FIGURE,
        curves=read_curves(results),
        curve_figure=CURVE,
    )
    return page.lstrip()


def group_by_split(models: Sequence[Model]) -> list[DataSet]:
    """Return the models of each split."""
    return [DataSet(group) for group in _group(models, by="split").values()]


def _group(models: Sequence[Model], *, by: str) -> dict[str, list[Model]]:
    groups: dict[str, list[Model]] = {}
    for model in models:
        groups.setdefault(getattr(model, by), []).append(model)
    return groups


def average(models: Sequence[Model], score: str) -> float:
    """Return the mean of a score over models."""
    return statistics.mean(model.scores[score][0] for model in models)


def read_curves(results: Path) -> dict[str, dict]:
    """Return the learning curves of the results file, by recipe."""
    prefix = f"{learning_curve.NAME} "
    return {
        name.removeprefix(prefix): entry for name, entry in read_results(results).items() if name.startswith(prefix)
    }


def draw_curves(curves: Mapping[str, Mapping]) -> Figure:
    """Draw accuracy against training rows, all recipes in one panel."""
    figure = Figure(figsize=(6.4, 4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for (name, entry), color in zip(curves.items(), cycle(COLORS), strict=False):
        learning_curve.draw_curve(axes, entry, label=name, color=color)
    axes.set_xscale("log")
    axes.xaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), major_formatter="{x:,.0f}", minor_locator=NullLocator())
    axes.legend(fontsize=8, frameon=False)
    _style(axes, xlabel="training rows")
    return figure


def draw(models: Sequence[Model]) -> Figure:
    """Draw accuracy against training minutes, a panel for each data set."""
    panels = group_by_split(models)
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(4.6 * columns, 3.5 * rows), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    all_axes = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    for axes, data in zip(all_axes, panels, strict=False):
        _draw_panel(axes, data)
    for axes in all_axes[len(panels) :]:
        axes.set_visible(False)
    return figure


def _draw_panel(axes: Axes, data: DataSet) -> None:
    first = data.first
    for (title, own), color in zip(data.recipes.items(), cycle(COLORS), strict=False):
        accuracy, low, high = np.array([model.scores["accuracy"] for model in own]).T
        minutes = [model.minutes for model in own]
        error = [accuracy - low, high - accuracy]
        axes.errorbar(minutes, accuracy, error, fmt="o", color=color, capsize=3, label=title)
        if (frozen := own[0].frozen) is not None:
            axes.plot(frozen.minutes, frozen.accuracy, "o", color=color, markerfacecolor="none")
    if first.tfidf is not None:
        axes.plot(first.tfidf.minutes, first.tfidf.accuracy, "s", color=GREY, label=first.tfidf.name)
    axes.set_xscale("log")
    axes.xaxis.set(major_locator=LogLocator(), major_formatter="{x:g}", minor_locator=NullLocator())
    axes.legend(fontsize=7, frameon=False)
    axes.set_title(f"{first.data_title}\n{first.test_rows:,} test rows", fontsize=9, loc="left")
    _style(axes, xlabel="minutes")


def _style(axes: Axes, *, xlabel: str) -> None:
    axes.set_xlabel(xlabel, fontsize=8)
    axes.set_ylabel("accuracy", fontsize=8)
    axes.tick_params(labelsize=8, labelbottom=True)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
