"""The encoding of text files is detected, and files that are not text are refused."""

import logging
from pathlib import Path

import pytest

from hf_newscls.data.readers.encoding import detection
from hf_newscls.data.readers.encoding.detection import detect_encoding
from hf_newscls.data.readers.encoding.text_file import TextFile
from hf_newscls.errors import DataError


def detect(folder: Path, content: bytes, encoding: str | None = None) -> str:
    path = folder / "news.csv"
    path.write_bytes(content)
    return detect_encoding([path], encoding=encoding)


@pytest.mark.parametrize(
    ("content", "encoding", "expected"),
    [
        (b"plain", None, "utf-8-sig"),
        ("Café".encode(), None, "utf-8-sig"),
        ("Café".encode("cp1252"), None, "cp1252"),
        ("It\x92s".encode("latin-1"), None, "cp1252"),
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


def test_utf8_with_a_bad_byte_is_refused_with_its_position(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, "title\nCafé\nÜber ".encode() + "Café".encode("latin-1"))
    # The third line is "Über Caf" and then the byte.
    assert "news.csv: line 3, column 9: byte 0xe9" in problem
    assert "`data.encoding_errors: replace`" in problem
    assert "`data.encoding`" not in problem


@pytest.mark.parametrize(
    "content",
    [
        "Le café près de Nîmes\n".encode("cp1252") * 20 + "Le café près de Nîmes\n".encode() * 5,
        "Le café près de Nîmes\n".encode() * 5 + "Le café près de Nîmes\n".encode("cp1252") * 20,
        "\n".join(["国足赢得第三场比赛"[:length] for length in range(2, 9)]).encode() + b"\n\xe5\x9b\n",
    ],
)
def test_mixed_or_cut_utf8_is_no_other_encoding(content: bytes, tmp_path: Path) -> None:
    assert "'utf-8'" in find_problem(tmp_path, content)


def test_bad_bytes_are_replaced_and_counted_if_the_recipe_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "hf_newscls")
    path = tmp_path / "news.csv"
    path.write_bytes("Café\nÉlan ".encode() + b"Time\x92s \x80\n")
    encoding = detect_encoding([path], encoding=None, errors="replace")
    with TextFile(path, "news.csv", encoding, "replace").open() as stream:
        assert stream.read() == "Café\nÉlan Time\ufffds \ufffd\n"
    assert caplog.messages[-1].endswith(": 2")


def test_nul_after_a_bad_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "news.csv"
    path.write_bytes("Café\nÉlan ".encode() + b"\x92\n\0\n")
    with pytest.raises(DataError, match="line 3, column 1: NUL"):
        detect_encoding([path], encoding=None, errors="replace")


def test_encoding_that_the_text_does_not_decide_is_refused_with_its_readings(tmp_path: Path) -> None:
    # Portuguese or Romanian: every word exists in both alphabets.
    problem = find_problem(tmp_path, "São João\n".encode("cp1252"))
    assert "cp1252: 'São João'" in problem
    assert "cp1250: 'Săo Joăo'" in problem
    assert "`data.encoding`" in problem


def test_detected_encoding_must_suit_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "sample_cells", lambda blocks: next(blocks)[:40].split(b"\n"))
    content = "油价上涨百分之二\n央行下调存款利率\n".encode("gbk") * 3 + b"\xff\n"
    assert "line 7, column 1: byte 0xff is not valid in 'gb18030'" in find_problem(tmp_path, content)


def test_file_not_in_the_encoding_of_the_recipe_is_refused(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, b"title,label\nCaf\xe9,X\n", "utf-8")
    assert "news.csv: line 2, column 4: byte 0xe9" in problem
    assert "'utf-8'" in problem
    assert "`data.encoding`" in problem


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
