"""Find models on the Hub and read the scores they claim, each at the one commit that the listing gave."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, ModelInfo, get_session, hf_hub_download, is_offline_mode
from huggingface_hub.errors import (
    GatedRepoError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from hf_newscls.comparison.hub_benchmarks import REMEDY, read_benchmarks
from hf_newscls.comparison.leaderboard import Entry, Unranked
from hf_newscls.comparison.model_scores import (
    Claim,
    ModelScores,
    build_file_error,
    read_card,
    read_metrics,
    read_model_index,
)
from hf_newscls.comparison.published_predictions import read_published_predictions
from hf_newscls.errors import DataError, PublishError
from hf_newscls.hub.account import check_repo_id, check_revision
from hf_newscls.hub.retry import HUB_FAILURES, build_publish_error, call_hub
from hf_newscls.report.card_metadata import RECIPE_TAG, TOOL_TAG
from hf_newscls.report.predictions import PREDICTIONS_FILE

_MAX_MODELS = 1000
_MAX_BYTES = {"README.md": 1_000_000, "metrics.json": 5_000_000, PREDICTIONS_FILE: 500_000_000}
_TIMEOUT_SECONDS = 10

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Discovery:
    """Models by name, scores from the Hub's own leaderboards of the datasets, and models that cannot be read."""

    models: Sequence[ModelScores] = ()
    entries: Sequence[Entry] = ()
    unranked: Sequence[Unranked] = ()


def discover(
    *,
    recipes: Sequence[str] = (),
    datasets: Sequence[str] = (),
    models: Sequence[str] = (),
    author: str | None = None,
) -> Discovery:
    """Find models, and read their cards, scores and predictions; none of their code is fetched.

    Args:
        recipes: names of recipes; their models carry a tag.
        datasets: ids of datasets, as in a `model-index`.
        models: additional models, as owner/name or owner/name@revision.
        author: owner of the models that recipes and datasets find; None for all owners.

    Raises:
        InputError: a model's name is not owner/name or owner/name@revision.
        PublishError: the Hub refused, or could not be reached.
    """
    for name in models:
        _check_name(name)
    _check_online()
    listed = [model for recipe in recipes for model in _list_models([TOOL_TAG, f"{RECIPE_TAG}{recipe}"], author)]
    if datasets:
        listed += [model for model in _list_models([TOOL_TAG], author) if _is_about(model, datasets)]
    commits = {model.id: str(model.sha) for model in listed if model.sha}
    unranked: list[Unranked] = []
    for name in models:
        try:
            commits[name] = find_commit(name)
        except PublishError as error:
            if not isinstance(error.__cause__, RepositoryNotFoundError | RevisionNotFoundError):
                raise
            unranked.append(Unranked(name, "not on the Hub, or your token cannot read it"))
    logger.info("reading %d models on the Hub", len(commits))
    found = [_read_model(name, commit, datasets=datasets) for name, commit in sorted(commits.items())]
    return Discovery(
        models=[one for one in found if isinstance(one, ModelScores)],
        entries=read_benchmarks(datasets, commits, author=author),
        unranked=[*unranked, *(one for one in found if isinstance(one, Unranked))],
    )


def find_commit(name: str) -> str:
    """Return the commit of owner/name@revision, or the latest one; a `PublishError` means none, or no answer."""
    repo_id, _, revision = name.partition("@")
    found = call_hub(
        lambda: HfApi().model_info(repo_id, revision=revision or None, expand=["sha"]),
        what=f"find the model {name}",
        remedy=REMEDY,
    )
    return str(found.sha)


def _check_name(name: str) -> None:
    repo_id, at, revision = name.partition("@")
    check_repo_id(repo_id)
    if at:
        check_revision(revision)


def _check_online() -> None:
    """Send one request first: to list models, huggingface_hub would retry for half a minute."""
    if is_offline_mode():
        raise PublishError("Hub: HF_HUB_OFFLINE is set; unset it, or compare only local runs (local=True or --local)")
    endpoint = HfApi().endpoint
    try:
        get_session().head(f"{endpoint}/api/models?limit=1", timeout=_TIMEOUT_SECONDS)
    except HUB_FAILURES as error:
        raise build_publish_error(f"reach {endpoint}", error, remedy=REMEDY) from error


def _list_models(tags: Sequence[str], author: str | None) -> list[ModelInfo]:
    """Return each model that carries all tags, at its latest commit."""
    found = call_hub(
        lambda: [
            *HfApi().list_models(filter=tags, author=author, expand=["sha", "tags", "model-index"], limit=_MAX_MODELS)
        ],
        what=f"list models tagged {', '.join(tags)}",
        remedy=REMEDY,
    )
    if len(found) == _MAX_MODELS:
        logger.warning(
            "took the first %s models tagged %s; the option `author` narrows them", f"{len(found):,}", ", ".join(tags)
        )
    return found


def _is_about(model: ModelInfo, datasets: Sequence[str]) -> bool:
    """Return whether a model's tags or scores name a dataset."""
    if {f"dataset:{dataset}" for dataset in datasets} & {*(model.tags or [])}:
        return True
    try:
        return any(claim.dataset in datasets for claim in read_model_index(model.model_index))
    except DataError:
        return False


def _read_model(name: str, commit: str, *, datasets: Sequence[str]) -> ModelScores | Unranked:
    """Read a model's card, scores and predictions; without a readable card the model is not ranked."""
    model = ModelScores(name, "Hub", revision=commit)
    model = _add_file(model, "README.md", lambda path: {"claims": _read_claims(path, datasets)})
    if model.notes:
        return Unranked(name, model.notes[0], commit)
    model = _add_file(model, "metrics.json", lambda path: {"measured": read_metrics(_read_text(path))})
    return _add_file(model, PREDICTIONS_FILE, lambda path: {"predictions": read_published_predictions(path)})


def _add_file(model: ModelScores, file: str, read: Callable[[Path], dict[str, Any]]) -> ModelScores:
    """Return the model with what a file says, or with a note if the file cannot be fetched or read."""
    try:
        path = _fetch_file(model.name.partition("@")[0], str(model.revision), file)
        return replace(model, **read(path)) if path else model
    except DataError as error:
        return model.add_note(str(error))
    except GatedRepoError:
        return model.add_note("gated; accept its terms on the Hub first")
    except HUB_FAILURES as error:
        return model.add_note(str(build_publish_error(f"read {file} of {model.name}", error, remedy=REMEDY)))


def _fetch_file(name: str, commit: str, path: str) -> Path | None:
    """Return the local path of a model's file; None without such a file, a `DataError` for one that is too large."""
    try:
        size = hf_hub_download(name, path, revision=commit, dry_run=True).file_size
        if size is None or size > _MAX_BYTES[path]:
            found = "unknown size" if size is None else f"{size:,} bytes"
            raise build_file_error(path, f"{found}, more than {_MAX_BYTES[path]:,} bytes")
        return Path(hf_hub_download(name, path, revision=commit))
    except RemoteEntryNotFoundError:
        return None


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise build_file_error(path.name, f"not UTF-8 ({error.reason})") from error


def _read_claims(card: Path, datasets: Sequence[str]) -> list[Claim]:
    """Return the claims on the given datasets; all claims if there are none."""
    claims = read_card(_read_text(card))
    return [claim for claim in claims if claim.dataset in datasets] or claims
