"""Files are written completely or not at all, and a full disk is recognized."""

import errno
import json
import math
import os
import shutil
from pathlib import Path

import pytest

from hf_newscls.errors import RunError, StorageError
from hf_newscls.storage import (
    check_disk_space,
    check_replaceable,
    replace_file,
    replace_folder,
    report_disk_errors,
    write_json,
    write_text,
)


@pytest.fixture
def full_disk(tmp_path: Path) -> Path:
    """A path that can be opened and has no room: a write to it fails with a real ENOSPC.

    It is a link: a library that renames a temporary file replaces the link, never the device.
    """
    if not Path("/dev/full").is_char_device():
        pytest.skip("needs the device /dev/full")
    link = tmp_path / "full"
    link.symlink_to("/dev/full")
    return link


def fail_after(path: Path, error: BaseException) -> None:
    path.write_text("half")
    raise error


def test_replaced_file_holds_the_new_text(tmp_path: Path) -> None:
    path = tmp_path / "new" / "metrics.json"
    with replace_file(path) as fresh:
        fresh.write_text("one")
        assert not path.exists()
    with replace_file(path) as fresh:
        fresh.write_text("two")
        assert path.read_text() == "one"
    assert path.read_text() == "two"
    assert os.listdir(path.parent) == ["metrics.json"]


@pytest.mark.parametrize("old", ["old", None])
def test_failed_file_leaves_the_old_one(old: str | None, tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    if old is not None:
        path.write_text(old)
    with pytest.raises(KeyboardInterrupt), replace_file(path) as fresh:
        fail_after(fresh, KeyboardInterrupt())
    assert os.listdir(tmp_path) == (["metrics.json"] if old else [])
    assert old is None or path.read_text() == old


def test_replaced_folder_holds_only_what_was_written(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "model"
    for name in ("one.txt", "two.txt"):
        with replace_folder(folder) as fresh:
            assert os.listdir(fresh) == []
            (fresh / name).write_text(name)
        assert os.listdir(folder) == [name]
    assert os.listdir(tmp_path / "a") == ["model"]


def test_failed_folder_leaves_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_text("old")
    with pytest.raises(RuntimeError, match="out of luck"), replace_folder(folder) as fresh:
        fail_after(fresh / "weights", RuntimeError("out of luck"))
    assert (folder / "weights").read_text() == "old"
    assert os.listdir(tmp_path) == ["model"]


def test_folder_does_not_replace_a_file(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_text("mine")
    with pytest.raises(StorageError, match="model"), replace_folder(path) as fresh:
        (fresh / "weights").write_text("new")
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == ["model"]


def test_two_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    # Like processes with the same id, in two containers on one disk.
    path = tmp_path / "metrics.json"
    with replace_file(path) as slow:
        slow.write_text("slow")
        with replace_file(path) as quick:
            quick.write_text("quick")
        assert path.read_text() == "quick"
    assert path.read_text() == "slow"
    assert os.listdir(tmp_path) == ["metrics.json"]


def test_two_writers_of_one_folder_do_not_mix(tmp_path: Path) -> None:
    # Like processes with the same id, in two containers on one disk.
    with replace_folder(tmp_path / "model") as slow:
        (slow / "one").write_text("slow")
        with replace_folder(tmp_path / "model") as quick:
            (quick / "two").write_text("quick")
        assert os.listdir(tmp_path / "model") == ["two"]
        (slow / "three").write_text("slow")
    assert sorted(os.listdir(tmp_path / "model")) == ["one", "three"]
    assert os.listdir(tmp_path) == ["model"]


def test_absurd_model_does_not_fit_the_disk(tmp_path: Path) -> None:
    runs = tmp_path / "not" / "there" / "yet"
    # 10**15 parameters of 4 bytes, ten times: three checkpoints of weights and two moments, and the trained model
    with pytest.raises(StorageError, match=r"[\d,.]+ MB .*40,000,000,000\.0 MB.*--runs-dir") as caught:
        check_disk_space(runs, parameters=10**15)
    assert str(caught.value).startswith(f"{runs}: ")
    assert not runs.exists()


def test_free_space_decides(tmp_path: Path) -> None:
    check_disk_space(tmp_path, parameters=1)
    free = shutil.disk_usage(tmp_path).free
    check_disk_space(tmp_path, parameters=free // 80)  # half of what would fit
    with pytest.raises(StorageError):
        check_disk_space(tmp_path, parameters=free // 20)  # twice that


def test_free_space_of_a_relative_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_disk_space(Path("runs"), parameters=1)
    assert os.listdir(tmp_path) == []


def test_full_disk_is_reported(full_disk: Path) -> None:
    with (
        pytest.raises(StorageError, match=r"^runs/tiny: .*full") as caught,
        report_disk_errors(Path("runs/tiny")),
        full_disk.open("w") as stream,
    ):
        stream.write("text")
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC


def test_full_disk_is_reported_once_for_the_inner_folder(full_disk: Path) -> None:
    with (
        pytest.raises(StorageError, match=r"^runs/tiny: .*full"),
        report_disk_errors(Path("standard output")),
        report_disk_errors(Path("runs/tiny")),
        full_disk.open("w") as stream,
    ):
        stream.write("text")


def test_full_disk_is_recognized_as_the_cause_of_another_error(full_disk: Path) -> None:
    def save() -> None:
        try:
            with full_disk.open("w") as stream:
                stream.write("text")
        except OSError as error:
            raise RuntimeError("could not save") from error

    with pytest.raises(StorageError, match=r"^runs: .*full"), report_disk_errors(Path("runs")):
        save()


def test_full_disk_is_reported_when_torch_saves(full_disk: Path) -> None:
    import torch

    # The optimizer's state is saved this way.
    with pytest.raises(StorageError, match=r"^runs: .*full"), report_disk_errors(Path("runs")):
        torch.save({"moments": torch.zeros(100_000)}, full_disk)


def test_full_disk_is_reported_when_safetensors_saves() -> None:
    from safetensors import SafetensorError

    # What save_file raised on a full 200 kB tmpfs; /dev/full cannot cause it: save_file renames a temporary file.
    message = "Error while serializing: I/O error: No space left on device (os error 28)"
    with pytest.raises(StorageError, match=r"^runs: .*full"), report_disk_errors(Path("runs")):
        raise SafetensorError(message)


@pytest.mark.parametrize(
    "error", [FileNotFoundError(errno.ENOENT, "No such file"), RuntimeError("shapes do not fit"), KeyError("label")]
)
def test_other_errors_pass_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, report_disk_errors(Path("runs")):
        raise error
    assert caught.value is error


def test_disk_quota_counts_as_a_full_disk() -> None:
    with pytest.raises(StorageError, match=r"^runs: .*full"), report_disk_errors(Path("runs")):
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))


def test_text_is_utf8(tmp_path: Path) -> None:
    write_text(tmp_path / "deep" / "card.md", "Prävention, ünïcode\n")
    assert (tmp_path / "deep" / "card.md").read_bytes() == "Prävention, ünïcode\n".encode()


def test_json_reads_back(tmp_path: Path) -> None:
    content = {"label": "Überblick", "accuracy": 0.1 + 0.2, "best_step": None, "counts": {"train": 3}}
    write_json(tmp_path / "metrics.json", content)
    text = (tmp_path / "metrics.json").read_text(encoding="utf-8")
    assert json.loads(text) == content
    assert "Überblick" in text
    assert text.endswith("}\n")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_json_has_no_value_that_is_not_json(value: float, tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    write_json(path, {"accuracy": 0.5})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"accuracy": value})
    assert json.loads(path.read_text()) == {"accuracy": 0.5}


@pytest.mark.parametrize("files", [[], ["marker.json"], ["other.txt", "marker.json"]])
def test_folder_of_our_own_can_be_replaced(files: list[str], tmp_path: Path) -> None:
    for name in files:
        (tmp_path / name).write_text("")
    check_replaceable(tmp_path, markers=["marker.json"], content="an overview")
    check_replaceable(tmp_path / "new", markers=["marker.json"], content="an overview")


def test_folder_of_other_files_is_kept(tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("")
    with pytest.raises(RunError, match=r"an overview.*'other\.txt'"):
        check_replaceable(tmp_path, markers=["marker.json"], content="an overview")


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_disk_that_is_read_only_is_recognized(number: int, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="weights"), report_disk_errors(tmp_path):
        raise OSError(number, os.strerror(number), str(tmp_path / "weights"))
    with pytest.raises(StorageError, match=str(tmp_path)), report_disk_errors(tmp_path):
        raise OSError(number, os.strerror(number))  # as Arrow does
    with pytest.raises(ConnectionError), report_disk_errors(tmp_path):
        raise ConnectionError(errno.ECONNREFUSED, "refused")
