"""Text files are opened as they are."""

from pathlib import Path

from hf_newscls.data.readers.encoding.text_file import TextFile


def test_file_is_opened_with_the_line_ends_it_has(tmp_path: Path) -> None:
    path = tmp_path / "news.csv"
    path.write_bytes("\ufeffa\r\nb\rc\n".encode())
    with TextFile(path, "news.csv", "utf-8-sig").open() as stream:
        assert [*stream] == ["a\r\n", "b\r", "c\n"]
