"""Prepared rows are cached, and prepared again after any change that can affect them."""

import logging
import os
import shutil
from pathlib import Path

import pytest

from hf_newscls.data.preparation import prepare
from hf_newscls.data.prepared import cache as prepared_cache
from hf_newscls.data.prepared.splits import PreparedData
from tests.tiny_models import MakeRecipe


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_NEWSCLS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def news(news_csv: Path, tmp_path: Path) -> Path:
    return shutil.copy(news_csv, tmp_path / "news.csv")


def is_new(prepared: PreparedData, caplog: pytest.LogCaptureFixture) -> bool:
    is_cached = any("using cached rows" in record.message for record in caplog.records)
    caplog.clear()
    assert prepared.splits["train"].cache_files  # mapped from the disk, not held in memory
    return not is_cached


def test_unchanged_rows_are_taken_from_the_cache(
    make_recipe: MakeRecipe, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    first = prepare(make_recipe())
    assert is_new(first, caplog)
    second = prepare(make_recipe("training_arguments.learning_rate=1e-3"))
    assert not is_new(second, caplog)
    assert second.manifest == first.manifest
    assert [file.name for file in second.manifest.files] == ["news.csv"]
    assert {split: rows[:] for split, rows in second.splits.items()} == {
        split: rows[:] for split, rows in first.splits.items()
    }


@pytest.mark.parametrize(
    "change", ["data.separator=' / '", "split.seed=5", "data.duplicates=drop", "data.csv.quoting=minimal"]
)
def test_changed_recipe_is_prepared_again(
    change: str, make_recipe: MakeRecipe, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    prepare(make_recipe())
    caplog.clear()
    assert is_new(prepare(make_recipe(change)), caplog)


def test_changed_file_is_prepared_again(
    news: Path, make_recipe: MakeRecipe, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    recipe = make_recipe(f"data.source={news}")
    before = prepare(recipe).manifest.fingerprint
    stamp = news.stat().st_mtime_ns
    news.write_text(news.read_text().replace("bank", "bonk", 1))
    os.utime(news, ns=(stamp, stamp))
    caplog.clear()
    after = prepare(recipe)
    assert is_new(after, caplog)
    assert after.manifest.fingerprint != before


def test_changed_code_is_prepared_again(
    make_recipe: MakeRecipe, cache: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    prepare(make_recipe())
    caplog.clear()
    monkeypatch.setattr(prepared_cache, "_hash_code", lambda: "another version")
    assert is_new(prepare(make_recipe()), caplog)


def test_entries_used_last_are_kept(
    make_recipe: MakeRecipe, cache: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(prepared_cache, "_KEPT_ENTRIES", 2)
    (cache / "someone's own").mkdir(parents=True)
    recipes = [make_recipe(f"split.seed={seed}") for seed in (1, 2, 3)]
    for recipe in (recipes[0], recipes[1], recipes[0], recipes[2]):
        prepare(recipe)
    assert len([*cache.iterdir()]) == 3
    assert (cache / "someone's own").is_dir()
    caplog.clear()
    assert not is_new(prepare(recipes[2]), caplog)
    assert not is_new(prepare(recipes[0]), caplog)
    assert is_new(prepare(recipes[1]), caplog)


def test_unfinished_entries_are_removed_after_a_day(make_recipe: MakeRecipe, cache: Path) -> None:
    old, new = (cache / f".{digit * 32}-new-{digit * 32}" for digit in "01")
    for folder in (old, new):
        folder.mkdir(parents=True)
    os.utime(old, (1.6e9, 1.6e9))
    prepare(make_recipe())
    assert not old.exists()
    assert new.is_dir()


@pytest.mark.parametrize("pattern", ["train/data-*.arrow", "dataset_dict.json", "test/state.json"])
def test_damaged_entry_is_prepared_again(
    pattern: str, make_recipe: MakeRecipe, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    expected = prepare(make_recipe()).manifest
    (damaged,) = cache.glob(f"*/{pattern}")
    damaged.unlink()
    caplog.clear()
    again = prepare(make_recipe())
    assert is_new(again, caplog)
    assert again.manifest == expected
    assert not is_new(prepare(make_recipe()), caplog)


def test_cache_that_cannot_be_written_is_not_an_error(
    make_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HF_NEWSCLS_CACHE", str(tmp_path / "file" / "cache"))
    prepared = prepare(make_recipe())
    assert sum(map(len, prepared.splits.values())) == prepared.manifest.rows_read - sum(
        prepared.manifest.dropped.values()
    )
