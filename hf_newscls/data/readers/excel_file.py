"""Read a sheet of an Excel or OpenDocument file, row by row, with python-calamine."""

import logging
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_newscls.data.readers.columns import Block, build_blocks, check_columns, name_columns, to_text
from hf_newscls.data.readers.compression import open_data
from hf_newscls.errors import DataError, SourceError, format_examples, suggest_name

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

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
        DataError: the file is damaged, or lacks the sheet.
    """

    def __init__(self, path: Path, wanted: Sequence[str], *, sheet: str | None) -> None:
        self._path, self._wanted = path, wanted
        self._workbook = _load_workbook(path)
        self.sheet = _find_sheet(path, self._workbook, sheet)
        logger.info("%s: read sheet %r, the file has %d", path, self.sheet, len(self._workbook.sheet_names))

    def read_blocks(self) -> Iterator[Block]:
        """Yield the wanted columns as text, block by block.

        The first row with a value is the header. Empty rows are skipped; whole numbers lose their decimals, and dates
        are written as 2018-02-19.

        Raises:
            DataError: the file is damaged, or lacks a column.
        """
        from python_calamine import CalamineError

        try:
            with self._workbook:
                rows = _read_rows(self._workbook.get_sheet_by_name(self.sheet).iter_rows())
                _, *header = next(rows, [0])
                names = name_columns([str(name or "") for name in header], self._wanted)
                check_columns(self._path, self._wanted, names)
                indices = [names.index(name) + 1 for name in self._wanted]
                texts = ([row[0], *(row[index] for index in indices)] for row in rows)
                yield from build_blocks(texts, self._wanted, unit="row")
        except CalamineError as error:
            raise _refuse_damage(self._path, error) from error


def _load_workbook(path: Path) -> "CalamineWorkbook":
    try:
        from python_calamine import CalamineError, load_workbook
    except ModuleNotFoundError as error:
        raise SourceError(
            f"{path}: python-calamine, which reads Excel, is not installed; run `pip install 'hf-newscls[excel]'`, or "
            "save the sheet as CSV"
        ) from error
    with open_data(path) as opened:
        content = BytesIO(opened.stream.read())
    try:
        return load_workbook(content)
    except CalamineError as error:
        raise _refuse_damage(path, error) from error


def _refuse_damage(path: Path, error: Exception) -> DataError:
    return DataError(f"{path}: not a whole Excel file ({error}); save it again, or as CSV")


def _find_sheet(path: Path, workbook: "CalamineWorkbook", sheet: str | None) -> str:
    """Return the name of the sheet, or of the first one that is a visible table."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    names, is_shown = workbook.sheet_names, (SheetTypeEnum.WorkSheet, SheetVisibleEnum.Visible)
    if sheet is None:
        shown = [one.name for one in workbook.sheets_metadata if (one.typ, one.visible) == is_shown]
        return [*shown, *names][0]
    if sheet not in names:
        close = suggest_name(sheet, names)
        hint = f"did you mean {close!r}?" if close else "set data.sheet to one of them"
        raise DataError(f"{path}: no sheet {sheet!r} (found: {format_examples(names)}); {hint}")
    return sheet


def _read_rows(cells: Iterator[list[Any]]) -> Iterator[list[Any]]:
    """Yield the number of each row that has a value, from 1, and its texts."""
    for number, row in enumerate(cells, start=1):
        texts = [to_text(int(cell) if type(cell) is float and cell.is_integer() else cell) for cell in row]
        if any(texts):
            yield [number, *texts]
