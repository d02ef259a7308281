"""Publishing over HTTP with the unmodified client: one commit of a folder that was checked, or nothing at all."""

import ast
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from hf_newscls.errors import PublishError
from hf_newscls.hub.publishing import check_model_folder
from hf_newscls.inference.predicting import load_classifier, predict_probabilities
from hf_newscls.modeling.adapters import add_adapter, save_adapter
from hf_newscls.recipe import AdapterSection, ModelSection
from hf_newscls.run_folder import RunFolder
from tests.conftest import LABELS, FinishedRun
from tests.hub_server import TOKEN, HubServer
from tests.processes import CommandLine, build_environment, read_files, run_cli, run_python
from tests.tiny_models import load_tiny

CLASSIFY = """
import json, sys
from transformers import pipeline
answers = [
    pipeline("text-classification", model=address, top_k=None)(sys.argv[2:], truncation=True) for address in
    json.loads(sys.argv[1])
]
print(json.dumps(answers))
"""
TEXTS = ("goal coach league match medal", "planet cells fossil " * 40, "bank")


@pytest.fixture
def model_folder(tiny_run: FinishedRun, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_run.run.model, tmp_path / "model")


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture(scope="module")
def workspace(tiny_run: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the finished run in runs/."""
    folder = tmp_path_factory.mktemp("publishing")
    shutil.copytree(tiny_run.runs_dir / "tiny", folder / "runs" / "tiny", symlinks=True)
    return folder


@pytest.fixture(scope="module")
def run(workspace: Path) -> RunFolder:
    return RunFolder((workspace / "runs" / "tiny" / "latest").resolve())


@pytest.fixture(scope="module")
def command_line(hub: HubServer, workspace: Path) -> Iterator[CommandLine]:
    """One process that runs our commands against the server."""
    environment = build_environment(workspace / "home", **hub.build_environment())
    with CommandLine(cwd=workspace, environment=environment) as process:
        yield process


@pytest.fixture(autouse=True)
def _no_failures(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "hub" in request.fixturenames:
        request.getfixturevalue("hub").failures.clear()


# The check before the push.


def test_finished_model_folder_may_be_published(model_folder: Path) -> None:
    check_model_folder(model_folder)


@pytest.mark.parametrize("name", ["README.md", "config.json", "model.safetensors", "tokenizer_config.json"])
def test_incomplete_folder_is_refused(name: str, model_folder: Path) -> None:
    (model_folder / name).unlink()
    with pytest.raises(PublishError, match=rf"model: must hold '{re.escape(name)}' to be published; evaluate"):
        check_model_folder(model_folder)


@pytest.mark.parametrize("name", ["training_args.bin", "old/optimizer.pt", "labels.pkl", "UPPER.PT"])
def test_pickle_is_refused(name: str, model_folder: Path) -> None:
    (model_folder / name).parent.mkdir(exist_ok=True)
    (model_folder / name).write_bytes(b"\x80\x04.")
    with pytest.raises(PublishError, match=rf"must hold no pickled files, found '{Path(name).name}'; remove"):
        check_model_folder(model_folder)


@pytest.mark.parametrize("name", ["config.json", "notes/README.txt", ".env"])
@pytest.mark.parametrize("form", ["{}", '{{"token": "{}"}}', "HF_TOKEN={}\n"])
def test_access_token_is_refused(name: str, form: str, model_folder: Path) -> None:
    (model_folder / name).parent.mkdir(exist_ok=True)
    (model_folder / name).write_text(form.format("hf_" + "AbCdEfGhIj" * 3 + "1234"))
    with pytest.raises(PublishError, match="must hold no access token, found one in") as caught:
        check_model_folder(model_folder)
    assert Path(name).name in str(caught.value)
    assert "AbCdEfGhIj" not in str(caught.value)


def test_adapter_needs_the_adapters_weights(model_folder: Path) -> None:
    (model_folder / "adapter_config.json").write_text("{}")
    with pytest.raises(PublishError, match=r"must hold 'adapter_model\.safetensors' to be published"):
        check_model_folder(model_folder)


def test_what_merely_looks_like_a_token_may_be_published(model_folder: Path) -> None:
    (model_folder / "notes.txt").write_text(
        "hf_newscls hf_hub_download_with_a_rather_long_name_for_a_function hf_short"
    )
    check_model_folder(model_folder)


# Without a Hub.


@pytest.mark.slow
def test_no_token_is_said_before_anything_is_done(workspace: Path, run: RunFolder, fresh_home: Path) -> None:
    before = read_files(run.path)
    result = run_cli("publish", "tiny", "--repo-id", "owner/tiny", cwd=workspace, home=fresh_home)
    assert result.code == 1
    assert result.err.count("error:") == 1
    assert (
        "error: Hub: a token with write access is needed, found none; run `hf auth login` or set HF_TOKEN" in result.err
    )
    assert "Traceback" not in result.err
    assert read_files(run.path) == before


@pytest.mark.slow
def test_hub_out_of_reach_leaves_the_run_as_it_was(workspace: Path, run: RunFolder, fresh_home: Path) -> None:
    before = read_files(run.path)
    result = run_cli("publish", "tiny", cwd=workspace, home=fresh_home, environment={"HF_TOKEN": TOKEN})
    assert result.code == 1
    assert "Traceback" not in result.err
    assert re.search(r"error: Hub: it must .+, got .+; repeat `hf-newscls publish` later", result.err)
    assert TOKEN not in result.out + result.err
    assert read_files(run.path) == before


# Against a Hub that refuses: before the push that succeeds, so that nothing has been written yet.


@pytest.mark.parametrize(
    ("part", "status"),
    [
        ("/api/repos/create", 403),
        ("/commit/main", 403),
        ("^/lfs/", 507),
        # The client tries these again for 23 seconds.
        pytest.param("/api/repos/create", 500, marks=pytest.mark.slow),
        pytest.param("/commit/main", 500, marks=pytest.mark.slow),
    ],
)
def test_refused_push_leaves_the_run_as_it_was(
    part: str, status: int, hub: HubServer, command_line: CommandLine, run: RunFolder
) -> None:
    before = read_files(run.path)
    hub.failures[part] = status
    repo_id = f"owner/refused-{status}-{part[-6:].strip('^/')}"
    result = command_line.run("publish", "tiny", "--repo-id", repo_id)
    assert result.code == 1
    assert re.search(rf"error: Hub: it must take the push to {repo_id}, got .*{status}.*; repeat", result.err)
    assert "Traceback" not in result.err
    assert TOKEN not in result.out + result.err
    assert not [repo for repo in hub.repos.values() if repo.commits]
    assert read_files(run.path) == before


def test_namespace_of_someone_else_is_refused(hub: HubServer, command_line: CommandLine) -> None:
    result = command_line.run("publish", "tiny", "--repo-id", "stranger/tiny")
    assert result.code == 1
    assert "must take the push to stranger/tiny, got HfHubHTTPError" in result.err
    assert "stranger/tiny" not in hub.repos


def test_impossible_name_is_refused_before_the_hub_is_asked(hub: HubServer, command_line: CommandLine) -> None:
    before = len(hub.requests)
    result = command_line.run("publish", "tiny", "--repo-id", "owner/-a name-")
    assert result.code != 0
    assert "Traceback" not in result.err
    assert "owner/-a name-" in result.err
    assert hub.requests[before:] == []


def test_token_in_the_folder_stops_the_push(hub: HubServer, command_line: CommandLine, run: RunFolder) -> None:
    before = len(hub.requests)
    (run.model / "notes.txt").write_text(TOKEN)
    result = command_line.run("publish", "tiny", "--repo-id", "owner/leak")
    (run.model / "notes.txt").unlink()
    assert result.code == 1
    assert "must hold no access token, found one in 'notes.txt'" in result.err
    assert [request for request in hub.requests[before:] if request[0] != "GET"] == []


# Against a Hub that takes it.


@pytest.fixture(scope="module")
def published(hub: HubServer, command_line: CommandLine) -> str:
    """The run under the account's own name: what the command printed."""
    hub.failures.clear()
    result = command_line.run("publish", "tiny", "--repo-id", "tiny")
    assert result.code == 0, result.err
    return result.out


def test_push_is_one_commit_of_the_whole_folder(published: str, hub: HubServer, run: RunFolder) -> None:
    repo = hub.repos["owner/tiny"]
    files = read_files(run.model)
    assert repo.commits[0] == ("Train tiny with hf_newscls", sorted(files))
    assert repo.files.keys() == files.keys()
    assert {name for name in files if repo.files[name] != files[name]} <= {"README.md"}
    assert published.strip() == f"{hub.endpoint}/owner/tiny/commit/{repo.head}"


def test_repository_is_private(published: str, hub: HubServer) -> None:
    assert hub.repos["owner/tiny"].private
    with pytest.raises(HTTPError, match="401"):
        urlopen(f"{hub.endpoint}/owner/tiny/resolve/main/README.md", timeout=10)


def test_large_files_go_over_lfs(published: str, hub: HubServer, run: RunFolder) -> None:
    assert (run.model / "model.safetensors").read_bytes() in hub.blobs.values()


def test_published_card_loads_the_published_model(published: str, hub: HubServer) -> None:
    card = hub.repos["owner/tiny"].files["README.md"].decode()
    (snippet,) = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    addresses = [word.value.value for word in ast.walk(ast.parse(snippet)) if getattr(word, "arg", "") == "model"]
    assert addresses == ["owner/tiny"]
    for path in re.findall(r"!\[.*?\]\((.*?)\)", card):
        assert path in hub.repos["owner/tiny"].files


@pytest.mark.slow
def test_published_model_gives_the_scores_of_the_folder(
    published: str, hub: HubServer, run: RunFolder, fresh_home: Path
) -> None:
    addresses = json.dumps(["owner/tiny", str(run.model)])
    result = run_python(
        CLASSIFY, addresses, *TEXTS, cwd=fresh_home, home=fresh_home, environment=hub.build_environment()
    )
    assert result.code == 0, result.err
    from_hub, from_folder = json.loads(result.out.splitlines()[-1])
    assert from_hub == from_folder
    assert len(from_hub) == len(TEXTS)
    assert {part["label"] for part in from_hub[0]} == {*LABELS}
    assert [*(fresh_home / "hf").rglob("model.safetensors")]


def test_predict_takes_the_hub_id(published: str, command_line: CommandLine) -> None:
    result = command_line.run("predict", "owner/tiny", TEXTS[0])
    assert result.code == 0, result.err
    assert re.search(r"^ +\d+\.\d\d%  SPORTS$", result.out.splitlines()[1])


def test_predict_takes_the_hub_id_of_an_adapter(
    hub: HubServer, command_line: CommandLine, tiny_encoder: Path, tmp_path: Path
) -> None:
    adapted = add_adapter(load_tiny(tiny_encoder), AdapterSection(), seed=3)
    save_adapter(adapted.model, tmp_path, base_model="owner/encoder")
    adapted.tokenizer.save_pretrained(tmp_path)
    for name, folder in (("owner/adapter", tmp_path), ("owner/encoder", tiny_encoder)):
        hub.create_repo(name, files=read_files(folder))
    result = command_line.run("predict", "owner/adapter", TEXTS[0])
    assert result.code == 0, result.err
    expected = predict_probabilities(
        load_classifier(tmp_path, encoder=ModelSection(model_name_or_path=str(tiny_encoder))), TEXTS[:1]
    )[0]
    assert [f"{100 * share:.2f}%" for share in sorted(expected, reverse=True)] == re.findall(r"\d+\.\d\d%", result.out)
    assert {*re.findall(r"%  (\w+)$", result.out, flags=re.MULTILINE)} == {*LABELS}


def test_second_push_adds_a_commit_with_what_changed(hub: HubServer, command_line: CommandLine, run: RunFolder) -> None:
    notice = run.model / "NOTICE.txt"
    results = [command_line.run("publish", "tiny", "--repo-id", "owner/twice")]
    notice.write_text("one more file")
    results.append(command_line.run("publish", str(run.path), "--repo-id", "owner/twice"))
    notice.unlink()
    assert [result.code for result in results] == [0, 0], results
    assert len(hub.repos["owner/twice"].commits) == 2
    assert hub.repos["owner/twice"].commits[1] == ("Train tiny with hf_newscls", ["NOTICE.txt"])


def test_push_of_what_is_there_already_succeeds(published: str, hub: HubServer, command_line: CommandLine) -> None:
    result = command_line.run("publish", "tiny", "--repo-id", "owner/tiny")
    assert result.code == 0, result.err
    assert f"{hub.endpoint}/owner/tiny/commit/" in result.out


def test_public_when_asked_for(published: str, hub: HubServer, command_line: CommandLine) -> None:
    result = command_line.run("publish", "tiny", "--repo-id", "owner/open", "--no-private")
    assert result.code == 0, result.err
    assert not hub.repos["owner/open"].private
    with urlopen(f"{hub.endpoint}/owner/open/resolve/main/config.json", timeout=10) as answer:
        assert json.load(answer)["id2label"]["0"] == "BUSINESS"


def test_temporary_files_are_not_left(published: str, run: RunFolder) -> None:
    assert {name for name in os.listdir(run.path) if name.startswith(".")} == set()
    assert {name for name in os.listdir(run.model) if name.startswith(".")} == set()
