"""Better models on the Hub, and models of other splits, are not replaced unnoticed."""

from collections.abc import Mapping

import pytest

from hf_newscls.comparison.replacement import find_objection
from tests.comparison.board_parts import TWO, write_card

OWN = write_card({"accuracy": 0.9, "f1_macro": 0.8})


def test_better_score_on_the_same_split_should_stay() -> None:
    objection = find_objection(write_card({"f1_macro": 0.800001}), OWN)
    assert objection is not None
    assert "same split" in objection


@pytest.mark.parametrize("scores", [{"f1_macro": 0.8}, {"f1_macro": 0.1, "accuracy": 1.0}, {"accuracy": 1.0}])
def test_score_that_is_not_better_can_be_replaced(scores: Mapping[str, float]) -> None:
    assert find_objection(write_card(scores), OWN) is None


def test_model_of_another_split_should_stay_at_any_score() -> None:
    objection = find_objection(write_card({"f1_macro": 0.1}, revision=TWO), OWN)
    assert objection is not None
    assert "another split" in objection


@pytest.mark.parametrize(
    "card",
    ["", "# A model", "---\nmodel-index: 5\n---\n", write_card({"f1_macro": 0.9}, revision="main")],
    ids=["empty", "no scores", "unreadable", "rows unknown"],
)
def test_card_without_scores_on_a_known_split_can_be_replaced(card: str) -> None:
    assert find_objection(card, OWN) is None
