"""Reading any file gives its rows or one of our errors, and every row is kept or dropped for a reason."""

import csv
import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasets import Dataset
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hf_newscls.data.cleaning import clean_rows
from hf_newscls.errors import InputError
from hf_newscls.recipe.data import DataSection
from hf_newscls.recipe.files import CsvSection
from tests.data.excel_files import write_ods, write_xlsx
from tests.data.reading import number_rows, read_rows

COLUMNS = ("title", "label")
# Each example writes its own file over the one before, so the folder may be shared.
quick = settings(
    deadline=None, max_examples=30, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

awkward = st.sampled_from(
    ["", " ", '"', '""', ",", "\n", "\r\n", "\t", "é", "日本", "\0", "\ufeff", "REAL", "[", "{", "'"]
)
cell = st.lists(awkward | st.text(max_size=5), max_size=4).map("".join)
encoding = st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-32"])
named = st.sampled_from([None, "utf-8", "latin-1", "utf-16", "ascii", "no-such"])
json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def read(path: Path, content: bytes, name: str | None = None, **csv_keys: Any) -> Dataset | None:
    """Read a file of this content, or return None if it was refused; only our own errors are caught."""
    path.write_bytes(content)
    problem, rows = "", None
    try:
        rows = read_rows(path, columns=COLUMNS, encoding=name, csv=CsvSection(**csv_keys))
    except InputError as error:
        problem = str(error)
    if rows is None:
        assert problem.startswith(f"{path}: ")
        assert ";" in problem
        return None
    assert rows.column_names == ["id", *COLUMNS]
    assert rows["id"][:] == [str(index) for index in range(len(rows))]
    return rows


def write_csv(rows: Sequence[Sequence[str]], **dialect: Any) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, **dialect)
    writer.writerows([COLUMNS, *rows])
    return stream.getvalue()


def _drop(text: str, characters: str) -> str:
    return text.translate(dict.fromkeys(map(ord, characters)))


@quick
@given(
    rows=st.lists(st.tuples(cell, cell), min_size=1, max_size=8),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_csv_gives_back_what_was_written(
    rows: list[tuple[str, str]], quoting: int, line_end: str, tmp_path: Path
) -> None:
    # Python's writer does not quote a carriage return, so a reader takes it for a line end.
    bare = "\0" if quoting == csv.QUOTE_ALL else "\0\r"
    rows = [(_drop(title, bare), _drop(label, bare)) for title, label in rows]
    content = write_csv(rows, quoting=quoting, lineterminator=line_end)
    found = read(tmp_path / "news.csv", content.encode(), "utf-8", quoting="minimal")
    assert found is not None
    assert [*zip(found["title"], found["label"], strict=True)] == [
        (title or None, label or None) for title, label in rows
    ]


@quick
@given(
    lines=st.lists(st.lists(cell, max_size=4).map(",".join), max_size=8),
    header=st.sampled_from(["title,label", "label,title,title", "title", '"title,label', ""]),
    written=encoding,
    named=named,
)
def test_lines_of_any_shape_are_read_or_refused(
    lines: list[str], header: str, written: str, named: str | None, tmp_path: Path
) -> None:
    read(tmp_path / "news.csv", "\n".join([header, *lines]).encode(written, "replace"), named)


@quick
@given(
    records=st.lists(
        st.dictionaries(st.sampled_from([*COLUMNS, "date"]), json_value, max_size=3) | json_value, max_size=6
    ),
    is_array=st.booleans(),
    indent=st.sampled_from([None, 1]),
)
def test_json_of_any_values_is_read_or_refused(
    records: list[Any], is_array: bool, indent: int | None, tmp_path: Path
) -> None:
    content = json.dumps(records, indent=indent) if is_array else "\n".join(map(json.dumps, records))
    found = read(tmp_path / "news.json", content.encode())
    is_plain = all(
        isinstance(record, dict) and not any(isinstance(record.get(name), (list, dict)) for name in COLUMNS)
        for record in records
    )
    names = {name for record in records if isinstance(record, dict) for name in record}
    assert (found is not None) == bool(records and is_plain and {*COLUMNS} <= names)
    if found is not None:
        assert len(found) == len(records)


@quick
@given(
    rows=st.lists(st.tuples(cell, cell, cell), min_size=1, max_size=8),
    form=st.sampled_from(["columns", "records", "lines", "objects", "wrapped", "pages"]),
    options=st.fixed_dictionaries({"force_ascii": st.booleans(), "indent": st.sampled_from([0, 2])}),
)
def test_json_gives_back_what_pandas_wrote(
    rows: list[tuple[str, str, str]], form: str, options: dict[str, Any], tmp_path: Path
) -> None:
    frame = pd.DataFrame(rows, columns=["title", "source", "label"])
    frame["source"] = [{"name": name} for name in frame["source"]]
    records = frame.to_json(orient="records", **options)
    content = {
        "columns": frame.drop(columns="source").to_json(orient="columns", **options),
        "lines": frame.to_json(orient="records", lines=True, force_ascii=options["force_ascii"]),
        "objects": "\n".join(json.dumps(record, indent=2) for record in json.loads(records)),
        "wrapped": f'{{"status": "ok", "data": {{"items": {records}}}, "next": null}}',
        "pages": f'{{"data": {{"items": []}}}}\n{{"data": {{"items": {records}}}}}',
    }.get(form, records)
    (tmp_path / "news.json").write_text(content, encoding="utf-8", newline="")
    inner = [] if form == "columns" else ["source.name"]
    found = read_rows(
        tmp_path / "news.json",
        columns=["title", "label", *inner],
        json_records="data.items" if form in {"wrapped", "pages"} else None,
    )
    assert found["title"][:] == [title or None for title, _, _ in rows]
    assert found["label"][:] == [label or None for _, _, label in rows]
    if inner:
        assert found["source.name"][:] == [name or None for _, name, _ in rows]


@quick
@given(rows=st.lists(st.tuples(cell, cell), min_size=1, max_size=8), ending=st.sampled_from(["xlsx", "ods"]))
def test_sheet_gives_back_what_was_written(rows: list[tuple[str, str]], ending: str, tmp_path: Path) -> None:
    # XML has no control characters; white space has elements of its own in OpenDocument.
    kept = [tuple("".join(filter(str.isprintable, value)).strip(" #") for value in row) for row in rows]
    kept = [(" ".join(title.split()), " ".join(label.split())) for title, label in kept]
    write = {"xlsx": write_xlsx, "ods": write_ods}[ending]
    path = write(tmp_path / f"news.{ending}", {"News": [COLUMNS, *kept, ("end", "end")]})
    found = read_rows(path, columns=COLUMNS)
    expected = [(title or None, label or None) for title, label in kept if title or label]
    assert [*zip(found["title"], found["label"], strict=True)] == [*expected, ("end", "end")]


@quick
@given(
    content=st.binary(max_size=200),
    start=st.sampled_from(
        [b"", b"title,label\n", b"{", b"[", b"PAR1", b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd"]
    ),
    named=named,
)
def test_random_bytes_are_read_or_refused(content: bytes, start: bytes, named: str | None, tmp_path: Path) -> None:
    read(tmp_path / "news.data", start + content, named)


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Good files of all kinds, by their ending."""
    rows = [{"title": f"Café {index}, open\nlate", "label": "REAL" if index % 2 else "FAKE"} for index in range(40)]
    path = tmp_path_factory.mktemp("whole") / "news.parquet"
    Dataset.from_list(rows).to_parquet(path)
    plain = write_csv([(row["title"], row["label"]) for row in rows]).encode()
    return {
        "csv": plain,
        "json": json.dumps(rows).encode(),
        "jsonl": "\n".join(map(json.dumps, rows)).encode(),
        "parquet": path.read_bytes(),
        "csv.gz": gzip.compress(plain, mtime=0),
    }


@quick
@given(data=st.data(), ending=st.sampled_from(["csv", "json", "jsonl", "parquet", "csv.gz"]))
def test_file_cut_off_anywhere_is_read_or_refused(
    data: st.DataObject, ending: str, whole_files: dict[str, bytes], tmp_path: Path
) -> None:
    whole = whole_files[ending]
    length = data.draw(st.integers(0, len(whole)))
    found = read(tmp_path / f"news.{ending}", whole[:length])
    if length == len(whole):
        assert found is not None
        assert len(found) == 40
    elif ending in {"json", "parquet", "csv.gz"}:
        assert found is None


@quick
@given(data=st.data(), ending=st.sampled_from(["csv", "json", "jsonl", "parquet", "csv.gz"]))
def test_file_damaged_anywhere_is_read_or_refused(
    data: st.DataObject, ending: str, whole_files: dict[str, bytes], tmp_path: Path
) -> None:
    content = bytearray(whole_files[ending])
    for index in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
        content[index] = data.draw(st.integers(0, 255))
    found = read(tmp_path / f"news.{ending}", bytes(content))
    if found is not None:
        assert all(isinstance(title, str | None) for title in found["title"])


@quick
@given(
    rows=st.lists(st.tuples(cell, st.sampled_from(["", " ", "REAL", "FAKE", "REAL "])), max_size=12),
    minimum=st.integers(1, 4),
)
def test_every_row_of_a_file_is_kept_or_dropped_for_a_reason(
    rows: list[tuple[str, str]], minimum: int, tmp_path: Path
) -> None:
    rows = [(_drop(title, "\0"), label) for title, label in rows] + [("Storm hits", "REAL"), ("Moon is", "FAKE")]
    found = read(tmp_path / "news.csv", write_csv(rows, quoting=csv.QUOTE_ALL).encode(), "utf-8", quoting="minimal")
    assert found is not None
    section = DataSection(
        source="news.csv", text=["title"], label="label", min_characters=minimum, missing_label="drop"
    )
    cleaned = clean_rows(number_rows(found), section, source_name="news.csv")
    assert cleaned.rows_read == len(rows) == len(cleaned.dataset) + sum(cleaned.dropped.values())
    assert cleaned.dropped["missing label"] == sum(not label.strip() for _, label in rows)
    assert cleaned.dropped["empty text"] == sum(bool(label.strip()) and not title.strip() for title, label in rows)
