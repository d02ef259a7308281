"""Broken CSV is refused with the line, the column and the field where it breaks."""

from pathlib import Path

import pytest

from hf_newscls.data.readers.columns import BLOCK_ROWS
from hf_newscls.data.readers.csv_file import read_csv_blocks
from hf_newscls.data.readers.encoding import TextFile
from hf_newscls.errors import DataError

WANTED = ("title", "label")


def write(folder: Path, content: str, name: str = "news.csv") -> TextFile:
    path = folder / name
    path.write_bytes(content.encode())
    return TextFile(path, name, "utf-8-sig")


def find_problem(folder: Path, content: str, name: str = "news.csv") -> str:
    with pytest.raises(DataError) as caught:
        [*read_csv_blocks(write(folder, content, name), WANTED)]
    return str(caught.value).removeprefix(f"{folder / name}: ")


@pytest.mark.parametrize("rows", [1, BLOCK_ROWS, BLOCK_ROWS + 1, 2 * BLOCK_ROWS + 5])
def test_rows_come_in_blocks(rows: int, tmp_path: Path) -> None:
    file = write(tmp_path, "label,title\n" + "".join(f"X,{index}\n" for index in range(rows)))
    blocks = [*read_csv_blocks(file, WANTED)]
    assert [len(block.table) for block in blocks[:-1]] == [BLOCK_ROWS] * ((rows - 1) // BLOCK_ROWS)
    assert [title for block in blocks for title in block.table["title"].to_pylist()] == [
        str(row) for row in range(rows)
    ]
    assert blocks[0].table.column_names == ["title", "label"]
    assert [line for block in blocks for line in block.numbers or ()] == [*range(2, rows + 2)]


def test_single_column_is_read(tmp_path: Path) -> None:
    (block,) = read_csv_blocks(write(tmp_path, "title,label\na,X\n"), ["label"])
    assert block.table.to_pydict() == {"label": ["X"]}


def test_ragged_rows_are_all_counted(tmp_path: Path) -> None:
    content = "title,label\n" + "a,X\n" * 3 + "b\n" + "a,X\n" + "c,d,Y\n" + 'e,"two\nlines"\n' + "f,\n,g,h,i\n"
    problem = find_problem(tmp_path, content)
    # Lines 5 and 7 come before a record of two lines, line 11 after it.
    assert problem.startswith("lines 5, 7, 11: 1, 3, 4 fields")
    assert "header has 2" in problem


def test_many_ragged_rows_are_cut_short(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, "title,label\n" + "a\n" * 12_345)
    assert problem.startswith("lines 2, 3, 4, 5, 6, … (12345 in all): 1, 1,")


def test_first_fault_in_the_file_is_reported(tmp_path: Path) -> None:
    assert find_problem(tmp_path, 'title,label\na\n"b" c,Y\n').startswith("line 2: 1 fields")
    assert find_problem(tmp_path, 'title,label\n"b" c,Y\na\n').startswith("line 2, column 3, field 'title'")


@pytest.mark.parametrize(
    ("content", "start", "line", "column", "field"),
    [
        ('title,label\n"b" c,Y\n', 2, 2, 3, "'title'"),
        ('title,label\nb,"Y"Z\n', 2, 2, 5, "'label'"),
        ('title,label\n"one\ntwo" c,Y\n', 2, 3, 4, "'title'"),
        ('title,label\na,X\n"say ""no"" or" yes,Y\n', 3, 3, 15, "'title'"),
        ('title,label\n"a, b","c"d\n', 2, 2, 10, "'label'"),
        ('title,label\na,b,"c"d\n', 2, 2, 7, "number 3"),
        ('"title" ,label\na,X\n', 1, 1, 7, "number 1"),
        # Cut off: the quote that was never closed.
        ('title,label\n"a,X\nb,Y\n', 2, 2, 1, "'title'"),
        ('title,label\na,X\nb,"Y\nc\n', 3, 3, 3, "'label'"),
        ('title,label\n"x","say ""no""', 2, 2, 5, "'label'"),
    ],
)
def test_misplaced_quote_is_located(
    content: str, start: int, line: int, column: int, field: str, tmp_path: Path
) -> None:
    problem = find_problem(tmp_path, content)
    assert problem.startswith(f"line {line}, column {column}, field {field}: ")
    assert f"starts on line {start};" in problem


def test_quote_in_tab_separated_values_is_located(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, 'title\tlabel\na, b\t"Y"Z\n', "news.TSV")
    assert problem.startswith("line 2, column 8, field 'label': ")


def test_column_twice_in_the_header_is_refused_with_its_numbers(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, "title,date,label,title\na,b,X,c\n")
    assert problem.startswith("column 'title'")
    assert "columns 1, 4" in problem


def test_unused_column_may_occur_twice(tmp_path: Path) -> None:
    (block,) = read_csv_blocks(write(tmp_path, "date,title,date,label\n1,a,2,X\n"), WANTED)
    assert block.table.to_pydict() == {"title": ["a"], "label": ["X"]}


@pytest.mark.slow
def test_cell_of_100_megabytes_is_read(tmp_path: Path) -> None:
    file = write(tmp_path, 'title,label\n"' + "Storm hits coast. " * 5_600_000 + '",X\na,Y\n')
    (block,) = read_csv_blocks(file, WANTED)
    assert [len(title) for title in block.table["title"].to_pylist()] == [100_800_000, 1]
