"""Text files: the encoding is detected, and a fault is reported with its line and column."""

import io
from pathlib import Path

import pytest

from hf_newscls.data.readers import encoding as module
from hf_newscls.data.readers.encoding import Fault, Position, TextFile, detect_encoding, find_fault
from hf_newscls.errors import DataError


@pytest.mark.parametrize(
    ("content", "encoding", "line", "column", "byte", "is_after_ascii"),
    [
        (b"\xe9", "utf-8", 1, 1, 0xE9, True),
        (b"ab\xe9", "utf-8", 1, 3, 0xE9, True),
        (b"a\nb\xe9c", "utf-8", 2, 2, 0xE9, True),
        (b"a\r\nb\xe9c", "utf-8", 2, 2, 0xE9, True),
        (b"a\rb\n\r\xe9", "utf-8", 4, 1, 0xE9, True),
        ("é\né".encode() + b"\xe9 ", "utf-8", 2, 2, 0xE9, False),
        (b"a\n\xe2\x82", "utf-8", 2, 1, 0xE2, True),  # cut off within a character
        (b"a\nb\x81", "cp1252", 2, 2, 0x81, True),
        (b"a\n\xff", "ascii", 2, 1, 0xFF, True),
        ("a\nb".encode("utf-16-le") + b"\x01\xdc\x00\x00", "utf-16-le", 2, 2, 0x01, True),
        (b"a\0b\n\0", "utf-8", 1, 2, 0, True),
        ("é\n\r\nab\0".encode(), "utf-8", 3, 3, 0, False),
        (b"a\0\xe9", "utf-8", 1, 2, 0, True),
        (b"a\xe9\0", "utf-8", 1, 2, 0xE9, True),
    ],
)
@pytest.mark.parametrize("block", [1, 2, 3, 1 << 20])
def test_first_fault_is_located(
    block: int,
    content: bytes,
    encoding: str,
    line: int,
    column: int,
    byte: int,
    is_after_ascii: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_BLOCK_BYTES", block)
    assert find_fault(io.BytesIO(content), encoding) == Fault(Position(line, column), byte, is_after_ascii)


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_valid_text_has_no_fault(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK_BYTES", block)
    assert find_fault(io.BytesIO("Café\r\nzwei\nstörm".encode()), "utf-8") is None


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
    # The third line is "Über Caf" and then the byte.
    assert "news.csv: line 3, column 9: byte 0xe9" in problem
    assert "`data.encoding`" in problem


def test_file_not_in_the_encoding_of_the_recipe_is_refused(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, b"title,label\nCaf\xe9,X\n", "utf-8")
    assert "news.csv: line 2, column 4: byte 0xe9" in problem
    assert "'utf-8'; set `data.encoding`" in problem


@pytest.mark.parametrize("encoding", ["no-such-encoding", "base64", "rot13", "undefined", "a\0b", ""])
def test_unknown_encoding_is_refused(encoding: str, tmp_path: Path) -> None:
    assert f"`data.encoding` {encoding!r}" in find_problem(tmp_path, b"a,b\n", encoding)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encoding_is_named(encoding: str, tmp_path: Path) -> None:
    problem = find_problem(tmp_path, "title,label\na,X\n".encode(encoding))
    assert f"{encoding.upper()}; set `data.encoding: {encoding}`" in problem


def test_nul_character_is_refused_with_its_position(tmp_path: Path) -> None:
    assert "news.csv: line 2, column 2: NUL" in find_problem(tmp_path, b"title,label\na\0b,X\n")


def test_binary_file_is_refused_with_the_byte(tmp_path: Path) -> None:
    assert "line 2: byte 0x1a" in find_problem(tmp_path, b"\x89PNG\r\n\x1a\n\x00\x00")


def test_stray_control_characters_are_text_if_the_recipe_names_the_encoding(tmp_path: Path) -> None:
    content = b"title,label\nStorm\x1f,REAL\n"
    assert "line 2: byte 0x1f" in find_problem(tmp_path, content)
    assert detect(tmp_path, content, "utf-8") == "utf-8-sig"


def test_file_is_opened_with_the_line_ends_it_has(tmp_path: Path) -> None:
    path = tmp_path / "news.csv"
    path.write_bytes("\ufeffa\r\nb\rc\n".encode())
    with TextFile(path, "news.csv", "utf-8-sig").open() as stream:
        assert [*stream] == ["a\r\n", "b\r", "c\n"]
