"""Evaluate a trained model on other data than its own test set."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hf_newscls.errors import InputError, NewsclsError, format_examples
from hf_newscls.recipe.data import SplitSection
from hf_newscls.recipe.lookup import is_recipe_path
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.storage import check_replaceable, report_disk_errors
from hf_newscls.workflow.model_address import ModelAddress, find_model_address
from hf_newscls.workflow.prepare import load_recipe, prepare
from hf_newscls.workflow.quiet import quiet_libraries
from hf_newscls.workflow.run import Run

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

    from hf_newscls.evaluation.other_data import OtherDataReport
    from hf_newscls.evaluation.report import EvaluationReport
    from hf_newscls.report.other_data import MeasuredRows

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class OtherDataRun:
    """A trained model that was evaluated on other data.

    Attributes:
        path: the folder; start with its `report.html`.
        report: the scores.
    """

    path: Path
    report: OtherDataReport


@quiet_libraries()
def evaluate_on(
    model: Run | str | Path,
    on: str | Path,
    *,
    name: str | None = None,
    data: str | Path | None = None,
    output: str | Path | None = None,
    runs_dir: str | Path = "runs",
) -> OtherDataRun:
    """Evaluate a trained model on the test set of another recipe, or on all rows of a labeled file.

    Rows are left out if the model was trained or validated on their text, or on a near duplicate. The output folder
    gets metrics, predictions, mistakes and a page.

    Args:
        model: a run, a run folder, a model folder, a Hub id, or the name or path of a recipe, for its latest run.
        on: the name or path of a recipe; or the address of a file, which is read as the recipe of the run says.
        name: of the data, in tables; by default that of the recipe or of the file.
        data: the news file of the recipe `on`; replaces its `data.source`. If that names a file for each split, all
            rows of this file are used.
        output: folder to write; by default `on/NAME` in the run folder, or `on/MODEL/NAME` for another model.
        runs_dir: where the run folders are.

    Raises:
        InputError: model, recipe or data cannot be used, the labels do not match, or no row is left; or the folder
            has the scores on other data of this name.
    """
    from hf_newscls.report.other_data import METRICS, PAGE, name_folder, write_other_data

    address = find_model_address(model, runs_dir=runs_dir)
    rows = _read_rows(str(on), address, data=data)
    name = name_folder(name or rows.name)
    parent = address.run.other_data if address.run else Path("on", name_folder(address.name))
    folder = Path(output) if output is not None else parent / name
    check_replaceable(folder, markers=[METRICS, PAGE], content="an evaluation on other data")
    _refuse_other_source(folder, rows.source)
    measured = _measure(address, rows, name=name)
    with report_disk_errors(folder):
        write_other_data(measured, folder, source=rows.source, model_name=address.name, own=_read_own_report(address))
    logger.info("wrote %s", folder)
    return OtherDataRun(folder, measured.report)


def _refuse_other_source(folder: Path, source: str) -> None:
    """Refuse to replace the scores on other data with the same name."""
    from hf_newscls.report.other_data import read_source

    before = read_source(folder)
    if before not in (None, source):
        raise InputError(
            f"{folder}: has the scores on {before}, not on {source}; set --output to another folder, or remove this one"
        )


def check_other_data(recipe: Recipe, label_names: Sequence[str]) -> None:
    """Warn before the training if the model cannot be evaluated on the data of `evaluation.on`."""
    for name, on in recipe.evaluation.on.items():
        try:
            other = load_recipe(on)
            _match_labels(label_names, prepare(other).label_names, other, model=recipe.name)
        except NewsclsError as error:
            logger.warning("the model will not be evaluated on `evaluation.on.%s`: %s", name, error)


@dataclass(frozen=True)
class _Rows:
    """Labeled rows, and the recipe that reads them."""

    name: str
    recipe: Recipe
    dataset: Dataset

    @property
    def label_names(self) -> list[str]:
        """Label names in the order of their ids."""
        names: list[str] = self.dataset.features["label"].names
        return names

    @property
    def source(self) -> str:
        """Addresses of the data files, joined by commas; local paths are absolute."""
        return ", ".join(
            os.path.abspath(path) if os.path.exists(path := os.path.expanduser(address)) else address
            for address in self.recipe.data.sources
        )


def _read_rows(on: str, address: ModelAddress, *, data: str | Path | None) -> _Rows:
    """Return the test set of a recipe, or all rows of a file."""
    is_name = not os.path.exists(on) and "/" not in on and not os.path.splitext(on)[1]
    if is_name or is_recipe_path(on):
        recipe = load_recipe(on, data=data)
        if data is not None and load_recipe(on).data.has_splits:  # the recipe has a file for each split
            return _Rows(recipe.name, *_read_file(str(data), recipe))
        return _Rows(recipe.name, recipe, prepare(recipe).splits["test"])
    if address.recipe is None:
        raise InputError(
            f"{on}: a file, but {address.name} has no recipe that says which column is the label; write a recipe for "
            "the file, and name it"
        )
    if data is not None:
        raise InputError(f"data is {str(data)!r}, but {on!r} is not a recipe that could read it; leave one out")
    return _Rows(Path(on).stem, *_read_file(on, address.recipe))


def _read_file(source: str, recipe: Recipe) -> tuple[Recipe, Dataset]:
    """Return all usable rows of a file, and the recipe that read them."""
    from hf_newscls.data.deduplication import resolve_duplicates
    from hf_newscls.data.preparation import fetch_recipe_source, read_source

    # Only text and label are needed: the file may lack the other columns, and some of the labels.
    section = recipe.data.model_copy(
        update={
            "source": source,
            "sha256": None,
            "id": None,
            "date": None,
            "keep": [],
            "labels": None,
            "min_count": 1,
            "duplicates": "group",
        }
    )
    evaluation = recipe.evaluation.model_copy(update={"probes": {}})
    plain = recipe.model_copy(update={"data": section, "split": SplitSection(), "evaluation": evaluation})
    cleaned = read_source(plain, fetch_recipe_source(plain), allows_one_label=True)
    return plain, resolve_duplicates(cleaned, plain.data).cleaned.dataset


def _measure(address: ModelAddress, rows: _Rows, *, name: str) -> MeasuredRows:
    """Predict and score the rows that the model has not seen."""
    from hf_newscls.comparison.label_maps import translate_probabilities
    from hf_newscls.data.deduplication import GROUP
    from hf_newscls.evaluation.other_data import score_other_data
    from hf_newscls.evaluation.statistics.bootstrap import Bootstrap
    from hf_newscls.inference.predicting import predict_probabilities
    from hf_newscls.report.other_data import MeasuredRows
    from hf_newscls.workflow.evaluation.step import warn_of_few_rows

    section, classifier = rows.recipe.evaluation, address.load()
    names, indices = _match_labels(classifier.label_names, rows.label_names, rows.recipe, model=address.name)
    dataset, seen_rows = _leave_out_seen(_relabel(rows.dataset, rows.label_names, names), address, name=name)
    warn_of_few_rows(dataset)
    logger.info("predicting %s rows of %s with %s", f"{len(dataset):,}", name, address.name)
    own_probabilities = predict_probabilities(classifier, dataset["text"][:])
    dropped = [index for index, target in enumerate(indices) if target is None]
    probabilities = translate_probabilities(own_probabilities, indices, num_labels=len(names))
    groups = np.asarray(dataset[GROUP][:])
    report = score_other_data(
        probabilities,
        np.asarray(dataset["label"][:]),
        name=name,
        label_names=names,
        never_predicted=[one for index, one in enumerate(names) if index not in indices],
        seen_rows=seen_rows,
        dropped_labels=[classifier.label_names[index] for index in dropped],
        dropped_rows=int(np.isin(own_probabilities.argmax(axis=1), dropped).sum()),
        bootstrap=Bootstrap(section.bootstrap_resamples, rows.recipe.split.seed, groups=groups, top_k=section.top_k),
    )
    return MeasuredRows(report, dataset, probabilities)


def _match_labels(
    model_labels: Sequence[str], found: Sequence[str], recipe: Recipe, *, model: str
) -> tuple[list[str], list[int | None]]:
    """Return the labels to score, and for each label of the model its index among them, or None if it is dropped.

    If the model has all labels of the data, its labels are scored: a file need not have rows of every label.
    """
    from hf_newscls.comparison.label_maps import map_labels

    is_known = {*found} <= {*model_labels}
    if len(found) == 1 and not is_known:
        raise InputError(
            f"{recipe.data.source_text}: all rows have the label {found[0]!r}, but the labels of {model} are "
            f"{format_examples(model_labels)}; write the label as the model does"
        )
    names = [*(model_labels if is_known else found)]
    return names, map_labels(model_labels, names, recipe.evaluation.label_maps.get(model, {}), model=model)


def _relabel(dataset: Dataset, before: Sequence[str], names: Sequence[str]) -> Dataset:
    """Return the rows with ids among these label names."""
    from datasets import ClassLabel

    # Not by `align_labels_with_mapping`, which ignores case.
    ids = np.array([names.index(name) for name in before])[dataset["label"][:]]
    return dataset.remove_columns("label").add_column("label", ids, feature=ClassLabel(names=[*names]))


def _leave_out_seen(dataset: Dataset, address: ModelAddress, *, name: str) -> tuple[Dataset, int | None]:
    """Return the rows that are no duplicates of a training or validation row, and how many were left out."""
    from hf_newscls.data.duplicates import find_duplicates

    splits = _read_splits(address)
    if splits is None or address.recipe is None:
        return dataset, None
    seen = [text for split in ("train", "validation") for text in splits[split]["text"][:]]
    # The seen texts are first, so a group with one of them has the index of one.
    found = find_duplicates([*seen, *dataset["text"][:]], address.recipe.data.near_duplicates)
    unseen = np.flatnonzero(found.groups[len(seen) :] >= len(seen))
    if not len(unseen):
        raise InputError(f"{name}: the model was trained or validated on all {len(dataset):,} texts; name other data")
    kept = dataset.select(unseen)
    if own := len({*kept["text"][:]} & {*splits["test"]["text"][:]}):
        logger.warning("%s: texts that are also in the model's own test set: %s", name, f"{own:,}")
    return kept, len(dataset) - len(unseen)


def _read_splits(address: ModelAddress) -> DatasetDict | None:
    """Return the rows that the model was trained, validated and tested on; None if they are not known."""
    if address.run is None or address.recipe is None:
        return None
    try:
        prepared = prepare(address.recipe)
    except NewsclsError as error:
        logger.warning("rows that the model was trained on cannot be left out: %s", error)
        return None
    if prepared.manifest.fingerprint != address.run.read_fingerprint():
        source = address.recipe.data.source_text
        logger.warning("rows that the model was trained on cannot be left out: %s has changed", source)
        return None
    return prepared.splits


def _read_own_report(address: ModelAddress) -> EvaluationReport | None:
    from hf_newscls.evaluation.report import EvaluationReport

    run = address.run
    return run.read_as(run.metrics, EvaluationReport.from_dict) if run and run.metrics.is_file() else None
