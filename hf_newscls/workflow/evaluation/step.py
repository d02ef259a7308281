"""The evaluation step of a run: predict, score and analyze the errors; then write the results for people."""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from itertools import islice

import numpy as np
from datasets import Dataset, DatasetDict, concatenate_datasets
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from hf_newscls.data.dates import to_years
from hf_newscls.data.deduplication import GROUP
from hf_newscls.data.manifest import SplitManifest
from hf_newscls.data.preparation import read_dates
from hf_newscls.data.splitting import SPLITS
from hf_newscls.data.text_columns import build_text_columns
from hf_newscls.evaluation.baselines.comparison import FrozenFeatures
from hf_newscls.evaluation.baselines.side_by_side import OtherPredictions
from hf_newscls.evaluation.error_analysis import analyze_errors
from hf_newscls.evaluation.folds import stratified_sample
from hf_newscls.evaluation.report import EvaluationReport, build_report
from hf_newscls.evaluation.statistics.bootstrap import Bootstrap
from hf_newscls.inference.predicting import compute_features, load_classifier, predict_probabilities
from hf_newscls.modeling.loading import load_pretrained
from hf_newscls.modeling.tokenization import count_tokens
from hf_newscls.progress import track
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.error_tables import write_error_tables
from hf_newscls.report.figures.fonts import find_replaced
from hf_newscls.report.figures.run import plot_run
from hf_newscls.report.figures.style import save_figure
from hf_newscls.report.measured_run import MeasuredRun
from hf_newscls.report.other_data import read_other_data
from hf_newscls.report.page import write_report_page
from hf_newscls.report.predictions import write_predictions
from hf_newscls.runs.folder import RunFolder
from hf_newscls.storage import replace_folder, write_json
from hf_newscls.training.record import TrainingRecord

# More rows help a linear head little, and encoding them takes as long as an epoch of training.
_MAX_FROZEN_ROWS = 10_000
# A bootstrap of fewer rows gives intervals that are too narrow, and of width 0 if all predictions are right.
_FEW_TEST_ROWS = 50

logger = logging.getLogger(__name__)


def warn_of_few_rows(test: Dataset) -> None:
    """Warn if scores on these rows mean little."""
    if len(test) < _FEW_TEST_ROWS:
        logger.warning("%d test rows are too few to trust the scores and their intervals", len(test))


def measure_run(
    run: RunFolder, recipe: Recipe, splits: DatasetDict, *, other: OtherPredictions | None = None
) -> MeasuredRun:
    """Predict with the saved model and score it; write predictions and metrics.

    The model is loaded from its folder, so that the published model is the evaluated one.
    """
    test = splits["test"]
    warn_of_few_rows(test)
    frozen = encode_splits(recipe, splits)
    classifier = load_classifier(run.model, encoder=recipe.model)
    logger.info("predicting %s validation and %s test rows", f"{len(splits['validation']):,}", f"{len(test):,}")
    probabilities = {
        split: predict_probabilities(classifier, splits[split]["text"][:]) for split in ("validation", "test")
    }
    report = build_report(
        splits,
        probabilities,
        section=recipe.evaluation,
        seed=recipe.split.seed,
        temperature=run.read_as(run.training, TrainingRecord.from_dict).folded_temperature,
        groups=np.asarray(test[GROUP][:]),
        probes=recipe.probes,
        features=frozen,
        other=other,
    )
    config = run.model / "config.json"
    entry = {**report.calibration.to_config(), "text": build_text_columns(recipe.data).to_config()}
    write_json(config, {**run.read_json(config), "hf_newscls": entry})
    write_predictions(run.predictions, test, probabilities["test"], classifier.label_names)
    measured = _analyze(run, recipe, splits, report, probabilities["test"], classifier.tokenizer)
    example = predict_probabilities(classifier, [recipe.hub.example])[0].tolist()
    _write_metrics(run, measured, example=dict(zip(classifier.label_names, example, strict=True)))
    return measured


def write_results(run: RunFolder, measured: MeasuredRun) -> None:
    """Write figures, error lists and report, with the scores on other data that are in the run folder."""
    figures = plot_run(measured)
    with replace_folder(run.figures) as folder:
        for name, figure in track(figures.items(), "figures", total=len(figures), unit="files"):
            save_figure(figure, folder / f"{name}.png")
    write_error_tables(measured, run.errors)
    write_report_page(measured, figures, run.report, other_data=read_other_data(run.other_data))


def encode_splits(recipe: Recipe, splits: DatasetDict) -> FrozenFeatures | None:
    """Encode all test rows and a sample of the training rows with the encoder as it was before training."""
    section = recipe.evaluation
    if not (section.baseline and section.frozen_encoder):
        return None
    train, test = splits["train"], splits["test"]
    model = recipe.model
    length = model.windows.length if model.windows else model.max_length
    plain = model.model_copy(update={"head": "stock", "head_dropout": None, "windows": None, "max_length": length})
    pretrained = load_pretrained(plain, train.features["label"].names, seed=recipe.seed)
    rows = stratified_sample(np.asarray(train["label"][:]), max_rows=_MAX_FROZEN_ROWS, seed=recipe.seed)
    logger.info(
        "baseline: encoding %s training and %s test rows with the encoder as it was before training",
        f"{len(rows):,}",
        f"{len(test):,}",
    )
    allow_bf16 = recipe.training_arguments.get("bf16") is not False
    return FrozenFeatures(
        train_rows=rows,
        train=compute_features(pretrained, train.select(rows)["text"][:], allow_bf16=allow_bf16),
        test=compute_features(pretrained, test["text"][:], allow_bf16=allow_bf16),
    )


def _analyze(
    run: RunFolder,
    recipe: Recipe,
    splits: DatasetDict,
    report: EvaluationReport,
    test_probabilities: NDArray[np.float32],
    tokenizer: PreTrainedTokenizerBase,
) -> MeasuredRun:
    test = splits["test"]
    counts = count_tokens([text for split in SPLITS for text in splits[split]["text"]], tokenizer)
    ends = np.cumsum([len(splits[split]) for split in SPLITS])[:-1]
    token_counts = dict(zip(SPLITS, np.split(counts.lengths, ends), strict=True))
    years = read_years(splits, recipe)
    groups = np.asarray(test[GROUP][:])
    return MeasuredRun(
        recipe=recipe,
        manifest=run.read_as(run.split, SplitManifest.from_dict),
        record=run.read_as(run.training, TrainingRecord.from_dict),
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
        tokens=counts.summarize(max_length=recipe.model.max_length),
        years=years,
    )


def read_years(splits: DatasetDict, recipe: Recipe) -> dict[str, list[str]] | None:
    """Return the year of each row by split; None if the recipe names no column of dates."""
    # All splits together: one date can show that the day comes first in the others.
    rows = concatenate_datasets([splits[split] for split in SPLITS])
    dates = read_dates(rows, recipe.data, source_name=recipe.data.source_text)
    if dates is None:
        return None
    years = iter(to_years(dates.values))
    return {split: [*islice(years, len(splits[split]))] for split in SPLITS}


def _write_metrics(run: RunFolder, measured: MeasuredRun, *, example: Mapping[str, float]) -> None:
    """Write what was measured; `example` holds the probabilities of the text on the card."""
    record = measured.record
    metrics = {
        **measured.report.to_dict(),
        "errors": measured.errors.to_dict(),
        "example": {"text": measured.recipe.hub.example, "probabilities": example},
        "tokens": asdict(measured.tokens),
        "figure_labels": find_replaced(measured.label_names, measured.shown_labels),
        "train_runtime_seconds": record.runtime_seconds,
        "train_rows": record.train_rows,
        "split_fingerprint": measured.manifest.fingerprint,
        "device": record.device,
        "versions": record.versions,
    }
    write_json(run.metrics, metrics)
