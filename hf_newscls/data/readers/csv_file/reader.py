"""Read CSV in blocks.

Python's `csv` does the parsing: pandas fills short records up, and pandas and pyarrow accept misplaced quotes.
"""

import csv
import logging
from collections.abc import Iterator, Sequence
from typing import TextIO

from hf_newscls.data.readers.columns import Blocks, build_blocks, check_columns, name_columns
from hf_newscls.data.readers.csv_file.faults import BadLines
from hf_newscls.data.readers.csv_file.header import advise_on_header, find_separator, parse_records, refuse_header
from hf_newscls.data.readers.csv_file.swallowed import SwallowedRows
from hf_newscls.data.readers.encoding.text_file import TextFile
from hf_newscls.data.readers.format import CsvDialect
from hf_newscls.errors import format_examples
from hf_newscls.recipe.files import CsvSection

logger = logging.getLogger(__name__)


class CsvReader:
    """Reads the wanted columns of one CSV file.

    Attributes:
        dialect: how the file is written.
    """

    def __init__(self, file: TextFile, wanted: Sequence[str], section: CsvSection) -> None:
        separator = find_separator(file, wanted, section)
        refuse_header(file, separator, section)
        self.dialect = CsvDialect(separator, section.quoting or "minimal", has_header=not section.columns)
        self._file, self._wanted, self._section = file, wanted, section
        self._bad_lines = BadLines(file, separator, section)

    @property
    def skipped_lines(self) -> int:
        """Number of lines that were left out; complete after the last block."""
        return self._bad_lines.count if self._section.on_bad_lines == "skip" else 0

    def read_blocks(self) -> Blocks:
        """Yield the wanted columns, block by block, in the file's order. Empty lines are left out.

        Raises:
            DataError: a column is missing or occurs twice; or, at the end of the file, records differ in length, a
                quote is misplaced, or a quoted field holds lines that look like rows.
        """
        with self._file.open() as stream:
            records = self._read_records(stream)
            header = [] if self._section.columns else next(records, (1, []))[1]
            self._check_header(header)
            indices = [self._bad_lines.columns.index(name) for name in self._wanted]
            rows = ([line, *[record[index] for index in indices]] for line, record in records)
            yield from build_blocks(rows, self._wanted, unit="line")

    def _check_header(self, header: Sequence[str]) -> None:
        path, names = self._file.path, self._bad_lines.columns
        is_missing = bool({*self._wanted}.difference(names))
        advice = advise_on_header(self._file, self.dialect.separator, self._section) if is_missing and header else None
        check_columns(path, self._wanted, names, advice=advice)
        stripped = [name for name in header if name and name not in names]
        if self.dialect.separator != "," or stripped:
            removed = f"; white space removed around the names {format_examples(stripped)}" if stripped else ""
            logger.info("%s: fields are separated by %r%s", path, self.dialect.separator, removed)

    def _read_records(self, stream: TextIO) -> Iterator[tuple[int, list[str]]]:
        """Yield the header, if there is one, and the good records, each with its first line."""
        bad_lines, separator = self._bad_lines, self.dialect.separator
        swallowed = SwallowedRows(self._file, separator, self._section)
        lines, limit = self._file.iterate_lines(stream), self._file.max_characters
        reader = parse_records(lines, separator, self._section, max_characters=limit)
        start, width, is_whole = 1, -1, False
        while not is_whole:
            try:
                for record in reader:
                    end = reader.line_num
                    if len(record) == width and start == end:
                        yield start, record
                    elif record:
                        bad_lines.columns = bad_lines.columns or name_columns(record, self._wanted)
                        if bad_lines.accept(record, start, end):
                            width = len(record)
                            if start < end:
                                swallowed.note(record, start, end)
                            yield start, record
                    start = end + 1
                is_whole = True
            except csv.Error as error:
                bad_lines.accept_error(error, start, reader.line_num)
                start = reader.line_num + 1
        bad_lines.finish()
        swallowed.refuse()
