"""Rights on the test Hub, through the unmodified client over HTTP."""

from pathlib import Path

import pytest
from huggingface_hub import constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
)

from tests.hub_server import (
    FINE_GRAINED_REPO,
    FINE_GRAINED_TOKEN,
    READ_TOKEN,
    STRANGER_TOKEN,
    TOKEN,
    WRONG_TOKEN,
    HubServer,
)
from tests.hub_server.client import add, connect, push

# huggingface_hub uploads with a deprecated argument of its HTTP client.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.mark.parametrize(
    ("token", "expected"),
    [(TOKEN, "write"), (READ_TOKEN, "read"), (FINE_GRAINED_TOKEN, "fineGrained"), (STRANGER_TOKEN, "write")],
)
def test_whoami_returns_the_role_of_the_token(token: str, expected: str, hub: HubServer) -> None:
    account = connect(hub, token).whoami()
    assert account["auth"]["accessToken"]["role"] == expected
    assert account["name"] == ("stranger" if token == STRANGER_TOKEN else "owner")


def test_owner_has_a_role_in_each_organization(hub: HubServer) -> None:
    roles = {org["name"]: org["roleInOrg"] for org in connect(hub).whoami()["orgs"]}
    assert roles == {"newsroom": "write", "readers": "read"}


def test_whoami_returns_the_scope_of_a_fine_grained_token(hub: HubServer) -> None:
    (scope,) = connect(hub, FINE_GRAINED_TOKEN).whoami()["auth"]["accessToken"]["fineGrained"]["scoped"]
    assert (scope["entity"]["type"], scope["entity"]["name"]) == ("model", FINE_GRAINED_REPO)
    assert "repo.write" in scope["permissions"]


def test_wrong_token_is_refused_even_for_a_public_repository(hub: HubServer, name: str) -> None:
    hub.create_repo(name)
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        connect(hub, WRONG_TOKEN).whoami()
    with pytest.raises(HfHubHTTPError, match="Invalid credentials in Authorization header") as caught:
        connect(hub, WRONG_TOKEN).model_info(name)
    assert caught.value.response.status_code == 401


@pytest.mark.parametrize(
    ("owner", "token"),
    [
        ("stranger", TOKEN),
        ("readers", TOKEN),
        ("owner", STRANGER_TOKEN),
        ("owner", READ_TOKEN),
        ("owner", FINE_GRAINED_TOKEN),
    ],
)
def test_repository_is_not_created_without_the_right(owner: str, token: str, hub: HubServer) -> None:
    with pytest.raises(
        HfHubHTTPError, match="You don't have the rights to create a model under the namespace"
    ) as caught:
        connect(hub, token).create_repo(f"{owner}/forbidden")
    assert caught.value.response.status_code == 403
    assert f"{owner}/forbidden" not in hub.repos


def test_writer_creates_repositories_of_the_organization(hub: HubServer) -> None:
    connect(hub).create_repo("newsroom/tiny", private=True)
    push(hub, "newsroom/tiny", add("a.txt"))
    assert hub.repos["newsroom/tiny"].files == {"a.txt": b"text"}
    assert connect(hub, READ_TOKEN).model_info("newsroom/tiny").private


@pytest.mark.parametrize("token", [STRANGER_TOKEN, FINE_GRAINED_TOKEN, False])
def test_private_repository_does_not_exist_for_others(token: str | bool, hub: HubServer, name: str) -> None:
    hub.create_repo(name, files={"a.txt": b"a"}, private=True)
    with pytest.raises(RepositoryNotFoundError):
        connect(hub, token).model_info(name)
    with pytest.raises(HfHubHTTPError):
        connect(hub, token).hf_hub_download(name, "a.txt")


@pytest.mark.parametrize("token", [STRANGER_TOKEN, READ_TOKEN, FINE_GRAINED_TOKEN])
def test_push_without_the_right_is_refused(token: str, hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name)
    with pytest.raises(HfHubHTTPError) as caught:
        push(hub, name, add("a.txt"), token=token)
    assert caught.value.response.status_code == 403
    assert repo.commits == []


def test_fine_grained_token_writes_its_repository(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = hub.create_repo(FINE_GRAINED_REPO, private=True)
    push(hub, FINE_GRAINED_REPO, add("a.txt"), add("weights.safetensors", b"\0w"), token=FINE_GRAINED_TOKEN)
    assert repo.files == {"a.txt": b"text", "weights.safetensors": b"\0w"}
    # The token may not create it, but the client sees that it exists (at the endpoint of its constants).
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    assert connect(hub, FINE_GRAINED_TOKEN).create_repo(FINE_GRAINED_REPO, exist_ok=True).repo_id == FINE_GRAINED_REPO


def test_gated_files_are_for_admitted_users(hub: HubServer, name: str, tmp_path: Path) -> None:
    repo = hub.create_repo(name, files={"a.txt": b"a"}, gated=True)
    stranger = connect(hub, STRANGER_TOKEN)
    assert stranger.model_info(name).gated == "auto"
    with pytest.raises(GatedRepoError):
        stranger.hf_hub_download(name, "a.txt", cache_dir=tmp_path)
    repo.admitted.add("stranger")
    assert Path(stranger.hf_hub_download(name, "a.txt", cache_dir=tmp_path)).read_bytes() == b"a"
