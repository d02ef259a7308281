"""Push prepared data to a dataset repository in one commit, if nothing else is there."""

import math
from pathlib import Path
from tempfile import TemporaryDirectory

from datasets import DatasetDict

from hf_newscls.hub.commit import CARD_FILE, Content, Pushed, PushOptions
from hf_newscls.hub.ownership import Ownership, push_owned
from hf_newscls.hub.preflight import Target
from hf_newscls.report.card_metadata import LEADERBOARD_TAG, TOOL_TAG

_SHARD_BYTES = 500_000_000


def push_dataset(splits: DatasetDict, target: Target, *, card: str, message: str) -> Pushed:
    """Push all splits as Parquet, with a card, in one commit, and make no commit if nothing changed.

    The Parquet files keep the names of the label ids. Shards in `data/` that an earlier push left are deleted.

    Raises:
        PublishError: the Hub refused or could not be reached, or the repository holds something else.
    """
    options = PushOptions(message, delete_patterns=("data/*.parquet",), command="hf-newscls prepare --publish")
    ownership = Ownership("prepared data", tags=(TOOL_TAG,), forbidden=(LEADERBOARD_TAG,))
    with TemporaryDirectory() as folder:
        files: dict[str, Content] = {CARD_FILE: card.encode(), **_write_shards(splits, Path(folder))}
        return push_owned(files, target, options, ownership=ownership)


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
