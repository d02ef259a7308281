"""The files of a run: rows in order, metrics that follow from the rows, a model that others can load."""

import csv
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoConfig

from hf_newscls.evaluation.baselines.comparison import CHARACTERS, FROZEN, LENGTH, MAJORITY, SVM, TFIDF
from hf_newscls.training.arguments import build_training_arguments
from hf_newscls.training.backend import detect_backend
from tests.conftest import LABELS, FinishedRun, read_table
from tests.processes import read_files, run_python

TRAIN_ROWS, VALIDATION_ROWS, TEST_ROWS = 72, 24, 24
LONG_TEXT = "coach praises league goal " * 1250  # 5,000 words

# Runs without hf_newscls: reads models and texts, writes predictions and the names of the loaded modules.
CLASSIFY = """
import json, sys
from transformers import pipeline
with open("asked.json") as stream:
    asked = json.load(stream)
found = []
for folder, options in asked["models"]:
    classifier = pipeline("text-classification", model=folder, top_k=None, **options)
    answers = [classifier([text], truncation=True)[0] for text in asked["texts"]]
    found.append({"answers": answers, "budget": classifier.tokenizer.model_max_length, "modules": [*sys.modules]})
with open("found.json", "w") as stream:
    json.dump(found, stream)
"""


def classify(
    folder: Path, texts: list[str], *models: tuple[Path, dict[str, bool]], preamble: str = ""
) -> list[dict[str, Any]]:
    """Return the predictions of the stock pipeline for each model, in a fresh process, one text at a time."""
    asked = {"models": [(str(path), options) for path, options in models], "texts": texts}
    (folder / "asked.json").write_text(json.dumps(asked))
    result = run_python(preamble + CLASSIFY, cwd=folder, home=folder)
    assert result.code == 0, result.err
    found: list[dict[str, Any]] = json.loads((folder / "found.json").read_text())
    return found


@pytest.fixture(scope="module")
def served(
    tiny_run: FinishedRun, tiny_two_layer_run: FinishedRun, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """The predictions of the stock pipeline with both models, for the test texts and then for a long text."""
    texts = [row["text"] for row in read_table(tiny_run.run)]
    models = [(tiny_run.run.model, {}), (tiny_two_layer_run.run.model, {"trust_remote_code": True})]
    found = classify(tmp_path_factory.mktemp("served"), [*texts, LONG_TEXT], *models)
    return dict(zip(("tiny_run", "tiny_two_layer_run"), found, strict=True))


# Metrics and predictions.


def test_metrics_have_their_documented_keys(tiny_run: FinishedRun) -> None:
    metrics = json.loads(tiny_run.run.metrics.read_text())
    for split, rows in (("test", TEST_ROWS), ("validation", VALIDATION_ROWS)):
        assert {"accuracy", "f1_macro", "f1_weighted", "top_2_accuracy", "log_loss"} < {*metrics[split]}
        assert [*metrics[split]["per_class"]] == [*LABELS]
        assert metrics[split]["per_class"]["SPORTS"].keys() == {"precision", "recall", "f1", "support"}
        assert metrics[split]["rows"] == rows
    assert metrics["train_rows"] == TRAIN_ROWS
    assert metrics["train_runtime_seconds"] == tiny_run.run.read_json(tiny_run.run.training)["runtime_seconds"]
    assert metrics["split_fingerprint"] == tiny_run.run.read_json(tiny_run.run.split)["fingerprint"]
    assert metrics["test"]["accuracy"] == tiny_run.report.test.scores["accuracy"]


def test_model_has_learned(tiny_run: FinishedRun) -> None:
    # Chance is 1/3: with a model that has learned nothing, the tests below would not see rows that are mixed up.
    assert 0.6 < tiny_run.report.test.scores["accuracy"] < 1
    assert tiny_run.report.comparisons["majority class"].scores["accuracy"] == pytest.approx(1 / 3)
    assert {row["prediction"] for row in read_table(tiny_run.run)} == {*LABELS}


def test_every_test_row_joins_with_the_file(tiny_run: FinishedRun, noisy_csv: Path) -> None:
    with noisy_csv.open(newline="", encoding="utf-8") as stream:
        news = [*csv.DictReader(stream)]
    rows = read_table(tiny_run.run)
    assert len(rows) == TEST_ROWS
    for row in rows:
        source = news[int(row["id"])]
        assert row["text"] == f"{source['title']}. {source['body']}"
        assert row["reference"] == source["category"]


def test_only_test_rows_are_in_the_predictions_in_the_files_order(tiny_run: FinishedRun) -> None:
    ids = tiny_run.run.read_json(tiny_run.run.split)["row_ids"]
    found = [row["id"] for row in read_table(tiny_run.run)]
    assert found == ids["test"]
    assert [*map(int, found)] == sorted(map(int, found))
    assert {*found}.isdisjoint([*ids["train"], *ids["validation"]])


def test_metrics_follow_from_the_predictions(tiny_run: FinishedRun) -> None:
    rows, scores = read_table(tiny_run.run), json.loads(tiny_run.run.metrics.read_text())["test"]
    hits = Counter(row["reference"] for row in rows if row["reference"] == row["prediction"])
    predicted = Counter(row["prediction"] for row in rows)
    assert scores["accuracy"] == pytest.approx(sum(hits.values()) / TEST_ROWS)
    # Eight rows of each label: F1 is 2 hits / (predicted + 8), and the weighted mean is the plain one.
    f1 = {label: 2 * hits[label] / (predicted[label] + 8) for label in LABELS}
    assert {label: scores["per_class"][label]["f1"] for label in LABELS} == pytest.approx(f1)
    assert scores["f1_macro"] == pytest.approx(sum(f1.values()) / 3)
    assert scores["f1_weighted"] == pytest.approx(scores["f1_macro"])
    last = [min(LABELS, key=lambda label, row=row: row[f"probability of {label}"]) for row in rows]
    in_top_two = [label != row["reference"] for label, row in zip(last, rows, strict=True)]
    assert scores["top_2_accuracy"] == pytest.approx(sum(in_top_two) / TEST_ROWS)


def test_prediction_is_the_most_probable_label(tiny_run: FinishedRun) -> None:
    for row in read_table(tiny_run.run):
        probabilities = {label: row[f"probability of {label}"] for label in LABELS}
        assert row["prediction"] == max(probabilities, key=probabilities.__getitem__)
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)


# The model folder.


def test_length_grouping_is_on(tiny_run: FinishedRun) -> None:
    arguments = build_training_arguments(tiny_run.recipe, output_dir=Path("none"), backend=detect_backend(use_cpu=True))
    assert arguments.train_sampling_strategy == "group_by_length"
    lengths = [len(row["text"].split()) for row in read_table(tiny_run.run)]
    # Lengths go up and down in the order of the file, so that rows sorted by length would be seen.
    assert lengths not in (sorted(lengths), sorted(lengths, reverse=True))


@pytest.mark.slow
@pytest.mark.parametrize("finished", ["tiny_run", "tiny_two_layer_run"])
def test_each_row_has_the_probabilities_of_its_own_text(
    finished: str, served: dict[str, dict[str, Any]], request: pytest.FixtureRequest
) -> None:
    rows = read_table(request.getfixturevalue(finished).run)
    for row, answer in zip(rows, served[finished]["answers"][:-1], strict=True):
        scores = {label: row[f"probability of {label}"] for label in LABELS}
        assert {part["label"]: part["score"] for part in answer} == pytest.approx(scores, abs=2e-5)


def test_probabilities_differ_between_rows(tiny_run: FinishedRun) -> None:
    columns = [[row[f"probability of {label}"] for row in read_table(tiny_run.run)] for label in LABELS]
    assert all(max(column) - min(column) > 0.2 for column in columns)
    assert len({round(value, 4) for value in columns[0]}) > TEST_ROWS / 2


@pytest.mark.slow
@pytest.mark.parametrize("finished", ["tiny_run", "tiny_two_layer_run"])
def test_stock_pipeline_needs_no_hf_newscls(finished: str, served: dict[str, dict[str, Any]]) -> None:
    assert [name for name in served[finished]["modules"] if name.startswith("hf_newscls")] == []


@pytest.mark.slow
@pytest.mark.parametrize("finished", ["tiny_run", "tiny_two_layer_run"])
def test_stock_pipeline_reads_5000_words_and_names_real_labels(
    finished: str, served: dict[str, dict[str, Any]]
) -> None:
    answer = served[finished]["answers"][-1]
    assert {part["label"] for part in answer} == {*LABELS}
    assert sum(part["score"] for part in answer) == pytest.approx(1, abs=1e-5)
    assert served[finished]["budget"] == 32  # the recipe's max_length


def test_config_holds_the_temperature_that_was_folded_in(tiny_run: FinishedRun) -> None:
    config = AutoConfig.from_pretrained(tiny_run.run.model)
    assert config.hf_newscls["folded_temperature"] == tiny_run.report.calibration.temperature
    metrics = json.loads(tiny_run.run.metrics.read_text())
    assert metrics["calibration"]["temperature"] == config.hf_newscls["folded_temperature"]


def test_config_holds_the_text_columns(tiny_run: FinishedRun) -> None:
    config = AutoConfig.from_pretrained(tiny_run.run.model)
    assert config.hf_newscls["text"] == {"columns": ["title", "body"], "separator": ". ", "missing_values": []}


def test_metrics_include_simpler_classifiers_and_probes(tiny_run: FinishedRun) -> None:
    metrics = json.loads(tiny_run.run.metrics.read_text())
    kinds = {name: one["kind"] for name, one in metrics["comparisons"].items()}
    baselines = [MAJORITY, TFIDF, CHARACTERS, SVM, FROZEN]
    assert kinds == {**dict.fromkeys(baselines, "baseline"), LENGTH: "probe", "title only": "probe"}
    # Draws within each label always give it the same score.
    assert metrics["comparisons"].pop(MAJORITY)["intervals"] == {}
    for one in metrics["comparisons"].values():
        low, high = one["intervals"]["accuracy"]
        assert low <= one["scores"]["accuracy"] <= high


def test_config_maps_labels_both_ways(tiny_run: FinishedRun) -> None:
    config = json.loads((tiny_run.run.model / "config.json").read_text())
    assert config["id2label"] == {str(index): label for index, label in enumerate(LABELS)}
    assert config["label2id"] == {label: index for index, label in enumerate(LABELS)}


@pytest.mark.slow
def test_two_layer_model_needs_no_trust_after_register(
    tiny_two_layer_run: FinishedRun, served: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    (found,) = classify(
        tmp_path, [LONG_TEXT], (tiny_two_layer_run.run.model, {}), preamble="import hf_newscls\nhf_newscls.register()\n"
    )
    assert found["answers"] == served["tiny_two_layer_run"]["answers"][-1:]
    assert "hf_newscls.modeling.modeling_newscls" in found["modules"]


@pytest.mark.slow
def test_two_layer_model_carries_its_code(tiny_two_layer_run: FinishedRun) -> None:
    names = {*os.listdir(tiny_two_layer_run.run.model)}
    assert {"modeling_newscls.py", "configuration_newscls.py", "heads.py"} <= names
    config = json.loads((tiny_two_layer_run.run.model / "config.json").read_text())
    assert config["auto_map"]["AutoModelForSequenceClassification"] == "modeling_newscls.NewsClassifier"
    assert config["head_dropout"] == 0.1


@pytest.mark.parametrize("finished", ["tiny_run", pytest.param("tiny_two_layer_run", marks=pytest.mark.slow)])
def test_nothing_in_the_model_folder_names_this_machine(
    finished: str, tiny_encoder: Path, noisy_csv: Path, request: pytest.FixtureRequest
) -> None:
    run = request.getfixturevalue(finished).run
    private = [tiny_encoder.parent, noisy_csv.parent, run.path, Path.home(), Path.cwd(), "tiny_encoder", "/tmp/"]
    for name, content in read_files(run.model).items():
        found = [str(path) for path in private if str(path).encode() in content]
        assert found == [], name
