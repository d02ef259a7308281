"""A file of Chinese headlines goes through the flow: nothing is claimed that is not there."""

import csv
import json
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

import hf_newscls
from hf_newscls import workflow
from hf_newscls.errors import RecipeError
from hf_newscls.evaluation.baselines.comparison import CHARACTERS
from hf_newscls.recipe.recipe import Recipe

LABELS = {"体育": "球", "财经": "股", "科技": "星"}

MakeChinese = Callable[..., Recipe]


@pytest.fixture
def make_chinese(make_recipe: Callable[..., Recipe], tmp_path: Path) -> MakeChinese:
    """Build a recipe over 120 headlines that are one word each; one character of it decides the label."""
    path = tmp_path / "chinese.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["title", "category"])
        for first, last in product("甲乙丙丁戊己庚辛", "天地人日月"):
            writer.writerows([f"{first}{key}{last}市{last}{first}", label] for label, key in LABELS.items())
    return lambda *overrides: make_recipe(f"data.source={path}", "data.text=[title]", "data.keep=[]", *overrides)


@pytest.mark.parametrize("follow", [hf_newscls.plan, hf_newscls.train])
def test_language_is_asked_for_before_the_training(
    follow: Callable[..., object], make_chinese: MakeChinese, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=r"chinese\.csv: data\.language "):
        follow(make_chinese(), runs_dir=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_plan_counts_unknown_tokens_and_warns(
    make_chinese: MakeChinese, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan = hf_newscls.plan(make_chinese("data.language=zh"), runs_dir=tmp_path)
    assert (plan.tokens.median, plan.tokens.unknown_fraction) == (8, 1)  # each character is a token
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [("100.0%" in line, "model.model_name_or_path" in line) for line in warnings] == [(True, True)]


@pytest.mark.slow
def test_card_claims_no_gain_that_is_not_there(make_chinese: MakeChinese, tmp_path: Path) -> None:
    run = hf_newscls.train(
        make_chinese("data.language=zh", "training_arguments.num_train_epochs=1", "freeze=null"), runs_dir=tmp_path
    )
    assert run.report.strongest_baseline == (CHARACTERS, run.report.comparisons[CHARACTERS])
    assert run.report.gains["f1_macro"].high < 0
    card = (run.model_dir / "README.md").read_text(encoding="utf-8")
    assert "\nlanguage: zh\n" in card
    assert "100.0% of the tokens are unknown" in card.partition("## Limitations")[2]
    metrics = json.loads((run.path / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["tokens"]["unknown_fraction"] == 1
    assert {*metrics["figure_labels"].values()} <= {*LABELS}


@pytest.mark.slow
def test_overview_counts_unknown_tokens(make_chinese: MakeChinese, tmp_path: Path) -> None:
    found = workflow.overview(make_chinese(), tmp_path / "overview")
    assert found.data.token_summary.unknown_fraction == 1
    assert found.quality.accuracy > 0.9
    page = (tmp_path / "overview" / "overview.md").read_text(encoding="utf-8")
    assert "| tokens unknown to the tokenizer | 100.0% |" in page
