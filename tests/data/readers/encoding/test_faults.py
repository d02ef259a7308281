"""The first fault of a text is found with its line and column, however it is cut into blocks."""

import io

import pytest

from hf_newscls.data.readers.encoding import faults
from hf_newscls.data.readers.encoding.faults import Fault, find_fault
from hf_newscls.data.readers.encoding.text_file import Position


@pytest.mark.parametrize(
    ("content", "encoding", "line", "column", "byte"),
    [
        (b"\xe9", "utf-8", 1, 1, 0xE9),
        (b"ab\xe9", "utf-8", 1, 3, 0xE9),
        (b"a\nb\xe9c", "utf-8", 2, 2, 0xE9),
        (b"a\r\nb\xe9c", "utf-8", 2, 2, 0xE9),
        (b"a\rb\n\r\xe9", "utf-8", 4, 1, 0xE9),
        ("é\né".encode() + b"\xe9 ", "utf-8", 2, 2, 0xE9),
        (b"a\n\xe2\x82", "utf-8", 2, 1, 0xE2),  # cut off within a character
        (b"a\nb\x81", "cp1252", 2, 2, 0x81),
        (b"a\n\xff", "ascii", 2, 1, 0xFF),
        ("a\nb".encode("utf-16-le") + b"\x01\xdc\x00\x00", "utf-16-le", 2, 2, 0x01),
        (b"a\0b\n\0", "utf-8", 1, 2, 0),
        ("é\n\r\nab\0".encode(), "utf-8", 3, 3, 0),
        (b"a\0\xe9", "utf-8", 1, 2, 0),
        (b"a\xe9\0", "utf-8", 1, 2, 0xE9),
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
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(faults, "_BLOCK_BYTES", block)
    assert find_fault(io.BytesIO(content), encoding) == Fault(Position(line, column), byte)


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_valid_text_has_no_fault(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "_BLOCK_BYTES", block)
    assert find_fault(io.BytesIO("Café\r\nzwei\nstörm".encode()), "utf-8") is None
