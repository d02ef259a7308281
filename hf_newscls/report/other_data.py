"""Write what a trained model scores on data that it was not trained on.

::

    runs/<recipe>/<run>/on/<data>/report.html          the page; it shows texts, so it is never published
                                  metrics.json         the scores, for programs
                                  predictions.parquet  id, text, reference, prediction and probabilities
                                  mistakes.csv         all wrong predictions, the most confident first
                                  confusion_matrix.png
"""

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from hf_newscls.errors import RunError, shorten_text
from hf_newscls.evaluation.error_analysis import rank_mistakes
from hf_newscls.evaluation.other_data import OtherDataReport
from hf_newscls.evaluation.report import EvaluationReport
from hf_newscls.report.error_tables import MISTAKES, mistake_to_row, write_rows
from hf_newscls.report.figures.confusion import plot_confusion_matrix
from hf_newscls.report.figures.fonts import name_labels
from hf_newscls.report.figures.style import render_svg, save_figure
from hf_newscls.report.measured_run import list_predictions
from hf_newscls.report.predictions import write_predictions
from hf_newscls.report.template import render_template
from hf_newscls.storage import replace_folder, write_json, write_text

METRICS, PAGE = "metrics.json", "report.html"
_SOURCE = "source"
_NOT_IN_A_NAME = re.compile(r"[^\w.-]+")
_SHOWN_MISTAKES = 20

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class MeasuredRows:
    """Labeled rows that a model was not trained on, with its predictions and scores."""

    report: OtherDataReport
    dataset: Dataset  # id, text, label and more
    probabilities: NDArray[np.float32]  # (N, L), in the order of the rows

    def list_mistakes(self) -> list[dict[str, Any]]:
        """Return id, text, reference and the predicted label of each wrong row, the most confident first."""
        wrong = rank_mistakes(self.probabilities, np.asarray(self.dataset["label"][:]))
        return list_predictions(self.dataset, self.probabilities, wrong, label_names=self.report.label_names)


def name_folder(name: str) -> str:
    """Return the name of the folder for some data; it never leads to another folder.

    >>> name_folder("AG News, test"), name_folder("..")
    ('AG_News_test', '_')
    """
    return re.sub(r"^\.+", "_", _NOT_IN_A_NAME.sub("_", name))


def read_other_data(folder: Path, names: Collection[str] | None = None) -> list[OtherDataReport]:
    """Return the reports in the folders that `write_other_data` wrote into a folder, ordered by name.

    Args:
        names: of the data to take; by default all.

    Raises:
        RunError: one of them is damaged.
    """
    wanted = None if names is None else {*map(name_folder, names)}
    paths = sorted(folder.glob(f"*/{METRICS}"))
    return [_read(path, OtherDataReport.from_dict) for path in paths if wanted is None or path.parent.name in wanted]


def read_source(folder: Path) -> str | None:
    """Return the address of the data that a folder has the scores on; None if it has none, or does not say it.

    Raises:
        RunError: the folder is damaged.
    """
    path = folder / METRICS
    return _read(path, lambda content: content.get(_SOURCE)) if path.is_file() else None


def _read(path: Path, parse: Callable[[dict[str, Any]], Value]) -> Value:
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise RunError(
            f"{path}: cannot be read ({shorten_text(error)}); remove its folder, or evaluate again"
        ) from error


def write_other_data(
    measured: MeasuredRows, folder: Path, *, source: str, model_name: str, own: EvaluationReport | None
) -> None:
    """Write the folder atomically; an older one is replaced.

    Args:
        source: address of the data. It is not part of the report, because a card must not show a path of this machine.
        model_name: of the model, for the page.
        own: its report on its own test set, to show next to it; None if it is not known.
    """
    report, mistakes = measured.report, measured.list_mistakes()
    figure = plot_confusion_matrix(report.confusion, label_names=name_labels(report.label_names))
    page = render_template(
        "hf_newscls.report",
        "templates/other_data.html.jinja",
        model_name=model_name,
        report=report,
        own=own,
        mistakes=[{**row, "text": shorten_text(row["text"])} for row in mistakes[:_SHOWN_MISTAKES]],
        figures={"confusion_matrix": render_svg(figure)},
    )
    with replace_folder(folder) as fresh:
        write_json(fresh / METRICS, {**report.to_dict(), _SOURCE: source})
        write_predictions(fresh / "predictions.parquet", measured.dataset, measured.probabilities, report.label_names)
        write_rows(fresh / "mistakes.csv", MISTAKES, map(mistake_to_row, mistakes))
        save_figure(figure, fresh / "confusion_matrix.png")
        write_text(fresh / PAGE, page)
