"""Compare the model with simpler classifiers on the same split."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from datasets import DatasetDict
from numpy.typing import NDArray

from hf_newscls.evaluation.baselines import models
from hf_newscls.evaluation.baselines.models import Probabilities
from hf_newscls.evaluation.metrics import compute_scores
from hf_newscls.evaluation.statistics.bootstrap import Bootstrap, Interval, compute_intervals, resample_scores
from hf_newscls.evaluation.statistics.significance import compute_gain, draw_scores
from hf_newscls.progress import track

MAJORITY = "majority class"
TFIDF = "TF-IDF with logistic regression"
CHARACTERS = "character TF-IDF, logistic regression"
SVM = "TF-IDF with linear SVM"
FROZEN = "frozen encoder with logistic regression"
LENGTH = "text length only"

Kind = Literal["baseline", "probe"]
"""A baseline reads the text, a probe sees too little to understand it."""


@dataclass(frozen=True)
class FrozenFeatures:
    """Features of texts from the encoder as it was before training."""

    train_rows: NDArray[np.int64]  # indices of the training rows that were encoded
    train: NDArray[np.float32]  # (training rows, H)
    test: NDArray[np.float32]  # (test rows, H)


@dataclass(frozen=True)
class Comparison:
    """A simpler classifier, trained and tested on the same rows as the model."""

    kind: Kind
    scores: Mapping[str, float]  # on test, as `compute_scores` names them
    intervals: Mapping[str, Interval]  # empty for the majority class, whose scores follow from the label counts
    gains: Mapping[str, Interval]  # of the model's score minus this one's, paired
    # Macro F1 on validation, of the TF-IDF baselines; the strongest one is chosen by it.
    validation_f1: float | None = None


@dataclass(frozen=True)
class Predicted:
    """Probabilities of a simpler classifier for the rows of a split, in their order."""

    test: Probabilities
    validation: Probabilities | None = None  # of the TF-IDF baselines


def build_comparisons(
    splits: DatasetDict,
    model: NDArray[np.float32],
    *,
    bootstrap: Bootstrap,
    features: FrozenFeatures | None,
    probes: Mapping[str, list[str]],
) -> dict[str, Comparison]:
    """Train every baseline and probe, score it, and compute the model's gain over it.

    Args:
        splits: rows with `text`, a `ClassLabel` named `label`, and the columns of the probes.
        model: the model's probabilities of the test rows, (N, L).
        bootstrap: for the intervals; those of gains are drawn without strata.
        features: of the frozen encoder; None leaves that baseline out.
        probes: columns by the probe's name.
    """
    references, validated = (np.asarray(splits[split]["label"][:]) for split in ("test", "validation"))
    own = draw_scores(model, references, bootstrap)

    def compare(kind: Kind, predicted: Predicted) -> Comparison:
        """Score a classifier on the rows and the draws of the model."""
        other = draw_scores(predicted.test, references, bootstrap)
        chosen_by = predicted.validation
        return Comparison(
            kind=kind,
            scores=other.scores,
            intervals=compute_intervals(resample_scores(predicted.test, references, bootstrap)),
            gains={name: compute_gain(score, other.by_metric[name]) for name, score in own.by_metric.items()},
            validation_f1=None if chosen_by is None else compute_scores(chosen_by, validated, top_k=())["f1_macro"],
        )

    baselines, probed = predict_baselines(splits, features), _predict_probes(splits, probes)
    found = {
        **{name: compare("baseline", predicted) for name, predicted in baselines.items()},
        **{name: compare("probe", predicted) for name, predicted in probed.items()},
    }
    return {**found, MAJORITY: replace(found[MAJORITY], intervals={})}


def find_strongest(comparisons: Mapping[str, Comparison]) -> str | None:
    """Return the name of the TF-IDF baseline with the highest macro F1 on validation; None if there is none.

    The choice is not made on test, where the best of several scores is too good by chance. TF-IDF of words wins ties,
    and in runs of an earlier version, which have no scores on validation.
    """
    scores = {name: one.validation_f1 or 0.0 for name, one in comparisons.items() if name in (TFIDF, CHARACTERS, SVM)}
    return max(scores, key=lambda name: (scores[name], name == TFIDF), default=None)


def predict_baselines(splits: DatasetDict, features: FrozenFeatures | None) -> dict[str, Predicted]:
    """Train the baselines and return their probabilities by name; without features, that of the encoder is left out."""
    train, validation, (tested, _) = (
        (splits[split]["text"][:], splits[split]["label"][:]) for split in ("train", "validation", "test")
    )
    labels, size = train[1], _count_labels(splits)
    texts, rows = [*validation[0], *tested], len(validation[0])
    by_text: dict[str, Callable[[], Probabilities]] = {
        TFIDF: lambda: models.predict_tfidf(train, texts, num_labels=size),
        CHARACTERS: lambda: models.predict_characters(train, texts, num_labels=size),
        SVM: lambda: models.predict_svm(train, validation, texts, num_labels=size),
    }
    predicted = {name: by_text[name]() for name in track(by_text, "baselines", total=len(by_text), unit="models")}
    found = {
        MAJORITY: Predicted(models.predict_majority(labels, rows=len(tested), num_labels=size)),
        **{name: Predicted(both[rows:], both[:rows]) for name, both in predicted.items()},
    }
    if features is not None:
        chosen = np.asarray(labels)[features.train_rows]
        found[FROZEN] = Predicted(models.predict_features(features.train, chosen, features.test, num_labels=size))
    return found


def _predict_probes(splits: DatasetDict, probes: Mapping[str, list[str]]) -> dict[str, Predicted]:
    train, test, size = splits["train"], splits["test"], _count_labels(splits)
    labels = train["label"][:]
    found = {LENGTH: Predicted(models.predict_length((train["text"][:], labels), test["text"][:], num_labels=size))}
    for name, columns in probes.items():
        texts, tested = (
            [" ".join(value or "" for value in values) for values in zip(*(split[one] for one in columns), strict=True)]
            for split in (train, test)
        )
        found[name] = Predicted(models.predict_words((texts, labels), tested, num_labels=size))
    return found


def _count_labels(splits: DatasetDict) -> int:
    return len(splits["train"].features["label"].names)
