"""Reasons that would stop a push are found before the training, over HTTP with the unmodified client."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from hf_newscls.cli import train
from hf_newscls.errors import PublishError, RecipeError, RunError
from hf_newscls.hub.preflight import Target, find_target, preflight
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.runs.folder import RunFolder, find_run
from tests.hub_server import (
    FINE_GRAINED_REPO,
    FINE_GRAINED_TOKEN,
    READ_TOKEN,
    STRANGER_TOKEN,
    WRONG_TOKEN,
    Fault,
    HubServer,
)
from tests.processes import Result

MakeRecipe = Callable[..., Recipe]
# huggingface_hub uploads with a deprecated argument of its HTTP client.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def _without_token(hub_here: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))


def test_new_repository_is_named_and_not_created(make_recipe: MakeRecipe, hub_here: HubServer) -> None:
    assert preflight(make_recipe()) == Target("owner/tiny", "model", exists=False, is_private=True)
    assert [*hub_here.repos] == []


@pytest.mark.parametrize("name", ["owner/tiny", "newsroom/tiny"])
def test_existing_repository_is_accepted(name: str, make_recipe: MakeRecipe, hub_here: HubServer) -> None:
    hub_here.create_repo(name, private=True)
    assert preflight(make_recipe(f"hub.repo_id={name}")) == Target(name, "model", exists=True, is_private=True)


@pytest.mark.usefixtures("_without_token")
def test_without_a_token_no_request_is_sent(make_recipe: MakeRecipe, hub_here: HubServer) -> None:
    assert preflight(make_recipe()) is None
    assert hub_here.requests == []


@pytest.mark.parametrize(
    ("token", "repo_id", "found"),
    [
        (WRONG_TOKEN, "owner/tiny", "401.*HF_TOKEN"),
        (READ_TOKEN, "owner/tiny", r"owner \(read\).*owner/tiny.*HF_TOKEN"),
        (FINE_GRAINED_TOKEN, "owner/tiny", r"owner \(fineGrained\).*owner/tiny"),
        (FINE_GRAINED_TOKEN, FINE_GRAINED_REPO, "owner/granted"),  # does not exist yet
        (None, "stranger/tiny", r"owner \(write\).*stranger/tiny"),
        (None, "readers/tiny", "readers/tiny"),
    ],
)
def test_token_that_cannot_create_the_repository_is_refused(
    token: str | None,
    repo_id: str,
    found: str,
    make_recipe: MakeRecipe,
    hub_here: HubServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if token is not None:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(PublishError, match=found) as caught:
        preflight(make_recipe(f"hub.repo_id={repo_id}"))
    assert str(token) not in str(caught.value)


@pytest.mark.parametrize(
    ("token", "repo_id"),
    [(READ_TOKEN, "owner/tiny"), (FINE_GRAINED_TOKEN, "owner/tiny"), (None, "readers/tiny"), (None, "stranger/tiny")],
)
def test_token_that_cannot_write_to_the_repository_is_refused(
    token: str | None, repo_id: str, make_recipe: MakeRecipe, hub_here: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub_here.create_repo(repo_id)
    if token is not None:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(PublishError, match=f"{repo_id}.*403.*HF_TOKEN"):
        preflight(make_recipe(f"hub.repo_id={repo_id}", "hub.private=false"))


@pytest.mark.parametrize(("name", "repo_id"), [("news", "owner/news"), ("newsroom/news", "newsroom/news")])
def test_name_without_an_owner_gets_the_account(name: str, repo_id: str, hub_here: HubServer) -> None:
    assert find_target(name, private=True) == Target(repo_id, "model", exists=False, is_private=True)


def test_pull_request_needs_no_write_access(hub_here: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub_here.create_repo("owner/tiny")
    monkeypatch.setenv("HF_TOKEN", STRANGER_TOKEN)
    target = find_target("owner/tiny", private=False, is_proposal=True)
    assert target == Target("owner/tiny", "model", exists=True, is_private=False)


def test_fine_grained_token_writes_to_its_existing_repository(
    make_recipe: MakeRecipe, hub_here: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub_here.create_repo(FINE_GRAINED_REPO, private=True)
    monkeypatch.setenv("HF_TOKEN", FINE_GRAINED_TOKEN)
    found = preflight(make_recipe(f"hub.repo_id={FINE_GRAINED_REPO}"))
    assert found == Target(FINE_GRAINED_REPO, "model", exists=True, is_private=True)


def test_public_repository_is_refused_if_it_must_be_private(make_recipe: MakeRecipe, hub_here: HubServer) -> None:
    hub_here.create_repo("owner/tiny")
    with pytest.raises(PublishError, match=r"owner/tiny.*public.*--public"):
        preflight(make_recipe())
    assert preflight(make_recipe("hub.private=false")) == Target("owner/tiny", "model", exists=True, is_private=False)


@pytest.mark.parametrize("change", ["hub.license=of-my-own", "data.language=Klingon"])
def test_invalid_metadata_is_refused(change: str, make_recipe: MakeRecipe, hub_here: HubServer) -> None:
    with pytest.raises(PublishError, match=r"metadata.*`hub`"):
        preflight(make_recipe(change))


@pytest.mark.parametrize(
    ("license", "said"),
    [("apache-2.0", ""), ("mit", "owner/base is under mit, the model will be under apache-2.0"), (None, "licence of")],
)
def test_licence_of_the_base_model_is_read(
    license: str | None,
    said: str,
    make_recipe: MakeRecipe,
    hub_here: HubServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if license is not None:
        hub_here.create_repo("owner/base", files={"README.md": f"---\nlicense: {license}\n---\n# B".encode()})
    with caplog.at_level(logging.INFO, "hf_newscls.hub.preflight"):
        preflight(make_recipe("model.base_model=owner/base"))
    assert said in caplog.text
    assert bool(caplog.text) == bool(said)


def test_licence_that_forbids_derivatives_is_refused(make_recipe: MakeRecipe, hub_here: HubServer) -> None:
    hub_here.create_repo("owner/base", files={"README.md": b"---\nlicense: cc-by-nc-nd-4.0\n---\n# B"})
    with pytest.raises(PublishError, match=r"owner/base.*'cc-by-nc-nd-4\.0'"):
        preflight(make_recipe("model.base_model=owner/base"))


# With the training.


def test_training_does_not_start_if_the_push_would_fail(
    make_recipe: MakeRecipe, hub_here: HubServer, call: Callable[..., Result], tmp_path: Path
) -> None:
    make_recipe()
    hub_here.create_repo("owner/tiny")
    runs = tmp_path / "runs"
    result = call("train", str(tmp_path / "tiny.yaml"), "--publish", "--runs-dir", str(runs))
    assert result.code == 1
    assert "owner/tiny is public" in result.err
    assert not runs.exists()


@pytest.mark.slow
@pytest.mark.usefixtures("_without_token")
@pytest.mark.parametrize("option", ["--publish", "hub.publish=true"])
def test_training_without_a_token_prints_the_publish_command(
    option: str, make_recipe: MakeRecipe, hub_here: HubServer, call: Callable[..., Result], tmp_path: Path
) -> None:
    make_recipe()
    runs = tmp_path / "runs [b]"  # looks like markup to rich
    result = call("train", str(tmp_path / "tiny.yaml"), option, "hub.example='[/b] goal'", "--runs-dir", str(runs))
    assert result.code == 0, result.err
    run = find_run("tiny", runs_dir=runs)
    assert f"hf-newscls predict '{run.path}' '[/b] goal'" in result.out
    assert f"publish later with: hf-newscls publish '{run.path}'" in result.out


def test_failed_publish_prints_the_command(
    tmp_path: Path, hub_here: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunFolder(tmp_path / "runs" / "tiny" / "gone")
    with pytest.raises(RunError, match="gone"):
        train._publish(run, has_token=True, yes=False)
    assert f"publish later with: hf-newscls publish {run.path}" in capsys.readouterr().out


@pytest.mark.parametrize("path", ["validate-yaml", "/api/models/owner/base"])
def test_transient_failure_is_tried_again(
    path: str, make_recipe: MakeRecipe, hub_here: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hf_newscls.hub.retry.time.sleep", lambda _: None)
    hub_here.create_repo("owner/base", files={"README.md": b"---\nlicense: apache-2.0\n---\n# B"})
    hub_here.faults.append(Fault("status", path=path, status=503))
    preflight(make_recipe("model.base_model=owner/base"))
    assert hub_here.faults[0].fired == 1


def test_unknown_benchmark_metric_is_refused_before_training(make_recipe: MakeRecipe, hub_here: HubServer) -> None:
    with pytest.raises(RecipeError, match=r"hub\.benchmark\.metric.*'acuracy'"):
        preflight(make_recipe("hub.benchmark={dataset_id: owner/bench, metric: acuracy}"))


@pytest.mark.slow
def test_trained_model_is_pushed(
    make_recipe: MakeRecipe, hub_here: HubServer, call: Callable[..., Result], tmp_path: Path
) -> None:
    make_recipe()
    result = call("train", str(tmp_path / "tiny.yaml"), "--publish", "--runs-dir", str(tmp_path / "runs"))
    assert result.code == 0, result.err
    repo = hub_here.repos["owner/tiny"]
    assert len(repo.commits) == 1
    assert f"published: {hub_here.endpoint}/owner/tiny/commit/{repo.head}" in result.out


@pytest.mark.slow
def test_failed_push_keeps_the_run(
    make_recipe: MakeRecipe, hub_here: HubServer, call: Callable[..., Result], tmp_path: Path
) -> None:
    make_recipe()
    hub_here.faults.append(Fault("status", path="/commit/main", status=403, index=None))
    result = call("train", str(tmp_path / "tiny.yaml"), "--publish", "--runs-dir", str(tmp_path / "runs"))
    assert result.code == 1
    run = find_run("tiny", runs_dir=tmp_path / "runs")
    assert f"publish later with: hf-newscls publish {run.path}" in result.out
    hub_here.faults.clear()
    assert call("publish", str(run.path)).code == 0
    assert len(hub_here.repos["owner/tiny"].commits) == 1
