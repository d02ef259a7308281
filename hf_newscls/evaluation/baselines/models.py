"""Baselines that a model should beat, and probes that show how much of the task needs no reading.

A probe sees too little to understand a text, such as its length or its source. What it scores can be reached without
reading (Gururangan et al. 2018, arXiv 1803.02324).

Each function returns probabilities of the rows to predict, shape (rows, L); a label without training rows has
probability 0. If no training text has a word of two letters, the models of words give every row the labels' fractions.

Shape letters: N rows, L labels, H hidden size.
"""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from hf_newscls.evaluation.calibration.temperature import fit_temperature, scale_probabilities
from hf_newscls.evaluation.words import UNSPACED

# Measured on news headlines: the default of 1 underfits rare classes by 10 points of macro F1.
_TEXT_C = 10.0
_FEATURE_C = 0.1
_SVM_C = 0.5
_LENGTH_BINS = 30
_PROBE_WORDS = 50_000
# As the default of TfidfVectorizer, which takes a Chinese headline for one word.
_PROBE_TOKENS = rf"[{UNSPACED}]|[^\W{UNSPACED}]{{2,}}"

Probabilities = NDArray[np.float64]
Labeled = tuple[Sequence[str], Sequence[int]]
"""Texts and their label ids."""


def predict_majority(train_labels: Sequence[int], *, rows: int, num_labels: int) -> Probabilities:
    """Give every row the labels' fractions of the training set as probabilities."""
    fractions = np.bincount(np.asarray(train_labels), minlength=num_labels) / len(train_labels)
    return np.tile(fractions, (rows, 1))


def predict_tfidf(train: Labeled, test_texts: Sequence[str], *, num_labels: int) -> Probabilities:
    """Predict with TF-IDF of words and word pairs and logistic regression."""
    pipeline = make_pipeline(_build_vectorizer(), LogisticRegression(C=_TEXT_C, max_iter=1000))
    return _fit_predict(pipeline, train, test_texts, num_labels=num_labels)


def predict_characters(train: Labeled, test_texts: Sequence[str], *, num_labels: int) -> Probabilities:
    """Predict with TF-IDF of characters and character pairs within words, and logistic regression.

    It also learns from scripts without spaces between words, where a whole headline is one word.
    """
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32)
    pipeline = make_pipeline(vectorizer, LogisticRegression(C=_TEXT_C, max_iter=1000))
    return _fit_predict(pipeline, train, test_texts, num_labels=num_labels)


def predict_words(train: Labeled, test_texts: Sequence[str], *, num_labels: int) -> Probabilities:
    """Predict with TF-IDF of the 50,000 most frequent words and ten passes of logistic regression, which is faster."""
    pipeline = make_pipeline(
        TfidfVectorizer(token_pattern=_PROBE_TOKENS, sublinear_tf=True, max_features=_PROBE_WORDS, dtype=np.float32),
        LogisticRegression(C=_TEXT_C, solver="saga", max_iter=10, random_state=0),
    )
    with warnings.catch_warnings():
        # Ten passes do not converge, but they are enough to rank the labels.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return _fit_predict(pipeline, train, test_texts, num_labels=num_labels)


def predict_svm(train: Labeled, validation: Labeled, test_texts: Sequence[str], *, num_labels: int) -> Probabilities:
    """Predict with TF-IDF and a linear support vector machine.

    Probabilities are the softmax of the margins, with a temperature that is fitted on validation. There must be two
    labels.
    """
    classifier = make_pipeline(_build_vectorizer(), LinearSVC(C=_SVM_C, random_state=0))
    if not _has_words(classifier, train[0]):
        return predict_majority(train[1], rows=len(test_texts), num_labels=num_labels)
    classifier.fit(*train)

    def predict_uncalibrated(texts: Sequence[str]) -> Probabilities:
        """Return the softmax of the margins, shape (N, L)."""
        margins = classifier.decision_function(texts)
        margins = np.stack([-margins, margins], axis=1) if margins.ndim == 1 else margins
        return _expand_columns(softmax(margins, axis=1), classifier.classes_, num_labels)

    temperature = fit_temperature(predict_uncalibrated(validation[0]), validation[1])
    return scale_probabilities(predict_uncalibrated(test_texts), temperature)


def predict_features(
    train_features: ArrayLike, train_labels: ArrayLike, test_features: ArrayLike, *, num_labels: int
) -> Probabilities:
    """Predict with logistic regression on features (N, H) of an encoder."""
    regression = LogisticRegression(C=_FEATURE_C, max_iter=1000)
    classifier = make_pipeline(StandardScaler(), regression).fit(train_features, train_labels)
    return _expand_columns(classifier.predict_proba(test_features), classifier.classes_, num_labels)


def predict_length(train: Labeled, test_texts: Sequence[str], *, num_labels: int) -> Probabilities:
    """Give each text the labels' fractions among training texts of similar length.

    Lengths are counted in characters and fall into at most 30 bins with equally many training texts. One row of each
    label is added to each bin, so no probability is 0.
    """
    lengths, tested = (np.array([len(text) for text in texts]) for texts in (train[0], test_texts))
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, _LENGTH_BINS + 1)[1:-1]))
    edges = edges[edges < lengths.max()]  # no training text is in the bin above the longest one
    counts = np.ones((len(edges) + 1, num_labels))
    np.add.at(counts, (np.searchsorted(edges, lengths), np.asarray(train[1])), 1)
    probabilities: Probabilities = (counts / counts.sum(axis=1, keepdims=True))[np.searchsorted(edges, tested)]
    return probabilities


def _build_vectorizer() -> TfidfVectorizer:
    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)


def _fit_predict(pipeline: Pipeline, train: Labeled, test_texts: Sequence[str], *, num_labels: int) -> Probabilities:
    texts, labels = train
    if not _has_words(pipeline, texts):
        return predict_majority(labels, rows=len(test_texts), num_labels=num_labels)
    pipeline.fit(texts, labels)
    return _expand_columns(pipeline.predict_proba(test_texts), pipeline.classes_, num_labels)


def _has_words(pipeline: Pipeline, texts: Sequence[str]) -> bool:
    """Return whether the vectorizer, the first step, finds anything in a text."""
    return any(map(pipeline[0].build_analyzer(), texts))


def _expand_columns(probabilities: Probabilities, classes: NDArray[np.int64], num_labels: int) -> Probabilities:
    """Return one column for each label id; labels that are not in `classes` get 0."""
    expanded = np.zeros((len(probabilities), num_labels))
    expanded[:, classes] = probabilities
    return expanded
