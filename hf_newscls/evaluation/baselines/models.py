"""What any classifier has to beat on the same split, and what a part of a text gives away without being read.

A probe is a classifier that sees too little to understand a text: its length, its title, its source. What it scores
needs no reading (Gururangan et al. 2018, arXiv 1803.02324).

Shape letters: N rows, L labels, H hidden size.
"""

import re
import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from hf_newscls.evaluation.calibration.calibration import fit_temperature, scale_probabilities

__all__ = [
    "predict_features",
    "predict_length",
    "predict_majority",
    "predict_svm",
    "predict_tfidf",
    "predict_words",
]

# Measured on news headlines: the default of 1 underfits rare classes by 10 points of macro F1.
_INVERSE_REGULARIZATION = 10.0
_FEATURE_INVERSE_REGULARIZATION = 0.1
_SVM_INVERSE_REGULARIZATION = 0.5
_LENGTH_BINS = 30
_PROBE_WORDS = 50_000
_WORD = re.compile(r"\b\w\w+\b")  # as TfidfVectorizer reads

Probabilities = NDArray[np.float64]


def predict_majority(train_labels: Sequence[int], *, rows: int, num_labels: int) -> Probabilities:
    """Return the training set's label shares as the probabilities (rows, L) of every row."""
    fractions = np.bincount(np.asarray(train_labels), minlength=num_labels) / len(train_labels)
    return np.tile(fractions, (rows, 1))


def predict_tfidf(
    train_texts: Sequence[str], train_labels: Sequence[int], test_texts: Sequence[str], *, num_labels: int
) -> Probabilities:
    """Fit TF-IDF over words and word pairs with logistic regression; return probabilities (rows, L) of the test texts.

    Labels that the training set lacks have probability 0. Training texts without a word give the labels' shares.
    """
    if not any(map(_WORD.search, train_texts)):
        return predict_majority(train_labels, rows=len(test_texts), num_labels=num_labels)
    vectorizer = _build_vectorizer()
    features = vectorizer.fit_transform(train_texts)
    classifier = LogisticRegression(C=_INVERSE_REGULARIZATION, max_iter=1000).fit(features, train_labels)
    return _spread(classifier.predict_proba(vectorizer.transform(test_texts)), classifier.classes_, num_labels)


def predict_words(
    train_texts: Sequence[str], train_labels: Sequence[int], test_texts: Sequence[str], *, num_labels: int
) -> Probabilities:
    """Fit TF-IDF over the 50,000 most frequent words with ten passes of logistic regression, for a probe.

    A fraction of the work of `predict_tfidf`. Labels that the training set lacks have probability 0; training texts
    without a word give the labels' shares.
    """
    if not any(map(_WORD.search, train_texts)):
        return predict_majority(train_labels, rows=len(test_texts), num_labels=num_labels)
    vectorizer = TfidfVectorizer(sublinear_tf=True, max_features=_PROBE_WORDS, dtype=np.float32)
    features = vectorizer.fit_transform(train_texts)
    classifier = LogisticRegression(C=_INVERSE_REGULARIZATION, solver="saga", max_iter=10, random_state=0)
    with warnings.catch_warnings():
        # Short of the optimum it still ranks the labels of a row.
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(features, train_labels)
    return _spread(classifier.predict_proba(vectorizer.transform(test_texts)), classifier.classes_, num_labels)


def predict_svm(
    train: tuple[Sequence[str], Sequence[int]],
    validation: tuple[Sequence[str], Sequence[int]],
    test_texts: Sequence[str],
    *,
    num_labels: int,
) -> Probabilities:
    """Fit TF-IDF with a linear support vector machine; return probabilities (rows, L) of the test texts.

    Margins become probabilities by a softmax whose temperature is fitted on validation; the order stays theirs.

    Args:
        train: texts and labels, among them a text with a word and two labels.
        validation: texts and labels.
        test_texts: to classify.
        num_labels: L; labels that the training set lacks have probability 0.
    """
    vectorizer = _build_vectorizer()
    features = vectorizer.fit_transform(train[0])
    classifier = LinearSVC(C=_SVM_INVERSE_REGULARIZATION, random_state=0).fit(features, train[1])

    def compute_plain(texts: Sequence[str]) -> Probabilities:
        """Return the softmax of the margins, shape (N, C), not yet calibrated."""
        margins = classifier.decision_function(vectorizer.transform(texts))
        margins = np.stack([-margins, margins], axis=1) if margins.ndim == 1 else margins
        odds = np.exp(margins - margins.max(axis=1, keepdims=True))
        return _spread(odds / odds.sum(axis=1, keepdims=True), classifier.classes_, num_labels)

    return scale_probabilities(compute_plain(test_texts), fit_temperature(compute_plain(validation[0]), validation[1]))


def predict_features(
    train_features: ArrayLike, train_labels: ArrayLike, test_features: ArrayLike, *, num_labels: int
) -> Probabilities:
    """Fit logistic regression to features (N, H) of an encoder; return probabilities (rows, L) of the test rows."""
    regression = LogisticRegression(C=_FEATURE_INVERSE_REGULARIZATION, max_iter=1000)
    classifier = make_pipeline(StandardScaler(), regression).fit(train_features, train_labels)
    return _spread(classifier.predict_proba(test_features), classifier.classes_, num_labels)


def predict_length(
    train_texts: Sequence[str], train_labels: Sequence[int], test_texts: Sequence[str], *, num_labels: int
) -> Probabilities:
    """Return as the probabilities (rows, L) of each text the label shares of training texts about as long.

    Lengths are counted in characters and fall into at most 30 classes of as many training texts each.
    """
    lengths, tested = (np.array([len(text) for text in texts]) for texts in (train_texts, test_texts))
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, _LENGTH_BINS + 1)[1:-1]))
    edges = edges[edges < lengths.max()]  # beyond the longest there is nothing to learn from
    counts = np.ones((len(edges) + 1, num_labels))  # so that no label is impossible
    np.add.at(counts, (np.searchsorted(edges, lengths), np.asarray(train_labels)), 1)
    probabilities: Probabilities = (counts / counts.sum(axis=1, keepdims=True))[np.searchsorted(edges, tested)]
    return probabilities


def _build_vectorizer() -> TfidfVectorizer:
    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)


def _spread(probabilities: Probabilities, classes: NDArray[np.int64], num_labels: int) -> Probabilities:
    """Put each column where its label id says."""
    spread = np.zeros((len(probabilities), num_labels))
    spread[:, classes] = probabilities
    return spread
