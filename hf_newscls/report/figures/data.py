"""Draw what is in a news file: rows by year, lengths by label, labels that are confused, labels that are doubted."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter
from numpy.typing import NDArray

from hf_newscls.errors import InputError
from hf_newscls.report.figures.style import (
    BLUE,
    FRACTION_COLORS,
    GREEN,
    INK,
    ORANGE,
    PALE,
    SKY,
    SMALL,
    WIDTH,
    build_figure,
    choose_ink,
    draw_mark,
    shorten_name,
    style_axes,
)

__all__ = [
    "plot_confused_labels",
    "plot_label_distribution",
    "plot_label_lengths",
    "plot_suspicious_labels",
    "plot_text_lengths",
    "plot_years",
]

_MOST_COLUMNS = 20
_LINE = 0.21  # inches of a label's line


def plot_years(counts: NDArray[np.int64], *, years: Sequence[str], label_names: Sequence[str]) -> Figure:
    """Return a figure of rows by label and year, each label coloured by its shares; over 20 years are put together.

    Args:
        counts: rows, shape (L, Y).
        years: Y of them, ascending; what is no number, as `unknown`, comes last and stays by itself.
        label_names: L names; longer ones are cut to 32 characters.

    Raises:
        InputError: `counts` is not (L, Y), or L or Y is 0.
    """
    size = (len(label_names), len(years))
    if 0 in size or counts.shape != size:
        raise InputError(f"counts: must have shape {size}, got {counts.shape}; leave this figure out where it is empty")
    columns, table = _join_years(counts, years)
    height = 1.5 + _LINE * max(size[0], 4)
    figure = build_figure(width=WIDTH, height=height, title=f"Rows per label and year, {counts.sum():,} in all")
    axes = style_axes(figure.add_subplot(), grid=None, xlabel="", ylabel="")
    fractions = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(np.where(table > 0, fractions, np.nan), cmap=FRACTION_COLORS, vmin=0, vmax=1, aspect="auto")
    for (row, column), count in np.ndenumerate(table):
        if count:
            text, ink = _write_count(int(count)), choose_ink(fractions[row, column])
            axes.text(column, row, text, color=ink, fontsize=SMALL, ha="center", va="center")
    axes.set_xticks(range(len(columns)), labels=columns, rotation=90 if len(columns) > 12 else 0)
    axes.set_yticks(range(size[0]), labels=[shorten_name(name) for name in label_names], parse_math=False)
    bar = figure.colorbar(image, ax=axes, fraction=0.03, pad=0.015, aspect=40, format=PercentFormatter(1))
    style_axes(bar.ax, grid=None, xlabel="", ylabel="Share of the label's rows (grey: none)")
    return figure


def plot_label_lengths(quantiles: NDArray[np.int64], *, label_names: Sequence[str], max_length: int) -> Figure:
    """Return a figure of the tokens of each label's texts: median, middle half and middle nine tenths.

    The label with the longest median is on top, ties in label order. `max_length` is a line where it is in sight.

    Args:
        quantiles: 5%, 25%, 50%, 75% and 95% of the tokens, shape (L, 5).
        label_names: L names; longer ones are cut to 32 characters.
        max_length: tokens the model reads.

    Raises:
        InputError: `quantiles` is not (L, 5), or L is 0.
    """
    size = len(label_names)
    if size == 0 or quantiles.shape != (size, 5):
        raise InputError(f"quantiles: must have shape ({size}, 5), got {quantiles.shape}; give five for each label")
    order = np.argsort(-quantiles[:, 2], kind="stable")
    low, start, middle, end, high = quantiles[order].T
    figure = build_figure(width=WIDTH, height=_LINE * size + 1.5, title="Lengths of the texts per label")
    axes = style_axes(figure.add_subplot(), grid="x", xlabel="Tokens per text before truncation", ylabel="")
    rows = np.arange(size)
    axes.hlines(rows, low, high, color=SKY, linewidth=2, label="middle nine tenths")
    axes.hlines(rows, start, end, color=BLUE, linewidth=6, label="middle half")
    axes.plot(middle, rows, ls="", marker="o", markersize=5, mfc="white", mec=INK, label="median")
    axes.set_yticks(rows, labels=[shorten_name(label_names[label]) for label in order], parse_math=False)
    axes.set(xlim=(0, 1.05 * max(high.max(), 1)), ylim=(size - 0.4, -0.6))
    if max_length <= 1.5 * high.max():
        draw_mark(axes, max_length + 0.5, text=f"max_length {max_length:,}")
        axes.set_xlim(0, 1.05 * max(high.max(), max_length))
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
    figure.legend(loc="outside upper right", ncols=3, fontsize=SMALL, frameon=False, labelcolor=INK)
    return figure


def plot_confused_labels(pairs: Sequence[tuple[str, str]], *, fractions: NDArray[np.float64]) -> Figure:
    """Return a figure of pairs of labels that a model confuses: two bars in a line, the first pair on top.

    Args:
        pairs: names of P pairs; longer ones are cut to 32 characters.
        fractions: shape (P, 2): of the first one's rows those taken for the second, and the reverse; fractions.

    Raises:
        InputError: `shares` is not (P, 2), or P is 0.
    """
    if not pairs or fractions.shape != (len(pairs), 2):
        raise InputError(f"shares: must have shape ({len(pairs)}, 2), got {fractions.shape}; give two for each pair")
    title = (
        f"The {len(pairs)} pairs of labels most often confused" if len(pairs) > 1 else "The labels that are confused"
    )
    figure = build_figure(width=WIDTH, height=_LINE * 1.4 * len(pairs) + 1.3, title=title)
    axes = style_axes(figure.add_subplot(), grid="x", xlabel="Share of the label's rows", ylabel="")
    rows = np.arange(len(pairs))
    for split, (color, name) in enumerate(((BLUE, "first taken for second"), (ORANGE, "second taken for first"))):
        left = fractions[:, 0] if split else 0
        axes.barh(rows, fractions[:, split], left=left, height=0.66, color=color, label=name)
    for row, (one, other) in enumerate(fractions):
        text = f"{one:.0%} + {other:.0%}"
        axes.text(one + other, row, f" {text}", fontsize=SMALL, color=INK, va="center")
    names = [f"{shorten_name(first)}  ·  {shorten_name(second)}" for first, second in pairs]
    axes.set_yticks(rows, labels=names, parse_math=False)
    axes.set(xlim=(0, 1.15 * fractions.sum(axis=1).max()), ylim=(len(pairs) - 0.4, -0.6))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    figure.legend(loc="outside upper right", ncols=2, fontsize=SMALL, frameon=False, labelcolor=INK)
    return figure


def plot_suspicious_labels(
    suspicious: NDArray[np.int64], counts: NDArray[np.int64], *, label_names: Sequence[str]
) -> Figure:
    """Return a figure of the share of each label's rows whose label is doubted, the largest on top.

    Args:
        suspicious: rows whose label is doubted, shape (L,).
        counts: rows judged, shape (L,).
        label_names: L names; longer ones are cut to 32 characters.

    Raises:
        InputError: not both have L entries, or L is 0.
    """
    size = len(label_names)
    if size == 0 or suspicious.shape != (size,) or counts.shape != (size,):
        got = (suspicious.shape, counts.shape)
        raise InputError(f"suspicious, counts: must have shape ({size},), got {got}; give one for each label")
    fractions = suspicious / np.maximum(counts, 1)
    order = np.argsort(-fractions, kind="stable")
    title = f"Suspicious labels: {suspicious.sum():,} of {counts.sum():,} rows"
    figure = build_figure(width=WIDTH, height=_LINE * size + 1.3, title=title)
    axes = style_axes(figure.add_subplot(), grid="x", xlabel="Share of the label's rows", ylabel="")
    bars = axes.barh(range(size), fractions[order], height=0.74, color=ORANGE)
    texts = [f"{suspicious[label]:,} of {counts[label]:,}" for label in order]
    axes.bar_label(bars, texts, padding=3, fontsize=SMALL, color=INK)
    axes.set_yticks(range(size), labels=[shorten_name(label_names[label]) for label in order], parse_math=False)
    axes.set(xlim=(0, 1.2 * (fractions.max() or 1)), ylim=(size - 0.4, -0.6))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure


def _join_years(counts: NDArray[np.int64], years: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Return columns and their rows; where there are too many, periods of 2, 5, 10 … years stand for them."""
    if len(years) <= _MOST_COLUMNS:
        return [*years], counts
    numbers = np.array([int(year) for year in years if year.isdigit()])
    span = next(span for span in (2, 5, 10, 20, 50, 100) if numbers[-1] // span - numbers[0] // span < _MOST_COLUMNS)
    starts, indices = np.unique(numbers // span * span, return_inverse=True)
    table = np.zeros((len(counts), len(starts)), dtype=np.int64)
    np.add.at(table.T, indices, counts[:, : len(numbers)].T)
    names = [f"{start}-{start + span - 1}" for start in starts.tolist()]
    return [*names, *years[len(numbers) :]], np.hstack([table, counts[:, len(numbers) :]])


def _write_count(count: int) -> str:
    """Write a count in at most four characters."""
    return str(count) if count < 10_000 else f"{count / 1000:.0f}k" if count < 1_000_000 else f"{count / 1e6:.0f}M"


def plot_label_distribution(counts: Mapping[str, Sequence[int]], *, label_names: Sequence[str]) -> Figure:
    """Return a figure of rows per label: bars stacked by side, the largest total on top, ties in label order.

    Args:
        counts: side name (as in "train") to its rows per label in the order of `label_names`; stacked in this order.
        label_names: L names; longer ones are cut to 32 characters.

    Raises:
        InputError: there is no side, or one does not hold L counts, or L is 0.
    """
    size, lengths = len(label_names), {split: len(rows) for split, rows in counts.items()}
    if size == 0 or set(lengths.values()) != {size}:
        raise InputError(f"counts: each side must hold {size} counts, got {lengths!r}; write 0 for no rows")
    totals = np.sum([list(rows) for rows in counts.values()], axis=0)
    order = np.argsort(-totals, kind="stable")
    figure = build_figure(width=WIDTH, height=0.21 * size + 1.3, title=f"Rows per label, {totals.sum():,} in all")
    axes = style_axes(figure.add_subplot(), grid="x", xlabel="Rows (texts)", ylabel="")
    left = np.zeros(size, dtype=np.int64)
    for (split, rows), color in zip(counts.items(), cycle((BLUE, SKY, ORANGE, GREEN)), strict=False):
        widths = np.asarray(rows)[order]
        bars = axes.barh(range(size), widths, left=left, height=0.74, color=color, label=f"{split} ({widths.sum():,})")
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
    fraction = f"{truncated.sum():,} of {lengths.size:,} texts ({truncated.mean():.1%}) are truncated"
    figure = build_figure(width=WIDTH, height=3.8, title=f"{fraction} at max_length {max_length:,}")
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
