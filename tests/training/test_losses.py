"""Losses for rare labels: their values worked by hand, and that batches, accumulated or cached, add up to the whole."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from hf_newscls.recipe.training import LossSection
from hf_newscls.training.losses import build_loss, compute_class_weights
from tests.tiny_models import QUIET, MakeRecipe, prepare_run
from tests.training.callbacks.test_feature_cache import CACHED, losses, train
from tests.training.test_fit import NO_DROPOUT, RESUMABLE, read_first_step

# Six rows of one label, two of another, none of a third.
LABELS = [0, 0, 0, 0, 0, 0, 1, 1]
SECTIONS: dict[str, dict[str, Any]] = {
    "balanced": {"class_weights": "balanced"},
    "effective number": {"class_weights": "effective_number", "beta": 0.9},
    "focal": {"name": "focal", "gamma": 1.5},
    "focal, balanced": {"name": "focal", "class_weights": "balanced"},
    "label smoothing": {"label_smoothing": 0.1},
    "logit adjustment": {"name": "logit_adjustment", "tau": 1.5},
}
# The loss that rows share least evenly; those of the others come from the same lines.
TRAINED = [
    pytest.param(section, id=name, marks=() if name == "effective number" else pytest.mark.slow)
    for name, section in SECTIONS.items()
]


@dataclass
class Outputs:
    """What a model returns, as far as a loss reads it."""

    logits: torch.Tensor


# Two rows, of labels 0 and 1: their probabilities are 0.5, 0.25, 0.25 and 0.2, 0.2, 0.6.
OUTPUTS = Outputs(torch.tensor([[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]]).log())
TARGETS = torch.tensor([0, 1])


def compute(section: dict[str, Any], **options: Any) -> float:
    loss = build_loss(LossSection(**section), LABELS, num_labels=3)
    assert loss is not None
    return loss(OUTPUTS, TARGETS, **options).item()


def test_plain_cross_entropy_is_left_to_the_model() -> None:
    assert build_loss(LossSection(), LABELS, num_labels=3) is None


def test_balanced_labels_weigh_the_same_together() -> None:
    # 8 / (2 * 6) and 8 / (2 * 2): the six rows weigh 4, the two weigh 4.
    expected = (2 / 3 * math.log(2) + 2 * math.log(5)) / 2
    assert compute({"class_weights": "balanced"}) == pytest.approx(expected)


def test_effective_number_is_that_of_cui_et_al() -> None:
    # With beta 0.5 six rows count as 1.96875, two as 1.5.
    weights = compute_class_weights(LossSection(class_weights="effective_number", beta=0.5), np.array([6, 2]))
    assert weights[1] / weights[0] == pytest.approx(1.96875 / 1.5)
    assert (6 * weights[0] + 2 * weights[1]) / 8 == pytest.approx(1)


@pytest.mark.parametrize("class_weights", [None, "balanced", "effective_number"])
def test_label_without_a_row_has_a_finite_weight(class_weights: Any) -> None:
    weights = compute_class_weights(LossSection(class_weights=class_weights), np.array([6, 0, 2]))
    assert np.isfinite(weights).all()
    assert (weights * [6, 0, 2]).sum() == pytest.approx(8)


def test_focal_loss_is_that_of_lin_et_al() -> None:
    expected = (0.5**2 * math.log(2) + 0.8**2 * math.log(5)) / 2
    assert compute({"name": "focal"}) == pytest.approx(expected)
    assert compute({"name": "focal", "gamma": 1}) == pytest.approx((0.5 * math.log(2) + 0.8 * math.log(5)) / 2)


def test_smoothed_labels_share_a_tenth_out() -> None:
    def smooth(own: float, others: tuple[float, float]) -> float:
        return -(0.9 + 0.1 / 3) * math.log(own) - 0.1 / 3 * sum(map(math.log, others))

    expected = (smooth(0.5, (0.25, 0.25)) + smooth(0.2, (0.2, 0.6))) / 2
    assert compute({"label_smoothing": 0.1}) == pytest.approx(expected)


def test_adjusted_logits_are_those_of_menon_et_al() -> None:
    # Each probability times its label's share of the rows: 6/8, 2/8, and 1/8 where there is none.
    first = 0.5 * 0.75 / (0.5 * 0.75 + 0.25 * 0.25 + 0.25 * 0.125)
    second = 0.2 * 0.25 / (0.2 * 0.75 + 0.2 * 0.25 + 0.6 * 0.125)
    assert compute({"name": "logit_adjustment"}) == pytest.approx(-(math.log(first) + math.log(second)) / 2)


def test_focal_loss_of_a_row_that_is_surely_right_has_a_gradient() -> None:
    logits = torch.tensor([[200.0, 0.0]], requires_grad=True)
    loss = build_loss(LossSection(name="focal", gamma=0.5), LABELS, num_labels=2)
    assert loss is not None
    loss(Outputs(logits), torch.tensor([0])).backward()
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_parts_of_a_batch_add_up(section: dict[str, Any]) -> None:
    loss = build_loss(LossSection(**section), LABELS, num_labels=3)
    assert loss is not None
    parts = [loss(Outputs(OUTPUTS.logits[row : row + 1]), TARGETS[row : row + 1], torch.tensor(2)) for row in (0, 1)]
    assert sum(part.item() for part in parts) == pytest.approx(compute(section))


@pytest.mark.parametrize(
    ("section", "parts"),
    [
        ({"gamma": 2}, ["gamma", "2.0", "focal"]),
        ({"tau": 1}, ["tau", "1.0", "logit_adjustment"]),
        ({"class_weights": "balanced", "beta": 0.9}, ["beta", "0.9", "effective_number"]),
        ({"name": "logit_adjustment", "class_weights": "balanced"}, ["class_weights", "balanced"]),
        ({"name": "focal", "label_smoothing": 0.1}, ["label_smoothing", "0.1", "focal"]),
    ],
)
def test_contradictory_loss_is_refused(section: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        LossSection(**section)
    assert [part for part in parts if part not in str(caught.value)] == []


def write_overrides(section: dict[str, Any]) -> tuple[str, ...]:
    return tuple(f"loss.{name}={value}" for name, value in section.items())


@pytest.fixture
def uneven_rows(news_rows: Any) -> list[dict[str, str]]:
    """The tiny news with nine rows of the first label in sixteen, four of the second and three of the third."""
    labels = ["BUSINESS"] * 9 + ["SCIENCE"] * 4 + ["SPORTS"] * 3
    return [row | {"category": label} for row, label in zip(news_rows, [*labels, *labels], strict=False)]


@pytest.mark.parametrize("section", TRAINED)
def test_accumulated_batches_weigh_as_one(
    section: dict[str, Any], make_recipe: MakeRecipe, uneven_rows: Any, tmp_path: Path
) -> None:
    def compute_first_step(batch_rows: int, batches: int) -> tuple[float, float]:
        sizes = (
            f"training_arguments.per_device_train_batch_size={batch_rows}",
            f"training_arguments.gradient_accumulation_steps={batches}",
            "training_arguments.max_steps=1",
        )
        recipe = make_recipe(*QUIET, *NO_DROPOUT["stock"], "freeze=null", *sizes, *write_overrides(section))
        return read_first_step(prepare_run(recipe, uneven_rows, tmp_path).build_trainer())

    whole = compute_first_step(16, 1)
    assert compute_first_step(8, 2) == pytest.approx(whole, rel=1e-4)
    assert compute_first_step(4, 4) == pytest.approx(whole, rel=1e-4)
    assert compute_first_step(6, 3) == pytest.approx(whole, rel=1e-4)  # six, six and four rows


@pytest.mark.parametrize("section", TRAINED)
def test_loss_on_cached_features_is_that_without(
    section: dict[str, Any], make_recipe: MakeRecipe, uneven_rows: Any, tmp_path: Path
) -> None:
    overrides = (*CACHED, *write_overrides(section))
    cached = prepare_run(make_recipe(*overrides), uneven_rows, tmp_path / "cached")
    plain = prepare_run(make_recipe(*overrides, "freeze.cache_features=false"), uneven_rows, tmp_path / "plain")
    assert losses(train(cached)) == pytest.approx(losses(train(plain)), abs=1e-5)


def test_model_learns_by_the_loss_of_the_recipe(make_recipe: MakeRecipe, uneven_rows: Any, tmp_path: Path) -> None:
    whole = ("training_arguments.per_device_train_batch_size=16", "training_arguments.max_steps=1", "freeze=null")
    recipe = make_recipe(*QUIET, *NO_DROPOUT["stock"], *whole, "loss.class_weights=balanced")
    run = prepare_run(recipe, uneven_rows, tmp_path)
    model, rows = run.classifier.model.eval(), run.tokenized["train"]
    loss = build_loss(run.recipe.loss, rows["labels"][:], num_labels=3)
    assert loss is not None
    logits = torch.cat([model(torch.tensor([ids])).logits.detach() for ids in rows["input_ids"]])
    expected = loss(Outputs(logits), torch.tensor(rows["labels"][:])).item()
    assert read_first_step(run.build_trainer())[0] == pytest.approx(expected, rel=1e-4)
    assert [rows["labels"][:].count(label) for label in range(3)] == [9, 4, 3]


@pytest.mark.parametrize("sampling", ["balanced", "square_root"])
def test_run_of_drawn_rows_resumes_as_if_nothing_had_happened(
    sampling: str, make_recipe: MakeRecipe, uneven_rows: Any, tmp_path: Path
) -> None:
    recipe = make_recipe(*RESUMABLE, f"sampling.labels={sampling}")
    whole = prepare_run(recipe, uneven_rows, tmp_path / "whole")
    whole.build_trainer().train()
    resumed = prepare_run(recipe, uneven_rows, tmp_path / "resumed")
    resumed.build_trainer().train(resume_from_checkpoint=str(tmp_path / "whole" / "checkpoint-3"))
    state, expected = resumed.classifier.model.state_dict(), whole.classifier.model.state_dict()
    assert max((state[name] - expected[name]).abs().max().item() for name in expected) == 0.0


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("loss.class_weights=effective_number", "effective_number"),
        ("loss.name=logit_adjustment", "logit_adjustment"),
        ("training_arguments.train_sampling_strategy=sequential", "sequential"),
    ],
)
def test_sampling_that_contradicts_the_rest_is_refused(override: str, value: str, make_recipe: MakeRecipe) -> None:
    with pytest.raises(ValueError, match=f"(?s)sampling.*{value}"):
        make_recipe("sampling.labels=balanced", override)
