"""Compare: find models, check what they claim, rank what can be ranked, write it down, publish it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.errors import DataError, InputError, PublishError, RecipeError, RunError, format_examples
from hf_newscls.recipe.loading import find_recipes, is_recipe_path, read_recipe
from hf_newscls.runs.folder import RunFolder, find_runs
from hf_newscls.storage import check_replaceable, replace_file

if TYPE_CHECKING:
    from hf_newscls.compare.discovery import Discovery
    from hf_newscls.compare.leaderboard import Leaderboard, Refusal
    from hf_newscls.compare.model_scores import Statement
    from hf_newscls.hub.commit import Pushed

__all__ = ["Comparison", "Subjects", "compare", "find_subjects", "publish_leaderboard", "save_leaderboard"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Comparison:
    """What is compared, and how.

    Attributes:
        models: owner/name of further models on the Hub.
        external_models: owner/name of classifiers that are measured here, on the recipe's test set.
        author: whose models on the Hub are looked for; None for everybody's.
        metric: to rank by, as `compute_scores` names it.
        is_local: leave the Hub alone.
        trust_remote_code: run code that travels with the evaluated classifiers.
        data: file in the place of the recipe's data.source, for the evaluated ones.
    """

    models: Sequence[str] = ()
    external_models: Sequence[str] = ()
    author: str | None = None
    metric: str = "accuracy"
    is_local: bool = False
    trust_remote_code: bool = False
    data: str | None = None

    @property
    def needs_hub(self) -> bool:
        """Whether it names something that only the Hub has."""
        return bool(self.models or self.external_models or self.author)


@dataclass(frozen=True)
class Subjects:
    """What the words of a command line are.

    Attributes:
        recipes: by name, what was typed; one not known here may have models on the Hub.
        datasets: ids of datasets on the Hub.
    """

    recipes: Mapping[str, str]
    datasets: Sequence[str]


def compare(names: Sequence[str], comparison: Comparison | None = None, *, runs_dir: Path) -> Leaderboard:
    """Rank what was measured on one split, apart for each split, and say why the rest has no place.

    Args:
        names: recipes, by name or path, and datasets.
        comparison: further models, and how to rank; by accuracy where it is None.
        runs_dir: where run folders are kept.

    Raises:
        InputError: what was asked for contradicts itself, or there is nothing to rank.
        PublishError: the Hub refused, or could not be reached where it was needed.
    """
    comparison = comparison or Comparison()
    subjects = find_subjects(names)
    _check(subjects, comparison)

    from hf_newscls.compare.copies import merge_copies
    from hf_newscls.compare.leaderboard import rank_entries
    from hf_newscls.compare.verification import check_statement

    statements, refusals, remarks = _read_runs([*subjects.recipes], runs_dir=runs_dir)
    found, unreached = _ask_hub(subjects, comparison)
    measured = _measure(subjects, comparison)
    # What was measured here goes before what the Hub says under the same name.
    taken = {statement.name for statement in (*statements, *measured)}
    others = [statement for statement in found.statements if statement.name not in taken]
    checked = [check_statement(one, metric=comparison.metric) for one in (*statements, *measured, *others)]
    entries = [*(entry for one in checked for entry in one.entries), *found.entries]
    refused = [*refusals, *found.refusals, *(refusal for one in checked for refusal in one.refusals)]
    board = rank_entries(merge_copies(entries), refused, metric=comparison.metric)
    if not board.tables:
        raise _refuse_nothing(names, board.refusals, [*unreached, *remarks], runs_dir=runs_dir)
    return replace(board, remarks=[*unreached, *remarks])


def find_subjects(names: Sequence[str]) -> Subjects:
    """Tell recipes from datasets: what has a slash and is no recipe file is a dataset.

    Raises:
        RecipeError: a recipe file is not there, or wrong.
    """
    recipes: dict[str, str] = {}
    datasets: list[str] = []
    for name in names:
        if is_recipe_path(name):
            recipes[read_recipe(name).name] = name
        elif name.count("/") > 1:
            raise RecipeError(
                f"{name}: must be a recipe or owner/name of a dataset, got neither; name the recipe, and "
                "train it first where it has no runs"
            )
        elif "/" in name:
            datasets.append(name)
        else:
            recipes[name] = name
    return Subjects(recipes, [*dict.fromkeys(datasets)])


def save_leaderboard(board: Leaderboard, folder: Path) -> None:
    """Write leaderboard.md, leaderboard.json and leaderboard.png; equal leaderboards give equal bytes.

    What else lies in the folder of a leaderboard stays there.

    Raises:
        RunError: the folder holds something else.
        StorageError: a file stands in its place.
    """
    from hf_newscls.compare.page import build_leaderboard_files

    check_replaceable(folder, signs=["leaderboard.json", "leaderboard.md"], content="a leaderboard")
    for name, content in build_leaderboard_files(board).items():
        # One by one: a clone of a leaderboard's repository holds more, which stays.
        with replace_file(folder / name) as fresh:
            fresh.write_bytes(content)
    logger.info("wrote %s", folder / "leaderboard.md")


def publish_leaderboard(board: Leaderboard, repo_id: str, *, private: bool) -> Pushed:
    """Push a leaderboard to a dataset repository in one commit, and none where nothing changed.

    Args:
        board: what is pushed.
        repo_id: owner/name, or name for one's own.
        private: whether the repository must be private.

    Raises:
        InputError: the repository's name cannot be one.
        PublishError: the Hub refused or could not be reached, or the repository holds something else.
    """
    from hf_newscls.compare.publish_leaderboard import push_leaderboard
    from hf_newscls.hub.account import name_repo, require_account

    account = require_account()
    return push_leaderboard(board, name_repo(repo_id, account, default_name=""), account=account, private=private)


def _check(subjects: Subjects, comparison: Comparison) -> None:
    """Refuse what contradicts itself, before anything is read."""
    from hf_newscls.evaluation.metric_names import is_metric

    if not is_metric(comparison.metric):
        raise InputError(
            f"--metric: must be accuracy, f1_macro, f1_weighted, log_loss, top_K_accuracy, precision_macro or another "
            f"score of a report, got {comparison.metric!r}; name one of them"
        )
    if not (subjects.recipes or subjects.datasets or comparison.models):
        raise InputError("compare: a recipe, a dataset or --model must be named, got none; name what to rank")
    if comparison.is_local and (comparison.needs_hub or subjects.datasets):
        raise InputError(
            "--local: must go with recipes alone, got a dataset, --model, --external-model or --author; "
            "leave one of them out"
        )
    if comparison.external_models and len(subjects.recipes) != 1:
        raise InputError(
            f"--external-model: one recipe must be named, whose test set is used, got {len(subjects.recipes)}; name one"
        )
    if comparison.trust_remote_code and not comparison.external_models:
        raise InputError(
            "--trust-remote-code: must go with --external-model, whose models it is for, got none; "
            "the code of others is never run"
        )


def _read_runs(recipes: Sequence[str], *, runs_dir: Path) -> tuple[list[Statement], list[Refusal], list[str]]:
    """Return what the measured runs of this machine say, those that cannot be read, and recipes without any."""
    from hf_newscls.compare.leaderboard import Refusal

    statements: list[Statement] = []
    refusals: list[Refusal] = []
    remarks: list[str] = []
    for recipe in recipes:
        runs = find_runs(recipe, runs_dir=runs_dir)
        if not runs:
            remarks.append(f"{recipe} has no finished run in {runs_dir.name}/")
        for run in runs:
            name = f"{recipe}/{run.path.name}"
            try:
                statements.append(_read_run(run, name))
            except (DataError, RunError) as error:
                refusals.append(Refusal(name, str(error).replace(str(run.path), name)))
    return statements, refusals, remarks


def _read_run(run: RunFolder, name: str) -> Statement:
    from hf_newscls.compare.model_scores import Statement, read_metrics
    from hf_newscls.compare.published_predictions import hash_run_predictions

    try:
        text = run.metrics.read_text(encoding="utf-8")
        recipe = run.read_recipe()
    except (OSError, UnicodeDecodeError, RecipeError) as error:
        raise RunError(
            f"{name}: must hold recipe.yaml and metrics.json, got {error}; evaluate the run again"
        ) from error
    measured = replace(read_metrics(text), dataset=recipe.data.dataset_id or recipe.name)
    statement = Statement(name, "local run", measured=measured)
    try:
        return replace(statement, predictions=hash_run_predictions(run.predictions))
    except DataError as error:
        return statement.add_note(f"its predictions cannot be read: {error}")


def _ask_hub(subjects: Subjects, comparison: Comparison) -> tuple[Discovery, list[str]]:
    """Return what the Hub has; a Hub out of reach is no error where recipes alone were named, and is told."""
    from hf_newscls.compare.discovery import Discovery, Query, discover
    from hf_newscls.hub.retry import has_answered

    if comparison.is_local:
        return Discovery(), ["the Hub was not asked (--local): only runs of this machine are ranked"]
    # A recipe that names no dataset stands for its data by its own name.
    unknown = [name for name, typed in subjects.recipes.items() if name == typed and name not in find_recipes()]
    query = Query([*subjects.recipes], [*subjects.datasets, *unknown], comparison.models, comparison.author)
    try:
        return discover(query), []
    except PublishError as error:
        if comparison.needs_hub or subjects.datasets or has_answered(error):
            raise
        logger.info("%s", error)
        return Discovery(), ["the Hub was not reached: only runs of this machine are ranked"]


def _measure(subjects: Subjects, comparison: Comparison) -> list[Statement]:
    """Measure classifiers of others on the test set of the one recipe."""
    if not comparison.external_models:
        return []
    from hf_newscls.compare.external_model import measure_classifier
    from hf_newscls.data.preparation import prepare

    (typed,) = subjects.recipes.values()
    recipe = read_recipe(typed, source=comparison.data)
    prepared = prepare(recipe)
    return [
        measure_classifier(model, recipe, prepared, trust_remote_code=comparison.trust_remote_code)
        for model in dict.fromkeys(comparison.external_models)
    ]


def _refuse_nothing(
    names: Sequence[str], refusals: Sequence[Refusal], remarks: Sequence[str], *, runs_dir: Path
) -> InputError:
    """Return the error that says why nothing is ranked."""
    reasons = [*remarks, *(f"{one.name}: {one.reason}" for one in refusals)]
    found = "; ".join(reasons[:5]) or "none"
    return InputError(
        f"compare: models of {format_examples(names)} must be there to rank, found none ({found}); train one with "
        f"`hf-newscls train RECIPE`, name the folder of runs with --runs-dir in place of {runs_dir.name}, or name "
        "models with --model"
    )
