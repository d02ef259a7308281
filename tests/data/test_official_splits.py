"""Files whose names say train and test are not pooled without a word."""

import json
import re
from pathlib import Path

import pytest

from hf_newscls.data.sources import fetch_source
from hf_newscls.errors import SourceError

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
