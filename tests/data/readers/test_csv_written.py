"""A table that any tool wrote as CSV is read back equal, or refused; never as another table."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pyarrow import csv as arrow_csv

from hf_newscls.errors import DataError
from hf_newscls.recipe.files import CsvSection
from tests.data.headlines import HEADLINES
from tests.data.reading import read_rows

COLUMNS = ("label", "title", "text")
SEPARATORS = [",", ";", "\t", "|"]
LINE_ENDS = ["\n", "\r\n"]
# Named to the reader, except UTF-8: characters that are no words do not show which one a file has.
ENCODINGS = [
    "utf-8",
    "utf-8-sig",
    "utf-16",
    *("gbk", "big5", "shift_jis", "euc_jp", "euc_kr"),
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1256", "latin-1"),
]
# Not named to the reader, which goes by the words.
ENCODINGS_OF_LANGUAGES = {
    "chinese": ("gbk",),
    "taiwanese": ("big5",),
    "japanese": ("shift_jis", "euc_jp"),
    "korean": ("euc_kr",),
    "polish": ("cp1250", "iso8859_2"),
    "czech": ("cp1250",),
    "russian": ("cp1251", "koi8_r"),
    "greek": ("cp1253",),
    "turkish": ("cp1254",),
    "arabic": ("cp1256",),
    "lithuanian": ("cp1257",),
    "french": ("cp1252",),
    "german": ("cp1252", "latin-1"),
    "english": ("cp1252",),
}
QUICK = settings(
    deadline=None, max_examples=50, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
THOROUGH = settings(QUICK, max_examples=1000)

Rows = Sequence[tuple[str, ...]]

awkward = st.sampled_from(
    [
        *' ",;|\t\r\n\\',
        '""',
        '"\n',
        '\n"',
        '",',
        ',"',
        "\r\n",
        "\n\n",
        ", ",
        "\x85",
        "\u2028",
        "\ufeff",
        "é",
        "日本",
        "한",
    ]
)
# A control character, which is refused as that of a binary file, is rare.
printable = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=6)
words = st.lists(awkward | printable | st.sampled_from([*"abcdefgh", "\x01"]), max_size=8).map("".join)
label = st.sampled_from(["0", "1", "sport", "Économie", '"quoted"', "a,b"]) | words
tables = st.lists(st.tuples(label, words, words), min_size=1, max_size=8)


def write_with_python(rows: Rows, *, separator: str, line_end: str, quote_all: bool) -> str:
    stream = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    csv.writer(stream, delimiter=separator, lineterminator=line_end, quoting=quoting).writerows(rows)
    return stream.getvalue()


def write_with_pandas(rows: Rows, *, separator: str, line_end: str, quote_all: bool) -> str:
    stream = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    table = pd.DataFrame([*rows[1:]], columns=[*rows[0]])
    table.to_csv(stream, index=False, sep=separator, lineterminator=line_end, quoting=quoting)
    return stream.getvalue()


def write_with_pyarrow(rows: Rows, *, separator: str, line_end: str, quote_all: bool) -> str:
    stream = io.BytesIO()
    table = pa.table([*zip(*rows[1:], strict=True)], names=[*rows[0]])
    style = "all_valid" if quote_all else "needed"
    arrow_csv.write_csv(table, stream, arrow_csv.WriteOptions(delimiter=separator, quoting_style=style))
    return stream.getvalue().decode()


def write_without_quotes(rows: Rows, *, separator: str, line_end: str, quote_all: bool) -> str:
    return "".join(separator.join(row) + line_end for row in rows)


WRITERS: dict[str, Callable[..., str]] = {
    "python": write_with_python,
    "pandas": write_with_pandas,
    "pyarrow": write_with_pyarrow,
    "no quotes": write_without_quotes,
}


def make_writable(rows: Rows, *, writer: str, encoding: str, separator: str, line_end: str, quote_all: bool) -> Rows:
    """Return the rows without what the tool or the encoding cannot write."""
    lost = "\0"
    if writer == "no quotes":
        lost += separator + "\r\n"
    elif line_end == "\n" and not quote_all and writer != "pyarrow":
        lost += "\r"  # not quoted before Python 3.13, so that it ends a line of the file
    kept = [[value.translate(dict.fromkeys(map(ord, lost))) for value in row] for row in rows]
    return [tuple(value.encode(encoding, "ignore").decode(encoding, "ignore") for value in row) for row in kept]


def read_written(
    folder: Path,
    data: st.DataObject,
    counts: Counter[str],
    *,
    tables: st.SearchStrategy[Rows],
    encoding: str,
    named: str | None,
) -> None:
    """Write a table, read it, and compare; count what was read and what was refused."""
    writer = data.draw(st.sampled_from([*WRITERS]))
    separator = data.draw(st.sampled_from(SEPARATORS))
    # pyarrow can end lines otherwise since version 26, which needs Python 3.11.
    line_end = "\n" if writer == "pyarrow" else data.draw(st.sampled_from(LINE_ENDS))
    quote_all, has_header = data.draw(st.booleans()), data.draw(st.booleans() | st.just(True))
    options = {"separator": separator, "line_end": line_end, "quote_all": quote_all}
    rows = make_writable(data.draw(tables), writer=writer, encoding=encoding, **options)
    if not has_header:
        assume(not rows[0][0].startswith("\ufeff"))  # the same bytes as a byte order mark
    content = WRITERS[writer]([COLUMNS, *rows], **options)
    if not has_header:
        content = content.partition(line_end)[2]
    assume(content.encode(encoding).decode(encoding) == content)

    path = folder / "news.csv"
    path.write_bytes(content.encode(encoding))
    section = CsvSection(
        quoting="none" if writer == "no quotes" else data.draw(st.sampled_from([None, "minimal"])),
        columns=None if has_header else [*COLUMNS],
    )
    try:
        found = read_rows(path, columns=COLUMNS, encoding=named, csv=section)
    except DataError:
        counts["refused"] += 1
        return
    counts["read"] += 1
    read = [*zip(*(found[name] for name in COLUMNS), strict=True)]
    assert read == [tuple(value or None for value in row) for row in rows]


each_depth = pytest.mark.parametrize(
    "examples", [QUICK, pytest.param(THOROUGH, marks=pytest.mark.slow)], ids=["quick", "thorough"]
)


@each_depth
def test_written_table_is_read_equal_or_refused(examples: settings, tmp_path: Path) -> None:
    counts: Counter[str] = Counter()

    @examples
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        encoding = data.draw(st.sampled_from(ENCODINGS))
        named = None if encoding.startswith("utf-8") else encoding
        read_written(tmp_path, data, counts, tables=tables, encoding=encoding, named=named)

    check()
    # Refused are control characters, and rows without a header that fit two separators.
    assert counts["read"] > 5 * counts["refused"]


@each_depth
def test_encoding_is_found_or_the_file_refused(examples: settings, tmp_path: Path) -> None:
    counts: Counter[str] = Counter()

    @examples
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        language = data.draw(st.sampled_from([*ENCODINGS_OF_LANGUAGES]))
        encoding = data.draw(st.sampled_from(ENCODINGS_OF_LANGUAGES[language]))
        word = st.sampled_from([word for headline in HEADLINES[language] for word in headline.split()])
        text = st.lists(st.tuples(word, st.sampled_from([" ", " ", ", ", ' "', "; ", "\n"])).map("".join), max_size=8)
        cells = text.map("".join)
        rows = st.lists(st.tuples(word | st.just("sport"), cells, cells), min_size=1, max_size=8)
        read_written(tmp_path, data, counts, tables=rows, encoding=encoding, named=None)

    check()
    # A file of few words is refused.
    assert counts["read"] > counts["refused"]


stray = st.lists(st.sampled_from(['"', '"', '""', " ", "a", "b", ","]), max_size=4).map("".join)


@each_depth
def test_quotes_that_mean_nothing_never_merge_rows(examples: settings, tmp_path: Path) -> None:
    counts: Counter[str] = Counter()

    @examples
    @given(rows=st.lists(st.tuples(st.sampled_from("XYZ"), stray, stray), min_size=1, max_size=8))
    def check(rows: Rows) -> None:
        path = tmp_path / "news.tsv"
        path.write_text(write_without_quotes([COLUMNS, *rows], separator="\t", line_end="\n", quote_all=False))
        try:
            found = read_rows(path, columns=COLUMNS)
        except DataError:
            counts["refused"] += 1
            return
        counts["read"] += 1
        assert found["label"][:] == [label for label, *_ in rows]

    check()
    assert min(counts["read"], counts["refused"]) > examples.max_examples / 10
