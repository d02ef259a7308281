"""Find models on the Hub and read what they say of themselves, each at the one commit that the listing gave."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from huggingface_hub import HfApi, ModelInfo, get_session, hf_hub_download, is_offline_mode
from huggingface_hub.errors import (
    GatedRepoError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
)

from hf_newscls.compare.hub_benchmarks import REMEDY, read_benchmarks
from hf_newscls.compare.leaderboard import Entry, Refusal
from hf_newscls.compare.model_scores import Claim, Statement, read_card, read_metrics, read_model_index
from hf_newscls.compare.published_predictions import read_foreign_predictions
from hf_newscls.errors import DataError, PublishError
from hf_newscls.hub.account import check_repo_id
from hf_newscls.hub.retry import HUB_FAILURES, call_hub, refuse
from hf_newscls.report.card_metadata import RECIPE_TAG, TOOL_TAG
from hf_newscls.report.predictions import PREDICTIONS_FILE

__all__ = ["Discovery", "Query", "discover", "find_commit"]

_MOST_MODELS = 1000
_LARGEST = {"README.md": 1_000_000, "metrics.json": 5_000_000, PREDICTIONS_FILE: 500_000_000}
_PATIENCE_SECONDS = 10

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Query:
    """Which models are looked for.

    Attributes:
        recipes: names of recipes, whose models carry a tag.
        datasets: ids of datasets, as a `model-index` names them.
        models: owner/name of further ones.
        author: whose models are taken, those of `models` apart; None for everybody's.
    """

    recipes: Sequence[str] = ()
    datasets: Sequence[str] = ()
    models: Sequence[str] = ()
    author: str | None = None


@dataclass(frozen=True)
class Discovery:
    """What was found.

    Attributes:
        statements: what the models say of themselves, by name.
        entries: of the leaderboards that the Hub itself keeps of datasets.
        refusals: models that cannot be read.
    """

    statements: Sequence[Statement] = ()
    entries: Sequence[Entry] = ()
    refusals: Sequence[Refusal] = ()


def discover(query: Query) -> Discovery:
    """Look models up, and read their cards, scores and predictions; none of their code is fetched.

    Raises:
        InputError: a model's name cannot be one.
        PublishError: the Hub refused, or could not be reached.
    """
    for name in query.models:
        check_repo_id(name)
    _check_online()
    commits: dict[str, str] = {}
    for recipe in query.recipes:
        commits |= _list_models([TOOL_TAG, f"{RECIPE_TAG}{recipe}"], query.author)
    for dataset in query.datasets:
        commits |= _list_models([TOOL_TAG], query.author, is_wanted=partial(_is_about, dataset=dataset))
    refusals: list[Refusal] = []
    for name in query.models:
        try:
            commits[name] = find_commit(name)
        except PublishError as error:
            if not isinstance(error.__cause__, RepositoryNotFoundError):
                raise
            refusals.append(Refusal(name, "is not on the Hub, or your token does not open it"))
    logger.info("reading %d models on the Hub", len(commits))
    statements: list[Statement] = []
    for name, commit in sorted(commits.items()):
        read = _read_model(name, commit, datasets=query.datasets)
        if isinstance(read, Statement):
            statements.append(read)
        else:
            refusals.append(read)
    return Discovery(statements, read_benchmarks(query.datasets, commits, author=query.author), refusals)


def find_commit(name: str) -> str:
    """Return the newest commit of a model.

    Raises:
        PublishError: there is no such model for this token, or the Hub could not be reached.
    """
    _check_online()
    found = call_hub(lambda: HfApi().model_info(name, expand=["sha"]), what=f"know the model {name}", remedy=REMEDY)
    return str(found.sha)


def _check_online() -> None:
    """Find out in one request whether there is a Hub: its client would try again for half a minute to list models."""
    if is_offline_mode():
        raise PublishError("Hub: it must be reachable, got HF_HUB_OFFLINE; unset that, or add --local")
    try:
        get_session().head(f"{HfApi().endpoint}/api/models?limit=1", timeout=_PATIENCE_SECONDS)
    except HUB_FAILURES as error:
        raise refuse("be reachable", error, remedy=REMEDY) from error


def _list_models(
    tags: Sequence[str], author: str | None, *, is_wanted: Callable[[ModelInfo], bool] = lambda _: True
) -> dict[str, str]:
    """Return the newest commit of each model that carries all tags."""

    def fetch() -> list[ModelInfo]:
        """Ask the Hub for them, no more than are taken at most."""
        return [
            *HfApi().list_models(filter=tags, author=author, expand=["sha", "tags", "model-index"], limit=_MOST_MODELS)
        ]

    found = call_hub(fetch, what=f"list models tagged {', '.join(tags)}", remedy=REMEDY)
    if len(found) == _MOST_MODELS:
        logger.warning("took the first %s models tagged %s; --author narrows them", f"{len(found):,}", ", ".join(tags))
    return {one.id: str(one.sha) for one in found if one.sha and is_wanted(one)}


def _is_about(model: ModelInfo, *, dataset: str) -> bool:
    """Return whether a model's tags or its scores name a dataset."""
    if f"dataset:{dataset}" in (model.tags or []):
        return True
    try:
        return any(claim.dataset == dataset for claim in read_model_index(model.model_index))
    except DataError:
        return False


def _read_model(name: str, commit: str, *, datasets: Sequence[str]) -> Statement | Refusal:
    """Read the files beside a model's weights; without its card nothing of it is believed."""
    try:
        card = _fetch_file(name, commit, "README.md")
        claims = _select_claims(read_card(_read_text(card)) if card else [], datasets)
    except DataError as error:
        return Refusal(name, f"its metadata cannot be read: {error}", commit)
    except GatedRepoError:
        return Refusal(name, "its files are behind terms that must be accepted on the Hub first", commit)
    except HUB_FAILURES as error:
        return Refusal(name, str(refuse(f"send README.md of {name}", error, remedy=REMEDY)), commit)
    statement = Statement(name, "Hub", commit, claims)
    return _add_predictions(_add_metrics(statement, commit), commit)


def _add_metrics(statement: Statement, commit: str) -> Statement:
    try:
        path = _fetch_file(statement.name, commit, "metrics.json")
        return replace(statement, measured=read_metrics(_read_text(path))) if path else statement
    except DataError as error:
        return statement.add_note(f"its metrics.json cannot be read: {error}")
    except HUB_FAILURES as error:
        return statement.add_note(str(refuse("send metrics.json", error, remedy=REMEDY)))


def _add_predictions(statement: Statement, commit: str) -> Statement:
    try:
        path = _fetch_file(statement.name, commit, PREDICTIONS_FILE)
        return replace(statement, predictions=read_foreign_predictions(path)) if path else statement
    except DataError as error:
        return statement.add_note(f"its predictions cannot be read: {error}")
    except HUB_FAILURES as error:
        return statement.add_note(str(refuse(f"send {PREDICTIONS_FILE}", error, remedy=REMEDY)))


def _fetch_file(name: str, commit: str, path: str) -> Path | None:
    """Return where a file of a model lies now; None where the model has none.

    Raises:
        DataError: it is larger than such a file has reason to be.
    """
    try:
        size = hf_hub_download(name, path, revision=commit, dry_run=True).file_size
        if size is None or size > _LARGEST[path]:
            raise DataError(f"{path}: must hold at most {_LARGEST[path]:,} bytes, got {size or 'no size'}")
        return Path(hf_hub_download(name, path, revision=commit))
    except RemoteEntryNotFoundError:
        return None


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name}: must be UTF-8, got {error.reason}; its owner must publish it again") from error


def _select_claims(claims: Sequence[Claim], datasets: Sequence[str]) -> list[Claim]:
    """Return the claims on the datasets that were asked for, where there are any."""
    asked = [claim for claim in claims if claim.dataset in datasets]
    return asked or [*claims]
