"""The test Hub itself, through the unmodified client: lists, leaderboards and the check of cards."""

from collections.abc import Iterator
from typing import Any

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from tests.hub_server import READ_TOKEN, STRANGER_TOKEN, TOKEN, HubServer

MODEL = """\
---
license: mit
language: [en]
library_name: transformers
pipeline_tag: text-classification
datasets: [owner/news]
{more}
model-index:
- name: tiny
  results:
  - task: {{type: text-classification}}
    dataset: {{type: owner/news, name: News}}
    metrics: [{{type: accuracy, value: 0.75}}]
---
"""
SCORE = b"- dataset: {id: owner/news, task_id: news}\n  value: 0.75\n"
INDEX = "model-index:\n- name: tiny\n  results:\n  - {}\n"
TASK, DATA = "task: {type: a}", "dataset: {name: a, type: b}"


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    """Three models of two owners, one of them private, and two datasets."""
    with HubServer() as server:
        first, second = (
            MODEL.format(more="tags: [news]"),
            MODEL.format(more="base_model: owner/first\ntags: [news, old]"),
        )
        server.create_repo("owner/first", files={"README.md": first.encode(), ".eval_results/news.yaml": SCORE})
        server.create_repo("owner/second", files={"README.md": second.encode()}, private=True)
        server.create_repo("stranger/Third", files={"README.md": b"---\nlicense: apache-2.0\n---\n"})
        data = b"---\nlicense: mit\nlanguage: en\ntask_categories: [text-classification]\n---\n"
        server.create_repo("datasets/owner/news", files={"README.md": data})
        server.create_repo("datasets/owner/closed", private=True)
        yield server
        assert server.errors == []


def find_models(hub: HubServer, token: str = TOKEN, **options: Any) -> list[str]:
    return [model.id for model in HfApi(hub.endpoint, token=token).list_models(**options)]


# Lists.


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["stranger/Third", "owner/second", "owner/first"]),
        ({"author": "owner"}, ["owner/second", "owner/first"]),
        ({"search": "third"}, ["stranger/Third"]),
        ({"filter": "news"}, ["owner/second", "owner/first"]),
        ({"filter": ["news", "old"]}, ["owner/second"]),
        ({"filter": "dataset:owner/news"}, ["owner/second", "owner/first"]),
        ({"trained_dataset": "owner/other"}, []),
        ({"filter": "license:apache-2.0"}, ["stranger/Third"]),
        ({"filter": "base_model:owner/first"}, ["owner/second"]),
        ({"filter": ["transformers", "en", "model-index"]}, ["owner/second", "owner/first"]),
        ({"pipeline_tag": "text-classification"}, ["owner/second", "owner/first"]),
        ({"sort": "created_at", "limit": 1}, ["stranger/Third"]),
    ],
)
def test_models_are_filtered(options: dict[str, Any], expected: list[str], hub: HubServer) -> None:
    assert find_models(hub, **options) == expected


@pytest.mark.parametrize(("token", "sees"), [(TOKEN, True), (READ_TOKEN, True), (STRANGER_TOKEN, False)])
def test_private_models_are_listed_for_their_owner(token: str, sees: bool, hub: HubServer) -> None:
    assert ("owner/second" in find_models(hub, token)) is sees


def test_list_has_pages(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub.hub, "page_size", 1)
    before = len(hub.requests)
    assert find_models(hub, filter=["news", "en"]) == ["owner/second", "owner/first"]
    assert [path for _, path in hub.requests[before:]] == ["/api/models", "/api/models"]


def test_list_has_the_requested_fields(hub: HubServer) -> None:
    api = HfApi(hub.endpoint, token=TOKEN)
    (brief,) = api.list_models(search="first")
    assert (brief.card_data, brief.sha, brief.private) == (None, None, False)
    (full,) = api.list_models(search="first", full=True, cardData=True)
    assert full.sha == hub.repos["owner/first"].head
    assert full.card_data.eval_results[0].dataset_type == "owner/news"
    (some,) = api.list_models(search="first", expand=["tags", "cardData"])
    assert some.card_data.license == "mit"
    assert (some.sha, some.private) == (None, None)


def test_datasets_are_listed(hub: HubServer) -> None:
    api = HfApi(hub.endpoint, token=TOKEN)
    (found,) = api.list_datasets(author="owner", task_categories="text-classification", language="en")
    assert found.id == "owner/news"
    assert [one.id for one in HfApi(hub.endpoint, token=STRANGER_TOKEN).list_datasets()] == ["owner/news"]


def test_evaluation_results_are_returned_on_request(hub: HubServer) -> None:
    info = HfApi(hub.endpoint, token=TOKEN).model_info("owner/first", expand=["evalResults"])
    assert [(one.dataset_id, one.value) for one in info.eval_results] == [("owner/news", 0.75)]


# Leaderboards.


def test_leaderboard_hides_fine_tuned_models_by_default(hub: HubServer) -> None:
    hub.leaderboards["owner/news"] = [
        {"modelId": "owner/first", "value": 0.5},
        {"modelId": "owner/second", "value": 0.75},
    ]
    api = HfApi(hub.endpoint, token=TOKEN)
    assert [(one.rank, one.model_id) for one in api.get_dataset_leaderboard("owner/news")] == [(1, "owner/first")]
    entries = api.get_dataset_leaderboard("owner/news", base_model_only=False)
    assert [(one.rank, one.model_id, one.value) for one in entries] == [
        (1, "owner/second", 0.75),
        (2, "owner/first", 0.5),
    ]
    assert (entries[0].author.username, entries[0].verified) == ("owner", False)


def test_dataset_may_have_no_leaderboard(hub: HubServer) -> None:
    with pytest.raises(HfHubHTTPError, match="has no leaderboard"):
        HfApi(hub.endpoint, token=TOKEN).get_dataset_leaderboard("owner/closed")


# Cards.


@pytest.mark.parametrize("head", ["license: mit\nlanguage: [en, de]", "tags: []\nlanguage: multilingual", "{}"])
def test_short_card_is_valid(head: str, hub: HubServer) -> None:
    HfApi(hub.endpoint, token=TOKEN)._validate_yaml(f"---\n{head}\n---\n# Card\n")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("license: free", '"license" must be one of [apache-2.0, mit'),
        ("language: english", '"language[0]" must only contain'),
        ("language: [en, 7]", '"language[1]" must only contain'),
        ("tags: {a: b}", '"tags" must be an array of strings'),
        ("datasets: [a b]", '"datasets" with value "a b" is not valid'),
        ("model-index: tiny", '"model-index" must be an array'),
        ("model-index: [{name: tiny}]", '"model-index[0].results" is required'),
        ("model-index: [{results: []}]", '"model-index[0].name" is required'),
        (INDEX.format(f"{DATA}\n    metrics: []"), '"model-index[0].results[0].task" is required'),
        (INDEX.format(f"{TASK}\n    metrics: []"), '"model-index[0].results[0].dataset" is required'),
        (INDEX.format(f"{TASK}\n    {DATA}"), '"model-index[0].results[0].metrics" is required'),
        (INDEX.format(f"{TASK}\n    {DATA}\n    metrics: [{{type: f1}}]"), ".metrics[0].value\" is required"),
        ("a: [", "Invalid YAML"),
    ],
)  # fmt: skip
def test_card_is_refused(head: str, message: str, hub: HubServer) -> None:
    with pytest.raises(ValueError, match="Invalid metadata in README") as caught:
        HfApi(hub.endpoint, token=TOKEN)._validate_yaml(f"---\n{head}\n---\n")
    assert message in str(caught.value)


def test_card_without_metadata_gives_a_warning(hub: HubServer) -> None:
    with pytest.warns(UserWarning, match="empty or missing yaml metadata in repo card"):
        HfApi(hub.endpoint, token=TOKEN)._validate_yaml("# Card\n")
