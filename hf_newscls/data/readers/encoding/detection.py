"""Detect the encoding of text files, and refuse files that are not text."""

import codecs
import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from hf_newscls.data.readers.compression import open_data
from hf_newscls.data.readers.encoding.faults import (
    Fault,
    build_encoding_error,
    find_faults,
    find_replaced,
    locate_fault,
)
from hf_newscls.data.readers.encoding.readings import Reading, is_damaged_utf8, rank_readings, sample_cells
from hf_newscls.data.readers.encoding.text_file import EncodingErrors
from hf_newscls.errors import DataError, format_examples, shorten_text
from hf_newscls.files import name_paths

_SAMPLE_BYTES = 1 << 16
# Longest first: the byte order mark of UTF-32 begins with that of UTF-16.
_WIDE_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Control characters except tab, line feed, form feed, carriage return and escape; NUL has its own message.
_BINARY_BYTES = frozenset(range(1, 32)) - {9, 10, 12, 13, 27}
# UTF-8 in a file in Latin letters is no accident, as it is in Chinese.
_LEAST_UTF8_IN_LATIN = 0.1

logger = logging.getLogger(__name__)


def detect_encoding(paths: Sequence[Path], *, encoding: str | None, errors: EncodingErrors = "strict") -> str:
    """Decode text files once from start to end, and return the one encoding to read all of them with.

    Args:
        paths: one file, or all files of a folder.
        encoding: expected encoding; if None, UTF-8 with or without a byte order mark, else the encoding in
            `ALPHABETS` that clearly suits the texts best.
        errors: whether bytes that are not valid are refused, or read as the replacement character, and counted.

    Raises:
        DataError: a file is not in `encoding`, is in UTF-8 but for some bytes, suits several encodings or none,
            holds NUL characters, or is binary (not checked if `encoding` is given).
    """
    codec = "utf-8" if encoding is None else _find_codec(paths[0], encoding)
    for path in paths:
        _refuse_other_kinds(path, codec, is_given=encoding is not None)
    faults = find_faults(paths, codec)
    if faults and encoding is None:
        codec = _choose_encoding(paths, faults)
        faults = faults if codec == "utf-8" else find_faults(paths, codec)
    if faults:
        advice = "fix it there" if encoding is None and codec == "utf-8" else "set `data.encoding` to another"
        _report_damage(faults, codec, errors=errors, advice=advice)
    return "utf-8-sig" if codec == "utf-8" else codec  # keeps a byte order mark out of the first column's name


def _refuse_other_kinds(path: Path, codec: str, *, is_given: bool) -> None:
    with open_data(path) as opened:
        sample = opened.stream.read(_SAMPLE_BYTES)
    if not codec.startswith(("utf-16", "utf-32")):
        _refuse_wide(path, sample)
    if not is_given:
        _refuse_binary(path, sample)


def _choose_encoding(paths: Sequence[Path], faults: Mapping[Path, Fault]) -> str:
    """Return the encoding of files that are not valid in UTF-8; UTF-8 if they are so but for some bytes."""
    cells = sample_cells(_read_blocks(paths))
    readings = [] if is_damaged_utf8(cells) else rank_readings(cells)
    best = readings[0] if readings else None
    if is_damaged_utf8(cells, fraction=_LEAST_UTF8_IN_LATIN if best and best.is_latin else 0.5):
        return "utf-8"
    found = f"{locate_fault(*next(iter(faults.items())))} is not valid in UTF-8"
    if best is None or not best.fits or len(readings) > 1:
        raise DataError(
            f"{found}, and the text does not decide which encoding it is ({_quote(readings) or 'none fits'}); set "
            "`data.encoding` to the one that reads right, or convert the file to UTF-8"
        )
    logger.info("%s; read as %s", found, best.encoding)
    return best.encoding


def _read_blocks(paths: Sequence[Path]) -> Iterator[bytes]:
    """Yield the bytes of all files; a line ends where a file ends."""
    for path in paths:
        with open_data(path) as opened:
            yield from iter(partial(opened.stream.read, _SAMPLE_BYTES), b"")
        yield b"\n"


def _quote(readings: Sequence[Reading]) -> str:
    """Return each reading of the cell that most encodings read in their own way."""
    columns = [*zip(*(reading.cells for reading in readings), strict=False)]
    cell = max(columns, key=lambda texts: len({*texts}), default=())
    return ", ".join(
        f"{reading.encoding}: {shorten_text(text, limit=60)!r}"
        for reading, text in zip(readings[:5], cell, strict=False)
    )


def _report_damage(faults: Mapping[Path, Fault], encoding: str, *, errors: EncodingErrors, advice: str) -> None:
    """Count what is not valid in an encoding, and raise an error unless it is to be replaced."""
    lines = {path: [position.line for position in find_replaced(path, encoding)] for path in faults}
    count = f"{sum(map(len, lines.values())):,}"
    if errors == "strict":
        path, fault = next(iter(faults.items()))
        others = f"; more files: {len(faults) - 1:,}" if len(faults) > 1 else ""
        raise DataError(
            f"{locate_fault(path, fault)} is not valid in {encoding!r} (bad characters: {count}; lines: "
            f"{format_examples(dict.fromkeys(lines[path]))}{others}); {advice}, or set `data.encoding_errors: replace`"
        )
    logger.info("%s: characters not valid in %s, read as U+FFFD: %s", name_paths([*faults]), encoding, count)


def _find_codec(path: Path, encoding: str) -> str:
    try:
        b"a".decode(encoding)  # fails for codecs that are not text encodings, such as base64
    except UnicodeDecodeError:
        pass  # one byte is too short for some
    except (LookupError, ValueError) as error:
        raise build_encoding_error(path, encoding, error) from error
    return codecs.lookup(encoding).name


def _refuse_wide(path: Path, sample: bytes) -> None:
    wide = next((name for mark, name in _WIDE_MARKS.items() if sample.startswith(mark)), None)
    # UTF-16 without a byte order mark: in Western text every other byte is NUL, and none between them.
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if not wide and not min(even, odd) and max(even, odd) * 4 >= max(len(sample), 1):
        wide = "utf-16-be" if even else "utf-16-le"
    if wide:
        raise DataError(f"{path}: the text is {wide.upper()}; set `data.encoding: {wide}`, or convert it to UTF-8")


def _refuse_binary(path: Path, sample: bytes) -> None:
    index = next((index for index, byte in enumerate(sample) if byte in _BINARY_BYTES), None)
    if index is not None:
        raise DataError(
            f"{path}: line {sample.count(10, 0, index) + 1}: byte {sample[index]:#04x} of a binary file, not of CSV, "
            "JSON or Parquet; name another file, or set data.encoding if it is text"
        )
