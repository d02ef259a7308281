"""Compressed files are recognized by their content, opened as streams, and refused if they are cut off."""

import gzip
import zipfile
from pathlib import Path

import pytest

from hf_newscls.data.readers.compression import open_data
from hf_newscls.errors import DataError, SourceError
from tests.data.compressed_files import COMPRESSIONS, write_zip

NEWS = b"title,label\n" + b"".join(b"Storm %d hits coast,REAL\n" % index for index in range(2_000))


def read(path: Path) -> tuple[bytes, str, bool]:
    with open_data(path) as opened:
        return b"".join(iter(lambda: opened.stream.read(1000), b"")), opened.name, opened.is_compressed


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_compressed_file_is_read(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"news.tsv.{ending}"
    path.write_bytes(COMPRESSIONS[ending](NEWS))
    assert read(path) == (NEWS, "news.tsv", True)
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_content_decides_the_compression(ending: str, tmp_path: Path) -> None:
    path = tmp_path / "news.csv"
    path.write_bytes(COMPRESSIONS[ending](NEWS))
    assert read(path) == (NEWS, "news.csv", True)


@pytest.mark.parametrize("name", ["news.csv", "news.csv.gz"])
def test_uncompressed_file_is_unchanged(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(NEWS)
    assert read(tmp_path / name) == (NEWS, name, False)


@pytest.mark.parametrize("content", [b"", b"x", b"BZh, a column\n", b"PK"])
def test_short_file_is_unchanged(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "news.csv").write_bytes(content)
    assert read(tmp_path / "news.csv")[0] == content


@pytest.mark.parametrize("left", [0.02, 0.5, 0.99])
@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_file_cut_off_is_refused(ending: str, left: float, tmp_path: Path) -> None:
    whole = COMPRESSIONS[ending](NEWS)
    path = tmp_path / "news.csv"
    path.write_bytes(whole[: max(20, int(len(whole) * left))])
    with pytest.raises(DataError, match=r"news\.csv: .*; fetch it again"):
        read(path)


# Arrow writes Zstandard without a checksum.
@pytest.mark.parametrize("ending", sorted(COMPRESSIONS.keys() - {"zst"}))
def test_damaged_file_is_refused(ending: str, tmp_path: Path) -> None:
    content = bytearray(COMPRESSIONS[ending](NEWS))
    for index in range(len(content) // 2, len(content) // 2 + 8):
        content[index] ^= 0xA5
    (tmp_path / "news.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"news\.csv: "):
        read(tmp_path / "news.csv")


def test_several_gzip_members_are_one_file(tmp_path: Path) -> None:
    (tmp_path / "news.csv.gz").write_bytes(gzip.compress(b"title,label\n") + gzip.compress(b"a,X\n"))
    assert read(tmp_path / "news.csv.gz")[0] == b"title,label\na,X\n"


def test_file_in_an_archive_is_read(tmp_path: Path) -> None:
    members = {
        "archive/": b"",
        "archive/news.tsv": NEWS,
        "__MACOSX/archive/._news.tsv": b"x",
        "archive/.DS_Store": b"x",
    }
    assert read(write_zip(tmp_path / "archive.zip", members)) == (NEWS, "news.tsv", True)


@pytest.mark.parametrize(
    ("members", "found"),
    [({"fake.csv": NEWS, "true.csv": NEWS}, "'fake.csv', 'true.csv'"), ({}, "none"), ({"a/": b""}, "none")],
)
def test_archive_of_several_files_or_none_is_refused(members: dict[str, bytes], found: str, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "archive.zip", members)
    with pytest.raises(DataError, match=rf"archive\.zip: .*{found}"):
        read(path)


def test_archive_with_a_password_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "archive.zip", {"news.csv": NEWS})
    content = bytearray(path.read_bytes())
    # The lowest bit of the flags, in the file's own header and in the directory's.
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="password"):
        read(path)


def test_archive_cut_off_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "archive.zip", {"news.csv": NEWS})
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match=r"archive\.zip: .*; fetch it again"):
        read(path)


def test_archive_with_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("news.csv", NEWS)
    path.write_bytes(path.read_bytes().replace(b"Storm 7 ", b"Storm 8 "))
    with pytest.raises(DataError, match="Bad CRC-32"):
        read(path)


def test_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"news\.csv: .*No such file"):
        read(tmp_path / "news.csv")


def test_errors_of_the_reader_pass_unchanged(tmp_path: Path) -> None:
    (tmp_path / "news.csv").write_bytes(NEWS)
    with pytest.raises(DataError, match=r"^mine$"), open_data(tmp_path / "news.csv"):
        raise DataError("mine")
