"""Similar labels are neighbors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_newscls.report.figures.label_order import order_labels


def test_confused_labels_are_neighbors() -> None:
    # 0 with 3, 1 with 4 and 2 with 5.
    confusion = 90 * np.eye(6, dtype=np.int64)
    for one in range(3):
        confusion[one, one + 3] = confusion[one + 3, one] = 40
    order = order_labels(confusion).tolist()
    for one in range(3):
        assert abs(order.index(one) - order.index(one + 3)) == 1


def test_confusion_in_one_direction_is_enough() -> None:
    confusion = 90 * np.eye(4, dtype=np.int64)
    confusion[0, 3] = 30
    order = order_labels(confusion).tolist()
    assert abs(order.index(0) - order.index(3)) == 1


@pytest.mark.parametrize("size", [1, 2])
def test_few_labels_keep_their_order(size: int) -> None:
    assert order_labels(np.ones((size, size), dtype=np.int64)).tolist() == [*range(size)]


@given(st.integers(3, 12), st.integers(0, 99))
def test_order_has_each_label_once(size: int, seed: int) -> None:
    confusion = np.random.default_rng(seed).integers(0, 3, size=(size, size))
    assert sorted(order_labels(confusion).tolist()) == [*range(size)]
