"""Write model and model card of a run."""

import shutil
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from hf_newscls.data.manifest import SplitManifest
from hf_newscls.errors import RunError
from hf_newscls.evaluation.renamed_keys import rename_old_keys
from hf_newscls.evaluation.report import EvaluationReport, TokenLengths
from hf_newscls.modeling.adapters import merge_adapter, save_adapter
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.model_card import CARD_FIGURES, render_card
from hf_newscls.runs.folder import RunFolder
from hf_newscls.storage import replace_folder, write_text
from hf_newscls.training.record import TrainingRecord


def save_model(run: RunFolder, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, recipe: Recipe) -> None:
    """Write the model folder, which `pipeline()` loads, whole or not at all.

    Args:
        run: the run folder.
        model: the trained model. Its adapter is merged in place, unless the recipe publishes only the adapter.
        tokenizer: of the model.
        recipe: of the run.
    """
    with replace_folder(run.model) as folder:
        if recipe.is_adapter_alone and recipe.base_model is not None:
            save_adapter(model, folder, base_model=recipe.base_model, revision=recipe.base_revision)
        else:
            merge_adapter(model).save_pretrained(folder)
        tokenizer.save_pretrained(folder)


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
    run: RunFolder, recipe: Recipe, *, model_address: str, figures: str = "figures", notes: str = ""
) -> str:
    """Return the model card of an evaluated run.

    Args:
        run: the run folder, for metrics, split and training record.
        recipe: of the run.
        model_address: repository or folder that the snippet on the card loads.
        figures: folder of the figures, relative to the card.
        notes: what a person wrote into the card on the Hub, which is kept.

    Raises:
        RunError: the run is incomplete, or another version wrote it.
    """
    try:
        metrics = rename_old_keys(run.read_json(run.metrics))
        manifest = SplitManifest.from_dict(run.read_json(run.split))
        record = TrainingRecord(**run.read_json(run.training))
        report = EvaluationReport.from_dict(metrics)
        lengths = TokenLengths(**metrics["tokens"]) if "tokens" in metrics else None
        example = metrics.get("example", {})
        answer = example["probabilities"] if example.get("text") == recipe.hub.example else None
    except RunError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(
            f"{run.path}: incomplete, or written by another version of hf-newscls ({error!r}); evaluate the run "
            "again, or train again"
        ) from error
    return render_card(
        recipe,
        manifest,
        record,
        report,
        model_address=model_address,
        lengths=lengths,
        answer=answer,
        figures=figures,
        notes=notes,
    )


def _copy_figures(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name in CARD_FIGURES:
        shutil.copyfile(source / name, target / name)
