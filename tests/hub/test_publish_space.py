"""The demo of a model: what stops it, and what a second push does; test_publish_model.py has the usual case."""

import pytest

from hf_newscls.errors import InputError, PublishError
from hf_newscls.hub.commit import Pushed
from hf_newscls.runs.folder import RunFolder
from hf_newscls.workflow import publish
from tests.conftest import FinishedRun
from tests.hub_server import Fault, HubServer

# huggingface_hub uploads with a deprecated argument of its HTTP client.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def run(tiny_run: FinishedRun) -> RunFolder:
    """The shared run, which a push does not change: its model is loaded in a fresh process only once."""
    return tiny_run.run


def push(run: RunFolder, **options: object) -> Pushed:
    return publish(run.path, repo_id="owner/tiny", space=True, **options)  # type: ignore[arg-type] # any option


@pytest.mark.slow
def test_link_on_the_card_stays(hub_here: HubServer, run: RunFolder) -> None:
    push(run)
    assert not publish(run.path, repo_id="owner/tiny").is_new


@pytest.mark.slow
def test_failed_push_of_the_space_is_made_up_for(hub_here: HubServer, run: RunFolder) -> None:
    hub_here.faults.append(Fault("status", path="/api/spaces/owner/tiny/commit", status=403, index=None))
    with pytest.raises(PublishError, match="publish --space"):
        push(run)
    hub_here.faults.clear()
    pushed = push(run)
    assert pushed.space is not None
    assert (pushed.is_new, pushed.space.is_new) == (False, True)


def test_space_of_something_else_is_refused_before_the_model_is_pushed(hub_here: HubServer, run: RunFolder) -> None:
    space = hub_here.create_repo("spaces/owner/tiny", files={"app.py": b"print()"}, private=True)
    with pytest.raises(PublishError, match=r"owner/tiny: holds 'app\.py'"):
        push(run)
    assert space.files == {"app.py": b"print()"}
    assert "owner/tiny" not in hub_here.repos


def test_public_space_is_refused_before_the_model_is_pushed(hub_here: HubServer, run: RunFolder) -> None:
    hub_here.create_repo("spaces/owner/tiny")
    with pytest.raises(PublishError, match="space owner/tiny is public"):
        push(run)
    assert "owner/tiny" not in hub_here.repos


@pytest.mark.parametrize("options", [{"create_pr": True}, {"revision": "trial"}])
def test_space_of_another_branch_is_refused(options: dict[str, object], hub_here: HubServer, run: RunFolder) -> None:
    with pytest.raises(InputError, match="space"):
        push(run, **options)
    assert [*hub_here.repos] == []
