"""Publish over HTTP with the unmodified client: one commit of checked files, or none."""

import ast
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import ModelCard

from hf_newscls.errors import InputError
from hf_newscls.hub.commit import PushOptions
from hf_newscls.inference.predicting import load_classifier, predict_probabilities
from hf_newscls.modeling.adapters import add_adapter, save_adapter
from hf_newscls.recipe.model import AdapterSection, ModelSection
from hf_newscls.report.model_card import NOTES_START
from hf_newscls.runs.folder import RunFolder
from tests.conftest import LABELS, FinishedRun
from tests.hub_server import TOKEN, Fault, HubServer
from tests.processes import CommandLine, Result, build_environment, check_refusal, read_files, run_cli, run_python
from tests.tiny_models import load_tiny

Call = Callable[..., Result]
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
        request.getfixturevalue("hub").faults.clear()


# Without a Hub.


@pytest.mark.slow
def test_missing_token_is_reported_first(workspace: Path, run: RunFolder, fresh_home: Path) -> None:
    before = read_files(run.path)
    result = run_cli("publish", "tiny", "--repo-id", "owner/tiny", cwd=workspace, home=fresh_home)
    assert result.code == 1
    assert result.err.count("error:") == 1
    assert "HF_TOKEN" in result.err
    assert "Traceback" not in result.err
    assert read_files(run.path) == before


@pytest.mark.slow
def test_unreachable_hub_leaves_the_run_unchanged(workspace: Path, run: RunFolder, fresh_home: Path) -> None:
    before = read_files(run.path)
    result = run_cli("publish", "tiny", cwd=workspace, home=fresh_home, environment={"HF_TOKEN": TOKEN})
    assert result.code == 1
    assert "Traceback" not in result.err
    assert "HF_HUB_OFFLINE" in result.err
    assert TOKEN not in result.out + result.err
    assert read_files(run.path) == before


# With a Hub that refuses; these tests are first, so that nothing has been written yet.


def refuse(hub: HubServer, path: str, status: int) -> None:
    hub.faults.append(Fault("status", path=path, status=status, index=None))


@pytest.mark.parametrize(
    ("part", "status"),
    [
        ("/api/repos/create", 403),
        ("/commit/main", 403),
        ("^/lfs/", 507),
        # The client retries for 23 seconds.
        pytest.param("/commit/main", 500, marks=pytest.mark.slow),
    ],
)
def test_refused_push_leaves_the_run_unchanged(
    part: str, status: int, hub: HubServer, command_line: CommandLine, run: RunFolder
) -> None:
    before = read_files(run.path)
    refuse(hub, part, status)
    repo_id = f"owner/refused-{status}-{part.strip('^/').replace('/', '-')}"
    result = command_line.run("publish", "tiny", "--repo-id", repo_id)
    assert result.code == 1
    assert re.search(rf"error: Hub: .*{repo_id}: .*{status}.*`hf-newscls publish`", result.err)
    assert "Traceback" not in result.err
    assert TOKEN not in result.out + result.err
    assert not [repo for repo in hub.repos.values() if repo.commits]
    assert read_files(run.path) == before


@pytest.mark.parametrize("repo_id", ["stranger/tiny", "readers/tiny"])
def test_foreign_namespace_is_refused(repo_id: str, hub: HubServer, command_line: CommandLine) -> None:
    result = command_line.run("publish", "tiny", "--repo-id", repo_id)
    assert result.code == 1
    assert re.search(rf"owner \(write\).*{repo_id}.*HF_TOKEN", result.err)
    assert repo_id not in hub.repos


@pytest.mark.parametrize(
    "options", [("--repo-id", "owner/-a name-"), ("--revision", "a..b"), ("--tag", "-v1"), ("--tag", "")]
)
def test_impossible_name_is_refused_before_the_push(
    options: tuple[str, str], hub: HubServer, command_line: CommandLine
) -> None:
    before = len(hub.requests)
    result = command_line.run("publish", "tiny", *options)
    assert result.code == 2
    assert "Traceback" not in result.err
    assert options[1] in result.err
    assert {method for method, _ in hub.requests[before:]} <= {"GET"}


def test_token_in_the_folder_stops_the_push(hub: HubServer, command_line: CommandLine, run: RunFolder) -> None:
    before = len(hub.requests)
    (run.model / "notes.txt").write_text(TOKEN)
    result = command_line.run("publish", "tiny", "--repo-id", "owner/leak")
    (run.model / "notes.txt").unlink()
    assert result.code == 1
    assert "access token in 'notes.txt'" in result.err
    assert [request for request in hub.requests[before:] if request[0] != "GET"] == []


@pytest.mark.slow
def test_model_with_other_predictions_is_not_published(
    hub: HubServer, command_line: CommandLine, run: RunFolder, tmp_path: Path
) -> None:
    other = RunFolder(shutil.copytree(run.path, tmp_path / "other"))
    config = json.loads((other.model / "config.json").read_text())
    config["id2label"] = {index: name for index, name in enumerate([*LABELS[1:], LABELS[0]])}
    (other.model / "config.json").write_text(json.dumps(config))
    result = command_line.run("publish", str(other.path), "--repo-id", "owner/mixed")
    assert result.code == 1
    assert re.search(r"model: .*fresh process.*predictions", result.err)
    assert "owner/mixed" not in hub.repos


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("license: apache-2.0", "license: of-my-own", "metadata.*`hub`"),
        ("base_model: null", "base_model: owner/base", "owner/base.*'cc-by-nd-4.0'"),
    ],
)
def test_invalid_metadata_and_a_strict_licence_stop_the_push(
    old: str, new: str, message: str, hub: HubServer, command_line: CommandLine, run: RunFolder, tmp_path: Path
) -> None:
    if "owner/base" not in hub.repos:
        hub.create_repo("owner/base", files={"README.md": b"---\nlicense: cc-by-nd-4.0\n---\n"})
    other = RunFolder(shutil.copytree(run.path, tmp_path / "other"))
    text = other.recipe.read_text()
    assert text.count(old) == 1
    other.recipe.write_text(text.replace(old, new))
    result = command_line.run("publish", str(other.path), "--repo-id", "owner/forbidden")
    assert result.code == 1
    assert re.search(message, result.err), result.err
    assert "owner/forbidden" not in hub.repos


@pytest.mark.slow
def test_model_that_does_not_load_is_not_published(
    hub: HubServer, command_line: CommandLine, run: RunFolder, tmp_path: Path
) -> None:
    broken = RunFolder(shutil.copytree(run.path, tmp_path / "broken"))
    weights = broken.model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-64])
    result = command_line.run("publish", str(broken.path), "--repo-id", "owner/broken")
    assert result.code == 1
    assert "model: does not load in a fresh process" in result.err
    assert "owner/broken" not in hub.repos


# With a Hub that accepts the push.


@pytest.fixture(scope="module")
def published(hub: HubServer, command_line: CommandLine) -> str:
    """Publish the run as owner/tiny, and return the output."""
    result = command_line.run("publish", "tiny", "--repo-id", "tiny")
    assert result.code == 0, result.err
    return result.out


def test_push_is_one_commit_of_the_whole_folder(published: str, hub: HubServer, run: RunFolder) -> None:
    repo = hub.repos["owner/tiny"]
    files = read_files(run.model) | {name: b"" for name in ("metrics.json", "predictions.parquet")}
    assert repo.commits == [("Train tiny with hf_newscls", sorted(files))]
    assert repo.files.keys() == files.keys()
    changed = {name for name in read_files(run.model) if repo.files[name] != files[name]}
    assert changed <= {"README.md"}
    assert published.strip() == f"{hub.endpoint}/owner/tiny/commit/{repo.head}"


def test_published_predictions_have_no_texts(
    published: str, hub: HubServer, tmp_path: Path, news_rows: Sequence[dict[str, str]]
) -> None:
    content = hub.repos["owner/tiny"].files["predictions.parquet"]
    (tmp_path / "predictions.parquet").write_bytes(content)
    table = pq.read_table(tmp_path / "predictions.parquet")
    assert table.column_names == ["row", "reference", *(f"probability of {label}" for label in LABELS)]
    assert table["row"].to_pylist() == sorted(table["row"].to_pylist())
    shown = {str(value) for row in table.to_pylist() for value in row.values()}
    assert shown.isdisjoint(row["title"] for row in news_rows)


def test_no_file_contains_a_text(published: str, hub: HubServer, news_rows: Sequence[dict[str, str]]) -> None:
    texts = [row[column].encode() for row in news_rows for column in ("title", "body")]
    files = hub.repos["owner/tiny"].files
    assert [name for name, content in files.items() if any(text in content for text in texts)] == []


def test_repository_is_private(published: str, hub: HubServer) -> None:
    assert hub.repos["owner/tiny"].private
    with pytest.raises(HTTPError, match="401"):
        urlopen(f"{hub.endpoint}/owner/tiny/resolve/main/README.md", timeout=10)


def test_large_files_are_in_lfs(published: str, hub: HubServer, run: RunFolder) -> None:
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


def test_predict_accepts_a_hub_id(published: str, command_line: CommandLine) -> None:
    result = command_line.run("predict", "owner/tiny", TEXTS[0])
    assert result.code == 0, result.err
    assert re.search(r"^ +\d+\.\d\d%  SPORTS$", result.out.splitlines()[1])


def test_predict_accepts_the_hub_id_of_an_adapter(
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
    assert [f"{100 * fraction:.2f}%" for fraction in sorted(expected, reverse=True)] == re.findall(
        r"\d+\.\d\d%", result.out
    )
    assert {*re.findall(r"%  (\w+)$", result.out, flags=re.MULTILINE)} == {*LABELS}


@contextmanager
def changed(path: Path) -> Iterator[None]:
    """Change the bytes of a JSON file, not its content."""
    content = path.read_bytes()
    path.write_bytes(content + b"\n")
    yield
    path.write_bytes(content)


def test_second_push_commits_only_changed_files(hub: HubServer, command_line: CommandLine, run: RunFolder) -> None:
    results = [command_line.run("publish", "tiny", "--repo-id", "owner/twice")]
    with changed(run.metrics):
        results.append(command_line.run("publish", str(run.path), "--repo-id", "owner/twice"))
    assert [result.code for result in results] == [0, 0], results
    assert hub.repos["owner/twice"].commits[1:] == [("Train tiny with hf_newscls", ["metrics.json"])]


def test_unchanged_model_makes_no_commit(published: str, hub: HubServer, command_line: CommandLine) -> None:
    result = command_line.run("publish", "tiny", "--repo-id", "owner/tiny")
    assert result.code == 0, result.err
    assert result.out == f"nothing new: {published}"
    assert len(hub.repos["owner/tiny"].commits) == 1


def test_files_of_an_earlier_version_are_deleted_and_others_stay(hub: HubServer, command_line: CommandLine) -> None:
    files = {"adapter_config.json": b"{}", "figures/old.png": b"x", "LICENSE": b"text", "onnx/model.safetensors": b"y"}
    repo = hub.create_repo("owner/older", files=files, private=True)
    result = command_line.run("publish", "tiny", "--repo-id", "owner/older")
    assert result.code == 0, result.err
    assert repo.files.keys() & files.keys() == {"LICENSE", "onnx/model.safetensors"}
    assert len(repo.commits) == 2


def test_public_repository_on_request(published: str, hub: HubServer, command_line: CommandLine) -> None:
    result = command_line.run("publish", "tiny", "--repo-id", "owner/open", "--public")
    assert result.code == 0, result.err
    assert not hub.repos["owner/open"].private
    with urlopen(f"{hub.endpoint}/owner/open/resolve/main/config.json", timeout=10) as answer:
        assert json.load(answer)["id2label"]["0"] == "BUSINESS"


def test_public_repository_is_refused_by_default(hub: HubServer, command_line: CommandLine) -> None:
    repo = hub.create_repo("owner/shown")
    result = command_line.run("publish", "tiny", "--repo-id", "owner/shown")
    assert result.code == 1
    assert re.search("owner/shown is public.*--public", result.err)
    assert repo.commits == []


# The demo.


def test_model_and_space_link_to_each_other(hub: HubServer, command_line: CommandLine) -> None:
    arguments = ("publish", "tiny", "--repo-id", "owner/shown-off", "--space")
    first, second = command_line.run(*arguments), command_line.run(*arguments)
    model, space = hub.repos["owner/shown-off"], hub.repos["spaces/owner/shown-off"]
    urls = [f"{hub.endpoint}/owner/shown-off/commit/{model.head}", f"{hub.endpoint}/{space.key}/commit/{space.head}"]
    assert first.out.splitlines() == urls, first.err
    assert second.out.splitlines() == [f"nothing new: {url}" for url in urls], second.err
    assert space.commits == [("Train tiny with hf_newscls", ["README.md", "app.py", "requirements.txt"])]
    assert b"(https://huggingface.co/spaces/owner/shown-off)" in model.files["README.md"]
    assert yaml.safe_load(space.files["README.md"].split(b"---")[1])["models"] == ["owner/shown-off"]
    assert f'"{model.head}"' in space.files["app.py"].decode()
    assert (model.private, space.private) == (True, True)


# Cards and notes.


def test_notes_in_the_card_survive(hub: HubServer, command_line: CommandLine) -> None:
    assert command_line.run("publish", "tiny", "--repo-id", "owner/noted").code == 0
    repo = hub.repos["owner/noted"]
    card = repo.files["README.md"].decode().replace(NOTES_START, f"{NOTES_START}\n\nSeen to fail on sports.\n")
    repo.write({"README.md": f"{card}\nWritten outside.\n".encode()}, "Write a note")
    result = command_line.run("publish", "tiny", "--repo-id", "owner/noted")
    assert result.code == 0, result.err
    found = repo.files["README.md"].decode()
    assert found.count("Seen to fail on sports.") == 1
    assert "Written outside." not in found
    assert command_line.run("publish", "tiny", "--repo-id", "owner/noted").out.startswith("nothing new: ")


def test_card_of_another_author_is_kept_by_default(hub: HubServer, command_line: CommandLine) -> None:
    repo = hub.create_repo("owner/theirs", files={"README.md": b"# Ours for years"}, private=True)
    refused = command_line.run("publish", "tiny", "--repo-id", "owner/theirs")
    assert refused.code == 1
    assert re.search("owner/theirs.*README.md.*--replace-card", refused.err)
    assert len(repo.commits) == 1
    result = command_line.run("publish", "tiny", "--repo-id", "owner/theirs", "--replace-card")
    assert result.code == 0, result.err
    assert b"Ours for years" not in repo.files["README.md"]


# A model that should perhaps stay.


@pytest.fixture
def better_card(tiny_run: FinishedRun) -> bytes:
    """The card of the run, with a macro F1 that no run reaches."""
    card = ModelCard.load(tiny_run.run.model / "README.md")
    for result in card.data.eval_results or []:
        result.metric_value = 0.9999 if result.metric_name == "Macro F1" else result.metric_value
    return str(card).encode()


def test_better_model_stays_without_yes(hub: HubServer, command_line: CommandLine, better_card: bytes) -> None:
    repo = hub.create_repo("owner/better", files={"README.md": better_card}, private=True)
    arguments = ("publish", "tiny", "--repo-id", "owner/better")
    check_refusal(command_line.run(*arguments), "owner/better", "0.9999", "--yes")
    proposal = command_line.run(*arguments, "--pr")  # which a person merges or not
    assert proposal.code == 0, proposal.err
    assert repo.files == {"README.md": better_card}
    result = command_line.run(*arguments, "--yes")
    assert result.code == 0, result.err
    assert "0.9999" in result.err
    assert "model.safetensors" in repo.files


def test_terminal_is_asked_before_a_better_model_is_replaced(
    tiny_run: FinishedRun, better_card: bytes, hub_here: HubServer, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = hub_here.create_repo("owner/better", files={"README.md": better_card}, private=True)
    answers = io.StringIO("n\n")
    monkeypatch.setattr(answers, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", answers)
    result = call("publish", str(tiny_run.run.path), "--repo-id", "owner/better")
    assert result.code == 1
    assert "0.9999" in result.err
    assert "[y/N]" in result.err
    assert repo.files == {"README.md": better_card}


# Branches, pull requests, tags.


def test_branch_is_created_and_main_is_unchanged(published: str, hub: HubServer, command_line: CommandLine) -> None:
    repo = hub.repos["owner/tiny"]
    (head, commits) = repo.head, repo.commits
    result = command_line.run("publish", "tiny", "--repo-id", "owner/branched", "--revision", "trial")
    assert result.code == 0, result.err
    branched = hub.repos["owner/branched"]
    assert branched.commits == []
    assert "model.safetensors" in branched.read_files("trial")
    assert (repo.head, repo.commits) == (head, commits)


@pytest.mark.slow
def test_pull_request_is_opened_once_and_updated(hub: HubServer, command_line: CommandLine, run: RunFolder) -> None:
    repo = hub.create_repo("stranger/shared", files={"README.md": b"---\nlicense: mit\n---\n"})
    arguments = ("publish", "tiny", "--repo-id", "stranger/shared", "--pr", "--public")
    first, second = command_line.run(*arguments), command_line.run(*arguments)
    with changed(run.metrics):
        third = command_line.run(*arguments)
    assert [first.code, second.code, third.code] == [0, 0, 0], (first.err, second.err, third.err)
    url = f"{hub.endpoint}/stranger/shared/discussions/1"
    assert [first.out.strip(), second.out.strip(), third.out.strip()] == [url, f"nothing new: {url}", url]
    assert [(one.num, one.status, one.title) for one in repo.discussions] == [(1, "open", "Train tiny with hf_newscls")]
    assert repo.read_files("refs/pr/1")["metrics.json"] == run.metrics.read_bytes() + b"\n"
    assert repo.files.keys() == {"README.md"}


def test_pull_request_to_a_public_repository_needs_public(hub: HubServer, command_line: CommandLine) -> None:
    hub.create_repo("stranger/open")
    result = command_line.run("publish", "tiny", "--repo-id", "stranger/open", "--pr")
    assert result.code == 1
    assert "stranger/open is public" in result.err
    assert command_line.run("publish", "tiny", "--repo-id", "stranger/open", "--pr", "--public").code == 0


def test_pull_request_without_changes_is_not_opened(published: str, hub: HubServer, command_line: CommandLine) -> None:
    result = command_line.run("publish", "tiny", "--repo-id", "owner/tiny", "--pr")
    assert result.code == 0, result.err
    assert result.out == f"nothing new: {published}"
    assert hub.repos["owner/tiny"].discussions == []


def test_tag_is_set_and_never_moved(hub: HubServer, command_line: CommandLine, run: RunFolder) -> None:
    arguments = ("publish", "tiny", "--repo-id", "owner/tagged", "--tag", "v1.0")
    assert [command_line.run(*arguments).code for _ in range(2)] == [0, 0]
    repo = hub.repos["owner/tagged"]
    first = repo.head
    with changed(run.metrics):
        result = command_line.run(*arguments)
    assert result.code == 1
    assert re.search(rf"'v1.0'.*{first}", result.err)
    assert (repo.head, repo.git.find_commit("v1.0")) == (first, first)


@pytest.mark.parametrize(("name", "value"), [("tag", "v1"), ("revision", "trial")])
def test_pull_request_with_tag_or_branch_is_refused(name: str, value: str, command_line: CommandLine) -> None:
    with pytest.raises(InputError, match=rf"{name}.*'{value}'"):
        PushOptions("Train", create_pr=True, **{name: value})  # type: ignore[arg-type] # both are strings
    result = command_line.run("publish", "tiny", "--pr", f"--{name}", value)
    assert result.code == 2
    assert re.search(rf"{name}.*'{value}'", result.err)


@pytest.mark.parametrize("options", [{"tag": "-v1"}, {"tag": ""}, {"revision": "a..b"}])
def test_options_with_an_impossible_name_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(InputError, match=repr(*options.values())):
        PushOptions("Train", **options)  # type: ignore[arg-type] # both are strings


def test_no_temporary_files_are_left(published: str, run: RunFolder) -> None:
    assert {name for name in os.listdir(run.path) if name.startswith(".")} == set()
    assert {name for name in os.listdir(run.model) if name.startswith(".")} == set()
