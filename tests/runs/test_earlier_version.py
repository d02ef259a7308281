"""Run folders and models of version 0.1 are read, evaluated, published and compared, but not resumed.

tests/fixtures/run_0_1 is what 0.1.0 (commit 5dba700) wrote: three runs over news.csv with the encoder in encoder/.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

import hf_newscls
from hf_newscls.errors import RunError
from hf_newscls.hub.staging import stage_run
from hf_newscls.inference.predicting import load_classifier, predict_probabilities
from hf_newscls.runs.folder import find_run
from hf_newscls.runs.resuming import find_finished, open_run
from hf_newscls.workflow.cards import render_run_card
from hf_newscls.workflow.compare import find_subjects
from hf_newscls.workflow.evaluation.evaluate import evaluate
from tests.processes import run_python

FIXTURE = Path(__file__).parents[1] / "fixtures" / "run_0_1"
RECIPES = ["tiny", "tiny_two_layer", "tiny_windows"]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the fixture, as the current folder: the paths in its recipes are relative."""
    shutil.copytree(FIXTURE, tmp_path / "run_0_1")
    monkeypatch.chdir(tmp_path / "run_0_1")
    for recipe in RECIPES:
        Path("runs", recipe, "latest").symlink_to("20261130-010000")
    return tmp_path / "run_0_1"


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("recipe", RECIPES)
def test_run_is_found_and_its_recipe_is_read(recipe: str) -> None:
    run = find_run(recipe, runs_dir=Path("runs"))
    assert run.read_version() is None
    found = run.read_recipe()
    assert (found.name, found.data.conflicting_labels, found.hub.limitations) == (recipe, "keep", ["A made-up file."])
    assert (found.model.windows is None) == (recipe != "tiny_windows")
    assert found.model.windows is None or found.model.windows.window_batch_size == 4


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("recipe", RECIPES)
def test_model_predicts_what_it_predicted_then(recipe: str) -> None:
    run = find_run(recipe, runs_dir=Path("runs"))
    rows = pq.read_table(run.predictions).to_pylist()
    classifier = load_classifier(run.model)
    expected = [[row[f"probability of {name}"] for name in classifier.label_names] for row in rows]
    found = predict_probabilities(classifier, [row["text"] for row in rows])
    assert found == pytest.approx(np.asarray(expected), abs=1e-5)
    assert np.ptp(found, axis=0).min() > 0.1  # rows in another order would be seen


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["tiny_two_layer", "tiny_windows"])
def test_model_loads_with_the_code_that_travels_with_it(recipe: str, workspace: Path, tmp_path: Path) -> None:
    folder = workspace / "runs" / recipe / "20261130-010000"
    rows = pq.read_table(folder / "predictions.parquet").to_pylist()
    code = f"""if True:
        import json, sys
        from transformers import pipeline
        classify = pipeline("text-classification", {str(folder / "model")!r}, trust_remote_code=True, top_k=None)
        assert type(classify.model).__module__.startswith("transformers_modules.")
        assert "hf_newscls" not in sys.modules
        scores = classify({[row["text"] for row in rows]!r}, truncation=True)
        print(json.dumps([{{one["label"]: one["score"] for one in row}} for row in scores]))
    """
    result = run_python(code, cwd=tmp_path, home=tmp_path, environment={"PYTHONPATH": ""})
    assert result.code == 0, result.err
    for row, scores in zip(rows, json.loads(result.out.splitlines()[-1]), strict=True):
        assert scores == pytest.approx({name: row[f"probability of {name}"] for name in scores}, abs=1e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("workspace")
def test_run_is_evaluated_again_with_the_same_scores() -> None:
    run = find_run("tiny", runs_dir=Path("runs"))
    before = run.read_json(run.metrics)
    predictions = pq.read_table(run.predictions).to_pylist()
    evaluate("tiny", runs_dir=Path("runs"))
    after = run.read_json(run.metrics)
    assert after["split_fingerprint"] == before["split_fingerprint"]
    assert after["test"]["f1_macro"] == pytest.approx(before["test"]["f1_macro"], abs=1e-6)
    for row, old in zip(pq.read_table(run.predictions).to_pylist(), predictions, strict=True):
        assert (row["id"], row["prediction"]) == (old["id"], old["prediction"])


@pytest.mark.slow
@pytest.mark.usefixtures("workspace")
def test_run_with_an_advised_temperature_is_not_calibrated_when_evaluated_again() -> None:
    run = find_run("tiny", runs_dir=Path("runs"))
    weights = (run.model / "model.safetensors").read_bytes()
    loaded = hf_newscls.load_run("tiny").report
    assert loaded.calibration.temperature == 1
    report = evaluate("tiny", runs_dir=Path("runs")).report
    assert (report.calibration.temperature, loaded.calibration.temperature) == (1, 1)
    for name in ("accuracy", "confidence"):
        assert getattr(report.calibration.after, name) == pytest.approx(getattr(loaded.calibration.after, name))
    entry = run.read_json(run.model / "config.json")["hf_newscls"]
    assert entry["folded_temperature"] == 1
    assert "temperature" not in entry
    assert (run.model / "model.safetensors").read_bytes() == weights


@pytest.mark.usefixtures("workspace")
def test_run_is_loaded_with_its_scores_under_new_names() -> None:
    stored = json.loads(Path("runs/tiny/20261130-010000/metrics.json").read_text())
    report = hf_newscls.load_run("tiny").report
    assert report.test.scores["mcc"] == stored["test"]["matthews"]
    assert [*report.intervals["mcc"]] == stored["intervals"]["matthews"]
    assert report.calibration.risk_coverage.accuracy.tolist() == stored["calibration"]["abstention"]["accuracy"]


@pytest.mark.usefixtures("workspace")
def test_run_is_staged_with_its_scores_under_new_names() -> None:
    run = find_run("tiny", runs_dir=Path("runs"))
    stored = json.loads(run.metrics.read_text())
    text = run.recipe.read_text().replace("benchmark: null", "benchmark: {dataset_id: ann/news, metric: matthews}")
    run.recipe.write_text(text)
    recipe = run.read_recipe()
    card = render_run_card(run, recipe, model_address="ann/tiny")
    assert f"| Matthews correlation | {stored['test']['matthews']:.4f} |" in card
    files = stage_run(run, recipe, card=card)
    metrics, benchmark = files["metrics.json"], files[".eval_results/hf_newscls.yaml"]
    assert isinstance(metrics, bytes)
    assert isinstance(benchmark, bytes)
    published = json.loads(metrics)
    assert published["test"]["mcc"] == stored["test"]["matthews"]
    assert "matthews" not in published["test"]
    (entry,) = yaml.safe_load(benchmark)
    assert entry["value"] == round(stored["test"]["matthews"], 6)


@pytest.mark.usefixtures("workspace")
def test_run_is_compared_by_a_score_under_its_new_name() -> None:
    stored = json.loads(Path("runs/tiny/20261130-010000/metrics.json").read_text())
    board = hf_newscls.compare("tiny", metric="mcc", local=True)
    ((row,),) = (table.rows for table in board.tables)
    assert row.claimed == stored["test"]["matthews"]
    assert row.score == pytest.approx(stored["test"]["matthews"], abs=1e-6)
    assert row.interval is not None
    assert [*row.interval] == stored["intervals"]["matthews"]


@pytest.mark.usefixtures("workspace")
def test_recipe_file_of_a_run_names_its_recipe() -> None:
    path = "runs/tiny/20261130-010000/recipe.yaml"
    assert find_subjects([path]).recipes == {"tiny": path}
    assert hf_newscls.compare(path, local=True).tables


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize(("version", "is_found"), [(None, False), ("0.0.9", False), (hf_newscls.__version__, True)])
def test_finished_run_of_another_version_is_not_reused(
    version: str | None, is_found: bool, caplog: pytest.LogCaptureFixture
) -> None:
    run = find_run("tiny", runs_dir=Path("runs"))
    if version is not None:
        run.recipe.write_text(f"# Trained by hf_newscls {version}.\n{run.recipe.read_text()}")
    fingerprint = run.read_json(run.split)["fingerprint"]
    with caplog.at_level("INFO"):
        found = find_finished(run.read_recipe(), fingerprint, runs_dir=Path("runs"))
    assert (found is not None) == is_found
    assert (f"{version or '0.1'}, this is" in caplog.text) != is_found


@pytest.mark.usefixtures("workspace")
def test_interrupted_run_is_refused() -> None:
    run = find_run("tiny", runs_dir=Path("runs"))
    recipe, fingerprint = run.read_recipe(), run.read_json(run.split)["fingerprint"]
    checkpoint = run.checkpoints / "checkpoint-4"
    checkpoint.mkdir(parents=True)
    for name in ("model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth"):
        (checkpoint / name).touch()
    (checkpoint / "trainer_state.json").write_text('{"global_step": 4, "max_steps": 198}')
    run.training.unlink()
    (run.model / "README.md").unlink()
    with (
        pytest.raises(RunError, match=r"^runs/tiny/20261130-010000: .*version 0\.1,.*--no-resume"),
        open_run(recipe, fingerprint=fingerprint, runs_dir=Path("runs")),
    ):
        pass
    with open_run(recipe, fingerprint=fingerprint, runs_dir=Path("runs"), resume=False) as opened:
        assert (opened.run.path.name == run.path.name, opened.checkpoint) == (False, None)
    assert checkpoint.is_dir()


@pytest.mark.usefixtures("workspace")
def test_run_whose_training_has_ended_is_only_evaluated() -> None:
    run = find_run("tiny", runs_dir=Path("runs"))
    (run.model / "README.md").unlink()
    fingerprint = run.read_json(run.split)["fingerprint"]
    with open_run(run.read_recipe(), fingerprint=fingerprint, runs_dir=Path("runs")) as opened:
        assert (opened.run.path.name, opened.checkpoint) == (run.path.name, None)
