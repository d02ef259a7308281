"""A trained model on other data: which rows are scored, under which labels, and what is written."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml

from hf_newscls import workflow
from hf_newscls.errors import InputError, RecipeError, RunError
from hf_newscls.report.other_data import read_other_data
from hf_newscls.runs.folder import RunFolder
from hf_newscls.workflow.evaluation.other_data import check_other_data
from tests.conftest import LABELS, FinishedRun, build_news_rows, write_csv
from tests.processes import Result

TEST_ROWS = 24
# None of these titles is in the tiny news.
NEW_ROWS = [
    {"title": "goal coach league", "body": "", "category": "SPORTS"},
    {"title": "bank shares profit", "body": "", "category": "BUSINESS"},
    {"title": "planet cells fossil", "body": "", "category": "SCIENCE"},
    {"title": "orbit genome planet", "body": "", "category": "BUSINESS"},
]


@pytest.fixture
def new_csv(tmp_path: Path) -> Path:
    """Four rows that the tiny model has not seen, the last one under a wrong label."""
    write_csv(tmp_path / "new.csv", NEW_ROWS)
    return tmp_path / "new.csv"


def write_other_recipe(tiny_run: FinishedRun, path: Path, **changes: object) -> Path:
    """Write a recipe that extends the tiny one; `changes` are values of its sections."""
    parent = shutil.copy(tiny_run.run.recipe, path.with_name("parent.yaml"))
    path.write_text(yaml.safe_dump({"extends": str(parent), "name": path.stem, **changes}), encoding="utf-8")
    return path


def test_own_recipe_gives_the_own_scores(tiny_run: FinishedRun, tmp_path: Path) -> None:
    recipe = write_other_recipe(tiny_run, tmp_path / "same.yaml")
    report = workflow.evaluate_on(tiny_run.run.path, recipe, output=tmp_path / "on").report
    own = tiny_run.report
    assert (report.rows, report.seen_rows, report.never_predicted) == (TEST_ROWS, 0, [])
    assert report.scores == pytest.approx(own.test.scores)
    assert report.intervals["accuracy"] == pytest.approx(own.intervals["accuracy"])
    assert report.confusion.tolist() == own.confusion.tolist()


def test_all_rows_of_a_new_file_are_scored(tiny_run: FinishedRun, new_csv: Path, tmp_path: Path) -> None:
    evaluated = workflow.evaluate_on(tiny_run.run.path, new_csv, output=tmp_path / "on")
    report = evaluated.report
    assert (report.name, report.rows, report.seen_rows) == ("new", 4, 0)
    assert report.majority_accuracy == 0.5
    predictions = pd.read_parquet(evaluated.path / "predictions.parquet")
    assert predictions["text"].tolist() == [row["title"] for row in NEW_ROWS]
    assert predictions["reference"].tolist() == [row["category"] for row in NEW_ROWS]
    right = (predictions["reference"] == predictions["prediction"]).mean()
    assert report.scores["accuracy"] == right
    mistakes = pd.read_csv(evaluated.path / "mistakes.csv")
    assert len(mistakes) == round((1 - right) * 4)
    assert mistakes["probability of prediction"].is_monotonic_decreasing
    assert json.loads((evaluated.path / "metrics.json").read_text())["rows"] == 4


def test_texts_of_the_training_are_left_out(tiny_run: FinishedRun, tmp_path: Path) -> None:
    # All rows of the tiny news, in another spelling, and four new ones: only test rows and new rows are left.
    rows = [row | {"title": row["title"].upper()} for row in build_news_rows()]
    write_csv(tmp_path / "more.csv", [*rows, *(row | {"date": ""} for row in NEW_ROWS)])
    report = workflow.evaluate_on(tiny_run.run.path, tmp_path / "more.csv", output=tmp_path / "on").report
    assert (report.rows, report.seen_rows) == (TEST_ROWS + 4, 120 - TEST_ROWS)


def test_near_duplicates_of_the_training_are_left_out(tiny_run: FinishedRun, tmp_path: Path) -> None:
    # The longest training text, with another word at its end.
    train = tiny_run.run.read_json(tiny_run.run.split)["row_ids"]["train"]
    row = max((build_news_rows()[int(index)] for index in train), key=lambda row: len(row["body"]))
    changed = row | {"body": " ".join([*row["body"].split()[:-1], "changed"])}
    write_csv(tmp_path / "new.csv", [changed, *(one | {"date": ""} for one in NEW_ROWS)])
    report = workflow.evaluate_on(tiny_run.run.path, tmp_path / "new.csv", output=tmp_path / "on").report
    assert (report.rows, report.seen_rows) == (4, 1)


def test_without_the_training_file_seen_rows_are_not_known(
    tiny_run: FinishedRun, new_csv: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = RunFolder(Path(shutil.copytree(tiny_run.run.path, tmp_path / "run")))
    recipe = yaml.safe_load(run.recipe.read_text())
    recipe["data"]["source"] = str(tmp_path / "gone.csv")
    run.recipe.write_text(yaml.safe_dump(recipe))
    report = workflow.evaluate_on(run.path, new_csv).report
    assert report.seen_rows is None
    assert "gone.csv" in caplog.text


def test_a_file_of_only_seen_rows_is_refused(tiny_run: FinishedRun, tmp_path: Path) -> None:
    train = tiny_run.run.read_json(tiny_run.run.split)["row_ids"]["train"]
    rows = build_news_rows()
    write_csv(tmp_path / "seen.csv", [rows[int(index)] for index in train])
    with pytest.raises(InputError, match="seen"):
        workflow.evaluate_on(tiny_run.run.path, tmp_path / "seen.csv", output=tmp_path / "on")
    assert not (tmp_path / "on").exists()


# Labels.


def test_label_map_of_the_recipe_is_used(tiny_run: FinishedRun, tmp_path: Path) -> None:
    # Two labels: SPORTS, and the other two together.
    recipe = write_other_recipe(
        tiny_run,
        tmp_path / "two.yaml",
        data={"merge_labels": {"OTHER": ["BUSINESS", "SCIENCE"]}},
        evaluation={"label_maps": {"tiny": {"BUSINESS": "OTHER", "SCIENCE": "OTHER"}}},
    )
    report = workflow.evaluate_on(tiny_run.run.path, recipe, output=tmp_path / "on").report
    assert report.label_names == ["OTHER", "SPORTS"]
    (correct, *_), *_ = report.confusion.tolist()
    assert correct >= sum(tiny_run.report.confusion.diagonal()[:2])


def test_unmapped_labels_are_asked_for(tiny_run: FinishedRun, tmp_path: Path) -> None:
    recipe = write_other_recipe(tiny_run, tmp_path / "two.yaml", data={"merge_labels": {"OTHER": ["BUSINESS"]}})
    with pytest.raises(RecipeError) as caught:
        workflow.evaluate_on(tiny_run.run.path, recipe, output=tmp_path / "on")
    added = yaml.safe_load(str(caught.value).partition("\n")[2])
    assert added == {"evaluation": {"label_maps": {"tiny": {"BUSINESS": None}}}}


def test_labels_that_the_model_never_predicts_count_as_mistakes(tiny_run: FinishedRun, tmp_path: Path) -> None:
    rows = [*NEW_ROWS[:3], {"title": "north two more over", "body": "", "category": "WEATHER"}]
    write_csv(tmp_path / "new.csv", rows)
    report = workflow.evaluate_on(tiny_run.run.path, tmp_path / "new.csv", output=tmp_path / "on").report
    assert report.label_names == [*LABELS, "WEATHER"]
    assert report.never_predicted == ["WEATHER"]
    assert report.per_class["WEATHER"]["recall"] == 0


def test_a_file_need_not_have_all_labels(tiny_run: FinishedRun, tmp_path: Path) -> None:
    write_csv(tmp_path / "new.csv", [*NEW_ROWS[:2], {"title": "coach league medal", "body": "", "category": "SPORTS"}])
    report = workflow.evaluate_on(tiny_run.run.path, tmp_path / "new.csv", output=tmp_path / "on").report
    assert report.label_names == [*LABELS]
    assert report.confusion.sum(axis=1).tolist() == [1, 0, 2]
    # Macro F1 is the mean of the two labels with rows.
    assert report.scores["f1_macro"] == pytest.approx(
        (report.per_class["BUSINESS"]["f1"] + report.per_class["SPORTS"]["f1"]) / 2
    )


def test_rows_of_one_label_are_scored_if_the_model_has_it(tiny_run: FinishedRun, tmp_path: Path) -> None:
    write_csv(tmp_path / "new.csv", [row | {"category": "SPORTS"} for row in NEW_ROWS])
    report = workflow.evaluate_on(tiny_run.run.path, tmp_path / "new.csv", output=tmp_path / "on").report
    assert report.label_names == [*LABELS]
    assert report.confusion.sum(axis=1).tolist() == [0, 0, 4]
    assert report.scores["accuracy"] == report.per_class["SPORTS"]["recall"]
    write_csv(tmp_path / "new.csv", [row | {"category": "WEATHER"} for row in NEW_ROWS])
    with pytest.raises(InputError, match="WEATHER"):
        workflow.evaluate_on(tiny_run.run.path, tmp_path / "new.csv", output=tmp_path / "on")


def test_labels_that_differ_only_in_case_are_kept_apart(tiny_run: FinishedRun, tmp_path: Path) -> None:
    run = RunFolder(Path(shutil.copytree(tiny_run.run.path, tmp_path / "run")))
    config = run.model / "config.json"
    names = ["US", "us", "SPORTS"]
    labels = {"id2label": dict(enumerate(names)), "label2id": {name: index for index, name in enumerate(names)}}
    config.write_text(json.dumps(run.read_json(config) | labels))
    write_csv(tmp_path / "new.csv", [row | {"category": names[index % 2 * 2]} for index, row in enumerate(NEW_ROWS)])
    report = workflow.evaluate_on(run.path, tmp_path / "new.csv").report
    assert report.confusion.sum(axis=1).tolist() == [2, 0, 2]


@pytest.mark.parametrize(("wrong", "warns"), [("BUSINESS", False), ("WEATHER", True)])
def test_labels_are_checked_before_the_training_as_after_it(
    wrong: str, warns: bool, tiny_run: FinishedRun, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Rows of two of the three labels.
    rows = [row | {"category": row["category"].replace("BUSINESS", wrong)} for row in build_news_rows()]
    write_csv(tmp_path / "two.csv", [row for row in rows if row["category"] != "SPORTS"])
    other = write_other_recipe(tiny_run, tmp_path / "two.yaml", data={"source": str(tmp_path / "two.csv")})
    section = tiny_run.recipe.evaluation.model_copy(update={"on": {"two": str(other)}})
    check_other_data(tiny_run.recipe.model_copy(update={"evaluation": section}), LABELS)
    assert ("evaluation.on.two" in caplog.text) == warns


def test_dropped_labels_are_counted(tiny_run: FinishedRun, tmp_path: Path) -> None:
    rows = [row | {"category": row["category"].replace("SCIENCE", "SPORTS").title()} for row in build_news_rows()]
    write_csv(tmp_path / "two.csv", rows)
    other = write_other_recipe(
        tiny_run,
        tmp_path / "two.yaml",
        data={"source": str(tmp_path / "two.csv")},
        evaluation={"label_maps": {"tiny": {"SCIENCE": None}}},
    )
    model = Path(shutil.copytree(tiny_run.run.path, tmp_path / "run"))
    evaluated = workflow.evaluate_on(model, other)
    assert evaluated.report.dropped_labels == ["SCIENCE"]
    texts = pd.read_parquet(evaluated.path / "predictions.parquet")["text"].tolist()
    own = [found.labels[0] for found in workflow.predict(model, texts)]
    assert evaluated.report.dropped_rows == own.count("SCIENCE") > 0
    assert "SCIENCE" in (evaluated.path / "report.html").read_text()


# Models and files.


def test_a_model_without_its_run_needs_a_recipe(tiny_run: FinishedRun, new_csv: Path, tmp_path: Path) -> None:
    model = Path(shutil.copytree(tiny_run.run.model, tmp_path / "model"))
    with pytest.raises(InputError, match="recipe"):
        workflow.evaluate_on(model, new_csv, output=tmp_path / "on")
    recipe = write_other_recipe(tiny_run, tmp_path / "same.yaml")
    report = workflow.evaluate_on(model, recipe, output=tmp_path / "on").report
    assert report.scores == pytest.approx(tiny_run.report.test.scores)
    assert report.seen_rows is None


def test_a_folder_with_other_files_is_not_replaced(tiny_run: FinishedRun, new_csv: Path, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/mine.txt").write_text("keep")
    with pytest.raises(RunError):
        workflow.evaluate_on(tiny_run.run.path, new_csv, output=tmp_path / "notes")
    assert (tmp_path / "notes/mine.txt").read_text() == "keep"


def test_results_are_not_replaced_by_those_of_another_file_of_the_name(
    tiny_run: FinishedRun, new_csv: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        report = workflow.evaluate_on(tiny_run.run.path, new_csv, output=tmp_path / "on").report
    (tmp_path / "b").mkdir()
    write_csv(tmp_path / "b/new.csv", NEW_ROWS[:3])
    with pytest.raises(InputError, match="--output"):
        workflow.evaluate_on(tiny_run.run.path, tmp_path / "b/new.csv", output=tmp_path / "on")
    assert [one.rows for one in read_other_data(tmp_path)] == [4]
    assert str(tmp_path) not in json.dumps(report.to_dict())


@pytest.mark.slow
def test_data_of_the_recipe_is_shown_in_report_and_card(tiny_run: FinishedRun, new_csv: Path, tmp_path: Path) -> None:
    other = write_other_recipe(tiny_run, tmp_path / "other.yaml")
    run = RunFolder(Path(shutil.copytree(tiny_run.run.path, tmp_path / "run")))
    recipe = yaml.safe_load(run.recipe.read_text())
    recipe["evaluation"]["on"] = {"the same news": str(other), "lost news": str(tmp_path / "lost.yaml")}
    run.recipe.write_text(yaml.safe_dump(recipe))
    run.metrics.unlink()  # as after the training
    workflow.evaluate_on(run.path, new_csv, name="private")
    workflow.evaluate(run.path)
    assert "its own test set" in (run.other_data / "the_same_news/report.html").read_text()
    assert sorted(path.name for path in run.other_data.iterdir()) == ["private", "the_same_news"]
    assert all(name in run.report.read_text() for name in ("private", "the_same_news"))
    card = (run.model / "README.md").read_text()
    assert "| the\\_same\\_news | 24 |" in card
    assert "| private |" not in card


def test_command_prints_scores_and_page(
    call: Callable[..., Result], tiny_run: FinishedRun, new_csv: Path, tmp_path: Path
) -> None:
    found = call("evaluate", str(tiny_run.run.path), "--on", str(new_csv), "--output", str(tmp_path / "on"))
    assert found.code == 0, found.err
    assert "scores on 4 rows of new" in found.out
    assert (tmp_path / "on/report.html").is_file()
    with (tmp_path / "on/mistakes.csv").open(encoding="utf-8") as stream:
        assert next(csv.reader(stream))[:3] == ["id", "reference", "prediction"]


@pytest.mark.parametrize(
    "options", [("--data", "a.csv"), ("--output", "b"), ("--on", "quickstart", "--compare-with", "tiny")]
)
def test_options_that_do_not_fit_are_refused(
    call: Callable[..., Result], tiny_run: FinishedRun, options: tuple[str, ...]
) -> None:
    assert call("evaluate", str(tiny_run.run.path), *options).code == 2
