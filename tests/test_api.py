"""The Python API: `import hf_newscls`, each verb on the tiny recipe. test_evaluate.py checks the files of a run."""

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from datasets import load_from_disk
from transformers import TrainerCallback, TrainingArguments

import hf_newscls
from hf_newscls.errors import RecipeError, RunError
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.model_card import CARD_FIGURES
from hf_newscls.runs.folder import RunFolder
from tests.conftest import LABELS, LEARNS, FinishedRun, read_table, write_csv
from tests.hub_server import HubServer
from tests.processes import read_files, run_python

# 120 rows, 40 a label: 24, 8 and 8 of each on the three sides.
TRAIN_ROWS, VALIDATION_ROWS, TEST_ROWS = 72, 24, 24
FIGURES = [
    "confusion_matrix.png",
    "label_distribution.png",
    "label_scores.png",
    "loss_curves.png",
    "reliability.png",
    "risk_coverage.png",
    "scores.png",
    "text_lengths.png",
]
LONG_TEXT = "coach goal league match medal " * 1000  # 5,000 words


@pytest.fixture
def copied_run(tiny_run: FinishedRun, tmp_path: Path) -> RunFolder:
    """A copy of the finished run that a test may change."""
    shutil.copytree(tiny_run.runs_dir / "tiny", tmp_path / "runs" / "tiny", symlinks=True)
    return RunFolder(tmp_path / "runs" / "tiny" / tiny_run.run.path.name)


# The exports.


def test_every_export_is_found_and_listed() -> None:
    assert dir(hf_newscls) == sorted(hf_newscls.__all__)
    assert [name for name in hf_newscls.__all__ if not hasattr(hf_newscls, name)] == []
    with pytest.raises(AttributeError, match="absent"):
        _ = hf_newscls.absent


def test_no_export_has_the_name_of_a_package() -> None:
    # Importing a package would hide the function of the same name.
    packages = {path.parent.name for path in Path(hf_newscls.__file__).parent.glob("*/__init__.py")}
    assert packages & {*hf_newscls.__all__} == set()


def test_import_loads_no_heavy_library(tmp_path: Path) -> None:
    heavy = {"torch", "transformers", "datasets", "evaluate", "pandas"}
    code = f"import sys, hf_newscls; print(*sorted({heavy} & {{*sys.modules}}))"
    result = run_python(code, cwd=tmp_path, home=tmp_path)
    assert (result.code, result.out.strip()) == (0, ""), result.err


# Recipes.


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("split.seed", 5),
        ("training_arguments.learning_rate", 1e-5),
        ("training_arguments.bf16", False),
        ("hub.repo_id", None),
        ("data.text", ["title", "body"]),
        ("hub.title", "Title: [a] = {b} # no comment"),
        ("data.labels", ["yes", "1"]),
        ("hub.example", "storm 😀"),
        ("hub.purpose", "x ${y} \\${z} ${"),
    ],
)
def test_override_keeps_its_python_value(key: str, value: object) -> None:
    recipe = hf_newscls.load_recipe("quickstart", overrides={key: value})
    section, name = key.split(".")
    part = recipe.model_dump()[section]
    assert part[name] == value
    assert type(part[name]) is type(value)


def test_recipe_is_loaded_from_a_path_with_another_data_file(
    make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    make_recipe()
    recipe = hf_newscls.load_recipe(tmp_path / "tiny.yaml", data=tmp_path / "a=b.csv", overrides=["name=other"])
    assert (recipe.name, recipe.data.source) == ("other", str(tmp_path / "a=b.csv"))


@pytest.mark.parametrize(
    ("key", "fragments"),
    [("model.haed", ["model.haed", "model.head"]), ("modle.head", ["modle", "model?"]), ("a b", ["'a b'"])],
)
def test_overrides_of_an_unknown_key_are_refused(key: str, fragments: list[str]) -> None:
    with pytest.raises(RecipeError) as caught:
        hf_newscls.load_recipe("quickstart", overrides={key: "stock"})
    assert [fragment for fragment in fragments if fragment not in str(caught.value)] == []


def test_overrides_keep_the_rest_of_a_section() -> None:
    recipe = hf_newscls.load_recipe("quickstart", overrides={"freeze": {"epochs": 2}, "freeze.warmup": 0.5})
    # The learning rate is that of the quickstart.
    assert (recipe.freeze.epochs, recipe.freeze.warmup, recipe.freeze.learning_rate) == (2, 0.5, 2e-2)


# The result of a training.


def test_run_has_report_recipe_model_and_predictions(tiny_run: FinishedRun) -> None:
    run = hf_newscls.load_run("tiny", runs_dir=tiny_run.runs_dir)
    assert run.path == tiny_run.run.path.resolve()
    assert run.report.to_dict() == tiny_run.report.to_dict()
    assert run.recipe == tiny_run.recipe
    assert (run.model_dir / "model.safetensors").is_file()
    assert run.predictions.to_dict("records") == read_table(tiny_run.run)
    with pytest.raises(FrozenInstanceError):
        run.path = Path()


def test_run_shows_its_scores_in_a_notebook(tiny_run: FinishedRun) -> None:
    shown = hf_newscls.load_run("tiny", runs_dir=tiny_run.runs_dir)._repr_html_()
    assert f"{tiny_run.report.test.scores['accuracy']:.4f}" in shown
    assert f"{tiny_run.report.intervals['f1_macro'].low:.4f}" in shown


def test_notebook_shows_the_report_whole(tiny_run: FinishedRun) -> None:
    run = hf_newscls.load_run("tiny", runs_dir=tiny_run.runs_dir)
    shown = run.page._repr_html_()
    report = RunFolder(run.path).report.read_text(encoding="utf-8")
    assert [unescape(found) for found in re.findall(r'<iframe srcdoc="([^"]*)"', shown)] == [report]


class StepCounter(TrainerCallback):
    """Counts events of a training."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()

    def on_train_begin(self, *_: object, **__: object) -> None:
        self.events["begin"] += 1

    def on_step_end(self, *_: object, **__: object) -> None:
        self.events["step"] += 1


@pytest.mark.slow
def test_callbacks_run_in_the_training(make_recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    counter = StepCounter()
    # 72 rows in batches of 8: nine steps.
    recipe = make_recipe("evaluation.baseline=false", "training_arguments.num_train_epochs=1", "freeze=null")
    run = hf_newscls.train(recipe, callbacks=[counter], runs_dir=str(tmp_path / "runs"))
    assert counter.events == {"begin": 1, "step": 9}
    assert run.model_dir.parent == run.path
    assert len(run.predictions) == TEST_ROWS


# The run folder.


def test_run_folder_is_complete(tiny_run: FinishedRun) -> None:
    run = tiny_run.run
    assert sorted(os.listdir(run.path)) == [
        "checkpoints",
        "errors",
        "figures",
        "metrics.json",
        "model",
        "predictions.parquet",
        "recipe.yaml",
        "report.html",
        "split.json",
        "training.json",
    ]
    assert sorted(os.listdir(run.figures)) == FIGURES
    wanted = {"README.md", "config.json", "figures", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert {*os.listdir(run.model)} == wanted


def test_figures_are_pictures(tiny_run: FinishedRun) -> None:
    for name in CARD_FIGURES:
        content = (tiny_run.run.figures / name).read_bytes()
        assert content.startswith(b"\x89PNG\r\n")
        assert len(content) > 5_000
        assert content == (tiny_run.run.model / "figures" / name).read_bytes()


def test_latest_points_at_the_run(tiny_run: FinishedRun) -> None:
    link = tiny_run.runs_dir / "tiny" / "latest"
    assert os.readlink(link) == tiny_run.run.path.name
    assert {*os.listdir(link.parent)} == {"latest", tiny_run.run.path.name}


def test_split_is_recorded(tiny_run: FinishedRun, noisy_csv: Path) -> None:
    split = tiny_run.run.read_json(tiny_run.run.split)
    assert {split_name: len(ids) for split_name, ids in split["row_ids"].items()} == {
        "train": TRAIN_ROWS,
        "validation": VALIDATION_ROWS,
        "test": TEST_ROWS,
    }
    assert split["label_counts"]["test"] == dict.fromkeys(LABELS, 8)
    assert sorted(int(row) for ids in split["row_ids"].values() for row in ids) == [*range(120)]
    assert split["source"] == str(noisy_csv)
    assert split["rows_read"] == 120


def test_training_is_recorded(tiny_run: FinishedRun) -> None:
    record = tiny_run.run.read_json(tiny_run.run.training)
    # 72 rows in batches of 4 are 18 steps an epoch: one epoch of stage 1, then fourteen of stage 2.
    assert (record["boundary_step"], record["total_steps"]) == (18, 270)
    assert (record["train_rows"], record["batch_rows"]) == (TRAIN_ROWS, 4)
    assert record["runtime_seconds"] > 0
    losses = {entry["step"]: entry["eval_loss"] for entry in record["log_history"] if "eval_loss" in entry}
    assert [*losses] == [*range(18, 271, 18)]
    assert min(losses, key=losses.__getitem__) == record["best_step"]


# Doing it again.


@pytest.mark.slow
def test_evaluating_again_changes_nothing(
    copied_run: RunFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = read_files(copied_run.path)
    run = hf_newscls.evaluate("tiny", runs_dir=tmp_path / "runs")
    after = read_files(copied_run.path)
    assert run.path == copied_run.path
    assert run.report.test.rows == TEST_ROWS
    assert after.keys() == before.keys()
    assert [name for name in after if after[name] != before[name]] == []
    assert f"{TEST_ROWS} test rows" in caplog.text


@pytest.mark.slow
def test_evaluating_restores_lost_files(copied_run: RunFolder, tiny_run: FinishedRun, tmp_path: Path) -> None:
    for path in (copied_run.metrics, copied_run.predictions, copied_run.model / "README.md"):
        path.unlink()
    shutil.rmtree(copied_run.figures)
    hf_newscls.evaluate(str(copied_run.path), runs_dir=tmp_path / "elsewhere", cards_dir=tmp_path / "cards")
    assert read_files(copied_run.path).keys() == read_files(tiny_run.run.path).keys()
    assert copied_run.metrics.read_bytes() == tiny_run.run.metrics.read_bytes()
    assert (tmp_path / "cards" / "tiny.md").is_file()


@pytest.mark.slow
def test_evaluating_finishes_what_failed_after_training(copied_run: RunFolder, tmp_path: Path) -> None:
    # As after a disk that was full when the figures were written; the card comes last.
    for path in (copied_run.metrics, copied_run.model / "README.md"):
        path.unlink()
    shutil.rmtree(copied_run.figures)
    (tmp_path / "runs" / "tiny" / "latest").unlink()
    hf_newscls.evaluate(str(copied_run.path), runs_dir=tmp_path / "runs")
    assert os.readlink(tmp_path / "runs" / "tiny" / "latest") == copied_run.path.name
    assert hf_newscls.predict("tiny", ["goal"], runs_dir=tmp_path / "runs")


@pytest.mark.slow
def test_evaluating_an_older_run_does_not_change_latest(
    copied_run: RunFolder, tiny_run: FinishedRun, tmp_path: Path
) -> None:
    newer = shutil.copytree(copied_run.path, tmp_path / "runs" / "tiny" / "99991231-000000")
    RunFolder(newer).mark_latest()
    hf_newscls.evaluate(str(copied_run.path), runs_dir=tmp_path / "runs")
    assert os.readlink(tmp_path / "runs" / "tiny" / "latest") == newer.name


def test_evaluating_with_a_changed_file_is_refused(
    news_rows: list[dict[str, str]], copied_run: RunFolder, tiny_run: FinishedRun, tmp_path: Path
) -> None:
    changed = tmp_path / "news.csv"
    write_csv(changed, [*news_rows[:-1], {**news_rows[-1], "title": "a corrected title"}])
    text = copied_run.recipe.read_text()
    copied_run.recipe.write_text(text.replace(tiny_run.recipe.data.source, str(changed)))
    before = read_files(copied_run.path)
    expected = copied_run.read_json(copied_run.split)["fingerprint"]
    with pytest.raises(RunError, match=expected):
        hf_newscls.evaluate("tiny", runs_dir=tmp_path / "runs")
    assert read_files(copied_run.path) == before


@pytest.mark.slow
def test_same_recipe_gives_the_same_model(
    tiny_run: FinishedRun, noisy_csv: Path, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    run = hf_newscls.train(make_recipe(*LEARNS, f"data.source={noisy_csv}"), runs_dir=tmp_path)
    weights = (run.model_dir / "model.safetensors").read_bytes()
    assert weights == (tiny_run.run.model / "model.safetensors").read_bytes()
    assert run.report.test.scores == tiny_run.report.test.scores


def test_failure_before_the_first_checkpoint_leaves_nothing(make_recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    _train_and_fail(make_recipe(), tmp_path / "runs", at_step=9)
    assert read_files(tmp_path / "runs") == {}


def test_failure_later_leaves_whole_checkpoints_only(make_recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    _train_and_fail(make_recipe(), runs, at_step=18)
    (run,) = (runs / "tiny").iterdir()  # so there is no `latest`
    assert {*os.listdir(run)} == {"recipe.yaml", "split.json", "checkpoints"}
    files = os.listdir(run / "checkpoints" / "checkpoint-9")
    assert {"model.safetensors", "optimizer.pt", "trainer_state.json"} <= {*files}
    with pytest.raises(RunError, match=r"tiny.*--runs-dir"):
        hf_newscls.evaluate("tiny", runs_dir=runs)


def _train_and_fail(recipe: Recipe, runs: Path, *, at_step: int) -> None:
    """Put a file where the checkpoint of this step will be written; an epoch has nine steps."""

    class Obstruct(TrainerCallback):
        def on_train_begin(self, args: TrainingArguments, *_: Any, **__: Any) -> None:
            Path(args.output_dir).mkdir(exist_ok=True)
            Path(args.output_dir, f"checkpoint-{at_step}").write_text("in the way")

    with pytest.raises(FileExistsError):
        hf_newscls.train(recipe, runs_dir=runs, callbacks=[Obstruct()])


@pytest.mark.slow
def test_second_run_becomes_the_latest(
    copied_run: RunFolder, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    run = hf_newscls.train(make_recipe("training_arguments.num_train_epochs=0.2"), runs_dir=tmp_path / "runs")
    assert run.path != copied_run.path
    assert os.readlink(tmp_path / "runs" / "tiny" / "latest") == run.path.name
    # It was trained on other labels, and therefore on another split: each has its own table.
    tables = hf_newscls.compare("tiny", local=True, runs_dir=tmp_path / "runs").tables
    assert sorted(row.name for table in tables for row in table.rows) == sorted(
        f"tiny/{found.path.name}" for found in (copied_run, run)
    )
    assert len(tables) == 2


# The cards folder.


def test_copy_of_the_card_has_its_figures(tiny_run: FinishedRun) -> None:
    card = (tiny_run.cards_dir / "tiny.md").read_text()
    for name in CARD_FIGURES:
        assert f"](figures/tiny/{name})" in card
        copied = tiny_run.cards_dir / "figures" / "tiny" / name
        assert copied.read_bytes() == (tiny_run.run.figures / name).read_bytes()


# Comparing.


def test_comparison_becomes_a_table(tiny_run: FinishedRun) -> None:
    board = hf_newscls.compare("tiny", local=True, runs_dir=tiny_run.runs_dir)
    assert isinstance(board, hf_newscls.Leaderboard)
    table = board.to_pandas()
    assert [*table["name"]] == [f"tiny/{tiny_run.run.path.name}"]
    assert [*table["score"]] == [pytest.approx(tiny_run.report.test.scores["accuracy"])]
    assert "tiny/" in board._repr_html_()


# Before and after training.


def test_plan_counts_steps_and_parameters(make_recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    plan = hf_newscls.plan(make_recipe(), runs_dir=tmp_path)
    assert isinstance(plan, hf_newscls.Plan)
    # 72 rows in batches of 8 are 9 steps an epoch; a head of 32 inputs and 3 labels has 99 parameters.
    assert (plan.schedule.boundary_step, plan.schedule.total_steps) == (9, 27)
    assert plan.new_parameters == 32 * 3 + 3
    assert plan.parameters > plan.new_parameters
    assert plan.device.startswith("CPU")
    assert os.listdir(tmp_path) == ["tiny.yaml"]


def test_prepared_data_is_read_back(make_recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    prepared = hf_newscls.prepare(make_recipe(), output=tmp_path / "prepared")
    assert isinstance(prepared, hf_newscls.PreparedData)
    splits = load_from_disk(tmp_path / "prepared")
    assert {split_name: len(rows) for split_name, rows in splits.items()} == {"train": 72, "validation": 24, "test": 24}
    assert splits["test"].features["label"].names == [*LABELS]
    assert splits["test"].column_names == ["id", "text", "label", "date", "title", "duplicate_group"]
    manifest = json.loads((tmp_path / "prepared" / "split.json").read_text())
    assert manifest["fingerprint"] == prepared.manifest.fingerprint


def test_predictions_come_in_the_order_of_the_texts(tiny_run: FinishedRun) -> None:
    rows = read_table(tiny_run.run)
    predictions = hf_newscls.predict("tiny", [row["text"] for row in rows], runs_dir=tiny_run.runs_dir, top_k=2)
    assert [prediction.text for prediction in predictions] == [row["text"] for row in rows]
    for prediction, row in zip(predictions, rows, strict=True):
        assert prediction.labels[0] == row["prediction"]
        assert len(prediction.labels) == 2
        scores = [row[f"probability of {label}"] for label in prediction.labels]
        assert [*prediction.probabilities] == pytest.approx(scores, abs=2e-5)


@pytest.mark.parametrize("form", ["recipe", "result", "run", "model"])
def test_model_is_found_by_recipe_run_and_folder(form: str, tiny_run: FinishedRun) -> None:
    run = hf_newscls.load_run(tiny_run.run.path)
    model = {"recipe": "tiny", "result": run, "run": run.path, "model": str(run.model_dir)}[form]
    (prediction,) = hf_newscls.predict(model, LONG_TEXT, runs_dir=tiny_run.runs_dir, top_k=1)
    assert [*prediction.labels] == ["SPORTS"]


def test_predictions_become_a_table(tiny_run: FinishedRun) -> None:
    saved = hf_newscls.load_run(tiny_run.run.path).predictions
    predictions = hf_newscls.predict(tiny_run.run.path, saved["text"])
    assert isinstance(predictions, hf_newscls.Predictions)
    table = predictions.to_pandas()
    assert [*table.columns] == ["text", "prediction", *(f"probability of {label}" for label in LABELS)]
    assert [*table["prediction"]] == [*saved["prediction"]] == [one.labels[0] for one in predictions]
    assert table.filter(like="probability").sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-5)
    assert saved["text"][0] in predictions._repr_html_()


def test_explanation_sums_to_the_probability(tiny_run: FinishedRun) -> None:
    (one,) = hf_newscls.explain(tiny_run.run.path, "goal coach league", samples=2)
    assert isinstance(one, hf_newscls.Explanation)
    effects = sum(word.value for word in one.attribution.contributions)
    assert one.label == "SPORTS"
    assert one.attribution.empty_probability + effects == pytest.approx(one.attribution.probability, abs=1e-5)


# huggingface_hub uploads large files with an argument that httpx wants to drop.
@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
@pytest.mark.slow
def test_run_is_published(tiny_run: FinishedRun, hub_here: HubServer) -> None:
    run = hf_newscls.load_run(tiny_run.run.path)
    published = hf_newscls.publish(run, repo_id="owner/tiny")
    assert published.url.startswith(f"{hub_here.endpoint}/owner/tiny/commit/")
    assert hf_newscls.predict("owner/tiny", "goal coach league", top_k=1)[0].labels == ["SPORTS"]


def test_run_is_found_at_a_long_path(tiny_run: FinishedRun, tmp_path: Path) -> None:
    # No part is longer than a file name may be, the whole is longer than 255 characters.
    folder = shutil.copytree(tiny_run.run.path, tmp_path.joinpath(*["archive of last year's experiments"] * 7, "run"))
    assert len(str(folder)) > 255
    assert hf_newscls.predict(str(folder), ["goal"], runs_dir=tmp_path)


def test_no_texts_give_no_predictions(tiny_run: FinishedRun) -> None:
    predictions = hf_newscls.predict("tiny", [], runs_dir=tiny_run.runs_dir)
    assert [*predictions] == []
    assert predictions.to_pandas().empty
