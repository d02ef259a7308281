"""The lists of metrics name scores that `compute_scores` computes."""

from typing import get_args

import numpy as np
import pytest

from hf_newscls.evaluation import metric_names
from hf_newscls.evaluation.metric_names import is_metric, lower_is_better, name_metric, parse_metric_name, score_range
from hf_newscls.evaluation.metrics import compute_scores
from hf_newscls.recipe.evaluation import EvaluationSection

SCORES = compute_scores(np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), [0, 1, 1], top_k=[2])
LISTS = ["HEADLINE_METRICS", "DECISION_METRICS", "PROBABILITY_METRICS", "TRAINING_METRICS"]


def test_every_score_has_a_title_that_is_read_back() -> None:
    assert all(is_metric(name) and parse_metric_name(name_metric(name)) == name for name in SCORES)


@pytest.mark.parametrize("name", LISTS)
def test_listed_metrics_are_computed(name: str) -> None:
    assert {*getattr(metric_names, name)} <= {*SCORES}


def test_threshold_metrics_of_a_recipe_depend_only_on_labels() -> None:
    assert get_args(EvaluationSection.model_fields["threshold_metric"].annotation) == metric_names.DECISION_METRICS


def test_scores_are_in_their_range() -> None:
    for name, value in SCORES.items():
        low, high = score_range(name)
        assert low <= value <= high


def test_better_predictions_score_better() -> None:
    perfect = compute_scores(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), [0, 1, 1], top_k=[])
    changed = {name for name, value in perfect.items() if value != SCORES[name]}
    assert "log_loss" in changed
    assert {name for name in changed if perfect[name] < SCORES[name]} == {*filter(lower_is_better, changed)}
