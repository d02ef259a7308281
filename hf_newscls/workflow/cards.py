"""The model card of an evaluated run."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from hf_newscls.data.manifest import SplitManifest
from hf_newscls.evaluation.renamed_keys import rename_old_keys
from hf_newscls.evaluation.report import EvaluationReport
from hf_newscls.modeling.token_counts import TokenSummary
from hf_newscls.onnx_export.record import ExportRecord
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.model_card import CARD_FIGURES, render_card
from hf_newscls.report.other_data import read_other_data
from hf_newscls.runs.folder import RunFolder
from hf_newscls.storage import write_text
from hf_newscls.training.record import TrainingRecord


@dataclass(frozen=True)
class _Example:
    text: str
    probabilities: Mapping[str, float]  # by label


@dataclass(frozen=True)
class _CardValues:
    """What a card takes from metrics.json next to the report; version 0.1 did not write it."""

    tokens: TokenSummary | None = None
    example: _Example | None = None
    figure_labels: Mapping[str, str] = field(default_factory=dict)


def write_card(run: RunFolder, recipe: Recipe, *, cards_dir: Path | None = None) -> None:
    """Write the model card of an evaluated run into its model folder, and a copy into `cards_dir`, if given.

    The copy is named after the recipe; its figures are in `figures/RECIPE`.
    """
    repo_id = recipe.hub.repo_id
    # Without a repository, the snippet on the card loads the folder.
    write_text(run.model / "README.md", render_run_card(run, recipe, model_address=repo_id or "."))
    _copy_figures(run.figures, run.model / "figures")
    if cards_dir is not None:
        address = repo_id or f"{run.path.parent.parent.name}/{recipe.name}/latest/model"
        figures = f"figures/{recipe.name}"
        card = render_run_card(run, recipe, model_address=address, figures=figures)
        write_text(cards_dir / f"{recipe.name}.md", card)
        _copy_figures(run.figures, cards_dir / figures)


def render_run_card(
    run: RunFolder,
    recipe: Recipe,
    *,
    model_address: str,
    figures: str = "figures",
    notes: str = "",
    exported: ExportRecord | None = None,
    has_demo: bool = False,
) -> str:
    """Return the model card of an evaluated run.

    Args:
        model_address: repository or folder that the snippet on the card loads.
        figures: folder of the figures, relative to the card.
        notes: what a person wrote into the card on the Hub, which is kept.
        exported: what was measured of the ONNX files next to the model; None if there are none.
        has_demo: whether there is a Space of the same name.

    Raises:
        RunError: the run is incomplete, or another version wrote it.
    """
    values = run.read_as(run.metrics, _read_values)
    example = values.example
    return render_card(
        recipe,
        run.read_as(run.split, SplitManifest.from_dict),
        run.read_as(run.training, TrainingRecord.from_dict),
        run.read_as(run.metrics, EvaluationReport.from_dict),
        model_address=model_address,
        tokens=values.tokens,
        answer=example.probabilities if example and example.text == recipe.hub.example else None,
        figure_labels=values.figure_labels,
        figures=figures,
        notes=notes,
        exported=exported,
        has_demo=has_demo,
        # Only what the recipe names: the name of any other file may be private.
        other_data=read_other_data(run.other_data, recipe.evaluation.on),
    )


def _read_values(metrics: Mapping[str, Any]) -> _CardValues:
    return TypeAdapter(_CardValues).validate_python(rename_old_keys(metrics))


def _copy_figures(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name in CARD_FIGURES:
        shutil.copyfile(source / name, target / name)
