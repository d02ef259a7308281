"""Files whose names say train and test are not pooled without a word."""

import json
import re
from pathlib import Path

import pytest

from hf_newscls.data.preparation import prepare
from hf_newscls.data.sources.fetch import fetch_source
from hf_newscls.errors import SourceError
from tests.hub_server import HubServer
from tests.tiny_models import MakeRecipe

NEWS = b"title,label\nStorm hits coast,REAL\n"


def write_files(folder: Path, names: list[str]) -> list[str]:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(NEWS)
    return [str(folder / name) for name in names]


@pytest.mark.parametrize(
    ("names", "mapping"),
    [
        (["train.csv", "test.csv"], {"train": 0, "test": 1}),
        (["test.tsv", "valid.tsv", "train.tsv"], {"train": 2, "validation": 1, "test": 0}),
        (["News_Train_8000.csv", "News_Test_7600.csv"], {"train": 0, "test": 1}),
        (["train-1.csv", "train-2.csv", "dev.csv", "test.csv"], {"train": [0, 1], "validation": 2, "test": 3}),
        (["train/a.csv", "test/b.csv"], {"train": 0, "test": 1}),
        # Without a test set, the validation set is the best one to test on.
        (["train.csv", "val.csv"], {"train": 0, "test": 1}),
        (["train.csv", "other.csv", "test.csv"], {"train": 0, "test": 2}),
    ],
)
def test_official_splits_are_asked_about(names: list[str], mapping: dict[str, int | list[int]], tmp_path: Path) -> None:
    paths = write_files(tmp_path, names)
    with pytest.raises(SourceError, match=r"`data\.pool_splits: true`") as caught:
        fetch_source(paths)
    shown = re.search(r"`data\.source: (.*?)`", str(caught.value))
    assert shown is not None
    expected = {
        split: paths[index] if isinstance(index, int) else [paths[one] for one in index]
        for split, index in mapping.items()
    }
    assert json.loads(shown[1]) == expected


def test_pattern_is_asked_about_too(tmp_path: Path) -> None:
    write_files(tmp_path, ["test.csv", "train.csv"])
    with pytest.raises(SourceError, match=re.escape(f'"train": "{tmp_path / "train.csv"}"')):
        fetch_source(f"{tmp_path}/*.csv")


@pytest.mark.parametrize(
    "names",
    [
        ["Fake.csv", "True.csv"],
        ["train-1.csv", "train-2.csv"],
        ["valid.csv", "test.csv"],
        ["strain.csv", "contest.csv"],
        ["part1.csv", "test.csv"],
    ],
)
def test_other_names_are_not_asked_about(names: list[str], tmp_path: Path) -> None:
    assert len(fetch_source(write_files(tmp_path, names)).paths) == 2


def test_files_are_pooled_where_the_recipe_says_so(tmp_path: Path) -> None:
    assert len(fetch_source(write_files(tmp_path, ["train.csv", "test.csv"]), pool_splits=True).paths) == 2


# Whole datasets of the Hub.


def write_dataset(hub: HubServer, news: Path, *splits: str) -> str:
    with news.open(encoding="utf-8", newline="") as stream:
        header, *lines = stream.read().splitlines(keepends=True)
    size = len(lines) // len(splits)
    parts = {
        f"{split}.csv": "".join([header, *lines[index * size : (index + 1) * size]]).encode()
        for index, split in enumerate(splits)
    }
    hub.create_repo("datasets/owner/news", files=parts)
    return "data.source=hf://datasets/owner/news"


def test_splits_of_the_hub_are_kept(hub_here: HubServer, news_csv: Path, make_recipe: MakeRecipe) -> None:
    source = write_dataset(hub_here, news_csv, "train", "test", "validation")
    kept = prepare(make_recipe(source, "data.near_duplicates=null")).manifest
    assert {split: len(ids) for split, ids in kept.row_ids.items()} == {"train": 40, "validation": 40, "test": 40}
    pooled = prepare(make_recipe(source, "data.near_duplicates=null", "data.pool_splits=true")).manifest
    assert {split: len(ids) for split, ids in pooled.row_ids.items()} == {"train": 72, "validation": 24, "test": 24}


@pytest.mark.parametrize(
    ("splits", "key"),
    [
        (("train", "validation"), "data.pool_splits=false"),
        (("train", "test"), "split.folds=5"),
    ],
)
def test_splits_of_the_hub_that_do_not_fit_are_asked_about(
    splits: tuple[str, ...], key: str, hub_here: HubServer, news_csv: Path, make_recipe: MakeRecipe
) -> None:
    source = write_dataset(hub_here, news_csv, *splits)
    with pytest.raises(SourceError, match=r"^hf://datasets/owner/news: .*`data\.pool_splits: true`"):
        prepare(make_recipe(source, key))


def test_dataset_of_the_hub_with_one_split_is_split(
    hub_here: HubServer, news_csv: Path, make_recipe: MakeRecipe
) -> None:
    manifest = prepare(make_recipe(write_dataset(hub_here, news_csv, "train"))).manifest
    assert len(manifest.row_ids["test"]) == 24
