"""What the figures of confidence show: points, titles and limits."""

import numpy as np
import pytest

from hf_newscls.evaluation.baselines.comparison import Comparison
from hf_newscls.evaluation.calibration.reliability import Reliability, RiskCoverage
from hf_newscls.report.figures.reliability import plot_reliability, plot_risk_coverage

BEFORE = Reliability(np.array([10, 10]), np.array([0.3, 0.9]), np.array([0.2, 0.6]))
AFTER = Reliability(np.array([10, 10]), np.array([0.4, 0.7]), np.array([0.2, 0.6]))


def test_both_panels_show_their_points_and_errors() -> None:
    before, after = plot_reliability(BEFORE, AFTER, temperature=1.5).axes
    for axes, found in ((before, BEFORE), (after, AFTER)):
        assert axes.lines[1].get_xydata().tolist() == np.stack([found.confidence, found.accuracy], axis=1).tolist()
        assert axes.get_xlim()[0] < 0.2
    assert before.get_title() == "no temperature: expected calibration error 0.200"
    assert after.get_title() == "temperature 1.50: expected calibration error 0.150"


def test_model_without_a_temperature_has_one_panel() -> None:
    (axes,) = plot_reliability(BEFORE, BEFORE, temperature=1.0).axes
    assert axes.lines[1].get_xydata()[:, 0].tolist() == BEFORE.confidence.tolist()


def test_curve_and_baseline_are_named() -> None:
    curve = RiskCoverage(np.array([0.5, 1.0]), np.array([0.9, 0.8]), np.array([0.9, 0.6]))
    figure = plot_risk_coverage(curve, baseline=("majority class", Comparison("baseline", {"accuracy": 0.3}, {}, {})))
    (axes,) = figure.axes
    assert axes.lines[0].get_xydata().tolist() == [[0.5, 0.9], [1.0, 0.8]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["this model", "majority class, all rows"]
    assert axes.get_ylim()[0] == pytest.approx(0.28)
