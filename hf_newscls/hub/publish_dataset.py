"""Push prepared data to a dataset repository in one commit, if nothing else is there."""

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from datasets import DatasetDict
from huggingface_hub import DatasetCard

from hf_newscls.errors import PublishError, format_examples
from hf_newscls.hub.commit import CARD_FILE, Content, Head, Pushed, PushOptions, push_files
from hf_newscls.hub.file_checks import check_files
from hf_newscls.hub.preflight import Target
from hf_newscls.report.card_metadata import LEADERBOARD_TAG, TOOL_TAG

_SHARD_BYTES = 500_000_000


def push_dataset(splits: DatasetDict, target: Target, *, card: str, message: str) -> Pushed:
    """Push all splits as Parquet, with a card, in one commit, and make no commit if nothing changed.

    The Parquet files keep the names of the label ids. Shards in `data/` that an earlier push left are deleted.

    Raises:
        PublishError: the Hub refused or could not be reached, or the repository holds something else.
    """
    check_files({CARD_FILE: card.encode()})
    options = PushOptions(message, delete_patterns=("data/*.parquet",), command="hf-newscls prepare --publish")
    with TemporaryDirectory() as folder:
        files: dict[str, Content] = {CARD_FILE: card.encode(), **_write_shards(splits, Path(folder))}

        def build(head: Head) -> Mapping[str, Content]:
            """Return the files, if the repository may be overwritten."""
            tags, forbidden = (TOOL_TAG,), (LEADERBOARD_TAG,)
            check_ownership(head, repo_id=target.repo_id, content="prepared data", tags=tags, forbidden=forbidden)
            return files

        return push_files(build, target, options)


def check_ownership(
    head: Head, *, repo_id: str, content: str, tags: Collection[str], forbidden: Collection[str] = ()
) -> None:
    """Raise a `PublishError` if a repository has files, and no card with these tags and without the forbidden ones.

    The content is named in the message, as in "a leaderboard".
    """
    files = sorted(head.files.keys() - {".gitattributes"})  # which the Hub puts into a new repository
    try:
        listed = DatasetCard(head.card).data.get("tags") if head.card else None
    except (ValueError, yaml.YAMLError):
        listed = None
    found = {str(tag) for tag in listed} if isinstance(listed, list) else set()
    if files and not (found.issuperset(tags) and found.isdisjoint(forbidden)):
        raise PublishError(f"{repo_id}: holds {format_examples(files)}, but not {content}; name another repository")


def _write_shards(splits: DatasetDict, folder: Path) -> dict[str, Path]:
    """Write each split into Parquet files of a size that the Hub's viewer reads well; return them by their names."""
    paths: dict[str, Path] = {}
    for split, rows in splits.items():
        # A split is a selection of rows from a table of all splits.
        size = rows.data.nbytes * len(rows) / max(1, rows.data.num_rows)
        count = math.ceil(size / _SHARD_BYTES) or 1
        for index in range(count):
            name = f"{split}-{index:05}-of-{count:05}.parquet"
            rows.shard(count, index, contiguous=True).to_parquet(folder / name)
            paths[f"data/{name}"] = folder / name
    return paths
