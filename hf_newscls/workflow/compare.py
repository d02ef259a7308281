"""Compare: find models, verify their scores and rank them."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.errors import DataError, InputError, PublishError, RecipeError, RunError, format_examples
from hf_newscls.recipe.loading import read_recipe, read_run_recipe
from hf_newscls.recipe.lookup import find_recipes, is_recipe_path
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.runs.folder import RunFolder, find_runs, is_run_recipe
from hf_newscls.workflow.quiet import quiet_libraries

if TYPE_CHECKING:
    from hf_newscls.comparison.discovery import Discovery
    from hf_newscls.comparison.leaderboard import Leaderboard, Unranked
    from hf_newscls.comparison.model_scores import ModelScores

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Subjects:
    """What was typed for each recipe, by its name, and ids of datasets."""

    recipes: Mapping[str, str]
    datasets: Sequence[str]


def compare(
    *names: str,
    models: str | Sequence[str] = (),
    external_models: str | Sequence[str] = (),
    author: str | None = None,
    metric: str = "accuracy",
    local: bool = False,
    trust_remote_code: bool = False,
    data: str | Path | None = None,
    runs_dir: str | Path = "runs",
) -> Leaderboard:
    """Rank models that were evaluated on the same split, in one table for each split; list the others with the reason.

    Args:
        names: recipes, by name or path, for their local runs and their models on the Hub, and datasets on the Hub.
        models: an additional model, or several: owner/name on the Hub, perhaps with @revision, or a run folder.
        external_models: a classifier on the Hub to evaluate on the test set of the recipe, as owner/name, or several.
        author: owner of the models to look for on the Hub; by default all owners.
        metric: to rank by, such as `f1_macro`.
        local: do not ask the Hub.
        trust_remote_code: run the code that comes with the external models.
        data: the news file for the external models; replaces `data.source`.
        runs_dir: where the run folders are.

    Raises:
        InputError: the options contradict each other, or there is nothing to rank.
        PublishError: the Hub refused or cannot be reached, and is needed.
    """
    runs_dir, subjects = Path(runs_dir), find_subjects(names)
    folders, models = _find_folders([models] if isinstance(models, str) else models)
    external_models = [external_models] if isinstance(external_models, str) else external_models
    needs_hub = bool(subjects.datasets or models or external_models or author)
    _check_metric(metric)
    if not (subjects.recipes or subjects.datasets or models or folders):
        raise InputError("compare: no recipe, dataset or model; name what to compare")
    if local and needs_hub:
        raise InputError(
            "local goes with no dataset, author, external model or model on the Hub, which need it; leave one out"
        )
    if external_models and len(subjects.recipes) != 1:
        raise InputError(
            f"external models need the test set of one recipe, but {len(subjects.recipes)} are named; name one"
        )
    if trust_remote_code and not external_models:
        raise InputError("no external model to trust remote code of; name one, code of other models is never run")

    from hf_newscls.comparison.discovery import Discovery

    runs, unread, remarks = _read_runs([*subjects.recipes], folders, runs_dir=runs_dir)
    if local:
        found, hub_remarks = Discovery(), ["Hub skipped (local only): only local runs are ranked"]
    else:
        found, hub_remarks = _ask_hub(subjects, models=models, author=author, must_answer=needs_hub)
    if external_models:
        (recipe,) = subjects.recipes.values()
        runs += _measure(recipe, external_models, data=data, trust_remote_code=trust_remote_code)
    board = replace(_rank(runs, found, unread, metric=metric), remarks=[*hub_remarks, *remarks])
    if not board.tables:
        raise _build_empty_error(names, board, runs_dir=runs_dir)
    return board


def find_subjects(names: Sequence[str]) -> Subjects:
    """Separate recipes and datasets: a name with a slash is a dataset, unless it is the path of a recipe file.

    Raises:
        RecipeError: a recipe file is missing or invalid, or a name is neither.
    """
    recipes: dict[str, str] = {}
    datasets: list[str] = []
    for name in names:
        if is_recipe_path(name):
            recipes[_read_recipe(name).name] = name
        elif name.count("/") > 1:
            raise RecipeError(
                f"{name}: neither a recipe nor owner/name of a dataset; name the recipe, and train it first if it has "
                "no runs"
            )
        elif "/" in name:
            datasets.append(name)
        else:
            recipes[name] = name
    return Subjects(recipes, [*dict.fromkeys(datasets)])


def _read_recipe(name_or_path: str, *, source: str | None = None) -> Recipe:
    if is_run_recipe(Path(name_or_path)):
        return read_run_recipe(Path(name_or_path), source=source)
    return read_recipe(name_or_path, source=source)


def _check_metric(metric: str) -> None:
    from hf_newscls.evaluation.metric_names import is_metric
    from hf_newscls.evaluation.renamed_keys import RENAMED_METRICS

    if new := RENAMED_METRICS.get(metric):
        raise InputError(f"metric is {metric!r}, which is now called {new!r}; rename it")
    if not is_metric(metric):
        raise InputError(
            f"metric is {metric!r}, which is no score; use accuracy, f1_macro, f1_weighted, log_loss, "
            "top_K_accuracy, precision_macro or another score of a report"
        )


def _find_folders(models: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Separate run folders and models on the Hub."""
    folders = [model for model in models if os.path.isfile(os.path.join(model, "recipe.yaml"))]
    return [Path(folder).resolve() for folder in folders], [model for model in models if model not in folders]


def _read_runs(
    recipes: Sequence[str], folders: Sequence[Path], *, runs_dir: Path
) -> tuple[list[ModelScores], list[Unranked], list[str]]:
    """Return the scores of the local runs, the runs that cannot be read, and a remark on each recipe without runs."""
    from hf_newscls.comparison.leaderboard import Unranked

    models: list[ModelScores] = []
    unread: list[Unranked] = []
    remarks: list[str] = []
    found = {folder: RunFolder(folder) for folder in folders}
    for recipe in recipes:
        runs = find_runs(recipe, runs_dir=runs_dir)
        if not runs:
            remarks.append(f"{recipe} has no finished run in {runs_dir.name}/")
        found |= {run.path.resolve(): run for run in runs}
    for run in found.values():
        name = f"{run.path.parent.name}/{run.path.name}"
        try:
            models.append(_read_run(run, name))
        except (DataError, RunError) as error:
            unread.append(Unranked(name, str(error).replace(str(run.path), name)))
    return models, unread, remarks


def _read_run(run: RunFolder, name: str) -> ModelScores:
    from hf_newscls.comparison.model_scores import ModelScores, read_metrics
    from hf_newscls.comparison.published_predictions import hash_run_predictions

    try:
        text = run.metrics.read_text(encoding="utf-8")
        recipe = run.read_recipe()
    except (OSError, UnicodeDecodeError, RecipeError) as error:
        raise RunError(f"{name}: cannot read recipe.yaml and metrics.json ({error}); evaluate the run again") from error
    measured = replace(read_metrics(text), dataset=recipe.data.dataset_id or recipe.name)
    model = ModelScores(name, "local run", measured=measured, recipe=recipe)
    try:
        return replace(model, predictions=hash_run_predictions(run.predictions))
    except DataError as error:
        return model.add_note(str(error))


def _ask_hub(
    subjects: Subjects, *, models: Sequence[str], author: str | None, must_answer: bool
) -> tuple[Discovery, list[str]]:
    """Return what the Hub has; if it cannot be reached and need not answer, nothing and a remark."""
    from hf_newscls.comparison.discovery import Discovery, discover
    from hf_newscls.hub.retry import has_answered

    # A recipe without data.dataset_id uses its own name as the dataset.
    unknown = [name for name, typed in subjects.recipes.items() if name == typed and name not in find_recipes()]
    recipes, datasets = [*subjects.recipes], [*subjects.datasets, *unknown]
    try:
        return discover(recipes=recipes, datasets=datasets, models=models, author=author), []
    except PublishError as error:
        if must_answer or has_answered(error):
            raise
        logger.info("%s", error)
        return Discovery(), ["The Hub could not be reached: only local runs are ranked"]


def _measure(
    recipe_name: str, external_models: Sequence[str], *, data: str | Path | None, trust_remote_code: bool
) -> list[ModelScores]:
    """Measure external classifiers on the recipe's test set."""
    from hf_newscls.comparison.external_model import measure_classifier
    from hf_newscls.data.preparation import prepare

    recipe = _read_recipe(recipe_name, source=None if data is None else str(data))
    with quiet_libraries():
        prepared = prepare(recipe)
        return [
            measure_classifier(model, recipe, prepared, trust_remote_code=trust_remote_code)
            for model in dict.fromkeys(external_models)
        ]


def _rank(measured: Sequence[ModelScores], found: Discovery, unread: Sequence[Unranked], *, metric: str) -> Leaderboard:
    """Rank what was measured here and on the Hub; `unread` are local runs that cannot be read."""
    from hf_newscls.comparison.leaderboard import Entry, Unranked
    from hf_newscls.comparison.ranking import merge_copies, rank_entries
    from hf_newscls.comparison.verification import verify_model

    # A score measured here replaces the score of the same model on the Hub.
    taken = {model.name for model in measured}
    others = [model for model in found.models if model.name not in taken]
    checked = [one for model in (*measured, *others) for one in verify_model(model, metric=metric)]
    entries = [*(one for one in checked if isinstance(one, Entry)), *found.entries]
    unranked = [*unread, *found.unranked, *(one for one in checked if isinstance(one, Unranked))]
    return rank_entries(merge_copies(entries), unranked, metric=metric)


def _build_empty_error(names: Sequence[str], board: Leaderboard, *, runs_dir: Path) -> InputError:
    """Return the error that says why nothing can be ranked."""
    reasons = [*board.remarks, *(f"{one.name}: {one.reason}" for one in board.unranked)]
    found = "; ".join(reasons[:5]) or "no models found"
    return InputError(
        f"compare: nothing to rank for {format_examples(names)} ({found}); train a model with "
        f"`hf-newscls train RECIPE`, name another runs folder than {runs_dir.name}/, or name models on the Hub"
    )
