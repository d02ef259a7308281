"""The encoding of a text is found, or not guessed."""

from collections.abc import Iterator, Sequence

import pytest

from hf_newscls.data.readers.encoding import readings
from hf_newscls.data.readers.encoding.readings import is_damaged_utf8, rank_readings, sample_cells
from tests.data.headlines import HEADLINES


@pytest.mark.parametrize(
    ("language", "encoding", "expected"),
    [
        ("chinese", "gbk", "gb18030"),
        ("taiwanese", "big5", "big5hkscs"),
        ("japanese", "shift_jis", "cp932"),
        ("japanese", "euc_jp", "euc_jp"),
        ("korean", "euc_kr", "cp949"),
        ("polish", "cp1250", "cp1250"),
        ("polish", "iso8859_2", "iso8859_2"),
        ("czech", "cp1250", "cp1250"),
        ("russian", "cp1251", "cp1251"),
        ("greek", "cp1253", "cp1253"),
        ("turkish", "cp1254", "cp1254"),
        ("arabic", "cp1256", "cp1256"),
        ("hebrew", "cp1255", "cp1255"),
        ("hebrew", "cp862", "cp862"),
        ("lithuanian", "cp1257", "cp1257"),
        ("french", "cp1252", "cp1252"),
        ("german", "cp1252", "cp1252"),
        ("english", "cp1252", "cp1252"),
    ],
)
def test_encoding_of_some_headlines_is_found(language: str, encoding: str, expected: str) -> None:
    headlines = [line for line in HEADLINES[language] if line.encode(encoding, "replace").decode(encoding) == line]
    readings = rank_readings([line.encode(encoding) for line in headlines])
    assert [reading.encoding for reading in readings] == [expected]
    assert readings[0].fits
    assert [*readings[0].cells] == headlines


def cut(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def encode(texts: Sequence[str], encoding: str) -> list[bytes]:
    return [text.encode(encoding) for text in texts]


@pytest.mark.parametrize(
    ("cells", "near"),
    [
        (encode(["São João"], "cp1252"), {"cp1252", "cp1250"}),
        (encode(["Proračun"], "cp1250"), {"cp1252", "cp1250"}),
        (encode(["雪"], "gbk"), {"gb18030", "cp949"}),
    ],
)
def test_few_letters_leave_several_encodings(cells: list[bytes], near: set[str]) -> None:
    assert near <= {reading.encoding for reading in rank_readings(cells)}


def test_encoding_that_is_not_known_does_not_fit() -> None:
    readings = rank_readings(encode(HEADLINES["german"], "mac_roman"))
    assert not readings or not readings[0].fits


@pytest.mark.parametrize("accents", ["São", "Malmö", "naïve", "piñata"])
def test_rare_accents_are_read_as_in_english(accents: str) -> None:
    cells = encode([f"A long headline about {accents} and much that is plain {'English ' * 40}"], "cp1252")
    assert [reading.encoding for reading in rank_readings(cells)] == ["cp1252"]


@pytest.mark.parametrize(
    ("content", "cells"),
    [
        (b"", []),
        (b"plain\n", []),
        (b"\xe9", [b"\xe9"]),
        (b'a,"b \xe9, c \xe8"\r\nd\t\xe0 e\n', [b"b \xe9", b" c \xe8", b"\xe0 e"]),
    ],
)
@pytest.mark.parametrize("size", [7, 1 << 16])
def test_cells_outside_ascii_are_sampled_whole(size: int, content: bytes, cells: list[bytes]) -> None:
    assert sample_cells(cut(content, size)) == cells


def test_cell_that_is_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "_LONGEST_CELL", 8)
    assert sample_cells(cut(b"\xe9" * 20 + b",a \xe8,b", 8)) == [b"a \xe8"]


def test_sample_is_bounded_and_spread_over_the_file() -> None:
    content = b"".join(b"caf\xe9 %06d\n" % number for number in range(50_000))
    cells = sample_cells(cut(content, 1 << 16))
    numbers = [int(cell[-6:]) for cell in cells]
    assert 2_000 < len(cells) < 16_000
    assert sum(map(len, cells)) <= 1 << 17
    assert numbers[0] == 0
    assert numbers[-1] > 49_000
    assert len({*map(int.__sub__, numbers[1:], numbers)}) == 1


def test_bytes_that_are_utf8_by_accident_do_not_make_a_file_utf8() -> None:
    assert not is_damaged_utf8(encode(HEADLINES["chinese"], "gbk"))
    assert is_damaged_utf8([*encode(HEADLINES["chinese"], "utf-8"), b"\xe5\x9b"])


def test_no_cells_decide_nothing() -> None:
    # UTF-16 without its byte order mark can have none.
    assert len(rank_readings([])) != 1
