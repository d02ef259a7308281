"""A search: its trials, what they read, how it goes on after kill -9, and what it leaves."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from hf_newscls.errors import InputError
from hf_newscls.recipe.loading import read_recipe
from hf_newscls.recipe.serialization import recipe_to_yaml
from hf_newscls.tuning.claims import claim_trial, fail_trial
from hf_newscls.tuning.heartbeat import ALIVE
from hf_newscls.tuning.search import choose_rows
from hf_newscls.tuning.study import StudyFolder, open_study
from hf_newscls.tuning.trial import train_trial
from tests.conftest import LABELS, write_csv, write_recipe
from tests.processes import Result, build_environment, check_refusal, run_cli

optuna = pytest.importorskip("optuna", reason="needs Optuna")

SPACE = """
training_arguments.learning_rate: {low: 1e-4, high: 2e-2, log: true}
training_arguments.num_train_epochs: {low: 2, high: 3}
model.head: {choices: [stock, two_layer]}
"""
KEYS = ("trial", "state", "refined_log_loss", "training_arguments.learning_rate", "model.head")


@pytest.fixture
def workspace(tiny_encoder: Path, news_rows: list[dict[str, str]], tmp_path: Path) -> Path:
    """A folder with the tiny recipe, by three files, and a space."""
    write_csv(tmp_path / "train.csv", news_rows[:72])
    write_csv(tmp_path / "validation.csv", news_rows[72:96])
    write_csv(tmp_path / "test.csv", news_rows[96:])
    path = write_recipe(tmp_path / "tiny.yaml", source=Path("SOURCE"), encoder=tiny_encoder)
    files = "{train: train.csv, validation: validation.csv, test: test.csv}"
    text = path.read_text().replace("source: SOURCE", f"source: {files}")
    lines = [line for line in text.splitlines() if not line.startswith(("split:", "freeze:"))]
    path.write_text("\n".join(lines))
    (tmp_path / "space.yaml").write_text(SPACE)
    return tmp_path


def list_arguments(trials: int, runs: str = "runs") -> list[str]:
    return ["tune", "tiny.yaml", "--trials", str(trials), "--seeds", "1", "--space", "space.yaml", "--runs-dir", runs]


def read_trials(workspace: Path, runs: str = "runs") -> list[dict[str, str]]:
    with (workspace / runs / "tiny" / "tune" / "trials.csv").open() as stream:
        return [{key: row[key] for key in KEYS} for row in csv.DictReader(stream)]


def wait_for(condition: Callable[[], object], *, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_killed_search_ends_like_one_that_was_not(workspace: Path) -> None:
    whole = run_cli(*list_arguments(3), cwd=workspace, home=workspace, timeout=600)
    assert whole.code == 0, whole.err
    command = [sys.executable, "-m", "hf_newscls", *list_arguments(3, "killed")]
    process = subprocess.Popen(command, cwd=workspace, env=build_environment(workspace), stderr=subprocess.DEVNULL)
    wait_for((workspace / "killed/tiny/tune/trials/0001/log.txt").exists, seconds=300)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    resumed = run_cli(*list_arguments(3, "killed"), cwd=workspace, home=workspace, timeout=600)
    assert resumed.code == 0, resumed.err
    assert read_trials(workspace, "killed") == read_trials(workspace)
    folders = [workspace / runs / "tiny" / "tune" for runs in ("runs", "killed")]
    assert len({(folder / "best.yaml").read_text() for folder in folders}) == 1
    assert (workspace / "runs" / "tiny_tuned" / "latest" / "metrics.json").is_file()


@pytest.mark.slow
def test_search_is_the_same_with_a_damaged_test_set(workspace: Path, news_rows: list[dict[str, str]]) -> None:
    first = run_cli(*list_arguments(2), cwd=workspace, home=workspace, timeout=600)
    assert first.code == 0, first.err
    labels = [*LABELS[1:], LABELS[0]] * 8
    damaged = [{**row, "title": "x", "category": label} for row, label in zip(news_rows[96:], labels, strict=True)]
    write_csv(workspace / "test.csv", damaged)
    second = run_cli(*list_arguments(2, "damaged"), cwd=workspace, home=workspace, timeout=600)
    assert second.code == 0, second.err
    assert read_trials(workspace, "damaged") == read_trials(workspace)


def test_search_in_several_processes_of_one_training_is_refused(
    workspace: Path, call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace)
    monkeypatch.setenv("WORLD_SIZE", "2")
    check_refusal(call(*list_arguments(2)), "WORLD_SIZE", "--launcher")
    assert not (workspace / "runs").exists()


class Tried:
    """A study of the tiny recipe in this process, without its trainings."""

    def __init__(self, workspace: Path, storage: str | None = None, folder: str = "tune") -> None:
        self.recipe = read_recipe(str(workspace / "tiny.yaml"), {"tune": {"model.max_length": {"low": 8, "high": 32}}})
        self.folder = StudyFolder(workspace / folder)
        self.folder.path.mkdir(exist_ok=True)
        self.storage = storage or self.folder.storage
        self.study = open_study(
            self.recipe, self.folder, storage=self.storage, fingerprint="f" * 64, lower_is_better=True
        )

    def claim(self, *, limit: int = 9, is_over: bool = False) -> object:
        def read(values: dict[str, object]) -> object:
            return read_recipe(str(self.folder.path.parent / "tiny.yaml"), values)

        return claim_trial(self.study, self.folder, self.recipe.tune, read=read, limit=limit, is_over=is_over)


def test_first_trial_has_the_recipes_own_values(workspace: Path) -> None:
    with Tried(workspace).claim() as claim:
        assert read_recipe(str(claim.folder / "recipe.yaml")).model.max_length == 32


def test_trial_of_a_process_that_ended_is_trained_again_by_another(workspace: Path) -> None:
    tried = Tried(workspace)
    with tried.claim() as first:
        number = first.trial.number
        with Tried(workspace).claim() as second:  # another process, while the first one lives
            assert second.trial.number != number
            tried.study.tell(second.trial, 0.5)
    with Tried(workspace).claim(is_over=True) as again:
        assert (again.trial.number, again.folder) == (number, first.folder)


def test_no_trial_is_left_at_the_limit_or_after_the_time(workspace: Path) -> None:
    tried = Tried(workspace)
    with tried.claim(is_over=True) as claim:
        assert claim is None
    with tried.claim(limit=1) as claim:
        tried.study.tell(claim.trial, 0.5)
    with tried.claim(limit=1) as claim:
        assert claim is None


@pytest.mark.slow
def test_storage_can_be_a_database(workspace: Path) -> None:
    tried = Tried(workspace, storage=f"sqlite:///{workspace / 'trials.db'}")
    with tried.claim() as claim:
        fail_trial(tried.study, claim.trial, "out of memory")
    assert tried.study.trials[0].user_attrs["reason"] == "out of memory"


def test_trial_of_a_host_without_a_sign_of_life_fails(workspace: Path) -> None:
    storage = str(workspace / "journal.log")
    here, other, third = (Tried(workspace, storage=storage, folder=name) for name in ("here", "other", "third"))
    with other.claim() as lost:
        pass

    def find_state(*, seconds_ago: float) -> object:
        lost.trial.set_user_attr(ALIVE, time.time() - seconds_ago)
        with here.claim(is_over=True) as claim:
            assert claim is None
        return here.study.trials[lost.trial.number].state

    with third.claim() as asked:  # below as if it had not given its first sign yet
        wait_for(lambda: ALIVE in here.study.trials[asked.trial.number].user_attrs)
    asked.trial.set_user_attr(ALIVE, None)
    assert find_state(seconds_ago=500) == optuna.trial.TrialState.RUNNING
    assert find_state(seconds_ago=700) == optuna.trial.TrialState.FAIL
    assert here.study.trials[asked.trial.number].state == optuna.trial.TrialState.RUNNING


def test_running_trial_gives_signs_of_life_even_if_one_is_refused(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hf_newscls.tuning.heartbeat._BEAT_EVERY", 0.05)
    tried = Tried(workspace)
    with tried.claim() as claim:
        store, refused = claim.trial.set_user_attr, []

        def refuse_once(key: str, value: object) -> None:
            if not refused:
                refused.append(value)
                raise optuna.exceptions.StorageInternalError
            store(key, value)

        monkeypatch.setattr(claim.trial, "set_user_attr", refuse_once)
        wait_for(lambda: refused and tried.study.trials[claim.trial.number].user_attrs.get(ALIVE, 0) > refused[0])


@pytest.fixture
def rows(workspace: Path, news_rows: Sequence[dict[str, str]]) -> Path:
    """Rows as a search writes them."""
    from tests.tiny_models import build_splits

    build_splits(news_rows, train=24, validation=9).save_to_disk(workspace / "rows")
    return workspace / "rows"


def test_trial_stores_its_validation_scores_and_keeps_no_model(workspace: Path, rows: Path) -> None:
    tried = Tried(workspace)
    with tried.claim() as claim:
        train_trial(claim.folder, rows, storage=tried.storage)
    (trial,) = Tried(workspace).study.trials
    assert trial.state == optuna.trial.TrialState.COMPLETE
    assert trial.value == trial.user_attrs["scores"]["refined_log_loss"] == min(trial.intermediate_values.values())
    assert [*trial.intermediate_values] == [50, 100]
    assert not [*claim.folder.rglob("*.safetensors")]


def test_trial_has_its_last_score_if_training_keeps_the_last_model(workspace: Path, rows: Path) -> None:
    tried = Tried(workspace)
    with tried.claim() as claim:
        # The accuracy rises, and the study takes the lowest score for the best one.
        rate = ("learning_rate=0.02", "num_train_epochs=4", "metric_for_best_model=accuracy")
        changes = (*rate, "load_best_model_at_end=false")
        recipe = read_recipe(str(workspace / "tiny.yaml"), [f"training_arguments.{one}" for one in changes])
        (claim.folder / "recipe.yaml").write_text(recipe_to_yaml(recipe))
        train_trial(claim.folder, rows, storage=tried.storage)
    (trial,) = Tried(workspace).study.trials
    assert trial.value == trial.intermediate_values[100] > trial.intermediate_values[25]


def test_trial_that_is_worse_than_the_others_is_pruned(workspace: Path, rows: Path) -> None:
    tried = Tried(workspace)
    for number in range(6):
        with tried.claim() as claim:
            claim.trial.report(0.01 * number, 50)
            tried.study.tell(claim.trial, 0.01 * number)
    with tried.claim() as claim:
        train_trial(claim.folder, rows, storage=tried.storage)
    last = Tried(workspace).study.trials[-1]
    assert last.state == optuna.trial.TrialState.PRUNED
    assert [*last.intermediate_values] == [50]


def test_trials_read_only_training_and_validation_rows(
    workspace: Path, news_rows: list[dict[str, str]], call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file of the search holds a byte of a test row. Trials that cannot start end the search."""
    monkeypatch.chdir(workspace)
    result = call(*list_arguments(9), "--launcher", "false")
    check_refusal(result, "3", "exit code 1")
    (path,) = (workspace / "runs/tiny/tune").glob("rows-*")
    found = DatasetDict.load_from_disk(str(path))
    assert {name: one.num_rows for name, one in found.items()} == {"train": 72, "validation": 24}
    content = b"".join(one.read_bytes() for one in path.parent.rglob("*") if one.is_file())
    titles = [row["title"].encode() in content for row in news_rows]
    assert titles == [True] * 96 + [False] * 24


def test_smaller_training_set_is_part_of_a_larger_one(
    workspace: Path, call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace)
    found = {}
    for rows in (20, 40, 72):
        call(*list_arguments(9, f"runs-{rows}"), "--launcher", "false", "--train-rows", str(rows))
        (path,) = (workspace / f"runs-{rows}/tiny/tune").glob("rows-*")
        splits = DatasetDict.load_from_disk(str(path))
        assert (len(splits["train"]), len(splits["validation"])) == (rows, 24)
        found[rows] = {*splits["train"]["text"]}
    assert found[20] < found[40] < found[72]


def test_search_with_another_number_of_training_rows_needs_another_name(
    workspace: Path, call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace)
    call(*list_arguments(1), "--launcher", "false", "--train-rows", "40")
    for rows in ([], ["--train-rows", "20"]):
        check_refusal(call(*list_arguments(1), "--launcher", "false", *rows), "40", "name=")
    assert len([*(workspace / "runs/tiny/tune").glob("rows-*")]) == 1


def test_default_space_has_no_epochs_if_trials_have_fewer_rows(
    workspace: Path, call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace)
    epochs = []
    for name, options in (("part", ["--train-rows", "40"]), ("all", [])):
        call("tune", "tiny.yaml", "--launcher", "false", f"name={name}", "--runs-dir", "runs", *options)
        paths = sorted((workspace / "runs" / name / "tune/trials").glob("*/recipe.yaml"))
        epochs.append({read_recipe(str(path)).training_arguments["num_train_epochs"] for path in paths})
    own = read_recipe("tiny.yaml").training_arguments["num_train_epochs"]
    assert epochs[0] == {own} < epochs[1]


def test_more_training_rows_than_there_are_are_refused(
    workspace: Path, call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace)
    check_refusal(call(*list_arguments(1), "--train-rows", "73"), "73", "72", "train_rows")
    assert not (workspace / "runs/tiny").exists()


def test_training_rows_with_one_label_are_refused_and_missing_labels_are_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["FAKE", "MIXED", "REAL"])})
    train = Dataset.from_dict({"text": [f"title {number}" for number in range(40)], "label": [0, 2] * 20}, features)
    with pytest.raises(InputError, match="only the label"):
        choose_rows(train, 1)
    assert {*choose_rows(train, 20)["label"]} == {0, 2}
    assert "'MIXED'" in caplog.messages[-1]


def test_search_of_another_recipe_needs_another_name(
    workspace: Path, call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace)
    call(*list_arguments(1), "--launcher", "false")
    changed = call(*list_arguments(1), "--launcher", "false", "training_arguments.weight_decay=0.5")
    check_refusal(changed, "weight_decay", "name=")


@pytest.mark.parametrize("launcher", ["no-such-launcher", "accelerate-launcher run"])
def test_launcher_that_is_not_there_is_named(
    launcher: str, workspace: Path, call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace)
    check_refusal(call(*list_arguments(1), "--launcher", launcher), launcher.split()[0])
