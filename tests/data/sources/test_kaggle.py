"""Files of Kaggle sets; a local server plays Kaggle."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from hf_newscls.data.sources.fetch import fetch_source
from hf_newscls.data.sources.kaggle import is_fetched
from hf_newscls.errors import SourceError

NEWS = b"title,label\nStorm hits coast,REAL\n"


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
    (path,) = fetch_source("kaggle://owner/news-set/news.csv", sha256=hashlib.sha256(NEWS).hexdigest()).paths
    assert path.read_bytes() == NEWS
    assert kaggle_cache in path.parents
    asked = kaggle.requests[-1]
    assert (asked["ownerSlug"], asked["datasetSlug"], asked["fileName"]) == ("owner", "news-set", "news.csv")
    assert asked["datasetVersionNumber"] == 3


@pytest.mark.parametrize("mounted", ["datasets/owner/news-set", "news-set"])
@pytest.mark.parametrize("address", ["kaggle://owner/news-set/news.csv", "kaggle://owner/news-set/versions/2/news.csv"])
@pytest.mark.usefixtures("kaggle_unreachable")
def test_attached_file_is_read_where_it_is(
    mounted: str, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "input" / mounted / "news.csv"
    file.parent.mkdir(parents=True)
    file.write_bytes(NEWS)
    monkeypatch.setenv("KAGGLE_CACHE_MOUNT_FOLDER", str(tmp_path / "input"))
    assert is_fetched(address)
    assert fetch_source(address).paths == [file]


@pytest.mark.usefixtures("kaggle_unreachable")
def test_attached_set_of_another_owner_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "input" / "datasets" / "other" / "news-set" / "news.csv"
    file.parent.mkdir(parents=True)
    file.write_bytes(NEWS)
    monkeypatch.setenv("KAGGLE_CACHE_MOUNT_FOLDER", str(tmp_path / "input"))
    assert not is_fetched("kaggle://owner/news-set/news.csv")


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
    cached = re.search("delete (.+) to fetch it again", str(caught.value))
    assert cached is not None
    assert Path(cached[1]).read_bytes() == NEWS
    assert "pin" not in str(caught.value)  # the version is pinned


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
