"""Whatever a user gets wrong is answered by one message: where, what, what to do. Nothing is left behind."""

import gzip
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from datasets import Dataset, DatasetDict

from tests.conftest import FinishedRun, write_csv, write_recipe
from tests.processes import Result, check_refusal, read_files, run_cli

Rows = list[dict[str, str]]
Call = Callable[..., Result]
KAGGLE = "kaggle://owner/news/news.csv"


@dataclass(frozen=True)
class Workspace:
    """A folder with the tiny recipe and the tiny news, both good until a case spoils one of them."""

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
        """Return all files, those of the caches of libraries left out."""
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


def check_refused(workspace: Workspace, run: Call, arguments: Sequence[str], **message: str) -> None:
    """Run a command that must be refused, and check that no file was made or changed."""
    before = workspace.list_files()
    check_refusal(run(*arguments), **message)
    assert workspace.list_files() == before
    assert not (workspace.path / "runs").exists()


# Data files. Each case spoils the file, then says where the message begins, what it names and what it advises.


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


DATA_CASES: dict[str, tuple[Callable[[Workspace], None], str, str]] = {
    "missing": (lambda workspace: workspace.news.unlink(), "an existing file, found none", "DATA=path"),
    "misspelt": (
        lambda workspace: workspace.news.rename(workspace.path / "News.CSV") and None,
        "an existing file, found none",
        "did you mean 'News.CSV'?",
    ),
    "empty": (_write(b""), "found an empty file", "check that the file is whole"),
    "blank": (_write(b"\n\n \n"), "found an empty file", "check that the file is whole"),
    "header only": (_write(b"title,body,category,date\n"), "at least one row, found none", "check that the file"),
    "no such column": (
        _rename("body", "xyz"),
        "must have the columns 'body', found 'title', 'xyz', 'category', 'date'",
        "set data.text, data.label",
    ),
    "other case": (_rename("category", "Category"), "columns 'category'", "did you mean 'Category' for 'category'?"),
    "spaces": (_rename("title", " title "), "columns 'title'", "did you mean ' title ' for 'title'?"),
    "gzip, cut off": (_write(gzip.compress(b"title,body\n" * 99)[:-9]), "must be whole, got ", "fetch it again"),
    "picture": (_write(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), "a binary file", "name another file"),
    "utf-16": (_write("title,body\n".encode("utf-16")), "found UTF-16", "convert it to UTF-8"),
    "two encodings": (
        _write(b"title,body,category,date\nCaf\xc3\xa9,b,SPORTS,2020\nCaf\xe9,b,SPORTS,2020\n"),
        "must be in one encoding, found UTF-8 that ends being valid with byte 0xe9 at offset 48, line 3, column 4",
        "data.encoding",
    ),
    "nul": (
        _write(b"title,body,category,date\na,b,SPORTS,2020\n\0a,b,SPORTS,2020\n"),
        "must hold no NUL characters, found some in line 3 column 1",
        "remove them",
    ),
    "column twice": (
        _write(b"title,body,title,category,date\na,b,c,SPORTS,2020\n"),
        "must have each column once, found 'title' repeated, 'title' as columns 1, 3",
        "rename them",
    ),
    "misplaced quote": (
        _write(b'title,body,category,date\na,"b" c,SPORTS,2020\n'),
        "(quote in line 2, column 5, field 'body')",
        "mend its quotes",
    ),
    "list in json": (
        _write(b'{"title": "a", "body": ["b"], "category": "SPORTS", "date": "2020"}\n'),
        "line 1: 'body' must be text or a number, found a list, ['b']",
        "name another column",
    ),
    "labels in two spellings": (
        lambda workspace: workspace.write_news(
            lambda index, row: row | {"category": "Sports" if index == 2 else row["category"]}
        ),
        "labels must differ in more than case and white space, found 'SPORTS (39 rows) and Sports (1 row)'",
        'merge_labels: {"SPORTS": ["SPORTS", "Sports"]}',
    ),
    "ragged": (
        _write(b"title,body,category,date\na,b,SPORTS,2020\na,b,c,SPORTS,2020\n"),
        "line 3: must hold 4 fields like the header, found 5",
        "mend the line's quotes or separators",
    ),
    "broken json": (
        _write(b'{"title": "a", "body": "b", "category": "SPORTS", "date": "2020"}\n{"title": \n'),
        "line 2: must be valid JSON, got ",
        "mend it",
    ),
    "labels missing": (_leave_labels_out, "found none in the rows with id '3', '50'", "data.missing_label: drop"),
    "one class": (_leave_one_class, "at least two labels, found 'SPORTS'", "check `data.label`"),
    "class of one": (_leave_a_class_of_one, "at least 3 rows", "merge them in `data.merge_labels`"),
    "no texts": (
        lambda workspace: workspace.write_news(lambda index, row: row | {"title": "", "body": " "}),
        "rows that can be used, found none of 120",
        "data.min_characters",
    ),
}


@pytest.mark.parametrize("case", DATA_CASES)
def test_data_file_that_cannot_be_used(case: str, workspace: Workspace, call: Call) -> None:
    spoil, what, remedy = DATA_CASES[case]
    spoil(workspace)
    check_refused(workspace, call, ["train", "tiny.yaml"], source_name="news.csv: ", what=what, remedy=remedy)


@pytest.mark.parametrize("command", ["prepare", "train"])
def test_real_file_that_was_cut_off(command: str, real_data: Path, workspace: Workspace, call: Call) -> None:
    path = real_data / "fake_news" / "news_truncated.csv"
    arguments = [command, "fake_news_minilm", "--data", str(path)]
    what = "the record that starts on line "
    check_refused(
        workspace, call, arguments, source_name=f"{path}: ", what=what, remedy="the file is cut off, fetch it again"
    )


def test_folder_in_place_of_a_data_file(workspace: Workspace, call: Call) -> None:
    arguments = ["train", "tiny.yaml", "--data", str(workspace.path)]
    what = "`data.source` must name a file, got a folder"
    check_refused(
        workspace, call, arguments, source_name=f"{workspace.path}: ", what=what, remedy="add the file's name"
    )


def test_pattern_that_matches_nothing(workspace: Workspace, call: Call) -> None:
    arguments = ["prepare", "tiny.yaml", "--data", "*.tsv"]
    check_refused(
        workspace, call, arguments, source_name="*.tsv: ", what="match files, found none", remedy="check the pattern"
    )


def test_public_without_push(workspace: Workspace, call: Call) -> None:
    arguments = ["prepare", "tiny.yaml", "--public"]
    check_refused(
        workspace, call, arguments, source_name="--public: ", what="must go with --publish", remedy="add `--publish"
    )


def test_file_other_than_the_checksum_names(workspace: Workspace, call: Call) -> None:
    arguments = ["train", "tiny.yaml", f"data.sha256={'a' * 64}"]
    check_refused(
        workspace, call, arguments, source_name="news.csv: ", what=f"must be {'a' * 64}, got ", remedy="fetch"
    )


# Recipes.


@pytest.mark.parametrize(
    ("override", "what", "remedy"),
    [
        ("split.test=0.3", "must sum to 1, got 0.6 + 0.2 + 0.3 = 1.1", "write fractions of the rows"),
        ("split.tset=0.2", "`split.tset` must be a known key", "did you mean `test`?"),
        ("modle.head=stock", "`modle` must be a known key", "did you mean `model`?"),
        ("training_arguments.warmup_ratio=0.1", "warmup_ratio", "write `warmup_steps` with a value below 1"),
        ("training_arguments.evaluation_strategy=epoch", "evaluation_strategy", "write `eval_strategy`"),
        ("training_arguments.lerning_rate=1e-5", "lerning_rate", "did you mean `learning_rate`?"),
        ("training_arguments.output_dir=x", "output_dir", "remove it"),
        ("data.labels=[SPORTS,BUSINESS]", "must hold only the labels of `data.labels`", "set `data.labels: null`"),
        ("model.max_length=65", "must not exceed the 64 tokens the encoder reads, got 65", "lower it"),
        ("no-equals-sign", "must have the form section.key=value, got 'no-equals-sign'", "write it so"),
    ],
)
def test_recipe_value_that_cannot_be_used(
    override: str, what: str, remedy: str, workspace: Workspace, call: Call
) -> None:
    check_refused(workspace, call, ["train", "tiny.yaml", override], source_name="", what=what, remedy=remedy)


@pytest.mark.parametrize(
    ("override", "what"),
    [
        ("split.test=20", "`split.test` must be less than 1, got 20"),
        ("training_arguments.learning_rate=abc", "`training_arguments.learning_rate` must be a valid number"),
        (
            "training_arguments.eval_strategy=sometimes",
            "`training_arguments.eval_strategy` must be 'no', 'steps' or 'epoch'",
        ),
        (
            "training_arguments.num_train_epochs=-1",
            "`training_arguments.num_train_epochs` must be greater than 0, got -1",
        ),
        ("data.text=[]", "`data.text` "),
        ("model.head=three_layer", "`model.head` must be 'stock' or 'two_layer', got 'three_layer'"),
        ("name=a/b", "`name` must match pattern"),
    ],
)
def test_recipe_value_out_of_range_says_what_is_in_range(
    override: str, what: str, workspace: Workspace, call: Call
) -> None:
    before = workspace.list_files()
    result = call("train", "tiny.yaml", override)
    assert result.code == 2
    assert result.err.startswith(f"error: tiny.yaml with {override.partition('=')[0]} overridden: {what}"), result.err
    assert len(result.err.splitlines()) == 1
    assert workspace.list_files() == before


def test_several_errors_are_told_at_once(workspace: Workspace, call: Call) -> None:
    overrides = ["split.test=20", "data.lable=x", "training_arguments.no_cuda=true"]
    result = call("train", "tiny.yaml", *overrides)
    assert result.code == 2
    lines = result.err.splitlines()
    keys = "split.test, data.lable, training_arguments.no_cuda"
    assert lines[0] == f"error: tiny.yaml with {keys} overridden: 3 things must change:"
    assert len(lines) == 4
    assert {line.split("`")[1] for line in lines[1:]} == {"split.test", "data.lable", "training_arguments.no_cuda"}


@pytest.mark.parametrize(
    ("name", "source_name", "remedy"),
    [
        ("tinny.yaml", "tinny.yaml: must be a recipe file, found none", "check the path"),
        (
            "quikstart",
            "recipe: must be a known name or the path of a .yaml file, got 'quikstart'",
            "did you mean 'quickstart'?",
        ),
        ("fake_news_rob", "recipe: must be a known name", "did you mean 'fake_news_roberta'?"),
        (
            "xyz",
            "recipe: must be a known name or the path of a .yaml file, got 'xyz'",
            "`hf-newscls recipes` lists them",
        ),
    ],
)
def test_unknown_recipe(name: str, source_name: str, remedy: str, workspace: Workspace, call: Call) -> None:
    check_refused(workspace, call, ["train", name], source_name=source_name, what="", remedy=remedy)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"name: tiny\n  data: [oops\n", "must be a YAML file, got "),
        (b"name: a: b: c\n", "must be a YAML file, got "),
        (b"\x89PNG\r\n\x1a\n\x00", "must be a YAML file, got "),
        (b"{\\rtf1 nope", "must be a YAML file, got "),
        (b"- one\n- two\n", "must hold the sections of a recipe, found "),
        (b"just a sentence\n", "must "),
        (b"name: tiny\nextends: ${oops\n", "must "),
        (b"name: tiny\nname: again\n", "must be a YAML file, got "),
    ],
)
def test_file_that_is_no_recipe(content: bytes, what: str, workspace: Workspace, call: Call) -> None:
    (workspace.path / "odd.yaml").write_bytes(content)
    check_refused(workspace, call, ["train", "odd.yaml"], source_name="odd.yaml: ", what=what, remedy="")


def test_empty_recipe_names_what_is_missing(workspace: Workspace, call: Call) -> None:
    (workspace.path / "odd.yaml").write_bytes(b"")
    result = call("train", "odd.yaml")
    assert result.code == 2
    assert {"`name`", "`data`", "`model`"} <= {*re.findall(r"`\w+`", result.err)}
    assert "must be given; add it to the recipe" in result.err


def test_name_longer_than_a_file_name_can_be(workspace: Workspace, call: Call) -> None:
    # A text in the place of MODEL: easily typed.
    text = "Rail strike ends after nine days " * 10
    check_refused(
        workspace, call, ["predict", text, "text"], source_name=text[:20], what="must be a run folder", remedy="train"
    )


@pytest.mark.parametrize(
    "override", ["data=5", "split.train.deep=1", "hub.title=${", "hub.title=${nope}", "data.text=["]
)
def test_override_that_makes_no_sense(override: str, workspace: Workspace, call: Call) -> None:
    before = workspace.list_files()
    result = call("train", "tiny.yaml", override)
    assert result.code == 2
    assert result.err.startswith("error: ")
    assert "must" in result.err
    assert workspace.list_files() == before


# Models.


def test_model_folder_without_weights(tiny_encoder: Path, workspace: Workspace, call: Call, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    (folder / "model.safetensors").unlink()
    arguments = ["train", "tiny.yaml", f"model.model_name_or_path={folder}"]
    what = "must hold weights as model.safetensors, found none"
    check_refused(workspace, call, arguments, source_name=f"{folder}: ", what=what, remedy="save them there")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_model_folder_without_its_other_files(
    name: str, tiny_encoder: Path, workspace: Workspace, call: Call, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    for path in {folder / name, *([folder / "vocab.txt"] if name == "tokenizer.json" else [])}:
        path.unlink(missing_ok=True)
    arguments = ["train", "tiny.yaml", f"model.model_name_or_path={folder}"]
    check_refused(workspace, call, arguments, source_name=f"{folder}: ", what="must", remedy="tokenizer")


def test_weights_that_are_cut_off(tiny_encoder: Path, workspace: Workspace, call: Call, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:50_000])
    arguments = ["train", "tiny.yaml", f"model.model_name_or_path={folder}"]
    check_refused(workspace, call, arguments, source_name=f"{folder}: ", what="must", remedy="")


def test_no_such_model_folder(workspace: Workspace, call: Call) -> None:
    arguments = ["train", "tiny.yaml", "model.model_name_or_path=./nowhere"]
    what = "must be a model folder, found none"
    check_refused(workspace, call, arguments, source_name="./nowhere: ", what=what, remedy="check the path")


@pytest.mark.parametrize("name", ["nowhere", "runs/tiny/20200101-000000"])
@pytest.mark.parametrize("command", ["predict", "evaluate", "publish", "compare"])
def test_no_such_run(
    command: str, name: str, workspace: Workspace, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_" + "x" * 34)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    texts = ["a text"] if command == "predict" else []
    # Nothing is asked of the Hub that cannot be there.
    check_refused(workspace, call, [command, name, *texts], source_name="", what=name, remedy="train")


@pytest.mark.parametrize("name", ["runs/absent", "./nowhere", "~/nowhere", "/nowhere/" + "a" * 300])
def test_folder_that_is_not_there_is_not_asked_of_the_hub(name: str, workspace: Workspace, call: Call) -> None:
    check_refused(
        workspace, call, ["predict", name, "a text"], source_name=f"{name}: ", what="must be a run", remedy="train"
    )


def test_run_whose_model_is_gone(tiny_run: FinishedRun, workspace: Workspace, call: Call) -> None:
    run = workspace.path / "old" / "tiny"
    shutil.copytree(tiny_run.run.path, run, ignore=shutil.ignore_patterns("model"))
    arguments = ["predict", str(run), "a text"]
    what = "must hold a trained model, found none"
    check_refused(workspace, call, arguments, source_name=f"{run}: ", what=what, remedy="train the recipe again")


def test_run_without_its_records(tiny_run: FinishedRun, workspace: Workspace, call: Call) -> None:
    run = workspace.path / "old" / "tiny"
    shutil.copytree(tiny_run.run.path, run)
    (run / "split.json").write_text('{"half": ')
    arguments = ["evaluate", str(run)]
    check_refused(workspace, call, arguments, source_name=f"{run}: ", what="must hold split.json, got ", remedy="train")


# Folders to write to.


@pytest.mark.parametrize("option", ["--runs-dir", "--cards-dir"])
def test_file_in_place_of_a_folder_is_refused_before_training(option: str, workspace: Workspace, call: Call) -> None:
    (workspace.path / "taken").write_text("mine")
    check_refused(
        workspace, call, ["train", "tiny.yaml", option, "taken"], source_name="taken", what="folder", remedy=""
    )
    assert (workspace.path / "taken").read_text() == "mine"


def test_prepare_does_not_wipe_a_run(tiny_run: FinishedRun, workspace: Workspace, call: Call) -> None:
    # It holds a split.json, as prepared data does.
    run = shutil.copytree(tiny_run.run.path, workspace.path / "finished")
    arguments = ["prepare", "tiny.yaml", "--output", str(run)]
    check_refused(workspace, call, arguments, source_name=str(run), what="must be new", remedy="name another folder")


def test_prepare_does_not_take_the_place_of_a_file(workspace: Workspace, call: Call) -> None:
    arguments = ["prepare", "tiny.yaml", "--output", "news.csv"]
    check_refused(workspace, call, arguments, source_name="", what="news.csv: must be", remedy="another")


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
    arguments = ["prepare", "tiny.yaml", "--output", output]
    what = "must be new, empty or hold prepared data, found "
    check_refused(workspace, call, arguments, source_name="", what=what, remedy="name another folder")
    assert (workspace.path / "mine" / "thesis.txt").read_text() == "years of work"


def test_prepare_does_not_wipe_a_dataset_of_someone_else(workspace: Workspace, call: Call) -> None:
    folder = workspace.path / "mine"
    DatasetDict({"train": Dataset.from_dict({"text": ["years of work"]})}).save_to_disk(folder)
    before = read_files(folder)
    arguments = ["prepare", "tiny.yaml", "--output", "mine"]
    what = "must be new, empty or hold prepared data, found "
    check_refused(workspace, call, arguments, source_name="", what=what, remedy="name another folder")
    assert read_files(folder) == before


# The same in real processes, where nothing of the test's own is in the way.


def _spoil_nothing(workspace: Workspace) -> None:
    pass


PROCESS_CASES: dict[str, tuple[Callable[[Workspace], None], list[str], str, str]] = {
    "unknown recipe": (
        _spoil_nothing,
        ["train", "quikstart"],
        "recipe: must be a known name",
        "did you mean 'quickstart'?",
    ),
    "hub, offline": (
        _spoil_nothing,
        ["train", "tiny.yaml", "model.model_name_or_path=owner/encoder"],
        "owner/encoder: must be a model that can be loaded, got ",
        "check the id and the network, or put the model in a folder and set `model.model_name_or_path`",
    ),
    "kaggle, no network": (
        _spoil_nothing,
        ["train", "tiny.yaml", "--data", KAGGLE],
        f"{KAGGLE}: Kaggle must be reachable, got ",
        "download news.csv from https://www.kaggle.com/datasets/owner/news and pass its path with --data",
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
    spoil, arguments, source_name, remedy = PROCESS_CASES[case]
    spoil(workspace)
    # A proxy that nobody serves is as good as no network.
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    environment = proxies | {
        "KAGGLEHUB_CACHE": str(workspace.path / "home" / "kagglehub"),
        "NO_PROXY": "",
        "no_proxy": "",
    }

    def run(*arguments: str) -> Result:
        return run_cli(*arguments, cwd=workspace.path, home=workspace.path / "home", environment=environment)

    check_refused(workspace, run, arguments, source_name=source_name, what="", remedy=remedy)


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
    check_refusal(result, source_name="owner/encoder: must be a model", what="", remedy="check the id and the network")
    # The client's retries are told once each, not twice.
    retries = [line.split("  ", 1)[-1] for line in result.err.splitlines() if "thrown while requesting" in line]
    assert len(retries) <= 6, result.err
