"""What can be known before hours of training: whether the Hub will take the model."""

import logging
from dataclasses import dataclass

from huggingface_hub import HfApi, ModelCard
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

from hf_newscls.errors import PublishError, RecipeError
from hf_newscls.evaluation.metric_names import is_metric
from hf_newscls.hub.account import Account, find_account, name_repo
from hf_newscls.hub.retry import call_hub, refuse
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.card_metadata import describe_recipe

__all__ = ["Target", "check_license", "check_metadata", "check_target", "find_target", "preflight"]

_LICENCE_FORBIDS_CHANGES = "-nd"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """A repository that may be pushed to.

    Attributes:
        repo_id: owner/name.
        repo_type: model or dataset.
        exists: whether it is on the Hub already; else it is created when something is pushed.
        is_private: whether it is private, or will be.
    """

    repo_id: str
    repo_type: str
    exists: bool
    is_private: bool


def preflight(recipe: Recipe) -> Target | None:
    """Check all that publishing a recipe's model needs and that is known before it is trained.

    Returns:
        Where the model will go; None without a token, for then it can only be published later.

    Raises:
        InputError: the repository's name is no name, or a benchmark is sent what is no score.
        PublishError: the token is not accepted or may not write there, the repository is public where it must be
            private, the card's metadata is not valid, or the base model's licence forbids what is planned.
    """
    account = find_account()
    if account is None:
        return None
    target = find_target(
        name_repo(recipe.hub.repo_id, account, default_name=recipe.name), account, private=recipe.hub.private
    )
    _check_benchmark(recipe)
    check_metadata(f"---\n{describe_recipe(recipe).to_yaml()}\n---\n")
    check_license(recipe)
    return target


def check_target(target: Target, *, private: bool) -> None:
    """Refuse a public repository where it must be private.

    Raises:
        PublishError: it is public.
    """
    if private and not target.is_private:
        option = "--public" if target.repo_type == "dataset" else "--no-private, or `hub.private: false` to the recipe,"
        raise PublishError(
            f"Hub: the {target.repo_type} {target.repo_id} must be private, found it public; "
            f"add {option} or name another"
        )


def find_target(
    repo_id: str, account: Account, *, private: bool, repo_type: str = "model", is_proposal: bool = False
) -> Target:
    """Look a repository up, and make sure that it can be pushed to or created.

    Args:
        repo_id: owner/name.
        account: that pushes.
        private: whether it must be private.
        repo_type: model or dataset.
        is_proposal: whether a pull request is all that is wanted: anyone may make one where the repository is there.

    Raises:
        PublishError: the token may not, or the repository is public where it must be private.
    """
    what = f"say what {repo_id} is"
    try:
        found = call_hub(lambda: HfApi().repo_info(repo_id, repo_type=repo_type), what=what)
    except PublishError as error:
        if not isinstance(error.__cause__, RepositoryNotFoundError):
            raise
        found = None
    is_asking = is_proposal and found is not None
    if not is_asking and not (account.can_create(repo_id) if found is None else account.can_write(repo_id)):
        raise PublishError(
            f"Hub: the token of {account.name} ({account.role}) must have write access to {repo_id}, "
            f"got none; set HF_TOKEN to one that has, or name another repository"
        )
    target = Target(repo_id, repo_type, found is not None, private if found is None else bool(found.private))
    check_target(target, private=private)
    return target


def check_metadata(card: str) -> None:
    """Ask the Hub whether it takes a card's metadata.

    Raises:
        PublishError: it does not, or could not be reached.
    """

    def validate() -> None:
        """Let the Hub check the metadata of the card."""
        try:
            ModelCard(card).validate(repo_type="model")
        except ValueError as error:
            raise refuse("take the card's metadata", error, remedy="change `hub` in the recipe") from error

    call_hub(validate, what="check the card's metadata")


def check_license(recipe: Recipe) -> None:
    """Read the licence of the base model, which binds what is made of it.

    Raises:
        PublishError: it forbids changed versions, or the Hub could not be reached.
    """
    found = _read_license(recipe)
    if found is None:
        logger.info("the licence of %s could not be read on the Hub", recipe.base_model or "the base model")
    elif _LICENCE_FORBIDS_CHANGES in found:
        raise PublishError(
            f"{recipe.base_model}: its licence must allow changed versions to be published, got {found!r}; "
            "train another model, or do not publish"
        )
    elif found != recipe.hub.license:
        logger.info("%s is under %s, the model will be under %s", recipe.base_model, found, recipe.hub.license)


def _check_benchmark(recipe: Recipe) -> None:
    benchmark = recipe.hub.benchmark
    if benchmark is not None and not is_metric(benchmark.metric):
        raise RecipeError(
            f"`hub.benchmark.metric`: must be a test score, got {benchmark.metric!r}; write accuracy, f1_macro or "
            "another score of a report"
        )


def _read_license(recipe: Recipe) -> str | None:
    base, revision = recipe.base_model, recipe.base_revision
    if base is None:
        return None
    try:
        found = call_hub(lambda: HfApi().model_info(base, revision=revision), what=f"describe {base}").card_data
    except PublishError as error:
        if isinstance(error.__cause__, RepositoryNotFoundError | RevisionNotFoundError):
            return None
        raise
    license_id = found.get("license") if found else None
    return license_id if isinstance(license_id, str) else None
