"""A folder of text files is a table with the columns text, file and folder."""

import logging
from pathlib import Path
from typing import Any

import pytest

from hf_newscls.data.readers.rows import read_files
from hf_newscls.data.sources.fetch import fetch_source
from hf_newscls.errors import DataError, SourceError
from hf_newscls.recipe.files import SOURCE_KEY
from tests.data.reading import read_rows


def write_files(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def read(folder: Path, **options: Any) -> list[tuple[Any, ...]]:
    rows = read_rows(folder, columns=["text", "folder"], **options)
    return [*zip(rows["id"], rows["text"], rows["folder"], strict=True)]


BBC = {
    "sport/002.txt": "Team wins cup\n\nA late goal.\n",
    "sport/001.txt": "Coach leaves",
    "tech/003": "Caf\xe9".encode("latin-1"),
    "tech/.hidden": b"\0",
    "__MACOSX/x.bin": b"\0",
    "README.TXT": "About",
}


def test_content_and_folder_of_each_file_are_a_row(tmp_path: Path) -> None:
    assert read(write_files(tmp_path, BBC)) == [
        ("0", "Coach leaves", "sport"),
        ("1", "Team wins cup\n\nA late goal.\n", "sport"),
        ("2", "Café", "tech"),
    ]


def test_name_of_the_file_can_be_the_id(tmp_path: Path) -> None:
    ids = [name for name, _, _ in read(write_files(tmp_path, BBC), id_column="file")]
    assert ids == ["sport/001.txt", "sport/002.txt", "tech/003"]


def test_names_of_files_in_several_folders_are_different_ids(tmp_path: Path) -> None:
    write_files(tmp_path, {f"{split}/sport/1.txt": split for split in ("train", "test")})
    paths = [tmp_path / "train", tmp_path / "test"]
    rows = read_files(paths, columns=["text", SOURCE_KEY], keys=["train", "test"], id_column="file").dataset
    assert rows.to_dict() == {
        "id": ["train/sport/1.txt", "test/sport/1.txt"],
        "text": ["train", "test"],
        SOURCE_KEY: ["train", "test"],
        "file": ["sport/1.txt", "sport/1.txt"],
    }


def test_empty_file_is_a_row_without_text(tmp_path: Path) -> None:
    assert read(write_files(tmp_path, {"sport/1.txt": ""})) == [("0", None, "sport")]


def test_flat_folder_has_no_column_folder(tmp_path: Path) -> None:
    write_files(tmp_path, {"1.txt": "a", "2.txt": "b"})
    assert read_rows(tmp_path, columns=["text", "file"]).to_dict() == {
        "id": ["0", "1"],
        "text": ["a", "b"],
        "file": ["1.txt", "2.txt"],
    }
    with pytest.raises(DataError, match=r"'folder' \(found: 'text', 'file'\)"):
        read(tmp_path)


def test_binary_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"tech/2\.txt: "):
        read(write_files(tmp_path, {"sport/1.txt": "a", "tech/2.txt": b"\x89PNG\x01"}))


LATIN = "Le président annonce une réforme".encode("cp1252")


def test_all_files_have_one_encoding(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hf_newscls")
    # Alone, Forêt can also be in cp1250.
    files = {"a/1.txt": "plain", "a/2.txt": LATIN, "b/3.txt": "Forêt".encode("cp1252"), "b/4.txt": LATIN}
    found = read_files(write_files(tmp_path, files), columns=["text"])
    assert found.dataset["text"][2] == "Forêt"
    assert found.formats[0].encoding == "cp1252"
    assert sum("cp1252" in message for message in caplog.messages) == 1


def test_folder_in_two_encodings_is_refused(tmp_path: Path) -> None:
    files = {f"a/{number}.txt": LATIN if number % 2 else LATIN.decode("cp1252").encode() for number in range(6)}
    with pytest.raises(DataError, match=r"a/1\.txt: line 1, column 6: .*'utf-8'.*more files: 2.*`data\.encoding"):
        read(write_files(tmp_path, files))


def test_bad_bytes_are_counted_over_all_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hf_newscls")
    files = {"a/1.txt": "Café ".encode() + b"\xe9\xe8 x", "b/2.txt": "Caf\xe9".encode(), "b/3.txt": b"\xe9 x"}
    rows = read(write_files(tmp_path, files), encoding_errors="replace")
    assert [text for _, text, _ in rows] == ["Café \ufffd\ufffd x", "Café", "\ufffd x"]
    assert caplog.messages[0].endswith(": 3")


def test_empty_folder_inside_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "tech").mkdir()
    with pytest.raises(SourceError, match="'tech'"):
        fetch_source(str(write_files(tmp_path, {"sport/1.txt": "a"})))


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"a.csv": "text,label\n"}, "'a.csv'"),
        ({"sport/1.txt": "a", "tech/2.pdf": "b"}, "'tech/2.pdf'"),
        ({"train/sport/1.txt": "a"}, "'train/sport'"),
        ({"sport/.hidden": "a"}, "without files"),
    ],
)
def test_other_folder_is_refused(files: dict[str, str | bytes], found: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=rf"data\.source .*{found}"):
        fetch_source(str(write_files(tmp_path, files)))


def test_checksum_depends_on_names_and_content(tmp_path: Path) -> None:
    folders = [
        write_files(tmp_path / "1", {"sport/1.txt": "a", "tech/2.txt": "b"}),
        write_files(tmp_path / "2", {"sport/1.txt": "a", "tech/2.txt": "b", "README.txt": "left out"}),
        write_files(tmp_path / "3", {"sport/1.txt": "a", "tech/2.txt": "c"}),
        write_files(tmp_path / "4", {"sport/1.txt": "a", "news/2.txt": "b"}),
    ]
    first, *others = [fetch_source(str(folder)).sha256 for folder in folders]
    assert [sha256 == first for sha256 in others] == [True, False, False]
