"""A model is calibrated once, before it is saved: its probabilities change as announced, its answers do not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from numpy.typing import NDArray
from transformers import pipeline

from hf_newscls import workflow
from hf_newscls.data.deduplication import GROUP
from hf_newscls.errors import ModelError
from hf_newscls.evaluation.calibration.temperature import scale_probabilities
from hf_newscls.inference.predicting import TrainedClassifier, load_classifier, predict_probabilities
from hf_newscls.modeling.adapters import add_adapter, merge_adapter, save_adapter
from hf_newscls.modeling.output_layer import fold_temperature
from hf_newscls.recipe.model import AdapterSection, ModelSection
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.training.record import TrainingRecord
from hf_newscls.workflow.training import calibration_step
from hf_newscls.workflow.training.calibration_step import calibrate
from tests.conftest import LEARNS
from tests.tiny_models import load_tiny

KINDS: dict[str, dict[str, Any]] = {
    "stock": {},
    "two_layer": {"head": "two_layer"},
    "windows": {"windows": {"count": 2, "length": 16}, "max_length": None},
    "merged": {},
    "adapter": {},
}


def build(encoder: Path, kind: str) -> TrainedClassifier:
    """Load a tiny model, with an adapter that changes its logits if the kind has one."""
    loaded = load_tiny(encoder, **KINDS[kind])
    if kind in {"merged", "adapter"}:
        loaded = add_adapter(loaded, AdapterSection(), seed=17)
        for name, parameter in loaded.model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(1))
    model = merge_adapter(loaded.model) if kind == "merged" else loaded.model
    return TrainedClassifier(model.eval(), loaded.tokenizer)


def draw_rows(classifier: TrainedClassifier, texts: list[str]) -> Dataset:
    """Make the model four times too confident, and draw labels that would fit a calibrated one."""
    batch = classifier.tokenizer(texts[:8], padding=True, truncation=True, return_tensors="pt")
    spread = np.log(predict_probabilities(classifier, texts)).std(axis=1).mean()
    fold_temperature(classifier.model, float(spread) / 6, batch)
    truth = scale_probabilities(predict_probabilities(classifier, texts), 4)
    labels = (truth.cumsum(axis=1) < np.random.default_rng(3).random((len(texts), 1))).sum(axis=1)
    return Dataset.from_dict({"text": texts, "label": labels.tolist(), GROUP: range(len(texts))})


def save(classifier: TrainedClassifier, kind: str, folder: Path) -> None:
    if kind == "adapter":
        save_adapter(classifier.model, folder, base_model="owner/encoder")
    else:
        classifier.model.save_pretrained(folder)
    classifier.tokenizer.save_pretrained(folder)


@pytest.fixture
def texts(news_rows: list[dict[str, str]]) -> list[str]:
    """The tiny news."""
    return [row["title"] for row in news_rows]


@pytest.mark.parametrize("kind", KINDS)
def test_saved_model_gives_scaled_probabilities_and_the_same_answers(
    kind: str, tiny_encoder: Path, texts: list[str], tmp_path: Path
) -> None:
    classifier = build(tiny_encoder, kind)
    rows = draw_rows(classifier, texts)
    before = predict_probabilities(classifier, texts)
    fit = calibrate(classifier, rows)
    assert fit.is_folded
    assert fit.low < 4 < fit.high
    save(classifier, kind, tmp_path / "model")
    encoder = ModelSection(model_name_or_path=str(tiny_encoder)) if kind == "adapter" else None
    after = predict_probabilities(load_classifier(tmp_path / "model", encoder=encoder), texts)
    assert np.abs(after - scale_probabilities(before, fit.temperature)).max() < 1e-6
    assert (after.argmax(axis=1) == before.argmax(axis=1)).all()


def test_calibrated_model_is_not_calibrated_again(tiny_encoder: Path, texts: list[str]) -> None:
    classifier = build(tiny_encoder, "stock")
    rows = draw_rows(classifier, texts)
    calibrate(classifier, rows)
    again = calibrate(classifier, rows)
    assert again.temperature == pytest.approx(1, rel=1e-2)
    assert not again.is_folded


def test_few_rows_leave_the_model_as_it_is(tiny_encoder: Path, texts: list[str]) -> None:
    classifier = build(tiny_encoder, "stock")
    rows = draw_rows(classifier, texts)
    before = predict_probabilities(classifier, texts)
    fit = calibrate(classifier, rows.select([0]))
    assert (fit.rows, fit.is_folded) == (1, False)
    assert np.array_equal(predict_probabilities(classifier, texts), before)


def test_model_that_cannot_be_calibrated_is_kept(
    tiny_encoder: Path, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = build(tiny_encoder, "stock")
    rows = draw_rows(classifier, texts)

    def refuse(*arguments: object) -> None:
        raise ModelError("no linear layer makes the logits")

    monkeypatch.setattr(calibration_step, "fold_temperature", refuse)
    fit = calibrate(classifier, rows)
    assert fit.is_reliable
    assert not fit.is_folded


def read_probabilities(run: workflow.Run) -> NDArray[np.float64]:
    return run.predictions.filter(like="probability of ").to_numpy()


@pytest.mark.slow
@pytest.mark.usefixtures("hub_here")
@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
def test_run_is_calibrated_once(make_recipe: Callable[..., Recipe], noisy_csv: Path, tmp_path: Path) -> None:
    # Label smoothing makes a model underconfident.
    overrides = [
        *LEARNS,
        f"data.source={noisy_csv}",
        "split={train: 0.4, validation: 0.4, test: 0.2}",
        "loss.label_smoothing=0.7",
        "training_arguments.num_train_epochs=20",
        "training_arguments.load_best_model_at_end=false",
        "evaluation.baseline=false",
    ]
    plain = workflow.train(make_recipe(*overrides, "hub.calibrate=false"), runs_dir=tmp_path / "plain")
    run = workflow.train(make_recipe(*overrides), runs_dir=tmp_path / "runs")
    record = TrainingRecord.from_dict(json.loads((run.path / "training.json").read_text()))
    assert record.temperature is not None
    assert record.temperature.is_folded
    temperature = record.folded_temperature
    expected = scale_probabilities(read_probabilities(plain), temperature)
    assert np.abs(read_probabilities(run) - expected).max() < 1e-6
    # What is reported as `before` is what the other run measured.
    before = run.report.calibration.scores_before
    assert before == pytest.approx({name: plain.report.test.scores[name] for name in before}, abs=1e-5)
    again = workflow.evaluate(run)
    assert np.abs(read_probabilities(again) - expected).max() < 1e-6
    assert again.report.calibration.temperature == temperature
    assert plain.report.calibration.temperature == 1
    workflow.publish(run, repo_id="owner/calibrated")
    classify = pipeline("text-classification", "owner/calibrated", top_k=None)
    answers = [
        {one["label"]: one["score"] for one in row}
        for row in classify(run.predictions["text"].tolist(), truncation=True)
    ]
    found = np.array([[answer[label] for label in run.report.label_names] for answer in answers])
    assert np.abs(found - expected).max() < 1e-6
