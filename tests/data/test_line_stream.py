"""A stream of lines is read as texts or as JSON Lines."""

import io

import pytest

from hf_newscls.data.line_stream import LineStream
from hf_newscls.errors import DataError, InputError


def read(content: str, *columns: str) -> list[dict[str, object]]:
    return [row for block in LineStream(io.StringIO(content)).read_blocks(columns) for row in block.to_pylist()]


def test_each_line_is_a_text() -> None:
    assert read("rain, at last\n\n  \nstorm", "text") == [
        {"text": "rain, at last"},
        {"text": None},
        {"text": "  "},
        {"text": "storm"},
    ]


def test_objects_have_columns() -> None:
    content = '{"title": "rain", "source": {"name": "AP"}, "id": 7}\n\n{"id": 1.5, "title": null}\n'
    assert read(content, "id", "title", "source.name") == [
        {"id": "7", "title": "rain", "source.name": "AP"},
        {"id": "1.5", "title": None, "source.name": None},
    ]


@pytest.mark.parametrize(
    ("content", "columns", "error", "named"),
    [
        ('{"title": "rain"}\n', ["text"], DataError, "'title'"),
        ('{"title": "rain"}\n{"title": \n', ["title"], DataError, "line 2"),
        ('{"title": "rain"}\n["rain"]\n', ["title"], DataError, "line 2"),
        ("rain\n", ["title"], DataError, "'title'"),
        ("rain\nZ\udcfcrich\n", ["text"], InputError, "line 2"),
    ],
)
def test_wrong_line_is_refused(content: str, columns: list[str], error: type[Exception], named: str) -> None:
    with pytest.raises(error, match=named):
        read(content, *columns)
