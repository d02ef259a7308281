"""Compare: local runs, models on a Hub, external classifiers."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hf_newscls import workflow
from hf_newscls.comparison.leaderboard import Leaderboard
from hf_newscls.errors import InputError, ModelError, PublishError, RecipeError, RunError
from hf_newscls.report.predictions import hash_predictions, predictions_to_parquet
from hf_newscls.workflow.compare import Subjects, find_subjects
from tests.comparison.board_parts import TWO, build_files, write_card
from tests.conftest import FinishedRun
from tests.hub_server import STRANGER_TOKEN, TOKEN, WRONG_TOKEN, Fault, HubServer
from tests.processes import Result

Call = Callable[..., Result]
# huggingface_hub uploads by a way of its HTTP client that is on its way out.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


def names(board: Leaderboard) -> list[list[str]]:
    return [[row.name for row in table.rows] for table in board.tables]


def name_run(finished: FinishedRun) -> str:
    return f"{finished.recipe.name}/{finished.run.path.name}"


def publish_run(server: HubServer, name: str, finished: FinishedRun, *, claimed: float | None = None) -> None:
    """Put what a run measured on the Hub, with another claim than its own."""
    fingerprint = finished.run.read_json(finished.run.split)["fingerprint"]
    accuracy = finished.report.test.scores["accuracy"] if claimed is None else claimed
    server.create_repo(
        name,
        files={
            "README.md": write_card({"accuracy": accuracy}, dataset="tiny", revision=fingerprint).encode(),
            "predictions.parquet": predictions_to_parquet(hash_predictions(finished.run.predictions)),
        },
    )


# Local runs.


def test_runs_on_one_split_share_a_table(tiny_run: FinishedRun, tiny_two_layer_run: FinishedRun) -> None:
    board = workflow.compare("tiny", "tiny_two_layer", local=True, runs_dir=tiny_run.runs_dir)
    (table,) = board.tables
    runs = {name_run(finished): finished.report for finished in (tiny_run, tiny_two_layer_run)}
    assert {row.name for row in table.rows} == {*runs}
    for row in table.rows:
        assert row.score == runs[row.name].test.scores["accuracy"]
        assert row.interval == runs[row.name].intervals["accuracy"]
        assert row.notes == []
    scores = [row.score for row in table.rows]
    assert scores == sorted(scores, reverse=True)
    assert len(table.pairs) == 1
    assert ["local only" in remark for remark in board.remarks] == [True]


def test_recipe_without_runs_is_reported(tiny_run: FinishedRun) -> None:
    board = workflow.compare("tiny", "other", local=True, runs_dir=tiny_run.runs_dir)
    assert names(board) == [[name_run(tiny_run)]]
    assert "other has no finished run in runs/" in board.remarks


def test_run_folders_are_compared_once(tiny_run: FinishedRun, tiny_two_layer_run: FinishedRun) -> None:
    folders = [str(tiny_two_layer_run.run.path), str(tiny_run.runs_dir / "tiny" / "latest")]
    board = workflow.compare("tiny", models=folders, local=True, runs_dir=tiny_run.runs_dir)
    (table,) = board.tables
    assert sorted(row.name for row in table.rows) == sorted(map(name_run, (tiny_run, tiny_two_layer_run)))
    assert "model.head" in table.rows[1].differs_in
    assert set(workflow.compare(models=folders[0], local=True).to_pandas()["name"]) == {name_run(tiny_two_layer_run)}


def test_nothing_to_rank_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'tiny'.*hf-newscls train"):
        workflow.compare("tiny", local=True, runs_dir=tmp_path)


@pytest.fixture
def copied_runs(tiny_run: FinishedRun, tmp_path: Path) -> Path:
    """A folder of runs with two copies of one, `1` and `2`, for tests that change them."""
    for name in ("1", "2"):
        shutil.copytree(
            tiny_run.run.path, tmp_path / "runs" / "tiny" / name, ignore=shutil.ignore_patterns("model", "checkpoints")
        )
    return tmp_path / "runs"


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_broken_run_is_refused_without_its_folder(content: str, copied_runs: Path) -> None:
    (copied_runs / "tiny" / "2" / "metrics.json").write_text(content)
    board = workflow.compare("tiny", local=True, runs_dir=copied_runs)
    assert names(board) == [["tiny/1"]]
    (unranked,) = board.unranked
    assert unranked.name == "tiny/2"
    assert unranked.reason.startswith("metrics.json: ")


def test_run_without_predictions_is_not_verified(copied_runs: Path) -> None:
    (copied_runs / "tiny" / "2" / "predictions.parquet").unlink()
    board = workflow.compare("tiny", local=True, runs_dir=copied_runs)
    (table,) = board.tables
    assert [(row.name, row.notes) for row in table.rows] == [("tiny/1", [])]
    (row,) = table.unverified
    assert row.name == "tiny/2"
    assert row.notes[0].startswith("predictions.parquet: ")
    assert str(copied_runs) not in row.notes[0]


def test_metric_decides_the_order(tiny_run: FinishedRun) -> None:
    board = workflow.compare("tiny", metric="log_loss", local=True, runs_dir=tiny_run.runs_dir)
    (row,) = board.tables[0].rows
    assert row.score == pytest.approx(tiny_run.report.test.scores["log_loss"])
    assert row.interval is not None


# With the Hub.


def test_models_on_the_hub_are_ranked_with_local_runs(tiny_run: FinishedRun, hub_here: HubServer) -> None:
    publish_run(hub_here, "ann/copy", tiny_run)
    publish_run(hub_here, "bob/doctored", tiny_run, claimed=0.999)
    hub_here.create_repo("cat/elsewhere", files=build_files(20, revision=TWO))
    board = workflow.compare("tiny", runs_dir=tiny_run.runs_dir)
    # Both were published from the run, which has no row of its own; copies are not a pair.
    assert names(board) == [["ann/copy", "bob/doctored"]]
    assert {row.rank for row in board.tables[0].rows} == {1}
    assert board.tables[0].pairs == []
    accuracy = tiny_run.report.test.scores["accuracy"]
    assert board.tables[0].rows[1].notes == [
        f"claims accuracy 0.9990, its predictions give {accuracy:.4f}",
        f"published from {name_run(tiny_run)}",
    ]
    (unranked,) = board.unranked
    assert unranked.name == "cat/elsewhere"
    assert "222222222222…" in unranked.reason


def test_dataset_without_a_recipe_is_compared(hub_here: HubServer, tmp_path: Path) -> None:
    hub_here.create_repo("ann/good", files=build_files(18))
    hub_here.create_repo("bob/bad", files=build_files(9))
    board = workflow.compare("ann/news", runs_dir=tmp_path)
    assert names(board) == [["ann/good", "bob/bad"]]
    assert board.tables[0].setting.dataset == "ann/news"
    assert board.tables[0].rows[1].verdict == "behind"


def test_hub_out_of_reach_leaves_the_runs(
    tiny_run: FinishedRun, hub_here: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    board = workflow.compare("tiny", runs_dir=tiny_run.runs_dir)
    assert names(board) == [[name_run(tiny_run)]]
    assert ["Hub" in remark for remark in board.remarks] == [True]


@pytest.mark.parametrize(
    ("subjects", "options"),
    [
        (["tiny"], dict(author="ann")),
        (["tiny"], dict(models=["ann/good"])),
        (["tiny"], dict(external_models=["ann/good"])),
        (["ann/news"], dict()),
    ],
)
def test_hub_out_of_reach_is_an_error_where_it_was_asked_for(
    subjects: list[str],
    options: dict[str, Any],
    tiny_run: FinishedRun,
    hub_here: HubServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(PublishError, match="HF_HUB_OFFLINE"):
        workflow.compare(*subjects, **options, runs_dir=tiny_run.runs_dir)


def test_wrong_token_is_not_a_hub_out_of_reach(
    tiny_run: FinishedRun, hub_here: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", WRONG_TOKEN)
    with pytest.raises(PublishError, match="401"):
        workflow.compare("tiny", runs_dir=tiny_run.runs_dir)


# Contradictions.


@pytest.mark.parametrize(
    ("subjects", "options", "key"),
    [
        ([], dict(), "model"),
        (["tiny"], dict(metric="f1"), "metric.*'f1'"),
        (["tiny"], dict(metric="matthews"), "metric.*'matthews'.*'mcc'"),
        (["ann/news"], dict(local=True), "local"),
        (["tiny"], dict(local=True, models=["a/b"]), "local"),
        (["tiny", "other"], dict(external_models=["a/b"]), "external models.* 2 "),
        (["tiny"], dict(trust_remote_code=True), "trust remote code"),
        (["runs/tiny/1"], dict(), "runs/tiny/1"),
    ],
)
def test_contradictions_are_refused(subjects: list[str], options: dict[str, Any], key: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=key) as caught:
        workflow.compare(*subjects, **options, runs_dir=tmp_path)
    assert "--" not in str(caught.value)  # an option of the command line


def test_names_are_recipes_or_datasets(tmp_path: Path, make_recipe: Callable[..., object]) -> None:
    path = str(tmp_path / "tiny.yaml")
    found = find_subjects(["quickstart", "ann/news", path, "quickstart", "ann/news"])
    assert found == Subjects({"quickstart": "quickstart", "tiny": path}, ["ann/news"])


def test_missing_recipe_file_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"nowhere\.yaml"):
        find_subjects(["nowhere.yaml"])


def test_one_model_is_named_by_a_text(tiny_run: FinishedRun, hub_here: HubServer) -> None:
    hub_here.create_repo("ann/good", files=build_files(18))
    board = workflow.compare(models="ann/good", runs_dir=tiny_run.runs_dir)
    assert names(board) == [["ann/good"]]


# Measured here.


@pytest.fixture
def external_model(tiny_run: FinishedRun, hub_here: HubServer) -> str:
    """The tiny model on the Hub, with labels that say nothing."""
    files = {path.name: path.read_bytes() for path in tiny_run.run.model.iterdir() if path.is_file()}
    config = json.loads(files["config.json"])
    config["id2label"] = {str(index): f"LABEL_{index}" for index in range(3)}
    config["label2id"] = {f"LABEL_{index}": index for index in range(3)}
    files |= {"config.json": json.dumps(config).encode(), "README.md": b"# External\n"}
    hub_here.create_repo("bob/external", files=files)
    return "bob/external"


@pytest.fixture
def recipe_file(tiny_run: FinishedRun, tmp_path: Path) -> Path:
    """The recipe of the tiny run, to be changed."""
    return Path(shutil.copy(tiny_run.run.recipe, tmp_path / "tiny.yaml"))


def test_external_model_is_measured_on_the_test_set(
    external_model: str, tiny_run: FinishedRun, recipe_file: Path
) -> None:
    text = recipe_file.read_text()
    maps = "{bob/external: {LABEL_0: BUSINESS, LABEL_1: SCIENCE, LABEL_2: SPORTS}}"
    assert text.count("label_maps: {}") == 1
    recipe_file.write_text(text.replace("label_maps: {}", f"label_maps: {maps}"))
    data = Path(tiny_run.recipe.data.source)
    board = workflow.compare(str(recipe_file), external_models=[external_model], data=data, runs_dir=tiny_run.runs_dir)
    assert names(board) == [["bob/external", name_run(tiny_run)]]
    external, own = board.tables[0].rows
    assert (external.origin, external.notes) == ("measured here", ["measured here"])
    assert external.score == own.score
    (pair,) = board.tables[0].pairs
    assert (pair.p_value, pair.verdict) == (1.0, "tied")


def test_unmapped_labels_are_shown_as_yaml(external_model: str, tiny_run: FinishedRun, recipe_file: Path) -> None:
    with pytest.raises(RecipeError, match=r"'LABEL_0', 'LABEL_1', 'LABEL_2'.*\nevaluation:\n  label_maps:\n    bob"):
        workflow.compare(str(recipe_file), external_models=external_model, runs_dir=tiny_run.runs_dir)


@pytest.fixture
def model_with_code(external_model: str, hub_here: HubServer) -> Path:
    """Make the external model's configuration come as code, which leaves a file behind where it runs."""
    repo = hub_here.repos[external_model]
    mark = Path(hub_here._folder) / "ran"
    config = json.loads(repo.files["config.json"])
    config |= {"model_type": "odd", "auto_map": {"AutoConfig": "odd.OddConfig"}}
    code = f"from pathlib import Path\nPath({str(mark)!r}).touch()\nraise ImportError('it did run')\n"
    repo.write({"config.json": json.dumps(config).encode(), "odd.py": code.encode()}, "Add code")
    return mark


def test_code_of_a_model_is_not_run(
    external_model: str, model_with_code: Path, tiny_run: FinishedRun, recipe_file: Path, hub_here: HubServer
) -> None:
    with pytest.raises(ModelError):
        workflow.compare(str(recipe_file), external_models=[external_model], runs_dir=tiny_run.runs_dir)
    assert not model_with_code.exists()
    assert not [path for _, path in hub_here.requests if path.endswith(".py")]


def test_code_of_a_trusted_model_runs(
    external_model: str,
    model_with_code: Path,
    tiny_run: FinishedRun,
    recipe_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    options = dict(external_models=[external_model], trust_remote_code=True)
    with pytest.raises(ModelError, match="it did run"):
        workflow.compare(str(recipe_file), **options, runs_dir=tiny_run.runs_dir)
    assert model_with_code.exists()


# Saved and published.


@pytest.fixture
def board(hub_here: HubServer, tmp_path: Path) -> Leaderboard:
    """Three models, one of them doctored, one with labels that look like markup."""
    hub_here.create_repo("ann/good", files=build_files(18))
    hub_here.create_repo("bob/doctored", files=build_files(12, claimed=0.99))
    hub_here.create_repo("eve/markup", files=build_files(9, labels=("<script>", "[red]")))
    return workflow.compare("ann/news", runs_dir=tmp_path)


def test_leaderboard_is_saved_over_an_earlier_one(board: Leaderboard, tmp_path: Path) -> None:
    for _ in range(2):
        workflow.save_leaderboard(board, tmp_path / "out")
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
            "leaderboard.json",
            "leaderboard.md",
            "leaderboard.png",
        ]


def test_other_files_next_to_a_leaderboard_stay(board: Leaderboard, tmp_path: Path) -> None:
    workflow.save_leaderboard(board, tmp_path / "out")
    (tmp_path / "out" / ".git").mkdir()
    (tmp_path / "out" / "README.md").write_text("mine")
    (tmp_path / "out" / "leaderboard.md").write_text("old")
    workflow.save_leaderboard(board, tmp_path / "out")
    assert (tmp_path / "out" / ".git").is_dir()
    assert (tmp_path / "out" / "README.md").read_text() == "mine"
    assert (tmp_path / "out" / "leaderboard.md").read_text().startswith("# Leaderboard")


def test_folder_with_something_else_is_not_changed(board: Leaderboard, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match="out"):
        workflow.save_leaderboard(board, tmp_path / "out")
    assert [(path.name, path.read_text()) for path in (tmp_path / "out").iterdir()] == [("thesis.txt", "mine")]


def test_leaderboard_is_published_in_one_commit_and_not_again(board: Leaderboard, hub_here: HubServer) -> None:
    first = workflow.publish_leaderboard(board, "owner/board", private=True)
    repo = hub_here.repos["datasets/owner/board"]
    assert first.is_new
    assert repo.private
    assert {*repo.files} >= {"README.md", "leaderboard.md", "leaderboard.json", "leaderboard.png"}
    commits = len(repo.commits)
    again = workflow.publish_leaderboard(board, "owner/board", private=True)
    assert not again.is_new
    assert len(repo.commits) == commits


def test_public_leaderboard_is_public(board: Leaderboard, hub_here: HubServer) -> None:
    workflow.publish_leaderboard(board, "board", private=False)
    assert not hub_here.repos["datasets/owner/board"].private


@pytest.mark.parametrize(
    ("name", "content"), [("README.md", b"---\ntags:\n- news\n---\n# News\n"), ("data/train.csv", b"title\n")]
)
def test_dataset_of_something_else_is_not_overwritten(
    name: str, content: bytes, board: Leaderboard, hub_here: HubServer
) -> None:
    repo = hub_here.create_repo("datasets/owner/news", files={name: content}, private=True)
    with pytest.raises(PublishError, match=f"owner/news.*{name}"):
        workflow.publish_leaderboard(board, "owner/news", private=True)
    assert repo.files == {name: content}


def test_leaderboard_with_edited_metadata_is_recognized(board: Leaderboard, hub_here: HubServer) -> None:
    card = b"---\ntags: [leaderboard, hf-newscls, mine]\n---\n# Ours\n"
    repo = hub_here.create_repo("datasets/owner/board", files={"README.md": card}, private=True)
    assert workflow.publish_leaderboard(board, "owner/board", private=True).is_new
    assert "leaderboard.json" in repo.files


# From the command line.


def test_command_prints_table_reasons_and_files(
    board: Leaderboard, hub_here: HubServer, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hf_newscls.cli.compare.console._width", 200)
    hub_here.create_repo("cat/elsewhere", files=build_files(20, revision=TWO))
    hub_here.create_repo("dan/garbage", files={**build_files(19), "predictions.parquet": b"garbage"})
    hub_here.create_repo("owner/secret", files=build_files(10), private=True)
    folder = tmp_path / "out"
    result = call("compare", "ann/news", "--output", str(folder), "--publish", "owner/board")
    assert result.code == 0, result.err
    for words in (
        "claims accuracy 0.9900, its predictions give 0.6000",
        "predictions.parquet",
        "not verified",
        "measured on another split: 222222222222…; the table is on 111111111111…",
        "owner/secret",
        "datasets/owner/board/commit/",
    ):
        assert words in result.out
    written = result.out + result.err + "".join(path.read_bytes().decode("latin-1") for path in folder.iterdir())
    assert TOKEN not in written
    assert str(tmp_path) not in (folder / "leaderboard.json").read_text()


def test_narrow_terminal_shows_names_and_differences_whole(
    tiny_run: FinishedRun, tiny_two_layer_run: FinishedRun, call: Call
) -> None:
    result = call("compare", "tiny", "tiny_two_layer", "--local", "--runs-dir", str(tiny_run.runs_dir))
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert max(map(len, lines)) <= 80
    for finished in (tiny_run, tiny_two_layer_run):
        assert any(f" {finished.recipe.name}/ " in line for line in lines)
        assert any(f" {finished.run.path.name} " in line for line in lines)
    assert " model.head=" in result.out


def test_narrow_terminal_has_the_notes_below_the_table(board: Leaderboard, call: Call) -> None:
    result = call("compare", "ann/news")
    assert "bob/doctored: claims accuracy 0.9900, its predictions give 0.6000" in result.out.splitlines()
    assert max(map(len, result.out.splitlines())) <= 80


def test_unverified_models_have_a_table_of_their_own(board: Leaderboard, hub_here: HubServer, call: Call) -> None:
    hub_here.create_repo("zoe/claims", files={"README.md": write_card({"accuracy": 0.9999}).encode()})
    ranked, unverified = call("compare", "ann/news").out.split("not verified, not ranked")
    assert "zoe/" not in ranked
    assert "│ zoe/" in unverified
    assert "rank" in ranked
    assert "rank" not in unverified


def test_private_model_is_not_shown_to_a_stranger(
    board: Leaderboard, hub_here: HubServer, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub_here.create_repo("owner/secret", files=build_files(10), private=True)
    monkeypatch.setenv("HF_TOKEN", STRANGER_TOKEN)
    result = call("compare", "ann/news")
    assert result.code == 0, result.err
    assert "ann/good" in result.out
    assert "secret" not in result.out


def test_hub_that_fails_ends_with_1(hub_here: HubServer, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hf_newscls.hub.retry.time.sleep", lambda _: None)
    hub_here.faults.append(Fault("status", path="/api/models", index=None, status=400))
    result = call("compare", "ann/news")
    assert result.code == 1
    assert "list models tagged hf-newscls" in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("token", "options", "code", "fragment"),
    [
        ("", ["--publish", "owner/board"], 1, "HF_TOKEN"),
        (TOKEN, ["--publish", "a/b/c"], 2, "a/b/c"),
        (TOKEN, ["--publish", "ann/board"], 1, "ann/board"),
        (TOKEN, ["--output", "."], 2, "notes.txt"),
    ],
)
def test_target_is_checked_before_models_are_measured(
    token: str,
    options: list[str],
    code: int,
    fragment: str,
    external_model: str,
    recipe_file: Path,
    hub_here: HubServer,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    monkeypatch.chdir(recipe_file.parent)
    Path("notes.txt").touch()
    result = call("compare", str(recipe_file), "--external-model", external_model, *options)
    assert (result.code, fragment in result.err) == (code, True), result.err
    assert [path for _, path in hub_here.requests if external_model in path] == []


def test_public_without_publish_is_refused(call: Call) -> None:
    assert call("compare", "tiny", "--public").code == 2


@pytest.mark.slow
def test_published_run_is_found_and_verified(tiny_run: FinishedRun, hub_here: HubServer) -> None:
    workflow.publish(tiny_run.run.path, repo_id="owner/tiny")
    (table,) = workflow.compare("tiny", runs_dir=tiny_run.runs_dir).tables
    (row,) = table.rows
    assert row.name == "owner/tiny"
    assert row.notes == [f"published from {name_run(tiny_run)}"]
    assert row.revision == hub_here.repos["owner/tiny"].head
    assert row.setting.split == tiny_run.run.read_json(tiny_run.run.split)["fingerprint"]
