"""Scores of many confusion matrices at once equal those from the rows of each."""

import numpy as np
import pytest

from hf_newscls.evaluation.confusion_scores import compute_f1, score_confusions
from hf_newscls.evaluation.metrics import compute_scores


@pytest.mark.parametrize("labels", [2, 3, 6])
def test_scores_equal_those_from_rows(labels: int) -> None:
    rng = np.random.default_rng(labels)
    confusions = rng.integers(0, 9, size=(5, labels, labels))
    found = score_confusions(confusions.astype(np.float64))
    for index, confusion in enumerate(confusions):
        references, predictions = (np.repeat(ids.ravel(), confusion.ravel()) for ids in np.indices((labels, labels)))
        expected = compute_scores(np.eye(labels)[predictions], references, top_k=[])
        assert {name: values[index] for name, values in found.items()} == pytest.approx(
            {name: expected[name] for name in found}
        )


def test_f1_of_a_label_without_rows_and_predictions_is_zero() -> None:
    assert compute_f1(np.array([[[4.0, 0.0], [0.0, 0.0]]])).tolist() == [[1.0, 0.0]]
