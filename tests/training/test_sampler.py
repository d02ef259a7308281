"""The order of the rows: every row once, the same for the same seed and epoch, batches of similar length."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import TrainerControl, TrainerState

from hf_newscls.recipe.training import SamplingSection
from hf_newscls.training.sampler import EpochCallback, EpochSampler, compute_useful_fraction, order_rows, weigh_rows
from tests.tiny_models import QUIET, MakeRecipe, prepare_run


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=300),
    batch_rows=st.integers(1, 9),
    is_grouped=st.booleans(),
)
def test_every_row_comes_once(lengths: list[int], batch_rows: int, is_grouped: bool) -> None:
    order = order_rows(lengths, batch_rows=batch_rows, seed=1, epoch=0, is_grouped=is_grouped)
    assert sorted(order) == [*range(len(lengths))]


def order(*, seed: int = 17, epoch: int = 0, is_grouped: bool = True) -> list[int]:
    lengths = [index * 7 % 41 + 3 for index in range(64)]
    return order_rows(lengths, batch_rows=4, seed=seed, epoch=epoch, is_grouped=is_grouped)


@pytest.mark.parametrize("is_grouped", [True, False])
def test_order_depends_only_on_seed_and_epoch(is_grouped: bool) -> None:
    first = order(is_grouped=is_grouped)
    torch.manual_seed(5)
    assert order(is_grouped=is_grouped) == first
    others = [order(epoch=1, is_grouped=is_grouped), order(seed=18, is_grouped=is_grouped)]
    assert all(other != first for other in others)
    # Seed and epoch are not summed: the next seed's epochs are not this one's, a step on.
    assert others[0] != others[1]


def test_batches_have_similar_lengths_and_a_random_order() -> None:
    lengths = [1, 2, 3, 4, 5, 6, 7, 8] * 3
    rows = order_rows(lengths, batch_rows=3, seed=2, epoch=0, is_grouped=True)
    batches = [{lengths[row] for row in rows[start : start + 3]} for start in range(0, 24, 3)]
    assert all(len(batch) == 1 for batch in batches)
    in_order = [batch.pop() for batch in batches]
    assert sorted(in_order) == [*range(1, 9)]
    assert in_order not in ([*range(1, 9)], [*range(8, 0, -1)])


def test_the_short_batch_stays_last() -> None:
    rows = order_rows([5] * 10, batch_rows=4, seed=2, epoch=0, is_grouped=True)
    # Its rows are the last two of the shuffle, whatever was sorted before.
    assert len(rows) == 10
    assert {*rows[:8]} | {*rows[8:]} == {*range(10)}


def test_useful_fraction_counts_padding() -> None:
    # 10 and 3 tokens padded to 16, 8 to 8: 21 of 40.
    assert compute_useful_fraction([10, 8, 3], [0, 2, 1], batch_size=2, lengths=[8, 16]) == pytest.approx(21 / 40)


# A run resumed within its third epoch has been through 2.5 of them.
@pytest.mark.parametrize(("state_epoch", "epoch"), [(None, 0), (0, 0), (0.75, 0), (1.0, 1), (2.5, 2)])
def test_callback_names_the_epoch_that_is_entered(state_epoch: float | None, epoch: int) -> None:
    sampler = EpochSampler([4] * 8, batch_rows=2, seed=1, is_grouped=True)
    callback: Any = EpochCallback(sampler)
    callback.on_epoch_begin(SimpleNamespace(), TrainerState(epoch=state_epoch), TrainerControl())
    assert sampler.epoch == epoch
    assert [*sampler] == order_rows([4] * 8, batch_rows=2, seed=1, epoch=epoch, is_grouped=True)


def test_strategies_mean_what_they_mean_in_transformers(
    make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    def read(strategy: str) -> list[int]:
        recipe = make_recipe(*QUIET, "freeze=null", f"training_arguments.train_sampling_strategy={strategy}")
        run = prepare_run(recipe, news_rows, tmp_path, train=24)
        loader = run.build_trainer().get_train_dataloader()
        return [label for batch in loader for label in batch["labels"].tolist()]

    labels = [index % 3 for index in range(24)]
    assert read("sequential") == labels
    assert read("random") != labels
    assert sorted(read("group_by_length")) == sorted(labels)


def test_evaluation_reads_the_longest_rows_first(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    recipe = make_recipe("training_arguments.per_device_eval_batch_size=3")
    rows = [{**row, "title": row["body"]} for row in news_rows]
    loader = prepare_run(recipe, rows, tmp_path, validation=9).build_trainer().get_eval_dataloader()
    lengths = [int(length) for batch in loader for length in batch["attention_mask"].sum(dim=1)]
    assert lengths == sorted(lengths, reverse=True)
    assert len(lengths) == 9


ROW_LABELS = [0] * 90 + [1] * 9 + [2]


@pytest.mark.parametrize(
    ("labels", "expected"),
    # The roots of 90, 9 and 1 are 9.49, 3 and 1.
    [("balanced", [1 / 3, 1 / 3, 1 / 3]), ("square_root", [9.4868 / 13.4868, 3 / 13.4868, 1 / 13.4868])],
)
def test_labels_are_drawn_as_often_as_they_should(labels: Any, expected: list[float]) -> None:
    weights = weigh_rows(ROW_LABELS, SamplingSection(labels=labels))
    options = {"batch_rows": 10, "seed": 17, "is_grouped": True, "weights": weights}
    drawn = [ROW_LABELS[row] for epoch in range(100) for row in order_rows([5] * 100, epoch=epoch, **options)]
    assert len(drawn) == 100 * 100
    assert [drawn.count(label) / len(drawn) for label in range(3)] == pytest.approx(expected, abs=0.02)


def test_draws_follow_from_seed_and_epoch() -> None:
    options: dict[str, Any] = {"batch_rows": 4, "is_grouped": False, "weights": [1.0] * 30}
    first = order_rows([5] * 30, seed=1, epoch=2, **options)
    assert first == order_rows([5] * 30, seed=1, epoch=2, **options)
    assert first != order_rows([5] * 30, seed=1, epoch=3, **options)
    assert first != order_rows([5] * 30, seed=2, epoch=2, **options)
