"""The tables that summarize an overview on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Column, Table

from hf_newscls.cli.tables import list_files
from hf_newscls.cli.terminal import make_printable

if TYPE_CHECKING:
    from hf_newscls.evaluation.label_quality import LabelQuality
    from hf_newscls.overview.overview import Overview
    from hf_newscls.overview.statistics import DataOverview

_PAIRS = 5


def build_tables(overview: Overview) -> list[Table]:
    """Return tables of the files, the main statistics, the labels, and the labels that are confused most often."""
    tables = [
        _describe_files(overview.data),
        _summarize(overview),
        _list_labels(overview.data, overview.quality),
        _list_pairs(overview.quality),
    ]
    return [table for table in tables if table.row_count]


def _describe_files(data: DataOverview) -> Table:
    table = Table("read as", "", box=None, header_style="bold")
    for row in list_files(data.files):
        table.add_row(*row)
    return table


def _summarize(overview: Overview) -> Table:
    data, quality = overview.data, overview.quality
    cut, words, tokens = data.truncation, data.words.quantiles, data.tokens.quantiles
    sample = f", sampled from {quality.rows_given:,}" if quality.rows < quality.rows_given else ""
    table = Table("statistic", "value", box=None, header_style="bold")
    table.add_row("rows read", f"{data.rows_read:,}")
    for reason, count in data.dropped.items():
        if count:
            table.add_row(f"rows dropped: {reason}", f"{count:,}")
    table.add_row("rows kept", f"{data.rows_kept:,}, {data.articles:,} unique articles")
    for name, found in (
        ("exact duplicates", data.exact_duplicates),
        ("near duplicates", data.near_duplicates),
        ("conflicting labels", data.conflicting_labels),
    ):
        table.add_row(name, f"{found.rows:,} rows in {found.groups:,} {'group' if found.groups == 1 else 'groups'}")
    table.add_row("words, 5% to 95%", f"{words['5%']:,} to {words['95%']:,}, median {words['50%']:,}")
    table.add_row("tokens, 5% to 95%", f"{tokens['5%']:,} to {tokens['95%']:,}, median {tokens['50%']:,}")
    table.add_row(
        f"longer than {cut.max_length:,} tokens",
        f"{cut.texts:,} texts ({cut.text_fraction:.1%}); {cut.cut_fraction:.1%} of all tokens are cut off",
    )
    table.add_row(
        "simple model", f"accuracy {quality.accuracy:.1%}, {quality.folds} folds, {quality.rows:,} rows{sample}"
    )
    table.add_row("suspicious labels", f"{len(quality.suspicious.indices):,} rows")
    return table


def _list_labels(data: DataOverview, quality: LabelQuality) -> Table:
    years = ("years",) if data.years else ()
    table = Table("label", _number("rows"), _number("percent"), *years, _number("suspicious"))
    for label, (name, suspicious) in enumerate(zip(data.label_names, quality.count_suspicious(), strict=True)):
        count = data.label_counts[label]
        present = [year for year, rows in zip(data.years, data.year_counts[label], strict=True) if rows]
        span = (" to ".join(dict.fromkeys([present[0], present[-1]])),) if present else ()
        table.add_row(make_printable(name), f"{count:,}", f"{count / data.rows_kept:.1%}", *span, f"{suspicious:,}")
    return table


def _list_pairs(quality: LabelQuality) -> Table:
    columns = (_number("first predicted as second"), _number("reverse"))
    table = Table("first label", "second label", *columns, title="most often confused")
    for pair in quality.rank_by_confusion(limit=_PAIRS):
        names = make_printable(pair.first), make_printable(pair.second)
        table.add_row(*names, f"{pair.first_as_second:.1%}", f"{pair.second_as_first:.1%}")
    return table


def _number(header: str) -> Column:
    """Return a right-aligned column."""
    return Column(header, justify="right")
