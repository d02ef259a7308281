"""Prepared data is pushed in one commit, over HTTP with the unmodified client, and read back unchanged."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from huggingface_hub import DatasetCard

from hf_newscls import workflow
from hf_newscls.data.prepared.splits import PreparedData
from hf_newscls.data.sources.fetch import fetch_source
from hf_newscls.errors import InputError, PublishError
from hf_newscls.hub import publish_dataset
from hf_newscls.recipe.recipe import Recipe
from tests.conftest import LABELS, write_csv
from tests.data.reading import read_rows
from tests.hub_server import HubServer
from tests.processes import Result

# huggingface_hub uploads with a deprecated argument of its HTTP client.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

REPO = "datasets/owner/tiny-news"
FILES = ["README.md", *(f"data/{split_name}-00000-of-00001.parquet" for split_name in ("test", "train", "validation"))]


@pytest.fixture
def prepared(make_recipe: Callable[..., Recipe], hub_here: HubServer) -> tuple[PreparedData, Recipe]:
    recipe = make_recipe()
    return workflow.prepare(recipe), recipe


def push(prepared: tuple[PreparedData, Recipe], repo_id: str | None = "tiny-news", **options: bool) -> None:
    workflow.publish_prepared(*prepared, repo_id=repo_id, **options)


def test_command_pushes_everything_in_one_commit(
    hub_here: HubServer, make_recipe: Callable[..., Recipe], tmp_path: Path, call: Callable[..., Result]
) -> None:
    result = call("prepare", str(tmp_path / "tiny.yaml"), "--publish", "owner/tiny-news")
    assert result.code == 0, result.err
    repo = hub_here.repos[REPO]
    assert repo.commits == [("Prepare tiny with hf_newscls", FILES)]
    assert f"{hub_here.endpoint}/{REPO}/commit/{repo.head}" in result.out
    assert repo.private


def test_recipe_is_given_by_its_path(
    prepared: tuple[PreparedData, Recipe], hub_here: HubServer, tmp_path: Path
) -> None:
    workflow.publish_prepared(prepared[0], tmp_path / "tiny.yaml")
    assert hub_here.repos["datasets/owner/tiny"].commits == [("Prepare tiny with hf_newscls", FILES)]


def test_pushed_rows_are_read_back_unchanged(prepared: tuple[PreparedData, Recipe], hub_here: HubServer) -> None:
    push(prepared)
    source = fetch_source("hf://datasets/owner/tiny-news")
    rows = read_rows(source.paths, columns=["text", "label", "date", "split"], id_column="id")
    expected = [
        (row["id"], row["text"], LABELS[row["label"]], row["date"], split_name)
        for split_name, split in prepared[0].splits.items()
        for row in split
    ]
    assert [(row["id"], row["text"], row["label"], row["date"], row["split"]) for row in rows] == expected


def test_pushed_data_is_prepared_again(
    prepared: tuple[PreparedData, Recipe], hub_here: HubServer, make_recipe: Callable[..., Recipe]
) -> None:
    push(prepared)
    # As in the card. The same rows are in the same splits: the fingerprint stays.
    source = ("data.source=hf://datasets/owner/tiny-news", "data.text=[text]", "data.label=label", "data.id=id")
    again = make_recipe(*source, "data.duplicates=keep", "data.keep=[]", "split.predefined=split")
    manifest = workflow.prepare(again).manifest
    assert manifest.rows_read == 120
    assert manifest.source == "hf://datasets/owner/tiny-news"
    assert manifest.fingerprint == prepared[0].manifest.fingerprint


def test_old_split_column_is_not_used_again(
    news_rows: list[dict[str, str]], hub_here: HubServer, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    # Validation rows come from the training rows: in the file, their column still says train.
    rows = [row | {"split": "test" if index % 5 == 0 else "train"} for index, row in enumerate(news_rows)]
    write_csv(tmp_path / "splits.csv", rows)
    recipe = make_recipe(f"data.source={tmp_path / 'splits.csv'}", "data.keep=[]", "split.predefined=split")
    prepared = workflow.prepare(recipe)
    push((prepared, recipe))
    source = ("data.source=hf://datasets/owner/tiny-news", "data.text=[text]", "data.label=label", "data.id=id")
    again = make_recipe(*source, "data.duplicates=keep", "data.keep=[]", "split.predefined=split")
    assert workflow.prepare(again).manifest.fingerprint == prepared.manifest.fingerprint


def test_splits_by_file_are_published_without_the_key(
    news_rows: list[dict[str, str]], hub_here: HubServer, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    write_csv(tmp_path / "train.csv", news_rows[:80])
    write_csv(tmp_path / "test.csv", news_rows[80:])
    recipe = make_recipe(f"data.source={{train: {tmp_path}/train.csv, test: {tmp_path}/test.csv}}", "data.keep=[]")
    push((workflow.prepare(recipe), recipe))
    table = pq.read_table(io.BytesIO(hub_here.repos[REPO].files["data/test-00000-of-00001.parquet"]))
    assert table.column_names == ["id", "text", "label"]
    assert table.num_rows == 40


def test_load_dataset_from_the_card_works(
    prepared: tuple[PreparedData, Recipe], hub_here: HubServer, tmp_path: Path
) -> None:
    push(prepared)
    for name, content in hub_here.repos[REPO].files.items():
        (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "copy" / name).write_bytes(content)
    loaded = load_dataset(str(tmp_path / "copy"))
    assert [*loaded] == ["train", "validation", "test"]
    assert loaded["train"].features["label"].names == [*LABELS]
    names = loaded["train"].column_names
    assert {split_name: rows.to_dict() for split_name, rows in loaded.items()} == {
        split_name: rows.select_columns(names).to_dict() for split_name, rows in prepared[0].splits.items()
    }
    card = DatasetCard(hub_here.repos[REPO].files["README.md"].decode())
    assert 'load_dataset("owner/tiny-news")' in card.text
    assert card.data.configs[0]["config_name"] == "default"


def test_push_is_private_by_default(prepared: tuple[PreparedData, Recipe], hub_here: HubServer) -> None:
    push(prepared, "public-news", private=False)
    push(prepared, None)
    assert {name: repo.private for name, repo in hub_here.repos.items()} == {
        "datasets/owner/public-news": False,
        "datasets/owner/tiny": True,
    }


def test_private_data_is_not_pushed_to_a_public_dataset(
    prepared: tuple[PreparedData, Recipe], hub_here: HubServer
) -> None:
    hub_here.create_repo(REPO, private=False)
    with pytest.raises(PublishError, match=r"owner/tiny-news.*public.*--public"):
        push(prepared)
    assert hub_here.repos[REPO].commits == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data/train.parquet", b"PAR1"),
        ("README.md", b"---\ntags:\n- news\n---\n# Ours for years\n"),
        ("README.md", b"---\ntags: [hf-newscls, leaderboard]\n---\n# Leaderboard\n"),
    ],
)
def test_dataset_of_something_else_is_not_overwritten(
    name: str, content: bytes, prepared: tuple[PreparedData, Recipe], hub_here: HubServer
) -> None:
    repo = hub_here.create_repo(REPO, files={name: content}, private=True)
    with pytest.raises(PublishError, match=f"owner/tiny-news.*'{name}'"):
        push(prepared)
    assert repo.files == {name: content}


def test_second_push_replaces_the_first(
    prepared: tuple[PreparedData, Recipe], hub_here: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Small shards first: the second push has fewer files.
    with monkeypatch.context() as smaller:
        smaller.setattr(publish_dataset, "_SHARD_BYTES", 3_000)
        push(prepared)
    repo = hub_here.repos[REPO]
    assert len([name for name in repo.files if name.startswith("data/train-")]) > 1
    rows = read_rows(fetch_source("hf://datasets/owner/tiny-news").paths, columns=["text"], id_column="id")
    assert sorted(rows["id"], key=int) == [str(index) for index in range(120)]
    repo.write({"notes.md": b"mine"}, "Add notes")
    push(prepared)
    assert sorted(repo.files) == sorted([*FILES, "notes.md"])


@pytest.mark.parametrize(
    ("part", "status"),
    [
        ("/api/repos/create", 403),
        # The client tries these again.
        pytest.param("/commit/", 500, marks=pytest.mark.slow),
        ("/info/lfs/", 507),
        ("^/lfs/", 507),
    ],
)
def test_refusal_of_the_hub_is_reported(
    part: str, status: int, prepared: tuple[PreparedData, Recipe], hub_here: HubServer
) -> None:
    hub_here.failures[part] = status
    with pytest.raises(PublishError) as caught:
        push(prepared)
    message = str(caught.value)
    assert re.search(rf"owner/tiny-news.*{status}", message)
    assert "`hf-newscls prepare --publish`" in message


@pytest.mark.parametrize(
    ("repo_id", "error"), [("a/b/c", InputError), ("owner/with space", InputError), ("other/news", PublishError)]
)
def test_impossible_repository_is_refused(
    repo_id: str, error: type[Exception], prepared: tuple[PreparedData, Recipe], hub_here: HubServer
) -> None:
    with pytest.raises(error, match=repo_id):
        push(prepared, repo_id)


def test_unchanged_data_makes_no_commit(prepared: tuple[PreparedData, Recipe], hub_here: HubServer) -> None:
    assert push(prepared) == push(prepared)
    assert len(hub_here.repos[REPO].commits) == 1


def test_push_needs_a_token(
    prepared: tuple[PreparedData, Recipe], hub_here: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(PublishError, match="HF_TOKEN"):
        push(prepared)
