"""Claimed scores are compared with the scores that the predictions give."""

from dataclasses import replace

import numpy as np
import pytest

from hf_newscls.comparison.leaderboard import Entry, Setting, Unranked
from hf_newscls.comparison.model_scores import Claim, ModelScores, Origin
from hf_newscls.comparison.verification import verify_model
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.report.predictions import PublishedPredictions
from tests.comparison.board_parts import ONE, TWO, answer


def state(claimed: float | None, right: int | None, *, origin: Origin = "Hub", split: str | None = ONE) -> ModelScores:
    scores = {} if claimed is None else {"accuracy": claimed}
    claim = Claim("ann/news", split, scores=scores, intervals={"accuracy": Interval(0.1, 0.99)})
    return ModelScores(
        "bob/model", origin, [claim], revision="c" * 40, predictions=None if right is None else answer(right)
    )


def check_entry(model: ModelScores, metric: str = "accuracy") -> Entry:
    (found,) = list_entries(model, metric)
    return found


def list_entries(model: ModelScores, metric: str = "accuracy") -> list[Entry]:
    found = verify_model(model, metric=metric)
    entries = [one for one in found if isinstance(one, Entry)]
    assert len(entries) == len(found)
    return entries


def check_refusal(model: ModelScores, metric: str = "accuracy") -> Unranked:
    (found,) = verify_model(model, metric=metric)
    assert isinstance(found, Unranked)
    return found


def test_right_claim_has_no_note() -> None:
    found = check_entry(state(0.9, 18))
    assert (found.score, found.claimed, found.notes, found.is_verified) == (0.9, 0.9, [], True)
    assert found.setting == Setting("ann/news", ONE, "accuracy")
    assert found.f1_macro == pytest.approx(0.9)
    assert found.revision == "c" * 40


def test_wrong_claim_is_noted_and_replaced_by_the_score_of_the_predictions() -> None:
    found = check_entry(state(0.99, 18))
    assert (found.score, found.claimed) == (0.9, 0.99)
    assert found.notes == ["claims accuracy 0.9900, its predictions give 0.9000"]


@pytest.mark.parametrize(("claimed", "is_marked"), [(0.90009, False), (0.9002, True), (0.8998, True)])
def test_claims_within_a_ten_thousandth_are_right(claimed: float, is_marked: bool) -> None:
    assert bool(check_entry(state(claimed, 18)).notes) == is_marked


def test_wrong_claim_of_another_score_is_noted_too() -> None:
    claim = Claim("ann/news", ONE, scores={"accuracy": 0.9, "f1_macro": 0.97, "log_loss": 0.01})
    found = check_entry(ModelScores("a/b", "Hub", claims=[claim], predictions=answer(18)))
    assert found.score == 0.9
    assert found.notes == ["claims f1_macro 0.9700, its predictions give 0.9000, and 1 more"]


def test_model_without_predictions_is_not_verified() -> None:
    found = check_entry(state(0.7, None))
    assert (found.score, found.interval, found.is_verified) == (0.7, Interval(0.1, 0.99), False)
    assert found.notes == ["not verified: no predictions"]


def test_interval_of_a_local_run_is_kept_and_of_others_computed() -> None:
    theirs, ours = check_entry(state(0.9, 18)), check_entry(state(0.9, 18, origin="local run"))
    assert ours.interval == Interval(0.1, 0.99)
    assert theirs.interval is not None
    assert 0.7 < theirs.interval.low < 0.9 < theirs.interval.high <= 1


def test_predictions_give_a_score_without_a_claim() -> None:
    found = check_entry(state(None, 15))
    assert (found.score, found.claimed, found.notes) == (0.75, None, [])


def test_metric_without_claim_or_predictions_is_refused() -> None:
    assert check_refusal(state(0.9, None), metric="f1_macro").reason == "has no f1_macro"


def test_claim_that_names_no_split_is_refused() -> None:
    assert check_refusal(state(0.9, 18, split=None)).reason == "its model-index names no split"


def test_model_without_claims_is_refused_with_its_notes() -> None:
    found = check_refusal(ModelScores("a/b", "Hub", revision="d" * 40, notes=["metrics.json: why"]))
    assert found == Unranked("a/b", "has no scores; metrics.json: why", "d" * 40)


def test_claim_that_is_not_a_score_is_refused() -> None:
    claim = Claim("ann/news", ONE, faults={"accuracy": "'1e9'"})
    found = check_refusal(ModelScores("a/b", "Hub", claims=[claim]))
    assert found.reason == "claims accuracy '1e9', which is not a score"


def test_card_and_metrics_of_one_split_are_one_claim() -> None:
    card, metrics = Claim("ann/news", ONE, scores={"accuracy": 0.8}), Claim("", ONE, scores={"accuracy": 0.7})
    found = check_entry(ModelScores("a/b", "Hub", claims=[card], measured=metrics))
    assert found.setting.dataset == "ann/news"
    assert found.notes[0] == "claims accuracy 0.8000 in its card, 0.7000 in metrics.json"


def test_metrics_json_without_a_card_is_a_claim() -> None:
    found = check_entry(ModelScores("a/b", "Hub", measured=Claim("", ONE, scores={"accuracy": 0.7})))
    assert (found.score, found.setting) == (0.7, Setting("", ONE, "accuracy"))


def test_predictions_belong_to_the_split_of_metrics_json() -> None:
    claims = [Claim("ann/news", split, scores={"accuracy": 0.99}) for split in (ONE, TWO)]
    model = ModelScores(
        "a/b", "Hub", claims=claims, measured=Claim("", TWO, scores={"accuracy": 0.99}), predictions=answer(18)
    )
    scores = {found.setting.split: found.score for found in list_entries(model)}
    assert scores == {ONE: 0.99, TWO: 0.9}


def test_predictions_of_an_unknown_split_verify_nothing() -> None:
    claims = [Claim("ann/news", split, scores={"accuracy": 0.99}) for split in (ONE, TWO)]
    found = list_entries(ModelScores("a/b", "Hub", claims=claims, predictions=answer(18)))
    assert [one.score for one in found] == [0.99, 0.99]
    notes = {note for one in found for note in one.notes}
    assert notes == {"not verified: its predictions may be of another split"}


def test_split_claimed_for_several_datasets_gives_one_entry() -> None:
    claims = [Claim(name, ONE, scores={"accuracy": score}) for name, score in (("ann/news", 0.99), ("ann/copy", 0.98))]
    found = check_entry(ModelScores("a/b", "Hub", claims=claims, predictions=answer(18)))
    assert (found.score, found.claimed) == (0.9, 0.99)
    assert found.notes == ["claims accuracy 0.9900, its predictions give 0.9000"]


def answer_three() -> PublishedPredictions:
    """Return predictions for three labels; no row has the third label."""
    two = answer(18)
    third = np.zeros((20, 1), dtype=np.float32)
    return replace(two, label_names=["A", "B", "C"], probabilities=np.hstack([two.probabilities, third]))


def test_score_that_the_predictions_do_not_give_is_not_verified() -> None:
    claim = Claim("ann/news", ONE, scores={"accuracy": 0.9, "roc_auc": 0.8})
    model = ModelScores("a/b", "Hub", claims=[claim], predictions=answer_three())
    assert check_entry(model).notes == []
    found = check_entry(model, metric="roc_auc")
    assert (found.score, found.predictions) == (0.8, None)
    assert found.notes == ["not verified: its predictions give no roc_auc"]


def test_score_that_neither_claim_nor_predictions_give_is_refused() -> None:
    claim = Claim("ann/news", ONE, scores={"accuracy": 0.9})
    model = ModelScores("a/b", "Hub", claims=[claim], predictions=answer_three())
    assert check_refusal(model, metric="roc_auc").reason == "has no roc_auc"


def test_top_k_is_computed_for_the_k_that_is_claimed() -> None:
    claim = Claim("ann/news", ONE, scores={"top_2_accuracy": 0.5})
    found = check_entry(ModelScores("a/b", "Hub", claims=[claim], predictions=answer(3)), metric="top_2_accuracy")
    assert found.score == 1.0
    assert found.notes == ["claims top_2_accuracy 0.5000, its predictions give 1.0000"]
