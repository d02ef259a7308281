"""Cards and metrics of others are read with distrust: no error of a library comes through."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from hf_newscls.compare.model_scores import Claim, clean_text, read_card, read_metrics, read_model_index
from hf_newscls.errors import DataError
from hf_newscls.evaluation.metric_names import is_metric
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.report.card_metadata import build_card_data
from tests.card_parts import FINGERPRINT, CardParts
from tests.compare.board_parts import ONE, TWO, write_card, write_metrics


def front(content: Any) -> str:
    return f"---\n{yaml.safe_dump(content)}---\n"


def index(*metrics: Any, **dataset: Any) -> str:
    about = {"type": "ann/news", "revision": ONE, **dataset}
    return front({"model-index": [{"results": [{"dataset": about, "metrics": [*metrics]}]}]})


def test_card_of_our_own_is_read_back(make_parts: Callable[..., CardParts]) -> None:
    parts = make_parts(data={"dataset_id": "ann/news"})
    data = build_card_data(parts.recipe, parts.manifest, parts.report)
    (claim,) = read_card(f"---\n{data.to_yaml()}\n---\n")
    assert (claim.dataset, claim.fingerprint, claim.split, claim.config) == ("ann/news", FINGERPRINT, "test", "default")
    assert claim.scores == pytest.approx(parts.report.test.scores, abs=1e-6)
    assert claim.faults == {}


@pytest.mark.parametrize("text", ["", "# A model", "---\ntags: [a]\n---\n", "---\r\ntags: [a]\r\n---\r\n"])
def test_card_without_scores_claims_nothing(text: str) -> None:
    assert read_card(text) == []


def test_results_on_one_split_are_one_claim() -> None:
    result = {"dataset": {"type": "a", "revision": ONE}}
    first = {**result, "metrics": [{"name": "Accuracy", "value": 0.5}]}
    second = {**result, "metrics": [{"name": "Macro F1", "value": 0.4}]}
    third = {"dataset": {"type": "a", "revision": TWO}, "metrics": [{"name": "Accuracy", "value": 0.1}]}
    found = read_card(front({"model-index": [{"results": [first, second, third]}]}))
    assert [claim.scores for claim in found] == [{"accuracy": 0.5, "f1_macro": 0.4}, {"accuracy": 0.1}]


@pytest.mark.parametrize(
    ("metric", "scores"),
    [
        ({"name": "Top-3 accuracy", "type": "accuracy", "value": 1}, {"top_3_accuracy": 1.0}),
        ({"type": "accuracy", "value": 0.5}, {"accuracy": 0.5}),
        ({"name": "Acc", "type": "accuracy", "value": 0.5}, {"accuracy": 0.5}),
        ({"type": "f1", "value": 0.5}, {}),
        ({"name": "BLEU", "type": "bleu", "value": 30}, {}),
        ({"name": "Top-99999999 accuracy", "type": "x", "value": 0.5}, {}),
        ({"name": ["Accuracy"], "type": {"a": 1}, "value": 0.5}, {}),
        ({"name": "Log loss", "value": 2.5}, {"log_loss": 2.5}),
    ],
)
def test_metrics_are_known_by_their_names(metric: dict[str, Any], scores: dict[str, float]) -> None:
    (claim,) = read_card(index(metric))
    assert (claim.scores, claim.faults) == (scores, {})


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1e9", "'1e9'"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (93.5, "93.5"),
        (-0.1, "-0.1"),
        (True, "True"),
        (None, "None"),
        ([0.9], "a list"),
        ({"a": 1}, "a dict"),
        (10**300, "a huge number"),
    ],
)
def test_what_is_no_score_is_a_fault(value: Any, shown: str) -> None:
    (claim,) = read_card(index({"name": "Accuracy", "value": value}))
    assert (claim.scores, claim.faults) == ({}, {"accuracy": shown})


def test_log_loss_of_any_size_is_not_taken() -> None:
    (claim,) = read_card(index({"name": "Log loss", "value": 10**300}))
    assert claim.faults == {"log_loss": "a huge number"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\na: [1\n---\n", "metadata in YAML"),
        ("---\n- a\n---\n", "names and values, got a list"),
        ("---\nwhen: 2020-99-99\n---\n", "metadata in YAML"),
        ("---\n!!python/object/apply:os.system ['true']\n---\n", "metadata in YAML"),
        (f"---\n{'[' * 5000}\n---\n", "metadata"),
        (f"---\na: {'x' * 300_000}\n---\n", "at most 200,000 characters, got 300,003"),
        (front({"model-index": "none"}), "a list as `model-index`, got 'none'"),
        (front({"model-index": [1]}), "an entry of model-index, got 1"),
        (front({"model-index": [{"results": {"a": 1}}]}), "a list as `results`, got a dict"),
        (front({"model-index": [{"results": [None]}]}), "a result, got None"),
        (front({"model-index": [{"results": [{"metrics": 3}]}]}), "a list as `metrics`, got 3"),
        (front({"model-index": [{"results": [{"dataset": [1], "metrics": []}]}]}), "dataset, got a list"),
    ],
)
def test_card_that_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(DataError, match=r"^README\.md: must hold ") as caught:
        read_card(text)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 400


def test_repeated_parts_do_not_grow_without_end() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))]
    with pytest.raises(DataError, match="a list as `results`, got None"):
        read_card("\n".join(["---", *lines, "model-index: *a29", "---", ""]).replace("*a29", "[{a: *a29}]"))


def test_revision_of_digits_is_a_text_and_none_is_none() -> None:
    assert read_card(index(revision=20240101))[0].fingerprint == "20240101"
    assert read_card(index(revision=None))[0].fingerprint is None
    assert read_card(index(revision=["a"]))[0].fingerprint is None


def test_names_of_others_are_made_fit_for_a_line() -> None:
    (claim,) = read_card(index(type="a\x1b[31m\nb" + "x" * 500))
    assert claim.dataset.startswith("a\ufffd[31m b")
    assert len(claim.dataset) == 200


def test_no_model_index_claims_nothing() -> None:
    assert read_model_index(None) == []


# metrics.json


def test_metrics_of_a_run_are_read_with_their_intervals() -> None:
    text = write_metrics({"accuracy": 0.9, "log_loss": 0.5}, intervals={"accuracy": Interval(0.8, 0.95)})
    assert read_metrics(text) == Claim(
        "", ONE, scores={"accuracy": 0.9, "log_loss": 0.5}, intervals={"accuracy": Interval(0.8, 0.95)}
    )


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{", '{"test": {}}', '{"test": [], "split_fingerprint": "x"}', "[" * 100_000]
    + [json.dumps({"test": {}, "split_fingerprint": value}) for value in (None, 1, "abc", "F" * 64)],
)
def test_what_no_run_writes_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"^metrics\.json: must hold "):
        read_metrics(text)


def test_scores_and_intervals_that_are_none_are_left_out() -> None:
    content = json.loads(write_metrics({"accuracy": "0.9", "f1_macro": 0.5, "per_class": {}}))
    content["intervals"] = {"f1_macro": [0.6, 0.4], "accuracy": "wide", "f1_weighted": [0.1, 7], "x": [0, 1]}
    found = read_metrics(json.dumps(content))
    assert (found.scores, found.faults, found.intervals) == ({"f1_macro": 0.5}, {"accuracy": "'0.9'"}, {})


def test_not_a_number_in_json_is_a_fault() -> None:
    assert read_metrics(write_metrics({"accuracy": float("nan")})).faults == {"accuracy": "nan"}


@pytest.mark.parametrize("name", ["accuracy", "recall_weighted", "top_12_accuracy", "log_loss"])
def test_scores_of_a_report_are_metrics(name: str) -> None:
    assert is_metric(name)
    assert read_card(write_card({name: 0.5}))[0].scores == {name: 0.5}


@pytest.mark.parametrize("name", ["", "f1", "top_0_accuracy", "top_x_accuracy", "rows", "accuracy\n"])
def test_other_names_are_no_metrics(name: str) -> None:
    assert not is_metric(name)


def test_long_texts_end_in_dots() -> None:
    assert clean_text("x" * 201) == "x" * 199 + "…"
