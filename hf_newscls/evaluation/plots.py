"""Draw the pictures of a model card: confusion matrix, loss curves, label distribution, text lengths.

Every `plot_` function returns a figure of its own, which `save_figure` writes.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator, PercentFormatter, StrMethodFormatter
from numpy.typing import NDArray

from hf_newscls.errors import InputError
from hf_newscls.evaluation.figures import (
    BLUE,
    GREEN,
    INK,
    NORMAL,
    ORANGE,
    PALE,
    SHARE_COLORS,
    SKY,
    SMALL,
    WIDTH,
    build_figure,
    choose_ink,
    draw_mark,
    shorten_name,
    style_axes,
)

__all__ = ["plot_confusion_matrix", "plot_label_distribution", "plot_loss_curves", "plot_text_lengths"]

DETAILED_LABELS = 10  # up to here a cell of the confusion matrix has room for a share and a count


def plot_confusion_matrix(confusion: NDArray[np.int64], *, label_names: Sequence[str]) -> Figure:
    """Return a figure of a confusion matrix, each row coloured by its shares.

    Up to 10 labels a cell holds its share and its count; with more, whole percents, blank below 0.5. The row of a
    label without reference texts is grey and blank.

    Args:
        confusion: texts, shape (L, L); rows are references, columns are predictions.
        label_names: L names in row order; longer ones are cut to 32 characters.

    Raises:
        InputError: `confusion` is not (L, L), or L is 0.
    """
    size = len(label_names)
    if size == 0 or confusion.shape != (size, size):
        raise InputError(f"confusion: must have shape ({size}, {size}), got {confusion.shape!r}; name every label")
    width = float(np.clip(WIDTH + (size - DETAILED_LABELS) / 12, WIDTH, 11))
    height = 1.3 + float(np.clip(6, 0.21 * size, 0.75 * size))
    figure = build_figure(width=width, height=height, title=f"Confusion matrix, {confusion.sum():,} texts")
    axes = style_axes(figure.add_subplot(), grid=None, xlabel="Prediction", ylabel="Reference")
    support = confusion.sum(axis=1, keepdims=True)
    shares = np.divide(confusion, support, out=np.full((size, size), np.nan), where=support > 0)
    image = axes.imshow(np.ma.masked_invalid(shares), cmap=SHARE_COLORS, vmin=0, vmax=1, aspect="auto")
    _write_cells(axes, confusion, shares=shares)
    names = [shorten_name(name) for name in label_names]
    is_upright = max(map(len, names)) * 0.085 > (width - 3) / size  # inches of a capital letter, of a cell
    axes.set_xticks(range(size), labels=names, rotation=90 if is_upright else 0, parse_math=False)
    axes.set_yticks(range(size), labels=names, parse_math=False)
    bar = figure.colorbar(image, ax=axes, fraction=0.03, pad=0.015, aspect=40, format=PercentFormatter(1))
    hint = "" if size <= DETAILED_LABELS else " (cells in percent, blank below 0.5)"
    style_axes(bar.ax, grid=None, xlabel="", ylabel=f"Share of the reference label's texts{hint}")
    return figure


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


def plot_label_distribution(counts: Mapping[str, Sequence[int]], *, label_names: Sequence[str]) -> Figure:
    """Return a figure of rows per label: bars stacked by side, the largest total on top, ties in label order.

    Args:
        counts: side name (as in "train") to its rows per label in the order of `label_names`; stacked in this order.
        label_names: L names; longer ones are cut to 32 characters.

    Raises:
        InputError: there is no side, or one does not hold L counts, or L is 0.
    """
    size, lengths = len(label_names), {side: len(rows) for side, rows in counts.items()}
    if size == 0 or set(lengths.values()) != {size}:
        raise InputError(f"counts: each side must hold {size} counts, got {lengths!r}; write 0 for no rows")
    totals = np.sum([list(rows) for rows in counts.values()], axis=0)
    order = np.argsort(-totals, kind="stable")
    figure = build_figure(width=WIDTH, height=0.21 * size + 1.3, title=f"Rows per label, {totals.sum():,} in all")
    axes = style_axes(figure.add_subplot(), grid="x", xlabel="Rows (texts)", ylabel="")
    left = np.zeros(size, dtype=np.int64)
    for (side, rows), color in zip(counts.items(), cycle((BLUE, SKY, ORANGE, GREEN)), strict=False):
        widths = np.asarray(rows)[order]
        bars = axes.barh(range(size), widths, left=left, height=0.74, color=color, label=f"{side} ({widths.sum():,})")
        left += widths
    axes.bar_label(bars, [f"{total:,}" for total in left], padding=3, fontsize=SMALL, color=INK)
    axes.set_yticks(range(size), labels=[shorten_name(label_names[index]) for index in order], parse_math=False)
    axes.set(xlim=(0, 1.1 * max(totals.max(), 1)), ylim=(size - 0.4, -0.6))
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
    figure.legend(loc="outside upper right", ncols=4, fontsize=SMALL, frameon=False, labelcolor=INK)
    return figure


def plot_text_lengths(token_counts: Sequence[int], *, max_length: int) -> Figure:
    """Return a histogram of tokens per text before truncation; the title says how many texts are truncated.

    Bars end at the 99.5th percentile, and the axis label counts the texts beyond. `max_length` is a line, left out
    where it is 4 times that percentile or more.

    Args:
        token_counts: tokens of each text, special tokens included, as truncation counts them.
        max_length: tokens the model reads; a text of exactly this length is whole.

    Raises:
        InputError: there is no text.
    """
    lengths = np.asarray(token_counts, dtype=np.int64)
    if lengths.size == 0:
        raise InputError("token_counts: must hold at least one text, got none; leave this figure out")
    truncated, last = lengths > max_length, int(np.percentile(lengths, 99.5, method="higher"))
    n_beyond = (lengths > last).sum()
    beyond = f" (not shown: {n_beyond:,} texts beyond the 99.5th percentile, {last:,} tokens)" if n_beyond else ""
    share = f"{truncated.sum():,} of {lengths.size:,} texts ({truncated.mean():.1%}) are truncated"
    figure = build_figure(width=WIDTH, height=3.8, title=f"{share} at max_length {max_length:,}")
    bin_width, xlabel = max(1, round(last / 60)), f"Tokens per text before truncation{beyond}"
    axes = style_axes(figure.add_subplot(), grid="y", xlabel=xlabel, ylabel=f"Texts (tokens per bar: {bin_width})")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    # max_length + 0.5 is an edge, so that no bar mixes whole and truncated texts.
    edges = np.arange((max_length + 0.5) % bin_width - bin_width, last + bin_width + 0.5, bin_width).tolist()
    for is_member, color, name in ((~truncated, BLUE, "read whole"), (truncated, ORANGE, "truncated")):
        axes.hist(lengths[is_member & (lengths <= last)], bins=edges, color=color, label=name, ec="white", lw=0.4)
    axes.set_xlim(0, last + 1)
    if max_length < 4 * last:
        draw_mark(axes, max_length + 0.5, text=f"max_length {max_length:,}")
        axes.set_xlim(0, max(last + 1, 1.03 * max_length))
    axes.legend(fontsize=SMALL, edgecolor=PALE, labelcolor=INK)
    return figure


def _write_cells(axes: Axes, confusion: NDArray[np.int64], *, shares: NDArray[np.float64]) -> None:
    """Write shares, and counts where there is room."""
    is_detailed = len(confusion) <= DETAILED_LABELS
    for (row, column), share in np.ndenumerate(shares):
        text = f"{share:.1%}\n{confusion[row, column]:,}" if is_detailed else f"{100 * share:.0f}"
        size = NORMAL if is_detailed else SMALL
        if np.isfinite(share) and text != "0":
            axes.text(column, row, text, color=choose_ink(share), fontsize=size, ha="center", va="center")


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
