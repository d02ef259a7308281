"""Draws of whole articles: against a plain loop over `compute_scores`."""

import numpy as np
import pytest
from numpy.typing import NDArray

from hf_newscls.evaluation.metrics import compute_label_scores, compute_scores
from hf_newscls.evaluation.statistics.bootstrap import Bootstrap, resample_scores


def draw(labels: int, *, rows: int = 25) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rng = np.random.default_rng(labels)
    # Rounded, so that some probabilities are equal.
    return rng.dirichlet(np.ones(labels), size=rows).round(1) + 1e-6, rng.integers(0, labels, size=rows)


def loop(labels: NDArray[np.int64], *, resamples: int, seed: int) -> list[NDArray[np.int64]]:
    """Return the articles of each draw: in label order, for each an article of the same label."""
    members = [np.flatnonzero(labels == label) for label in np.sort(labels)]
    rng = np.random.default_rng(seed)
    return [
        np.array(
            [rows[int(fraction * len(rows))] for rows, fraction in zip(members, rng.random(len(labels)), strict=True)]
        )
        for _ in range(resamples)
    ]


@pytest.mark.parametrize("labels", [2, 4])
def test_draws_of_rows_are_those_of_a_plain_loop(labels: int) -> None:
    probabilities, references = draw(labels)
    found = resample_scores(probabilities, references, Bootstrap(resamples=60, seed=5, top_k=[1, 2]))
    for index, rows in enumerate(loop(references, resamples=60, seed=5)):
        expected = compute_scores(probabilities[rows], references[rows], top_k=[1, 2])
        del expected["calibration_error"]
        assert {name: values[index] for name, values in found.scores.items()} == pytest.approx(expected)


def test_draws_of_articles_are_those_of_a_plain_loop() -> None:
    probabilities, references = draw(4, rows=40)
    groups = np.random.default_rng(1).integers(100, 118, size=40)
    names, firsts = np.unique(groups, return_index=True)
    found = resample_scores(probabilities, references, Bootstrap(resamples=20, seed=5, groups=groups))
    for index, articles in enumerate(loop(references[firsts], resamples=20, seed=5)):
        rows = np.concatenate([np.flatnonzero(groups == names[article]) for article in articles])
        expected = compute_scores(probabilities[rows], references[rows], top_k=[])
        del expected["calibration_error"]
        assert {name: values[index] for name, values in found.scores.items()} == pytest.approx(expected)


def test_draws_without_strata_are_those_of_a_plain_loop() -> None:
    probabilities, references = draw(4, rows=12)
    references[references == 3] = 2
    references[5] = 3  # of a single row
    found = resample_scores(probabilities, references, Bootstrap(resamples=60, seed=5, is_stratified=False))
    for index, rows in enumerate(loop(np.zeros_like(references), resamples=60, seed=5)):
        expected = compute_scores(probabilities[rows], references[rows], top_k=[])
        assert found.scores["accuracy"][index] == pytest.approx(expected["accuracy"])
        labels = compute_label_scores(probabilities[rows], references[rows], label_names=[*"ABCD"])
        drawn = [scores["f1"] for scores in labels.values() if scores["support"]]
        assert found.scores["f1_macro"][index] == pytest.approx(np.mean(drawn))
    # The single row is missing from e^-1 of the draws.
    assert 10 < np.sum(~found.is_counted[:, 3]) < 34


def test_draws_without_one_of_two_labels_are_ranked_as_0() -> None:
    references = np.array([0, 0, 0, 1])
    bootstrap = Bootstrap(resamples=60, seed=5, is_stratified=False)
    found = resample_scores(np.eye(2)[references], references, bootstrap)
    assert {*found.scores["roc_auc"].tolist()} == {*found.scores["average_precision"].tolist()} == {0.0, 1.0}


def test_label_scores_are_those_of_a_plain_loop() -> None:
    probabilities, references = draw(3)
    found = resample_scores(probabilities, references, Bootstrap(resamples=10, seed=3))
    for index, rows in enumerate(loop(references, resamples=10, seed=3)):
        scores = compute_label_scores(probabilities[rows], references[rows], label_names=[*"ABC"])
        assert found.label_f1[index] == pytest.approx([of_label["f1"] for of_label in scores.values()])


def test_label_without_rows_counts_nothing() -> None:
    references = np.array([0, 1, 0, 1])
    found = resample_scores(np.eye(4)[references], references, Bootstrap(resamples=5, seed=3))
    assert found.scores["f1_macro"].tolist() == [0.5] * 5
    assert found.scores["balanced_accuracy"].tolist() == [1.0] * 5
    assert found.label_f1.tolist() == [[1.0, 1.0, 0.0, 0.0]] * 5


def test_one_label_is_not_ranked() -> None:
    found = resample_scores(np.array([[0.6, 0.4], [0.2, 0.8]]), [0, 0], Bootstrap(resamples=5, seed=3))
    assert "roc_auc" not in found.scores
    assert np.isfinite(found.scores["mcc"]).all()
