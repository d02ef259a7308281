"""Draw what is in a news file: rows by label and year, lengths, confused labels, suspicious labels.

Shape letters: L labels, Y years, P pairs of labels.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from numpy.typing import NDArray

from hf_newscls.report.figures import style

_MAX_COLUMNS = 20


def plot_label_distribution(counts: Mapping[str, Sequence[int]], *, label_names: Sequence[str]) -> Figure:
    """Return a figure of rows per label: bars stacked by split, the largest total on top, ties in label order.

    `counts` has the L rows per label of each split, in the order of the stack.
    """
    totals = np.sum([list(rows) for rows in counts.values()], axis=0)
    order = np.argsort(-totals, kind="stable")
    figure = style.build_figure(height=style.LINE * len(order) + 1.2, title=f"{totals.sum():,} rows by label")
    axes = style.format_axes(figure.add_subplot(), grid="x", xlabel="Rows")
    parts = {f"{split} ({sum(rows):,})": np.asarray(rows)[order] for split, rows in counts.items()}
    _draw_bars(axes, parts, texts=[f"{totals[label]:,}" for label in order])
    style.name_rows(axes, [label_names[label] for label in order])
    style.set_whole_ticks(axes)
    style.add_legend(figure)
    return figure


def plot_confused_labels(pairs: Sequence[tuple[str, str]], *, fractions: NDArray[np.float64]) -> Figure:
    """Return a figure of P pairs of labels that a model confuses: one stacked bar per pair, the first pair on top.

    `fractions` (P, 2): of the first label's rows, those predicted as the second label, and the reverse.
    """
    figure = style.build_figure(height=style.LINE * len(pairs) + 1.3, title="Most confused pairs of labels")
    axes = style.format_axes(figure.add_subplot(), grid="x", xlabel="Fraction of the label's rows", percent="x")
    first, second = fractions.T
    parts = {"first predicted as second": first, "second predicted as first": second}
    _draw_bars(axes, parts, texts=[f"{one:.0%} + {other:.0%}" for one, other in fractions])
    names = ((style.shorten_name(one), style.shorten_name(other)) for one, other in pairs)
    axes.set_yticks(range(len(pairs)), labels=[f"{one}  ·  {other}" for one, other in names], parse_math=False)
    axes.set_ylim(len(pairs) - 0.4, -0.6)
    style.add_legend(figure)
    return figure


def plot_suspicious_labels(
    suspicious: NDArray[np.int64], counts: NDArray[np.int64], *, label_names: Sequence[str]
) -> Figure:
    """Return a figure of the fraction of each label's rows with a suspicious label, the largest on top.

    Both arguments have shape (L,): the rows with a suspicious label, and the rows checked.
    """
    fractions = suspicious / np.maximum(counts, 1)
    order = np.argsort(-fractions, kind="stable")
    title = f"Suspicious labels: {suspicious.sum():,} of {counts.sum():,} rows"
    figure = style.build_figure(height=style.LINE * len(order) + 1.2, title=title)
    axes = style.format_axes(figure.add_subplot(), grid="x", xlabel="Fraction of the label's rows", percent="x")
    texts = [f"{suspicious[label]:,} of {counts[label]:,}" for label in order]
    _draw_bars(axes, {"suspicious": fractions[order]}, texts=texts)
    style.name_rows(axes, [label_names[label] for label in order])
    return figure


def plot_years(counts: NDArray[np.int64], *, years: Sequence[str], label_names: Sequence[str]) -> Figure:
    """Return a figure of rows by label and year (L, Y), each label colored by its fractions.

    Years ascend; what is not a number, such as `unknown`, comes last. More than 20 years become periods.
    """
    columns, table = _join_years(counts, years)
    height = style.LINE * max(len(label_names), 4) + 1.2
    figure = style.build_figure(height=height, title=f"{counts.sum():,} rows by label and year")
    axes = style.format_axes(figure.add_subplot())
    fractions = np.where(table > 0, table / np.maximum(table.sum(axis=1, keepdims=True), 1), np.nan)
    texts = np.vectorize(_write_count, otypes=[str])(table)
    image = style.draw_heatmap(axes, fractions, texts, names=(label_names, columns))
    bar = figure.colorbar(image, ax=axes, fraction=0.03, pad=0.015, aspect=40)
    style.format_axes(bar.ax, ylabel="Fraction of the label's rows (grey: none)", percent="y")
    return figure


def plot_text_lengths(token_counts: Sequence[int], *, max_length: int) -> Figure:
    """Return a histogram of tokens per text before truncation; the title counts the truncated texts.

    Where the longest text has more than 1.5 times the tokens of the 99.5th percentile, bars end at that percentile and
    the axis label counts the texts beyond. `max_length` is a line, left out at 4 times the last bar or more. Special
    tokens count, as they do in truncation. There must be a text.
    """
    lengths = np.asarray(token_counts, dtype=np.int64)
    truncated, longest = lengths > max_length, int(lengths.max())
    percentile = int(np.percentile(lengths, 99.5, method="higher"))
    last = longest if longest <= 1.5 * percentile else percentile
    n_beyond = (lengths > last).sum()
    beyond = f" (not shown: {n_beyond:,} texts with more than {last:,} tokens)" if n_beyond else ""
    count = f"{truncated.sum():,} of {lengths.size:,} texts ({truncated.mean():.1%})"
    count = count if truncated.any() else f"none of {lengths.size:,} texts"
    figure = style.build_figure(height=3.8, title=f"Truncated at max_length {max_length:,}: {count}")
    bin_width, xlabel = max(1, round(last / 60)), f"Tokens per text before truncation{beyond}"
    ylabel = "Number of texts" if bin_width == 1 else f"Number of texts ({bin_width} tokens per bar)"
    axes = style.format_axes(figure.add_subplot(), grid="y", xlabel=xlabel, ylabel=ylabel)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    # max_length + 0.5 is an edge, so that no bar mixes whole and truncated texts.
    edges = np.arange((max_length + 0.5) % bin_width - bin_width, last + bin_width + 0.5, bin_width).tolist()
    for is_member, color, name in ((~truncated, style.BLUE, "whole"), (truncated, style.ORANGE, "truncated")):
        if is_member.any():
            axes.hist(lengths[is_member & (lengths <= last)], bins=edges, color=color, label=name, ec="white", lw=0.4)
    axes.set_xlim(0, last + 1)
    if max_length < 4 * last:
        style.draw_mark(axes, max_length + 0.5, text=f"max_length {max_length:,}")
        axes.set_xlim(0, max(last + 1, 1.03 * max_length))
    if truncated.any():
        style.add_legend(figure)
    return figure


def plot_label_lengths(quantiles: NDArray[np.int64], *, label_names: Sequence[str], max_length: int) -> Figure:
    """Return a figure of the tokens per text of each label: median, middle 50% and middle 90%.

    The label with the longest median is on top, ties in label order. `max_length` is a line where it is in sight.
    `quantiles` (L, 5) are 5%, 25%, 50%, 75% and 95%.
    """
    order = np.argsort(-quantiles[:, 2], kind="stable")
    low, start, middle, end, high = quantiles[order].T
    figure = style.build_figure(height=style.LINE * len(order) + 1.4, title="Text lengths by label")
    axes = style.format_axes(figure.add_subplot(), grid="x", xlabel="Tokens per text before truncation")
    rows = np.arange(len(order))
    axes.hlines(rows, low, high, color=style.SKY, linewidth=2, label="middle 90%")
    axes.hlines(rows, start, end, color=style.BLUE, linewidth=6, label="middle 50%")
    axes.plot(middle, rows, ls="", marker="o", markersize=5, mfc="white", mec=style.INK, label="median")
    style.name_rows(axes, [label_names[label] for label in order])
    axes.set_xlim(0, 1.05 * max(high.max(), 1))
    if max_length <= 1.5 * high.max():
        style.draw_mark(axes, max_length + 0.5, text=f"max_length {max_length:,}")
        axes.set_xlim(0, 1.05 * max(high.max(), max_length))
    style.set_whole_ticks(axes)
    style.add_legend(figure)
    return figure


def _draw_bars(axes: Axes, parts: Mapping[str, NDArray[Any]], *, texts: Sequence[str]) -> None:
    """Draw stacked bars, one per row, with a text at the end of each."""
    left = np.zeros(len(texts))
    for (name, widths), color in zip(parts.items(), (style.BLUE, style.SKY, style.ORANGE), strict=False):
        bars = axes.barh(range(len(texts)), widths, left=left, height=0.7, color=color, label=name)
        left = left + widths
    axes.bar_label(bars, texts, padding=3, fontsize=style.SMALL, color=style.INK)
    axes.set_xlim(0, 1.2 * (left.max() or 1))


def _join_years(counts: NDArray[np.int64], years: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the columns and their rows; too many years are joined to periods of 2, 5, 10 ... years."""
    if len(years) <= _MAX_COLUMNS:
        return [*years], counts
    numbers = np.array([int(year) for year in years if year.isdigit()])
    span = next(span for span in (2, 5, 10, 20, 50, 100) if numbers[-1] // span - numbers[0] // span < _MAX_COLUMNS)
    starts, indices = np.unique(numbers // span * span, return_inverse=True)
    table = np.zeros((len(counts), len(starts)), dtype=np.int64)
    np.add.at(table.T, indices, counts[:, : len(numbers)].T)
    names = [f"{start}-{start + span - 1}" for start in starts.tolist()]
    return [*names, *years[len(numbers) :]], np.hstack([table, counts[:, len(numbers) :]])


def _write_count(count: int) -> str:
    """Write a count in at most four characters, nothing for 0."""
    if count < 10_000:
        return str(count or "")
    return f"{count / 1000:.0f}k" if count < 1_000_000 else f"{count / 1e6:.0f}M"
