"""Render a model card: report and recipe in, Markdown out; no disk, no network."""

from collections.abc import Mapping, Sequence
from typing import Any

from huggingface_hub import ModelCard

from hf_newscls.data.manifest import SplitManifest
from hf_newscls.data.splitting import SIDES
from hf_newscls.evaluation.report import EvaluationReport
from hf_newscls.files import name_source
from hf_newscls.hub.metadata import build_card_data, name_metric
from hf_newscls.hub.notes import NOTES_END, NOTES_START
from hf_newscls.markdown import render_template
from hf_newscls.recipe import Recipe
from hf_newscls.trainer_options import DEFAULT_LEARNING_RATE
from hf_newscls.training_record import TrainingRecord

__all__ = ["CARD_FIGURES", "render_card"]

CARD_FIGURES: Mapping[str, str] = {
    "loss_curves.png": "Training and validation loss by step, with the learning rate below",
    "confusion_matrix.png": "Confusion matrix of the test set: references in rows, predictions in columns",
    "reliability.png": "Accuracy against confidence on the test set, before and after calibration",
    "label_distribution.png": "Rows of each label on each side of the split",
    "text_lengths.png": "Tokens of each text before truncation",
}
"""File names of the figures a card shows, with their descriptions."""


def render_card(
    recipe: Recipe,
    manifest: SplitManifest,
    record: TrainingRecord,
    report: EvaluationReport,
    *,
    model_address: str,
    figures: str = "figures",
    notes: str = "",
) -> str:
    """Return the card of a trained model, metadata first.

    Args:
        recipe: as it was resolved for the run.
        manifest: of the run's split.
        record: of the run's training.
        report: what was measured.
        model_address: what the snippet hands to `pipeline()`: a Hub id or a folder.
        figures: where the figures lie, relative to the card.
        notes: Markdown that somebody wrote into the card; it stands between two marks, so that it is found again.
    """
    body = render_template(
        "hf_newscls.hub",
        "templates/card.md.jinja",
        recipe=recipe,
        manifest=manifest,
        record=record,
        report=report,
        model_address=model_address,
        base_model=recipe.base_model,
        figures={f"{figures}/{name}": text for name, text in CARD_FIGURES.items()},
        # The calibration error has a section of its own.
        metrics={name: name_metric(name) for name in report.test.scores if name != "calibration_error"},
        notes=notes,
        notes_start=NOTES_START,
        notes_end=NOTES_END,
        threshold_metric=name_metric(report.calibration.threshold.metric) if report.calibration.threshold else None,
        sides=SIDES,
        learning_rate=recipe.training_arguments.get("learning_rate", DEFAULT_LEARNING_RATE),
        source_files=_list_sources(recipe.data.sources),
        **_summarize(manifest, record),
    )
    data = build_card_data(recipe, manifest, report)
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{body}"))


def _list_sources(addresses: Sequence[str]) -> str:
    return f"file{'s' if len(addresses) > 1 else ''} {', '.join(f'`{name_source(address)}`' for address in addresses)}"


def _summarize(manifest: SplitManifest, record: TrainingRecord) -> dict[str, Any]:
    sizes = {side: sum(manifest.label_counts[side].values()) for side in SIDES}
    return {
        "sizes": sizes,
        "rows_kept": sum(sizes.values()),
        "dropped": {reason: count for reason, count in manifest.dropped.items() if count},
        "minutes": record.runtime_seconds / 60,
    }
