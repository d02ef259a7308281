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
    return [pair for block in blocks for pair in zip(*block.to_pydict().values(), strict=True)]


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


def test_broken_line_is_told_by_number_and_column(tmp_path: Path) -> None:
    lines = [GOOD] * 20_000
    lines[12_344] = '{"title": "a", "label" "X"}'
    problem = find_problem(tmp_path, "\n".join(lines))
    assert problem == "line 12345: must be valid JSON, got Expecting ':' delimiter at column 24; mend it"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"title": "b"', "got Expecting ',' delimiter at column 14"),
        ("{title: a}", "got Expecting property name enclosed in double quotes at column 2"),
        ('{"title": "b\tc"}', "got Invalid control character at column 13"),
        (GOOD + " x", "got Extra data at column 30"),
    ],
)
def test_fault_in_a_line_has_its_column(line: str, what: str, tmp_path: Path) -> None:
    assert what in find_problem(tmp_path, f"{GOOD}\n{line}\n{GOOD}\n")


def test_many_broken_lines_are_counted(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, f"{GOOD}\n" + "{\n" * 40 + f"{GOOD}\n[]\n")
    assert problem.startswith("lines 2, 3, 4, 5, 6, … (40 in all): must be valid JSON, got ")
    assert problem.endswith(" in the first; mend it")


@pytest.mark.parametrize(
    ("content", "line", "what", "column"),
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
def test_fault_in_an_array_is_placed(
    chunk: int, content: str, line: int, what: str, column: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_file, "_CHUNK_CHARACTERS", chunk)
    assert find_problem(tmp_path, content) == f"line {line}: must be valid JSON, got {what} at column {column}; mend it"


def test_array_does_not_read_on_behind_a_fault(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, f"[{GOOD}, {{'title': 1}}" + f", {GOOD}" * 100_000 + "]")
    assert "line 1: must be valid JSON, got Expecting property name" in problem


@pytest.mark.parametrize(
    ("value", "found"), [('["a", "b"]', "a list, ['a', 'b']"), ('{"en": "a"}', "an object, {'en': 'a'}")]
)
@pytest.mark.parametrize("form", ["{}\n{}\n", "[{},\n{}]"])
def test_list_in_place_of_a_text_is_refused_with_its_column(form: str, value: str, found: str, tmp_path: Path) -> None:
    problem = find_problem(tmp_path, form.format(GOOD, f'{{"title": {value}, "label": "X"}}'))
    index = "line 2" if form[0] == "{" else "item 1"
    assert problem == (
        f"{index}: 'title' must be text or a number, found {found}; name another column, or turn it into text"
    )


def test_column_twice_in_a_record_is_refused(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, GOOD + '\n{"title": "b", "label": "Y", "title": "c"}\n')
    assert problem == "line 2: must have each column once, found 'title' repeated; rename one of them"


def test_column_that_is_not_read_may_stand_twice_in_a_record(tmp_path: Path) -> None:
    assert read(tmp_path, '{"date": 1, "title": "b", "label": "Y", "date": 2}') == [("b", "Y")]


def test_only_the_first_kind_of_fault_is_told(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, f'{GOOD}\n17\n{{"title": []}}\n[]\n')
    assert problem == "lines 2, 4: must be a JSON object, found '17' in the first; mend the file there"


def test_column_that_never_occurs_is_refused(tmp_path: Path) -> None:
    assert "must have the columns 'label', found 'title', 'Label'" in find_problem(tmp_path, '{"title": 1, "Label": 2}')
    assert "must have the columns 'title', 'label', found none; set " in find_problem(tmp_path, "{}\n{}")


@pytest.mark.slow
def test_text_of_100_megabytes_is_read(tmp_path: Path) -> None:
    record = json.dumps({"title": "Storm hits coast. " * 5_600_000, "label": "X"})
    for content in (f"{record}\n{GOOD}\n", f"[{record},{GOOD}]"):
        assert [len(title) for title, _ in read(tmp_path, content)] == [100_800_000, 1]
