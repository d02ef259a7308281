"""Check what is published, and push it to the Hub in one commit: a model folder, or prepared data."""

import logging
import math
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from datasets import DatasetDict
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token
from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined] # the base of what its HTTP client raises

from hf_newscls.errors import PublishError, describe_offenders

__all__ = ["check_model_folder", "name_repo", "push_dataset", "push_model"]

_REQUIRED = ("README.md", "config.json", "tokenizer_config.json")
_PICKLES = (".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth")
_SHARD_BYTES = 500_000_000
# huggingface_hub raises a bare RuntimeError where a large file cannot be sent.
_FAILURES = (HTTPError, OSError, ValueError, RuntimeError)
_TOKEN = re.compile(rb"\bhf_[A-Za-z0-9]{30,}")

logger = logging.getLogger(__name__)


def check_model_folder(folder: Path) -> None:
    """Refuse to publish a folder that is incomplete, or holds pickles or an access token.

    Raises:
        PublishError: what is wrong with it.
    """
    missing = [name for name in _REQUIRED if not (folder / name).is_file()]
    is_adapter = (folder / "adapter_config.json").is_file()
    weights = "adapter_model.safetensors" if is_adapter else "model.safetensors"
    if not (folder / weights).is_file():
        missing.append(weights)
    if missing:
        raise PublishError(f"{folder}: must hold {describe_offenders(missing)} to be published; evaluate the run again")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    pickles = [path.name for path in files if path.suffix.lower() in _PICKLES]
    if pickles:
        raise PublishError(f"{folder}: must hold no pickled files, found {describe_offenders(pickles)}; remove them")
    leaks = [path.name for path in files if path.suffix != ".safetensors" and _TOKEN.search(path.read_bytes())]
    if leaks:
        raise PublishError(f"{folder}: must hold no access token, found one in {describe_offenders(leaks)}; remove it")


def name_repo(repo_id: str | None, *, default_name: str) -> str:
    """Return owner/name of the repository to push to; what is missing comes from the account and the recipe.

    Raises:
        PublishError: there is no token, or the Hub does not accept it.
    """
    if get_token() is None:
        raise PublishError("Hub: a token with write access is needed, found none; run `hf auth login` or set HF_TOKEN")
    name = repo_id or default_name
    if "/" in name:
        return name
    try:
        return f"{HfApi().whoami()['name']}/{name}"
    except (HTTPError, OSError) as error:
        raise _refuse("must accept the token", error) from error


def push_model(folder: Path, repo_id: str, *, card: str, private: bool, message: str) -> str:
    """Create the repository where it is not there, and push the whole folder in one commit.

    Args:
        folder: a folder that `check_model_folder` passed.
        repo_id: owner/name.
        card: what becomes README.md in place of the folder's own, which does not know the repository yet.
        private: whether a new repository is private.
        message: of the commit.

    Returns:
        The address of the commit.

    Raises:
        PublishError: the Hub refused or could not be reached; the folder is untouched and can be pushed again.
    """
    api = HfApi()
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    contents: dict[str, Path | bytes] = {**files, "README.md": card.encode()}
    operations = [CommitOperationAdd(name, content) for name, content in contents.items()]
    try:
        api.create_repo(repo_id, private=private, exist_ok=True)
        commit = api.create_commit(repo_id, operations, commit_message=message)
    except _FAILURES as error:
        raise _refuse(f"must take the push to {repo_id}", error) from error
    logger.info("pushed %s to %s", folder, repo_id)
    return str(commit.commit_url)


def push_dataset(splits: DatasetDict, repo_id: str, *, card: str, private: bool, message: str) -> str:
    """Create the dataset repository where it is not there, and push all splits as Parquet with the card in one commit.

    What an earlier push left in `data/` goes in the same commit.

    Args:
        splits: what is pushed; the names of label ids travel in the Parquet files.
        repo_id: owner/name.
        card: becomes README.md.
        private: whether the repository must be private.
        message: of the commit.

    Returns:
        The address of the commit.

    Raises:
        PublishError: the Hub refused or could not be reached, or the repository is public where it must be private.
    """
    api = HfApi()
    try:
        api.create_repo(repo_id, repo_type="dataset", private=private, exist_ok=True)
        found = api.dataset_info(repo_id)
        if private and not found.private:
            raise PublishError(
                f"Hub: the dataset {repo_id} must be private, found it public; add --public or name another"
            )
        old = {one.rfilename for one in found.siblings or [] if one.rfilename.startswith("data/")}
        with TemporaryDirectory() as folder:
            shards = _write_shards(splits, Path(folder))
            operations: list[CommitOperationAdd | CommitOperationDelete] = [
                CommitOperationAdd("README.md", card.encode()),
                *(CommitOperationAdd(name, path) for name, path in shards.items()),
                *(CommitOperationDelete(name) for name in sorted(old - shards.keys())),
            ]
            commit = api.create_commit(repo_id, operations, repo_type="dataset", commit_message=message)
    except PublishError:
        raise
    except _FAILURES as error:
        raise _refuse(f"must take the push to {repo_id}", error, command="hf-newscls prepare --push") from error
    logger.info("pushed %s rows to %s", f"{sum(map(len, splits.values())):,}", repo_id)
    return str(commit.commit_url)


def _write_shards(splits: DatasetDict, folder: Path) -> dict[str, Path]:
    """Write each split into Parquet files of a size that the Hub's viewer likes, and return them by their names."""
    paths: dict[str, Path] = {}
    for side, rows in splits.items():
        # A split is a selection of a table that holds the others too.
        size = rows.data.nbytes * len(rows) / max(1, rows.data.num_rows)
        count = math.ceil(size / _SHARD_BYTES) or 1
        for place in range(count):
            name = f"{side}-{place:05}-of-{count:05}.parquet"
            rows.shard(count, place, contiguous=True).to_parquet(folder / name)
            paths[f"data/{name}"] = folder / name
    return paths


def _refuse(what: str, error: Exception, *, command: str = "hf-newscls publish") -> PublishError:
    reason = " ".join(f"{error} {error.__cause__ or ''}".split())[:300]
    return PublishError(f"Hub: it {what}, got {type(error).__name__} ({reason}); repeat `{command}` later")
