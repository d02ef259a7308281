"""Render a model card from recipe, manifest, record and report; keep its notes, which people write by hand."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from huggingface_hub import ModelCard
from huggingface_hub.repocard import REGEX_YAML_BLOCK

from hf_newscls.data.manifest import SplitManifest
from hf_newscls.errors import PublishError
from hf_newscls.evaluation.metric_names import phrase_metric
from hf_newscls.evaluation.other_data import OtherDataReport
from hf_newscls.evaluation.report import EvaluationReport
from hf_newscls.modeling.token_counts import TokenSummary
from hf_newscls.onnx_export.record import ExportRecord
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.training import LossSection
from hf_newscls.recipe.training_arguments import DEFAULT_EPOCHS, DEFAULT_LEARNING_RATE
from hf_newscls.report.card_metadata import build_card_data, compute_emissions, find_trackio_space
from hf_newscls.report.template import render_template
from hf_newscls.report.text import format_warmup
from hf_newscls.training.record import SELECTION, TrainingRecord

# The lines around the notes.
NOTES_START = "<!-- notes: text between these two lines is kept when the card is updated -->"
NOTES_END = "<!-- end of notes -->"
# Cards of version 0.1 have other words after "notes:".
_SECTION = re.compile(rf"<!-- notes: [^>]* -->(.*?){re.escape(NOTES_END)}", flags=re.DOTALL)

CARD_FIGURES: Mapping[str, str] = {
    "loss_curves.png": "Training and validation loss by step, with the learning rate below",
    "confusion_matrix.png": "Confusion matrix of the test set: correct labels in rows, predicted labels in columns",
    "reliability.png": "Accuracy by confidence on the test set",
    "label_distribution.png": "Rows per label and split",
    "text_lengths.png": "Tokens per text before truncation",
}
"""File names of the figures of a card, with their descriptions."""

_BATCH = "per_device_train_batch_size"
_PREDICTIONS = 3


def render_card(
    recipe: Recipe,
    manifest: SplitManifest,
    record: TrainingRecord,
    report: EvaluationReport,
    *,
    model_address: str,
    figures: str = "figures",
    notes: str = "",
    tokens: TokenSummary | None = None,
    answer: Mapping[str, float] | None = None,
    other_data: Sequence[OtherDataReport] = (),
    exported: ExportRecord | None = None,
    figure_labels: Mapping[str, str] = MappingProxyType({}),
    has_demo: bool = False,
) -> str:
    """Return the card of a trained model, metadata first.

    Args:
        model_address: the Hub id or folder for `pipeline()`.
        figures: folder of the figures, relative to the card.
        notes: Markdown written by hand, kept between two marker lines.
        answer: probability of each label for the recipe's example; None leaves it out.
        other_data: the scores on other data.
        exported: what was measured of the ONNX files next to the model; None if there are none.
        figure_labels: names of labels that the figures show by id, by what they show.
        has_demo: whether there is a Space of the same name.
    """
    body = render_template(
        "hf_newscls.report",
        "templates/model_card.md.jinja",
        recipe=recipe,
        manifest=manifest,
        record=record,
        report=report,
        model_address=model_address,
        demo_url=_name_demo(model_address) if has_demo else None,
        captions=CARD_FIGURES,
        figures=figures,
        notes=notes,
        notes_start=NOTES_START,
        notes_end=NOTES_END,
        learning_rate=recipe.training_arguments.get("learning_rate", DEFAULT_LEARNING_RATE),
        tokens=tokens,
        figure_labels=figure_labels,
        # As many as the snippet asks for; ties stay in label order.
        answer=sorted((answer or {}).items(), key=lambda pair: -pair[1])[:_PREDICTIONS],
        settings=_list_settings(recipe, record),
        loss=_format_loss(recipe.loss),
        other_settings=_describe_settings(
            {name: value for name, value in record.settings.items() if name not in recipe.training_arguments},
            has_stages=recipe.freeze is not None,
        ),
        other_data=other_data,
        exported=exported,
        emissions=compute_emissions(recipe, record),
        trackio_space=find_trackio_space(recipe),
    )
    data = build_card_data(recipe, manifest, report, record)
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{body}"))


def links_demo(card: str, repo_id: str) -> bool:
    """Return whether the card of a model links to the demo in the Space of the same name."""
    return f"({_name_demo(repo_id)})" in card


def _name_demo(repo_id: str) -> str:
    return f"https://huggingface.co/spaces/{repo_id}"


def extract_notes(card: str, *, repo_id: str) -> str:
    """Return the notes of a published card (its README.md), stripped; empty if there is no card yet.

    Raises:
        PublishError: the card is not ours, or one of the two lines is missing, so that an update would lose notes.
    """
    sections: list[str] = _SECTION.findall(card)
    if len(sections) == 1:
        return sections[0].strip()
    if not sections and not REGEX_YAML_BLOCK.sub("", card, count=1).strip():
        return ""
    raise PublishError(
        f"{repo_id}: README.md has {len(sections)} sections between {NOTES_START!r} and {NOTES_END!r}, expected 1; put "
        "these two lines around the text to keep, or push with --replace-card to lose it"
    )


def _list_settings(recipe: Recipe, record: TrainingRecord) -> dict[str, Any]:
    """Return the settings of model config, stages and Trainer that the recipe changes, by the names for the card."""
    arguments = dict(recipe.training_arguments)
    if arguments.get(_BATCH) == record.batch_rows:  # the card names it once
        del arguments[_BATCH]
    stages = {
        f"{section}.{name}": value
        for section, values in (("freeze", recipe.freeze), ("finetune", recipe.finetune))
        for name, value in (values.model_dump(exclude_defaults=True) if values else {}).items()
    }
    config = {f"config.{name}": value for name, value in recipe.model.config.items()}
    epochs = {}
    if recipe.freeze and recipe.freeze.epochs and "max_steps" not in arguments:
        first, second = stages.pop("freeze.epochs"), arguments.pop("num_train_epochs", DEFAULT_EPOCHS)
        trained = "the adapter as well" if recipe.adapter else "all parameters"
        epochs["epochs"] = f"{first + second:g} ({first:g} for the head, {second:g} for {trained})"
    return _describe_settings({**config, **epochs, **stages, **arguments}, has_stages=recipe.freeze is not None)


def _describe_settings(settings: Mapping[str, Any], *, has_stages: bool) -> dict[str, Any]:
    """Return settings with the names and values that the card shows."""

    def describe(name: str, value: Any) -> tuple[str, Any]:
        """Return name and value of a setting, for a person."""
        if name in {"freeze.warmup", "warmup_steps"}:
            stage = (1 if name == "freeze.warmup" else 2) if has_stages else None
            return f"warm-up of stage {stage}" if stage else "warm-up", format_warmup(value, stage=stage)
        return name, phrase_metric(value) if name == SELECTION else value

    return dict(describe(name, value) for name, value in settings.items())


def _format_loss(loss: LossSection) -> str:
    parts = [loss.name.replace("cross_entropy", "cross-entropy").replace("_", " ")]
    if loss.class_weights:
        parts.append(f"class weights {loss.class_weights.replace('_', ' ')}")
    smoothing = {"label smoothing": loss.label_smoothing} if loss.label_smoothing else {}
    return ", ".join([*parts, *(f"{name} {value:g}" for name, value in {**smoothing, **loss.numbers}.items())])
