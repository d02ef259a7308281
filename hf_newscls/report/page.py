"""Write the report of a measured run: one file of HTML that opens anywhere, without network and without scripts.

It shows texts of the test set, so it stays in the run folder and is never published.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from hf_newscls.data.splitting import SPLITS
from hf_newscls.evaluation.baselines.comparison import Comparison
from hf_newscls.evaluation.metric_names import name_metric
from hf_newscls.recipe.serialization import recipe_to_yaml
from hf_newscls.report.figures.label_order import order_labels
from hf_newscls.report.figures.style import render_svg
from hf_newscls.report.html import render_web_page
from hf_newscls.report.measured_run import MeasuredRun
from hf_newscls.report.text import shorten_text
from hf_newscls.storage import write_text

__all__ = ["render_report_page", "write_report_page"]

_EXAMPLES = 8
_SHOWN = 15
# Twice the height of a page of paper: the figure of years would be cut in two.
_ON_PAGE = ("scores", "loss_curves", "label_scores", "reliability", "abstention", "text_lengths", "rows_by_year")


@dataclass(frozen=True)
class Cell:
    """A cell of the confusion matrix.

    Attributes:
        rows: of the test set.
        fraction: of the reference label's rows.
        title: what it says in words.
    """

    rows: int
    fraction: float
    title: str


def write_report_page(measured: MeasuredRun, figures: Mapping[str, Figure], path: Path) -> None:
    """Write the report, whole or not at all.

    Args:
        measured: what it shows.
        figures: by name, as `plot_run` returns them.
        path: of the file; where an overview of the recipe lies beside the folder of runs, the report links to it.
    """
    overview = path.parents[3] / "overview" / measured.recipe.name / "overview.md"
    link = f"../../../overview/{measured.recipe.name}/overview.md" if overview.is_file() else None
    write_text(path, render_report_page(measured, figures, overview=link))


def render_report_page(measured: MeasuredRun, figures: Mapping[str, Figure], *, overview: str | None = None) -> str:
    """Return the report as HTML.

    Args:
        measured: what it shows.
        figures: by name, as `plot_run` returns them.
        overview: relative address of the data's overview, if there is one.
    """
    report, errors = measured.report, measured.errors
    order = order_labels(report.confusion)
    return render_web_page(
        "hf_newscls.report",
        "templates/report.html.jinja",
        recipe=measured.recipe,
        manifest=measured.manifest,
        record=measured.record,
        report=report,
        errors=errors,
        figures={name: Markup(render_svg(figures[name], name=name)) for name in _ON_PAGE if name in figures},
        comparisons=_list_comparisons(measured),
        confusion_names=[report.label_names[label] for label in order],
        confusion=_build_cells(measured, order),
        examples=_describe(measured, _choose_examples(measured), top_k=3),
        mistakes=_describe(measured, errors.mistakes[:_SHOWN], top_k=3),
        suspicious=_describe(measured, errors.suspicious.indices[:_SHOWN], top_k=1),
        pairs=[*islice(errors.pairs, _SHOWN)],
        splits=SPLITS,
        sizes={split: sum(measured.manifest.label_counts[split].values()) for split in SPLITS},
        truncated=_count_truncated(measured),
        recipe_yaml=recipe_to_yaml(measured.recipe),
        overview=overview,
        rival=_choose_rival(measured),
        metric_names={name: name_metric(name) for name in report.test.scores},
    )


def _choose_rival(measured: MeasuredRun) -> tuple[str, Comparison] | None:
    """Return the most accurate of the simpler classifiers that read the text."""
    baselines = [pair for pair in measured.report.comparisons.items() if pair[1].kind == "baseline"]
    return max(baselines, key=lambda pair: pair[1].scores["accuracy"], default=None)


def _list_comparisons(measured: MeasuredRun) -> list[dict[str, Any]]:
    """Return a line for the model and for each simpler classifier."""
    report = measured.report
    own = {"name": "this model", "kind": "model", "gains": {}}
    own |= {"scores": report.test.scores, "intervals": report.intervals}
    others = [
        {"name": name, "kind": one.kind, "scores": one.scores, "intervals": one.intervals, "gains": one.gains}
        for name, one in report.comparisons.items()
    ]
    return [own, *others]


def _build_cells(measured: MeasuredRun, order: Any) -> list[list[Cell]]:
    names, confusion = measured.label_names, measured.report.confusion
    fractions = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    return [
        [
            Cell(
                rows=int(confusion[reference, prediction]),
                fraction=float(fractions[reference, prediction]),
                title=f"{names[reference]}, said to be {names[prediction]}: {confusion[reference, prediction]:,} of "
                f"{confusion[reference].sum():,}",
            )
            for prediction in order
        ]
        for reference in order
    ]


def _choose_examples(measured: MeasuredRun) -> list[int]:
    """Return the places of some test rows, drawn by the split's seed: nobody chose them."""
    rng = np.random.default_rng(measured.recipe.split.seed)
    rows = len(measured.test)
    return sorted(rng.choice(rows, size=min(_EXAMPLES, rows), replace=False).tolist())


def _describe(measured: MeasuredRun, indices: Any, *, top_k: int) -> list[dict[str, Any]]:
    rows = measured.describe_rows(indices, top_k=top_k)
    return [{**row, "text": shorten_text(row["text"])} for row in rows]


def _count_truncated(measured: MeasuredRun) -> int:
    limit = measured.recipe.model.max_length
    return int(sum((measured.token_counts[split] > limit).sum() for split in SPLITS))
