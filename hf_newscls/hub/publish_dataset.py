"""Push prepared data to a dataset repository in one commit."""

import math
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from datasets import DatasetDict

from hf_newscls.hub.account import Account
from hf_newscls.hub.commit import CARD_FILE, Content, Head, Pushed, PushOptions, push_files
from hf_newscls.hub.file_checks import check_files
from hf_newscls.hub.ownership import check_ownership
from hf_newscls.hub.preflight import find_target
from hf_newscls.report.card_metadata import LEADERBOARD_TAG, TOOL_TAG

_SHARD_BYTES = 500_000_000


def push_dataset(
    splits: DatasetDict, repo_id: str, *, account: Account, card: str, private: bool, message: str
) -> Pushed:
    """Push all splits as Parquet, with a card, in one commit, and make no commit if nothing changed.

    Shards in `data/` that an earlier push left are deleted in the same commit.

    Args:
        splits: the rows; the Parquet files keep the names of the label ids.
        repo_id: owner/name.
        account: of the token.
        card: the text of README.md.
        private: whether the repository must be private.
        message: of the commit.

    Raises:
        PublishError: the Hub refused or could not be reached, the repository is public but must be private, or it
            holds something else.
    """
    target = find_target(repo_id, account, private=private, repo_type="dataset")
    check_files({CARD_FILE: card.encode()})
    with TemporaryDirectory() as folder:
        files: dict[str, Content] = {CARD_FILE: card.encode(), **_write_shards(splits, Path(folder))}

        def build(head: Head) -> Mapping[str, Content]:
            """Return the files, if the repository may be overwritten."""
            tags, forbidden = (TOOL_TAG,), (LEADERBOARD_TAG,)
            check_ownership(head, repo_id=repo_id, content="prepared data", tags=tags, forbidden=forbidden)
            return files

        return push_files(
            build,
            target,
            PushOptions(message, delete_patterns=("data/*.parquet",), command="hf-newscls prepare --publish"),
        )


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
