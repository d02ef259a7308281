"""What a search tries: spaces that are refused, values of a trial, and the recipe's own values."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hf_newscls.errors import RecipeError
from hf_newscls.recipe.loading import read_recipe, read_search_space
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.training import SearchSection
from hf_newscls.tuning.candidates import BaseRecipe
from hf_newscls.tuning.space import DEFAULT_SPACE, check_space, find_own_values, suggest_values

RATE = "training_arguments.learning_rate"
MakeRecipe = Callable[..., Recipe]


def read_space(text: str, recipe: Recipe, folder: Path) -> dict[str, SearchSection]:
    path = folder / "space.yaml"
    path.write_text(text, encoding="utf-8")
    return read_search_space(path, recipe).tune


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        (f"{RATE}: {{low: 3e-4, high: 1e-5}}", [RATE, "low", "0.0003"]),
        (f"{RATE}: {{low: 0, high: 1, log: true}}", [RATE, "log"]),
        (f"{RATE}: {{low: 1e-5}}", [RATE, "high"]),
        (f"{RATE}: {{low: fast, high: 1}}", [RATE, "'fast'"]),
        (f"{RATE}: {{choices: [1e-5, 2e-5], high: 1}}", [RATE, "choices"]),
        (f"{RATE}: {{lowest: 1e-5, high: 1}}", [RATE, "lowest"]),
        ("split.seed: {low: 1, high: 9}", ["split.seed"]),
        ("data.text: {choices: [[title], [body]]}", ["data.text"]),
        ("training_arguments.metric_for_best_model: {choices: [loss, accuracy]}", ["metric_for_best_model"]),
        ("training_arguments: {learning_rate: {low: 1e-5, high: 1e-4}}", ["learning_rate"]),
        ("- 3", ["space.yaml"]),
        ("password: secret", ["space.yaml"]),
    ],
)
def test_bad_space_is_refused_with_its_key(
    text: str, fragments: list[str], make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError) as caught:
        read_space(text, make_recipe(), tmp_path)
    assert [one for one in fragments if one not in str(caught.value)] == []
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("training_arguments.lerning_rate: {low: 1e-5, high: 1e-4}", "learning_rate"),
        ("model.head: {choices: [stock, two_leyer]}", "two_leyer"),
        ("model.max_length: {low: 4, high: 32}", "model.max_length"),
        ("finetune.layerwise_lr_decay: {low: 0.5, high: 1.5}", "layerwise_lr_decay"),
        ("freeze: {choices: [null, {epochs: 1}]}\nfreeze.warmup: {choices: [0.1, -5]}", "freeze.warmup"),
    ],
)
def test_values_that_the_recipe_refuses_are_found_before_the_search(
    text: str, fragment: str, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    space = read_space(text, make_recipe(), tmp_path)
    with pytest.raises(RecipeError, match=fragment):
        check_space(space, BaseRecipe(str(tmp_path / "tiny.yaml")).read, source_name="space.yaml")


def test_loss_is_not_tuned_by_itself(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    space = read_space("loss.label_smoothing: {low: 0.0, high: 0.2}", make_recipe(), tmp_path)
    base = BaseRecipe(str(tmp_path / "tiny.yaml"), ["training_arguments.metric_for_best_model=loss"])
    with pytest.raises(RecipeError, match="metric_for_best_model"):
        check_space(space, base.read, source_name="space.yaml")


def test_default_space_fits_a_recipe() -> None:
    check_space(DEFAULT_SPACE, BaseRecipe("fake_news_minilm").read, source_name="space.yaml")


def test_recipe_with_a_space_reads_back_equal(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    recipe = make_recipe().model_copy(update={"tune": dict(DEFAULT_SPACE)})
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe


def test_values_are_in_range_and_leave_out_keys_of_a_section_that_is_null() -> None:
    optuna = pytest.importorskip("optuna", reason="needs Optuna")
    space = {
        "freeze.learning_rate": SearchSection(low=1e-3, high=1e-1, log=True),
        "freeze": SearchSection(choices=[None, {"epochs": 1}]),
        "training_arguments.num_train_epochs": SearchSection(low=1, high=3),
    }
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=17))
    drawn = [suggest_values(study.ask(), space) for _ in range(20)]
    assert {"freeze.learning_rate" in one for one in drawn} == {True, False}
    for values in drawn:
        assert (values["freeze"] is None) == ("freeze.learning_rate" not in values)
        assert values["training_arguments.num_train_epochs"] in {1, 2, 3}
        assert 1e-3 <= values.get("freeze.learning_rate", 1e-2) <= 1e-1


def test_own_values_are_those_that_the_space_has(make_recipe: MakeRecipe) -> None:
    recipe = make_recipe("training_arguments.learning_rate=1e-4", "training_arguments.num_train_epochs=9")
    space = {
        RATE: SearchSection(low=1e-5, high=1e-3, log=True),
        "training_arguments.num_train_epochs": SearchSection(low=1, high=3),
        "model.head": SearchSection(choices=["stock", "two_layer"]),
        "freeze": SearchSection(choices=[None, {"epochs": 1, "learning_rate": 1e-2}]),
    }
    assert find_own_values(recipe, space) == {
        RATE: 1e-4,
        "model.head": '"stock"',
        "freeze": '{"epochs": 1, "learning_rate": 0.01}',
    }


def test_best_recipe_extends_the_base_with_what_differs(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    make_recipe()  # writes tiny.yaml
    base = BaseRecipe(str(tmp_path / "tiny.yaml"), ["model.max_length=16"], data="news ${1}.csv")
    folder = tmp_path / "runs" / "tune"
    folder.mkdir(parents=True)
    values = {RATE: 1.5e-4, "freeze": None, "model.head": "two_layer"}
    path = folder / "best.yaml"
    path.write_text(base.to_yaml(values, name="tiny_tuned", folder=folder, comment="Found."), encoding="utf-8")
    found = read_recipe(str(path))
    assert found == base.read({**values, "name": "tiny_tuned"})
    assert (found.model.max_length, found.data.source, found.freeze) == (16, "news ${1}.csv", None)


def test_base_recipe_does_not_change_with_its_file(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    make_recipe()  # writes tiny.yaml
    path = tmp_path / "tiny.yaml"
    base = BaseRecipe(str(path), ["hub.title=News by ${name}"])
    before = base.read({})
    assert before.hub.title == "News by tiny"
    path.write_text(path.read_text(encoding="utf-8").replace("name: tiny", "name: other"), encoding="utf-8")
    assert base.read({}) == before
    assert base.read({"name": "third"}).hub.title == "News by third"


def test_values_of_a_trial_do_not_reach_the_next_one(tmp_path: Path) -> None:
    # Another encoder also drops the revision of the recipe's encoder.
    base = BaseRecipe("news_category_mpnet")
    base.read({"model.model_name_or_path": "owner/encoder"})
    assert base.read({}) == read_recipe("news_category_mpnet")


def test_best_recipe_is_found_from_a_linked_folder(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    make_recipe()  # writes tiny.yaml
    (tmp_path / "disk" / "a" / "b").mkdir(parents=True)
    folder = tmp_path / "runs"
    folder.symlink_to(tmp_path / "disk" / "a" / "b")
    base = BaseRecipe(str(tmp_path / "tiny.yaml"))
    path = folder / "best.yaml"
    path.write_text(base.to_yaml({RATE: 1e-4}, name="found", folder=folder, comment="Found."), encoding="utf-8")
    assert read_recipe(str(path)).name == "found"
