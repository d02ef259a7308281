"""Draw how far probabilities can be trusted."""

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from hf_newscls.evaluation.calibration.reliability import Reliability
from hf_newscls.evaluation.calibration.risk_coverage import RiskCoverage
from hf_newscls.report.figures.style import BLUE, GREY, INK, ORANGE, PALE, SMALL, WIDTH, build_figure, style_axes

__all__ = ["plot_abstention", "plot_reliability"]


def plot_reliability(before: Reliability, after: Reliability, *, temperature: float) -> Figure:
    """Return a figure of accuracy against confidence, without and with a temperature, one point a bin.

    Points below the diagonal are of rows that the model was too sure of.

    Args:
        before: as the model is.
        after: with the temperature.
        temperature: for the title.
    """
    figure = build_figure(width=WIDTH, height=4.2, title="Confidence against accuracy on test rows")
    parts = {"as the model is": (before, ORANGE), f"with temperature {temperature:.2f}": (after, BLUE)}
    low = min([0.5, *before.confidence, *before.accuracy, *after.confidence, *after.accuracy])
    shared = None
    for index, (name, (found, color)) in enumerate(parts.items(), start=1):
        axes = figure.add_subplot(1, 2, index, sharex=shared, sharey=shared)
        shared = style_axes(axes, grid="both", xlabel="Confidence", ylabel="Accuracy" if index == 1 else "")
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--")
        axes.vlines(found.confidence, found.accuracy, found.confidence, color=color, linewidth=1, alpha=0.5)
        axes.plot(found.confidence, found.accuracy, color=color, linewidth=1.4, marker="o", markersize=5)
        axes.set_title(f"{name}: expected calibration error {found.error:.3f}", fontsize=SMALL, color=INK)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set(xlim=(low - 0.03, 1.03), ylim=(low - 0.03, 1.03))
    return figure


def plot_abstention(curve: RiskCoverage, *, baseline: tuple[str, float] | None) -> Figure:
    """Return a figure of accuracy against the share of rows answered, the surest first.

    Args:
        curve: of the model.
        baseline: name and accuracy of a classifier that answers all rows, a dotted line; None leaves it out.
    """
    figure = build_figure(width=WIDTH, height=3.6, title="Accuracy where only the surest rows are answered")
    axes = style_axes(figure.add_subplot(), grid="both", xlabel="Share of test rows answered", ylabel="Accuracy")
    axes.plot(curve.fractions, curve.accuracy, color=BLUE, linewidth=1.6, label="this model")
    lowest = float(curve.accuracy.min())
    if baseline is not None:
        axes.axhline(baseline[1], color=GREY, linewidth=1, linestyle=":", label=f"{baseline[0]}, all rows")
        lowest = min(lowest, baseline[1])
    axes.set(xlim=(0, 1.01), ylim=(lowest - 0.02, 1.01))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(fontsize=SMALL, edgecolor=PALE, labelcolor=INK, loc="lower left")
    return figure
