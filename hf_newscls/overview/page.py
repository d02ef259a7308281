"""Write the folder of an overview: page, figures, JSON and lists of rows.

::

    overview/<recipe>/overview.md             the page: figures and tables together
                      overview.json           all statistics
                      suspicious_labels.csv   rows with a suspicious label, the most suspicious first
                      duplicates.csv          rows of the same article, group by group
                      conflicting_labels.csv  rows with the same text and different labels, text by text
                      figures/                PNG files
"""

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import MappingProxyType

import numpy as np
from matplotlib.figure import Figure

from hf_newscls.data.duplicates import Rows, find_repeated, groups_with_conflicting_labels
from hf_newscls.data.readers.rows import ROW_ID
from hf_newscls.errors import shorten_text
from hf_newscls.files import name_source
from hf_newscls.overview.overview import Overview
from hf_newscls.report.error_tables import iterate_suspicious, write_rows, write_suspicious
from hf_newscls.report.figures.confusion import plot_confusion_matrix
from hf_newscls.report.figures.data import (
    plot_confused_labels,
    plot_label_distribution,
    plot_label_lengths,
    plot_suspicious_labels,
    plot_text_lengths,
    plot_years,
)
from hf_newscls.report.figures.fonts import find_replaced, name_labels
from hf_newscls.report.figures.style import save_figure
from hf_newscls.report.template import render_template
from hf_newscls.report.text import flatten_text
from hf_newscls.storage import replace_folder, report_disk_errors, write_json, write_text

_SUSPICIOUS_ON_PAGE = 20
_PAIRS_ON_PAGE = 10
_CAPTIONS = {
    "rows_by_label.png": "Rows per label, split into articles and their duplicates",
    "rows_by_year.png": "Rows per label and year",
    "text_lengths.png": "Text lengths in tokens, before truncation",
    "lengths_by_label.png": "Text lengths in tokens, per label",
    "confused_labels.png": "The pairs of labels that the simple model confuses most often",
    "confusion_matrix.png": "Confusion matrix of the simple model: labels in rows, predictions in columns",
    "suspicious_labels.png": "Suspicious rows per label",
}


def write_overview(overview: Overview, folder: Path) -> None:
    """Write the folder, whole or not at all; an earlier overview is replaced.

    Raises:
        StorageError: the disk is full.
    """
    folder = folder.resolve()
    shown = name_labels(overview.data.label_names)
    figures = _plot_figures(overview, names=shown)
    replaced = find_replaced(overview.data.label_names, shown)
    page = render_overview(overview, figures=[*figures], figure_labels=replaced)
    texts, labels = overview.groups.texts, np.asarray(overview.rows["label"][:])
    with report_disk_errors(folder), replace_folder(folder) as fresh:
        (fresh / "figures").mkdir()
        for name, figure in figures.items():
            save_figure(figure, fresh / "figures" / name)
        write_suspicious(fresh, overview.rows, overview.quality.suspicious, label_names=overview.quality.label_names)
        articles = overview.groups.groups
        _write_groups(fresh / "duplicates.csv", overview, articles, chosen=find_repeated(articles))
        conflicting = groups_with_conflicting_labels(texts, labels)
        _write_groups(fresh / "conflicting_labels.csv", overview, texts, chosen=conflicting)
        write_json(fresh / "overview.json", overview.to_dict())
        write_text(fresh / "overview.md", page)


def render_overview(
    overview: Overview, *, figures: Sequence[str], figure_labels: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Return the page as Markdown.

    Args:
        figures: file names in `figures/`, next to the page.
        figure_labels: names of labels that the figures show by id, by what they show.
    """
    quality = overview.quality
    suspicious = iterate_suspicious(overview.rows, quality.suspicious, label_names=quality.label_names)
    page = render_template(
        "hf_newscls.overview",
        "templates/overview.md.jinja",
        recipe=overview.recipe,
        source_name=", ".join(map(name_source, overview.recipe.data.sources)),
        data=overview.data,
        quality=quality,
        most_confused=quality.rank_by_confusion(limit=_PAIRS_ON_PAGE),
        most_similar=quality.rank_by_similarity(limit=_PAIRS_ON_PAGE),
        n_suspicious=len(quality.suspicious.indices),
        suspicious=[(*cells, shorten_text(text)) for *cells, text in islice(suspicious, _SUSPICIOUS_ON_PAGE)],
        figure_labels=figure_labels,
        figures={name: caption for name, caption in _CAPTIONS.items() if name in figures},
    )
    return re.sub(r"\n{3,}", "\n\n", page)


def _plot_figures(overview: Overview, *, names: Sequence[str]) -> Mapping[str, Figure]:
    data, quality, max_length = overview.data, overview.quality, overview.data.token_summary.max_length
    shown, pairs = dict(zip(data.label_names, names, strict=True)), quality.rank_by_confusion()
    labels, articles = np.asarray(overview.rows["label"][:]), overview.groups.groups
    is_first = articles == np.arange(len(articles))
    parts = {"articles": labels[is_first], "duplicates": labels[~is_first]}
    counts = {part: np.bincount(values, minlength=len(names)).tolist() for part, values in parts.items()}
    figures = {
        "rows_by_label.png": plot_label_distribution(counts, label_names=names),
        "text_lengths.png": plot_text_lengths(overview.token_counts.tolist(), max_length=max_length),
        "lengths_by_label.png": plot_label_lengths(data.label_tokens, label_names=names, max_length=max_length),
        "confusion_matrix.png": plot_confusion_matrix(quality.confusion, label_names=names),
        "suspicious_labels.png": plot_suspicious_labels(
            quality.count_suspicious(), quality.confusion.sum(axis=1), label_names=names
        ),
    }
    if data.years:
        figures["rows_by_year.png"] = plot_years(data.year_counts, years=data.years, label_names=names)
    if pairs:
        figures["confused_labels.png"] = plot_confused_labels(
            [(shown[pair.first], shown[pair.second]) for pair in pairs],
            fractions=np.array([[pair.first_as_second, pair.second_as_first] for pair in pairs]),
        )
    return figures


def _write_groups(path: Path, overview: Overview, groups: Rows, *, chosen: Rows) -> None:
    """Write the rows of the chosen groups, group by group; the id of its first row is the name of a group."""
    members = np.flatnonzero(np.isin(groups, chosen))
    members = members[np.argsort(groups[members], kind="stable")]
    names, rows = overview.data.label_names, overview.rows.select(members)
    columns = (
        overview.rows.select(groups[members])[ROW_ID],
        rows[ROW_ID],
        (names[label] for label in rows["label"]),
        map(flatten_text, rows["text"]),
    )
    write_rows(path, ("group", "id", "label", "text"), zip(*columns, strict=True))
