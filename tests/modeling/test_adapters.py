"""LoRA adapters: what is trained in each stage, what is saved, and that merging changes no prediction."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import pipeline

from hf_newscls import workflow
from hf_newscls.errors import ModelError, RecipeError
from hf_newscls.inference.predicting import load_classifier, predict_probabilities
from hf_newscls.modeling.adapters import add_adapter, merge_adapter, read_base, save_adapter
from hf_newscls.recipe.model import AdapterSection, ModelSection
from tests.conftest import LABELS, FinishedRun
from tests.tiny_models import QUIET, MakeRecipe, load_tiny, prepare_run, save_encoder
from tests.training.callbacks.test_freeze import STAGES, name_all, record
from tests.training.test_fit import NO_DROPOUT, read_first_step

LORA = ("adapter={r: 4, lora_alpha: 8}", "model.base_model=owner/encoder")
TEXTS = ["goal coach league", "planet cells", "bank shares profit market merger says"]


@pytest.mark.parametrize("head", ["stock", "two_layer"])
@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert"])
def test_head_learns_first_then_the_adapter_too(
    architecture: str, head: str, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    folder = save_encoder(tmp_path / "encoder", architecture)
    half = ("freeze.epochs=0.5", "training_arguments.num_train_epochs=1")
    recipe = make_recipe(*STAGES, *LORA, *half, f"model.model_name_or_path={folder}", f"model.head={head}")
    run = prepare_run(recipe, news_rows, tmp_path / "run")
    adapter = run.classifier.backbone_parameters
    heads = {name for name in name_all(run) if ".modules_to_save." in name}
    assert adapter
    assert heads
    assert all("lora_" in name for name in adapter)
    recorder = record(run)
    # B of an adapter starts at 0, and A has no gradient until it has moved.
    assert recorder.with_gradient == [heads] * 2 + [heads | adapter] * 4
    assert recorder.changed[0] == recorder.changed[1] == heads
    assert recorder.changed[-1] == heads | adapter


# A pooler without weights is new, and DistilBERT has two new layers: neither is a `classifier` or `score`, which is all
# that peft saves by itself.
@pytest.mark.parametrize(
    ("architecture", "head", "modules"),
    [
        ("bert", "stock", {"classifier", "score"}),
        ("distilbert", "stock", {"classifier", "pre_classifier", "score"}),
        ("roberta", "two_layer", {"head", "classifier", "score"}),
    ],
)
def test_every_new_module_is_saved(architecture: str, head: str, modules: set[str], tmp_path: Path) -> None:
    classifier = load_tiny(save_encoder(tmp_path / "encoder", architecture), head=head)
    adapted = add_adapter(classifier, AdapterSection(), seed=1)
    assert {*adapted.model.peft_config["default"].modules_to_save} == modules


@pytest.mark.parametrize("head", ["stock", "two_layer"])
def test_head_is_counted_once(head: str, tiny_encoder: Path) -> None:
    without = load_tiny(tiny_encoder, head=head).count_parameters()
    adapted = add_adapter(load_tiny(tiny_encoder, head=head), AdapterSection(), seed=1)
    lora = sum(one.numel() for name, one in adapted.model.named_parameters() if "lora_" in name)
    assert adapted.count_parameters() == without + lora


@pytest.mark.parametrize("head", ["stock", "two_layer"])
def test_accumulated_batches_weigh_as_one(head: str, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    # Fails without `trainer.model_accepts_loss_kwargs = False`: peft's forward takes any keyword.
    def compute_first_step(batch_rows: int, batches: int) -> tuple[float, float]:
        sizes = (
            f"training_arguments.per_device_train_batch_size={batch_rows}",
            f"training_arguments.gradient_accumulation_steps={batches}",
            "training_arguments.max_steps=1",
        )
        recipe = make_recipe(*QUIET, *LORA, *NO_DROPOUT[head], "freeze=null", *sizes)
        return read_first_step(prepare_run(recipe, news_rows, tmp_path).build_trainer())

    whole = compute_first_step(16, 1)
    assert whole[1] > 0
    assert compute_first_step(8, 2) == pytest.approx(whole, rel=1e-4)
    assert compute_first_step(4, 4) == pytest.approx(whole, rel=1e-4)


def test_seed_decides_the_adapter_and_torch_keeps_its_random_state(tiny_encoder: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    states = []
    for _ in range(2):
        torch.manual_seed(5)
        section = AdapterSection()
        adapted = add_adapter(load_tiny(tiny_encoder), section, seed=3)
        assert torch.equal(torch.rand(1), expected)
        states.append(adapted.model.state_dict())
    assert all(torch.equal(states[0][name], value) for name, value in states[1].items())


def train_adapter(make_recipe: MakeRecipe, news_rows: Any, folder: Path) -> Any:
    recipe = make_recipe(*STAGES, *LORA, "training_arguments.learning_rate=0.05", "training_arguments.max_steps=8")
    run = prepare_run(recipe, news_rows, folder)
    run.build_trainer().train()
    return run.classifier


def name_encoder(folder: Path, **fields: Any) -> ModelSection:
    return ModelSection(model_name_or_path=str(folder), **fields)


def compute_logits(model: Any, tokenizer: Any) -> torch.Tensor:
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        return model.eval()(**batch).logits


def test_adapter_without_its_encoder_predicts_as_merged(
    tiny_encoder: Path, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    classifier = train_adapter(make_recipe, news_rows, tmp_path / "run")
    expected = compute_logits(classifier.model, classifier.tokenizer)
    save_adapter(classifier.model, tmp_path / "adapter", base_model="owner/encoder")
    classifier.tokenizer.save_pretrained(tmp_path / "adapter")
    merge_adapter(classifier.model).save_pretrained(tmp_path / "merged")
    classifier.tokenizer.save_pretrained(tmp_path / "merged")
    adapted = load_classifier(tmp_path / "adapter", encoder=name_encoder(tiny_encoder))
    merged = load_classifier(tmp_path / "merged")
    assert adapted.label_names == merged.label_names == [*LABELS]
    assert torch.allclose(compute_logits(merged.model, merged.tokenizer), expected, atol=1e-5)
    assert torch.allclose(compute_logits(adapted.model, adapted.tokenizer), expected, atol=1e-5)
    assert not (tmp_path / "adapter" / "README.md").exists()
    assert not (tmp_path / "adapter" / "model.safetensors").exists()


@pytest.fixture
def saved(tiny_encoder: Path, tmp_path: Path) -> Path:
    """A folder with only an adapter and its head."""
    adapted = add_adapter(load_tiny(tiny_encoder), AdapterSection(), seed=3)
    save_adapter(adapted.model, tmp_path / "adapter", base_model="owner/encoder", revision="v2")
    adapted.tokenizer.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def test_base_and_revision_are_read_back(saved: Path) -> None:
    assert read_base(saved) == ("owner/encoder", "v2")


def change_weights(folder: Path, keep: Callable[[str], bool]) -> None:
    path = folder / "adapter_model.safetensors"
    save_file({name: value for name, value in load_file(path).items() if keep(name)}, path)


# transformers or peft would warn at most, and predict with random numbers.
@pytest.mark.parametrize("part", ["lora_B", "classifier"])
def test_adapter_that_lacks_weights_is_refused(part: str, saved: Path, tiny_encoder: Path) -> None:
    change_weights(saved, lambda name: part not in name)
    with pytest.raises(ModelError, match=rf"/adapter: .*{re.escape(str(tiny_encoder))}"):
        load_classifier(saved, encoder=name_encoder(tiny_encoder))


def test_encoder_of_another_size_is_refused(saved: Path, tmp_path: Path) -> None:
    other = save_encoder(tmp_path / "wide", "bert", hidden_size=64)
    with pytest.raises(ModelError, match=r"/adapter: .*/wide"):
        load_classifier(saved, encoder=name_encoder(other))


def test_encoder_with_other_weights_is_refused(saved: Path, tiny_encoder: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.sha256 is 0000"):
        load_classifier(saved, encoder=name_encoder(tiny_encoder, sha256="0" * 64))


def test_adapter_that_names_no_encoder_is_refused(saved: Path) -> None:
    config = json.loads((saved / "adapter_config.json").read_text())
    (saved / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": ""}))
    with pytest.raises(ModelError, match="base_model_name_or_path"):
        load_classifier(saved)


def test_base_is_the_one_on_the_hub(
    tiny_encoder: Path, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    classifier = train_adapter(make_recipe, news_rows, tmp_path / "run")
    save_adapter(classifier.model, tmp_path / "adapter", base_model="owner/encoder")
    text = (tmp_path / "adapter" / "adapter_config.json").read_text()
    assert json.loads(text)["base_model_name_or_path"] == "owner/encoder"
    assert str(tiny_encoder) not in text + (tmp_path / "adapter" / "config.json").read_text()


RESUMABLE = (
    "training_arguments.eval_strategy=steps",
    "training_arguments.eval_steps=1",
    "training_arguments.save_strategy=steps",
    "training_arguments.save_steps=1",
    "training_arguments.save_total_limit=null",
    "training_arguments.per_device_train_batch_size=4",
    "training_arguments.num_train_epochs=1",
)


def test_resumed_run_equals_an_uninterrupted_one(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    recipe = make_recipe(*LORA, *RESUMABLE)
    whole = prepare_run(recipe, news_rows, tmp_path / "whole")
    whole.build_trainer().train()
    expected = whole.classifier.model.state_dict()
    for step in (3, 4, 6):
        resumed = prepare_run(recipe, news_rows, tmp_path / f"resumed-{step}")
        shutil.copytree(tmp_path / "whole" / f"checkpoint-{step}", tmp_path / f"from-{step}")
        resumed.build_trainer().train(resume_from_checkpoint=str(tmp_path / f"from-{step}"))
        state = resumed.classifier.model.state_dict()
        assert max((state[name] - value).abs().max().item() for name, value in expected.items()) == 0.0, step


def test_best_checkpoint_is_kept_head_and_adapter(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    spoiling = ("training_arguments.learning_rate=3.0", "training_arguments.warmup_steps=0")
    run = prepare_run(make_recipe(*LORA, *RESUMABLE, *spoiling), news_rows, tmp_path / "run")
    trainer = run.build_trainer()
    trainer.train()
    assert trainer.state.best_global_step < 8
    best = load_file(tmp_path / "run" / f"checkpoint-{trainer.state.best_global_step}" / "adapter_model.safetensors")
    state = run.classifier.model.state_dict()
    for name, value in best.items():
        (own,) = [key for key in state if key.replace(".default", "").replace(".modules_to_save", "") == name]
        assert torch.equal(state[own], value), name


@pytest.mark.slow
@pytest.mark.parametrize("merge", ["true", "false"])
def test_whole_run_with_an_adapter(
    merge: str, train_once: Callable[..., FinishedRun], tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = train_once(f"tiny_lora_{merge}", *LORA[1:], f"adapter={{r: 4, lora_alpha: 8, merge: {merge}}}")
    files = {path.name for path in finished.run.model.iterdir()}
    assert ("adapter_model.safetensors" in files) == (merge == "false")
    assert ("model.safetensors" in files) == (merge == "true")
    card = (finished.run.model / "README.md").read_text()
    assert "LoRA, rank 4, alpha 8" in card
    probabilities = predict_probabilities(
        load_classifier(finished.run.model, encoder=name_encoder(tiny_encoder)), TEXTS
    )
    (prediction, *_) = workflow.predict(finished.recipe.name, TEXTS, runs_dir=finished.runs_dir)
    assert sorted(prediction.probabilities) == pytest.approx(sorted(probabilities[0]), abs=1e-6)
    if merge == "true":
        answers = pipeline("text-classification", model=str(finished.run.model), top_k=None)(TEXTS)
    else:
        # The card's own lines, with a local encoder instead of the one on the Hub.
        snippet = card.split("```python\n")[1].split("```")[0].replace('"owner/encoder"', repr(str(tiny_encoder)))
        space: dict[str, Any] = {}
        monkeypatch.chdir(finished.run.model)
        exec(compile(snippet.replace("print(", "str("), "card", "exec"), space)
        answers = space["classifier"](TEXTS, top_k=None)
    for answer, row in zip(answers, probabilities, strict=True):
        scores = {one["label"]: one["score"] for one in answer}
        assert [scores[name] for name in LABELS] == pytest.approx(row, abs=1e-5)


def test_unknown_targets_are_refused(tiny_encoder: Path) -> None:
    section = AdapterSection(target_modules=["nothing_of_the_kind"])
    with pytest.raises(RecipeError, match=r"adapter\.target_modules is \['nothing_of_the_kind'\]"):
        add_adapter(load_tiny(tiny_encoder), section, seed=1)


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (("adapter={merge: false}",), "adapter.merge is false, .* model.base_model"),
        (
            ("adapter={merge: false}", "model.base_model=a/b", "model.head=two_layer"),
            "adapter.merge is false, .*'two_layer'",
        ),
    ],
)
def test_adapter_without_its_encoder_needs_a_base_on_the_hub(
    overrides: tuple[str, ...], reason: str, make_recipe: MakeRecipe
) -> None:
    with pytest.raises(RecipeError, match=reason):
        make_recipe(*overrides)
