"""Draw the figures of a measured run, for its card and its report."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from hf_newscls.data.dates import count_by_year
from hf_newscls.data.splitting import SPLITS
from hf_newscls.report.figures.confusion import plot_confusion_matrix
from hf_newscls.report.figures.data import plot_label_distribution, plot_text_lengths, plot_years
from hf_newscls.report.figures.reliability import plot_reliability, plot_risk_coverage
from hf_newscls.report.figures.scores import plot_comparisons, plot_label_scores
from hf_newscls.report.figures.training import plot_loss_curves
from hf_newscls.report.measured_run import MeasuredRun


def plot_run(measured: MeasuredRun) -> Mapping[str, Figure]:
    """Return the figures by the names of their PNG files; rows by year only if rows have dates."""
    report, record, names = measured.report, measured.record, measured.shown_labels
    counts = {split: np.bincount(measured.splits[split]["label"][:], minlength=len(names)).tolist() for split in SPLITS}
    calibration = report.calibration
    figures = {
        "scores": plot_comparisons(report.test.scores, report.intervals, report.comparisons),
        "loss_curves": plot_loss_curves(
            record.log_history,
            unfreeze_step=(record.boundary_step or None) if record.has_stage_two else None,
            best_step=record.best_step,
        ),
        "confusion_matrix": plot_confusion_matrix(report.confusion, label_names=names),
        "label_scores": plot_label_scores(
            dict(zip(names, report.test.per_class.values(), strict=True)),
            dict(zip(names, report.label_intervals.values(), strict=True)),
        ),
        "reliability": plot_reliability(calibration.before, calibration.after, temperature=calibration.temperature),
        "risk_coverage": plot_risk_coverage(calibration.risk_coverage, baseline=report.strongest_baseline),
        "label_distribution": plot_label_distribution(counts, label_names=names),
        "text_lengths": plot_text_lengths(
            np.concatenate([measured.token_counts[split] for split in SPLITS]).tolist(),
            max_length=measured.recipe.model.max_length,
        ),
    }
    return figures | ({"rows_by_year": _plot_years(measured)} if measured.years is not None else {})


def _plot_years(measured: MeasuredRun) -> Figure:
    years = [year for split in SPLITS for year in (measured.years or {})[split]]
    labels = np.concatenate([measured.splits[split]["label"][:] for split in SPLITS])
    distinct, counts = count_by_year(years, labels, size=len(measured.label_names))
    return plot_years(counts, years=distinct, label_names=measured.shown_labels)
