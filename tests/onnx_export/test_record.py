"""The record of an export comes back from its file, and an earlier or damaged one is refused."""

from pathlib import Path

import pytest

from hf_newscls.errors import RunError
from hf_newscls.onnx_export.record import RECORD_FILE, read_record
from tests.onnx_export.records import build_record, write_export


def test_record_comes_back(tmp_path: Path) -> None:
    write_export(tmp_path, served={})
    assert read_record(tmp_path) == build_record()


@pytest.mark.parametrize("content", [None, "", "[]", '{"rows": 3}'])
def test_missing_or_damaged_record_is_refused(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        write_export(tmp_path, served={})
        (tmp_path / RECORD_FILE).write_text(content)
    with pytest.raises(RunError, match=RECORD_FILE):
        read_record(tmp_path)
