"""Read a sheet of an Excel or OpenDocument file, row by row, with python-calamine in a process of its own."""

import importlib.util
import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from hf_newscls.data.readers import excel_script
from hf_newscls.data.readers.columns import Blocks, build_blocks, check_columns, name_columns
from hf_newscls.data.readers.compression import open_data
from hf_newscls.data.readers.encoding.text_file import build_long_error
from hf_newscls.errors import DataError, SourceError, format_examples, suggest_fix

# A ZIP archive, or a file of Office before 2007.
_SIGNATURES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")

logger = logging.getLogger(__name__)


def is_excel(sample: bytes) -> bool:
    """Return whether the first bytes of an unpacked file are those of Excel or OpenDocument."""
    return sample.startswith(_SIGNATURES)


class ExcelReader:
    """Reads the wanted columns of one sheet of a file.

    Attributes:
        sheet: name of the sheet; by default the first visible one.

    Raises:
        SourceError: python-calamine is not installed.
        DataError: the file is damaged or takes too much memory, or lacks the sheet.
    """

    def __init__(self, path: Path, wanted: Sequence[str], *, sheet: str | None, max_row: int) -> None:
        self._path, self._wanted, self._max_row = path, wanted, max_row
        self._process = _start(path, sheet, max_row)
        with ExitStack() as stack:
            stack.enter_context(self._process)
            stack.callback(self._process.kill)
            found = self._read_line() or {}
            if found.get("sheet") is None:
                raise _build_sheet_error(path, sheet, found.get("names", []))
            stack.pop_all()
        self.sheet: str = found["sheet"]
        logger.info("%s: read sheet %r, the file has %d", path, self.sheet, len(found["names"]))

    def read_blocks(self) -> Blocks:
        """Yield the wanted columns as text, block by block.

        The first row with a value is the header. Empty rows are skipped; whole numbers lose their decimals, and dates
        are written as 2018-02-19.

        Raises:
            DataError: the file is damaged or takes too much memory, or lacks a column.
        """
        with self._process:
            try:
                rows = iter(self._read_line, None)
                header = [str(name) for name in next(rows, [0])[1:]]
                names = name_columns(header, self._wanted)
                check_columns(self._path, self._wanted, names)
                indices = [names.index(name) + 1 for name in self._wanted]
                texts = ([row[0], *(row[index] for index in indices)] for row in rows)
                yield from build_blocks(texts, self._wanted, unit="row")
            finally:
                self._process.kill()

    def _read_line(self) -> Any:
        """Return the next line of the script; None at the end.

        Raises:
            DataError: the file is damaged, or the process ended before its end.
        """
        line = self._process.stdout.readline() if self._process.stdout else b""
        content = json.loads(line) if line else None
        if isinstance(content, dict) and "long" in content:
            raise build_long_error(f"{self._path}: row {content['long']}: the row", self._max_row)
        if isinstance(content, dict) and "error" in content:
            raise DataError(f"{self._path}: not a whole Excel file ({content['error']}); save it again, or as CSV")
        if content is None and self._process.wait():
            raise DataError(
                f"{self._path}: cannot be read within {excel_script.MAX_BYTES >> 30} GiB of memory and "
                f"{excel_script.MAX_SECONDS} s (exit status {self._process.returncode}); save the sheet as CSV"
            )
        return content


def _start(path: Path, sheet: str | None, max_row: int) -> "subprocess.Popen[bytes]":
    """Start the script that prints the sheet."""
    if importlib.util.find_spec("python_calamine") is None:
        raise SourceError(
            f"{path}: python-calamine, which reads Excel, is not installed; run `pip install 'hf-newscls[excel]'`, or "
            "save the sheet as CSV"
        )
    command = [sys.executable, "-I", excel_script.__file__, json.dumps(sys.path), sheet or "", str(max_row)]
    with open_data(path) as opened, TemporaryFile() as content:
        shutil.copyfileobj(opened.stream, content)
        content.seek(0)
        return subprocess.Popen(command, stdin=content, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _build_sheet_error(path: Path, sheet: str | None, names: Sequence[str]) -> DataError:
    hint = suggest_fix(sheet or "", names, otherwise="set data.sheet to one of them")
    return DataError(f"{path}: no sheet {sheet!r} (found: {format_examples(names)}); {hint}")
