"""Recipes are found, extended, overridden, checked as a whole, and written so that they read back."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_newscls.errors import RecipeError
from hf_newscls.recipe.loading import read_recipe
from hf_newscls.recipe.lookup import find_recipe, find_recipes, read_purpose
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.serialization import build_schema, recipe_to_yaml

BASE = """\
name: base
data: {source: news.csv, text: [title, body], label: category, keep: [date], labels: [A, B], merge_labels: {A: [a]}}
model: {model_name_or_path: FacebookAI/roberta-base, max_length: 64}
freeze: {epochs: 1, learning_rate: 1e-3}
training_arguments: {learning_rate: 2e-5, num_train_epochs: 2}
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], str]:
    """Write a recipe file and return its path."""

    def write_file(name: str, content: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return str(path)

    return write_file


@pytest.fixture
def base(write: Callable[[str, str], str]) -> str:
    """The path of a recipe that says something in most sections."""
    return write("base.yaml", BASE)


def find_problem(path: str, *overrides: str) -> str:
    with pytest.raises(RecipeError) as caught:
        read_recipe(path, overrides)
    return str(caught.value)


def test_rule_between_sections_names_both_keys(base: str) -> None:
    problem = find_problem(base, "split.by=time")
    assert problem.startswith(f"{base} with split.by overridden: split.by is 'time'")
    assert "data.date" in problem


def test_scientific_notation_is_read_as_a_number(base: str) -> None:
    recipe = read_recipe(base)
    assert recipe.training_arguments == {"learning_rate": 0.00002, "num_train_epochs": 2.0}
    assert recipe.freeze is not None
    assert recipe.freeze.learning_rate == 0.001


def test_chain_of_extends_is_merged_from_the_last_parent(base: str, write: Callable[[str, str], str]) -> None:
    write("middle.yaml", "extends: base\nname: middle\nmodel: {max_length: 128}\nhub: {title: Middle, tags: [one]}\n")
    last = write("last.yaml", "extends: middle.yaml\nname: last\nhub: {tags: [two]}\ndata: {text: [title]}\n")
    recipe = read_recipe(last)
    assert (recipe.name, recipe.hub.title) == ("last", "Middle")
    assert (recipe.model.max_length, recipe.model.model_name_or_path) == (128, "FacebookAI/roberta-base")
    # Lists are replaced, not joined.
    assert (recipe.hub.tags, recipe.data.text, recipe.data.keep) == (["two"], ["title"], ["date"])


def test_mappings_are_merged_key_by_key(base: str, write: Callable[[str, str], str]) -> None:
    child = write("child.yaml", "extends: base\ntraining_arguments: {seed: 3}\ndata: {merge_labels: {B: [b]}}\n")
    recipe = read_recipe(child)
    assert recipe.training_arguments == {"learning_rate": 2e-5, "num_train_epochs": 2.0, "seed": 3}
    assert recipe.data.merge_labels == {"A": ["a"], "B": ["b"]}


def test_null_resets_inherited_values(base: str, write: Callable[[str, str], str]) -> None:
    child = write("child.yaml", "extends: base\nfreeze: null\ndata: {labels: null, merge_labels: null, keep: null}\n")
    recipe = read_recipe(child)
    assert recipe.freeze is None
    assert recipe.data.labels is None
    assert recipe.data.merge_labels == {}
    assert recipe.data.keep == []


def test_section_that_was_reset_can_be_set_again(base: str, write: Callable[[str, str], str]) -> None:
    write("middle.yaml", "extends: base\nfreeze: null\n")
    last = write("last.yaml", "extends: middle\nfreeze: {epochs: 2, learning_rate: 1e-4}\n")
    recipe = read_recipe(last)
    assert recipe.freeze is not None
    assert (recipe.freeze.epochs, recipe.freeze.warmup) == (2.0, 0.1)


def test_parent_in_the_same_folder_comes_before_a_shipped_one(write: Callable[[str, str], str]) -> None:
    write("quickstart.yaml", BASE)
    child = write("child.yaml", "extends: quickstart\nname: child\n")
    assert read_recipe(child).data.source == "news.csv"


def test_recipe_may_extend_a_shipped_one_from_elsewhere(write: Callable[[str, str], str]) -> None:
    child = write("child.yaml", "extends: fake_news_roberta\nname: child\n")
    assert read_recipe(child).data.labels == ["FAKE", "REAL"]


def test_extends_with_a_relative_path(base: str, write: Callable[[str, str], str]) -> None:
    child = write("deeper/child.yaml", "extends: ../base.yaml\nname: child\n")
    assert read_recipe(child).name == "child"


@pytest.mark.parametrize(
    "links", [{"one": "one.yaml"}, {"one": "two", "two": "one"}, {"one": "two", "two": "three", "three": "two"}]
)
def test_circular_extends_is_refused(links: dict[str, str], write: Callable[[str, str], str]) -> None:
    for name, parent in links.items():
        write(f"{name}.yaml", f"extends: {parent}\nname: {name}\n")
    problem = find_problem(write("start.yaml", "extends: one\nname: start\n"))
    assert any(f"{name}.yaml: `extends`" in problem for name in links)


def test_unknown_parent_is_refused(write: Callable[[str, str], str]) -> None:
    path = write("child.yaml", "extends: quikstart\nname: child\n")
    problem = find_problem(path)
    assert problem.startswith(f"{path}: extends: ")
    assert "'quikstart'" in problem
    assert "'quickstart'" in problem


@pytest.mark.parametrize(
    ("override", "section", "key", "expected"),
    [
        ("data.source=other news.csv", "data", "source", "other news.csv"),
        ("data.text=[headline]", "data", "text", ["headline"]),
        ("data.text=[headline, short_description]", "data", "text", ["headline", "short_description"]),
        ("data.labels=null", "data", "labels", None),
        ("data.separator=' | '", "data", "separator", " | "),
        ("data.merge_labels.C=[c, d]", "data", "merge_labels", {"A": ["a"], "C": ["c", "d"]}),
        ("model.max_length=32", "model", "max_length", 32),
        ("model.config.attention_probs_dropout_prob=0", "model", "config", {"attention_probs_dropout_prob": 0}),
        ("freeze.learning_rate=2e-5", "freeze", "learning_rate", 0.00002),
        ("evaluation.baseline=false", "evaluation", "baseline", False),
        ("evaluation.top_k=[2,5]", "evaluation", "top_k", [2, 5]),
        ("evaluation.top_k=[]", "evaluation", "top_k", []),
        ("hub.title=a=b", "hub", "title", "a=b"),
        ("hub.title='Überblick: neu'", "hub", "title", "Überblick: neu"),
        ("hub.private=no", "hub", "private", False),
    ],
)
def test_override_is_read_as_yaml(override: str, section: str, key: str, expected: Any, base: str) -> None:
    found = getattr(getattr(read_recipe(base, [override]), section), key)
    assert found == expected
    assert type(found) is type(expected)


def test_override_of_a_whole_section(base: str) -> None:
    assert read_recipe(base, ["freeze=null"]).freeze is None


@pytest.mark.parametrize(
    "source", ["news.csv", "2020", "my news: v2 #1.csv", "a=b,[c].csv", "${name}.csv", "C:\\news.csv"]
)
def test_source_is_taken_as_it_is(source: str, base: str) -> None:
    # A path is no YAML: any character may be in it.
    assert read_recipe(base, ["data.source=other.csv"], source=source).data.source == source


def test_source_does_not_hide_what_is_wrong(write: Callable[[str, str], str]) -> None:
    path = write("bad.yaml", "name: bad\ndata: 5\nmodel: {model_name_or_path: x}\n")
    with pytest.raises(RecipeError, match="data is 5"):
        read_recipe(path, source="news.csv")


def test_recipe_in_the_current_folder_has_a_short_name(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(base).parent)
    assert find_problem(base, "name=a/b").startswith("base.yaml with name overridden: name is 'a/b'")


def test_later_override_wins(base: str) -> None:
    recipe = read_recipe(base, ["model.max_length=32", "name=other", "model.max_length=48"])
    assert (recipe.model.max_length, recipe.name) == (48, "other")


def test_training_argument_is_overridden_with_its_type(base: str) -> None:
    recipe = read_recipe(base, ["training_arguments.learning_rate=1", "training_arguments.report_to=[tensorboard]"])
    assert recipe.training_arguments == {"learning_rate": 1.0, "num_train_epochs": 2.0, "report_to": ["tensorboard"]}
    assert type(recipe.training_arguments["learning_rate"]) is float


@pytest.mark.parametrize(
    "override", ["max_length", "=3", "1=2", "data..text=x", "data.=x", "a b=c", "--max_length=3", ""]
)
def test_override_of_another_form_is_refused(override: str, base: str) -> None:
    problem = find_problem(base, override)
    assert repr(override) in problem
    assert "section.key=value" in problem


@pytest.mark.parametrize("override", ["data.source=[", "hub.title=${", 'hub.title="'])
def test_override_that_is_no_yaml_is_refused(override: str, base: str) -> None:
    assert override in find_problem(base, override)


@pytest.mark.parametrize(
    "override",
    ["data.text.first=title", "data.text={a: b}", "data=[1]", "training_arguments=[1]", "model.max_length.x=3"],
)
def test_override_of_another_shape_is_refused(override: str, base: str) -> None:
    assert override.partition("=")[0] in find_problem(base, override)


def test_everything_wrong_is_reported_at_once(base: str) -> None:
    overrides = [
        "data.sorce=x",
        "modle.x=1",
        "split.train=0.5",
        "model.max_length=2",
        "training_arguments.warmup_ratio=0.1",
        "training_arguments.learning_rate=abc",
    ]
    problem = find_problem(base, *overrides)
    keys = "data.sorce, modle.x, split.train, model.max_length, training_arguments.warmup_ratio and 1 more"
    assert problem.startswith(f"{base} with {keys} overridden: 6 errors:\n")
    lines = problem.splitlines()[1:]
    assert sorted(re.findall(r"^  - ([\w.]+) ", line)[0] for line in lines) == [
        "data.sorce",
        "model.max_length",
        "modle",
        "split.train",
        "training_arguments.learning_rate",
        "training_arguments.warmup_ratio",
    ]


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("data.sorce=x", ["data.source?"]),
        ("freeze.lerning_rate=1", ["freeze.learning_rate?"]),
        ("modle.head=stock", ["modle ", "model?"]),
        ("zzz=1", ["zzz ", "schema.json"]),
        ("max_length=3", ["max_length ", "model.max_length?"]),
        ("num_train_epochs=3", ["training_arguments.num_train_epochs?"]),
        ("freeze.lr=1e-3", ["freeze.lr ", "freeze.learning_rate?"]),
        ("training_arguments.lr=1e-3", ["`learning_rate`?"]),
        ("model.name=roberta-base", ["model.name ", "model.model_name_or_path?"]),
        ("data.label_column=kind", ["data.label_column ", "data.label?"]),
        ("data.text_column=title", ["data.text_column ", "data.text?"]),
        # A key of several sections.
        ("learning_rate=3", ["learning_rate ", "schema.json"]),
        ("training_arguments.learning_rat=1", ["`learning_rate`?"]),
        ("training_arguments.learning_rate=abc", ["'abc'", "number"]),
        ("training_arguments.evaluation_strategy=epoch", ["`eval_strategy`"]),
        ("training_arguments.output_dir=x", ["run folder"]),
        ("split.test=20", ["is 20,", "below 1", "write 0.2"]),
        ("split.test=1.5", ["is 1.5,", "write 0.015"]),
        ("split.test=0", ["is 0,", "greater than 0"]),
        ("adapter.dropout=25", ["is 25,", "write 0.25"]),
        ("data.text=title", ["'title'", "list"]),
        ("data=5", ["is 5,"]),
        ("model.head=big", ["'big'", "'stock'", "'two_layer'"]),
        ("evaluation.top_k=3", ["is 3,", "list"]),
    ],
)
def test_problem_names_key_value_and_fix(override: str, parts: list[str], base: str) -> None:
    key, problem = override.partition("=")[0], find_problem(base, override)
    start = f"{base} with {key} overridden: "
    assert problem.startswith(start + key.removesuffix(".head" if key.startswith("modle") else ""))
    assert [part for part in parts if part not in problem.removeprefix(start)] == []


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("split.test=0.3", ["split.", "0.8 + 0.1 + 0.3 = 1.2"]),
        ("split.fold=3", ["split.fold is 3", "folds"]),
        ("split={folds: 5, fold: 5}", ["split.fold is 5", "folds is 5"]),
        ("split={folds: 5, predefined: split}", ["split.predefined", "folds"]),
        ("loss.gamma=2", ["loss.gamma is 2.0", "name is 'cross_entropy'", "name: focal"]),
        ("loss={name: focal, label_smoothing: 0.1}", ["loss.label_smoothing is 0.1", "'focal'"]),
        ("loss={name: logit_adjustment, class_weights: balanced}", ["loss.class_weights is 'balanced'"]),
        ("data.rare_labels=other", ["data.rare_labels is 'other'", "min_count is 1"]),
        ("data.min_count=2", ["data.min_count is 2", "labels"]),
        ("model.windows={count: 2, length: 31}", ["model.max_length is 64", "62", "max_length: null"]),
        ("model.pad_to=[32]", ["model.pad_to is [32]", "64"]),
        ("model.head_dropout=0.1", ["model.head_dropout is 0.1", "'stock'"]),
        ("model.sha256=" + 64 * "a", ["model.sha256", "'FacebookAI/roberta-base'"]),
        ("freeze.steps=3", ["freeze.epochs is 1.0", "steps is 3"]),
        ("evaluation.compare_with=base", ["evaluation.compare_with", "'base'"]),
        ("evaluation.compare_with=runs/one", ["evaluation.compare_with is 'runs/one'", "--compare-with"]),
        ("adapter={merge: false}\nmodel.head=two_layer", ["adapter.merge is false", "'two_layer'"]),
        ("sampling.labels=balanced\nloss.class_weights=balanced", ["sampling.labels is 'balanced'", "class_weights"]),
    ],
)
def test_rule_between_keys_names_them_with_their_values(override: str, parts: list[str], base: str) -> None:
    problem = find_problem(base, *override.split("\n")).partition("overridden: ")[2]
    assert problem.startswith(parts[0])
    assert [part for part in parts if part not in problem] == []


@pytest.mark.parametrize(
    "override",
    ["data.labels=[A]", "data.text=[]", "data.source=''", "evaluation.top_k=3", "hub.repo_id=a b", "name=a/b"],
)
def test_problem_says_what_is_allowed(override: str, base: str) -> None:
    source_name = re.escape(f"{base} with {override.partition('=')[0]} overridden")
    assert re.fullmatch(rf"{source_name}: [\w.]+ is .*, but must .*", find_problem(base, override))


@pytest.mark.parametrize("override", ["model.config.num_labels=[1]", "training_arguments.report_to=5"])
def test_value_of_no_type_that_fits_is_one_problem(override: str, base: str) -> None:
    problem = find_problem(base, override)
    assert "\n" not in problem
    assert f"{override.partition('=')[0]} is " in problem


@pytest.mark.parametrize(
    "value",
    [
        "[]",
        "''",
        "5",
        "[a.csv, '']",
        "null",
        "[[a.csv]]",
        "{}",
        "{train: a.csv, test: []}",
        "{train: {a: b}}",
        "{'': a}",
    ],
)
def test_source_that_is_no_address_is_one_problem(value: str, base: str) -> None:
    problem = find_problem(base, f"data.source={value}")
    assert "\n" not in problem
    assert "data.source is " in problem


@pytest.mark.parametrize(("value", "sources"), [("a.csv", ["a.csv"]), ("[b.csv, hf://datasets/x/y]", None)])
def test_source_is_one_address_or_several(value: str, sources: list[str] | None, base: str) -> None:
    recipe = read_recipe(base, [f"data.source={value}"])
    assert recipe.data.sources == (sources or ["b.csv", "hf://datasets/x/y"])
    assert recipe.data.source_text == ", ".join(recipe.data.sources)


def test_mapping_of_splits_is_read(base: str) -> None:
    recipe = read_recipe(base, ["data.source={train: a.csv, test: [b.csv, c.csv]}"])
    assert recipe.data.source == {"train": "a.csv", "test": ["b.csv", "c.csv"]}
    assert recipe.data.sources == ["a.csv", "b.csv", "c.csv"]
    assert recipe.split.predefined is None
    assert recipe.split_strategy.predefined == "data.source"
    assert recipe.data.label_column == "category"


@pytest.mark.parametrize(
    ("source", "labels"),
    [
        ("{FAKE: a.csv, REAL: b.csv}", ["FAKE", "REAL"]),
        ("{0: a.csv, 1: b.csv}", ["0", "1"]),
        ("{true: a, false: b}", None),
    ],
)
def test_mapping_of_labels_is_read(source: str, labels: list[str] | None, base: str) -> None:
    recipe = read_recipe(base, [f"data.source={source}", "data.label=null"])
    assert isinstance(recipe.data.source, dict)
    assert [*recipe.data.source] == (labels or ["True", "False"])
    assert recipe.data.label_column in recipe.columns
    assert recipe.split_strategy == recipe.split


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("data.source={FAKE: a, REAL: b}", ["data.source has the keys 'FAKE', 'REAL'", "'category'", "`label: null`"]),
        ("data.source={train: a, valid: b, test: c}", ["data.source has the keys 'train', 'valid', 'test'"]),
        ("data.source={train: a, validation: b}", ["data.source has the keys 'train', 'validation'"]),
        ("data.source={train: a, test: b}\ndata.label=null", ["data.source names splits", "label is null"]),
        ("data.source={train: a, test: b}\nsplit.folds=5", ["data.source names the splits", "split.folds"]),
        ("data.source={train: a, test: b}\nsplit.predefined=part", ["data.source names the splits"]),
        (
            "data.source={train: a, test: b}\ndata.date=day\nsplit.by=time",
            ["data.source names the splits", "split.by"],
        ),
    ],
)
def test_mapping_that_contradicts_another_key_is_refused(override: str, parts: list[str], base: str) -> None:
    problem = find_problem(base, *override.split("\n")).partition("overridden: ")[2]
    assert problem.startswith(parts[0])
    assert [part for part in parts if part not in problem] == []


@pytest.mark.parametrize("source", ["c.csv", "[c.csv, d.csv]", "{train: c.csv, test: d.csv}"])
def test_source_replaces_an_inherited_mapping(source: str, write: Callable[[str, str], str]) -> None:
    mapping = "{train: a.csv, validation: v.csv, test: b.csv}"
    write("base.yaml", BASE.replace("source: news.csv", f"source: {mapping}"))
    child = write("child.yaml", f"extends: base\nname: child\ndata: {{source: {source}}}\n")
    found = read_recipe(child).data.source
    assert found == read_recipe(write("plain.yaml", BASE.replace("news.csv", source))).data.source
    assert read_recipe(child, [f"data.source={mapping}"]).data.sources == ["a.csv", "v.csv", "b.csv"]
    assert read_recipe(child, {"data.source": {"train": "e", "test": "f"}}).data.sources == ["e", "f"]
    assert read_recipe(child, source="all.csv").data.source == "all.csv"


PINNED = "model_name_or_path: package:one/model, revision: v1, sha256: {a}, base_model: one/hub".format(a=64 * "a")


@pytest.fixture
def pinned(write: Callable[[str, str], str]) -> str:
    """The path of a recipe that says a lot about its model and its file."""
    content = BASE.replace("model_name_or_path: FacebookAI/roberta-base", PINNED)
    return write("pinned.yaml", content.replace("source: news.csv", f"source: news.csv, sha256: {64 * 'b'}"))


def describe_model(recipe: Recipe) -> tuple[str | None, ...]:
    model = recipe.model
    return model.model_name_or_path, model.revision, model.sha256, recipe.base_model


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("model_name_or_path: owner/two", ("owner/two", "main", None, "owner/two")),
        ("model_name_or_path: ./two", ("./two", "main", None, None)),
        ("model_name_or_path: owner/two, revision: v2", ("owner/two", "v2", None, "owner/two")),
        ("model_name_or_path: ./two, base_model: owner/two", ("./two", "main", None, "owner/two")),
        ("model_name_or_path: ./two, sha256: " + 64 * "c", ("./two", "main", 64 * "c", None)),
        ("model_name_or_path: package:one/model", ("package:one/model", "v1", 64 * "a", "one/hub")),
        ("max_length: 32", ("package:one/model", "v1", 64 * "a", "one/hub")),
    ],
)
def test_other_model_inherits_nothing_that_describes_the_old_one(
    change: str, expected: tuple[str | None, ...], pinned: str, write: Callable[[str, str], str]
) -> None:
    child = write("child.yaml", f"extends: pinned\nname: child\nmodel: {{{change}}}\n")
    assert describe_model(read_recipe(child)) == expected
    overrides = [f"model.{key}={value}" for key, _, value in (one.partition(": ") for one in change.split(", "))]
    assert describe_model(read_recipe(pinned, overrides)) == expected
    assert describe_model(read_recipe(pinned, overrides[::-1])) == expected


def test_order_of_overrides_that_are_values_does_not_matter(pinned: str) -> None:
    recipe = read_recipe(pinned, {"model.revision": "v2", "model.model_name_or_path": "owner/two"})
    assert describe_model(recipe) == ("owner/two", "v2", None, "owner/two")


def test_other_file_does_not_inherit_the_checksum(pinned: str) -> None:
    assert read_recipe(pinned).data.sha256 == 64 * "b"
    assert read_recipe(pinned, ["data.source=other.csv"]).data.sha256 is None
    assert read_recipe(pinned, ["data.source=news.csv"]).data.sha256 == 64 * "b"
    both = ["data.sha256=" + 64 * "c", "data.source=other.csv"]
    assert read_recipe(pinned, both).data.sha256 == 64 * "c"


def test_file_at_another_place_is_still_checked(pinned: str) -> None:
    # `--data` says where the recipe's file is.
    assert read_recipe(pinned, source="copy.csv").data.sha256 == 64 * "b"


def test_hint_to_set_a_revision_is_given_only_without_one(base: str) -> None:
    sha256 = f"model.sha256={64 * 'a'}"
    assert "set revision" in find_problem(base, sha256)
    assert "set revision" not in find_problem(base, sha256, "model.revision=v1")


def test_missing_keys_are_named(write: Callable[[str, str], str]) -> None:
    problem = find_problem(write("short.yaml", "name: short\ndata: {source: news.csv}\n"))
    assert [key for key in ("data.text", "data.label", "model") if f"  - {key} is missing" not in problem] == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("name: x\ndata: {source: a\nmodel: b\n", "line 3"),
        ("name: x\n\tdata: 1\n", "line 2"),
        ("name: x\nname: y\n", "line 2"),
        ("name: ${x\n", "${x"),
        ("name: 'x\n", "line"),
    ],
)
def test_broken_yaml_is_refused_with_its_line(content: str, reason: str, write: Callable[[str, str], str]) -> None:
    path = write("broken.yaml", content)
    problem = find_problem(path)
    assert problem.startswith(f"{path}: ")
    assert reason in problem
    assert "\n" not in problem


@pytest.mark.parametrize("content", ["- name: x\n", "just text\n", "42\n"])
def test_yaml_without_sections_is_refused(content: str, write: Callable[[str, str], str]) -> None:
    path = write("list.yaml", content)
    problem = find_problem(path)
    assert problem.startswith(f"{path}: ")
    assert "sections" in problem


@pytest.mark.parametrize("content", ["", "# only a comment\n", "null\n"])
def test_empty_recipe_lacks_everything(content: str, write: Callable[[str, str], str]) -> None:
    problem = find_problem(write("empty.yaml", content))
    assert [key for key in ("name", "data", "model") if f"  - {key} is missing" not in problem] == []


def test_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9t\xe9\n")
    assert "utf-8" in find_problem(str(tmp_path / "latin.yaml"))


def test_unknown_reference_is_refused(base: str) -> None:
    assert "Interpolation key 'nope' not found" in find_problem(base, "hub.title=${nope}")


def test_reference_within_the_recipe_is_resolved(base: str) -> None:
    assert read_recipe(base, ["hub.title=News by ${name}"]).hub.title == "News by base"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("quikstart", "'quikstart'; did you mean 'quickstart'?"),
        ("Fake_News_Bert", "did you mean 'fake_news_bert'?"),
        ("zzz", "'zzz'; `hf-newscls recipes`"),
        ("nowhere/zzz.yaml", "nowhere/zzz.yaml: "),
        ("zzz.yml", "zzz.yml: "),
    ],
)
def test_unknown_recipe_is_refused_with_the_nearest(name: str, reason: str) -> None:
    assert reason in find_problem(name)


def test_recipe_is_found_by_name_and_by_path(base: str) -> None:
    assert find_recipe("quickstart") == find_recipes()["quickstart"]
    assert find_recipe(base) == Path(base)


def test_shipped_recipes_are_sorted_by_name() -> None:
    names = [*find_recipes()]
    assert names == sorted(names)
    assert "quickstart" in names


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("# yaml-language-server: $schema=schema.json\n# What it is for.\n#\n# More.\n", "What it is for."),
        ("# What it is for.\nname: x\n", "What it is for."),
        ("name: x\n", ""),
        ("", ""),
    ],
)
def test_purpose_is_the_first_line_of_the_header(content: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(content)
    assert read_purpose(tmp_path / "x.yaml") == expected


def test_purpose_of_a_broken_recipe_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("# For ${nothing\nname: [\n")
    assert read_purpose(tmp_path / "x.yaml") == "For ${nothing"


@pytest.mark.parametrize("name", [*find_recipes()])
def test_shipped_recipe_reads_back_equal(name: str, tmp_path: Path) -> None:
    recipe = read_recipe(name)
    (tmp_path / "recipe.yaml").write_text(recipe_to_yaml(recipe), encoding="utf-8")
    assert read_recipe(str(tmp_path / "recipe.yaml")) == recipe


def read_back(content: dict[str, Any], folder: Path) -> tuple[Recipe, Recipe]:
    recipe = Recipe.model_validate(content)
    (folder / "recipe.yaml").write_text(recipe_to_yaml(recipe), encoding="utf-8")
    return recipe, read_recipe(str(folder / "recipe.yaml"))


def build_content(labels: list[str], **hub: str) -> dict[str, Any]:
    data = {"source": "news.csv", "text": ["title"], "label": "category", "labels": labels}
    return {"name": "tiny", "data": data, "model": {"model_name_or_path": "x"}, "hub": hub}


@pytest.mark.parametrize(
    "labels",
    [
        ["yes", "no"],
        ["1", "2.5"],
        ["1e3", "4E-2"],  # numbers to OmegaConf, not to PyYAML
        ["null", "~"],
        ["True", "off"],
        ["0x10", "0o7", "1_000"],
        ["12:30", "2020-01-01"],
        [".inf", ".nan"],
        ["A: b", "# c", "- d", "{e}", "[f]", "'g", '"h'],
        [" padded ", "two\nlines", "tab\t"],
        ["U.S. NEWS", "ARTS & CULTURE", "FOOD, DRINK"],
        ["Süden", "日本", "a\u2028b"],
    ],
)
def test_labels_that_look_like_something_else_read_back(labels: list[str], tmp_path: Path) -> None:
    recipe, found = read_back(build_content(labels), tmp_path)
    assert found == recipe


@pytest.mark.parametrize("text", ["costs ${5}", "${name}", "???", "a\\${b}", "$5 {x}", "", "x" * 500])
def test_text_of_the_card_reads_back(text: str, tmp_path: Path) -> None:
    recipe, found = read_back(build_content(["A", "B"], purpose=text), tmp_path)
    assert found.hub.purpose == recipe.hub.purpose == text


printable = st.text(st.characters(exclude_categories=["Cc", "Cs"]))


@settings(deadline=None, max_examples=60, derandomize=True)
@given(labels=st.lists(printable, min_size=2, max_size=4, unique=True))
def test_any_labels_read_back(labels: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    recipe, found = read_back(build_content(labels), tmp_path_factory.getbasetemp())
    assert found == recipe


def test_yaml_contains_every_default(base: str) -> None:
    text = recipe_to_yaml(read_recipe(base))
    for line in ("name: base", "  seed: 17", "  head: stock", "  min_characters_in: joined", "  private: true"):
        assert line in text.splitlines()
    assert "extends" not in text


def test_merged_labels_of_the_news_categories() -> None:
    # The 28 that the published result was measured on, with what each was merged from where that is not itself.
    merged = {
        "ARTS & CULTURE": {"ARTS", "ARTS & CULTURE", "CULTURE & ARTS"},
        "BUSINESS & MONEY": {"BUSINESS", "MONEY"},
        "COLLEGE & EDUCATION": {"COLLEGE", "EDUCATION"},
        "ENTERTAINMENT & COMEDY": {"ENTERTAINMENT", "COMEDY"},
        "ENVIRONMENT & GREEN": {"ENVIRONMENT", "GREEN"},
        "FOOD, DRINK & TASTE": {"FOOD & DRINK", "TASTE"},
        "PARENTS & PARENTING": {"PARENTS", "PARENTING"},
        "SCIENCE & TECH": {"SCIENCE", "TECH"},
        "STYLE & BEAUTY": {"STYLE", "STYLE & BEAUTY"},
        "WELLNESS & HEALTHY LIVING": {"WELLNESS", "HEALTHY LIVING"},
        "WORLD NEWS": {"WORLD NEWS", "WORLDPOST", "THE WORLDPOST"},
    }
    kept = "BLACK VOICES|CRIME|DIVORCE|FIFTY|GOOD NEWS|HOME & LIVING|IMPACT|LATINO VOICES|MEDIA|POLITICS|QUEER VOICES"
    kept += "|RELIGION|SPORTS|TRAVEL|WEDDINGS|WEIRD NEWS|WOMEN"
    data = read_recipe("news_category_roberta").data
    assert {target: {*sources} for target, sources in data.merge_labels.items()} == merged
    assert data.labels == sorted([*merged, *kept.split("|")])
    assert len(data.labels) == 28
    # 24 that are merged and 17 that are not are the 41 of version 2.
    assert sum(map(len, merged.values())) + len(kept.split("|")) == 41


def test_published_settings_of_the_news_categories() -> None:
    recipe = read_recipe("news_category_roberta")
    assert recipe.data.text == ["headline", "short_description"]
    assert recipe.model.model_name_or_path == "FacebookAI/roberta-base"
    arguments = recipe.training_arguments
    assert (arguments["learning_rate"], arguments["max_grad_norm"], arguments["num_train_epochs"]) == (1e-5, 1.0, 6.0)


def test_news_categories_unmerged_takes_every_label() -> None:
    data = read_recipe("news_category_roberta_41").data
    assert (data.merge_labels, data.labels) == ({}, None)


def test_published_settings_of_fake_news() -> None:
    recipe = read_recipe("fake_news_roberta_two_layer")
    assert (recipe.data.text, recipe.data.separator, recipe.data.min_characters) == (["title", "text"], ". ", 5)
    assert (recipe.split.train, recipe.split.validation, recipe.split.test) == (0.7, 0.1, 0.2)
    model = recipe.model
    assert (model.head, model.head_dropout, model.max_length) == ("two_layer", 0.4, 256)
    assert model.model_name_or_path == "FacebookAI/roberta-base"
    assert recipe.freeze is not None
    # Stage 1: 6 epochs, warm-up over one. Stage 2: 12 epochs, warm-up over two.
    assert (recipe.freeze.epochs, recipe.freeze.learning_rate) == (6, 1e-4)
    assert recipe.freeze.warmup * 6 == pytest.approx(1)
    arguments = recipe.training_arguments
    assert (arguments["num_train_epochs"], arguments["learning_rate"]) == (12, 2e-6)
    assert arguments["warmup_steps"] * 12 == pytest.approx(2)
    assert arguments["per_device_train_batch_size"] == 16
    assert arguments["metric_for_best_model"] == "log_loss"


@pytest.mark.parametrize("name", ["fake_news_roberta", "fake_news_bert", "fake_news_bert_two_layer"])
def test_comparisons_differ_from_the_published_run_only_in_the_model(name: str) -> None:
    published, other = (read_recipe(recipe) for recipe in ("fake_news_roberta_two_layer", name))
    for section in ("data", "split", "freeze", "training_arguments", "evaluation"):
        assert getattr(other, section) == getattr(published, section)
    assert other.model != published.model


def test_schema_describes_every_section_and_key() -> None:
    schema = json.loads(build_schema())
    bare = [
        f"{name}.{key}"
        for name, section in schema["$defs"].items()
        if name.endswith("Section")
        for key, content in section["properties"].items()
        if "\n" in content.get("description", "\n")
    ]
    assert bare == []
    assert [*schema["properties"]] == ["extends", *Recipe.model_fields]
    arguments = schema["properties"]["training_arguments"]
    assert arguments["additionalProperties"] is False
    assert {"learning_rate", "eval_strategy", "warmup_steps"} <= {*arguments["properties"]}
    assert not {"warmup_ratio", "output_dir", "hub_token"} & {*arguments["properties"]}


def test_schema_lets_a_recipe_leave_out_what_its_parent_says() -> None:
    schema = json.loads(build_schema())
    assert "required" not in schema
    assert [name for name, section in schema["$defs"].items() if "required" in section] == []


@pytest.mark.parametrize("key", ["labels", "merge_labels", "keep"])
def test_schema_lets_null_reset_an_inherited_value(key: str) -> None:
    schema = json.loads(build_schema())["$defs"]["DataSection"]["properties"][key]
    assert "null" in schema.get("type", []) or {"type": "null"} in schema.get("anyOf", [])


def test_references_of_the_schema_exist() -> None:
    text = build_schema()
    targets = set(re.findall(r'"\$ref": "#/\$defs/(\w+)"', text))
    assert targets
    assert sorted(targets - {*json.loads(text)["$defs"]}) == []


def test_labels_in_yaml_can_be_numbers_and_truth_values(write: Callable[[str, str], str]) -> None:
    labels = "labels: [0, 1.5, true], merge_labels: {0: [-1, false]}"
    path = write("one.yaml", BASE.replace("labels: [A, B], merge_labels: {A: [a]}", labels))
    data = read_recipe(path, ["data.missing_values=[-2, nan]"]).data
    assert (data.labels, data.merge_labels) == (["0", "1.5", "True"], {"0": ["-1", "False"]})
    assert data.missing_values == ["-2", "nan"]


# Recipes from strangers.


@pytest.mark.parametrize("value", ["${oc.env:NEWS_SECRET}", "a ${${name}:b} c", "${oc.decode:${oc.env:NEWS_SECRET}}"])
def test_resolvers_are_refused(
    base: str, write: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("NEWS_SECRET", "hunter2")
    child = write("child.yaml", f"extends: base\nhub: {{purpose: '{value}'}}\n")
    for problem in (find_problem(child), find_problem(base, f"hub.purpose={value}")):
        assert "hunter2" not in problem
    nested = write("nested.yaml", f"extends: base\nhub: {{limitations: ['{value}']}}\n")
    assert "hunter2" not in find_problem(nested)


def test_reference_to_another_key_is_resolved(base: str) -> None:
    assert read_recipe(base, ["hub.title=News by ${name}"]).hub.title == "News by base"


def test_texts_from_python_are_no_references(base: str, tmp_path: Path) -> None:
    recipe = read_recipe(base, {"hub.purpose": "Costs ${oc.env:HOME} and ${5}"})
    assert recipe.hub.purpose == "Costs ${oc.env:HOME} and ${5}"
    saved = tmp_path / "saved.yaml"
    saved.write_text(recipe_to_yaml(recipe), encoding="utf-8")
    assert read_recipe(str(saved)).hub == recipe.hub


@pytest.mark.parametrize(
    "secret", ["root:x:0:0:hunter2", "services: {web: {password: hunter2}}", "- hunter2", "a: [hunter2", "\thunter2: 1"]
)
def test_file_that_is_no_recipe_is_not_shown(write: Callable[[str, str], str], secret: str) -> None:
    other = write("other/secret.txt", secret)
    assert "hunter2" not in find_problem(write("child.yaml", f"extends: {other}\nname: child\n"))


def test_deep_recipe_is_refused(write: Callable[[str, str], str]) -> None:
    assert "deep.yaml" in find_problem(write("deep.yaml", f"name: a\nhub: {'[' * 5000}\n"))
