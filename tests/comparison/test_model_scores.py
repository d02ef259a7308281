"""Cards and metrics of strangers: no error of a library gets through."""

import json
from typing import Any

import pytest
import yaml

from hf_newscls.comparison.model_scores import Claim, clean_text, read_card, read_metrics, read_model_index
from hf_newscls.errors import DataError
from hf_newscls.evaluation.metric_names import is_metric
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.report.card_metadata import build_card_data
from tests.card_parts import FINGERPRINT, build_parts
from tests.comparison.board_parts import ONE, TWO, write_card, write_metrics


def front(content: Any) -> str:
    return f"---\n{yaml.safe_dump(content)}---\n"


def index(*metrics: Any, **dataset: Any) -> str:
    return front({"model-index": [{"name": "tiny", "results": [build_result(*metrics, **dataset)]}]})


def build_result(*metrics: Any, **dataset: Any) -> dict[str, Any]:
    about = {"type": "ann/news", "name": "News", "revision": ONE, **dataset}
    return {"task": {"type": "text-classification"}, "dataset": about, "metrics": [*metrics]}


def build_metric(value: Any, name: Any = "Accuracy", kind: Any = "custom") -> dict[str, Any]:
    return {"type": kind, "name": name, "value": value}


def test_card_that_publish_writes_is_read_back() -> None:
    parts = build_parts(data={"dataset_id": "ann/news"})
    data = build_card_data(parts.recipe, parts.manifest, parts.report, parts.record)
    (claim,) = read_card(f"---\n{data.to_yaml()}\n---\n")
    assert (claim.dataset, claim.split) == ("ann/news", FINGERPRINT)
    assert claim.scores == pytest.approx(parts.report.test.scores, abs=1e-6)
    assert claim.faults == {}


@pytest.mark.parametrize("text", ["", "# A model", "---\ntags: [a]\n---\n", "---\r\ntags: [a]\r\n---\r\n"])
def test_card_without_scores_claims_nothing(text: str) -> None:
    assert read_card(text) == []


def test_results_on_one_split_are_one_claim() -> None:
    first = build_result(build_metric(0.5), build_metric(0.3))
    second = build_result(build_metric(0.4, "Macro F1"))
    third = build_result(build_metric(0.1), revision=TWO)
    found = read_card(front({"model-index": [{"name": "tiny", "results": [first, second, third]}]}))
    assert [claim.scores for claim in found] == [{"accuracy": 0.5, "f1_macro": 0.4}, {"accuracy": 0.1}]


@pytest.mark.parametrize(
    ("metric", "scores"),
    [
        (build_metric(1, "Top-3 accuracy", "accuracy"), {"top_3_accuracy": 1.0}),
        ({"type": "accuracy", "value": 0.5}, {"accuracy": 0.5}),
        (build_metric(0.5, "Acc", "accuracy"), {"accuracy": 0.5}),
        ({"type": "f1", "value": 0.5}, {}),
        (build_metric(30, "BLEU", "bleu"), {}),
        (build_metric(0.5, "Top-99999999 accuracy"), {}),
        (build_metric(0.5, ["Accuracy"], {"a": 1}), {}),
        (build_metric(2.5, "Log loss"), {"log_loss": 2.5}),
    ],
)
def test_metrics_are_recognized_by_name(metric: dict[str, Any], scores: dict[str, float]) -> None:
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
def test_value_that_is_not_a_score_is_a_fault(value: Any, shown: str) -> None:
    (claim,) = read_card(index(build_metric(value)))
    assert (claim.scores, claim.faults) == ({}, {"accuracy": shown})


def test_huge_log_loss_is_a_fault() -> None:
    (claim,) = read_card(index(build_metric(10**300, "Log loss")))
    assert claim.faults == {"log_loss": "a huge number"}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("---\na: [1\n---\n", "metadata"),
        ("---\n- a\n---\n", "metadata"),
        ("---\nwhen: 2020-99-99\n---\n", "metadata"),
        ("---\n!!python/object/apply:os.system ['true']\n---\n", "os.system"),
        (f"---\n{'[' * 5000}\n---\n", "metadata"),
        (f"---\na: {'x' * 300_000}\n---\n", "300,0"),
        (front({"model-index": "none"}), "model-index"),
        (front({"model-index": 3}), "model-index"),
        (front({"model-index": [1]}), "model-index"),
        (front({"model-index": [{"name": "a"}]}), "'results'"),
        (front({"model-index": [{"name": "a", "results": {"a": 1}}]}), "model-index"),
        (front({"model-index": [{"name": "a", "results": [None]}]}), "model-index"),
        (front({"model-index": [{"name": "a", "results": [{"metrics": 3}]}]}), "model-index"),
        (front({"model-index": [{"name": "a", "results": [{**build_result(), "dataset": [1]}]}]}), "model-index"),
        (front({"model-index": [{"name": "a", "results": [{**build_result({}), "source": "x"}]}]}), "model-index"),
        (index({"name": "Accuracy", "value": 0.5}), "'type'"),
        (index({"type": "accuracy"}), "'value'"),
    ],
)
def test_card_that_cannot_be_read_is_refused(text: str, part: str) -> None:
    with pytest.raises(DataError, match=r"^README\.md: ") as caught:
        read_card(text)
    assert part in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("metadata", [{"tags": 5}, {"eval_results": [1]}, {"tags": [{"a": 1}]}])
def test_strange_metadata_does_not_hide_the_scores(metadata: dict[str, Any]) -> None:
    content = {**metadata, "model-index": [{"name": "tiny", "results": [build_result(build_metric(0.5))]}]}
    (claim,) = read_card(front(content))
    assert claim.scores == {"accuracy": 0.5}


def test_yaml_aliases_do_not_fill_the_memory() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))]
    with pytest.raises(DataError):
        read_card("\n".join(["---", *lines, "model-index: *a29", "---", ""]).replace("*a29", "[{a: *a29}]"))


def test_lists_that_repeat_within_lists_are_refused() -> None:
    lines = [
        "metric: &m {type: accuracy, value: 0.5}",
        f"metrics: &ms [{', '.join(['*m'] * 2000)}]",
        "result: &r {task: {type: t}, dataset: {type: d, name: d}, metrics: *ms}",
        f"results: &rs [{', '.join(['*r'] * 2000)}]",
        f"model-index: [{', '.join(['{name: n, results: *rs}'] * 2000)}]",
    ]
    with pytest.raises(DataError):
        read_card("\n".join(["---", *lines, "---", ""]))


def test_revision_of_digits_is_a_text_and_a_missing_one_is_none() -> None:
    metric = build_metric(0.5)
    assert read_card(index(metric, revision=20240101))[0].split == "default/test at 20240101"
    assert read_card(index(metric, revision=None))[0].split is None
    assert read_card(index(metric, revision=["a"]))[0].split is None


def test_other_parts_and_revisions_of_a_dataset_are_other_splits() -> None:
    places = ({"split": "validation"}, {"config": "en"}, {"config": "en", "revision": "main"}, {"config": "other"})
    results = [build_result(build_metric(0.7), **place) for place in places]
    found = read_card(front({"model-index": [{"name": "tiny", "results": results}]}))
    assert [claim.split for claim in found] == [f"default/validation at {ONE}", ONE, "en/test at main"]


def test_dataset_name_is_cleaned_for_a_line() -> None:
    (claim,) = read_card(index(build_metric(0.5), type="a\x1b[31m\nb" + "x" * 500))
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


def test_metrics_of_an_earlier_version_are_read_under_their_new_names() -> None:
    text = write_metrics({"matthews": 0.5, "abc": {"matthews": 1}}, intervals={"matthews": Interval(0.4, 0.6)})
    assert read_metrics(text) == Claim("", ONE, scores={"mcc": 0.5}, intervals={"mcc": Interval(0.4, 0.6)})


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{", '{"test": {}}', '{"test": [], "split_fingerprint": "x"}', "[" * 100_000]
    + [json.dumps({"test": {}, "split_fingerprint": value}) for value in (None, 1, "abc", "F" * 64)],
)
def test_text_that_no_run_writes_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"^metrics\.json: "):
        read_metrics(text)


def test_invalid_scores_and_intervals_are_left_out() -> None:
    content = json.loads(write_metrics({"accuracy": "0.9", "f1_macro": 0.5, "per_class": {}}))
    content["intervals"] = {"f1_macro": [0.6, 0.4], "accuracy": "wide", "f1_weighted": [0.1, 7], "x": [0, 1]}
    found = read_metrics(json.dumps(content))
    assert (found.scores, found.faults, found.intervals) == ({"f1_macro": 0.5}, {"accuracy": "'0.9'"}, {})


def test_nan_in_json_is_a_fault() -> None:
    assert read_metrics(write_metrics({"accuracy": float("nan")})).faults == {"accuracy": "nan"}


@pytest.mark.parametrize("name", ["accuracy", "recall_weighted", "top_12_accuracy", "log_loss"])
def test_scores_of_a_report_are_metrics(name: str) -> None:
    assert is_metric(name)
    assert read_card(write_card({name: 0.5}))[0].scores == {name: 0.5}


@pytest.mark.parametrize("name", ["", "f1", "top_0_accuracy", "top_x_accuracy", "rows", "accuracy\n"])
def test_other_names_are_not_metrics(name: str) -> None:
    assert not is_metric(name)


def test_long_texts_are_cut() -> None:
    assert clean_text("x" * 201) == "x" * 199 + "…"
