"""Broken CSV is refused with the line, the column and the field where it breaks."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hf_newscls.data.readers.columns import READ_ROWS, Block
from hf_newscls.data.readers.csv_file.reader import CsvReader
from hf_newscls.data.readers.encoding.text_file import TextFile
from hf_newscls.errors import DataError
from hf_newscls.recipe.files import CsvSection

WANTED = ("title", "label")


def write(folder: Path, content: str, name: str = "news.csv") -> TextFile:
    path = folder / name
    path.write_bytes(content.encode())
    return TextFile(path, name, "utf-8-sig")


def read(file: TextFile, wanted: Sequence[str] = WANTED, **keys: Any) -> list[Block]:
    return [*CsvReader(file, wanted, CsvSection(**keys)).read_blocks()]


def find_problem(folder: Path, content: str, name: str = "news.csv", **keys: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(write(folder, content, name), **keys)
    return str(caught.value).removeprefix(f"{folder / name}: ")


@pytest.mark.parametrize("rows", [1, READ_ROWS, READ_ROWS + 1, 2 * READ_ROWS + 5])
def test_rows_come_in_blocks(rows: int, tmp_path: Path) -> None:
    file = write(tmp_path, "label,title\n" + "".join(f"X,{index}\n" for index in range(rows)))
    blocks = read(file)
    assert [len(block.table) for block in blocks[:-1]] == [READ_ROWS] * ((rows - 1) // READ_ROWS)
    assert [title for block in blocks for title in block.table["title"].to_pylist()] == [
        str(row) for row in range(rows)
    ]
    assert blocks[0].table.column_names == ["title", "label"]
    assert [line for block in blocks for line in block.numbers or ()] == [*range(2, rows + 2)]


def test_single_column_is_read(tmp_path: Path) -> None:
    (block,) = read(write(tmp_path, "title,label\na,X\n"), ["label"])
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
    (block,) = read(write(tmp_path, "date,title,date,label\n1,a,2,X\n"))
    assert block.table.to_pydict() == {"title": ["a"], "label": ["X"]}


@pytest.mark.slow
def test_cell_of_100_megabytes_is_read(tmp_path: Path) -> None:
    file = write(tmp_path, 'title,label\n"' + "Storm hits coast. " * 5_600_000 + '",X\na,Y\n')
    (block,) = read(replace(file, max_characters=200_000_000))
    assert [len(title) for title in block.table["title"].to_pylist()] == [100_800_000, 1]


# Quoted fields that swallow rows.

SWALLOWED = 'key\ttitle\tlabel\n1\ta\tX\n2\t"b\tX\n\n3\tc\tY\n4\td"\tY\n5\te\tX\n'


def read_titles(file: TextFile, **keys: Any) -> list[str]:
    return [title for block in read(file, **keys) for title in block.table["title"].to_pylist()]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_quoted_field_that_swallows_rows_is_refused_with_its_lines(mark: str, line_end: str, tmp_path: Path) -> None:
    problem = find_problem(tmp_path, SWALLOWED.replace("\t", mark).replace("\n", line_end))
    assert problem.startswith("lines 3 to 6: ")
    assert "`data.csv.quoting: none`" in problem


def test_all_fields_that_swallow_rows_are_named(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, SWALLOWED + '6\t"b\tX\n7\td"\tY\n')
    assert problem.startswith("lines 3 to 6: ")
    assert "start on lines 8)" in problem


def test_swallowed_rows_are_not_skipped(tmp_path: Path) -> None:
    assert find_problem(tmp_path, SWALLOWED, on_bad_lines="skip").startswith("lines 3 to 6: ")


QUOTED = "".join(f'{number},"two\nlines {number}",X\n' for number in range(6, 9))


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("b,Z\n3,d", "Y"),  # no other row has the label Z
        ("1,000 at sea\n1,000 on land", "Y"),
    ],
)
def test_lines_without_a_known_label_are_no_rows(text: str, label: str, tmp_path: Path) -> None:
    # Other fields of several lines are right, so that quotes mean something in this file.
    file = write(tmp_path, f'key,title,label\n{QUOTED}2,"{text}",{label}\n4,e,Y\n')
    assert read_titles(file)[-2:] == [text, "e"]


def test_lines_with_known_labels_are_rows(tmp_path: Path) -> None:
    content = f'key,title,label\n{QUOTED}2,"b,X\n3,d",Y\n4,e,Y\n'
    assert find_problem(tmp_path, content).startswith("lines 8 to 9: ")


@pytest.mark.parametrize(
    ("keys", "titles"),
    [
        ({"quoting": "none"}, ["a", '"b', "c", 'd"', "e"]),
        ({"quoting": "minimal"}, ["a", "b\tX\n\n3\tc\tY\n4\td", "e"]),
    ],
)
def test_recipe_says_what_quotes_mean(keys: dict[str, Any], titles: list[str], tmp_path: Path) -> None:
    assert read_titles(write(tmp_path, SWALLOWED, "news.tsv"), **keys) == titles


@pytest.mark.parametrize(
    "field",
    [
        "Storm hits, coast\nTwo towns, one road",  # as many commas as a row, in sentences
        "one\ntwo",
        "one,\ntwo",
        "one,two\n\nthree",
    ],
)
def test_field_of_several_lines_is_read(field: str, tmp_path: Path) -> None:
    file = write(tmp_path, f'label,title\nX,"{field}"\n')
    assert read_titles(file) == [field]


def test_single_column_of_several_lines_is_read(tmp_path: Path) -> None:
    (block,) = read(write(tmp_path, 'title\n"one\ntwo"\n'), ["title"])
    assert block.table.to_pydict() == {"title": ["one\ntwo"]}


# Bad lines that are skipped.


def test_skipped_lines_are_counted(tmp_path: Path) -> None:
    content = 'title,label\na,X\nb\n"c" c,Y\nd,"X\nX",Z\ne,Y\n"f\nf" f,Y\ng,X,Z\n'
    reader = CsvReader(write(tmp_path, content), WANTED, CsvSection(on_bad_lines="skip"))
    (block,) = reader.read_blocks()
    assert block.table.to_pydict() == {"title": ["a", "e"], "label": ["X", "Y"]}
    assert block.numbers == (2, 7)
    # Lines 3, 4, 5 and 6, 8 and 9, 10.
    assert reader.skipped_lines == 7


@pytest.mark.parametrize("content", ['title,label\na,X\n"b,Y\nc,X\n', 'title,label\na,X\nb,"Y'])
def test_quote_that_is_never_closed_is_not_skipped(content: str, tmp_path: Path) -> None:
    assert "line 3" in find_problem(tmp_path, content, on_bad_lines="skip")


def test_no_line_is_skipped_in_a_good_file(tmp_path: Path) -> None:
    reader = CsvReader(write(tmp_path, "title,label\na,X\n"), WANTED, CsvSection(on_bad_lines="skip"))
    assert len([*reader.read_blocks()]) == 1
    assert reader.skipped_lines == 0


# Quotes that mean nothing.


@pytest.mark.parametrize("title", ['"', '"a', 'a"', '"a"', '""', 'say "no"', "'a'"])
def test_quotes_are_text_if_the_recipe_says_so(title: str, tmp_path: Path) -> None:
    assert read_titles(write(tmp_path, f"title,label\n{title},X\n"), quoting="none") == [title]


# Files without a header.

ROWS = "3,Oil prices rise,Crude went up.\n2,Team wins cup,The final ended.\n3,Bank cuts rates,To two.\n"


def test_columns_of_the_recipe_name_the_fields(tmp_path: Path) -> None:
    file = write(tmp_path, ROWS)
    (block,) = read(file, columns=["label", "title", "text"])
    assert block.table["label"].to_pylist() == ["3", "2", "3"]
    assert block.table["title"].to_pylist() == ["Oil prices rise", "Team wins cup", "Bank cuts rates"]
    assert block.numbers == (1, 2, 3)


def test_wrong_number_of_columns_is_refused(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, ROWS, columns=["label", "title"])
    assert problem.startswith("lines 1, 2, 3: 3, 3, 3 fields, but `data.csv.columns` has 2")


def test_columns_of_the_recipe_lack_a_wanted_one(tmp_path: Path) -> None:
    assert find_problem(tmp_path, ROWS, columns=["label", "a", "b"]).startswith("no column 'title'")


def test_header_is_refused_if_the_recipe_names_the_columns(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, "label, title ,text\n" + ROWS, columns=["label", "title", "text"])
    assert "`data.csv.columns`" in problem
    assert "'label', 'title', 'text'" in problem


@pytest.mark.parametrize(
    "content",
    [
        ROWS,
        "Team wins cup,sport\nBank cuts rates,economy\nRail strike ends,sport\n",  # a label that occurs again
        "Storm cuts power and trains in all of the north,weather\nTeam wins cup,sport\n",  # longer than a name
        "a\t0.5\nb\t1\n",
    ],
)
def test_first_line_that_looks_like_a_row_is_pointed_out(content: str, tmp_path: Path) -> None:
    problem = find_problem(tmp_path, content)
    assert "`data.csv.columns: [column1, column2" in problem


@pytest.mark.parametrize("header", ["headline,category", "Headline,News Category", ",headline,category"])
def test_header_does_not_look_like_a_row(header: str, tmp_path: Path) -> None:
    assert "data.csv.columns" not in find_problem(tmp_path, f"{header}\n0,a,X\n1,b,Y\n")


ESCAPED = [
    'title,label\n"He said \\"no\\" to it",X\n',
    'title,label\n"The \\"end",X\n',
    'title,label\n"A 5\\"",X\n"b",Y\n',
    'title,label\n"He said \\"no\\", then left",X\n',
    'title,label\n"\\"No\\"\nhe said",X\n',
]


@pytest.mark.parametrize("content", ESCAPED)
def test_escaped_quotes_are_refused_with_the_key(content: str, tmp_path: Path) -> None:
    assert "`data.csv.escape: backslash`" in find_problem(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "title"),
    [
        *zip(
            ESCAPED, ['He said "no" to it', 'The "end', 'A 5"', 'He said "no", then left', '"No"\nhe said'], strict=True
        )
    ],
)
def test_escaped_quotes_are_read_if_the_recipe_says_so(content: str, title: str, tmp_path: Path) -> None:
    block, *_ = read(write(tmp_path, content), escape="backslash")
    assert block.table["title"][0].as_py() == title


def test_misplaced_quote_is_located_behind_escaped_ones(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, 'title,label\n"say \\"no, or\\"" yes,X\n', escape="backslash")
    assert problem.startswith("line 2, column 16, field 'title'")
    assert "data.csv.escape" not in problem
