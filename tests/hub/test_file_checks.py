"""Files that must not be published are refused."""

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


def test_finished_model_passes(files: dict[str, Content]) -> None:
    check_model(files)


@pytest.mark.parametrize("name", MODEL)
def test_incomplete_model_is_refused(name: str, files: dict[str, Content]) -> None:
    del files[name]
    with pytest.raises(PublishError, match=f"model.*'{name}'"):
        check_model(files)


def test_adapter_needs_its_weights(files: dict[str, Content]) -> None:
    with pytest.raises(PublishError, match=r"'adapter_model\.safetensors'"):
        check_model({**files, "adapter_config.json": b"{}"})


def test_sharded_weights_need_their_index(files: dict[str, Content]) -> None:
    del files["model.safetensors"]
    check_model({**files, "model.safetensors.index.json": b"{}", "model-00001-of-00001.safetensors": b""})


@pytest.mark.parametrize("name", ["training_args.bin", "old/optimizer.pt", "labels.pkl", "UPPER.PT", "trees.joblib"])
def test_pickle_is_recognized_by_its_name(name: str) -> None:
    with pytest.raises(PublishError, match=f"pickled objects in '{name}'"):
        check_files({name: b"anything"})


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickle_is_recognized_by_its_first_bytes(protocol: int, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_bytes(pickle.dumps({"a": 1}, protocol=protocol))
    with pytest.raises(PublishError, match=r"pickled objects in 'data\.json'"):
        check_files({"data.json": tmp_path / "data.json"})


def test_safetensors_header_is_not_a_pickle() -> None:
    check_files({"model.safetensors": b"\x80\x02" + bytes(6)})


@pytest.mark.parametrize("name", ["config.json", "notes/README.txt", ".env", "predictions.parquet"])
@pytest.mark.parametrize("form", ["{}", '{{"token": "{}"}}', "HF_TOKEN={}\n"])
def test_access_token_is_refused_and_not_repeated(name: str, form: str) -> None:
    with pytest.raises(PublishError, match=f"access token in '{name}'") as caught:
        check_files({name: form.format(TOKEN).encode()})
    assert "AbCdEfGhIj" not in str(caught.value)


@pytest.mark.slow
def test_token_in_a_large_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_bytes(b" " * ((1 << 24) - 10) + TOKEN.encode())
    with pytest.raises(PublishError, match=r"access token in 'long\.txt'"):
        check_files({"long.txt": tmp_path / "long.txt"})


def test_words_like_tokens_pass() -> None:
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
    with pytest.raises(PublishError, match=r"path of this machine in 'config\.json'"):
        check_files({"config.json": text.encode()})


@pytest.mark.parametrize("folder", ["home", "cwd"])
def test_home_and_working_folder_are_recognized(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, folder, lambda: Path("/srv/ann"))
    check_files({"config.json": b'{"a": "/srv/anna", "b": "https://news.example/x/srv/ann"}'})
    with pytest.raises(PublishError, match=r"path of this machine in 'config\.json'"):
        check_files({"config.json": b'{"source": "/srv/ann/news.csv"}'})


def test_token_in_use_is_recognized_in_any_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "not-of-the-usual-form")
    with pytest.raises(PublishError, match=r"access token in 'notes\.txt'") as caught:
        check_files({"notes.txt": b"key=not-of-the-usual-form"})
    assert "usual" not in str(caught.value)


@pytest.mark.parametrize("text", ["https://example.org/home/ann", "owner/home/x", "a /dev/null", "at home/ann"])
def test_urls_are_not_local_paths(text: str) -> None:
    check_files({"README.md": text.encode()})


def test_vocabulary_may_contain_paths() -> None:
    check_files({"vocab.txt": b"/home/ann\n", "tokenizer.json": b'"/home/ann"', "model.safetensors": b"/home/ann"})


def test_all_faults_are_in_one_message() -> None:
    with pytest.raises(PublishError) as caught:
        check_files({"a.json": b'"/home/ann/x"', "b.txt": TOKEN.encode(), "c.pkl": b"", "d.json": b'"/home/ann/y"'})
    for fault in ("path of this machine in 'a.json', 'd.json'", "access token in 'b.txt'", "objects in 'c.pkl'"):
        assert fault in str(caught.value)
