"""News files of all kinds are read whole, or refused with the position of the fault."""

import csv
import datetime
import json
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from hf_newscls.data.readers import columns, parquet_file
from hf_newscls.data.readers.encoding import faults as encoding_faults
from hf_newscls.data.readers.format import CsvDialect, FileFormat, ReadOptions
from hf_newscls.data.readers.json_file import stream as json_stream
from hf_newscls.data.readers.rows import ROW_ID, read_files
from hf_newscls.errors import DataError
from hf_newscls.recipe.files import SOURCE_KEY, CsvSection
from tests.data.compressed_files import COMPRESSIONS, write_zip
from tests.data.excel_files import write_xlsx
from tests.data.reading import read_rows

COLUMNS = ("title", "label")


def write_bytes(folder: Path, content: bytes | str, *, name: str = "news.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read_titles(path: Path, **options: Any) -> list[tuple[str | None, str | None]]:
    rows = read_rows(path, columns=COLUMNS, **options)
    return [*zip(rows["title"], rows["label"], strict=True)]


def find_problem(path: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_rows(path, **{"columns": COLUMNS, **options})
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    return message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("title,label\na,X\nb,Y\n", [("a", "X"), ("b", "Y")]),
        ("title,label\na,X\nb,Y", [("a", "X"), ("b", "Y")]),
        ("title,label\r\na,X\r\n", [("a", "X")]),
        ("title,label\ra,X\rb,Y\r", [("a", "X"), ("b", "Y")]),
        ("label,date,title\nX,2020,a\n", [("a", "X")]),
        ("\n\ntitle,label\n\na,X\n\n\nb,Y\n\n", [("a", "X"), ("b", "Y")]),
        ("title,label\n,X\na,\n", [(None, "X"), ("a", None)]),
        ('title,label\n"",X\n', [(None, "X")]),
        ('title,label\n"a, b",X\n', [("a, b", "X")]),
        ('title,label\n"say ""no""",X\n', [('say "no"', "X")]),
        (
            'title,label\n"line one\nline two\n\nline four",X\nb,Y\n',
            [("line one\nline two\n\nline four", "X"), ("b", "Y")],
        ),
        ('title,label\r\n"one\r\ntwo",X\r\n', [("one\r\ntwo", "X")]),
        ("title,label\n a , X \n", [(" a ", " X ")]),
        ("title,label\na'b,X\n", [("a'b", "X")]),
        ("title,label\nNA,null\n", [("NA", "null")]),
        ("title,label\n007,1.0\n", [("007", "1.0")]),
    ],
)
def test_csv_is_read(content: str, expected: list[tuple[str | None, str | None]], tmp_path: Path) -> None:
    assert read_titles(write_bytes(tmp_path, content)) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_common_encodings_are_detected(encoding: str, tmp_path: Path) -> None:
    path = write_bytes(tmp_path, "title,label\nCafé Ünal,É\n".encode(encoding))
    assert read_titles(path) == [("Café Ünal", "É")]


def test_late_byte_decides_the_encoding(tmp_path: Path) -> None:
    # Beyond any sample that a guess would take.
    content = "title,label\n" + "plain,X\n" * 20_000 + "Café,Y\n"
    assert read_titles(write_bytes(tmp_path, content.encode("latin-1")))[-1] == ("Café", "Y")


@pytest.mark.parametrize(("encoding", "title"), [("cp1252", "“quoted”"), ("cp1251", "Москва"), ("utf-8", "日本")])
def test_encoding_of_the_recipe_is_used(encoding: str, title: str, tmp_path: Path) -> None:
    path = write_bytes(tmp_path, f"title,label\n{title},X\n".encode(encoding))
    assert read_titles(path, encoding=encoding) == [(title, "X")]


def test_byte_order_mark_is_not_part_of_the_first_column(tmp_path: Path) -> None:
    path = write_bytes(tmp_path, "title,label\na,X\n".encode("utf-8-sig"))
    assert read_titles(path, encoding="utf-8") == [("a", "X")]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "no-such-encoding"])
def test_wrong_encoding_is_refused(encoding: str, tmp_path: Path) -> None:
    path = write_bytes(tmp_path, "title,label\nCafé,X\n".encode("latin-1"))
    problem = find_problem(path, encoding=encoding)
    assert "`data.encoding`" in problem
    assert repr(encoding) in problem


def test_columns_without_a_name_are_named_as_in_pandas(tmp_path: Path) -> None:
    path = write_bytes(tmp_path, ",title,,label\n7,a,x,X\n8,b,y,Y\n")
    rows = read_rows(path, columns=["title", "Unnamed: 2"], id_column="Unnamed: 0")
    assert rows.to_dict() == {"id": ["7", "8"], "title": ["a", "b"], "Unnamed: 2": ["x", "y"], "Unnamed: 0": ["7", "8"]}


@pytest.mark.parametrize("length", [131_072, 131_073, 1_000_000])
def test_article_of_any_length_is_read(length: int, tmp_path: Path) -> None:
    csv.field_size_limit(131_072)  # what a fresh process has
    path = write_bytes(tmp_path, f'title,label\n"{"x" * length}",X\n')
    assert [len(title or "") for title, _ in read_titles(path)] == [length]


@pytest.mark.parametrize("mark", [";", "\t"])
def test_header_without_commas_decides_the_separator(mark: str, tmp_path: Path) -> None:
    path = write_bytes(tmp_path, f'\ntitle{mark}label{mark}"a, b"\na, b{mark}X{mark}\n"c{mark} d"{mark}Y{mark}\n')
    assert read_titles(path) == [("a, b", "X"), (f"c{mark} d", "Y")]


def test_tab_separated_values_are_read(tmp_path: Path) -> None:
    path = write_bytes(tmp_path, "title\tlabel\na, b\tX\n", name="news.tsv")
    assert read_titles(path) == [("a, b", "X")]


@pytest.mark.parametrize(
    ("content", "line", "found"),
    [
        ("title,label\na,X\nb,Y,Z\n", 3, 3),
        ("title,label\na\n", 2, 1),
        ('title,label\n"one\ntwo",X\n\n\nb,Y,Z\n', 6, 3),
        ('title,label\n"one\ntwo",X,Y\n', 2, 3),
        ("\ntitle,label\na,b,c\n", 3, 3),
    ],
)
def test_ragged_row_is_refused_with_its_line(content: str, line: int, found: int, tmp_path: Path) -> None:
    problem = find_problem(write_bytes(tmp_path, content))
    assert f"line {line}: {found} fields" in problem


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        ('title,label\n"a,X\nb,Y\n', 2, 1),
        ('title,label\n"one\ntwo",X\n\n"three\nfour,Y\n', 5, 1),
        ('title,label\na,"', 2, 3),
        ('"title,label\n', 1, 1),
    ],
)
def test_open_quote_is_refused_with_its_position(content: str, line: int, column: int, tmp_path: Path) -> None:
    problem = find_problem(write_bytes(tmp_path, content))
    assert f"line {line}, column {column}, " in problem
    assert "unexpected end of data" in problem


def test_stray_quote_is_refused_with_its_position(tmp_path: Path) -> None:
    assert "line 3, column 3, " in find_problem(write_bytes(tmp_path, 'title,label\na,X\n"b" c,Y\n'))


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n\r\n"])
def test_empty_file_is_refused(content: bytes, tmp_path: Path) -> None:
    assert "empty file" in find_problem(write_bytes(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("title,label\n", "news.csv"),
        ("title,label", "news.csv"),
        ("title,label\n\n\n", "news.csv"),
        ("[]", "news.json"),
    ],
)
def test_file_without_rows_is_refused(content: str, name: str, tmp_path: Path) -> None:
    problem = find_problem(write_bytes(tmp_path, content, name=name))
    assert "no rows" in problem


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n\x02\x01",
    ],
)
def test_binary_file_is_refused(content: bytes, tmp_path: Path) -> None:
    assert "byte 0x" in find_problem(write_bytes(tmp_path, content))


@pytest.mark.parametrize("name", ["news.csv", "news.json"])
def test_utf16_is_refused_by_name(name: str, tmp_path: Path) -> None:
    path = write_bytes(tmp_path, "title,label\na,X\n".encode("utf-16"), name=name)
    assert "`data.encoding: utf-16`" in find_problem(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize(
    ("content", "name"),
    [("title,label\nCafé,X\n", "news.csv"), ('{"title": "Café", "label": "X"}', "a"), ("[{}]", "b")],
)
def test_utf16_is_read_if_the_recipe_names_it(content: str, name: str, encoding: str, tmp_path: Path) -> None:
    content = content.replace("[{}]", '[{"title": "Café", "label": "X"}]')
    assert read_titles(write_bytes(tmp_path, content.encode(encoding), name=name), encoding=encoding) == [("Café", "X")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"title": "a", "label": "X"}\n{"label": "Y", "title": "b"}\n', [("a", "X"), ("b", "Y")]),
        ('{"title": "a", "label": "X"}\n\n{"title": "b", "label": "Y"}', [("a", "X"), ("b", "Y")]),
        ('\n [\n{"title": "a", "label": "X"},\n{"title": "b", "label": "Y"}]\n', [("a", "X"), ("b", "Y")]),
        ('{"title": "a", "label": "X"}\n{"title": "b"}\n', [("a", "X"), ("b", None)]),
        ('{"title": null, "label": ""}\n{"title": "", "label": "X"}\n', [(None, None), (None, "X")]),
        ('{"title": 7, "label": 0}\n{"title": 2.5, "label": true}\n', [("7", "0"), ("2.5", "True")]),
        ('{"title": "caf\\u00e9 \\ud83d\\ude00", "label": "X"}', [("café 😀", "X")]),
        ('{"title": "one\u2028two\x85three", "label": "X"}', [("one\u2028two\x85three", "X")]),
        ('{"title": "a\\nb", "label": "X", "authors": ["c", {"d": 1}]}', [("a\nb", "X")]),
    ],
)
@pytest.mark.parametrize("name", ["news.json", "news.jsonl", "news.txt"])
def test_json_is_read_whatever_the_ending(
    content: str, name: str, expected: list[tuple[str | None, str | None]], tmp_path: Path
) -> None:
    assert read_titles(write_bytes(tmp_path, content, name=name)) == expected


def test_json_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = write_bytes(tmp_path, '{"title": "a", "label": "X"}\n'.encode("utf-8-sig"), name="news.dat")
    assert read_titles(path) == [("a", "X")]


@pytest.mark.parametrize(
    ("content", "position"),
    [
        ('{"title": "a", "label": "X"}\n\n{"title": "b"\n', "line 3: column 14: "),
        ('{"title": "a", "label": "X"}\n{"title": "b", "label"', "line 2: column 23: "),
        ("{title: a}\n", "line 1: column 2: "),
        ('[{"title": "a", "label": "X"},\n\n{"title": }]', "line 3, column 11: "),
        ('[{"title": "a", "label": "X"}', "line 1, column 30: "),
        ('{"title": "a", "label": "X"}\n["b", "Y"]\n', "line 2: ['b', 'Y']"),
        ('{"title": "a", "label": "X"}\n17\n', "line 2: '17'"),
        ('[{"title": "a", "label": "X"}, null]', "item 1: None"),
    ],
)
def test_broken_json_is_refused_with_its_position(content: str, position: str, tmp_path: Path) -> None:
    assert position in find_problem(write_bytes(tmp_path, content, name="news.json"))


@pytest.mark.parametrize("form", ["{}\n", "[{}]"])
def test_json_nested_too_deeply_is_refused_with_its_position(form: str, tmp_path: Path) -> None:
    nested = "[" * 100_000 + "]" * 100_000
    path = write_bytes(tmp_path, form.format(f'{{"title": {nested}, "label": "X"}}'), name="news.json")
    problem = find_problem(path)
    assert "line 1" in problem
    assert "nested" in problem


def test_half_an_emoji_in_json_is_replaced(tmp_path: Path) -> None:
    # Texts that their publisher cut off end like this; UTF-8, and so Arrow, cannot hold the half.
    path = write_bytes(tmp_path, '{"title": "half \\ud83d", "label": "X"}\n', name="news.json")
    assert read_titles(path) == [("half \ufffd", "X")]


def test_parquet_is_read_whatever_the_ending(tmp_path: Path) -> None:
    table = pa.table({"label": [1, None, 0], "date": [1, 2, 3], "title": ["a", "", None]})
    pq.write_table(table, tmp_path / "news.data")
    assert read_titles(tmp_path / "news.data") == [("a", "1"), (None, None), (None, "0")]


def test_parquet_of_categories_is_read(tmp_path: Path) -> None:
    labels = pa.array(["X", "Y", "X"]).dictionary_encode()
    pq.write_table(pa.table({"title": ["a", "b", "c"], "label": labels}), tmp_path / "news.parquet")
    assert read_titles(tmp_path / "news.parquet") == [("a", "X"), ("b", "Y"), ("c", "X")]


def test_label_ids_of_parquet_become_the_names_in_the_file(tmp_path: Path) -> None:
    features = Features({"title": Value("string"), "label": ClassLabel(names=["FAKE", "REAL"])})
    rows = Dataset.from_dict({"title": ["a", "b", "c"], "label": [1, 0, None]}, features=features)
    rows.to_parquet(tmp_path / "news.parquet")
    assert read_titles(tmp_path / "news.parquet") == [("a", "REAL"), ("b", "FAKE"), ("c", None)]


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1, None, -3], ["1", None, "-3"]),
        ([1.5, float("nan")], ["1.5", None]),
        ([True, False], ["True", "False"]),
        ([datetime.date(2020, 1, 31)], ["2020-01-31"]),
        ([datetime.datetime(2020, 1, 31, 7)], ["2020-01-31 07:00:00"]),
        (["é".encode(), b""], ["é", None]),
    ],
)
def test_values_of_parquet_become_text(values: list[Any], texts: list[str | None], tmp_path: Path) -> None:
    pq.write_table(pa.table({"title": values, "label": ["X"] * len(values)}), tmp_path / "news.parquet")
    assert [title for title, _ in read_titles(tmp_path / "news.parquet")] == texts


@pytest.mark.parametrize(("value", "kind"), [(["a"], "list<"), ({"en": "a"}, "struct<")])
def test_parquet_column_of_lists_is_refused(value: Any, kind: str, tmp_path: Path) -> None:
    pq.write_table(pa.table({"title": [value], "label": ["X"]}), tmp_path / "news.parquet")
    assert f"column 'title' holds {kind}" in find_problem(tmp_path / "news.parquet")


@pytest.mark.parametrize("kind", ["json", "jsonl", "parquet", "features"])
def test_lists_of_labels_become_json(kind: str, tmp_path: Path) -> None:
    titles, labels = ["a", "b", "c", "d"], [["sport", "Météo"], ["sport"], [], None]
    path = tmp_path / f"news.{kind}"
    if kind == "features":
        numbers = [[0, 1], [0], [], None]
        features = Features({"title": Value("string"), "label": List(ClassLabel(names=["sport", "Météo"]))})
        Dataset.from_dict({"title": titles, "label": numbers}, features=features).to_parquet(path)
    elif kind == "parquet":
        pq.write_table(pa.table({"title": titles, "label": labels}), path)
    else:
        records = [{"title": title, "label": label} for title, label in zip(titles, labels, strict=True)]
        path.write_text("\n".join(map(json.dumps, records)) if kind == "jsonl" else json.dumps(records))
    expected = [("a", '["sport", "Météo"]'), ("b", '["sport"]'), ("c", "[]"), ("d", None)]
    assert read_titles(path, list_column="label") == expected
    assert "column 'label' holds" in find_problem(path)


def test_negative_ids_in_lists_have_no_name() -> None:
    def convert(*lists: list[int | None]) -> list[str]:
        table, names = pa.table({"label": pa.array(lists, pa.list_(pa.int64()))}), {"label": ["sport", "world"]}
        found = columns.convert_table(table, ["label"], source_name="a", label_names=names, list_column="label")
        return found.column("label").to_pylist()

    assert convert([1, -1, None], [-1], []) == ['["world"]', "[]", "[]"]
    with pytest.raises(pa.ArrowException):
        convert([2])


@pytest.mark.parametrize("value", [[["a"]], [{"name": "a"}]])
def test_lists_of_other_things_than_texts_are_refused(value: list[Any], tmp_path: Path) -> None:
    pq.write_table(pa.table({"title": ["a"], "label": [value]}), tmp_path / "news.parquet")
    (tmp_path / "news.jsonl").write_text(json.dumps({"title": "a", "label": value}))
    for name in ("news.parquet", "news.jsonl"):
        assert "column 'label' holds" in find_problem(tmp_path / name, list_column="label")


def test_bytes_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"title": [b"Caf\xe9"], "label": ["X"]}), tmp_path / "news.parquet")
    assert "Parquet" in find_problem(tmp_path / "news.parquet")


def test_text_damaged_in_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "news.parquet"
    table = pa.table({"title": ["Storm hits coast"], "label": ["X"]})
    pq.write_table(table, path, compression="none", use_dictionary=False, write_statistics=False)
    path.write_bytes(path.read_bytes().replace(b"Storm", b"St\xffrm"))
    assert "Parquet" in find_problem(path)


def write_parquet(folder: Path) -> Path:
    path = folder / "news.parquet"
    pq.write_table(pa.table({"title": [f"title {index}" for index in range(500)], "label": ["X"] * 500}), path)
    return path


def test_parquet_cut_off_is_refused(tmp_path: Path) -> None:
    path = write_parquet(tmp_path)
    path.write_bytes(path.read_bytes()[:1000])
    assert "Parquet" in find_problem(path)


@pytest.mark.parametrize("start", ["head", "tail"])
def test_damaged_parquet_is_refused(start: str, tmp_path: Path) -> None:
    path = write_parquet(tmp_path)
    content = bytearray(path.read_bytes())
    indices = range(8, 60) if start == "head" else range(len(content) - 100, len(content) - 20)
    for index in indices:
        content[index] ^= 0x5A
    path.write_bytes(content)
    assert "Parquet" in find_problem(path)


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_missing_column_is_refused_with_those_found(kind: str, tmp_path: Path) -> None:
    row = {"Title": "a", " label ": "X", "date": "2020"}
    path = tmp_path / f"news.{kind}"
    if kind == "parquet":
        pq.write_table(pa.table({name: [value] for name, value in row.items()}), path)
    else:
        path.write_text(json.dumps(row) if kind == "json" else "Title, label ,date\na,X,2020\n")
    problem = find_problem(path, columns=["title", "lable", "date"])
    label = "label" if kind == "csv" else " label "
    assert f"'title', 'lable' (found: 'Title', {label!r}, 'date')" in problem
    assert f"'Title' for 'title'? did you mean {label!r} for 'lable'?" in problem


def test_missing_column_without_a_similar_name_is_refused_with_the_keys(tmp_path: Path) -> None:
    problem = find_problem(write_bytes(tmp_path, "a,b\n1,2\n"))
    assert "(found: 'a', 'b')" in problem
    assert "data.text, data.label, data.id and data.keep" in problem


def test_rows_are_numbered_without_an_id_column(tmp_path: Path) -> None:
    rows = read_rows(write_bytes(tmp_path, "title,label\na,X\n\nb,Y\nc,Z\n"), columns=COLUMNS)
    assert rows.column_names == [ROW_ID, "title", "label"]
    assert rows[ROW_ID][:] == ["0", "1", "2"]


def test_rows_are_numbered_over_all_files(tmp_path: Path) -> None:
    first = write_bytes(tmp_path, "title,label\na,X\nb,Y\n")
    second = write_bytes(tmp_path, '{"label": "Z", "title": "c"}\n', name="more.json")
    rows = read_rows([first, second, write_parquet(tmp_path)], columns=COLUMNS)
    assert len(rows) == 503
    assert rows[:4] == {"id": ["0", "1", "2", "3"], "title": ["a", "b", "c", "title 0"], "label": ["X", "Y", "Z", "X"]}
    assert rows[ROW_ID][-1] == "502"


def test_each_file_needs_the_columns(tmp_path: Path) -> None:
    first = write_bytes(tmp_path, "title,label\na,X\n")
    second = write_bytes(tmp_path, "title,kind\na,X\n", name="more.csv")
    with pytest.raises(DataError, match=r"more\.csv: .*'label' \(found: 'title', 'kind'\)"):
        read_rows([first, second], columns=COLUMNS)


def test_each_file_needs_rows(tmp_path: Path) -> None:
    first = write_bytes(tmp_path, "title,label\na,X\n")
    second = write_bytes(tmp_path, "title,label\n", name="more.csv")
    with pytest.raises(DataError, match=r"more\.csv: no rows"):
        read_rows([first, second], columns=COLUMNS)


def test_ids_must_be_unique_in_all_files(tmp_path: Path) -> None:
    first = write_bytes(tmp_path, "key,title,label\n7,a,X\n8,a,X\n")
    second = write_bytes(tmp_path, "key,title,label\n9,a,X\n7,b,X\n", name="more.csv")
    with pytest.raises(DataError, match=r"news\.csv and 1 more: column 'key' of `data.id` .*\('7'\)"):
        read_rows([first, second], columns=COLUMNS, id_column="key")


@pytest.mark.parametrize("ending", COMPRESSIONS)
@pytest.mark.parametrize("kind", ["csv", "tsv", "json", "parquet"])
def test_compressed_files_of_all_kinds_are_read(kind: str, ending: str, tmp_path: Path) -> None:
    contents = {
        "csv": "title,label\nCafé,X\n".encode("latin-1"),
        "tsv": "title\tlabel\nCafé\tX\n".encode(),
        "json": b'[{"title": "Caf\\u00e9", "label": "X"}]',
    }
    if kind == "parquet":
        pq.write_table(pa.table({"title": ["Café"], "label": ["X"]}), tmp_path / "plain")
        contents[kind] = (tmp_path / "plain").read_bytes()
    path = write_bytes(tmp_path, COMPRESSIONS[ending](contents[kind]), name=f"news.{kind}.{ending}")
    assert read_titles(path) == [("Café", "X")]


def test_file_in_an_archive_is_read(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "archive.zip", {"set/news.tsv": b"title\tlabel\na, b\tX\n"})
    assert read_titles(path) == [("a, b", "X")]


# Rows without a label.


def test_compressed_file_without_content_is_refused(tmp_path: Path) -> None:
    path = write_bytes(tmp_path, COMPRESSIONS["gz"](b"\n"), name="news.csv.gz")
    assert "empty file" in find_problem(path)


def test_id_column_gives_the_ids(tmp_path: Path) -> None:
    path = write_bytes(tmp_path, "id,title,label\n10,a,X\nx7,b,Y\n")
    assert read_rows(path, columns=COLUMNS, id_column="id").to_dict() == {
        "id": ["10", "x7"],
        "title": ["a", "b"],
        "label": ["X", "Y"],
    }


def test_id_column_can_be_kept_too(tmp_path: Path) -> None:
    path = write_bytes(tmp_path, "link,title,label\nu1,a,X\nu2,b,Y\n")
    rows = read_rows(path, columns=[*COLUMNS, "link"], id_column="link")
    assert (rows["id"][:], rows["link"][:]) == (["u1", "u2"], ["u1", "u2"])


def test_text_column_named_id_is_refused(tmp_path: Path) -> None:
    path = write_bytes(tmp_path, "id,label\nStorm,X\nMoon,Y\n")
    problem = find_problem(path, columns=["id", "label"])
    assert "'id'" in problem
    assert "`data.id: id`" in problem


@pytest.mark.parametrize(
    ("ids", "offenders"),
    [
        (["1", "2", "1"], "('1')"),
        (["1", "", "2"], "(None)"),
        (["1", "1", ""], "('1', None)"),
    ],
)
def test_ids_that_are_not_unique_are_refused(ids: list[str], offenders: str, tmp_path: Path) -> None:
    lines = "".join(f"{row_id},a,X\n" for row_id in ids)
    problem = find_problem(write_bytes(tmp_path, f"key,title,label\n{lines}"), id_column="key")
    assert "column 'key' of `data.id`" in problem
    assert offenders in problem


def test_column_wanted_twice_is_read_once(tmp_path: Path) -> None:
    rows = read_rows(write_bytes(tmp_path, "title,label\na,X\n"), columns=["title", "label", "title"])
    assert rows.column_names == [ROW_ID, "title", "label"]


def test_same_column_twice_in_the_header_is_refused(tmp_path: Path) -> None:
    assert "'title'" in find_problem(write_bytes(tmp_path, "title,title,label\na,b,X\n"))


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "jsonl", "json", "parquet"])
def test_file_is_never_held_as_python_objects(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "READ_ROWS", 100)
    monkeypatch.setattr(parquet_file, "_BATCH_ROWS", 100)
    monkeypatch.setattr(json_stream, "_CHUNK_CHARACTERS", 100_000)
    monkeypatch.setattr(encoding_faults, "_BLOCK_BYTES", 100_000)
    texts = [f"{index:05} {'storm ' * 500}" for index in range(6_000)]  # 18 MB
    path = tmp_path / f"news.{kind}"
    if kind == "parquet":
        pq.write_table(pa.table({"title": texts, "label": ["X"] * len(texts)}), path, row_group_size=1000)
    else:
        lines = [json.dumps({"title": text, "label": "X"}) for text in texts]
        table = "title,label\n" + "".join(f"{text},X\n" for text in texts)
        content = {"jsonl": "\n".join(lines), "json": f"[{','.join(lines)}]"}.get(kind, table).encode()
        path.write_bytes(COMPRESSIONS["gz"](content) if kind == "csv.gz" else content)
        del lines, table, content
    tracemalloc.start()
    try:
        rows = read_rows(path, columns=COLUMNS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(rows) == 6_000
    # What Arrow holds is not counted; a block is 0.3 MB.
    assert peak < 3_000_000


def test_columns_can_exceed_two_gigabytes(tmp_path: Path) -> None:
    rows = read_rows(write_bytes(tmp_path, "title,label\na,X\n"), columns=COLUMNS)
    assert {name: feature.dtype for name, feature in rows.features.items()} == dict.fromkeys(
        ["id", "title", "label"], "large_string"
    )


# How a file was read.


def find_format(path: Path, *, columns: Sequence[str] = COLUMNS, **options: Any) -> FileFormat:
    (found,) = read_files(path, columns=columns, options=ReadOptions(**options)).formats
    return found


@pytest.mark.parametrize(
    ("content", "keys", "dialect", "encoding", "skipped"),
    [
        ("title,label\na,X\n", {}, CsvDialect(",", "minimal", True), "utf-8", 0),
        ("\ufefftitle;label\na;X\nb\n", {"on_bad_lines": "skip"}, CsvDialect(";", "minimal", True), "utf-8", 1),
        ("a|X\n", {"columns": COLUMNS, "quoting": "none"}, CsvDialect("|", "none", False), "utf-8", 0),
    ],
)
def test_format_of_csv_is_known(
    content: str, keys: dict[str, Any], dialect: CsvDialect, encoding: str, skipped: int, tmp_path: Path
) -> None:
    found = find_format(write_bytes(tmp_path, content), csv=CsvSection(**keys))
    assert found == FileFormat("news.csv", "CSV", 1, {"title": "a", "label": "X"}, encoding, dialect, skipped)


def test_format_of_json_and_parquet_is_known(tmp_path: Path) -> None:
    path = write_bytes(tmp_path, '{"title": "a\\nb", "label": null}\n', name="news.json.gz")
    assert find_format(path) == FileFormat("news.json.gz", "JSON", 1, {"title": "a b", "label": ""}, "utf-8")
    found = find_format(write_parquet(tmp_path))
    assert found == FileFormat("news.parquet", "Parquet", 500, {"title": "title 0", "label": "X"})


def test_format_names_the_records_of_json(tmp_path: Path) -> None:
    path = write_bytes(tmp_path, '{"data": [{"title": "a", "label": "X"}]}', name="news.json")
    found = find_format(path, json_records="data")
    assert found == FileFormat("news.json", "JSON", 1, {"title": "a", "label": "X"}, "utf-8", records="data")
    assert found.describe()["file"] == "news.json, JSON, records in 'data', utf-8"


@pytest.mark.parametrize("sheet", [None, "News"])
def test_format_names_the_sheet_of_excel(sheet: str | None, tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "news.xlsx", {"News": [["title", "label"], ["a", "X"]], "Notes": []})
    found = find_format(path, sheet=sheet)
    assert found == FileFormat("news.xlsx", "Excel", 1, {"title": "a", "label": "X"}, sheet="News")
    assert found.describe()["file"] == "news.xlsx, Excel, sheet 'News'"


def test_format_of_a_folder_is_known(tmp_path: Path) -> None:
    folder = tmp_path / "bbc"
    (folder / "sport").mkdir(parents=True)
    write_bytes(folder / "sport", "Team wins\n\nThe cup.\n", name="1.txt")
    found = find_format(folder, columns=["text", "folder"])
    first_row = {"text": "Team wins The cup.", "folder": "sport"}
    assert found == FileFormat("bbc", "folder of text files", 1, first_row, encoding="utf-8")


def test_format_shows_the_key_of_the_source(tmp_path: Path) -> None:
    paths = [write_bytes(tmp_path, "title\na\nb\n", name=name) for name in ("Fake.csv", "True.csv")]
    found = read_files(paths, columns=["title", SOURCE_KEY], keys=["FAKE", "REAL"])
    assert [one.first_row for one in found.formats] == [
        {"title": "a", SOURCE_KEY: "FAKE"},
        {"title": "a", SOURCE_KEY: "REAL"},
    ]
    assert found.dataset[SOURCE_KEY][:] == ["FAKE", "FAKE", "REAL", "REAL"]


def test_format_shows_a_part_of_a_long_text(tmp_path: Path) -> None:
    found = find_format(write_bytes(tmp_path, f"title,label\n{'storm ' * 50},X\n"))
    assert found.first_row["title"] == f"{('storm ' * 50)[:79]}…"


def test_row_in_brackets_is_not_json_if_the_recipe_names_the_columns(tmp_path: Path) -> None:
    path = write_bytes(tmp_path, "[Video] Storm hits,X\n")
    assert read_titles(path, csv=CsvSection(columns=COLUMNS)) == [("[Video] Storm hits", "X")]


LIAR = ["id", "label", "statement", *"abcdefghijk"]


@pytest.mark.parametrize(("name", "rows"), [("train", 10_269), ("valid", 1_284), ("test", 1_283)])
def test_liar_is_read_whole(name: str, rows: int, real_data: Path) -> None:
    section = CsvSection(columns=LIAR, quoting="none")
    found = read_rows(real_data / "liar" / f"{name}.tsv", columns=["statement", "label"], csv=section)
    assert len(found) == rows
    assert {*found["label"]} == {"pants-fire", "false", "barely-true", "half-true", "mostly-true", "true"}


@pytest.mark.parametrize("name", ["train", "valid", "test"])
def test_liar_is_refused_without_the_keys(name: str, real_data: Path) -> None:
    path, columns = real_data / "liar" / f"{name}.tsv", ["statement", "label"]
    assert "`data.csv.columns: [" in find_problem(path, columns=columns)
    assert "`data.csv.quoting: none`" in find_problem(path, columns=columns, csv=CsvSection(columns=LIAR))


@pytest.mark.parametrize(("name", "rows"), [("train_8000", 8000), ("test_7600", 7600)])
def test_ag_news_without_its_header_is_read(name: str, rows: int, real_data: Path, tmp_path: Path) -> None:
    whole = (real_data / "ag_news" / f"{name}.csv").read_bytes()
    path, columns = write_bytes(tmp_path, whole.partition(b"\n")[2]), ["content", "label"]
    assert "`data.csv.columns: [column1, column2]`" in find_problem(path, columns=columns)
    found = read_rows(path, columns=columns, csv=CsvSection(columns=["label", "content"]))
    assert found.to_dict() == read_rows(real_data / "ag_news" / f"{name}.csv", columns=columns).to_dict()
    assert len(found) == rows


def test_all_titles_of_the_real_set_are_read(real_data: Path) -> None:
    rows = read_rows(real_data / "fake_news" / "titles_6335.csv", columns=COLUMNS)
    assert Counter(rows["label"]) == {"REAL": 3171, "FAKE": 3164}
    assert rows[ROW_ID][-1] == "6334"


def test_kaggle_layout_of_the_real_set_is_read(real_data: Path) -> None:
    path = real_data / "fake_news" / "news_first_256.csv"
    rows = read_rows(path, columns=["title", "text", "label"], id_column="Unnamed: 0")
    assert Counter(rows["label"]) == {"REAL": 133, "FAKE": 123}
    assert len({*rows[ROW_ID]}) == 256
    # Articles hold whole paragraphs.
    assert sum("\n" in (text or "") for text in rows["text"]) > 100


def test_truncated_real_file_is_refused(real_data: Path) -> None:
    path = real_data / "fake_news" / "news_truncated.csv"
    problem = find_problem(path, columns=["title", "text", "label"])
    assert "line 4514, column 91, field 'text': unexpected end of data" in problem
    # 168 whole rows come before the record, and the lines up to it hold an even number of quotes.
    line = int(problem.partition("starts on line ")[2].split(";")[0])
    head = path.read_text(encoding="utf-8").split("\n")[: line - 1]
    assert "\n".join(head).count('"') % 2 == 0
    assert len([*csv.reader(f"{part}\n" for part in head)]) == 169


def test_news_categories_are_read(real_data: Path) -> None:
    path = real_data / "news_category" / "News_Category_Dataset_v3_16k.json"
    rows = read_rows(path, columns=["headline", "short_description", "category", "date"], id_column=None)
    assert len(rows) == 16_242
    assert len({*rows["category"]}) == 42
    assert (min(rows["date"]), max(rows["date"])) == ("2012-01-29", "2022-09-23")


def test_other_real_files_are_read(real_data: Path) -> None:
    headlines = read_rows(real_data / "news_category" / "headlines_41x900.csv", columns=["headline", "category"])
    assert {*Counter(headlines["category"]).values()} == {900}
    assert len(headlines) == 36_900
    documents = read_rows(real_data / "long_documents" / "bbc.csv", columns=["title", "text", "label"])
    assert Counter(documents["label"]) == {
        "sport": 511,
        "business": 510,
        "politics": 417,
        "tech": 401,
        "entertainment": 386,
    }
