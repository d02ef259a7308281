"""Broken JSON is refused with its line and column; arrays are parsed piece by piece, wherever the pieces end."""

import json
from pathlib import Path
from typing import Any

import pytest

from hf_newscls.data.readers import json_file
from hf_newscls.data.readers.encoding import TextFile
from hf_newscls.data.readers.json_file import read_json_blocks
from hf_newscls.errors import DataError

WANTED = ("title", "label")
GOOD = '{"title": "a", "label": "X"}'


def write(folder: Path, content: str) -> TextFile:
    path = folder / "news.json"
    path.write_bytes(content.encode())
    return TextFile(path, "news.json", "utf-8-sig")


def read(folder: Path, content: str) -> list[tuple[Any, Any]]:
    blocks = read_json_blocks(write(folder, content), WANTED)
    return [pair for block in blocks for pair in zip(*block.table.to_pydict().values(), strict=True)]


def find_problem(folder: Path, content: str) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, content)
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
    monkeypatch.setattr(json_file, "_CHUNK_CHARACTERS", chunk)
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
    monkeypatch.setattr(json_file, "_CHUNK_CHARACTERS", chunk)
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


@pytest.mark.slow
def test_text_of_100_megabytes_is_read(tmp_path: Path) -> None:
    record = json.dumps({"title": "Storm hits coast. " * 5_600_000, "label": "X"})
    for content in (f"{record}\n{GOOD}\n", f"[{record},{GOOD}]"):
        assert [len(title) for title, _ in read(tmp_path, content)] == [100_800_000, 1]
