"""Open a data file of any format, to read its rows block by block."""

import codecs
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hf_newscls.data.readers.columns import Blocks
from hf_newscls.data.readers.compression import open_data
from hf_newscls.data.readers.csv_file.reader import CsvReader
from hf_newscls.data.readers.encoding.detection import detect_encoding
from hf_newscls.data.readers.encoding.text_file import VALUES_PER_ROW, TextFile
from hf_newscls.data.readers.excel_file import ExcelReader, is_excel
from hf_newscls.data.readers.format import FileFormat, ReadOptions
from hf_newscls.data.readers.hub_snapshot import is_snapshot, name_snapshot, read_snapshot_blocks
from hf_newscls.data.readers.json_file.reader import read_json_blocks
from hf_newscls.data.readers.limits import limit_blocks
from hf_newscls.data.readers.parquet_file import read_parquet_blocks
from hf_newscls.data.readers.text_folder import TextFolder
from hf_newscls.errors import DataError

_SAMPLE_BYTES = 1 << 16
_JSON_ENDINGS = (".json", ".jsonl", ".ndjson")


class OpenedFile(NamedTuple):
    """A file before its rows are read: `found` lacks what only the rows show."""

    found: FileFormat
    blocks: Blocks
    csv: CsvReader | None = None


def open_file(path: Path, wanted: Sequence[str], options: ReadOptions) -> OpenedFile:
    """Find out how a file or folder is written, and return its rows as blocks of the wanted columns.

    The content decides how a file is read, then the ending of its name.

    Raises:
        DataError: a file is empty, binary or malformed, lacks a column, or exceeds the limits; also while the blocks
            are read.
        SourceError: a file cannot be read.
    """
    opened = _open(path, wanted, options)
    blocks = limit_blocks(opened.blocks, path, max_characters=options.max_characters)
    return opened._replace(blocks=blocks)


def _open(path: Path, wanted: Sequence[str], options: ReadOptions) -> OpenedFile:
    if path.is_dir() and is_snapshot(path):
        found = FileFormat(name_snapshot(path), "dataset of the Hub")
        return OpenedFile(found, read_snapshot_blocks(path, wanted, list_column=options.list_column))
    if path.is_dir():
        folder = TextFolder(path, wanted, options)
        found = FileFormat(path.resolve().name, "folder of text files", encoding=_name_encoding(folder.encoding))
        return OpenedFile(found, folder.read_blocks())
    with open_data(path) as opened:
        sample, name = opened.stream.read(_SAMPLE_BYTES), opened.name
    max_row = options.max_characters * VALUES_PER_ROW
    if is_excel(sample):
        excel = ExcelReader(path, wanted, sheet=options.sheet, max_row=max_row)
        return OpenedFile(FileFormat(path.name, "Excel", sheet=excel.sheet), excel.read_blocks())
    if sample.startswith(b"PAR1"):
        blocks = read_parquet_blocks(path, wanted, list_column=options.list_column)
        return OpenedFile(FileFormat(path.name, "Parquet"), blocks)
    if not sample.removeprefix(codecs.BOM_UTF8).strip():
        raise DataError(f"{path}: an empty file; check that it is whole")
    errors = options.encoding_errors
    codec = detect_encoding([path], encoding=options.encoding, errors=errors)
    file = TextFile(path, name, codec, errors, options.max_characters)
    encoding, start = _name_encoding(file.encoding), sample.decode(file.encoding, "ignore").lstrip()[:1]
    # The first row of a CSV file without a header can be a text in brackets.
    if name.lower().endswith(_JSON_ENDINGS) or (start in {"{", "["} and not options.csv.columns):
        records = options.json_records
        found = FileFormat(path.name, "JSON", encoding=encoding, records=records)
        return OpenedFile(found, read_json_blocks(file, wanted, records=records, list_column=options.list_column))
    csv = CsvReader(file, wanted, options.csv)
    return OpenedFile(FileFormat(path.name, "CSV", encoding=encoding, csv=csv.dialect), csv.read_blocks(), csv)


def _name_encoding(codec: str) -> str:
    return codec.removesuffix("-sig")  # a byte order mark is left out if there is one
