"""A file cannot fill the memory: values have a limit, and so has what a small file may unpack to."""

import bz2
import csv
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_newscls.data.readers import compression
from hf_newscls.errors import DataError
from tests.data.excel_files import write_xlsx
from tests.data.reading import read_rows

COLUMNS = ["title", "label"]
LIMIT = 1000


def write_folder(path: Path, text: str) -> Path:
    for label, content in (("A", "ok"), ("B", text)):
        (path / label).mkdir(parents=True)
        (path / label / "1.txt").write_text(content)
    return path


def write_rows(path: Path, text: str) -> Path:
    rows = [{"title": "ok", "label": "A"}, {"title": text, "label": "B"}]
    if path.suffix == ".csv":
        path.write_text("title,label\nok,A\n" + f'"{text}",B\n')
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows))
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        write_xlsx(path, {"News": [COLUMNS, *[[row["title"], row["label"]] for row in rows]]})
    return path


ROWS = {"csv": "line 3", "json": "item 1", "jsonl": "line 2", "parquet": "row 2", "xlsx": "row 3"}


@pytest.mark.parametrize("length", [LIMIT, LIMIT + 1, 5 * LIMIT])
@pytest.mark.parametrize("kind", ROWS)
def test_value_has_a_limit(kind: str, length: int, tmp_path: Path) -> None:
    path = write_rows(tmp_path / f"news.{kind}", "ä" * length)
    if length == LIMIT:
        assert len(read_rows(path, columns=COLUMNS, max_characters=LIMIT)) == 2
        return
    with pytest.raises(DataError) as caught:
        read_rows(path, columns=COLUMNS, max_characters=LIMIT)
    assert "data.max_characters" in str(caught.value)
    assert ROWS[kind] in str(caught.value)


def test_file_of_a_folder_has_a_limit(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"B/1\.txt.*data\.max_characters"):
        read_rows(write_folder(tmp_path / "news", "x" * (LIMIT + 1)), columns=["text"], max_characters=LIMIT)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_line_without_end_is_not_read_to_its_end(kind: str, tmp_path: Path) -> None:
    first = {"csv": "title,label\n", "jsonl": '{"title": "a", "label": "A"}\n'}[kind]
    (tmp_path / f"news.{kind}").write_text(first + "x," * 10 * LIMIT)
    with pytest.raises(DataError, match=r"line 2: .*data\.max_characters"):
        read_rows(tmp_path / f"news.{kind}", columns=COLUMNS, max_characters=LIMIT)


def test_value_over_many_lines_has_a_limit(tmp_path: Path) -> None:
    (tmp_path / "news.csv").write_text('title,label\nok,A\n"' + "x\n" * LIMIT + '",B\n')
    with pytest.raises(DataError, match=r"line 3: .*data\.max_characters"):
        read_rows(tmp_path / "news.csv", columns=COLUMNS, max_characters=LIMIT)


def test_json_value_without_end_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hf_newscls.data.readers.json_file.stream._CHUNK_CHARACTERS", 100)
    content = '[\n{"title": "a", "label": "A"},\n{"title": "' + "x" * 10 * LIMIT
    (tmp_path / "news.json").write_text(content)
    with pytest.raises(DataError, match=r"line 3, column 1: .*data\.max_characters"):
        read_rows(tmp_path / "news.json", columns=COLUMNS, max_characters=LIMIT)


def test_wrong_separators_do_not_count_as_long_values(tmp_path: Path) -> None:
    # With another separator, the whole line is one value.
    text = "x" * (LIMIT - 1)
    (tmp_path / "news.csv").write_text(f"title,body,label\n{text},{text},A\n")
    assert read_rows(tmp_path / "news.csv", columns=COLUMNS, max_characters=LIMIT)["title"][:] == [text]
    assert csv.field_size_limit() == LIMIT


def zip_one(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("news.csv", content)
    return packed.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda content: pa.compress(content, codec="zstd", asbytes=True),
    "zip": zip_one,
}


@pytest.mark.parametrize("ending", PACKERS)
@pytest.mark.parametrize("rows", [1_000, 200_000])
def test_small_file_may_not_unpack_to_a_large_one(
    rows: int, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "_FREE_BYTES", 100_000)
    path = tmp_path / f"news.csv.{ending}"
    path.write_bytes(PACKERS[ending](b"title,label\n" + b"a,A\n" * rows))
    if rows == 1_000:
        assert len(read_rows(path, columns=COLUMNS)) == 1_000
        return
    with pytest.raises(DataError, match=r"news\.csv.*line \d+"):
        read_rows(path, columns=COLUMNS)


def test_parquet_may_not_repeat_a_value_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "_FREE_BYTES", 100_000)
    titles = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), ["x" * 900])
    pq.write_table(pa.table({"title": titles, "label": ["A"] * 1000}), tmp_path / "news.parquet")
    with pytest.raises(DataError, match=r"news\.parquet"):
        read_rows(tmp_path / "news.parquet", columns=COLUMNS)


def change_parts(path: Path, old: bytes, new: bytes) -> Path:
    with zipfile.ZipFile(path) as archive:
        parts = {info.filename: (info.compress_type, archive.read(info)) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, (kind, content) in parts.items():
            archive.writestr(name, content.replace(old, new), compress_type=kind)
    return path


def test_sheet_larger_than_the_memory_is_refused(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "news.xlsx", {"News": [COLUMNS, ["a", "A"], ["b", "B"]]})
    change_parts(path, b'r="A3"', b'r="XFD1048576"')
    with pytest.raises(DataError, match=r"news\.xlsx: .*memory"):
        read_rows(path, columns=COLUMNS)


@pytest.mark.parametrize("name", ["news.json", "news.jsonl"])
def test_brackets_inside_brackets_are_refused(name: str, tmp_path: Path) -> None:
    for content in ("[" * 5000 + "]" * 5000, '{"title":' * 5000, '{"title": "a", "label": "A"}\n' + "[" * 5000):
        (tmp_path / name).write_text(content)
        with pytest.raises(DataError, match=r"news\.jsonl?: "):
            read_rows(tmp_path / name, columns=COLUMNS)


def test_objects_inside_objects_with_long_keys_are_quick(tmp_path: Path) -> None:
    (tmp_path / "news.json").write_text(f'{{"{"k" * 4000}":' * 900 + "1" + "}" * 900 + '\n{"title": "a", "label": "A"}')
    assert read_rows(tmp_path / "news.json", columns=COLUMNS)["title"][:] == [None, "a"]
