"""Old keys of metrics.json are read, and names of labels and classifiers stay."""

from hf_newscls.evaluation.renamed_keys import rename_old_keys


def test_names_of_labels_and_classifiers_stay() -> None:
    content = {
        "test": {"matthews": 0.5, "per_class": {"matthews": {"f1": 1.0}}},
        "comparisons": {"shares": {"scores": {"matthews": 0.1}}},
    }
    assert rename_old_keys(content) == {
        "test": {"mcc": 0.5, "per_class": {"matthews": {"f1": 1.0}}},
        "comparisons": {"shares": {"scores": {"mcc": 0.1}}},
    }


def test_metric_of_the_threshold_is_renamed() -> None:
    content = {"calibration": {"threshold": {"label": "matthews", "metric": "matthews"}, "abstention": {"shares": [1]}}}
    assert rename_old_keys(content) == {
        "calibration": {"threshold": {"label": "matthews", "metric": "mcc"}, "risk_coverage": {"fractions": [1]}}
    }


def test_new_keys_stay() -> None:
    content = {"tokens": {"median": 4.0, "longest": 9, "fraction_cut_off": 0.5}, "intervals": {"mcc": [0.1, 0.2]}}
    assert rename_old_keys(content) == content
    assert rename_old_keys({"tokens": {"share_cut_off": 0.5}}) == {"tokens": {"fraction_cut_off": 0.5}}


def test_temperature_that_was_only_advised_counts_as_none() -> None:
    content = {"calibration": {"temperature": 2.0, "before": "plain", "after": "scaled", "scores": {"log_loss": 0.1}}}
    found = rename_old_keys(content)["calibration"]
    assert (found["temperature"], found["before"], found["after"]) == (1.0, "plain", "plain")
    today = {"calibration": {"temperature": 2.0, "before": "plain", "after": "scaled", "scores_before": {}}}
    assert rename_old_keys(today) == today
