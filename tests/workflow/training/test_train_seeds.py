"""Several seeds of one recipe: one split, a run for each seed, mean and deviation."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import hf_newscls
from hf_newscls.errors import InputError
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.runs.folder import RunFolder

QUICK = ("evaluation.baseline=false", "training_arguments.num_train_epochs=1", "freeze=null")


def test_too_few_seeds_are_refused_before_anything_is_trained(
    make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"seeds.*\b1\b"):
        hf_newscls.train_seeds(make_recipe(), seeds=1, runs_dir=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_seeds_are_trained_on_one_split_and_finished_ones_once(
    make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe, runs_dir, cards_dir = make_recipe(*QUICK), tmp_path / "runs", tmp_path / "cards"
    first = hf_newscls.train_seeds(recipe, seeds=2, runs_dir=runs_dir, cards_dir=cards_dir)
    assert [*first.seeds] == [17, 18]
    assert len({json.loads((run.path / "split.json").read_text())["fingerprint"] for run in first.runs}) == 1
    assert "seed: 18" in (first.runs[1].path / "recipe.yaml").read_text()
    # `latest` is the run of the recipe's own seed.
    assert (runs_dir / "tiny" / "latest").resolve() == first.runs[0].path
    values = [run.report.test.scores["accuracy"] for run in first.runs]
    assert [*first.spreads["accuracy"].values] == values
    assert [*first.to_pandas().loc["accuracy", ["17", "18"]]] == values
    again = hf_newscls.train_seeds(recipe, seeds=3, runs_dir=runs_dir, cards_dir=cards_dir)
    assert [run.path for run in again.runs[:2]] == [run.path for run in first.runs]
    assert (runs_dir / "tiny" / "latest").resolve() == first.runs[0].path
    written = json.loads((runs_dir / "tiny" / "seeds.json").read_text())
    assert written["seeds"] == [17, 18, 19]
    assert written["scores"]["accuracy"]["values"][:2] == values
    assert [RunFolder(runs_dir / "tiny" / name).is_complete for name in written["runs"]] == [True] * 3


@pytest.mark.slow
def test_other_recipe_on_the_same_split_is_compared_with(make_recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    recipe = make_recipe(*QUICK)
    result = hf_newscls.train_seeds(recipe, seeds=2, runs_dir=tmp_path)
    path = tmp_path / "tiny" / "seeds.json"
    for name, fingerprint in (("other", json.loads(path.read_text())["split_fingerprint"]), ("elsewhere", "0" * 64)):
        os.mkdir(tmp_path / name)
        content = json.loads(path.read_text()) | {"split_fingerprint": fingerprint}
        (tmp_path / name / "seeds.json").write_text(json.dumps(content))
    again = hf_newscls.train_seeds(recipe, seeds=2, runs_dir=tmp_path)
    assert [*again.gains] == ["other"]
    assert again.gains["other"]["accuracy"].gain == pytest.approx(0)
    assert result.gains == {}
