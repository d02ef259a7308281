"""The commands, each as the flow: overview, prepare, train, evaluate, predict, publish, compare.

Heavy libraries are imported inside the functions that need them, so that the command line answers at once.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.checkpoints import discard_unfinished
from hf_newscls.errors import RunError, describe_offenders
from hf_newscls.processes import run_on_main
from hf_newscls.recipe import ModelSection, Recipe
from hf_newscls.recipe_io import read_recipe, recipe_to_yaml
from hf_newscls.resuming import open_run
from hf_newscls.run_folder import RunFolder, find_run, find_runs
from hf_newscls.storage import (
    check_folder,
    check_replaceable,
    check_room,
    replace_folder,
    report_full_disk,
    write_json,
    write_text,
)

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict
    from transformers import TrainingArguments

    from hf_newscls.data.splitting import SplitManifest
    from hf_newscls.evaluation.report import EvaluationReport
    from hf_newscls.hub.leaderboard import Leaderboard
    from hf_newscls.modeling.loading import PretrainedClassifier
    from hf_newscls.overview import Overview
    from hf_newscls.training.backend import Backend
    from hf_newscls.training.optimizer import TwoStageSchedule

__all__ = [
    "Plan",
    "Prediction",
    "PreparedData",
    "compare",
    "evaluate",
    "overview",
    "plan",
    "predict",
    "prepare",
    "publish",
    "save_prepared",
    "train",
]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreparedData:
    """Rows that were read, cleaned and split.

    Attributes:
        splits: train, validation and test, with id, text, label and what the recipe keeps.
        manifest: what decided the split and what came of it.
    """

    splits: DatasetDict
    manifest: SplitManifest

    @property
    def label_names(self) -> list[str]:
        """Label names in the order of their ids."""
        names: list[str] = self.splits["train"].features["label"].names
        return names


@dataclass(frozen=True)
class Plan:
    """What a training would do.

    Attributes:
        prepared: the rows.
        schedule: both stages in steps.
        device: what it would run on.
        parameters: of the encoder with its head.
        new_parameters: those of them that stage 1 trains.
    """

    prepared: PreparedData
    schedule: TwoStageSchedule
    device: str
    parameters: int
    new_parameters: int


@dataclass(frozen=True)
class Prediction:
    """The most probable labels of a text, best first, with their probabilities."""

    text: str
    labels: Sequence[str]
    probabilities: Sequence[float]


def prepare(recipe: Recipe) -> PreparedData:
    """Read, clean and split the recipe's data file.

    Raises:
        SourceError: the file is not there, or cannot be fetched.
        DataError: its content does not fit the recipe.
    """
    from hf_newscls.data.cleaning import clean_rows
    from hf_newscls.data.reading import read_rows
    from hf_newscls.data.source import fetch_source
    from hf_newscls.data.splitting import build_manifest, split_rows
    from hf_newscls.files import compute_sha256

    data = recipe.data
    path = fetch_source(data.source, sha256=data.sha256)
    rows = read_rows(path, columns=[*data.text, data.label, *data.keep], id_column=data.id, encoding=data.encoding)
    cleaned = clean_rows(rows, data, where=str(path))
    splits = split_rows(cleaned.dataset, recipe.split, where=str(path))
    manifest = build_manifest(splits, cleaned, recipe.split, source=data.source, source_sha256=compute_sha256(path))
    return PreparedData(splits, manifest)


def overview(recipe: Recipe, folder: Path) -> Overview:
    """Say what is in the recipe's data file, and write it as a page with figures, JSON and lists of rows.

    Args:
        recipe: what to read, and the model whose tokenizer counts.
        folder: what is written; an earlier overview there is replaced.

    Raises:
        InputError: recipe, data or tokenizer cannot be used, or the folder holds something else.
    """
    from hf_newscls.data.cleaning import clean_rows
    from hf_newscls.data.reading import read_rows
    from hf_newscls.data.source import fetch_source

    check_replaceable(folder, sign="overview.json", content="an overview")
    data = recipe.data
    path = fetch_source(data.source, sha256=data.sha256)
    rows = read_rows(path, columns=recipe.columns, id_column=data.id, encoding=data.encoding)
    cleaned = clean_rows(rows, data, where=str(path))
    dates = _find_dates(rows, cleaned.dataset, column=data.date) if data.date else None

    # These take seconds to import: a file that cannot be used is answered before.
    from hf_newscls.modeling.loading import load_tokenizer
    from hf_newscls.overview import build_overview
    from hf_newscls.overview_page import write_overview

    found = build_overview(recipe, cleaned, load_tokenizer(recipe.model), dates=dates)
    write_overview(found, folder)
    logger.info("wrote %s", folder / "overview.md")
    return found


def _find_dates(rows: Dataset, kept: Dataset, *, column: str) -> list[str | None]:
    dates = dict(zip(rows["id"][:], rows[column][:], strict=True))
    return [dates[row_id] for row_id in kept["id"][:]]


def save_prepared(prepared: PreparedData, folder: Path) -> None:
    """Save the `DatasetDict`, for `datasets.load_from_disk`, with the manifest beside it.

    Raises:
        RunError: the folder holds something else, which would be lost.
    """
    folder = folder.resolve()
    check_folder(folder)
    if folder.exists() and not (folder / "dataset_dict.json").is_file() and any(folder.iterdir()):
        raise RunError(f"{folder}: must be new, empty or hold prepared data, found other files; name another folder")
    with report_full_disk(folder), replace_folder(folder) as fresh:
        prepared.splits.save_to_disk(fresh)
        write_json(fresh / "split.json", prepared.manifest.to_dict())


def plan(recipe: Recipe) -> Plan:
    """Go through everything that comes before training, and train nothing.

    Raises:
        InputError: recipe, data or model cannot be used.
    """
    from hf_newscls.training.arguments import build_training_arguments
    from hf_newscls.training.backend import detect_backend
    from hf_newscls.training.optimizer import plan_schedule

    prepared = prepare(recipe)
    classifier = _load_classifier(recipe, prepared.label_names)
    backend = detect_backend(use_cpu=bool(recipe.training_arguments.get("use_cpu")))
    arguments = build_training_arguments(recipe, output_dir=Path("checkpoints"), backend=backend)
    parameters = dict(classifier.model.named_parameters())
    new = [one for name, one in parameters.items() if one.requires_grad and name not in classifier.backbone_parameters]
    return Plan(
        prepared=prepared,
        schedule=plan_schedule(
            recipe.freeze, arguments, train_rows=len(prepared.splits["train"]), finetune=recipe.finetune
        ),
        device=backend.name,
        parameters=sum(one.numel() for one in parameters.values()),
        new_parameters=sum(one.numel() for one in new),
    )


def _load_classifier(recipe: Recipe, label_names: Sequence[str]) -> PretrainedClassifier:
    from hf_newscls.modeling.loading import load_pretrained

    classifier = load_pretrained(recipe.model, label_names, seed=recipe.seed)
    if recipe.adapter is None:
        return classifier
    from hf_newscls.modeling.adapters import add_adapter

    return add_adapter(classifier, recipe.adapter, seed=recipe.seed)


def train(
    recipe: Recipe, *, runs_dir: Path, cards_dir: Path | None = None, is_fresh: bool = False
) -> tuple[RunFolder, EvaluationReport]:
    """Train, evaluate and write the whole run folder; `latest` points at it once it is complete.

    A run that was interrupted goes on where it stopped. Several processes, as `accelerate launch` starts them, train
    together; one of them does everything else.

    Args:
        recipe: what to do.
        runs_dir: where run folders are kept.
        cards_dir: where a copy of the card goes, if anywhere.
        is_fresh: begin a new run even where one was interrupted.

    Raises:
        InputError: recipe, data or model cannot be used, or the interrupted run had others; no run folder was made.
        StorageError: the disk is full; what was half-written is gone.
        TrainingInterrupted: a signal came; a checkpoint was written.
    """
    from hf_newscls.data.tokenization import tokenize_splits
    from hf_newscls.training.arguments import build_training_arguments
    from hf_newscls.training.backend import detect_backend

    for folder in (runs_dir, cards_dir or runs_dir):
        check_folder(folder)
    prepared = prepare(recipe)
    backend = detect_backend(use_cpu=bool(recipe.training_arguments.get("use_cpu")))
    arguments = build_training_arguments(recipe, output_dir=runs_dir, backend=backend)
    classifier = _load_classifier(recipe, prepared.label_names)
    tokenized = tokenize_splits(prepared.splits, classifier.tokenizer, max_length=recipe.model.max_length)
    check_room(runs_dir, parameters=classifier.model.num_parameters())
    with ExitStack() as stack:
        # The lock is held by the main process alone.
        opened = run_on_main(
            lambda: stack.enter_context(
                open_run(recipe, fingerprint=prepared.manifest.fingerprint, runs_dir=runs_dir, is_fresh=is_fresh)
            )
        )
        run = opened.run
        arguments.output_dir = str(run.checkpoints)
        stack.enter_context(report_full_disk(run.path))
        discarding = discard_unfinished(run.path, checkpoints=run.checkpoints, sign=run.training)
        run_on_main(lambda: stack.enter_context(discarding))
        run_on_main(lambda: _describe_run(run, recipe, prepared))
        if not run.training.is_file():
            _fit(run, recipe, classifier, tokenized, arguments, backend, resume_from=opened.checkpoint)
        report = run_on_main(lambda: _measure(run, recipe, prepared, cards_dir=cards_dir))
    logger.info("finished %s", run.path)
    return run, report


def _describe_run(run: RunFolder, recipe: Recipe, prepared: PreparedData) -> None:
    write_text(run.recipe, recipe_to_yaml(recipe))
    write_json(run.split, prepared.manifest.to_dict())


def _fit(
    run: RunFolder,
    recipe: Recipe,
    classifier: PretrainedClassifier,
    tokenized: DatasetDict,
    arguments: TrainingArguments,
    backend: Backend,
    *,
    resume_from: Path | None,
) -> None:
    from hf_newscls.artifacts import save_model
    from hf_newscls.training.fitting import fit_classifier

    record = fit_classifier(
        classifier,
        tokenized,
        arguments=arguments,
        freeze=recipe.freeze,
        finetune=recipe.finetune,
        backend=backend,
        lengths=backend.choose_lengths(recipe.model),
        resume_from=resume_from,
    )

    def save() -> None:
        save_model(run, classifier.model, classifier.tokenizer, recipe=recipe)
        write_json(run.training, record.to_dict())

    run_on_main(save)


def _measure(run: RunFolder, recipe: Recipe, prepared: PreparedData, *, cards_dir: Path | None) -> EvaluationReport:
    from hf_newscls.artifacts import measure_run, write_card

    report = measure_run(run, recipe, prepared.splits)
    write_card(run, recipe, cards_dir=cards_dir)
    run.mark_latest()
    return report


def evaluate(name_or_path: str, *, runs_dir: Path, cards_dir: Path | None = None) -> tuple[RunFolder, EvaluationReport]:
    """Measure a finished run anew: predictions, metrics, figures and card.

    Raises:
        RunError: there is no such run, or its data file no longer gives the split it was trained on.
    """
    from hf_newscls.artifacts import measure_run, write_card

    run = find_run(name_or_path, runs_dir=runs_dir)
    recipe = read_recipe(str(run.recipe))
    prepared = prepare(recipe)
    expected = run.read_json(run.split)["fingerprint"]
    if prepared.manifest.fingerprint != expected:
        raise RunError(
            f"{run.path}: {recipe.data.source} must give the split with fingerprint {expected}, "
            f"got {prepared.manifest.fingerprint}; bring the file back, or train anew"
        )
    is_unfinished = not run.is_complete  # what follows training had failed
    with report_full_disk(run.path):
        report = measure_run(run, recipe, prepared.splits)
        write_card(run, recipe, cards_dir=cards_dir)
    if is_unfinished:
        run.mark_latest()
    return run, report


def predict(name_or_path: str, texts: Sequence[str], *, runs_dir: Path, top_k: int = 3) -> list[Prediction]:
    """Classify texts with a recipe's latest run, a run folder, a model folder or a model on the Hub.

    Raises:
        RunError: the recipe has no finished run.
        ModelError: the model cannot be loaded.
    """
    from hf_newscls.inference.predicting import load_classifier, predict_probabilities

    address = _find_model(name_or_path, runs_dir=runs_dir)
    classifier = load_classifier(address, encoder=_find_encoder(address))
    names = classifier.label_names
    predictions = []
    for text, row in zip(texts, predict_probabilities(classifier, texts), strict=True):
        best = (-row).argsort(kind="stable")[:top_k]
        predictions.append(Prediction(text, [names[label] for label in best], [float(row[label]) for label in best]))
    return predictions


def publish(name_or_path: str, *, runs_dir: Path, repo_id: str | None = None, private: bool | None = None) -> str:
    """Push a finished run's model, with its card, to the Hub in one commit; can be repeated.

    Args:
        name_or_path: a recipe's latest run, or a run folder.
        runs_dir: where run folders are kept.
        repo_id: owner/name or name; what the recipe says, or the recipe's name, where it is None.
        private: whether a new repository is private; what the recipe says where it is None.

    Returns:
        The address of the commit.

    Raises:
        RunError: there is no such run, or it is not complete.
        PublishError: the Hub refused or could not be reached.
    """
    from hf_newscls.artifacts import render_run_card
    from hf_newscls.hub.publishing import check_model_folder, name_repo, push_model

    run = find_run(name_or_path, runs_dir=runs_dir)
    recipe = read_recipe(str(run.recipe))
    check_model_folder(run.model)
    repo = name_repo(repo_id or recipe.hub.repo_id, default_name=recipe.name)
    card = render_run_card(run, recipe, model_address=repo)
    is_private = recipe.hub.private if private is None else private
    return push_model(run.model, repo, card=card, private=is_private, message=f"Train {recipe.name} with hf_newscls")


def compare(recipe_names: Sequence[str], *, runs_dir: Path) -> list[Leaderboard]:
    """Rank the measured runs of some recipes, apart for each split.

    Raises:
        RunError: one of the recipes has no finished run.
    """
    from hf_newscls.hub.leaderboard import Entry, rank_entries

    runs = {name: find_runs(name, runs_dir=runs_dir) for name in recipe_names}
    without = [name for name in recipe_names if not runs[name]]
    if without:
        raise RunError(f"{runs_dir}: must hold finished runs of {describe_offenders(without)}, found none; train first")
    entries = []
    for run in (run for name in runs for run in runs[name]):
        metrics = run.read_json(run.metrics)
        low, high = metrics["intervals"]["accuracy"]
        entries.append(
            Entry(
                name=f"{run.path.parent.name}/{run.path.name}",
                fingerprint=metrics["split_fingerprint"],
                accuracy=metrics["test"]["accuracy"],
                f1_macro=metrics["test"]["f1_macro"],
                interval=(low, high),
            )
        )
    return rank_entries(entries)


def _find_encoder(model: str) -> ModelSection | None:
    """Return the encoder that a run's recipe names, for the model of a run."""
    recipe = Path(model).parent / "recipe.yaml"
    return read_recipe(str(recipe)).model if os.path.isfile(recipe) else None


def _find_model(name_or_path: str, *, runs_dir: Path) -> str:
    """Return a model folder or a Hub id: whatever is no run is left to transformers."""
    try:
        return str(find_run(name_or_path, runs_dir=runs_dir).model)
    except RunError:
        path = Path(name_or_path)
        if os.path.isfile(path / "recipe.yaml"):  # a run without its model
            raise
        if os.path.isfile(path / "config.json") or "/" in name_or_path:
            return name_or_path
        raise
