"""Write what a run leaves behind for others: model and card."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from hf_newscls.data.manifest import SplitManifest
from hf_newscls.errors import RunError
from hf_newscls.evaluation.renamed_keys import rename_old_keys
from hf_newscls.evaluation.report import EvaluationReport
from hf_newscls.evaluation.token_lengths import TokenLengths
from hf_newscls.modeling.adapters import merge_adapter, save_adapter
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.model_card import CARD_FIGURES, render_card
from hf_newscls.runs.folder import RunFolder
from hf_newscls.storage import replace_folder, write_text
from hf_newscls.training.record import TrainingRecord

__all__ = ["render_run_card", "save_model", "write_card"]


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
        RunError: the run is not complete, or its files are not what this version writes.
    """
    with _report_damage(run):
        metrics = rename_old_keys(run.read_json(run.metrics))
        manifest = SplitManifest.from_dict(run.read_json(run.split))
        record = TrainingRecord(**run.read_json(run.training))
        report = EvaluationReport.from_dict(metrics)
        lengths = TokenLengths(**metrics["tokens"]) if "tokens" in metrics else None
        example = metrics.get("example", {})
        answer = example["probabilities"] if example.get("text") == recipe.hub.example else None
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


@contextmanager
def _report_damage(run: RunFolder) -> Iterator[None]:
    """Turn what reading stumbles over in files of another version, or in half of them, into a RunError."""
    try:
        yield
    except RunError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(
            f"{run.path}: must hold files as this version of hf-newscls writes them, got {error!r}; evaluate the run "
            "again, or train it anew"
        ) from error
