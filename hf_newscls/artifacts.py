"""Write what a run leaves behind: model, predictions, metrics, figures and card."""

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset, DatasetDict
from numpy.typing import NDArray
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from hf_newscls.data.deduplication import GROUP
from hf_newscls.data.manifest import SplitManifest
from hf_newscls.data.splitting import SIDES
from hf_newscls.data.tokenization import count_tokens
from hf_newscls.evaluation import plots, plots_reliability
from hf_newscls.evaluation.calibration import Calibration
from hf_newscls.evaluation.comparison import FrozenFeatures
from hf_newscls.evaluation.figures import save_figure
from hf_newscls.evaluation.folds import choose_rows
from hf_newscls.evaluation.lengths import TokenLengths, summarize_lengths
from hf_newscls.evaluation.report import EvaluationReport, build_report
from hf_newscls.hub.card import CARD_FIGURES, render_card
from hf_newscls.inference.encoding import encode_texts
from hf_newscls.inference.predicting import TrainedClassifier, load_classifier, predict_probabilities
from hf_newscls.modeling.adapters import merge_adapter, save_adapter
from hf_newscls.modeling.loading import load_pretrained
from hf_newscls.recipe import Recipe
from hf_newscls.run_folder import RunFolder
from hf_newscls.storage import replace_file, replace_folder, write_json, write_text
from hf_newscls.training_record import TrainingRecord

__all__ = ["measure_run", "render_run_card", "save_model", "write_card"]

# Beyond these a linear head gains little, and encoding them takes as long as an epoch of training.
_MOST_FROZEN_ROWS = 20_000

logger = logging.getLogger(__name__)


def save_model(run: RunFolder, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, recipe: Recipe) -> None:
    """Write the folder that `pipeline()` loads, whole or not at all; code of our own classes goes with it.

    Args:
        run: the run.
        model: as trained; its adapter is merged, in place, unless the recipe wants it alone.
        tokenizer: of the model.
        recipe: of the run.
    """
    with replace_folder(run.model) as folder:
        if recipe.is_adapter_alone and recipe.base_model is not None:
            save_adapter(model, folder, base_model=recipe.base_model, revision=recipe.base_revision)
        else:
            merge_adapter(model).save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def measure_run(run: RunFolder, recipe: Recipe, splits: DatasetDict) -> EvaluationReport:
    """Predict with the saved model, score it, and write predictions, metrics and figures.

    The model is read back from its folder, so what is measured is what is published.
    """
    frozen = _encode_sides(recipe, splits)
    classifier = load_classifier(run.model, encoder=recipe.model)
    logger.info("predicting %d validation and %d test rows", len(splits["validation"]), len(splits["test"]))
    validation, test = (predict_probabilities(classifier, splits[side]["text"][:]) for side in ("validation", "test"))
    report = build_report(
        splits,
        validation_probabilities=validation,
        test_probabilities=test,
        section=recipe.evaluation,
        seed=recipe.split.seed,
        groups=np.asarray(splits["test"][GROUP][:]),
        probes=recipe.probes,
        features=frozen,
    )
    _store_calibration(run, report.calibration)
    _write_predictions(run.predictions, splits["test"], test, label_names=classifier.label_names)
    record = _read_record(run)
    lengths = count_tokens([text for side in SIDES for text in splits[side]["text"]], classifier.tokenizer)
    _write_figures(run, recipe, splits, report, record, lengths)
    metrics = {
        **report.to_dict(),
        "example": _answer_example(classifier, recipe.hub.example),
        "tokens": summarize_lengths(lengths, max_length=recipe.model.max_length).to_dict(),
        "train_runtime_seconds": record.runtime_seconds,
        "train_rows": record.train_rows,
        "split_fingerprint": run.read_json(run.split)["fingerprint"],
        "device": record.device,
        "versions": record.versions,
    }
    write_json(run.metrics, metrics)
    return report


def write_card(run: RunFolder, recipe: Recipe, *, cards_dir: Path | None = None) -> None:
    """Write the card of a measured run into its model folder, and a copy into `cards_dir` where that is given.

    Args:
        run: the run.
        recipe: of the run.
        cards_dir: a folder of cards; the copy is named after the recipe, its figures beside it.
    """
    address = recipe.hub.repo_id  # until it is known the snippet loads the folder
    write_text(run.model / "README.md", render_run_card(run, recipe, model_address=address or "."))
    _copy_figures(run.figures, run.model / "figures")
    if cards_dir is not None:
        local = f"{run.path.parent.parent.name}/{recipe.name}/latest/model"
        figures = f"figures/{recipe.name}"
        write_text(
            cards_dir / f"{recipe.name}.md",
            render_run_card(run, recipe, model_address=address or local, figures=figures),
        )
        _copy_figures(run.figures, cards_dir / figures)


def render_run_card(
    run: RunFolder, recipe: Recipe, *, model_address: str, figures: str = "figures", notes: str = ""
) -> str:
    """Return the card of a measured run, from what its folder holds.

    Raises:
        RunError: the run is not complete.
    """
    metrics = run.read_json(run.metrics)
    example = metrics.get("example", {})
    return render_card(
        recipe,
        SplitManifest.from_dict(run.read_json(run.split)),
        _read_record(run),
        EvaluationReport.from_dict(metrics),
        model_address=model_address,
        lengths=TokenLengths.from_dict(metrics["tokens"]) if "tokens" in metrics else None,
        answer=example["probabilities"] if example.get("text") == recipe.hub.example else None,
        figures=figures,
        notes=notes,
    )


def _copy_figures(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name in CARD_FIGURES:
        shutil.copyfile(source / name, target / name)


def _read_record(run: RunFolder) -> TrainingRecord:
    return TrainingRecord(**run.read_json(run.training))


def _answer_example(classifier: TrainedClassifier, text: str) -> dict[str, Any]:
    """Say what the model answers to the text of the card's snippet."""
    (row,) = predict_probabilities(classifier, [text])
    return {"text": text, "probabilities": dict(zip(classifier.label_names, row.tolist(), strict=True))}


def _encode_sides(recipe: Recipe, splits: DatasetDict) -> FrozenFeatures | None:
    """Encode a sample of the training rows and all test rows as the encoder does before it has learned anything."""
    section = recipe.evaluation
    if not (section.baseline and section.frozen_encoder):
        return None
    train, test = splits["train"], splits["test"]
    encoder = recipe.model.model_copy(update={"head": "stock", "head_dropout": None})
    pretrained = load_pretrained(encoder, train.features["label"].names, seed=recipe.seed)
    rows = choose_rows(np.asarray(train["label"][:]), max_rows=_MOST_FROZEN_ROWS, seed=recipe.seed)
    logger.info("encoding %d training and %d test rows with the frozen encoder", len(rows), len(test))
    return FrozenFeatures(
        train_rows=rows,
        train=encode_texts(pretrained, train.select(rows)["text"][:]),
        test=encode_texts(pretrained, test["text"][:]),
    )


def _store_calibration(run: RunFolder, calibration: Calibration) -> None:
    """Write temperature and threshold into the model's config, where whoever loads it finds them."""
    path = run.model / "config.json"
    write_json(path, {**run.read_json(path), "hf_newscls": calibration.to_config()})


def _write_predictions(
    path: Path, test: Dataset, probabilities: NDArray[np.float32], *, label_names: list[str]
) -> None:
    """Write id, text, reference, prediction and `probability of LABEL` for each row, in the rows' own order."""
    columns = {
        "id": test["id"][:],
        "text": test["text"][:],
        "reference": [label_names[label] for label in test["label"]],
        "prediction": [label_names[label] for label in probabilities.argmax(axis=1)],
    }
    columns |= {f"probability of {name}": probabilities[:, place] for place, name in enumerate(label_names)}
    with replace_file(path) as fresh:
        pq.write_table(pa.table(columns), fresh)


def _write_figures(
    run: RunFolder,
    recipe: Recipe,
    splits: DatasetDict,
    report: EvaluationReport,
    record: TrainingRecord,
    lengths: Sequence[int],
) -> None:
    names = report.label_names
    counts = {side: np.bincount(splits[side]["label"][:], minlength=len(names)).tolist() for side in SIDES}
    figures = {
        "loss_curves.png": plots.plot_loss_curves(
            record.log_history, unfreeze_step=record.boundary_step or None, best_step=record.best_step
        ),
        "confusion_matrix.png": plots.plot_confusion_matrix(report.confusion, label_names=names),
        "reliability.png": plots_reliability.plot_reliability(
            report.calibration.before, report.calibration.after, temperature=report.calibration.temperature
        ),
        "label_distribution.png": plots.plot_label_distribution(counts, label_names=names),
        "text_lengths.png": plots.plot_text_lengths(lengths, max_length=recipe.model.max_length),
    }
    with replace_folder(run.figures) as folder:
        for name, figure in figures.items():
            save_figure(figure, folder / name)
