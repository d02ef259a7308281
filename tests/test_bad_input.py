"""A wrong input ends with exit code 2 and one message that names file, key, value and fix; nothing is written."""

import errno
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from datasets import Dataset, DatasetDict

from hf_newscls.recipe.serialization import recipe_to_yaml
from hf_newscls.runs.folder import RunFolder
from tests.conftest import FinishedRun, write_csv, write_recipe
from tests.processes import Result, build_environment, check_refusal, read_files, run_cli

Rows = list[dict[str, str]]
Call = Callable[..., Result]
KAGGLE = "kaggle://owner/news/news.csv"


@dataclass(frozen=True)
class Workspace:
    """A folder with the tiny recipe and the tiny news, both valid until a case spoils one of them."""

    path: Path
    rows: Rows

    @property
    def news(self) -> Path:
        """Return the news file."""
        return self.path / "news.csv"

    def write_news(self, change: Callable[[int, dict[str, str]], Mapping[str, str]]) -> None:
        """Write the news with each row changed."""
        write_csv(self.news, [dict(change(index, row)) for index, row in enumerate(self.rows)])

    def list_files(self) -> list[str]:
        """Return all files except those in the caches of libraries."""
        files = (path for path in self.path.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.path)) for path in files if "home" not in path.parts)


@pytest.fixture
def workspace(tiny_encoder: Path, news_rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write_csv(folder / "news.csv", news_rows)
    write_recipe(folder / "tiny.yaml", source=Path("news.csv"), encoder=tiny_encoder)
    return Workspace(folder, news_rows)


def check_refused(workspace: Workspace, run: Call, arguments: Sequence[str], *fragments: str) -> None:
    """Run a command that must be refused with these fragments, and check that no file was made or changed."""
    before = workspace.list_files()
    check_refusal(run(*arguments), *fragments)
    assert workspace.list_files() == before
    assert not (workspace.path / "runs").exists()


# Data files. Each case spoils the file, then lists what the message names: value, place in the file, key to set.


def _leave_labels_out(workspace: Workspace) -> None:
    workspace.write_news(lambda index, row: row | {"category": "" if index in {3, 50} else row["category"]})


def _leave_one_class(workspace: Workspace) -> None:
    workspace.write_news(lambda index, row: row | {"category": "SPORTS"})


def _leave_a_class_of_one(workspace: Workspace) -> None:
    workspace.write_news(lambda index, row: row | {"category": "RARE" if index == 7 else row["category"]})


def _rename(old: str, new: str) -> Callable[[Workspace], None]:
    return lambda workspace: workspace.write_news(
        lambda index, row: {new if name == old else name: value for name, value in row.items()}
    )


def _write(content: bytes, name: str = "news.csv") -> Callable[[Workspace], None]:
    return lambda workspace: (workspace.path / name).write_bytes(content) and None


DATA_CASES: dict[str, tuple[Callable[[Workspace], None], tuple[str, ...]]] = {
    "missing": (lambda workspace: workspace.news.unlink(), ("--data", "/work;")),
    "misspelt": (lambda workspace: workspace.news.rename(workspace.path / "News.CSV") and None, ("'News.CSV'",)),
    "empty": (_write(b""), ("empty",)),
    "blank": (_write(b"\n\n \n"), ("empty",)),
    "header only": (_write(b"title,body,category,date\n"), ("row",)),
    "no such column": (_rename("body", "xyz"), ("body", "title", "xyz", "category", "date", "data.text")),
    "other case": (_rename("category", "Category"), ("'category'", "'Category'")),
    "no header": (
        _write(b"Storm hits coast,Two towns,SPORTS,2020\nTeam wins,The cup,SPORTS,2021\n"),
        ("'title'", "data.csv.columns", "4 columns"),
    ),
    "swallowed rows": (
        _write(b'title,body,category,date\na,"b,SPORTS,2020\nc,d",SPORTS,2021\n'),
        ("lines 2 to 3", "data.csv.quoting"),
    ),
    "gzip, cut off": (_write(gzip.compress(b"title,body\n" * 99)[:-9]), ("ended before",)),
    "picture": (_write(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), ("binary", "0x1a", "line 2")),
    "utf-16": (_write("title,body\n".encode("utf-16")), ("UTF-16", "data.encoding")),
    "two encodings": (
        _write(b"title,body,category,date\nCaf\xc3\xa9,b,SPORTS,2020\nCaf\xe9,b,SPORTS,2020\n"),
        ("utf-8", "0xe9", "line 3", "column 4", "data.encoding_errors"),
    ),
    "nul": (_write(b"title,body,category,date\na,b,SPORTS,2020\n\0a,b,SPORTS,2020\n"), ("NUL", "line 3")),
    "column twice": (_write(b"title,body,title,category,date\na,b,c,SPORTS,2020\n"), ("'title'", "1", "3")),
    "misplaced quote": (_write(b'title,body,category,date\na,"b" c,SPORTS,2020\n'), ("line 2", "body")),
    "list in json": (
        _write(b'{"title": "a", "body": ["b"], "category": "SPORTS", "date": "2020"}\n'),
        ("line 1", "'body'", "['b']"),
    ),
    "labels in two spellings": (
        lambda workspace: workspace.write_news(
            lambda index, row: row | {"category": "Sports" if index == 2 else row["category"]}
        ),
        ("SPORTS", "39", "Sports", "1", 'merge_labels: {"SPORTS": ["SPORTS", "Sports"]}', "data.labels"),
    ),
    "several labels in a cell": (
        lambda workspace: workspace.write_news(
            lambda index, row: row | {"category": "SPORTS; SCIENCE" if index in {2, 9} else row["category"]}
        ),
        ("'category'", "2 of 120 rows", "'SPORTS; SCIENCE", "data.label_choice", "data.labels"),
    ),
    "values that stand for nothing": (
        lambda workspace: workspace.write_news(lambda index, row: row | {"body": "nan" if index == 2 else row["body"]}),
        ("'nan ", "1", "body", 'missing_values: ["nan"]', "missing_values: []"),
    ),
    "ragged": (_write(b"title,body,category,date\na,b,SPORTS,2020\na,b,c,SPORTS,2020\n"), ("line 3", "4", "5")),
    "broken json": (
        _write(b'{"title": "a", "body": "b", "category": "SPORTS", "date": "2020"}\n{"title": \n'),
        ("line 2", "JSON"),
    ),
    "json in an object": (
        _write(b'{"status": "ok", "articles": [{"title": "a", "body": "b", "category": "SPORTS"}]}'),
        ("'articles'", "`data.json.records: articles`"),
    ),
    "labels missing": (_leave_labels_out, ("lines 5, 52: ", "'category'", "data.missing_label")),
    "one class": (_leave_one_class, ("'SPORTS'", "data.label")),
    "class of one": (
        _leave_a_class_of_one,
        ("RARE", "1", "3", "data.merge_labels", "data.min_count", "data.rare_labels"),
    ),
    "no texts": (
        lambda workspace: workspace.write_news(lambda index, row: row | {"title": "", "body": " "}),
        ("120", "data.min_characters", "data.min_count"),
    ),
}


@pytest.mark.parametrize("case", DATA_CASES)
def test_data_file_that_cannot_be_used(case: str, workspace: Workspace, call: Call) -> None:
    spoil, fragments = DATA_CASES[case]
    spoil(workspace)
    check_refused(workspace, call, ["train", "tiny.yaml"], "news.csv: ", *fragments)


def test_official_splits_in_a_list(workspace: Workspace, call: Call) -> None:
    for name in ("train.csv", "test.csv"):
        (workspace.path / name).write_bytes(workspace.news.read_bytes())
    paths = [str(workspace.path / name) for name in ("train.csv", "test.csv")]
    mapping = f'data.source: {{"train": "{paths[0]}", "test": "{paths[1]}"}}'
    for source in (["data.source=[" + ", ".join(paths) + "]"], ["--data", str(workspace.path / "t*.csv")]):
        check_refused(workspace, call, ["train", "tiny.yaml", *source], paths[0], mapping, "data.pool_splits: true")


@pytest.mark.parametrize("command", ["prepare", "train"])
def test_real_file_that_was_cut_off(command: str, real_data: Path, workspace: Workspace, call: Call) -> None:
    path = real_data / "fake_news" / "news_truncated.csv"
    check_refused(workspace, call, [command, "fake_news_minilm", "--data", str(path)], f"{path}: ", "line 4514")


def test_dates_that_a_split_by_time_cannot_use(workspace: Workspace, call: Call) -> None:
    workspace.write_news(lambda index, row: row | {"date": "31.12.17" if index % 30 == 5 else "2018-01-01"})
    check_refused(
        workspace,
        call,
        ["prepare", "tiny.yaml", "data.date=date", "data.keep=[]", "split.by=time"],
        *("news.csv: ", "4 of 120 ", "'date'", "'31.12.17 (id 65)', …", "data.date_format", "split.by"),
    )


def test_folder_in_place_of_a_data_file(workspace: Workspace, call: Call) -> None:
    arguments = ["train", "tiny.yaml", "--data", str(workspace.path)]
    check_refused(workspace, call, arguments, f"{workspace.path}: ", "folder")


def test_pattern_that_matches_nothing(workspace: Workspace, call: Call) -> None:
    check_refused(workspace, call, ["prepare", "tiny.yaml", "--data", "*.tsv"], "*.tsv: ")


def test_public_without_publish(workspace: Workspace, call: Call) -> None:
    check_refused(workspace, call, ["prepare", "tiny.yaml", "--public"], "--public", "--publish OWNER/NAME")


def test_file_other_than_the_checksum_names(workspace: Workspace, call: Call) -> None:
    found = hashlib.sha256(workspace.news.read_bytes()).hexdigest()
    expected = "a" * 64
    check_refused(
        workspace, call, ["train", "tiny.yaml", f"data.sha256={expected}"], "news.csv: ", expected, found, "data.sha256"
    )


# Recipes.


@pytest.mark.parametrize(
    ("override", "fragments"),
    [
        ("split.test=0.3", ("split", "0.6", "0.2", "0.3", "1.1")),
        ("split.tset=0.2", ("split.tset", "test")),
        ("modle.head=stock", ("modle", "model")),
        ("training_arguments.warmup_ratio=0.1", ("training_arguments.warmup_ratio", "0.1", "warmup_steps")),
        (
            "training_arguments.evaluation_strategy=epoch",
            ("training_arguments.evaluation_strategy", "epoch", "eval_strategy"),
        ),
        ("training_arguments.lerning_rate=1e-5", ("training_arguments.lerning_rate", "learning_rate")),
        ("training_arguments.output_dir=x", ("training_arguments.output_dir",)),
        ("data.labels=[SPORTS,BUSINESS]", ("data.labels", "SCIENCE", "40", "data.merge_labels")),
        ("model.max_length=65", ("model.max_length", "64", "65")),
        ("no-equals-sign", ("section.key=value", "'no-equals-sign'")),
        ("split.test=20", ("split.test", "20", "1")),
        ("training_arguments.learning_rate=abc", ("training_arguments.learning_rate", "abc")),
        (
            "training_arguments.eval_strategy=sometimes",
            ("training_arguments.eval_strategy", "sometimes", "no", "steps", "epoch"),
        ),
        ("training_arguments.num_train_epochs=-1", ("training_arguments.num_train_epochs", "-1", "0")),
        ("data.text=[]", ("data.text",)),
        ("data.labels=[SPORTS,null]", ("data.labels.1", "None")),
        ("data.date_format='%d.%m.%Y'", ("data.date_format", "'%d.%m.%Y'", "date is not set")),
        ("model.head=three_layer", ("model.head", "'three_layer'", "stock", "two_layer")),
        ("name=a/b", ("name", "a/b")),
        ("data=5", ("data", "5")),
        ("split.train.deep=1", ("split.train",)),
        ("hub.title=${", ("override",)),
        ("hub.title=${nope}", ("nope",)),
        ("data.text=[", ("override",)),
    ],
)
def test_recipe_value_that_cannot_be_used(
    override: str, fragments: tuple[str, ...], workspace: Workspace, call: Call
) -> None:
    check_refused(workspace, call, ["train", "tiny.yaml", override], *fragments)


def test_all_errors_of_a_recipe_are_listed_in_one_message(workspace: Workspace, call: Call) -> None:
    keys = ["split.test", "data.lable", "training_arguments.no_cuda"]
    result = call("train", "tiny.yaml", "split.test=20", "data.lable=x", "training_arguments.no_cuda=true")
    check_refusal(result, "tiny.yaml", "3")
    first, *lines = result.err.splitlines()
    assert [key for key in keys if key not in first] == []
    named = [key for line in lines for key in keys if key in line]
    assert sorted(named) == sorted(keys)


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("tinny.yaml", ""),
        ("quikstart", "'quickstart'"),
        ("fake_news_rob", "'fake_news_roberta'"),
        ("xyz", "hf-newscls recipes"),
    ],
)
def test_unknown_recipe(name: str, fix: str, workspace: Workspace, call: Call) -> None:
    check_refused(workspace, call, ["train", name], name, fix)


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        (b"name: tiny\n  data: [oops\n", "line 2"),
        (b"name: a: b: c\n", "line 1"),
        (b"\x89PNG\r\n\x1a\n\x00", "0x89"),
        (b"{\\rtf1 nope", "line 1"),
        (b"- one\n- two\n", ""),
        (b"just a sentence\n", ""),
        (b"name: tiny\nextends: ${oops\n", "extends"),
        (b"name: tiny\nname: again\n", "name"),
    ],
)
def test_file_that_is_no_recipe(content: bytes, fragment: str, workspace: Workspace, call: Call) -> None:
    (workspace.path / "odd.yaml").write_bytes(content)
    check_refused(workspace, call, ["train", "odd.yaml"], "odd.yaml", fragment)


def test_empty_recipe_names_what_is_missing(workspace: Workspace, call: Call) -> None:
    (workspace.path / "odd.yaml").write_bytes(b"")
    check_refused(workspace, call, ["train", "odd.yaml"], "odd.yaml", "name", "data", "model")


def test_name_longer_than_a_file_name_can_be(workspace: Workspace, call: Call) -> None:
    # Easily typed: the text comes first, and MODEL is missing.
    text = "Rail strike ends after nine days " * 10
    check_refused(workspace, call, ["predict", text, "text"], text[:20], "--runs-dir")


# Models.


def test_model_folder_without_weights(tiny_encoder: Path, workspace: Workspace, call: Call, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    (folder / "model.safetensors").unlink()
    arguments = ["train", "tiny.yaml", f"model.model_name_or_path={folder}"]
    check_refused(workspace, call, arguments, f"{folder}: ", "model.safetensors")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_model_folder_without_its_other_files(
    name: str, tiny_encoder: Path, workspace: Workspace, call: Call, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    for path in {folder / name, *([folder / "vocab.txt"] if name == "tokenizer.json" else [])}:
        path.unlink(missing_ok=True)
    arguments = ["train", "tiny.yaml", f"model.model_name_or_path={folder}"]
    check_refused(workspace, call, arguments, f"{folder}: ", name)


def test_weights_that_are_cut_off(tiny_encoder: Path, workspace: Workspace, call: Call, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:50_000])
    arguments = ["train", "tiny.yaml", f"model.model_name_or_path={folder}"]
    check_refused(workspace, call, arguments, f"{folder}: ", "model.safetensors")


def test_no_such_model_folder(workspace: Workspace, call: Call) -> None:
    arguments = ["train", "tiny.yaml", "model.model_name_or_path=./nowhere"]
    check_refused(workspace, call, arguments, "./nowhere: ", "model.model_name_or_path")


@pytest.mark.parametrize("name", ["nowhere", "runs/tiny/20200101-000000"])
@pytest.mark.parametrize("command", ["predict", "evaluate", "publish", "compare"])
def test_no_such_run(
    command: str, name: str, workspace: Workspace, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_" + "x" * 34)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    texts = ["a text"] if command == "predict" else []
    # The Hub is not asked for what it cannot hold.
    check_refused(workspace, call, [command, name, *texts], name, "train")


@pytest.mark.parametrize("name", ["runs/absent", "./nowhere", "~/nowhere", "/nowhere/" + "a" * 300])
def test_missing_folder_is_not_looked_up_on_the_hub(name: str, workspace: Workspace, call: Call) -> None:
    check_refused(workspace, call, ["predict", name, "a text"], f"{name}: ", "--runs-dir")


def test_run_without_its_model(tiny_run: FinishedRun, workspace: Workspace, call: Call) -> None:
    run = workspace.path / "old" / "tiny"
    shutil.copytree(tiny_run.run.path, run, ignore=shutil.ignore_patterns("model"))
    check_refused(workspace, call, ["predict", str(run), "a text"], f"{run}: ", "model", "train")


def test_run_with_half_a_record(tiny_run: FinishedRun, workspace: Workspace, call: Call) -> None:
    run = workspace.path / "old" / "tiny"
    shutil.copytree(tiny_run.run.path, run)
    (run / "split.json").write_text('{"half": ')
    check_refused(workspace, call, ["evaluate", str(run)], str(run), "split.json", "line 1 column 10")


# Folders to write to.


@pytest.mark.parametrize("option", ["--runs-dir", "--cards-dir"])
def test_file_in_place_of_a_folder_is_refused_before_training(option: str, workspace: Workspace, call: Call) -> None:
    (workspace.path / "taken").write_text("mine")
    check_refused(workspace, call, ["train", "tiny.yaml", option, "taken"], "taken", "file")
    assert (workspace.path / "taken").read_text() == "mine"


def test_prepare_does_not_wipe_a_run(tiny_run: FinishedRun, workspace: Workspace, call: Call) -> None:
    # It holds a split.json, as prepared data does.
    run = shutil.copytree(tiny_run.run.path, workspace.path / "finished")
    check_refused(workspace, call, ["prepare", "tiny.yaml", "--output", str(run)], f"{run}: ")


def test_prepare_does_not_overwrite_a_file(workspace: Workspace, call: Call) -> None:
    check_refused(workspace, call, ["prepare", "tiny.yaml", "--output", "news.csv"], "news.csv", "file")


def test_prepare_may_be_repeated(workspace: Workspace, call: Call) -> None:
    (workspace.path / "empty").mkdir()
    for _ in range(2):
        assert call("prepare", "tiny.yaml", "--output", "empty").code == 0


@pytest.mark.parametrize("output", [".", "mine", "mine/.."])
def test_prepare_does_not_wipe_a_folder_that_holds_something_else(
    output: str, workspace: Workspace, call: Call
) -> None:
    (workspace.path / "mine").mkdir()
    (workspace.path / "mine" / "thesis.txt").write_text("years of work")
    folder = (workspace.path / output).resolve()
    check_refused(workspace, call, ["prepare", "tiny.yaml", "--output", output], f"{folder}: ")
    assert (workspace.path / "mine" / "thesis.txt").read_text() == "years of work"


def test_prepare_does_not_wipe_a_dataset_of_someone_else(workspace: Workspace, call: Call) -> None:
    folder = workspace.path / "mine"
    DatasetDict({"train": Dataset.from_dict({"text": ["years of work"]})}).save_to_disk(folder)
    before = read_files(folder)
    check_refused(workspace, call, ["prepare", "tiny.yaml", "--output", "mine"], f"{folder}: ")
    assert read_files(folder) == before


# The same in real processes, without the fixtures of the tests.


PROCESS_CASES: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "unknown recipe": (["train", "quikstart"], ("'quikstart'", "'quickstart'")),
    "hub, offline": (
        ["train", "tiny.yaml", "model.model_name_or_path=owner/encoder"],
        ("owner/encoder ", "model.model_name_or_path"),
    ),
    "kaggle, no network": (
        ["train", "tiny.yaml", "--data", KAGGLE],
        (f"{KAGGLE} ", "news.csv", "https://www.kaggle.com/datasets/owner/news", "--data"),
    ),
}


# Each of these waits for a network that is not there, or imports what one would need.
SLOW_CASES = ("hub, offline", "kaggle, no network")


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.slow) if case in SLOW_CASES else case for case in PROCESS_CASES],
)
def test_process_refuses(case: str, workspace: Workspace) -> None:
    if case.startswith("kaggle"):
        pytest.importorskip("kagglehub", reason="needs the extra `kaggle`")
    arguments, fragments = PROCESS_CASES[case]
    # A proxy that does not answer is as good as no network.
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    environment = proxies | {
        "KAGGLEHUB_CACHE": str(workspace.path / "home" / "kagglehub"),
        "NO_PROXY": "",
        "no_proxy": "",
    }

    def run(*arguments: str) -> Result:
        return run_cli(*arguments, cwd=workspace.path, home=workspace.path / "home", environment=environment)

    check_refused(workspace, run, arguments, *fragments)


@pytest.mark.slow
def test_hub_model_without_network_is_refused_in_a_bearable_time(workspace: Workspace) -> None:
    environment = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": "http://127.0.0.1:9"}
    result = run_cli(
        "train",
        "tiny.yaml",
        "model.model_name_or_path=owner/encoder",
        cwd=workspace.path,
        home=workspace.path / "home",
        environment=environment,
    )
    check_refusal(result, "owner/encoder ")
    # Each retry of the client is reported once, not twice.
    retries = [line.split("  ", 1)[-1] for line in result.err.splitlines() if "thrown while requesting" in line]
    assert len(retries) <= 6, result.err


# Damaged files of a run.


@pytest.fixture
def damaged(tiny_run: FinishedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A copy of a finished run in runs/, for tests that change its files, next to its recipe, tiny.yaml."""
    shutil.copytree(tiny_run.run.path, tmp_path / "runs" / "tiny" / "one")
    (tmp_path / "tiny.yaml").write_text(recipe_to_yaml(tiny_run.recipe))
    monkeypatch.chdir(tmp_path)
    return RunFolder(Path("runs/tiny/one"))


DAMAGES = ["{", "[]", "{}", '{"fingerprint": 1, "test": [], "log_history": {}}']


@pytest.mark.parametrize("content", DAMAGES)
def test_damaged_split_of_a_run_is_an_error_of_evaluate(content: str, damaged: RunFolder, call: Call) -> None:
    damaged.split.write_text(content)
    check_refusal(call("evaluate", str(damaged.path)), "tiny/one", "split.json")


@pytest.mark.parametrize("content", DAMAGES)
def test_damaged_record_of_a_run_is_an_error_of_evaluate(content: str, damaged: RunFolder, call: Call) -> None:
    damaged.training.write_text(content)
    check_refusal(call("evaluate", str(damaged.path)), "tiny/one", "training.json")


@pytest.mark.parametrize("content", DAMAGES)
@pytest.mark.parametrize("file", ["split.json", "training.json"])
def test_run_with_a_damaged_file_is_not_resumed(file: str, content: str, damaged: RunFolder, call: Call) -> None:
    (damaged.model / "README.md").unlink()  # it is written last
    (damaged.path / file).write_text(content)
    check_refusal(call("train", "tiny.yaml"), "tiny/one", file)


@pytest.mark.parametrize("content", DAMAGES)
@pytest.mark.parametrize("file", ["split.json", "metrics.json"])
def test_finished_run_with_a_damaged_file_is_an_error_of_seeds(
    file: str, content: str, damaged: RunFolder, tiny_run: FinishedRun, call: Call
) -> None:
    # The last seed is trained first.
    arguments = {**tiny_run.recipe.training_arguments, "seed": tiny_run.recipe.seed + 1}
    damaged.write_recipe(tiny_run.recipe.model_copy(update={"training_arguments": arguments}))
    (damaged.path / file).write_text(content)
    check_refusal(call("train", "tiny.yaml", "--seeds", "2"), "tiny/one", file)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"split_fingerprint": "", "scores": {"accuracy": 0.5}}'])
def test_damaged_seeds_of_another_recipe_are_an_error_before_the_training(
    content: str, damaged: RunFolder, call: Call
) -> None:
    Path("runs/other").mkdir()
    Path("runs/other/seeds.json").write_text(content)
    check_refusal(call("train", "tiny.yaml", "--seeds", "2"), "runs/other", "seeds.json")


# Surroundings.


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_data_without_end_is_refused(kind: str, workspace: Workspace, call: Call) -> None:
    pipe = workspace.path / "pipe.csv"
    os.mkfifo(pipe)
    source = str(pipe) if kind == "pipe" else "/dev/zero"
    check_refused(workspace, call, ["overview", "tiny.yaml", "--data", source], source)


def test_argument_that_is_not_utf8_is_refused(workspace: Workspace, call: Call) -> None:
    check_refused(workspace, call, ["show", "tiny.yaml", "hub.title=\udcff"], "UTF-8")


@pytest.mark.slow
def test_output_that_has_no_room(workspace: Workspace) -> None:
    command = [sys.executable, "-m", "hf_newscls", "show", "tiny.yaml"]
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            command, cwd=workspace.path, env=build_environment(workspace.path / "home"), stdout=full, stderr=-1
        )
    assert found.returncode == 2
    assert b"Traceback" not in found.stderr


@pytest.mark.slow
def test_letters_that_the_terminal_lacks_are_written_as_numbers(workspace: Workspace) -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii"}
    command = ["show", "tiny.yaml", "hub.title=Zeitung für alle"]
    found = run_cli(*command, cwd=workspace.path, home=workspace.path / "home", environment=ascii_only)
    assert found.code == 0, found.err
    assert "Zeitung f\\xfcr alle" in found.out


def test_fault_of_the_program_is_one_line_and_a_log(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("hf_newscls.workflow.load_recipe", fail)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = call("show", "quickstart")
    (log,) = tmp_path.iterdir()
    assert (found.code, found.err.count("\n")) == (70, 1)
    assert str(log) in found.err
    assert "ZeroDivisionError" in found.err
    assert "Traceback" in log.read_text()


def test_closed_standard_input_is_refused(tiny_run: FinishedRun, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)  # as after `<&-`
    check_refusal(call("predict", str(tiny_run.run.path)), "standard input")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried"),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
    ],
    ids=lambda error: type(error).__name__,
)
def test_lack_of_memory_is_one_line(error: Exception, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr("hf_newscls.workflow.load_recipe", fail)
    check_refusal(call("show", "quickstart"), "memory")
