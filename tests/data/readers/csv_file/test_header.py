"""The header of a CSV file decides its separator and the names of its columns."""

import logging
from pathlib import Path
from typing import Any

import pytest

from hf_newscls.data.readers.columns import name_columns
from hf_newscls.data.readers.csv_file.header import find_separator
from hf_newscls.data.readers.csv_file.reader import CsvReader
from hf_newscls.data.readers.encoding.text_file import TextFile
from hf_newscls.errors import DataError
from hf_newscls.recipe.files import CsvSection

WANTED = ("title", "label")


def write(folder: Path, content: str, name: str = "news.csv") -> TextFile:
    path = folder / name
    path.write_bytes(content.encode())
    return TextFile(path, name, "utf-8-sig")


def find(file: TextFile, **keys: Any) -> str:
    return find_separator(file, WANTED, CsvSection(**keys))


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "header",
    [
        "title,label",
        '"title","label"',
        " title , label ",
        "id,title,label,date",
        'title,label,"note; with | all, marks"',
        "title,label,a;b|c",
        '\n\ntitle,label\n"x',
    ],
)
def test_header_with_the_wanted_columns_decides(header: str, mark: str, tmp_path: Path) -> None:
    content = f"{header.replace(',', mark)}\na, b; c | d\n" if "note" not in header else f"title{mark}label{mark}a\n"
    assert find(write(tmp_path, content)) == mark


@pytest.mark.parametrize(
    ("header", "mark"), [("a,b;c;d", ","), ("a;b;c", ";"), ("a|b", "|"), ("a\tb;c;d", ";"), ("a", ",")]
)
def test_most_frequent_separator_is_taken_without_the_wanted_columns(header: str, mark: str, tmp_path: Path) -> None:
    assert find(write(tmp_path, header)) == mark


def test_tab_separates_in_a_file_named_so(tmp_path: Path) -> None:
    assert find(write(tmp_path, "title,label\n", "news.TSV")) == "\t"
    assert find(write(tmp_path, "title,label\n", "news.tsv"), separator=",") == ","


def test_one_column_without_a_header_has_no_separator(tmp_path: Path) -> None:
    file = write(tmp_path, '\nStorm hits coast, two towns cut off; more | follows\n"Rain, in June"\n')
    (block,) = CsvReader(file, ["text"], CsvSection(columns=["text"])).read_blocks()
    assert block.table["text"].to_pylist() == ["Storm hits coast, two towns cut off; more | follows", "Rain, in June"]


def test_separator_that_is_not_clear_is_asked_for(tmp_path: Path) -> None:
    file = write(tmp_path, "title,label,a;title;label;b\n1,2,3\n")
    # With either mark, two columns have the wanted names.
    with pytest.raises(DataError, match=r"`data\.csv\.separator`") as caught:
        find(file)
    assert "',', ';'" in str(caught.value)
    assert find(file, separator=";") == ";"


def test_any_character_can_separate(tmp_path: Path) -> None:
    file = write(tmp_path, "title^label\na, b^X\n")
    (block,) = CsvReader(file, WANTED, CsvSection(separator="^")).read_blocks()
    assert block.table.to_pydict() == {"title": ["a, b"], "label": ["X"]}


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_all_first_rows_decide_without_a_header(mark: str, tmp_path: Path) -> None:
    rows = f'"a, b; c | d"{mark}X\nTeam wins cup{mark}Y\n'
    assert find(write(tmp_path, rows), columns=["title", "label"]) == mark


def test_rows_that_fit_two_separators_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"`data\.csv\.separator`"):
        find(write(tmp_path, "a,b;X\nc,d;Y\n"), columns=["title", "label"])


def test_record_cut_off_by_the_sample_does_not_count(tmp_path: Path) -> None:
    rows = "a;X\n" * 99 + '"b\nb";Y\n'
    assert find(write(tmp_path, rows), columns=["title", "label"]) == ";"


@pytest.mark.parametrize(
    ("header", "wanted", "names"),
    [
        ([" title", "label "], ["title"], ["title", "label"]),
        ([" title", "label"], [" title"], [" title", "label"]),
        (["title", " title"], ["title"], ["title", " title"]),
        (["\u3000title\u00a0"], ["title"], ["title"]),
        (["", "title"], [], ["Unnamed: 0", "title"]),
        (["title", " "], [], ["title", "Unnamed: 1"]),
    ],
)
def test_names_lose_their_white_space(header: list[str], wanted: list[str], names: list[str]) -> None:
    assert name_columns(header, wanted) == names


@pytest.mark.parametrize(
    ("content", "fragments"),
    [("title,label\na,X\n", []), ("title|label\na|X\n", ["'|'"]), ("title,label \na,X\n", ["','", "'label '"])],
)
def test_what_was_assumed_is_logged_in_one_line(
    content: str, fragments: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="hf_newscls")
    assert [*CsvReader(write(tmp_path, content), WANTED, CsvSection()).read_blocks()]
    assert len(caplog.messages) == bool(fragments)
    assert all(fragment in caplog.text for fragment in fragments)
