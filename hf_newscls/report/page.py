"""Write the report of a measured run: one HTML file that opens anywhere, without network and without scripts.

It quotes texts of the test set, so it stays in the run folder and is never published.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hf_newscls.errors import shorten_text
from hf_newscls.evaluation.other_data import OtherDataReport
from hf_newscls.recipe.serialization import recipe_to_yaml
from hf_newscls.report.figures.fonts import find_replaced
from hf_newscls.report.figures.style import render_svg
from hf_newscls.report.measured_run import MeasuredRun
from hf_newscls.report.template import render_template
from hf_newscls.storage import write_text

_EXAMPLES = 8
_MAX_ROWS = 20  # of a table of errors


def write_report_page(
    measured: MeasuredRun, figures: Mapping[str, Figure], path: Path, *, other_data: Sequence[OtherDataReport] = ()
) -> None:
    """Write the report atomically, with the figures of `plot_run` and the scores on other data.

    If the recipe has an overview next to the folder of runs, the report links to it.
    """
    overview = path.absolute().parents[3] / "overview" / measured.recipe.name / "overview.md"
    link = f"../../../overview/{measured.recipe.name}/overview.md" if overview.is_file() else None
    write_text(path, render_report_page(measured, figures, other_data=other_data, overview=link))


def render_report_page(
    measured: MeasuredRun,
    figures: Mapping[str, Figure],
    *,
    other_data: Sequence[OtherDataReport] = (),
    overview: str | None = None,
) -> str:
    """Return the report as HTML, with figures by name and a link to the relative address of the overview, if any."""
    report, errors = measured.report, measured.errors
    return render_template(
        "hf_newscls.report",
        "templates/report.html.jinja",
        recipe=measured.recipe,
        manifest=measured.manifest,
        record=measured.record,
        report=report,
        errors=errors,
        figures={name: render_svg(figure) for name, figure in figures.items()},
        examples=_list_rows(measured, _choose_examples(measured), top_k=3),
        mistakes=_list_rows(measured, errors.mistakes[:_MAX_ROWS], top_k=3),
        suspicious=_list_suspicious(measured),
        pairs=errors.pairs[:_MAX_ROWS],
        recipe_yaml=recipe_to_yaml(measured.recipe),
        overview=overview,
        tokens=measured.tokens,
        figure_labels=find_replaced(measured.label_names, measured.shown_labels),
        other_data=other_data,
    )


def _choose_examples(measured: MeasuredRun) -> NDArray[np.int64]:
    """Draw test rows, one of each label before a second one of any."""
    rows = np.random.default_rng(measured.recipe.split.seed).permutation(len(measured.test))
    labels = pd.Series(np.asarray(measured.test["label"][:])[rows])
    earlier = labels.groupby(labels).cumcount()  # rows of the same label that were drawn earlier
    return rows[np.argsort(earlier, kind="stable")[:_EXAMPLES]]


def _list_suspicious(measured: MeasuredRun) -> list[dict[str, Any]]:
    """Return the most suspicious rows, each with the probabilities of the predicted label and of its own."""
    found, names = measured.errors.suspicious, measured.label_names
    rows = _list_rows(measured, found.indices[:_MAX_ROWS])
    own = [(names[label], float(value)) for label, value in zip(found.given, found.given_probability, strict=True)]
    return [{**row, "predictions": [*row["predictions"], one]} for row, one in zip(rows, own, strict=False)]


def _list_rows(
    measured: MeasuredRun, indices: Sequence[int] | NDArray[np.int64], *, top_k: int = 1
) -> list[dict[str, Any]]:
    rows = measured.list_predictions(indices, top_k=top_k)
    return [{**row, "text": shorten_text(row["text"])} for row in rows]
