"""The report has the right values, and JSON keeps them."""

import json
from typing import Any

import numpy as np
import pytest
from datasets import Dataset, DatasetDict
from numpy.typing import NDArray

from hf_newscls.evaluation.baselines.comparison import (
    CHARACTERS,
    FROZEN,
    LENGTH,
    MAJORITY,
    SVM,
    TFIDF,
    FrozenFeatures,
)
from hf_newscls.evaluation.baselines.models import predict_tfidf
from hf_newscls.evaluation.metrics import compute_scores
from hf_newscls.evaluation.report import EvaluationReport, build_report
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.recipe.evaluation import EvaluationSection
from tests.conftest import LABELS
from tests.tiny_models import build_splits

SECTION = EvaluationSection(top_k=[1, 2], bootstrap_resamples=100)


@pytest.fixture
def splits(news_rows: Any) -> DatasetDict:
    """60 rows to train on, 24 to validate and 30 to test."""
    return build_splits(news_rows, train=60, validation=24, test=30)


def draw(rows: int, *, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).dirichlet(np.ones(3), size=rows).astype(np.float32)


def build(splits: DatasetDict, section: EvaluationSection = SECTION, **changes: Any) -> EvaluationReport:
    test = changes.pop("test", draw(30, seed=2))
    return build_report(splits, {"validation": draw(24, seed=1), "test": test}, section=section, seed=17, **changes)


def test_each_split_is_scored_on_its_own_rows(splits: DatasetDict) -> None:
    report = build(splits)
    assert report.label_names == list(LABELS)
    for split, rows, seed in ((report.validation, 24, 1), (report.test, 30, 2)):
        name = "validation" if split is report.validation else "test"
        assert split.rows == rows == sum(scores["support"] for scores in split.per_class.values())
        assert split.scores == compute_scores(draw(rows, seed=seed), splits[name]["label"][:], top_k=[1, 2])
        assert [*split.per_class] == list(LABELS)


def test_confusion_and_intervals_are_of_the_test_split(splits: DatasetDict) -> None:
    report = build(splits)
    assert report.confusion.sum() == 30
    assert np.trace(report.confusion) / 30 == report.test.scores["accuracy"]
    assert {*report.intervals} == {*report.test.scores} - {"calibration_error"}
    for name, interval in report.intervals.items():
        assert interval.low <= report.test.scores[name] <= interval.high


def test_baselines_are_trained_on_train_and_scored_on_test(splits: DatasetDict) -> None:
    report = build(splits)
    train, test = splits["train"], splits["test"]
    tfidf = predict_tfidf((train["text"][:], train["label"][:]), test["text"][:], num_labels=3)
    assert report.comparisons[TFIDF].scores == compute_scores(tfidf, test["label"][:], top_k=[1, 2])
    # Each label has a third of the rows; the lowest label wins the tie.
    assert report.comparisons[MAJORITY].scores["accuracy"] == pytest.approx(1 / 3)
    assert report.comparisons[MAJORITY].scores["log_loss"] == pytest.approx(np.log(3))
    assert [name for name, one in report.comparisons.items() if one.kind == "baseline"] == [
        MAJORITY,
        TFIDF,
        CHARACTERS,
        SVM,
    ]


def test_gain_over_equal_predictions_is_zero(splits: DatasetDict) -> None:
    train, test = splits["train"], splits["test"]
    tfidf = predict_tfidf((train["text"][:], train["label"][:]), test["text"][:], num_labels=3)
    report = build(splits, test=tfidf.astype(np.float32))
    assert {report.gains[name] for name in ("accuracy", "f1_macro", "f1_weighted", "mcc")} == {Interval(0.0, 0.0)}


def test_gain_is_the_score_minus_that_of_the_baseline(splits: DatasetDict) -> None:
    # TF-IDF predicts the tiny news correctly; random probabilities do not.
    report = build(splits)
    for name in ("accuracy", "f1_macro", "f1_weighted"):
        interval = report.gains[name]
        gain = report.test.scores[name] - report.comparisons[TFIDF].scores[name]
        assert interval.low <= gain <= interval.high < 0


def write_headlines(splits: DatasetDict, *, offset: int) -> DatasetDict:
    """Replace each text by one Chinese word that no other row has; its second character depends on the label.

    In the test set the character is that of the label `offset` further on.
    """

    def write(split: str) -> Dataset:
        rows, shift = splits[split], offset if split == "test" else 0
        texts = [
            f"{chr(0x4E00 + index)}{'球股星'[(label + shift) % 3]}{chr(0x5E00 + index)}"
            for index, label in enumerate(rows["label"][:], start=1000 * [*splits].index(split))
        ]
        return rows.remove_columns("text").add_column("text", texts)

    return DatasetDict({split: write(split) for split in splits})


@pytest.mark.parametrize("offset", [0, 1])
def test_gain_is_over_the_baseline_that_is_strongest_on_validation(offset: int, splits: DatasetDict) -> None:
    # With an offset, characters are always wrong on test: the choice must not see that.
    report = build(write_headlines(splits, offset=offset))
    assert report.comparisons[CHARACTERS].validation_f1 == 1
    assert report.comparisons[CHARACTERS].scores["accuracy"] == (0 if offset else 1)
    assert report.comparisons[TFIDF].validation_f1 == pytest.approx(1 / 6)  # one label for all rows
    assert report.strongest_baseline == (CHARACTERS, report.comparisons[CHARACTERS])
    assert report.gains == report.comparisons[CHARACTERS].gains


def test_words_win_a_tie_and_the_runs_of_an_earlier_version(splits: DatasetDict) -> None:
    report = build(splits)
    assert {report.comparisons[name].validation_f1 for name in (TFIDF, CHARACTERS, SVM)} == {1}
    assert report.gains == report.comparisons[TFIDF].gains
    content = report.to_dict()
    for one in content["comparisons"].values():
        del one["validation_f1"]
    del content["comparisons"][CHARACTERS]
    assert EvaluationReport.from_dict(content).gains == report.comparisons[TFIDF].gains


def test_label_of_one_row_does_not_decide_the_gain(splits: DatasetDict) -> None:
    # The one row of the third label has the text of another label, and only the model is right on it. A draw misses the
    # row with a probability of 36%, and then the gain is zero.
    rows = [row for row in splits["test"] if row["label"] != 2]
    rows.append({**rows[0], "label": 2})
    splits["test"] = Dataset.from_list(rows, features=splits["test"].features)
    right = np.eye(3, dtype=np.float32)[splits["test"]["label"][:]]
    report = build(splits, test=right)
    assert report.comparisons[TFIDF].scores["accuracy"] == pytest.approx(20 / 21)
    assert report.test.scores["f1_macro"] - report.comparisons[TFIDF].scores["f1_macro"] > 1 / 3
    assert report.gains["f1_macro"].low == 0 < report.gains["f1_macro"].high


def test_probes_see_only_their_columns(splits: DatasetDict) -> None:
    # The texts predict the label; their length and a constant column do not.
    silent = DatasetDict({split: rows.add_column("author", ["ann"] * len(rows)) for split, rows in splits.items()})
    report = build(silent, probes={"author only": ["author"], "all": ["author", "text"]})
    assert [*report.probes] == [LENGTH, "author only", "all"]
    assert report.probes["all"].scores["accuracy"] > 0.9
    assert report.probes["author only"].scores["accuracy"] == pytest.approx(1 / 3, abs=0.05)
    low, high = report.probes[LENGTH].intervals["accuracy"].low, report.probes[LENGTH].intervals["accuracy"].high
    assert low <= report.probes[LENGTH].scores["accuracy"] <= high < 0.9


def test_frozen_features_are_of_the_chosen_rows(splits: DatasetDict) -> None:
    labels, tested = (np.asarray(splits[split]["label"][:]) for split in ("train", "test"))
    rows = np.arange(0, 60, 2)
    features = FrozenFeatures(rows, *(np.eye(3, dtype=np.float32)[one] for one in (labels[rows], tested)))
    report = build(splits, features=features)
    assert report.comparisons[FROZEN].scores["accuracy"] == 1
    assert FROZEN not in build(splits).comparisons


def test_rows_of_one_article_are_drawn_together(splits: DatasetDict) -> None:
    apart, together = build(splits), build(splits, groups=np.arange(30) // 10)
    accuracy = [report.intervals["accuracy"] for report in (apart, together)]
    assert accuracy[0] != accuracy[1]


def test_without_baselines_there_are_no_gains(splits: DatasetDict) -> None:
    report = build(splits, EvaluationSection(baseline=False, top_k=[], bootstrap_resamples=100))
    assert report.comparisons == {}
    assert (report.strongest_baseline, report.gains) == (None, {})
    assert not [name for name in report.test.scores if name.startswith("top_")]


@pytest.mark.parametrize("baseline", [True, False])
def test_json_keeps_the_report(baseline: bool, splits: DatasetDict) -> None:
    report = build(splits, EvaluationSection(baseline=baseline, bootstrap_resamples=100))
    content = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    again = EvaluationReport.from_dict({**content, "train_rows": 60, "device": "CPU"})
    assert again.to_dict() == report.to_dict() == content
    assert again.confusion.dtype == np.int64
    assert again.intervals == report.intervals
    assert again.comparisons == report.comparisons
    assert type(again.test.per_class["SPORTS"]["support"]) is int
    assert np.array_equal(again.calibration.risk_coverage.accuracy, report.calibration.risk_coverage.accuracy)
    assert (again.test, again.validation) == (report.test, report.validation)


def test_json_has_the_scores_next_to_the_rows(splits: DatasetDict) -> None:
    report = build(splits)
    content = report.to_dict()["test"]
    assert content == {**report.test.scores, "rows": 30, "per_class": report.test.per_class}


def test_report_of_an_earlier_version_is_read(splits: DatasetDict) -> None:
    report = build(splits)
    text = json.dumps(report.to_dict())
    for new, old in (("mcc", "matthews"), ("fractions", "shares")):
        text = text.replace(f'"{new}"', f'"{old}"')
    assert text.count('"matthews"') > 3
    assert EvaluationReport.from_dict(json.loads(text)).to_dict() == report.to_dict()


def test_table_has_one_row_for_each_score(splits: DatasetDict) -> None:
    report = build(splits)
    table = report.to_pandas().set_index(["split", "score"])
    assert len(table) == len(report.test.scores) + len(report.validation.scores)
    assert table.loc[("test", "f1_macro")].tolist() == [report.test.scores["f1_macro"], *report.intervals["f1_macro"]]
    assert table.loc[("validation", "mcc"), "value"] == report.validation.scores["mcc"]
    assert table.loc["validation"][["low", "high"]].isna().all(axis=None)
    assert table.loc[("test", "calibration_error"), ["low", "high"]].isna().all()
    html = report._repr_html_()
    assert html.startswith("<table")
    assert "NaN" not in html


def test_label_without_test_rows_is_in_the_report(splits: DatasetDict) -> None:
    kept = [index for index, label in enumerate(splits["test"]["label"]) if label != 1]
    without = DatasetDict({**splits, "test": splits["test"].select(kept)})
    report = build(without, test=draw(len(kept), seed=2))
    assert report.test.per_class["SCIENCE"]["support"] == 0
    assert report.confusion[1].tolist() == [0, 0, 0]
    assert json.dumps(report.to_dict(), allow_nan=False)
