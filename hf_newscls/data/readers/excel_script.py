"""Print the rows of a sheet as JSON lines: python excel_script.py SYS_PATH SHEET MAX_ROW < FILE.

It runs in a process of its own with limited memory, because a file of a few kilobytes can name a cell in the last row
and column of a sheet, or repeat one long text in all cells; then python-calamine aborts its process.

The first line is an object: the chosen sheet, or null if there is none, and the names of all sheets. Each further line
is a row with values: its number, from 1, then the texts. An object is the last one: `error` says that the file is
damaged, `long` is the number of a row with more than MAX_ROW characters.

This script imports no package but python-calamine, so that it starts quickly.
"""

import json
import resource
import sys
from io import BytesIO
from typing import Any

MAX_BYTES, MAX_SECONDS = 4 << 30, 600


def main(path: str, sheet: str, max_row: str) -> None:
    """Print the sheet of the Excel file in standard input; the first visible one if `sheet` is empty."""
    for limit, value in ((resource.RLIMIT_AS, MAX_BYTES), (resource.RLIMIT_CPU, MAX_SECONDS)):
        hard = resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.path[:] = json.loads(path)  # isolated: code in the working folder is not imported
    from python_calamine import CalamineError, SheetTypeEnum, SheetVisibleEnum, load_workbook

    try:
        workbook = load_workbook(BytesIO(sys.stdin.buffer.read()))
        names, is_shown = workbook.sheet_names, (SheetTypeEnum.WorkSheet, SheetVisibleEnum.Visible)
        shown = [one.name for one in workbook.sheets_metadata if (one.typ, one.visible) == is_shown]
        chosen = (sheet if sheet in names else None) if sheet else next(iter([*shown, *names]), None)
        _print({"sheet": chosen, "names": names})
        if chosen is not None:
            for number, cells in enumerate(workbook.get_sheet_by_name(chosen).iter_rows(), start=1):
                texts = [_to_text(cell) for cell in cells]
                if sum(map(len, texts)) > int(max_row):
                    return _print({"long": number})
                if any(texts):
                    _print([number, *texts])
    except CalamineError as error:
        _print({"error": str(error)})


def _to_text(cell: Any) -> str:
    """Return a cell as text; whole numbers lose their decimals."""
    return "" if cell is None else str(int(cell) if type(cell) is float and cell.is_integer() else cell)


def _print(content: Any) -> None:
    sys.stdout.write(json.dumps(content) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
