"""Render a model card: report and recipe in, Markdown out; no disk, no network."""

import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from huggingface_hub import ModelCard
from jinja2 import Environment, StrictUndefined

from hf_newscls.data.manifest import SplitManifest
from hf_newscls.data.splitting import SIDES
from hf_newscls.evaluation.report import EvaluationReport
from hf_newscls.hub.metadata import build_card_data
from hf_newscls.recipe import Recipe
from hf_newscls.trainer_options import DEFAULT_LEARNING_RATE
from hf_newscls.training_record import TrainingRecord

__all__ = ["CARD_FIGURES", "escape_markdown", "render_card", "render_template"]

CARD_FIGURES: Mapping[str, str] = {
    "loss_curves.png": "Training and validation loss by step, with the learning rate below",
    "confusion_matrix.png": "Confusion matrix of the test set: references in rows, predictions in columns",
    "label_distribution.png": "Rows of each label on each side of the split",
    "text_lengths.png": "Tokens of each text before truncation",
}
"""File names of the figures a card shows, with their descriptions."""

_HEADLINE_METRICS = {"accuracy": "Accuracy", "f1_macro": "Macro F1", "f1_weighted": "Weighted F1"}
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]<>&()#+!|~-])")


def render_card(
    recipe: Recipe,
    manifest: SplitManifest,
    record: TrainingRecord,
    report: EvaluationReport,
    *,
    model_address: str,
    figures: str = "figures",
) -> str:
    """Return the card of a trained model, metadata first.

    Args:
        recipe: as it was resolved for the run.
        manifest: of the run's split.
        record: of the run's training.
        report: what was measured.
        model_address: what the snippet hands to `pipeline()`: a Hub id or a folder.
        figures: where the figures lie, relative to the card.
    """
    body = render_template(
        "card.md.jinja",
        recipe=recipe,
        manifest=manifest,
        record=record,
        report=report,
        model_address=model_address,
        base_model=recipe.base_model,
        figures={f"{figures}/{name}": text for name, text in CARD_FIGURES.items()},
        metrics=_name_metrics(report),
        sides=SIDES,
        learning_rate=recipe.training_arguments.get("learning_rate", DEFAULT_LEARNING_RATE),
        source_files=_name_files(recipe.data.sources),
        **_summarize(manifest, record),
    )
    data = build_card_data(recipe, manifest, report)
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{body}"))


def render_template(name: str, **values: Any) -> str:
    """Fill in one of the templates; a value that it wants and does not get is an error."""
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False
    )
    environment.filters |= {
        "md": escape_markdown,
        "percent": "{:.1%}".format,
        "score": "{:.4f}".format,
        "count": "{:,}".format,
        "quote": _quote,
    }
    template = environment.from_string(files("hf_newscls.hub").joinpath(f"templates/{name}").read_text("utf-8"))
    return template.render(**values)


def escape_markdown(text: str) -> str:
    r"""Escape what Markdown or HTML would take for markup, so that a label shows as it is written.

    >>> escape_markdown("<b> A | B_C")
    '\\<b\\> A \\| B\\_C'
    """
    return _MARKDOWN_SPECIAL.sub(r"\\\1", text.replace("\n", " "))


def _quote(text: str) -> str:
    """Write a text as a Python string literal in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def _name_files(addresses: Sequence[str]) -> str:
    names = [address if address.startswith("hf://") else address.rsplit("/", 1)[-1] for address in addresses]
    return f"file{'s' if len(names) > 1 else ''} {', '.join(f'`{name}`' for name in names)}"


def _name_metrics(report: EvaluationReport) -> dict[str, str]:
    top_k = {name: f"Top-{name.split('_')[1]} accuracy" for name in report.test.scores if name.startswith("top_")}
    return {**_HEADLINE_METRICS, **top_k, "log_loss": "Log loss"}


def _summarize(manifest: SplitManifest, record: TrainingRecord) -> dict[str, Any]:
    sizes = {side: sum(manifest.label_counts[side].values()) for side in SIDES}
    return {
        "sizes": sizes,
        "rows_kept": sum(sizes.values()),
        "dropped": {reason: count for reason, count in manifest.dropped.items() if count},
        "minutes": record.runtime_seconds / 60,
    }
