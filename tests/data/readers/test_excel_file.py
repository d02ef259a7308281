"""Sheets of Excel and OpenDocument files are read as text, with the values that a person sees."""

from pathlib import Path
from typing import Any

import pytest

from hf_newscls.errors import DataError, SourceError
from tests.data.compressed_files import COMPRESSIONS
from tests.data.excel_files import Rows, write_ods, write_xlsx
from tests.data.reading import read_rows

ROWS: Rows = [["title", "label"], ["Storm hits coast", "REAL"], ["a\nb", 1.0], [None, 2.5], [2018, True]]
EXPECTED = [("Storm hits coast", "REAL"), ("a\nb", "1"), (None, "2.5"), ("2018", "True")]


def read(path: Path, **options: Any) -> list[tuple[str | None, str | None]]:
    rows = read_rows(path, columns=["title", "label"], **options)
    return [*zip(rows["title"], rows["label"], strict=True)]


def test_xlsx_is_read(tmp_path: Path) -> None:
    assert read(write_xlsx(tmp_path / "news.xlsx", {"News": ROWS})) == EXPECTED


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_compressed_file_is_read(ending: str, tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "news.xlsx", {"News": ROWS})
    (tmp_path / "packed").write_bytes(COMPRESSIONS[ending](path.read_bytes()))
    assert read(tmp_path / "packed") == EXPECTED


@pytest.mark.parametrize("name", ["news", "news.csv", "news.zip"])
def test_content_says_that_it_is_excel(name: str, tmp_path: Path) -> None:
    assert read(write_xlsx(tmp_path / name, {"News": ROWS})) == EXPECTED
    assert read(write_ods(tmp_path / name, {"News": ROWS[:2]})) == EXPECTED[:1]


def test_ods_is_read(tmp_path: Path) -> None:
    rows: Rows = [["title", "label"], ["Storm", "REAL"], ["two words", 1.0], ["c", 2.5]]
    assert read(write_ods(tmp_path / "news.ods", {"News": rows})) == [
        ("Storm", "REAL"),
        ("two words", "1"),
        ("c", "2.5"),
    ]


def test_white_space_around_names_is_removed(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "news.xlsx", {"News": [[" title ", "label "], ["Storm", "REAL"]]})
    assert read(path) == [("Storm", "REAL")]


def test_first_sheet_is_read_unless_one_is_named(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "news.XLSX", {"One": ROWS, "Two": [["label", "title"], ["X", "a"]]})
    assert read(path) == EXPECTED
    assert read(path, sheet="Two") == [("a", "X")]


def test_missing_sheet_is_refused_with_the_names(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "news.xlsx", {"One": ROWS, "News 2018": ROWS})
    with pytest.raises(DataError, match=r"news\.xlsx: .*'news 2018' .*'One', 'News 2018'.*did you mean 'News 2018'"):
        read(path, sheet="news 2018")


def test_empty_rows_and_columns_are_skipped(tmp_path: Path) -> None:
    rows: Rows = [[], [], [None, "title", "label"], [], [None, "a", "X"], [None, None, None], [None, "b", "Y"]]
    assert read(write_xlsx(tmp_path / "news.xlsx", {"News": rows})) == [("a", "X"), ("b", "Y")]


def test_date_is_written_with_the_year_first(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "news.xlsx", {"News": [["date"], [43150], [43150.5]]})
    assert read_rows(path, columns=["date"])["date"][:] == ["2018-02-19", "2018-02-19 12:00:00"]


def test_missing_column_is_refused(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "news.xlsx", {"News": [["title", None, "Label"], ["a", None, "X"]]})
    with pytest.raises(DataError, match=r"'label' \(found: 'title', 'Unnamed: 1', 'Label'\); did you mean 'Label'"):
        read(path)


@pytest.mark.parametrize("rows", [[], [["title", "label"]]])
def test_sheet_without_rows_is_refused(rows: Rows, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"news\.xlsx: no (rows|column)"):
        read(write_xlsx(tmp_path / "news.xlsx", {"News": rows}))


@pytest.mark.parametrize("content", [b"PK\x03\x04junk", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)])
@pytest.mark.parametrize("name", ["news.xlsx", "news.xls", "news.ods"])
def test_damaged_file_is_refused(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=name):
        read(tmp_path / name)


def test_text_that_is_named_xls_is_read_as_text(tmp_path: Path) -> None:
    (tmp_path / "news.xls").write_bytes(b"title\tlabel\na, b\tX\n")
    assert read(tmp_path / "news.xls") == [("a, b", "X")]


def test_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    path = write_xlsx(tmp_path / "news.xlsx", {"News": ROWS})
    with pytest.raises(SourceError, match=r"news\.xlsx: .*'hf-newscls\[excel\]'"):
        read(path)
