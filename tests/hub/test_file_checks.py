"""What must not be published is found before anything is sent."""

import pickle
from pathlib import Path

import pytest

from hf_newscls.errors import PublishError
from hf_newscls.hub.commit import Content
from hf_newscls.hub.file_checks import check_files, check_model
from tests.conftest import FinishedRun

TOKEN = "hf_" + "AbCdEfGhIj" * 3 + "1234"
MODEL = ("README.md", "config.json", "model.safetensors", "tokenizer_config.json")


@pytest.fixture
def files(tiny_run: FinishedRun) -> dict[str, Content]:
    folder = tiny_run.run.model
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def test_finished_model_may_be_published(files: dict[str, Content]) -> None:
    check_model(files)


@pytest.mark.parametrize("name", MODEL)
def test_incomplete_model_is_refused(name: str, files: dict[str, Content]) -> None:
    del files[name]
    with pytest.raises(PublishError, match=rf"model: must hold '{name}' to be published; evaluate"):
        check_model(files)


def test_adapter_needs_the_adapters_weights(files: dict[str, Content]) -> None:
    with pytest.raises(PublishError, match=r"must hold 'adapter_model\.safetensors' to be published"):
        check_model({**files, "adapter_config.json": b"{}"})


def test_sharded_weights_need_their_index(files: dict[str, Content]) -> None:
    del files["model.safetensors"]
    check_model({**files, "model.safetensors.index.json": b"{}", "model-00001-of-00001.safetensors": b""})


@pytest.mark.parametrize("name", ["training_args.bin", "old/optimizer.pt", "labels.pkl", "UPPER.PT", "trees.joblib"])
def test_pickle_is_known_by_its_name(name: str) -> None:
    with pytest.raises(PublishError, match=rf"must hold no pickled objects, found one in '{name}'; remove"):
        check_files({name: b"anything"})


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickle_is_known_by_its_first_bytes(protocol: int, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_bytes(pickle.dumps({"a": 1}, protocol=protocol))
    with pytest.raises(PublishError, match=r"no pickled objects, found one in 'data\.json'"):
        check_files({"data.json": tmp_path / "data.json"})


def test_length_of_a_safetensors_header_is_no_pickle() -> None:
    check_files({"model.safetensors": b"\x80\x02" + bytes(6)})


@pytest.mark.parametrize("name", ["config.json", "notes/README.txt", ".env", "predictions.parquet"])
@pytest.mark.parametrize("form", ["{}", '{{"token": "{}"}}', "HF_TOKEN={}\n"])
def test_access_token_is_refused_and_not_repeated(name: str, form: str) -> None:
    with pytest.raises(PublishError, match=rf"must hold no access token, found one in '{name}'; remove") as caught:
        check_files({name: form.format(TOKEN).encode()})
    assert "AbCdEfGhIj" not in str(caught.value)


def test_token_across_two_blocks_is_found(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_bytes(b" " * ((1 << 24) - 10) + TOKEN.encode())
    with pytest.raises(PublishError, match="must hold no access token"):
        check_files({"long.txt": tmp_path / "long.txt"})


def test_what_merely_looks_like_a_token_may_be_published() -> None:
    check_files({"notes.txt": b"hf_newscls hf_hub_download_with_a_rather_long_name_for_a_function hf_short"})


@pytest.mark.parametrize(
    "text",
    [
        '{"_name_or_path": "/home/ann/encoder"}',
        "see /Users/ann/x",
        "file:///home/ann/x",
        "=/root/.cache",
        r'"C:\\Users\\ann"',
    ],
)
def test_path_of_this_machine_is_refused(text: str) -> None:
    with pytest.raises(PublishError, match=r"must hold no path of this machine, found one in 'config\.json'; remove"):
        check_files({"config.json": text.encode()})


@pytest.mark.parametrize("folder", ["home", "cwd"])
def test_folders_of_the_user_are_known_wherever_they_are(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, folder, lambda: Path("/srv/ann"))
    check_files({"config.json": b'{"a": "/srv/anna", "b": "https://news.example/x/srv/ann"}'})
    with pytest.raises(PublishError, match=r"must hold no path of this machine, found one in 'config\.json'"):
        check_files({"config.json": b'{"source": "/srv/ann/news.csv"}'})


def test_token_in_use_is_known_whatever_it_looks_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "not-of-the-usual-form")
    with pytest.raises(PublishError, match=r"must hold no access token, found one in 'notes\.txt'") as caught:
        check_files({"notes.txt": b"key=not-of-the-usual-form"})
    assert "usual" not in str(caught.value)


@pytest.mark.parametrize("text", ["https://example.org/home/ann", "owner/home/x", "a /dev/null", "at home/ann"])
def test_addresses_are_no_paths(text: str) -> None:
    check_files({"README.md": text.encode()})


def test_vocabulary_may_hold_what_looks_like_a_path() -> None:
    check_files({"vocab.txt": b"/home/ann\n", "tokenizer.json": b'"/home/ann"', "model.safetensors": b"/home/ann"})
