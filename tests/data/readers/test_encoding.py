"""Where a text file stops being what it should be is told by offset, line and column."""

import io
from pathlib import Path

import pytest

from hf_newscls.data.readers import encoding as module
from hf_newscls.data.readers.encoding import TextFile, detect_encoding, scan_text
from hf_newscls.errors import DataError


@pytest.mark.parametrize(
    ("content", "encoding", "offset", "line", "column"),
    [
        (b"\xe9", "utf-8", 0, 1, 1),
        (b"ab\xe9", "utf-8", 2, 1, 3),
        (b"a\nb\xe9c", "utf-8", 3, 2, 2),
        (b"a\r\nb\xe9c", "utf-8", 4, 2, 2),
        (b"a\rb\n\r\xe9", "utf-8", 5, 4, 1),
        ("é\né".encode() + b"\xe9 ", "utf-8", 5, 2, 2),
        (b"a\n\xe2\x82", "utf-8", 2, 2, 1),  # cut off within a character
        (b"a\nb\x81", "cp1252", 3, 2, 2),
        (b"a\n\xff", "ascii", 2, 2, 1),
        ("a\nb".encode("utf-16-le") + b"\x00\xdc\x00\x00", "utf-16-le", 6, 2, 2),
    ],
)
@pytest.mark.parametrize("block", [1, 2, 3, 1 << 20])
def test_byte_that_cannot_be_decoded_is_placed(
    block: int, content: bytes, encoding: str, offset: int, line: int, column: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BLOCK_BYTES", block)
    scan = scan_text(io.BytesIO(content), encoding)
    assert (scan.offset, scan.line, scan.column) == (offset, line, column)
    assert scan.bad_byte == content[offset]


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_text_that_is_right_is_read_to_its_end(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK_BYTES", block)
    content = "Café\r\nzwei\nstörm".encode()
    scan = scan_text(io.BytesIO(content), "utf-8")
    assert (scan.bad_byte, scan.offset, scan.line, scan.column) == (None, len(content), 3, 6)
    assert (scan.is_ascii, scan.nul_count) == (False, 0)


@pytest.mark.parametrize("block", [1, 3, 1 << 20])
def test_nul_characters_are_placed_and_counted(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK_BYTES", block)
    scan = scan_text(io.BytesIO(b"a\0b\n\0\n\nab\0" + b"\0" * 7), "utf-8")
    assert scan.nul_indices == [(1, 2), (2, 1), (4, 3), (4, 4), (4, 5)]
    assert (scan.nul_count, scan.is_ascii) == (10, True)


def detect(folder: Path, content: bytes, encoding: str | None = None) -> str:
    path = folder / "news.csv"
    path.write_bytes(content)
    return detect_encoding(path, content[:64], encoding=encoding)


@pytest.mark.parametrize(
    ("content", "encoding", "expected"),
    [
        (b"plain", None, "utf-8-sig"),
        ("Café".encode(), None, "utf-8-sig"),
        ("Café".encode("cp1252"), None, "cp1252"),
        ("It\x92s".encode("latin-1"), None, "cp1252"),
        ("\x81 Café".encode("latin-1"), None, "latin-1"),
        ("Café".encode(), "UTF8", "utf-8-sig"),
        ("Café".encode("cp1252"), "windows-1252", "cp1252"),
        ("Café".encode("utf-16"), "utf-16", "utf-16"),
        ("日本".encode("gbk"), "gbk", "gbk"),
    ],
)
def test_encoding_is_detected_or_taken(content: bytes, encoding: str | None, expected: str, tmp_path: Path) -> None:
    assert detect(tmp_path, content, encoding) == expected


def find_problem(folder: Path, content: bytes, encoding: str | None = None) -> str:
    with pytest.raises(DataError) as caught:
        detect(folder, content, encoding)
    return str(caught.value)


def test_two_encodings_in_one_file_are_refused(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, "title\nCafé\nÜber ".encode() + "Café".encode("latin-1"))
    # 6 + 6 bytes of two lines, 6 of the third, then three letters.
    assert "found UTF-8 that ends being valid with byte 0xe9 at offset 21, line 3, column 9" in problem
    assert "set `data.encoding` to what most of the file is in, as cp1252" in problem


def test_end_of_utf8_is_placed_where_the_recipe_names_it(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, b"title,label\nCaf\xe9,X\n", "utf-8")
    assert "must be readable as `data.encoding`, got 'utf-8', which ends being valid with byte 0xe9" in problem
    assert "at offset 15, line 2, column 4; set the file's own" in problem


@pytest.mark.parametrize("encoding", ["no-such-encoding", "base64", "rot13", "undefined", "a\0b", ""])
def test_encoding_that_is_none_is_refused(encoding: str, tmp_path: Path) -> None:
    assert f"must be readable as `data.encoding`, got {encoding!r}" in find_problem(tmp_path, b"a,b\n", encoding)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encoding_is_named(encoding: str, tmp_path: Path) -> None:
    problem = find_problem(tmp_path, "title,label\na,X\n".encode(encoding))
    assert f"found {encoding.upper()}; set `data.encoding: {encoding}`, or convert it to UTF-8 first" in problem


def test_few_nul_characters_are_no_wide_encoding(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, b"title,label\na\0b,X\n")
    assert problem.endswith("must hold no NUL characters, found some in line 2 column 2; remove them")


def test_many_nul_characters_are_cut_short(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, b"title,label\n" * 100 + b"\0" * 9)
    assert "line 101 column 1, " in problem
    assert "line 101 column 5, … (9 in all); remove them" in problem


def test_byte_of_no_text_is_refused_with_its_offset(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, b"\x89PNG\r\n\x1a\n\x00\x00")
    assert "must be CSV, JSON or Parquet, found byte 0x1a at offset 6, line 2: a binary file; name another" in problem


def test_stray_control_characters_are_text_where_the_recipe_says_so(tmp_path: Path) -> None:
    content = b"title,label\nStorm\x1f,REAL\n"
    assert "offset 17, line 2: a binary file" in find_problem(tmp_path, content)
    assert detect(tmp_path, content, "utf-8") == "utf-8-sig"


def test_file_is_opened_with_the_line_ends_it_has(tmp_path: Path) -> None:
    path = tmp_path / "news.csv"
    path.write_bytes("\ufeffa\r\nb\rc\n".encode())
    with TextFile(path, "news.csv", "utf-8-sig").open() as stream:
        assert [*stream] == ["a\r\n", "b\r", "c\n"]
