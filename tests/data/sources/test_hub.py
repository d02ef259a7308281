"""Datasets of the Hub, over HTTP with the unmodified client: one file, or the whole with its splits and label names."""

import gc
import hashlib
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, Features, Value
from huggingface_hub import constants

from hf_newscls.data.readers.format import FileFormat
from hf_newscls.data.readers.rows import read_files
from hf_newscls.data.sources.fetch import fetch_source
from hf_newscls.errors import DataError, SourceError
from tests.data.reading import read_rows
from tests.hub_server import STRANGER_TOKEN, HubServer, Repository

ADDRESS = "hf://datasets/owner/news"
NEWS = b"title,label\nStorm hits coast,REAL\nMoon is cheese,FAKE\n"
MORE = b"title,label\nRain in June,REAL\n"
CARD = """\
---
dataset_info:
  features:
  - {name: title, dtype: string}
  - name: label
    dtype: {class_label: {names: {'0': FAKE, '1': REAL}}}
configs:
- config_name: default
  data_files: [{split: train, path: first.csv}, {split: test, path: more/last.csv}]
---
# News
"""


def serve(hub: HubServer, files: dict[str, bytes | str], *, gated: bool = False) -> Repository:
    """Put a dataset with one commit on the Hub."""
    contents = {name: content.encode() if isinstance(content, str) else content for name, content in files.items()}
    return hub.create_repo("datasets/owner/news", files=contents, gated=gated)


def read(address: str = ADDRESS, columns: tuple[str, ...] = ("title", "label")) -> list[tuple[Any, ...]]:
    rows = read_rows(fetch_source(address).paths, columns=columns)
    return [*zip(*(rows[name] for name in columns), strict=True)]


def find_problem(address: str = ADDRESS) -> str:
    with pytest.raises((SourceError, DataError)) as caught:
        read(address)
    message = str(caught.value)
    assert message.startswith(f"{address}: ")
    assert "\n" not in message
    return message.removeprefix(f"{address}: ")


# One file.


@pytest.mark.parametrize("revision", ["", "@main", "@{head}"])
def test_file_is_fetched(revision: str, hub_here: HubServer) -> None:
    repo = serve(hub_here, {"more/first.csv": NEWS, "last.csv": MORE})
    address = ADDRESS + revision.format(head=repo.head) + "/more/first.csv"
    source = fetch_source(address, sha256=hashlib.sha256(NEWS).hexdigest())
    assert [path.name for path in source.paths] == ["first.csv"]
    assert read(address) == [("Storm hits coast", "REAL"), ("Moon is cheese", "FAKE")]
    assert not any(path.endswith("last.csv") for _, path in hub_here.requests)


def test_files_of_the_hub_and_others_are_read_together(hub_here: HubServer, tmp_path: Path) -> None:
    serve(hub_here, {"first.csv": NEWS})
    (tmp_path / "last.csv").write_bytes(MORE)
    rows = read_rows(
        fetch_source([f"{ADDRESS}/first.csv", str(tmp_path / "last.csv")]).paths, columns=("title", "label")
    )
    assert rows["id"][:] == ["0", "1", "2"]


def test_dataset_of_the_hub_is_named_in_its_format(hub_here: HubServer) -> None:
    serve(hub_here, {"train.csv": NEWS})
    (found,) = read_files(fetch_source(ADDRESS).paths, columns=("title", "label")).formats
    first_row = {"title": "Storm hits coast", "label": "REAL"}
    assert found == FileFormat(ADDRESS, "dataset of the Hub", 2, first_row)


def test_file_fetched_once_is_read_offline(hub_here: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(hub_here, {"first.csv": NEWS})
    read(f"{ADDRESS}/first.csv")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert len(read(f"{ADDRESS}/first.csv")) == 2


def test_other_file_than_the_checksum_names_is_refused(hub_here: HubServer) -> None:
    serve(hub_here, {"first.csv": NEWS})
    with pytest.raises(SourceError, match=r"data.sha256 is a{64}; pin the revision as hf://"):
        fetch_source(f"{ADDRESS}/first.csv", sha256="a" * 64)
    with pytest.raises(SourceError) as caught:
        fetch_source(f"{ADDRESS}@main/first.csv", sha256="a" * 64)
    assert "pin" not in str(caught.value)


def test_file_that_is_not_there_is_refused(hub_here: HubServer) -> None:
    serve(hub_here, {"more/first.csv": NEWS})
    assert find_problem(f"{ADDRESS}/more/frist.csv") == "no file 'more/frist.csv'; did you mean 'more/first.csv'?"


# The whole dataset.


def test_splits_and_label_names_are_those_of_the_card(hub_here: HubServer) -> None:
    files = {"first.csv": b"title,label\nStorm,1\nMoon,0\n", "more/last.csv": b"title,label\nRain,1\nSun,-1\n"}
    serve(hub_here, {"README.md": CARD, **files})
    assert read(columns=("title", "label", "split")) == [
        ("Storm", "REAL", "train"),
        ("Moon", "FAKE", "train"),
        ("Rain", "REAL", "test"),
        ("Sun", None, "test"),
    ]


def test_dataset_without_a_card_is_read(hub_here: HubServer) -> None:
    serve(hub_here, {"train.csv": NEWS, "test.csv": MORE})
    assert read(columns=("title", "split")) == [
        ("Storm hits coast", "train"),
        ("Moon is cheese", "train"),
        ("Rain in June", "test"),
    ]


def test_parquet_shards_are_read(hub_here: HubServer, tmp_path: Path) -> None:
    features = Features({"title": Value("string"), "label": ClassLabel(names=["FAKE", "REAL"])})
    rows = Dataset.from_dict({"title": ["a", "b", "c"], "label": [1, 0, 1]}, features=features)
    rows.to_parquet(tmp_path / "rows.parquet")
    serve(hub_here, {"data/train-00000-of-00001.parquet": (tmp_path / "rows.parquet").read_bytes()})
    assert read() == [("a", "REAL"), ("b", "FAKE"), ("c", "REAL")]


def test_column_named_split_is_read_as_it_is(hub_here: HubServer) -> None:
    serve(hub_here, {"train.csv": b"title,split\na,dev\n"})
    assert read(columns=("title", "split")) == [("a", "dev")]


def test_only_data_and_card_are_fetched(hub_here: HubServer) -> None:
    others = {
        "news.py": "raise SystemExit",
        "weights.bin": b"x",
        "picture.png": b"x",
        "notes.md": "x",
        "a/README.md": "",
    }
    serve(hub_here, {"README.md": "# News\n", "first.csv": NEWS, **others})
    assert len(read()) == 2
    fetched = {path.split("/resolve/")[1].partition("/")[2] for _, path in hub_here.requests if "/resolve/" in path}
    assert fetched == {"README.md", "first.csv"}


def test_checksum_is_over_data_and_card(hub_here: HubServer) -> None:
    serve(hub_here, {"README.md": "# News\n", "train.csv": NEWS, "test.csv": MORE, "config.json": "{}"})
    # With their names: train.csv called test.csv is another dataset.
    files = {"README.md": b"# News\n", "test.csv": MORE, "train.csv": NEWS}
    lines = [f"{hashlib.sha256(content).hexdigest()} {name}\n" for name, content in files.items()]
    expected = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert fetch_source(ADDRESS).sha256 == expected


def test_dataset_fetched_once_is_read_offline(hub_here: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(hub_here, {"train.csv": NEWS, "test.csv": MORE})
    before = fetch_source(ADDRESS)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert fetch_source(ADDRESS) == before
    assert len(read()) == 3


# What is refused.


@pytest.mark.parametrize(
    "address",
    ["hf://", "hf://owner/news", "hf://datasets/news", "hf://models/owner/news", f"{ADDRESS}/", f"{ADDRESS}@"],
)
def test_malformed_address_is_refused(address: str) -> None:
    assert "hf://datasets/owner/name" in find_problem(address)


@pytest.mark.parametrize("path", ["", "/first.csv"])
def test_dataset_that_is_not_there_is_refused(path: str, hub_here: HubServer) -> None:
    problem = find_problem(ADDRESS + path)
    assert problem.startswith("no such dataset")
    assert "`hf auth login`" in problem


@pytest.mark.parametrize("path", ["", "/first.csv"])
def test_gated_dataset_is_refused(path: str, hub_here: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", STRANGER_TOKEN)
    serve(hub_here, {"first.csv": NEWS}, gated=True)
    page = f"{hub_here.endpoint}/datasets/owner/news"
    problem = find_problem(ADDRESS + path)
    assert problem.startswith("gated dataset")
    assert f"{page} and run `hf auth login`" in problem


@pytest.mark.parametrize("path", ["", "/first.csv"])
def test_revision_that_is_not_there_is_refused(path: str, hub_here: HubServer) -> None:
    serve(hub_here, {"first.csv": NEWS})
    assert find_problem(f"{ADDRESS}@v2{path}").startswith("no revision 'v2'; see http")


@pytest.mark.parametrize("path", ["", "/first.csv"])
def test_offline_fetch_explains_what_to_do(path: str, hub_here: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(hub_here, {"first.csv": NEWS})
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    problem = find_problem(ADDRESS + path)
    assert "OfflineModeIsEnabled: " in problem
    assert "HF_HUB_OFFLINE" in problem
    assert "--data" in problem


def test_unreachable_hub_is_refused(hub_here: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "ConnectError: " in find_problem()


def test_dataset_without_data_is_refused(hub_here: HubServer) -> None:
    serve(hub_here, {"README.md": "# News\n", "config.json": "{}", "picture.png": b"x"})
    assert "(.csv, .tsv, .json, " in find_problem()


def test_several_configurations_are_refused_by_name(hub_here: HubServer) -> None:
    card = (
        "---\nconfigs:\n" + "".join(f"- {{config_name: {name}, data_files: {name}.csv}}\n" for name in "ab") + "---\n"
    )
    serve(hub_here, {"README.md": card, "a.csv": NEWS, "b.csv": MORE})
    problem = find_problem()
    assert "configurations ('a', 'b')" in problem
    assert problem.endswith("hf://datasets/owner/name/path")
    assert len(read(f"{ADDRESS}/a.csv")) == 2


def test_default_configuration_is_taken(hub_here: HubServer) -> None:
    configs = "- {config_name: a, data_files: a.csv}\n- {config_name: b, data_files: b.csv, default: true}\n"
    serve(hub_here, {"README.md": f"---\nconfigs:\n{configs}---\n", "a.csv": NEWS, "b.csv": MORE})
    assert len(read()) == 1


def test_missing_column_is_refused_by_the_datasets_name(hub_here: HubServer) -> None:
    serve(hub_here, {"train.csv": b"title,kind\na,X\n"})
    assert "'label' (found: 'title', 'kind', 'split')" in find_problem()


@pytest.mark.parametrize(
    "files",
    [
        {"train.csv": b'title,label\n"a,X\n'},
        {"train.json": b'{"title": "a", "label": "X"}\n{"title": \n'},
        {"train.parquet": b"PAR1 is no Parquet"},
        {"README.md": b"---\nconfigs: [\n---\n", "train.csv": NEWS},
        {"README.md": b"---\nconfigs:\n- {config_name: a, data_files: none.csv}\n---\n", "train.csv": NEWS},
        {"train.csv": NEWS, "train-2.csv": b"title,other\na,X\n"},
    ],
)
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_dataset_that_cannot_be_read_is_refused(files: dict[str, bytes], hub_here: HubServer) -> None:
    serve(hub_here, {**files})
    problem = find_problem()
    assert problem.startswith("`datasets` cannot read it (")
    assert problem.endswith("hf://datasets/owner/name/path")
    gc.collect()  # `datasets` leaves open what it could not read
