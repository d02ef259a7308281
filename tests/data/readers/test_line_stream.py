"""A stream of lines is read as texts or as JSON Lines."""

import pytest

from hf_newscls.data.readers.line_stream import LineStream
from hf_newscls.errors import DataError


def read(content: str, *columns: str) -> list[dict[str, object]]:
    return [row for block in LineStream(content.splitlines()).read_blocks(columns) for row in block.to_pylist()]


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


def test_values_are_as_written() -> None:
    content = '{"price": 1.10, "big": 12345678901234567890.0, "flag": true, "none": NaN}'
    (row,) = read(content, "price", "big", "flag", "none")
    assert row == {"price": "1.10", "big": "12345678901234567890.0", "flag": "True", "none": None}


@pytest.mark.parametrize("content", ['\ufeff{"text": "rain"}', "\ufeffrain"])
def test_byte_order_mark_is_no_text(content: str) -> None:
    assert read(content, "text") == [{"text": "rain"}]


@pytest.mark.parametrize(
    ("content", "columns", "named"),
    [
        ('{"title": "rain"}\n', ["text"], "'title'"),
        ('{"title": "rain"}\n{"title": \n', ["title"], "line 2"),
        ('{"title": "rain"}\n["rain"]\n', ["title"], "line 2"),
        ('{"title": "rain"}\n{"title": ["rain"]}\n', ["title"], "line 2"),
        ('{"title": "rain"}\n{"title": {"en": "rain"}}\n', ["title"], "line 2"),
        ('{"title": "rain"}\n{"title": "rain", "title": "storm"}\n', ["title"], "line 2"),
        (f'{{"title": "rain"}}\n{"[" * 100_000}\n', ["title"], "line 2"),
        ("rain\n", ["title"], "'title'"),
    ],
)
def test_wrong_line_is_refused(content: str, columns: list[str], named: str) -> None:
    with pytest.raises(DataError, match=named):
        read(content, *columns)
