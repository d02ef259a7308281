"""Measure a trained run: predict, score, look at the errors, and write all of it down."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset, DatasetDict
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from hf_newscls.data.deduplication import GROUP
from hf_newscls.data.manifest import SplitManifest
from hf_newscls.data.preparation import read_dates
from hf_newscls.data.splitting import SPLITS
from hf_newscls.evaluation.baselines.comparison import FrozenFeatures
from hf_newscls.evaluation.baselines.side_by_side import OtherPredictions
from hf_newscls.evaluation.calibration.calibration import Calibration
from hf_newscls.evaluation.error_analysis import analyze_errors
from hf_newscls.evaluation.folds import stratified_sample
from hf_newscls.evaluation.report import EvaluationReport, build_report
from hf_newscls.evaluation.statistics.bootstrap import Bootstrap
from hf_newscls.evaluation.token_lengths import summarize_lengths
from hf_newscls.inference.encoding import compute_features
from hf_newscls.inference.predicting import TrainedClassifier, load_classifier, predict_probabilities
from hf_newscls.modeling.loading import load_pretrained
from hf_newscls.modeling.tokenization import count_tokens
from hf_newscls.recipe.model import ModelSection
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.error_tables import write_error_tables
from hf_newscls.report.figures.run import plot_run
from hf_newscls.report.figures.style import save_figure
from hf_newscls.report.measured_run import MeasuredRun
from hf_newscls.report.page import write_report_page
from hf_newscls.report.predictions import PROBABILITY
from hf_newscls.runs.folder import RunFolder
from hf_newscls.storage import replace_file, replace_folder, write_json
from hf_newscls.training.record import TrainingRecord

__all__ = ["measure_run"]

# Beyond these a linear head gains little, and encoding them takes as long as an epoch of training.
_MOST_FROZEN_ROWS = 10_000
# A bootstrap of fewer rows gives intervals that are too narrow, of width 0 where all answers are right.
_FEW_TEST_ROWS = 50

logger = logging.getLogger(__name__)


def measure_run(
    run: RunFolder, recipe: Recipe, splits: DatasetDict, *, other: OtherPredictions | None = None
) -> EvaluationReport:
    """Predict with the saved model, score it, and write predictions, metrics, figures, lists of errors and the report.

    The model is read back from its folder, so what is measured is what is published.

    Args:
        run: where the model is, and where all of it goes.
        recipe: of the run.
        splits: its rows.
        other: what another run's model says of the test rows, for the report to show side by side.
    """
    if len(splits["test"]) < _FEW_TEST_ROWS:
        logger.warning("%d test rows are too few: do not trust scores or their intervals", len(splits["test"]))
    frozen = _encode_splits(recipe, splits)
    classifier = load_classifier(run.model, encoder=recipe.model)
    logger.info("predicting %d validation and %d test rows", len(splits["validation"]), len(splits["test"]))
    validation, test = (predict_probabilities(classifier, splits[split]["text"][:]) for split in ("validation", "test"))
    report = build_report(
        splits,
        validation_probabilities=validation,
        test_probabilities=test,
        section=recipe.evaluation,
        seed=recipe.split.seed,
        groups=np.asarray(splits["test"][GROUP][:]),
        probes=recipe.probes,
        features=frozen,
        other=other,
    )
    _store_calibration(run, report.calibration)
    _write_predictions(run, splits["test"], test, label_names=classifier.label_names)
    measured = _look_closer(run, recipe, splits, report, test, classifier.tokenizer)
    _write_measured(run, measured, example=_answer_example(classifier, recipe.hub.example))
    return report


def _answer_example(classifier: TrainedClassifier, text: str) -> dict[str, Any]:
    """Say what the model answers to the text of the card's snippet."""
    (row,) = predict_probabilities(classifier, [text])
    return {"text": text, "probabilities": dict(zip(classifier.label_names, row.tolist(), strict=True))}


def _encode_splits(recipe: Recipe, splits: DatasetDict) -> FrozenFeatures | None:
    """Encode a sample of the training rows and all test rows as the encoder does before it has learned anything."""
    section = recipe.evaluation
    if not (section.baseline and section.frozen_encoder):
        return None
    train, test = splits["train"], splits["test"]
    pretrained = load_pretrained(_strip_encoder(recipe.model), train.features["label"].names, seed=recipe.seed)
    rows = stratified_sample(np.asarray(train["label"][:]), max_rows=_MOST_FROZEN_ROWS, seed=recipe.seed)
    logger.info("encoding %d training and %d test rows with the frozen encoder", len(rows), len(test))
    return FrozenFeatures(
        train_rows=rows,
        train=compute_features(pretrained, train.select(rows)["text"][:]),
        test=compute_features(pretrained, test["text"][:]),
    )


def _strip_encoder(section: ModelSection) -> ModelSection:
    """Return the section of the encoder as others would load it: with its own head, reading one window."""
    length = section.windows.length if section.windows else section.max_length
    return section.model_copy(update={"head": "stock", "head_dropout": None, "windows": None, "max_length": length})


def _look_closer(
    run: RunFolder,
    recipe: Recipe,
    splits: DatasetDict,
    report: EvaluationReport,
    test_probabilities: NDArray[np.float32],
    tokenizer: PreTrainedTokenizerBase,
) -> MeasuredRun:
    """Put everything about the run together, errors and all."""
    test = splits["test"]
    token_counts = {split: np.asarray(count_tokens(splits[split]["text"][:], tokenizer)) for split in SPLITS}
    years = {split: _read_years(splits[split], recipe) for split in SPLITS} if recipe.data.date else None
    groups = np.asarray(test[GROUP][:])
    return MeasuredRun(
        recipe=recipe,
        manifest=SplitManifest.from_dict(run.read_json(run.split)),
        record=TrainingRecord(**run.read_json(run.training)),
        splits=splits,
        report=report,
        errors=analyze_errors(
            test_probabilities,
            np.asarray(test["label"][:]),
            label_names=report.label_names,
            token_counts=token_counts["test"],
            max_length=recipe.model.max_length,
            years=years["test"] if years else None,
            bootstrap=Bootstrap(recipe.evaluation.bootstrap_resamples, recipe.split.seed, groups=groups),
        ),
        test_probabilities=test_probabilities,
        token_counts=token_counts,
        years=years,
    )


def _read_years(rows: Dataset, recipe: Recipe) -> list[str]:
    dates = read_dates(rows, recipe.data.date, source_name=recipe.data.source_text)
    values = np.datetime_as_string(dates, unit="Y").tolist() if dates is not None else []
    return ["unknown" if value == "NaT" else value for value in values]


def _write_measured(run: RunFolder, measured: MeasuredRun, *, example: Mapping[str, Any]) -> None:
    figures = plot_run(measured)
    with replace_folder(run.figures) as folder:
        for name, figure in figures.items():
            save_figure(figure, folder / f"{name}.png")
    write_error_tables(measured, run.errors)
    write_report_page(measured, figures, run.report)
    record = measured.record
    lengths = np.concatenate([measured.token_counts[split] for split in SPLITS]).tolist()
    metrics = {
        **measured.report.to_dict(),
        "errors": measured.errors.to_dict(),
        "example": example,
        "tokens": summarize_lengths(lengths, max_length=measured.recipe.model.max_length).to_dict(),
        "train_runtime_seconds": record.runtime_seconds,
        "train_rows": record.train_rows,
        "split_fingerprint": measured.manifest.fingerprint,
        "device": record.device,
        "versions": record.versions,
    }
    write_json(run.metrics, metrics)


def _store_calibration(run: RunFolder, calibration: Calibration) -> None:
    """Write temperature and threshold into the model's config, where whoever loads it finds them."""
    path = run.model / "config.json"
    write_json(path, {**run.read_json(path), "hf_newscls": calibration.to_config()})


def _write_predictions(
    run: RunFolder, test: Dataset, probabilities: NDArray[np.float32], *, label_names: list[str]
) -> None:
    """Write id, text, reference, prediction and `probability of LABEL` for each row, in the rows' own order."""
    columns = {
        "id": test["id"][:],
        "text": test["text"][:],
        "reference": [label_names[label] for label in test["label"]],
        "prediction": [label_names[label] for label in probabilities.argmax(axis=1)],
    }
    columns |= {f"{PROBABILITY}{name}": probabilities[:, index] for index, name in enumerate(label_names)}
    with replace_file(run.predictions) as fresh:
        pq.write_table(pa.table(columns), fresh)
