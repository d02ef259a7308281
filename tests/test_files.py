"""Files inside installed packages, and checksums."""

import hashlib
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_newscls.errors import SourceError
from hf_newscls.files import check_yaml, compute_sha256, find_package_path, read_card_metadata


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


# YAML of strangers.

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=30,
)


def chain(first: str, link: str, length: int) -> str:
    """Return YAML of values that each repeat the one before: `{0}` is its number, `{1}` that of the one before."""
    return "\n".join([first, *(link.format(number, number - 1) for number in range(1, length))])


@pytest.mark.parametrize(
    "text",
    [
        chain("a0: &a0 [x]", "a{0}: &a{0} [*a{1}, *a{1}, *a{1}]", 12),
        chain("a0: &a0 {x: 1}", "a{0}: &a{0} {{<<: [*a{1}, *a{1}]}}", 20),
        "a: &a [*a]",
        "[" * 100,
        "{a: " * 100,
        f"a: {'x' * 300_000}",
    ],
    ids=["aliases", "merge keys", "an alias within itself", "deep lists", "deep mappings", "long"],
)
def test_yaml_that_grows_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"more than|repeats"):
        check_yaml(text)


@given(VALUES)
@settings(max_examples=100, deadline=None)
def test_plain_yaml_is_accepted(value: object) -> None:
    check_yaml(yaml.safe_dump(value, allow_unicode=True))


def test_metadata_are_the_first_block_of_a_card() -> None:
    assert read_card_metadata("\n---\r\ntags: [a]\r\n---\r\n# News\n---\nb: 1\n---\n") == {"tags": ["a"]}
    assert read_card_metadata("---\ntags: [a]\n") == {}
    assert read_card_metadata("# News\n---\na: 1\n---\n") == {}
    with pytest.raises(ValueError, match="mapping"):
        read_card_metadata("---\n- a\n---\n")
