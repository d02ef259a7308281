"""Draw the pictures of a model card: confusion matrix, loss curves, label distribution, text lengths.

Every `plot_` function returns a figure of its own, which `save_figure` writes.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator, StrMethodFormatter
from numpy.typing import NDArray

from hf_newscls.report.figures.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PALE,
    SKY,
    SMALL,
    WIDTH,
    build_figure,
    draw_mark,
    style_axes,
)

__all__ = ["plot_loss_curves"]


def plot_loss_curves(
    log_history: Sequence[Mapping[str, float]], *, unfreeze_step: int | None, best_step: int | None = None
) -> Figure:
    """Return a figure of training and validation loss, with the learning rate beneath.

    From 50 training losses on they are drawn pale under their moving average, which stays within a stage. The
    learning rate is on a log scale where the peaks of the two stages lie at least 5 times apart.

    Args:
        log_history: `TrainerState.log_history`, in step order; entries with no drawn value are passed over.
        unfreeze_step: last optimizer update of the first stage; None for a run of one stage.
        best_step: step of the best checkpoint; None leaves it out.
    """
    figure = build_figure(width=WIDTH, height=5, title="Loss during fine-tuning")
    losses, rates = figure.subplots(2, 1, sharex=True, height_ratios=(3.5, 1))
    style_axes(losses, grid="both", xlabel="", ylabel="Mean loss per text")
    style_axes(rates, grid="both", xlabel="Training step (optimizer updates)", ylabel="Learning rate")
    last_frozen = np.inf if unfreeze_step is None else unfreeze_step
    _draw_training_loss(losses, _select(log_history, "loss"), last_frozen=last_frozen)
    _draw_learning_rate(rates, _select(log_history, "learning_rate"), last_frozen=last_frozen)
    eval_steps, eval_losses = _select(log_history, "eval_loss")
    if eval_steps.size:
        losses.plot(eval_steps, eval_losses, color=ORANGE, lw=1.4, marker="o", markersize=4, label="validation loss")
    if best_step is not None:
        at, name = eval_steps == best_step, f"best checkpoint (step {best_step:,})"
        losses.plot(eval_steps[at], eval_losses[at], color=INK, ls="", marker="*", markersize=12, label=name, zorder=3)
        losses.axvline(best_step, color=INK, linestyle=":", linewidth=1)
    if unfreeze_step is not None:
        draw_mark(losses, unfreeze_step, text="unfreeze")
        draw_mark(rates, unfreeze_step, text="")
    losses.legend(*losses.get_legend_handles_labels(), fontsize=SMALL, edgecolor=PALE, labelcolor=INK)
    rates.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
    figure.align_ylabels()
    return figure


def _select(log_history: Sequence[Mapping[str, float]], key: str) -> NDArray[np.float64]:
    """Return the steps and the values of the entries that hold `key`, shape (2, entries)."""
    points = [(entry["step"], entry[key]) for entry in log_history if key in entry]
    return np.array(points, dtype=np.float64).reshape(-1, 2).T


def _draw_training_loss(axes: Axes, points: NDArray[np.float64], *, last_frozen: float) -> None:
    """Draw the training loss; many points are averaged with their neighbours, fewer at the ends of a stage."""
    steps, losses = points
    reach = len(steps) // 50
    axes.plot(steps, losses, color=SKY, linewidth=0.6)
    smoothed: list[float] = []
    for stage in (losses[steps <= last_frozen], losses[steps > last_frozen]):
        smoothed += [stage[max(at - reach, 0) : at + reach + 1].mean() for at in range(len(stage))]
    name = f"training loss (mean of {2 * reach + 1} log entries)" if reach else "training loss"
    axes.plot(steps, smoothed, color=BLUE, linewidth=1.5, label=name if steps.size else None)


def _draw_learning_rate(axes: Axes, points: NDArray[np.float64], *, last_frozen: float) -> None:
    """Draw the rate of each stage on the scale that shows both; rates below a log scale lie on its edge."""
    steps, rates = points
    stages = (steps <= last_frozen, steps > last_frozen)
    low, high = sorted(rates[at].max(initial=0) for at in stages)
    if 0 < 5 * low <= high:
        rates = np.maximum(rates, low / 20)
        axes.set(yscale="log", ylim=(low / 20, 2 * high))
        axes.yaxis.set(minor_locator=NullLocator(), major_formatter=StrMethodFormatter("{x:.0e}"))
    else:
        axes.set_ylim(0, 1.1 * high or 1)
        axes.yaxis.set(major_locator=MaxNLocator(3), major_formatter=StrMethodFormatter("{x:.2g}"))
    for at in stages:
        axes.plot(steps[at], rates[at], color=GREEN, linewidth=1.4, marker="" if steps.size > 50 else ".")
