"""Metrics against scikit-learn, and against values worked by hand."""

from pathlib import Path
from typing import Any

import datasets
import evaluate
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    matthews_corrcoef,
    precision_score,
    recall_score,
    roc_auc_score,
    top_k_accuracy_score,
)

from hf_newscls.evaluation.calibration.reliability import compute_reliability
from hf_newscls.evaluation.metrics import (
    NewsClassification,
    compute_confusion,
    compute_f1,
    compute_label_scores,
    compute_scores,
    score_confusions,
)


def draw(seed: int, *, rows: int = 60, labels: int = 5) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(labels), size=rows), rng.integers(0, labels, size=rows)


# Four rows of three labels. Predictions 0, 1, 1, 0 and references 0, 1, 2, 2.
PROBABILITIES = np.array([[0.5, 0.3, 0.2], [0.25, 0.5, 0.25], [0.1, 0.8, 0.1], [0.6, 0.15, 0.25]])
REFERENCES = [0, 1, 2, 2]


def test_scores_worked_by_hand() -> None:
    # Precision 1/2, 1/2, 0 and recall 1, 1, 0 give F1 2/3, 2/3, 0; the labels have 1, 1 and 2 rows.
    scores = compute_scores(PROBABILITIES, REFERENCES, top_k=[1, 2, 3])
    assert scores == pytest.approx(
        {
            "accuracy": 2 / 4,
            "balanced_accuracy": 2 / 3,
            # Hits minus hits by chance, 2 x 4 - (1 x 2 + 1 x 2 + 2 x 0), divided by the roots of 16 - 8 and 16 - 6.
            "mcc": 4 / np.sqrt(80),
            "precision_macro": 1 / 3,
            "recall_macro": 2 / 3,
            "f1_macro": 4 / 9,
            "precision_weighted": 1 / 4,
            "recall_weighted": 1 / 2,
            "f1_weighted": 1 / 3,
            "top_1_accuracy": 2 / 4,
            # Row 2 gives labels 0 and 2 the same: 0 ranks higher, so its label 2 is third. In row 3 it is second.
            "top_2_accuracy": 3 / 4,
            "top_3_accuracy": 1.0,
            "log_loss": -(np.log(0.5) + np.log(0.5) + np.log(0.1) + np.log(0.25)) / 4,
            "brier_score": (0.38 + 0.375 + 1.46 + (0.36 + 0.0225 + 0.5625)) / 4,
            # Of three confidences, 0.5 is right twice and the others are wrong.
            "calibration_error": (2 * 0.5 + 0.8 + 0.6) / 4,
        }
    )
    assert all(type(value) is float for value in scores.values())


def test_ranking_worked_by_hand() -> None:
    # From the top REAL, FAKE, REAL, FAKE: of the four pairs of one each three are in order.
    probabilities = np.array([[0.1, 0.9], [0.3, 0.7], [0.6, 0.4], [0.8, 0.2]])
    scores = compute_scores(probabilities, [1, 0, 1, 0], top_k=[])
    assert scores["roc_auc"] == 3 / 4
    # Precision where each REAL is let through: 1 and 2/3.
    assert scores["average_precision"] == pytest.approx((1 + 2 / 3) / 2)


@pytest.mark.parametrize("references", [[0, 0], [1, 1]])
def test_one_label_alone_cannot_be_ranked(references: list[int]) -> None:
    scores = compute_scores([[0.9, 0.1], [0.2, 0.8]], references, top_k=[])
    assert "roc_auc" not in scores
    assert scores["balanced_accuracy"] == scores["accuracy"] == 0.5
    assert scores["mcc"] == 0


def test_confusion_worked_by_hand() -> None:
    confusion = compute_confusion(PROBABILITIES, REFERENCES)
    # Rows are references: one of label 2 was taken for 0, one for 1.
    assert confusion.tolist() == [[1, 0, 0], [0, 1, 0], [1, 1, 0]]


def test_label_scores_worked_by_hand() -> None:
    scores = compute_label_scores(PROBABILITIES, REFERENCES, label_names=["A", "B", "C"])
    assert [*scores] == ["A", "B", "C"]
    assert scores["A"] == pytest.approx({"precision": 0.5, "recall": 1.0, "f1": 2 / 3, "support": 1})
    assert scores["C"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 2}
    assert type(scores["C"]["support"]) is int


@pytest.mark.parametrize("labels", [2, 3, 8])
@pytest.mark.parametrize("seed", range(4))
def test_scores_are_those_of_scikit_learn(seed: int, labels: int) -> None:
    probabilities, references = draw(seed, labels=labels)
    scores = compute_scores(probabilities, references, top_k=[2])
    predictions = probabilities.argmax(axis=1)
    expected = {
        "accuracy": accuracy_score(references, predictions),
        "balanced_accuracy": balanced_accuracy_score(references, predictions),
        "mcc": matthews_corrcoef(references, predictions),
        "log_loss": log_loss(references, probabilities),
        "brier_score": brier_score_loss(references, probabilities, labels=range(labels)),
        "calibration_error": compute_reliability(probabilities, references).error,
    }
    if labels == 2:
        expected["roc_auc"] = roc_auc_score(references, probabilities[:, 1])
        expected["average_precision"] = average_precision_score(references, probabilities[:, 1])
    for average in ("macro", "weighted"):
        options = {"labels": range(labels), "average": average, "zero_division": 0.0}
        expected[f"precision_{average}"] = precision_score(references, predictions, **options)
        expected[f"recall_{average}"] = recall_score(references, predictions, **options)
        expected[f"f1_{average}"] = f1_score(references, predictions, **options)
    # scikit-learn refuses probabilities of two labels.
    expected["top_2_accuracy"] = (
        1.0 if labels == 2 else top_k_accuracy_score(references, probabilities, k=2, labels=range(labels))
    )
    assert scores == pytest.approx(expected)


def test_labels_without_rows_count_only_in_the_macro_mean() -> None:
    probabilities = np.array([[0.9, 0.1, 0.0, 0.0], [0.1, 0.9, 0.0, 0.0]])
    scores = compute_scores(probabilities, [0, 1], top_k=[])
    assert scores["f1_macro"] == 0.5
    assert scores["f1_weighted"] == scores["accuracy"] == 1.0
    assert scores["log_loss"] == pytest.approx(-np.log(0.9))
    assert compute_confusion(probabilities, [0, 1]).shape == (4, 4)
    assert compute_label_scores(probabilities, [0, 1], label_names=[*"ABCD"])["D"]["support"] == 0


@pytest.mark.parametrize(
    ("k", "expected"),
    # All probabilities are equal: the lower id ranks higher, so label i is in the top i + 1.
    [(1, 1 / 4), (2, 2 / 4), (3, 3 / 4), (4, 1.0), (9, 1.0)],
)
def test_ties_are_broken_by_label_id(k: int, expected: float) -> None:
    probabilities = np.full((4, 4), 0.25)
    assert compute_scores(probabilities, [0, 1, 2, 3], top_k=[k])[f"top_{k}_accuracy"] == expected


@pytest.mark.parametrize("seed", range(3))
def test_top_one_is_accuracy_and_top_k_never_falls(seed: int) -> None:
    probabilities, references = draw(seed)
    # Rounding makes ties.
    probabilities = probabilities.round(1) + 1e-9
    scores = compute_scores(probabilities, references, top_k=[1, 2, 3, 4, 5])
    fractions = [scores[f"top_{k}_accuracy"] for k in range(1, 6)]
    assert fractions[0] == scores["accuracy"]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_confusion_adds_up() -> None:
    probabilities, references = draw(3)
    confusion = compute_confusion(probabilities, references)
    assert confusion.sum(axis=1).tolist() == np.bincount(references, minlength=5).tolist()
    assert confusion.sum(axis=0).tolist() == np.bincount(probabilities.argmax(axis=1), minlength=5).tolist()
    assert np.trace(confusion) / 60 == compute_scores(probabilities, references, top_k=[])["accuracy"]


def test_float32_gives_the_same_scores() -> None:
    probabilities, references = draw(5, rows=500, labels=40)
    narrow = compute_scores(probabilities.astype(np.float32), references, top_k=[3])
    assert narrow == pytest.approx(compute_scores(probabilities, references, top_k=[3]), abs=1e-6)


def test_probability_zero_costs_a_finite_loss() -> None:
    scores = compute_scores([[1.0, 0.0], [0.0, 1.0]], [1, 1], top_k=[])
    assert 10 < scores["log_loss"] < 1000


def test_metric_computes_what_the_function_does(tmp_path: Path) -> None:
    probabilities, references = draw(7)
    scores = NewsClassification(cache_dir=str(tmp_path)).compute(
        predictions=probabilities, references=references, top_k=[2, 4]
    )
    assert scores == pytest.approx(compute_scores(probabilities, references, top_k=[2, 4]))


def test_metric_takes_batches(tmp_path: Path) -> None:
    probabilities, references = draw(8)
    metric = NewsClassification(cache_dir=str(tmp_path))
    for start in range(0, 60, 25):
        metric.add_batch(predictions=probabilities[start : start + 25], references=references[start : start + 25])
    assert metric.compute() == pytest.approx(compute_scores(probabilities, references, top_k=[3]))
    # It can be used again.
    metric.add(prediction=probabilities[0], reference=references[0])
    assert metric.compute() == pytest.approx(compute_scores(probabilities[:1], references[:1], top_k=[3]))


class RowCount(evaluate.Metric):
    """A second metric over the same columns."""

    def _info(self) -> evaluate.MetricInfo:
        features = {"predictions": datasets.Sequence(datasets.Value("float64")), "references": datasets.Value("int64")}
        return evaluate.MetricInfo(
            description="rows", citation="", inputs_description="", features=datasets.Features(features)
        )

    def _compute(self, *, predictions: Any, references: Any) -> dict[str, int]:
        return {"rows": len(references)}


@pytest.mark.parametrize("in_batches", [False, True])
def test_metric_combines_with_another(in_batches: bool, tmp_path: Path) -> None:
    probabilities, references = draw(9)
    both = evaluate.combine([metric_class(cache_dir=str(tmp_path)) for metric_class in (NewsClassification, RowCount)])
    if in_batches:
        both.add_batch(predictions=probabilities, references=references)
        scores = both.compute()
    else:
        scores = both.compute(predictions=probabilities, references=references)
    assert scores == pytest.approx({**compute_scores(probabilities, references, top_k=[3]), "rows": 60})


@pytest.mark.parametrize("labels", [2, 3, 6])
def test_scores_of_many_confusions_equal_those_from_rows(labels: int) -> None:
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
