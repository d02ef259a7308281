"""The tables that sum an overview up on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Column, Table

from hf_newscls.cli.terminal import make_printable

if TYPE_CHECKING:
    from hf_newscls.evaluation.label_quality import LabelQuality
    from hf_newscls.overview.overview import Overview
    from hf_newscls.overview.statistics import DataOverview

__all__ = ["build_tables"]

_PAIRS = 5


def build_tables(overview: Overview) -> list[Table]:
    """Return the main figures, rows by label, and the labels most often confused, each as a table."""
    tables = [_sum_up(overview), _count_labels(overview.data, overview.quality)]
    return [*tables, table] if (table := _list_pairs(overview.quality)).row_count else tables


def _sum_up(overview: Overview) -> Table:
    data, quality = overview.data, overview.quality
    cut, words, tokens = data.truncation, data.words.quantiles, data.tokens.quantiles
    sample = f"{quality.rows:,} rows" + (
        f" sampled of {quality.rows_given:,}" if quality.rows < quality.rows_given else ""
    )
    table = Table("what", "found", box=None, header_style="bold")
    table.add_row("rows read", f"{data.rows_read:,}")
    for reason, count in data.dropped.items():
        if count:
            table.add_row(f"dropped for {reason}", f"{count:,}")
    table.add_row("rows kept", f"{data.rows_kept:,}, {data.articles:,} different articles")
    for name, repeats in (("equal texts", data.equal), ("alike, but not equal", data.alike)):
        table.add_row(name, f"{repeats.rows:,} rows in {repeats.groups:,} groups, {repeats.extra:,} of them repeats")
    table.add_row("texts under several labels", f"{data.contradictions.groups:,} in {data.contradictions.rows:,} rows")
    table.add_row("words, 5% to 95%", f"{words['5%']:,} to {words['95%']:,}, median {words['50%']:,}")
    table.add_row("tokens, 5% to 95%", f"{tokens['5%']:,} to {tokens['95%']:,}, median {tokens['50%']:,}")
    table.add_row(
        f"beyond {cut.max_length:,} tokens",
        f"{cut.texts:,} texts ({cut.text_fraction:.1%}), {cut.cut_fraction:.1%} of all tokens are cut off",
    )
    table.add_row("simple model", f"{quality.accuracy:.1%} right in {quality.folds} folds on {sample}")
    table.add_row("suspicious labels", f"{len(quality.suspicious.indices):,}")
    return table


def _count_labels(data: DataOverview, quality: LabelQuality) -> Table:
    years = ("years",) if data.years else ()
    table = Table("label", _number("rows"), _number("share"), *years, _number("suspicious"))
    for label, (name, suspicious) in enumerate(zip(data.label_names, quality.count_suspicious(), strict=True)):
        count = data.label_counts[label]
        present = [year for year, rows in zip(data.years, data.year_counts[label], strict=True) if rows]
        span = (present[0] if len(present) == 1 else f"{present[0]} to {present[-1]}",) if present else ()
        table.add_row(make_printable(name), f"{count:,}", f"{count / data.rows_kept:.1%}", *span, f"{suspicious:,}")
    return table


def _list_pairs(quality: LabelQuality) -> Table:
    fractions = (_number(name) for name in ("first taken for second", "reverse"))
    table = Table("label", "label", *fractions, title="most often confused")
    for pair in quality.rank_by_confusion(limit=_PAIRS):
        names = make_printable(pair.first), make_printable(pair.second)
        table.add_row(*names, f"{pair.first_as_second:.1%}", f"{pair.second_as_first:.1%}")
    return table


def _number(header: str) -> Column:
    """Return a column of numbers."""
    return Column(header, justify="right")
