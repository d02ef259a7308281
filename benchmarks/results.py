"""Write docs/results.md and its figure from finished runs: their scores, what they cost, and scores on other data.

hf-newscls evaluate fake_news_minilm --on liar_minilm_binary    # before, for each run and each other set
python benchmarks/results.py runs/*/latest
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from hf_newscls.evaluation.baselines.comparison import FROZEN
from hf_newscls.evaluation.other_data import OtherDataReport
from hf_newscls.evaluation.report import EvaluationReport
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.other_data import read_other_data
from hf_newscls.runs.folder import RunFolder, find_run
from hf_newscls.training.record import TrainingRecord

TEMPLATE = Path(__file__).with_name("results.md.jinja")
PAGE = Path(__file__).parents[1] / "docs/results.md"
FIGURE = "images/results.png"
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")


@dataclass(frozen=True)
class Result:
    """A finished run."""

    folder: RunFolder

    @cached_property
    def recipe(self) -> Recipe:
        return self.folder.read_recipe()

    @cached_property
    def scores(self) -> EvaluationReport:
        return self.folder.read_as(self.folder.metrics, EvaluationReport.from_dict)

    @cached_property
    def training(self) -> TrainingRecord:
        return self.folder.read_as(self.folder.training, TrainingRecord.from_dict)

    @cached_property
    def other_data(self) -> list[OtherDataReport]:
        return [*read_other_data(self.folder.other_data)]

    @property
    def data(self) -> str:
        """The name of the test set."""
        name = self.recipe.data.dataset_name or self.recipe.name
        return f"{name}, {len(self.scores.label_names)} labels, {self.scores.test.rows:,} test rows"

    @property
    def majority(self) -> float:
        """Accuracy of always predicting the most frequent label."""
        support = [scores["support"] for scores in self.scores.test.per_class.values()]
        return max(support) / sum(support)

    @property
    def minutes(self) -> float:
        return self.training.runtime_seconds / 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished runs")
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    write_results(options.runs, options.page)
    print(f"wrote {options.page}")


def write_results(folders: Sequence[Path], page: Path) -> None:
    """Write the page for these run folders, in their order, and its figure next to it."""
    results = [Result(find_run(folder, runs_dir=folder.parent)) for folder in folders]
    figure = page.parent / FIGURE
    figure.parent.mkdir(parents=True, exist_ok=True)
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    text = template.render(results=results, figure=FIGURE).lstrip()
    draw(results).savefig(figure, metadata={"Software": None})
    page.write_text(text, encoding="utf-8")


def draw(results: Sequence[Result]) -> Figure:
    """Draw accuracy against training minutes, a panel for each data set."""
    panels: dict[str, list[Result]] = {}
    for result in results:
        panels.setdefault(result.folder.read_fingerprint(), []).append(result)
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(4.6 * columns, 3.4 * rows), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    all_axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, group in zip(all_axes, panels.values(), strict=False):
        _draw_panel(axes, group)
    for axes in all_axes[len(panels) :]:
        axes.set_visible(False)
    return figure


def _draw_panel(axes: Axes, group: Sequence[Result]) -> None:
    colors: dict[str, str] = {}
    for result in group:
        middle, (low, high) = result.scores.test.scores["accuracy"], result.scores.intervals["accuracy"]
        name = result.recipe.name
        if name not in colors:  # the seeds of a recipe have one name
            colors[name] = COLORS[len(colors) % len(COLORS)]
            place = (result.minutes, middle)
            axes.annotate(name, place, (5, 4), textcoords="offset points", fontsize=7, color=colors[name])
        error = [[middle - low], [high - middle]]
        axes.errorbar(result.minutes, middle, error, fmt="o", color=colors[name], capsize=3)
        if (frozen := result.scores.baselines.get(FROZEN)) is not None:
            axes.axhline(frozen["accuracy"], linestyle=":", color=colors[name], linewidth=1)
    if group[0].scores.strongest_baseline is not None:
        name, baseline = group[0].scores.strongest_baseline
        axes.axhline(baseline.scores["accuracy"], linestyle="--", color="#767676", linewidth=1)
        axes.text(
            0.01, baseline.scores["accuracy"], name, transform=axes.get_yaxis_transform(), fontsize=7, va="bottom"
        )
    axes.set_xscale("log")
    axes.xaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), major_formatter="{x:g}", minor_locator=NullLocator())
    axes.margins(x=0.35)
    axes.set_title(group[0].data, fontsize=9, loc="left")
    axes.set_xlabel("training, minutes", fontsize=8)
    axes.set_ylabel("accuracy", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
