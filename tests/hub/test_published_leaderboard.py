"""Three recipes with two seeds each, published and compared through the command line over HTTP."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import FinishedRun
from tests.hub_server import HubServer
from tests.processes import CommandLine, build_environment

pytestmark = pytest.mark.slow

RECIPES = {
    "tiny_stock": (),
    "tiny_two_layer": ("model.head=two_layer", "model.head_dropout=0.1"),
    "tiny_lora": ("adapter.r=4",),
}
SEEDS = (1, 2)


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture(scope="module")
def command_line(hub: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    folder = tmp_path_factory.mktemp("leaderboard")
    with CommandLine(cwd=folder, environment=build_environment(folder / "home", **hub.build_environment())) as process:
        yield process


@pytest.fixture(scope="module")
def accuracies(
    train_once: Callable[..., FinishedRun],
    command_line: CommandLine,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, float]:
    """Publish all runs, and one on another split; return the accuracy of each by its name on the Hub."""
    found = {}
    wanted = [(name, seed, ()) for name in RECIPES for seed in SEEDS]
    for name, seed, overrides in [*wanted, ("tiny_stock", 3, ("split.seed=99",))]:
        run = train_once(name, *RECIPES[name], f"training_arguments.seed={seed}", *overrides)
        copy = shutil.copytree(run.run.path, tmp_path_factory.mktemp("runs") / f"{name}-{seed}")
        repo_id = f"owner/{name}-{seed}"
        result = command_line.run("publish", str(copy), "--repo-id", repo_id)
        assert result.code == 0, result.err
        found[repo_id] = run.report.test.scores["accuracy"]
    return found


def test_models_are_ranked_by_their_verified_scores(
    accuracies: dict[str, float], hub: HubServer, command_line: CommandLine, tmp_path: Path
) -> None:
    doctored = "owner/tiny_lora-2"
    card = hub.repos[doctored].files["README.md"].decode()
    raised, count = re.subn(r"(type: accuracy\n +value: )[\d.]+", r"\g<1>0.9999", card)
    assert count == 1
    hub.repos[doctored].write({"README.md": raised.encode()}, "Improve")

    result = command_line.run("compare", *RECIPES, "--author", "owner", "--output", str(tmp_path / "board"))
    assert result.code == 0, result.err
    content = json.loads((tmp_path / "board" / "leaderboard.json").read_text())
    (table,) = content["tables"]
    same_split = {name: value for name, value in accuracies.items() if name != "owner/tiny_stock-3"}
    expected = sorted(same_split, key=lambda name: (-same_split[name], name))
    assert [row["model"] for row in table["models"]] == expected
    assert [row["score"] for row in table["models"]] == pytest.approx([same_split[name] for name in expected])
    assert [one["model"] for one in content["unranked"]] == ["owner/tiny_stock-3"]
    assert "measured on another split" in content["unranked"][0]["reason"]
    marked = {row["model"]: row["notes"] for row in table["models"] if row["notes"]}
    assert [*marked] == [doctored]
    assert any("claims accuracy 0.9999, its predictions give" in note for note in marked[doctored])
    assert len(table["pairs"]) == 15
