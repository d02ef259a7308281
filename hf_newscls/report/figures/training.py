"""Draw the loss curves and the learning rate of a training run."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator
from numpy.typing import NDArray

from hf_newscls.report.figures import style


def plot_loss_curves(
    log_history: Sequence[Mapping[str, float]], *, unfreeze_step: int | None, best_step: int | None = None
) -> Figure:
    """Return a figure of training and validation loss, with the learning rate below.

    50 or more training losses are drawn pale, under a moving average within each stage. The learning rate is on a log
    scale if the peaks of the two stages differ by a factor of 5 or more.

    Args:
        log_history: `TrainerState.log_history`, in step order.
        unfreeze_step: last optimizer update of the first stage; None for a run of one stage.
        best_step: step of the best checkpoint; None leaves it out.
    """
    figure = style.build_figure(height=5.2, title="Loss and learning rate")
    losses, rates = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    style.format_axes(losses, grid="both", ylabel="Mean loss per text")
    style.format_axes(rates, grid="both", xlabel="Training step (optimizer updates)", ylabel="Learning rate")
    last_frozen = np.inf if unfreeze_step is None else unfreeze_step
    _draw_training_loss(losses, _select(log_history, "loss"), last_frozen=last_frozen)
    _draw_learning_rate(rates, _select(log_history, "learning_rate"), last_frozen=last_frozen)
    eval_steps, eval_losses = _select(log_history, "eval_loss")
    if eval_steps.size:
        losses.plot(eval_steps, eval_losses, color=style.ORANGE, lw=1.4, marker="o", ms=4, label="validation loss")
    if best_step is not None:
        is_best, name = eval_steps == best_step, f"best checkpoint (step {best_step:,})"
        best = (eval_steps[is_best], eval_losses[is_best])
        losses.plot(*best, color=style.INK, ls="", marker="*", markersize=12, label=name, zorder=3)
        losses.axvline(best_step, color=style.INK, linestyle=":", linewidth=1)
    if unfreeze_step is not None:
        style.draw_mark(losses, unfreeze_step, text="unfreeze")
        style.draw_mark(rates, unfreeze_step, text="")
    style.add_legend(figure, losses.get_legend_handles_labels()[0])
    style.set_whole_ticks(rates)
    figure.align_ylabels()
    return figure


def _select(log_history: Sequence[Mapping[str, float]], key: str) -> NDArray[np.float64]:
    """Return the steps and the values of the entries that hold `key`, shape (2, entries)."""
    points = [(entry["step"], entry[key]) for entry in log_history if key in entry]
    return np.array(points, dtype=np.float64).reshape(-1, 2).T


def _draw_training_loss(axes: Axes, points: NDArray[np.float64], *, last_frozen: float) -> None:
    """Draw the training loss; many points get a moving average, over fewer neighbors at the ends of a stage."""
    steps, losses = points
    radius = len(steps) // 50
    axes.plot(steps, losses, color=style.SKY, linewidth=0.6)
    smoothed: list[float] = []
    for stage in (losses[steps <= last_frozen], losses[steps > last_frozen]):
        smoothed += [stage[max(index - radius, 0) : index + radius + 1].mean() for index in range(len(stage))]
    name = f"training loss (mean of {2 * radius + 1} log entries)" if radius else "training loss"
    axes.plot(steps, smoothed, color=style.BLUE, linewidth=1.5, label=name if steps.size else None)


def _draw_learning_rate(axes: Axes, points: NDArray[np.float64], *, last_frozen: float) -> None:
    """Draw the rate of each stage on a scale that shows both; rates too low for a log scale lie on its edge."""
    steps, rates = points
    stages = (steps <= last_frozen, steps > last_frozen)
    low, high = sorted(rates[stage].max(initial=0) for stage in stages)
    if 0 < 5 * low <= high:
        rates = np.maximum(rates, low / 20)
        axes.set(yscale="log", ylim=(low / 20, 2 * high))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.set_ylim(0, 1.1 * high or 1)
        axes.yaxis.set(major_locator=MaxNLocator(3), major_formatter="{x:.2g}")
    for stage in stages:
        axes.plot(steps[stage], rates[stage], color=style.GREEN, linewidth=1.4, marker="" if steps.size > 50 else ".")
