"""Check before hours of training whether the Hub will accept the model."""

import logging
from dataclasses import dataclass
from functools import partial

from huggingface_hub import HfApi, ModelCard, get_token
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

from hf_newscls.errors import PublishError, RecipeError
from hf_newscls.evaluation.metric_names import is_metric
from hf_newscls.hub.account import check_repo_id, find_account
from hf_newscls.hub.retry import call_hub
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.card_metadata import describe_recipe

_NO_DERIVATIVES = "-nd"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """A repository, owner/name, that the token may push to; the push creates it if it does not exist."""

    repo_id: str
    repo_type: str
    exists: bool
    is_private: bool


def preflight(recipe: Recipe) -> Target | None:
    """Check a later push, and return its target; None without a token, because the model can be published later.

    Raises:
        InputError: the name of the repository or of the benchmark's metric is not valid.
        PublishError: the token is not accepted or may not write there, the repository is public but must be private,
            the card's metadata is not valid, or the base model's licence forbids derivatives.
    """
    if get_token() is None:
        return None
    target = find_target(recipe.hub.repo_id or recipe.name, private=recipe.hub.private)
    benchmark = recipe.hub.benchmark
    if benchmark is not None and not is_metric(benchmark.metric):
        raise RecipeError(
            f"`hub.benchmark.metric` is {benchmark.metric!r}, which is not a test score; "
            "write accuracy, f1_macro or another score of a report"
        )
    check_metadata(f"---\n{describe_recipe(recipe).to_yaml()}\n---\n")
    check_license(recipe)
    return target


def find_target(name: str, *, private: bool, repo_type: str = "model", is_proposal: bool = False) -> Target:
    """Find out whether the token may push to a repository, or create it.

    Args:
        name: owner/name, or only the name for the account of the token.
        private: whether the repository must be private.
        repo_type: model, dataset or space.
        is_proposal: whether the push is a pull request, which anyone may open in an existing repository.

    Raises:
        InputError: no repository can have this name.
        PublishError: there is no token, it may not push there, or the repository is public but must be private.
    """
    account = find_account()
    repo_id = name if "/" in name else f"{account.name}/{name}"
    check_repo_id(repo_id)
    remedy = "set HF_TOKEN to a token that can write there, or name another repository"
    try:
        found = call_hub(lambda: HfApi().repo_info(repo_id, repo_type=repo_type), what=f"look up {repo_id}")
    except PublishError as error:
        if not isinstance(error.__cause__, RepositoryNotFoundError):
            raise
        if not account.can_create(repo_id):
            who = f"{account.name} ({account.role})"
            raise PublishError(f"Hub: the token of {who} cannot create {repo_id}; {remedy}") from error
        return Target(repo_id, repo_type, exists=False, is_private=private)
    if not is_proposal:
        check = partial(HfApi().auth_check, repo_id, repo_type=repo_type, write=True)
        call_hub(check, what=f"get write access to {repo_id}", remedy=remedy)
    if private and not found.private:
        option = "--public" if repo_type == "dataset" else "--public, or `hub.private: false` to the recipe,"
        raise PublishError(
            f"Hub: the {repo_type} {repo_id} is public, but must be private; add {option} or name another"
        )
    return Target(repo_id, repo_type, exists=True, is_private=bool(found.private))


def check_metadata(card: str, *, repo_type: str = "model") -> None:
    """Raise a `PublishError` if the Hub finds a card's metadata invalid, or cannot be reached."""
    validate = partial(ModelCard(card).validate, repo_type=repo_type)
    call_hub(validate, what="validate the card's metadata", remedy="fix `hub` or `data.language`, or try again later")


def check_license(recipe: Recipe) -> None:
    """Raise a `PublishError` if the base model's licence forbids derivatives, or if the Hub cannot be reached.

    A licence that cannot be read forbids nothing.
    """
    base, found = recipe.base_model, None
    try:
        if base is not None:
            fetch = partial(HfApi().model_info, base, revision=recipe.base_revision)
            card = call_hub(fetch, what=f"look up {base}").card_data
            found = card.get("license") if card else None
    except PublishError as error:
        if not isinstance(error.__cause__, RepositoryNotFoundError | RevisionNotFoundError):
            raise
    if not isinstance(found, str):
        logger.info("the licence of %s could not be read on the Hub", base or "the base model")
    elif _NO_DERIVATIVES in found:
        raise PublishError(f"{base}: its licence {found!r} forbids derivatives; train another model, or do not publish")
    elif found != recipe.hub.license:
        logger.info("%s is under %s, the model will be under %s", base, found, recipe.hub.license)
