"""Broken JSON is refused with its line and column; arrays are parsed piece by piece, wherever the pieces end."""

import json
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hf_newscls.data.readers.encoding.text_file import TextFile
from hf_newscls.data.readers.json_file import stream as json_stream
from hf_newscls.data.readers.json_file.reader import read_json_blocks
from hf_newscls.errors import DataError

WANTED = ("title", "label")
GOOD = '{"title": "a", "label": "X"}'


def write(folder: Path, content: str) -> TextFile:
    path = folder / "news.json"
    path.write_bytes(content.encode())
    return TextFile(path, "news.json", "utf-8-sig")


def read(
    folder: Path, content: str, *, wanted: Sequence[str] = WANTED, records: str | None = None
) -> list[tuple[Any, Any]]:
    blocks = read_json_blocks(write(folder, content), wanted, records=records)
    return [pair for block in blocks for pair in zip(*block.table.to_pydict().values(), strict=True)]


def find_problem(folder: Path, content: str, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, content, **options)
    return str(caught.value).removeprefix(f"{folder / 'news.json'}: ")


RECORDS = [
    {"title": 'say "no" \\ é 😀', "label": "X", "authors": ["a", {"b": [1, 2.5]}]},
    {"label": "Y", "title": "two\nlines ] , [ { }"},
    {"title": None, "label": -12.5e-3},
    {"title": 1234567890, "label": True},
    {"label": "", "more": {"deep": [[], {}]}},
]
EXPECTED = [
    ('say "no" \\ é 😀', "X"),
    ("two\nlines ] , [ { }", "Y"),
    (None, "-0.0125"),
    ("1234567890", "True"),
    (None, None),
]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 50, 1 << 20])
@pytest.mark.parametrize("style", [{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}])
def test_array_is_read_wherever_it_is_cut(
    style: dict[str, Any], chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "_CHUNK_CHARACTERS", chunk)
    assert read(tmp_path, " \n" + json.dumps(RECORDS, **style) + "\n ") == EXPECTED


def test_lines_are_read(tmp_path: Path) -> None:
    assert read(tmp_path, "".join(json.dumps(record) + "\r\n\r\n" for record in RECORDS)) == EXPECTED


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("7", "7"),
        ("1.10", "1.10"),
        ("1e5", "1e5"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("true", "True"),
        ("NaN", None),
        ("null", None),
        ("-Infinity", "-Infinity"),
        ("1" * 5_000, "1" * 5_000),
    ],
)
def test_number_is_the_text_it_is_written_as(value: str, text: str | None, tmp_path: Path) -> None:
    assert read(tmp_path, f'{{"title": {value}, "label": "X"}}') == [(text, "X")]


def test_broken_line_is_reported_by_number_and_column(tmp_path: Path) -> None:
    lines = [GOOD] * 20_000
    lines[12_344] = '{"title": "a", "label" "X"}'
    problem = find_problem(tmp_path, "\n".join(lines))
    assert problem.startswith("line 12345: column 24: ")
    assert "Expecting ':' delimiter" in problem


@pytest.mark.parametrize(
    ("line", "column", "fault"),
    [
        ('{"title": "b"', 14, "Expecting ',' delimiter"),
        ("{title: a}", 2, "Expecting property name"),
        ('{"title": "b\tc"}', 13, "Invalid control character"),
        (GOOD + " x", 30, "Extra data"),
    ],
)
def test_fault_in_a_line_has_its_column(line: str, column: int, fault: str, tmp_path: Path) -> None:
    problem = find_problem(tmp_path, f"{GOOD}\n{line}\n{GOOD}\n")
    assert problem.startswith(f"line 2: column {column}: ")
    assert fault in problem


def test_many_broken_lines_are_counted(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, f"{GOOD}\n" + "{\n" * 40 + f"{GOOD}\n[]\n")
    assert problem.startswith("line 2: column 2: ")
    assert "41 lines" in problem
    assert "2, 3, 4, 5, 6, … (41 in all)" in problem


@pytest.mark.parametrize(
    ("content", "line", "fault", "column"),
    [
        (f'[{GOOD},\n{{"title": }}]', 2, "Expecting value", 11),
        (f"[{GOOD}\n {GOOD}]", 2, "Expecting ',' delimiter", 2),
        (f"[{GOOD}", 1, "Expecting ',' delimiter", 30),
        (f"[{GOOD},", 1, "Expecting value", 31),
        (f"[\n{GOOD}\n] x", 3, "Extra data", 3),
        (f'[{GOOD},\n\n  {{"title": "b\n"}}]', 3, "Invalid control character", 15),
        ("[", 1, "Expecting value", 2),
    ],
)
@pytest.mark.parametrize("chunk", [1, 10, 1 << 20])
def test_fault_in_an_array_is_located(
    chunk: int, content: str, line: int, fault: str, column: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "_CHUNK_CHARACTERS", chunk)
    problem = find_problem(tmp_path, content)
    assert problem.startswith(f"line {line}, column {column}: ")
    assert fault in problem


def test_reading_an_array_stops_at_a_fault(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, f"[{GOOD}, {{'title': 1}}" + f", {GOOD}" * 100_000 + "]")
    assert problem.startswith("line 1, column 33: ")
    assert "Expecting property name" in problem


@pytest.mark.parametrize(("value", "found"), [('["a", "b"]', "['a', 'b']"), ('{"en": "a"}', "{'en': 'a'}")])
@pytest.mark.parametrize("form", ["{}\n{}\n", "[{},\n{}]"])
def test_nested_value_is_refused_with_its_column(form: str, value: str, found: str, tmp_path: Path) -> None:
    problem = find_problem(tmp_path, form.format(GOOD, f'{{"title": {value}, "label": "X"}}'))
    index = "line 2" if form[0] == "{" else "item 1"
    assert problem.startswith(f"{index}: column 'title'")
    assert found in problem


def test_column_twice_in_a_record_is_refused(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, GOOD + '\n{"title": "b", "label": "Y", "title": "c"}\n')
    assert problem.startswith("line 2: column 'title'")


def test_unused_column_may_occur_twice_in_a_record(tmp_path: Path) -> None:
    assert read(tmp_path, '{"date": 1, "title": "b", "label": "Y", "date": 2}') == [("b", "Y")]


def test_first_fault_is_reported_with_the_lines_of_all(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, f'{GOOD}\n17\n{{"title": []}}\n[]\n')
    assert problem.startswith("line 2: '17'")
    assert "2, 3, 4" in problem


def test_column_that_never_occurs_is_refused(tmp_path: Path) -> None:
    assert "'label' (found: 'title', 'Label')" in find_problem(tmp_path, '{"title": 1, "Label": 2}')
    assert "'title', 'label' (found: none)" in find_problem(tmp_path, "{}\n{}")


WRAPPED = {"status": "ok", "count": {"a": [[1, {"b": 2}], []]}, "articles": RECORDS, "next": None}


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 50, 1 << 20])
@pytest.mark.parametrize("style", [{}, {"indent": 2}, {"separators": (",", ":")}])
def test_wrapped_records_are_read_wherever_they_are_cut(
    style: dict[str, Any], chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "_CHUNK_CHARACTERS", chunk)
    assert read(tmp_path, json.dumps(WRAPPED, **style), records="articles") == EXPECTED


@pytest.mark.parametrize(
    ("content", "records"),
    [
        (f'{{"response": {{"total": 1, "docs": [{GOOD}]}}, "docs": [{{"title": "no"}}]}}', "response.docs"),
        (f'{{"data": [{GOOD}]}}\n', "data"),
        (f'{{"data": [], "page": 1}}\n{{"data": [{GOOD}], "page": 2}}\n{{"page": 3}}', "data"),
    ],
)
def test_key_leads_to_the_records(content: str, records: str, tmp_path: Path) -> None:
    assert read(tmp_path, content, records=records) == [("a", "X")]


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (f'{{"status": "ok",\n "articles": [{GOOD}]}}', "articles"),
        (f'{{"articles": [{GOOD}], "status": "ok"}}', "articles"),
        (f'{{"title": "News today", "items": [{GOOD}]}}', "items"),
        (f'{{"response": {{"ads": [{{"id": 1}}], "docs": [{GOOD}]}}}}', "response.docs"),
        ('{"articles": [{"headline": "a", "section": "X"}]}', "articles"),
    ],
)
def test_wrapping_key_is_named(content: str, key: str, tmp_path: Path) -> None:
    assert f"`data.json.records: {key}`" in find_problem(tmp_path, content)


@pytest.mark.parametrize(
    "content",
    ['{"articles": [{"title": "a"}]}', "[]", '{"articles": {"0": {"title": "a"}}}', "{}", '{"docs": null}'],
)
def test_key_that_leads_to_no_records_is_refused(content: str, tmp_path: Path) -> None:
    problem = find_problem(tmp_path, content, records="docs")
    assert "'docs'" in problem
    assert ("'articles'" in problem) == ('"articles": [' in content)


def test_fault_in_wrapped_records_is_located(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, f'{{"articles": [{GOOD},\n{{"title": }}]}}', records="articles")
    assert problem.startswith("line 2, column 11: ")
    assert find_problem(tmp_path, f'{{"articles": [{GOOD}, 7]}}', records="articles").startswith("item 1: '7'")


@pytest.mark.parametrize(
    "content",
    [
        '{\n "title": "a",\n "label": "X"\n}\n{\n "title": "b",\n "label": "Y"\n}\n',
        '{"title": "a",\n"label": "X"}{"title": "b", "label": "Y"}',
        '{"tags": [{"title": 1}], "title": "a",\n"label": "X"}\n\n{"title": "b", "label": "Y"}',
    ],
)
def test_objects_in_a_row_are_read(content: str, tmp_path: Path) -> None:
    assert read(tmp_path, content) == [("a", "X"), ("b", "Y")]


def test_fault_in_objects_in_a_row_is_located(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, f'{{\n"title": "a", "label": "X"\n}}\n{GOOD}\n{{"title"; 1}}')
    assert problem.startswith("line 5, column 9: ")


def test_one_record_over_several_lines_is_read(tmp_path: Path) -> None:
    record = {"title": "a", "authors": [{"name": "b"}], "label": "X"}
    assert read(tmp_path, json.dumps(record, indent=2)) == [("a", "X")]


@pytest.mark.parametrize(
    "table",
    [
        {"id": {"0": 7, "5": 8}, "title": {"0": "a", "5": None}, "label": {"0": 1, "5": "Y"}},
        {"id": [7, 8], "title": ["a", None], "label": [1, "Y"]},
    ],
)
@pytest.mark.parametrize("indent", [None, 1])
def test_table_of_columns_is_read(table: dict[str, Any], indent: int | None, tmp_path: Path) -> None:
    assert read(tmp_path, json.dumps(table, indent=indent)) == [("a", "1"), (None, "Y")]


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ('{"title": {"0": "a"}, "label": {"1": "X"}}', ("'title'", "'label'")),
        ('{"title": ["a"], "label": ["X", "Y"]}', ("'title'", "'label'")),
        ('{"title": ["a", ["b"]], "label": ["X", "Y"]}', ("item 1", "'title'", "['b']")),
        ('{"title": ["a"], "label": ["X"], "title": ["b"]}', ("'title'",)),
        ('{"title": ["a"], "Label": ["X"]}', ("'label'",)),
        ('{"title": ["a"], "label": {}}', ("'title'", "'label'")),
        ('{"title": ["a"],\n"label": ["X"]} 7', ("item 0", "'title'", "['a']")),
        ('{"text": {"0": "a"}, "section": {"0": "X"}}', ("'title', 'label' (found: 'text', 'section')",)),
    ],
)
def test_wrong_table_is_refused(content: str, parts: Sequence[str], tmp_path: Path) -> None:
    problem = find_problem(tmp_path, content)
    assert [part for part in parts if part not in problem] == []


def test_value_next_to_a_table_of_columns_is_refused(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, '{"title": ["a"], "x.label": 7}', wanted=["title", "x.label"])
    assert "'title', 'x.label'" in problem


NESTED = [
    {"source": {"title": "a", "id": {"no": 7}}, "label": "X"},
    {"source": None, "label": "Y"},
    {"label": "Z"},
    {"source.title": "b", "source": {"title": "c"}, "label": "X"},
]


@pytest.mark.parametrize("form", ["lines", "array", "wrapped"])
def test_field_inside_a_field_is_read(form: str, tmp_path: Path) -> None:
    content = "\n".join(map(json.dumps, NESTED)) if form == "lines" else json.dumps(NESTED)
    records = "articles" if form == "wrapped" else None
    content = f'{{"articles": {content}}}' if records else content
    found = read(tmp_path, content, wanted=["source.title", "source.id.no"], records=records)
    assert found == [("a", "7"), (None, None), (None, None), ("b", None)]


def test_field_inside_a_field_may_occur_late(tmp_path: Path) -> None:
    content = '{"source": {"id": 1}, "label": "X"}\n{"source": {"title": "a"}, "label": "Y"}'
    assert read(tmp_path, content, wanted=["source.title", "label"]) == [(None, "X"), ("a", "Y")]


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ('{"source": {"name": "a"}, "label": "X"}', ("'source.title'", "'source.name'")),
        ('{"source": "a", "label": "X"}', ("'source.title'", "'source'")),
        ('{"source": [{"title": "a"}], "label": "X"}', ("line 2", "'source.title'", "[{'title': 'a'}]")),
        ('{"source": {"title": {"en": "a"}}, "label": "X"}', ("line 2", "'source.title'", "'source.title.en'")),
        ('{"source": {"title": "a", "title": "b"}, "label": "X"}', ("line 2", "'title'")),
    ],
)
def test_wrong_field_inside_a_field_is_refused(line: str, parts: Sequence[str], tmp_path: Path) -> None:
    problem = find_problem(tmp_path, f'{{"label": "X"}}\n{line}\n', wanted=["source.title", "label"])
    assert [part for part in parts if part not in problem] == []


@pytest.mark.slow
@pytest.mark.parametrize(("opening", "closing", "records"), [("[", "]", None), ('{"n": 1, "data": [', "]}", "data")])
def test_array_of_any_length_is_never_held(opening: str, closing: str, records: str | None, tmp_path: Path) -> None:
    record = json.dumps({"title": "Storm hits coast. " * 100, "label": "X"})
    file = write(tmp_path, opening + ",".join([record] * 20_000) + closing)  # 36 MB
    tracemalloc.start()
    rows = sum(len(block.table) for block in read_json_blocks(file, WANTED, records=records))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 20_000
    assert peak < 25_000_000  # a block of 4,096 rows is 7 MB, held as records and as texts


@pytest.mark.slow
def test_text_of_100_megabytes_is_read(tmp_path: Path) -> None:
    record = json.dumps({"title": "Storm hits coast. " * 5_600_000, "label": "X"})
    for content in (f"{record}\n{GOOD}\n", f"[{record},{GOOD}]"):
        file = replace(write(tmp_path, content), max_characters=200_000_000)
        titles = [title for block in read_json_blocks(file, WANTED) for title in block.table["title"].to_pylist()]
        assert [len(title) for title in titles] == [100_800_000, 1]
