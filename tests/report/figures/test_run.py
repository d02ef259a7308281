"""The figures of a measured run."""

from dataclasses import replace

import numpy as np
import pytest

from hf_newscls.report.figures.run import plot_run
from tests.measured_runs import build_measured

ALWAYS = {"scores", "loss_curves", "confusion_matrix", "label_scores", "reliability", "risk_coverage"}
ALWAYS |= {"label_distribution", "text_lengths"}


@pytest.mark.parametrize("dates", [True, False])
def test_figures_are_there(dates: bool) -> None:
    assert {*plot_run(build_measured(dates=dates))} == ALWAYS | ({"rows_by_year"} if dates else set())


def test_years_count_the_rows_of_all_splits() -> None:
    axes = plot_run(build_measured())["rows_by_year"].axes[0]
    assert sum(int(text.get_text()) for text in axes.texts) == 130


def test_similar_labels_are_neighbors_in_the_confusion_matrix() -> None:
    names = [f"L{index}" for index in range(5)]
    measured = build_measured(names)
    confusion = 90 * np.eye(5, dtype=np.int64)
    confusion[0, 4] = confusion[4, 0] = 50
    axes = plot_run(replace(measured, report=replace(measured.report, confusion=confusion)))["confusion_matrix"].axes[0]
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert sorted(shown) == names
    assert abs(shown.index("L0") - shown.index("L4")) == 1
    assert shown == [label.get_text() for label in axes.get_xticklabels()]
    assert [text.get_text().split()[0] for text in axes.texts].count("64.3%") == 2  # 90 of 140
