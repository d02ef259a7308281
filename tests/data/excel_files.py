"""Write small Excel and OpenDocument files, cell by cell."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

Rows = Sequence[Sequence[str | float | bool | None]]

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns"


def write_xlsx(path: Path, sheets: Mapping[str, Rows]) -> Path:
    """Write a workbook; a row without cells is left out, as Excel does."""
    names = "".join(f'<sheet name="{name}" sheetId="{i}" r:id="r{i}"/>' for i, name in enumerate(sheets, start=1))
    links = "".join(
        f'<Relationship Id="r{i}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_RELATIONS}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{names}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>',
        # Style 1 is a date.
        "xl/styles.xml": (
            f'<styleSheet xmlns="{_MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'
        ),
    }
    for i, rows in enumerate(sheets.values(), start=1):
        lines = "".join(f'<row r="{r}">{_write_row(row, r)}</row>' for r, row in enumerate(rows, start=1) if row)
        parts[f"xl/worksheets/sheet{i}.xml"] = f'<worksheet xmlns="{_MAIN}"><sheetData>{lines}</sheetData></worksheet>'
    return _write_zip(path, parts)


def _write_row(row: Sequence[str | float | bool | None], number: int) -> str:
    cells = [(f"{chr(65 + column)}{number}", value) for column, value in enumerate(row)]
    return "".join(_write_cell(name, value) for name, value in cells if value is not None)


def _write_cell(name: str, value: str | float | bool | None) -> str:
    if isinstance(value, bool):
        return f'<c r="{name}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, str) and value.startswith("#"):
        return f'<c r="{name}" t="e"><v>{value}</v></c>'
    if isinstance(value, str):
        return f'<c r="{name}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    style = ' s="1"' if value and value > 40_000 else ""
    return f'<c r="{name}"{style}><v>{value}</v></c>'


def write_ods(path: Path, sheets: Mapping[str, Rows]) -> Path:
    """Write an OpenDocument file with texts and numbers."""
    tables = "".join(
        f'<table:table table:name="{name}">{"".join(map(_write_ods_row, rows))}</table:table>'
        for name, rows in sheets.items()
    )
    content = (
        f'<office:document-content xmlns:office="{_OFFICE}:office:1.0" xmlns:table="{_OFFICE}:table:1.0" '
        f'xmlns:text="{_OFFICE}:text:1.0"><office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = f'<manifest:manifest xmlns:manifest="{_OFFICE}:manifest:1.0"/>'
    return _write_zip(path, {"mimetype": kind, "META-INF/manifest.xml": manifest, "content.xml": content})


def _write_ods_row(row: Sequence[str | float | bool | None]) -> str:
    cells = [
        f'<table:table-cell office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'
        if isinstance(value, str)
        else f'<table:table-cell office:value-type="float" office:value="{value}"/>'
        for value in row
    ]
    return f"<table:table-row>{''.join(cells)}</table:table-row>"


def _write_zip(path: Path, parts: Mapping[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path
