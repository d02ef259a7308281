"""The command line: help, output, exit codes."""

import io
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import typer.main
import yaml

from hf_newscls.cli import app
from hf_newscls.cli.display.terminal import name_program
from hf_newscls.errors import NewsclsError, RecipeError
from hf_newscls.onnx_export.record import read_record
from hf_newscls.recipe.loading import read_recipe
from hf_newscls.recipe.lookup import find_recipes, read_purpose
from hf_newscls.recipe.recipe import Recipe
from tests.conftest import LABELS, FinishedRun, write_csv, write_recipe
from tests.processes import Result, build_environment, check_refusal, read_files, run_cli, run_python

COMMANDS = (
    "recipes",
    "show",
    "overview",
    "prepare",
    "train",
    "tune",
    "evaluate",
    "open",
    "predict",
    "explain",
    "export",
    "demo",
    "publish",
    "compare",
    "runs",
    "cards",
    "doctor",
    "jobs",
)
EPILOGS = {name: command.epilog for name, command in typer.main.get_command(app).commands.items() if command.epilog}
EXAMPLES = [example for epilog in EPILOGS.values() for example in epilog.split("\n\n")[1:]]

Call = Callable[..., Result]


# Help.


def test_help_lists_all_commands(call: Call) -> None:
    result = call("--help")
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    listed = [match[1] for line in lines if (match := re.match(r"│ ([a-z]+) {2,}[A-Z]", line))]
    assert listed == [*COMMANDS]


@pytest.mark.parametrize(("command", "option"), [*((command, "--help") for command in COMMANDS), ("train", "-h")])
def test_help_of_each_command_says_what_it_does(command: str, option: str, call: Call) -> None:
    result = call(command, option)
    assert result.code == 0, result.err
    text = " ".join(result.out.split())
    assert re.search(rf"Usage: .*hf-newscls {command} \[OPTIONS\]", text)
    assert re.search(r" [A-Z][^.]{20,}\.", text)
    if command not in {"recipes", "doctor"}:  # they take no arguments and show no example
        assert f"hf-newscls {command} " in text


@pytest.mark.parametrize("command", [(), *((command,) for command in COMMANDS)])
def test_help_shows_no_type_for_flags(command: tuple[str, ...], call: Call) -> None:
    out = call(*command, "--help").out
    assert "--help" in out
    assert "<bool>" not in out


@pytest.mark.parametrize(
    ("on_path", "typed", "shown"),
    [
        (True, "{folder}/hf-newscls", "hf-newscls"),
        (True, "other/hf-newscls", "other/hf-newscls"),
        (False, "venv/bin/hf-newscls", "venv/bin/hf-newscls"),
        (False, "./hf-newscls", "{folder}/hf-newscls"),
        (False, "/opt/my tools/hf-newscls", "'/opt/my tools/hf-newscls'"),
        (False, "{folder}/hf_newscls/__main__.py", "venv/bin/python -m hf_newscls"),
        (True, "{folder}/hf_newscls/__main__.py", "python -m hf_newscls"),
    ],
)
def test_program_is_named_as_it_can_be_typed(
    on_path: bool, typed: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "plain"
    python = folder / "venv" / "bin" / "python"
    for path in (folder / "hf-newscls", python):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o755)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{python.parent}" if on_path else "/nowhere")
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(sys, "argv", [typed.format(folder=folder)])
    assert name_program() == shown.format(folder=folder)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_in_the_help_can_be_typed(example: str) -> None:
    program, command, *arguments = shlex.split(example)
    assert program == "hf-newscls"
    context = typer.main.get_command(app).commands[command].make_context(command, [*arguments])
    overrides = context.params.get("overrides") or []
    if "recipe" in context.params:
        assert read_recipe(context.params["recipe"], overrides).name == context.params["recipe"]
    for name in context.params.get("recipes") or [context.params.get("run") or "quickstart"]:
        assert name in find_recipes()


def test_no_arguments_show_the_help(call: Call) -> None:
    result = call()
    assert result.code in {0, 2}
    assert re.search(r"Usage: .*hf-newscls \[OPTIONS\] COMMAND", result.out + result.err)


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["recipes"]])
def test_no_heavy_library_is_loaded_before_it_is_needed(arguments: list[str], tmp_path: Path) -> None:
    code = """
import sys
from hf_newscls.cli import main
sys.argv = ["hf-newscls", *sys.argv[1:]]
try:
    main()
except SystemExit as stop:
    assert not stop.code
heavy = {"torch", "transformers", "datasets", "evaluate", "sklearn", "matplotlib", "scipy", "pandas", "pyarrow"}
print("loaded:", sorted(heavy & {*sys.modules}))
"""
    result = run_python(code, *arguments, cwd=tmp_path, home=tmp_path)
    assert result.code == 0, result.err
    assert result.out.splitlines()[-1] == "loaded: []"


@pytest.mark.slow
def test_module_and_script_are_the_same_program(tmp_path: Path) -> None:
    as_module = run_cli("train", "--help", cwd=tmp_path, home=tmp_path)
    assert as_module.code == 0
    script = Path(sys.executable).with_name("hf-newscls")
    if not script.exists():
        pytest.skip("needs the package installed with its script")
    environment = build_environment(tmp_path)
    ended = subprocess.run(
        [script, "train", "--help"], capture_output=True, encoding="utf-8", env=environment, check=True
    )
    assert ended.stdout.splitlines()[2:] == as_module.out.splitlines()[2:]


# Recipes.


def test_recipes_lists_each_with_its_purpose(call: Call) -> None:
    result = call("recipes")
    assert result.code == 0, result.err
    # Lines of a cell are folded: compare the words.
    words = {*result.out.split()}
    for name, path in find_recipes().items():
        assert name in words
        assert {*read_purpose(path).split()} <= words


@pytest.mark.parametrize("name", find_recipes())
def test_shown_recipe_reads_back(name: str, call: Call, tmp_path: Path) -> None:
    result = call("show", name, "training_arguments.learning_rate=1e-5")
    assert result.code == 0, result.err
    path = tmp_path / "shown.yaml"
    path.write_text(result.out)
    expected = read_recipe(name, ["training_arguments.learning_rate=1e-5"])
    assert read_recipe(str(path)) == expected
    assert expected.training_arguments["learning_rate"] == 1e-5


@pytest.mark.parametrize("text", ["a [b] [/b] [C] [0] [link=x]", ":smile: \\[b]", "x" * 300, "tab\there"])
def test_shown_recipe_keeps_every_character(
    text: str, make_recipe: Callable[..., Recipe], call: Call, tmp_path: Path
) -> None:
    path = tmp_path / "tiny.yaml"  # where make_recipe wrote it
    path.write_text(path.read_text() + yaml.safe_dump({"hub": {"purpose": text}}))
    result = call("show", str(path))
    assert result.code == 0, result.err
    (tmp_path / "shown.yaml").write_text(result.out)
    assert read_recipe(str(tmp_path / "shown.yaml")) == read_recipe(str(path))


def test_data_option_replaces_the_source(call: Call) -> None:
    path = "/news, 2024/[a] = b.csv"
    result = call("show", "quickstart", "--data", path)
    assert result.code == 0, result.err
    assert f"source: {path}\n" in result.out


# Preparing and planning.


def test_prepare_shows_the_split_and_saves_it(make_recipe: Callable[..., Recipe], call: Call, tmp_path: Path) -> None:
    result = call("prepare", str(tmp_path / "tiny.yaml"), "--output", str(tmp_path / "prepared"))
    assert result.code == 0, result.err
    out = result.out
    for label in LABELS:
        assert re.search(rf"{label} +│ 24 +│ 8 +│ 8 ", out)
    assert re.search(r"all +│ 72 +│ 24 +│ 24 ", out)
    assert {"split.json", "dataset_dict.json", "train", "validation", "test"} == {*os.listdir(tmp_path / "prepared")}


def test_dry_run_refuses_a_tracker_that_is_not_installed(
    fresh_workspace: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(fresh_workspace)
    result = call("train", "tiny.yaml", "--dry-run", "training_arguments.report_to=wandb")
    assert (result.code, result.out) == (2, "")
    check_refusal(result, "training_arguments.report_to", "'wandb'", "pip install wandb")
    assert os.listdir(fresh_workspace) == ["tiny.yaml"]


def test_dry_run_shows_the_plan_and_makes_no_folder(
    fresh_workspace: Path,
    news_rows: list[dict[str, str]],
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(fresh_workspace)
    result = call("train", "tiny.yaml", "--dry-run")
    assert result.code == 0, result.err
    out = result.out
    assert re.search(r"BUSINESS +│ 24 +│ 8 +│ 8 ", out)
    assert re.search(r"stage 1: steps 0 to 9, .* 0\.01\n", out)
    assert re.search(r"stage 2: steps 9 to 27, .* 0\.005\n", out)
    assert re.search(r"model: +[\d,]+ parameters, 99 newly initialized", out)
    # The first row of the file and three training rows show whether the columns are right.
    assert out.splitlines()[:2] == [
        "file:      news.csv, CSV, utf-8, separated by ',', with header, quoting minimal",
        "rows:      120 read, 0 lines skipped; columns title, body, category, date",
    ]
    assert out.splitlines()[2].startswith(f"first row: title '{news_rows[0]['title']}', body '")
    rest = " ".join(" ".join(out.splitlines()[3:]).split())
    assert sum(row["title"] in rest for row in news_rows) == 3
    assert os.listdir(fresh_workspace) == ["tiny.yaml"]


def test_dry_run_without_stage_one_shows_one_training(fresh_workspace: Path, call: Call) -> None:
    result = call("train", str(fresh_workspace / "tiny.yaml"), "freeze=null", "--dry-run")
    assert result.code == 0, result.err
    assert "stage" not in result.out
    assert re.search(r"train:   steps 0 to 18, all parameters, peak learning rate 0\.005\n", result.out)


def test_dry_run_with_an_adapter_counts_what_is_trained(fresh_workspace: Path, call: Call) -> None:
    result = call("train", str(fresh_workspace / "tiny.yaml"), "adapter={r: 2}", "--dry-run")
    assert result.code == 0, result.err
    # Rank 2 in query and value of two layers, 32 wide: 2 * 2 * (32 + 32) * 2 parameters. The head has 99.
    (trained, all_parameters) = re.findall(r"stage 2: .* ([\d,]+) of ([\d,]+) parameters", result.out)[0]
    assert trained == f"{2 * 2 * 2 * (32 + 32) + 99}"
    assert int(all_parameters.replace(",", "")) > int(trained)


@pytest.fixture(scope="module")
def build_workspace(tiny_encoder: Path, news_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Make folders with only the tiny recipe."""

    def build() -> Path:
        folder = tmp_path_factory.mktemp("workspace")
        write_recipe(folder / "tiny.yaml", source=news_csv, encoder=tiny_encoder)
        return folder

    return build


@pytest.fixture
def fresh_workspace(build_workspace: Callable[[], Path]) -> Path:
    return build_workspace()


# Training, in its own process.


@pytest.fixture(scope="module")
def trained(build_workspace: Callable[[], Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A workspace in which `train tiny.yaml` was typed, and what was printed."""
    workspace, home = build_workspace(), tmp_path_factory.mktemp("home")
    return workspace, run_cli("train", "tiny.yaml", "--cards-dir", "model_cards", cwd=workspace, home=home)


@pytest.mark.slow
def test_train_prints_scores_and_paths(trained: tuple[Path, Result]) -> None:
    workspace, result = trained
    assert result.code == 0, result.err
    for line in ("24 test rows", "Accuracy", "Macro F1", "Top-2 accuracy", "majority class"):
        assert line in result.out
    (model,) = re.findall(r"^model: +(runs/tiny/\S+/model)$", result.out, flags=re.MULTILINE)
    assert (workspace / model / "model.safetensors").is_file()
    assert (workspace / "model_cards" / "tiny.md").is_file()


@pytest.mark.slow
def test_command_that_train_prints_can_be_typed(
    trained: tuple[Path, Result],
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workspace, trained_result = trained
    monkeypatch.chdir(workspace)
    # Python without its folder, where the shell finds it.
    (proposed,) = re.findall(r"^next: +\S*python\S* -m hf_newscls (.+)$", trained_result.out, flags=re.MULTILINE)
    result = call(*shlex.split(proposed))
    assert result.code == 0, result.err
    text, *labels = result.out.splitlines()
    assert text in proposed
    assert len(labels) == 3


@pytest.mark.slow
def test_seeds_are_summarized(fresh_workspace: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(fresh_workspace)
    result = call("train", "tiny.yaml", "--seeds", "2", "training_arguments.num_train_epochs=3", "split.seed=17")
    assert result.code == 0, result.err
    (row,) = re.findall(r"^. Accuracy +(.+)$", result.out, flags=re.MULTILINE)
    mean, deviation, first, second = map(float, re.findall(r"\d\.\d{4}", row))
    assert mean == pytest.approx((first + second) / 2, abs=2e-4)
    assert deviation == pytest.approx(abs(first - second) / 2**0.5, abs=2e-4)
    assert len([*(fresh_workspace / "runs/tiny").glob("*/metrics.json")]) == 3  # `latest` is one of the two


@pytest.mark.slow
def test_export_prints_what_it_measured(tiny_run: FinishedRun, call: Call, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    run = Path(shutil.copytree(tiny_run.run.path, tmp_path / "run"))
    result = call("export", str(run))
    assert result.code == 0, result.err
    accuracy = f"{tiny_run.report.test.scores['accuracy']:.4f}"
    variants = read_record(run / "export").variants
    assert [*variants] == ["PyTorch", "float32"]
    for name in variants:
        assert re.search(rf"^ *{re.escape(name)} .* {accuracy} ", result.out, flags=re.MULTILINE), result.out
    assert f"export: {run / 'export'}" in result.out


@pytest.mark.slow
@pytest.mark.parametrize(
    "message",
    [
        "kept 120 of 120 rows: none dropped",
        "split into 72 train, 24 validation, 24 test",
        "step 0: stage 1 begins and trains 99 parameters",
        "step 9: stage 2 begins",
        ", step 27 of 27: validation log loss ",
        "predicting 24 validation and 24 test rows",
        "finished runs/tiny/",
    ],
)
def test_training_logs_each_step_once(message: str, trained: tuple[Path, Result]) -> None:
    assert [line for line in trained[1].err.splitlines() if message in line and line[2:6:3] == "::"]
    assert trained[1].err.count(message) == 1


@pytest.mark.slow
def test_training_hides_the_messages_of_libraries(trained: tuple[Path, Result]) -> None:
    err = trained[1].err
    steps, warnings = err.split("warnings of this run")
    assert all(line[2:6:3] == "::" for line in steps.splitlines()), err
    assert all(line.startswith("- ") for line in warnings.splitlines()[1:]), err
    assert not re.search(r"Traceback|Warning|\[transformers\]|it/s|LOAD REPORT", err), err
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", err), err  # a log has no control characters


@pytest.mark.parametrize("way", ["--publish", "hub.publish=true"])
def test_several_seeds_are_not_published(way: str, call: Call, tmp_path: Path) -> None:
    result = call("train", "quickstart", "--seeds", "3", way, "--runs-dir", str(tmp_path))
    check_refusal(result, "--seeds", "3", "--publish", "hub.publish")
    assert [*tmp_path.iterdir()] == []


# Using a finished run.


def test_predict_prints_the_three_best_labels(tiny_run: FinishedRun, call: Call) -> None:
    texts = ["goal coach league match medal", "planet cells fossil orbit genome"]
    result = call("predict", "tiny", *texts, "--runs-dir", str(tiny_run.runs_dir))
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert len(lines) == 2 * 4
    assert lines[::4] == texts
    for start, best in ((1, "SPORTS"), (5, "SCIENCE")):
        shown = [re.fullmatch(r" +(\d+\.\d\d)%  ([A-Z]+)", line) for line in lines[start : start + 3]]
        fractions = [float(match[1]) for match in shown if match]
        assert next(match[2] for match in shown if match) == best
        assert fractions == sorted(fractions, reverse=True)
        assert sum(fractions) == pytest.approx(100, abs=0.02)


def test_predict_reads_lines_from_standard_input(
    tiny_run: FinishedRun, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sys, "stdin", io.StringIO("goal coach league match medal\n\n  bank shares profit market merger \n")
    )
    result = call("predict", "tiny", "--top-k", "1", "--runs-dir", str(tiny_run.runs_dir))
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    # An empty line has an answer without a label, so that line and answer stay together.
    assert lines[::2] == ["goal coach league match medal", "", "bank shares profit market merger"]
    assert [line.split()[-1] for line in lines[1::4]] == ["SPORTS", "BUSINESS"]
    assert not {*LABELS} & {*lines[3].split()}


@pytest.mark.parametrize("command", ["predict", "explain"])
@pytest.mark.parametrize(
    "table", ["title,label\nStorm hits,REAL\n", '"title"\t"label"\nStorm, again\tREAL\n\nRain\tFAKE\n']
)
def test_header_of_a_table_is_no_text(command: str, table: str, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(table))
    result = call(command, "absent")
    assert (result.code, result.out) == (2, "")
    check_refusal(result, "standard input", "title", "header", "--input")


@pytest.mark.parametrize("lines", ["storm,rain\n", "storm,rain\nSun\n", "Rain, at last\nSun, again\n"])
def test_text_with_commas_is_no_table(
    lines: str, tiny_run: FinishedRun, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    assert call("predict", "tiny", "--runs-dir", str(tiny_run.runs_dir)).code == 0


@pytest.mark.parametrize("command", ["predict", "explain"])
def test_text_that_is_a_file_is_refused(command: str, tmp_path: Path, call: Call) -> None:
    path = tmp_path / "test.csv"
    path.write_text("title,label\n", encoding="utf-8")
    result = call(command, "absent", "goal coach", str(path))
    assert (result.code, result.out) == (2, "")
    check_refusal(result, str(path), f"--input {path}", f"< {path}")


def test_predict_writes_a_file(tiny_run: FinishedRun, call: Call, news_csv: Path, tmp_path: Path) -> None:
    output, options = tmp_path / "answers.csv", ("--runs-dir", str(tiny_run.runs_dir), "--keep", "date, category")
    result = call("predict", "tiny", "--input", str(news_csv), "--output", str(output), *options)
    assert (result.code, result.out.startswith(f"{output}: 120 rows")) == (0, True), result.err
    lines = output.read_text().splitlines()
    assert lines[0] == "date,category,prediction,probability"
    assert len(lines) == 121
    again = call("predict", "tiny", "--input", str(news_csv), "--output", str(output), *options)
    check_refusal(again, str(output), "--overwrite")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["goal", "--input", "news.csv", "--output", "answers.csv"], "'goal'"),
        (["--input", "news.csv"], "--output"),
        (["--input", "-", "--input", "news.csv", "--output", "answers.csv"], "--input -"),
        (["goal", "--output", "answers.csv"], "--output"),
        (["goal", "--min-confidence", "0.5"], "--min-confidence"),
    ],
)
def test_options_of_files_and_texts_are_not_mixed(arguments: list[str], named: str, call: Call) -> None:
    check_refusal(call("predict", "absent", *arguments), named, "--input")


FILES = ("--input", "news.csv", "--output", "answers")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([*FILES, "--id", "id"], "--engine ray"),
        ([*FILES, "--workers", "2"], "--engine ray"),
        (["goal", "--engine", "ray", *FILES, "--id", "id"], "'goal'"),
        (["--engine", "ray", *FILES], "--id"),
        (["--engine", "ray", "--input", "news.csv", "--id", "id"], "--output"),
        (["--engine", "ray", *FILES, "--id", "id", "--overwrite"], "--overwrite"),
        (["--engine", "ray", *FILES, "--id", "id", "--submission", "sample.csv"], "--submission"),
    ],
)
def test_options_of_a_cluster_and_of_this_machine_are_not_mixed(arguments: list[str], named: str, call: Call) -> None:
    check_refusal(call("predict", "absent", *arguments), named)


@pytest.mark.slow
def test_progress_bar_reaches_a_terminal(tiny_run: FinishedRun, tmp_path: Path) -> None:
    rows = [{"title": f"goal {number}", "body": "coach"} for number in range(6000)]
    write_csv(tmp_path / "news.csv", rows)
    options = ["--input", "news.csv", "--output", "answers.csv", "--runs-dir", str(tiny_run.runs_dir)]
    reader, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "hf_newscls", "predict", "tiny", *options],
        cwd=tmp_path,
        env=build_environment(tmp_path / "home", PYTHONPATH=str(Path.cwd()), TERM="xterm"),
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    shown = b""
    with suppress(OSError):  # Linux reports the end of a terminal as an error
        while read := os.read(reader, 4096):
            shown += read
    os.close(reader)
    assert process.wait() == 0
    screen = shown.decode()
    assert re.search(r"predicting: [\d,]+ of 6,000 rows, [\d,]+ rows/s, \d:\d\d:\d\d left", screen)
    assert screen.rstrip().splitlines()[-1].endswith("s")
    assert len((tmp_path / "answers.csv").read_text().splitlines()) == 6001


@pytest.mark.slow
def test_explained_effects_sum_to_the_probability(tiny_run: FinishedRun, call: Call) -> None:
    text = "goal coach league match medal"
    result = call("explain", "tiny", text, "--top", "3", "--runs-dir", str(tiny_run.runs_dir))
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert lines[0] == text
    rows = [re.fullmatch(r" +([+-]?\d+)%  (.+)", line) for line in lines[1:]]
    fractions, names = [float(row[1]) for row in rows if row], [row[2] for row in rows if row]
    assert names[:2] == ["SPORTS", "without any word"]
    assert {*names[2:5]} < {*text.split()}
    assert names[5:] == ["2 others"]
    assert fractions[0] == pytest.approx(sum(fractions[1:]), abs=3)


@pytest.mark.slow
def test_explain_takes_a_label(tiny_run: FinishedRun, call: Call) -> None:
    options = ("--runs-dir", str(tiny_run.runs_dir))
    assert call("explain", "tiny", "goal", "--label", "BUSINESS", *options).out.splitlines()[1].endswith("BUSINESS")
    refused = call("explain", "tiny", "goal", "--label", "Sports", *options)
    assert refused.out == ""
    check_refusal(refused, "'Sports'", "'SPORTS'")


@pytest.mark.parametrize("command", ["predict", "explain"])
def test_line_in_another_encoding_is_refused(
    command: str, tiny_run: FinishedRun, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = io.BytesIO(b"goal coach\nZ\xfcrich\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(lines, encoding="utf-8", errors="surrogateescape"))
    result = call(command, "tiny", "--runs-dir", str(tiny_run.runs_dir))
    check_refusal(result, "standard input", "line 2", "UTF-8")


def test_empty_text_is_not_explained(tiny_run: FinishedRun, call: Call) -> None:
    result = call("explain", "tiny", "goal coach", " ", "--runs-dir", str(tiny_run.runs_dir))
    assert (result.code, result.out) == (2, "")
    check_refusal(result, "text 2", "' '")


def test_empty_text_is_answered_as_an_empty_line(
    tiny_run: FinishedRun, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = call("predict", "tiny", "goal coach", "", "bank", "--runs-dir", str(tiny_run.runs_dir))
    monkeypatch.setattr(sys, "stdin", io.StringIO("goal coach\n\nbank\n"))
    read = call("predict", "tiny", "--runs-dir", str(tiny_run.runs_dir))
    assert (given.code, read.code) == (0, 0), given.err + read.err
    assert given.out == read.out


def test_texts_without_a_word_are_refused(tiny_run: FinishedRun, call: Call) -> None:
    result = call("predict", "tiny", "", " ", "--runs-dir", str(tiny_run.runs_dir))
    assert (result.code, result.out) == (2, "")
    check_refusal(result, "texts", "''")


def test_text_does_not_control_the_terminal(tiny_run: FinishedRun, call: Call) -> None:
    result = call("predict", "tiny", "goal \x1b]0;owned\x07 coach\r\u202e[red]", "--runs-dir", str(tiny_run.runs_dir))
    assert result.out.splitlines()[0] == r"goal \x1b]0;owned\x07 coach\r\u202e[red]"


@pytest.mark.parametrize("command", ["predict", "explain"])
@pytest.mark.parametrize("is_terminal", [True, False])
def test_standard_input_without_text_is_refused(
    command: str,
    is_terminal: bool,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    lines = io.StringIO("\n")
    monkeypatch.setattr(lines, "isatty", lambda: is_terminal)
    monkeypatch.setattr(sys, "stdin", lines)
    # No model is loaded: there is no such model.
    result = call(command, "absent")
    check_refusal(result, "standard input")
    assert result.out == ""
    assert ("Ctrl-D" in caplog.text) == is_terminal


@pytest.mark.parametrize("text", ["[b]bold[/b] [0] [A]", r"\[b] \\", ":smile: 100%", "a" * 200, "東京, Zürich"])
def test_predict_shows_the_text_as_it_was_given(text: str, tiny_run: FinishedRun, call: Call) -> None:
    result = call("predict", "tiny", text, "--runs-dir", str(tiny_run.runs_dir))
    assert result.code == 0, result.err
    assert result.out.splitlines()[0] == text


@pytest.mark.slow
def test_evaluate_prints_the_same_scores(tiny_run: FinishedRun, call: Call) -> None:
    result = call("evaluate", "tiny", "--runs-dir", str(tiny_run.runs_dir))
    assert result.code == 0, result.err
    out = result.out
    assert re.search(rf"│ Accuracy +│ {tiny_run.report.test.scores['accuracy']:.4f} │", out)
    assert str(tiny_run.run.path.resolve() / "report.html") in out


@pytest.mark.slow
def test_compare_ranks_runs_of_one_split(
    tiny_run: FinishedRun,
    tiny_two_layer_run: FinishedRun,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("hf_newscls.cli.compare.console._width", 200)
    for one in (tiny_run, tiny_two_layer_run):  # other tests may have trained more in their folder
        shutil.copytree(one.run.path, tmp_path / one.run.path.parent.name / one.run.path.name)
    result = call("compare", "tiny", "tiny_two_layer", "--local", "--runs-dir", str(tmp_path))
    assert result.code == 0, result.err
    out = result.out
    fingerprint = tiny_run.run.read_json(tiny_run.run.split)["fingerprint"]
    assert out.count(f"split {fingerprint[:12]}") == out.count("split ") == 1
    accuracies = [float(value) for value in re.findall(r"│ tiny\S* +│ (0\.\d{4}|1\.0000) ", out)]
    assert len(accuracies) == 2
    assert accuracies == sorted(accuracies, reverse=True)


def test_runs_dir_comes_from_the_environment(
    tiny_run: FinishedRun, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_NEWSCLS_RUNS", str(tiny_run.runs_dir))
    result = call("compare", "tiny", "--local")
    assert result.code == 0, result.err
    assert tiny_run.run.path.name in result.out


# Exit codes and messages.

# Evaluates, and gets a signal when the first texts are predicted.
STOPPED = """
import os, signal, sys
import hf_newscls.workflow.evaluation.step as step
from hf_newscls.cli import main
name = sys.argv[1]
step.predict_probabilities = lambda *_: os.kill(os.getpid(), getattr(signal, name))
sys.argv = ["hf-newscls", *sys.argv[2:]]
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize(("signal", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_signal_during_the_evaluation_says_what_to_run_again(
    signal: str, code: int, tiny_run: FinishedRun, tmp_path: Path
) -> None:
    command = ("evaluate", str(tiny_run.run.path))
    before = read_files(tiny_run.run.path)
    result = run_python(STOPPED, signal, *command, cwd=tmp_path, home=tmp_path)
    assert result.code == code, result.err
    assert result.err.splitlines()[-1].endswith(shlex.join(["hf-newscls", *command]))
    assert result.err.count(signal) == 1
    assert "Traceback" not in result.err
    assert read_files(tiny_run.run.path) == before


@pytest.mark.parametrize("arguments", [["nonsense"], ["train"], ["predict"], ["predict", "tiny", "x", "--top-k", "0"]])
def test_wrong_usage_ends_with_2(arguments: list[str], call: Call) -> None:
    result = call(*arguments)
    assert result.code == 2
    assert "Usage" in result.err


def test_input_error_ends_with_2(call: Call) -> None:
    result = call("show", "quikstart")
    assert result.out == ""
    assert result.err.startswith("error: ")
    check_refusal(result, "'quikstart'", "'quickstart'")


def test_other_errors_of_ours_end_with_1() -> None:
    assert NewsclsError.exit_code == 1
    assert RecipeError.exit_code == 2


@pytest.mark.parametrize("name", ["[b]", "[0]", "[Errno 28]", ":smile:", "[/]", r"\[b]", "x" * 200])
def test_message_shows_what_the_user_wrote(name: str, call: Call) -> None:
    result = call("show", f"{name}.yaml")
    check_refusal(result, f"{name}.yaml: ")
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "new"),
    [
        (["train", "quickstart", "--fresh"], "--no-resume"),
        (["train", "quickstart", "--push"], "--publish"),
        (["compare", "quickstart", "--evaluate=someone/model"], "--external-model"),
        (["publish", "quickstart", "--no-private"], "--public"),
    ],
)
def test_option_of_an_earlier_version_is_refused_with_its_new_name(
    arguments: list[str], new: str, call: Callable[..., Result]
) -> None:
    result = call(*arguments)
    check_refusal(result, new)
