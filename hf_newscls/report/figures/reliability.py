"""Draw how well probabilities match the accuracy."""

from matplotlib.figure import Figure

from hf_newscls.evaluation.baselines.comparison import Comparison
from hf_newscls.evaluation.calibration.reliability import Reliability, RiskCoverage
from hf_newscls.report.figures import style


def plot_reliability(before: Reliability, after: Reliability, *, temperature: float) -> Figure:
    """Return a figure of accuracy against confidence, without and with the temperature, one point per bin.

    Below the diagonal, the model is overconfident. A temperature of 1 has one panel.
    """
    figure = style.build_figure(height=4.2, title="Accuracy by confidence on the test set")
    parts = {"no temperature": (before, style.ORANGE), f"temperature {temperature:.2f}": (after, style.BLUE)}
    if temperature == 1:
        parts = {"no temperature": (after, style.BLUE)}
    low = min([0.5, *before.confidence, *before.accuracy, *after.confidence, *after.accuracy])
    panels = figure.subplots(1, len(parts), sharex=True, sharey=True, squeeze=False)[0]
    for axes, (name, (reliability, color)) in zip(panels, parts.items(), strict=True):
        style.format_axes(axes, grid="both", xlabel="Confidence", ylabel="Accuracy", percent="xy")
        axes.label_outer()
        axes.plot([0, 1], [0, 1], color=style.GREY, linewidth=1, linestyle="--")
        axes.vlines(reliability.confidence, reliability.accuracy, reliability.confidence, color=color, lw=1, alpha=0.5)
        axes.plot(reliability.confidence, reliability.accuracy, color=color, lw=1.4, marker="o", markersize=5)
        title = f"{name}: expected calibration error {reliability.error:.3f}"
        axes.set_title(title, fontsize=style.NORMAL, color=style.INK)
        axes.set(xlim=(low - 0.03, 1.03), ylim=(low - 0.03, 1.03))
    return figure


def plot_risk_coverage(curve: RiskCoverage, *, baseline: tuple[str, Comparison] | None) -> Figure:
    """Return a figure of accuracy against the fraction of rows that are kept, the most confident first.

    The accuracy of `baseline` on all rows is a dotted line.
    """
    figure = style.build_figure(height=3.6, title="Accuracy on the most confident predictions")
    xlabel = "Fraction of test rows kept, most confident first"
    axes = style.format_axes(figure.add_subplot(), grid="both", xlabel=xlabel, ylabel="Accuracy", percent="xy")
    axes.plot(curve.fractions, curve.accuracy, color=style.BLUE, linewidth=1.6, label="this model")
    lowest = float(curve.accuracy.min())
    if baseline is not None:
        name, accuracy = baseline[0], baseline[1].scores["accuracy"]
        axes.axhline(accuracy, color=style.GREY, linewidth=1, linestyle=":", label=f"{name}, all rows")
        lowest = min(lowest, accuracy)
    axes.set(xlim=(0, 1.01), ylim=(lowest - 0.02, 1.01))
    style.add_legend(figure)
    return figure
