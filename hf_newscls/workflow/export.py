"""Export a trained model as ONNX files."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hf_newscls.errors import InputError, format_examples
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.storage import check_replaceable, replace_folder, report_disk_errors
from hf_newscls.workflow.model_address import ModelAddress, find_model_address
from hf_newscls.workflow.prepare import load_recipe, prepare
from hf_newscls.workflow.quiet import quiet_libraries
from hf_newscls.workflow.run import Run

if TYPE_CHECKING:
    from hf_newscls.onnx_export.record import ExportRecord

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExportedModel:
    """A model as ONNX files.

    Attributes:
        path: the folder: `onnx/model.onnx`, perhaps `onnx/model_quantized.onnx`, config.json and the tokenizer.
        record: what was measured on the test rows, by file.
    """

    path: Path
    record: ExportRecord


@quiet_libraries()
def export(
    model: Run | str | Path,
    *,
    int8: bool = False,
    max_loss: float = 0.005,
    on: str | Path | None = None,
    output: str | Path | None = None,
    runs_dir: str | Path = "runs",
) -> ExportedModel:
    """Write a trained model as ONNX files, if they answer as the model does on every test row.

    The file with weights of 32 bits must give the same label for each row, and logits that differ by at most 0.0001.
    The file with weights of 8 bits may lose some accuracy. Nothing is written if one of them differs more.

    Args:
        model: a run, a run folder, a model folder, a Hub id, or the name or path of a recipe, for its latest run.
        int8: also write `onnx/model_quantized.onnx`, with weights of 8 bits.
        max_loss: how much accuracy or macro F1 that file may lose, at the end of the 95% interval.
        on: the name or path of a recipe with the test rows; by default those of the run.
        output: folder to write; by default `export` in the run folder.
        runs_dir: where the run folders are.

    Raises:
        InputError: there is no such model, it has no run and `on` or `output` is missing, its labels are not those of
            the test rows, it cannot be exported, a file answers differently, or a package is missing.
    """
    from hf_newscls.evaluation.statistics.bootstrap import Bootstrap
    from hf_newscls.onnx_export.export import ParityRows, export_classifier
    from hf_newscls.onnx_export.graphs import check_packages
    from hf_newscls.onnx_export.record import RECORD_FILE

    check_packages()
    address = find_model_address(model, runs_dir=runs_dir)
    folder = _choose_folder(address, output)
    check_replaceable(folder, markers=[RECORD_FILE], content="an exported model")
    texts, references, recipe = _read_test_rows(address, on)
    classifier = address.load()
    ids = {name: label for label, name in enumerate(classifier.label_names)}
    if unknown := sorted({*references} - ids.keys()):
        raise InputError(
            f"{address.address}: the test rows have the labels {format_examples(unknown)}, but the model has "
            f"{format_examples(ids)}; name a recipe with the labels of the model"
        )
    bootstrap = Bootstrap(recipe.evaluation.bootstrap_resamples, recipe.split.seed)
    rows = ParityRows(texts, np.array([ids[name] for name in references]), bootstrap)
    logger.info("exporting %s; its files are compared on %s test rows", address.address, f"{len(texts):,}")
    with report_disk_errors(folder), replace_folder(folder) as new:
        record = export_classifier(classifier, rows, new, int8=int8, max_loss=max_loss)
    logger.info("wrote %s", folder)
    return ExportedModel(folder, record)


def _choose_folder(address: ModelAddress, output: str | Path | None) -> Path:
    if output is not None:
        return Path(output)
    if address.run is None:
        raise InputError(f"{address.address}: not a run, so there is no folder for the export; name one with --output")
    return address.run.export


def _read_test_rows(address: ModelAddress, on: str | Path | None) -> tuple[list[str], list[str], Recipe]:
    """Return texts and label names of the test rows, and the recipe that says how to draw them."""
    from hf_newscls.report.predictions import read_labeled_texts

    if on is not None:
        recipe = load_recipe(on)
        test = prepare(recipe).splits["test"]
        names = test.features["label"].names
        return test["text"][:], [names[label] for label in test["label"]], recipe
    if address.run is None or address.recipe is None:
        raise InputError(f"{address.address}: not a run, so it has no test rows; name a recipe that has some with --on")
    return *read_labeled_texts(address.run.predictions), address.recipe
