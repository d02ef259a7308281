"""Models found on a Hub over HTTP, each read at one commit."""

import re
from collections.abc import Mapping

import pytest

from hf_newscls.comparison.discovery import Discovery, discover, find_commit
from hf_newscls.comparison.model_scores import ModelScores
from hf_newscls.errors import InputError, PublishError
from hf_newscls.hub.retry import has_answered
from tests.comparison.board_parts import ONE, TWO, build_files, write_card, write_metrics
from tests.hub_server import STRANGER_TOKEN, WRONG_TOKEN, Fault, HubServer

TINY = ["tiny"]


def by_name(found: Discovery) -> dict[str, ModelScores]:
    return {one.name: one for one in found.models}


def publish(server: HubServer, models: Mapping[str, Mapping[str, bytes]]) -> None:
    for name, files in models.items():
        server.create_repo(name, files=files)


def test_models_of_a_recipe_are_found_by_their_tags(hub_here: HubServer) -> None:
    others = {
        "ann/other": {"README.md": write_card({"accuracy": 1}, tags=["hf-newscls", "recipe:other"]).encode()},
        "ann/untagged": {"README.md": write_card({"accuracy": 1}, tags=["recipe:tiny"]).encode()},
    }
    publish(hub_here, {"ann/good": build_files(18), "bob/bad": build_files(9), **others})
    found = by_name(discover(recipes=TINY))
    assert [*found] == ["ann/good", "bob/bad"]
    assert found["ann/good"].claims[0].scores == {"accuracy": 0.9}
    assert found["ann/good"].predictions is not None
    assert found["bob/bad"].measured is not None
    assert found["bob/bad"].revision == hub_here.repos["bob/bad"].head


def test_author_limits_the_models(hub_here: HubServer) -> None:
    publish(hub_here, {"ann/good": build_files(18), "bob/bad": build_files(9)})
    assert [*by_name(discover(recipes=["tiny"], author="bob"))] == ["bob/bad"]


def test_models_of_a_dataset_are_found_by_scores_or_tag(hub_here: HubServer) -> None:
    tagged = write_card({"accuracy": 0.5}, dataset="tiny").replace("tags:", "datasets: [ann/news]\ntags:")
    publish(
        hub_here,
        {
            "ann/scores": build_files(18),
            "ann/tagged": {"README.md": tagged.encode()},
            "ann/other": {"README.md": write_card({"accuracy": 0.5}, dataset="ann/olds").encode()},
            "ann/stranger": {"README.md": write_card({"accuracy": 0.5}, tags=["other-tool"]).encode()},
        },
    )
    assert [*by_name(discover(datasets=["ann/news"]))] == ["ann/scores", "ann/tagged"]


def test_named_model_needs_no_tag(hub_here: HubServer) -> None:
    publish(hub_here, {"ann/plain": {"README.md": write_card({"accuracy": 0.5}, tags=[]).encode()}})
    assert [*by_name(discover(models=["ann/plain"]))] == ["ann/plain"]


def test_named_revision_is_read(hub_here: HubServer) -> None:
    repo = hub_here.create_repo("ann/model", files=build_files(18))
    first = str(repo.head)
    repo.write(build_files(15), "Train again")
    found = by_name(discover(models=["ann/model", f"ann/model@{first}", "ann/model@main"]))
    assert {name: model.claims[0].scores["accuracy"] for name, model in found.items()} == {
        "ann/model": 0.75,
        f"ann/model@{first}": 0.9,
        "ann/model@main": 0.75,
    }
    assert found[f"ann/model@{first}"].revision == first
    assert all(model.predictions is not None for model in found.values())


def test_missing_revision_is_not_ranked(hub_here: HubServer) -> None:
    hub_here.create_repo("ann/model", files=build_files(18))
    (unranked,) = discover(models=["ann/model@v1"]).unranked
    assert unranked.name == "ann/model@v1"


@pytest.mark.parametrize("name", ["ann/model@", "ann/model@-x", "a/b/c"])
def test_impossible_name_is_refused(name: str, hub_here: HubServer) -> None:
    with pytest.raises(InputError):
        discover(models=[name])
    assert hub_here.requests == []


def test_model_without_any_file_claims_nothing(hub_here: HubServer) -> None:
    hub_here.create_repo("ann/empty", files={"config.json": b"{}"})
    (found,) = discover(models=["ann/empty"]).models
    assert (found.claims, found.measured, found.predictions) == ((), None, None)


def test_files_are_read_at_the_listed_commit(hub_here: HubServer) -> None:
    repo = hub_here.create_repo("ann/model", files=build_files(18))
    commit = repo.head
    discover(recipes=TINY)
    read = {path for method, path in hub_here.requests if "/resolve/" in path}
    assert read == {
        f"/ann/model/resolve/{commit}/{name}" for name in ("README.md", "metrics.json", "predictions.parquet")
    }


def test_private_model_needs_the_right_token(hub_here: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub_here.create_repo("owner/secret", files=build_files(18), private=True)
    assert [*by_name(discover(recipes=TINY))] == ["owner/secret"]
    monkeypatch.setenv("HF_TOKEN", STRANGER_TOKEN)
    assert discover(recipes=TINY) == Discovery([], [], [])
    (unranked,) = discover(models=["owner/secret"]).unranked
    assert "not on the Hub" in unranked.reason


def test_gated_model_is_refused_with_the_reason(hub_here: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub_here.create_repo("owner/gated", files=build_files(18), gated=True)
    monkeypatch.setenv("HF_TOKEN", STRANGER_TOKEN)
    (unranked,) = discover(recipes=TINY).unranked
    assert (unranked.name, unranked.revision) == ("owner/gated", hub_here.repos["owner/gated"].head)
    assert "gated" in unranked.reason


@pytest.mark.parametrize(
    ("file", "content", "note"),
    [
        ("predictions.parquet", b"garbage", "predictions.parquet: "),
        ("metrics.json", b"{", "metrics.json: "),
        ("metrics.json", b"\xff\xfe", "metrics.json: not UTF-8"),
        ("metrics.json", b"[" * 5_000_001, "metrics.json: 5,000,001 bytes"),
    ],
)
def test_broken_file_is_noted_and_the_rest_is_read(file: str, content: bytes, note: str, hub_here: HubServer) -> None:
    hub_here.create_repo("ann/broken", files={**build_files(18), file: content})
    (found,) = discover(recipes=TINY).models
    assert found.claims[0].scores == {"accuracy": 0.9}
    assert len(found.notes) == 1
    assert found.notes[0].startswith(note)


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        (b"---\ntags: [\n---\n", "README.md: metadata"),
        (b"\xff\xfe", "README.md: not UTF-8"),
        (b"---\na: " + b"x" * 1_000_000 + b"\n---\n", "README.md: 1,000,012 bytes"),
    ],
)
def test_model_with_a_broken_card_is_refused(card: bytes, reason: str, hub_here: HubServer) -> None:
    hub_here.create_repo("ann/broken", files={**build_files(18), "README.md": card})
    (unranked,) = discover(models=["ann/broken"]).unranked
    assert unranked.reason.startswith(reason)


def test_file_that_cannot_be_fetched_is_noted(hub_here: HubServer) -> None:
    hub_here.create_repo("ann/model", files=build_files(18))
    hub_here.faults.append(Fault("status", path=r"/resolve/.*/predictions\.parquet", index=None, status=403))
    (found,) = discover(recipes=TINY).models
    assert found.predictions is None
    assert "read predictions.parquet of ann/model: " in found.notes[0]
    assert "403" in found.notes[0]


def test_model_with_a_card_that_cannot_be_fetched_is_refused(hub_here: HubServer) -> None:
    hub_here.create_repo("ann/model", files=build_files(18))
    hub_here.faults.append(Fault("status", path=r"/resolve/.*/README\.md", index=None, status=403))
    (unranked,) = discover(recipes=TINY).unranked
    assert "read README.md of ann/model: " in unranked.reason
    assert "403" in unranked.reason


def test_claims_on_the_requested_dataset_are_read(hub_here: HubServer) -> None:
    hub_here.create_repo("ann/model", files={"README.md": write_card({"accuracy": 0.5}, revision=TWO).encode()})
    hub_here.create_repo("ann/metrics", files={"metrics.json": write_metrics({"accuracy": 0.5}).encode()})
    found = by_name(discover(datasets=["ann/news"], models=["ann/metrics"]))
    assert found["ann/model"].claims[0].split == TWO
    measured = found["ann/metrics"].measured
    assert measured is not None
    assert measured.split == ONE


# The Hub's leaderboard of a dataset.


def test_leaderboard_of_the_hub_is_read_with_fine_tuned_models(hub_here: HubServer) -> None:
    hub_here.create_repo("datasets/ann/news", files={"README.md": b"# News\n"})
    hub_here.create_repo("bob/tuned", files={"README.md": b"---\nbase_model: ann/base\n---\n"})
    hub_here.leaderboards["ann/news"] = [
        {"modelId": "bob/tuned", "value": 0.9, "verified": True},
        {"modelId": "cat/odd", "value": True},
        {"modelId": "dan/claims", "value": 87.5},
    ]
    found = discover(datasets=["ann/news"]).entries
    assert [(one.name, one.score, one.is_verified) for one in found] == [
        ("dan/claims", 87.5, False),
        ("bob/tuned", 0.9, True),
    ]
    assert found[1].notes == ["verified by the Hub"]
    assert {one.setting.split for one in found} == {"Hub leaderboard"}


def test_own_results_of_a_model_are_another_split_than_the_leaderboard(hub_here: HubServer) -> None:
    entry = b"- dataset: {id: ann/news, task_id: topics}\n  value: %s\n"
    card = b"---\ntags: [hf-newscls]\ndatasets: [ann/news]\n---\n"
    for name, value in (("bob/own", b"0.8"), ("cat/listed", b"0.7"), ("dan/text", b"high")):
        hub_here.create_repo(name, files={"README.md": card, ".eval_results/x.yaml": entry % value})
    hub_here.create_repo("eve/broken", files={"README.md": card, ".eval_results/x.yaml": b"- value: 1\n"})
    hub_here.create_repo("datasets/ann/news", files={"README.md": b"# News\n"})
    hub_here.leaderboards["ann/news"] = [{"modelId": "cat/listed", "value": 0.7}]
    found = discover(datasets=["ann/news"]).entries
    assert [(one.name, one.setting.split, one.score) for one in found] == [
        ("cat/listed", "Hub leaderboard", 0.7),
        ("bob/own", "task topics", 0.8),
    ]
    assert found[1].revision == hub_here.repos["bob/own"].head
    named = discover(datasets=["ann/news"], models=["bob/own@main"]).entries
    assert ("bob/own@main", 0.8) in [(one.name, one.score) for one in named]


def test_dataset_without_a_leaderboard_has_no_entries(hub_here: HubServer) -> None:
    assert discover(datasets=["ann/news"]) == Discovery([], [], [])


# What goes wrong.


def test_wrong_token_is_an_answer_of_the_hub(hub_here: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", WRONG_TOKEN)
    with pytest.raises(PublishError) as caught:
        discover(recipes=TINY)
    assert has_answered(caught.value)
    assert WRONG_TOKEN not in str(caught.value)


def test_hub_that_is_down_has_not_answered(hub_here: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hf_newscls.hub.retry.time.sleep", lambda _: None)
    hub_here.faults.append(Fault("status", path="/api/models", index=None, status=503))
    with pytest.raises(PublishError, match="--local") as caught:
        discover(recipes=TINY)
    assert not has_answered(caught.value)


def test_unreachable_hub_is_reported_after_one_request(hub_here: HubServer) -> None:
    hub_here.faults.append(Fault("no answer", index=None))
    with pytest.raises(PublishError, match=re.escape(hub_here.endpoint)) as caught:
        discover(recipes=TINY)
    assert not has_answered(caught.value)
    assert len(hub_here.requests) == 1


def test_offline_mode_is_reported_without_a_request(hub_here: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(PublishError, match="HF_HUB_OFFLINE"):
        discover(recipes=TINY)
    assert hub_here.requests == []


def test_invalid_name_is_refused(hub_here: HubServer) -> None:
    with pytest.raises(InputError, match="owner/name"):
        discover(models=["../x"])


def test_latest_commit_is_found(hub_here: HubServer) -> None:
    repo = hub_here.create_repo("ann/model", files=build_files(18))
    assert find_commit("ann/model") == repo.head
