"""Find the official splits of a dataset, from the names of files or from the Hub, and keep them."""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from hf_newscls.data.readers.hub_snapshot import SPLIT, is_snapshot, list_splits, name_snapshot
from hf_newscls.data.splitting import SPELLINGS, SPLITS
from hf_newscls.errors import SourceError, format_examples
from hf_newscls.recipe.recipe import Recipe

_WORDS = re.compile(rf"(?<![a-z])(?:{'|'.join(SPELLINGS)})(?![a-z])", re.IGNORECASE)


def refuse_pooled_splits(files: Sequence[tuple[str, Path]]) -> None:
    """Refuse a list of files, each an address and its path, if some are for training and some are not.

    Raises:
        SourceError: the names say so; the message shows the mapping to write.
    """
    splits: dict[str, list[str]] = {split: [] for split in SPLITS}
    is_pattern = len({address for address, _ in files}) < len(files)
    common = os.path.commonpath([path.absolute().parent for _, path in files])
    for address, path in files:
        if split := find_split(path.absolute().relative_to(common)):
            splits[split].append(str(path) if is_pattern else address)
    if not splits["train"] or not (splits["validation"] or splits["test"]):
        return
    if not splits["test"]:
        splits["test"], splits["validation"] = splits["validation"], []
    mapping = {split: names[0] if len(names) == 1 else names for split, names in splits.items() if names}
    raise SourceError(
        f"{files[0][0]}: the names of the {len(files)} files say train and test, but a list of files is pooled and "
        f"split again; to keep the splits, set `data.source: {json.dumps(mapping, ensure_ascii=False)}`; to pool "
        "them, set `data.pool_splits: true`"
    )


def find_split(path: Path) -> str | None:
    """Return the split that the name of a file says, or else that of a folder it is in.

    >>> [find_split(Path(name)) for name in ("a_train.csv", "test/part1.csv", "Dev.tsv", "contest.csv", "strain.csv")]
    ['train', 'test', 'validation', None, None]
    """
    words = (_WORDS.search(name) for name in reversed(path.parts))
    return next((SPLITS[SPELLINGS[word[0].lower()]] for word in words if word), None)


def use_hub_splits(recipe: Recipe, paths: Sequence[Path]) -> Recipe:
    """Return the recipe with the splits of whole datasets of the Hub as the predefined ones, if they have a test set.

    Raises:
        SourceError: they have other splits than train, validation and test, or the recipe splits in its own way.
    """
    if recipe.data.pool_splits or recipe.split_strategy.predefined or not all(map(is_snapshot, paths)):
        return recipe
    names = sorted({name for path in paths for name in list_splits(path)})
    if "train" not in names or len(names) == 1:
        return recipe
    found = f"{name_snapshot(paths[0])}: has the splits {format_examples(names)}"
    pool = "set `data.pool_splits: true` to pool the rows and split them again"
    if not {"train", "test"} <= {*names} <= {*SPLITS}:
        raise SourceError(f"{found}, not train and test; name the files of both in a mapping in data.source, or {pool}")
    if not recipe.split.has_fractions or recipe.split.by != "random":
        raise SourceError(f"{found}, but split.by or split.folds is set; remove it, or {pool}")
    return recipe.model_copy(update={"split": recipe.split.model_copy(update={"predefined": SPLIT})})
