"""What is missing, and cannot be fetched, is found before any work."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from hf_newscls import workflow
from hf_newscls.errors import ModelError, SourceError
from hf_newscls.recipe.loading import read_recipe
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.workflow.training.availability import check_availability, find_cpu_recipe
from tests.hub_server import HubServer

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


@pytest.fixture
def online(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty caches, and HF_HUB_OFFLINE not set."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kaggle"))
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY", "KAGGLE_KERNEL_RUN_TYPE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def proxy(online: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A proxy that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        for name in PROXIES:
            monkeypatch.setenv(name, f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setattr("hf_newscls.workflow.training.availability._SECONDS", 0.3)
        yield server


@pytest.fixture
def unreachable(proxy: socket.socket) -> None:
    """A proxy that refuses each connection at once."""
    proxy.close()


@pytest.fixture
def needs_encoder(news_csv: Path) -> Recipe:
    """A recipe whose encoder is only on the Hub."""
    return read_recipe("fake_news_roberta", source=str(news_csv))


@pytest.mark.usefixtures("unreachable")
def test_both_missing_are_one_error_with_the_ways_on() -> None:
    with pytest.raises(SourceError) as caught:
        check_availability(read_recipe("fake_news_roberta"))
    message = str(caught.value)
    ways = ("--data", "DATA=path", "hf download FacebookAI/roberta-base", "make train RECIPE=fake_news_minilm")
    assert [way for way in ways if way not in message] == []


@pytest.mark.usefixtures("unreachable")
def test_missing_encoder_is_named(needs_encoder: Recipe) -> None:
    with pytest.raises(ModelError, match="FacebookAI/roberta-base"):
        check_availability(needs_encoder)


@pytest.mark.usefixtures("unreachable")
def test_missing_dataset_of_the_hub_is_named() -> None:
    with pytest.raises(SourceError, match="fancyzhx/ag_news"):
        check_availability(read_recipe("ag_news_minilm"))


@pytest.mark.usefixtures("unreachable")
def test_cached_version_needs_no_server(tmp_path: Path) -> None:
    file = tmp_path / "kaggle/datasets/owner/set/versions/2/news.csv"
    file.parent.mkdir(parents=True)
    file.touch()
    check_availability(read_recipe("quickstart", source="kaggle://owner/set/versions/2/news.csv"))
    with pytest.raises(SourceError):
        check_availability(read_recipe("quickstart", source="kaggle://owner/set/versions/3/news.csv"))


@pytest.mark.usefixtures("unreachable")
def test_nothing_is_asked_if_all_is_here() -> None:
    check_availability(read_recipe("quickstart"))


def test_server_that_answers_is_enough(hub_here: HubServer, needs_encoder: Recipe) -> None:
    check_availability(needs_encoder)  # whether it has the model shows later


@pytest.mark.usefixtures("proxy")
def test_slow_server_is_no_error(needs_encoder: Recipe) -> None:
    check_availability(needs_encoder)


def test_answer_that_is_not_http_is_no_error(proxy: socket.socket, needs_encoder: Recipe) -> None:
    def answer() -> None:
        connection, _ = proxy.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"220 mail.example.org ESMTP\r\n")

    thread = threading.Thread(target=answer)
    thread.start()
    check_availability(needs_encoder)
    thread.join()


@pytest.mark.usefixtures("online")
def test_unknown_name_of_a_server_is_an_error(needs_encoder: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", find_nothing)
    with pytest.raises(ModelError):
        check_availability(needs_encoder)


@pytest.mark.usefixtures("unreachable")
@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy"])
def test_proxy_that_urllib_ignores_is_not_judged(
    name: str, needs_encoder: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "socks5://proxy.example.org:1080")
    check_availability(needs_encoder)


@pytest.mark.usefixtures("online")
def test_address_without_scheme_is_not_judged(needs_encoder: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "hub.example.org")
    check_availability(needs_encoder)


@pytest.mark.usefixtures("online")
def test_offline_asks_nothing(needs_encoder: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE"):
        check_availability(needs_encoder)


@pytest.mark.usefixtures("unreachable")
@pytest.mark.parametrize("command", [workflow.plan, workflow.train])
def test_check_comes_before_the_data(command: Any, make_recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    recipe = make_recipe("model.model_name_or_path=owner/absent", f"data.source={tmp_path / 'absent.csv'}")
    with pytest.raises(ModelError, match="owner/absent"):
        command(recipe, runs_dir=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("recipe", "other"),
    [
        ("fake_news_bert_two_layer", "fake_news_minilm"),
        ("news_category_roberta_41", "news_category_minilm"),
        ("quickstart", None),
    ],
)
def test_recipe_for_a_cpu_is_of_the_same_data(recipe: str, other: str | None) -> None:
    assert find_cpu_recipe(read_recipe(recipe)) == other
