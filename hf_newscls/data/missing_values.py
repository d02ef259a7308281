"""Find texts and labels that stand for nothing, such as nan and N/A."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset

from hf_newscls.data.labels import quote_text, show_label
from hf_newscls.data.readers.columns import TEXT, to_dataset
from hf_newscls.errors import DataError, format_examples
from hf_newscls.recipe.data import DataSection

# As pandas, R, SQL, JavaScript and Excel write them, in lower case.
_PLACEHOLDERS = frozenset(
    {"nan", "-nan", "none", "null", "(null)", "undefined", "na", "<na>", "n/a", "#n/a", "#na", "#n/a n/a"}
)
_LONGEST = 32  # bytes, with white space


def clear_missing_values(rows: Dataset, section: DataSection, *, source_name: str) -> Dataset:
    """Return the rows with null for each text and label that `data.missing_values` lists.

    Raises:
        DataError: the recipe has no such list, and some texts or labels seem to stand for nothing.
    """
    table: pa.Table = rows.with_format("arrow")[:]
    columns = {name: table.column(name).cast(TEXT) for name in (*section.text, section.label_column)}
    if section.missing_values is None:
        _refuse_placeholders(columns, section, source_name)
    if not section.missing_values:
        return rows
    for name, column in columns.items():
        cleared = clear_column(column, section.missing_values)
        table = table.set_column(table.column_names.index(name), name, cleared)
    return to_dataset(table)


def clear_column(column: pa.ChunkedArray, missing_values: Sequence[str]) -> pa.ChunkedArray:
    """Return a column of text with null for each value that stands for nothing.

    >>> clear_column(pa.chunked_array([["Storm hits", " nan "]], TEXT), ["nan"]).to_pylist()
    ['Storm hits', None]
    """
    is_missing = pc.is_in(pc.utf8_trim_whitespace(column), value_set=pa.array(missing_values, TEXT))
    return pc.if_else(is_missing, None, column)


def _refuse_placeholders(columns: dict[str, pa.ChunkedArray], section: DataSection, source_name: str) -> None:
    found = {name: _count_placeholders(column) for name, column in columns.items()}
    labels = found[section.label_column]
    found[section.label_column] = {label: count for label, count in labels.items() if label not in section.named_labels}
    values = sorted({value for counts in found.values() for value in counts})
    if not values:
        return
    shown = [f"{show_label(value, counts)} in {name}" for name, counts in found.items() for value in counts]
    drops_rows = found[section.label_column] and section.missing_label == "error"
    raise DataError(
        f"{source_name}: values that seem to stand for nothing: {format_examples(shown)}; add `missing_values: "
        f"[{', '.join(map(quote_text, values))}]` to the data section to read them as empty"
        f"{', with `missing_label: drop` to drop rows without a label' if drops_rows else ''}, or `missing_values: []` "
        "to keep them"
    )


def _count_placeholders(column: pa.ChunkedArray) -> dict[str, int]:
    """Return the number of rows of each value that seems to stand for nothing."""
    short = column.filter(pc.less_equal(pc.binary_length(column), _LONGEST))
    trimmed = pc.utf8_trim_whitespace(short)
    found = trimmed.filter(pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(sorted(_PLACEHOLDERS), TEXT)))
    return {pair["values"]: pair["counts"] for pair in pc.value_counts(found).to_pylist()}
