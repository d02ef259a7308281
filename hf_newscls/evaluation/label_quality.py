"""Cross-validate a simple model to find labels that are easily confused and rows with a suspicious label.

The model is logistic regression on TF-IDF. A row is predicted by a model that was trained without the row and its
duplicates; only the TF-IDF weights, which do not depend on labels, come from all rows. To compare labels, each
probability is divided by the label's fraction of the rows. Otherwise small labels would always be confused with the
largest one.

Suspicious rows are found by confident learning (Northcutt, Jiang and Chuang 2021, arXiv 1911.00068): a row is
suspicious if another label is as probable for it as for rows that have that label. A suspicious label may be right,
because the model only knows words; in scripts without spaces, it only knows characters.

Shape letters: N rows, L labels, S suspicious rows, V words.
"""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.model_selection import cross_val_predict

from hf_newscls.evaluation.folds import split_folds, stratified_sample
from hf_newscls.evaluation.words import UNSPACED

_FOLDS = 5
_MAX_ROWS = 20_000
_MAX_WORDS = 50_000
# Words, and signs such as a question mark, which some kinds of headlines have more often than others.
_TOKENS = rf"[{UNSPACED}]|[^\W{UNSPACED}]+|[^\w\s]"
# Ten passes over the rows: as accurate on news headlines as the optimum, and 14 times faster than L-BFGS.
_FIT = {"C": 10.0, "solver": "saga", "max_iter": 10}
_PAIRS = 20

Rows = NDArray[np.int64]
Table = NDArray[np.float64]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelPair:
    """Two labels, the one with the lower id first, and how similar they are."""

    first: str
    second: str
    first_as_second: float  # fraction of the first label's rows that the model predicts as the second
    second_as_first: float
    similarity: float  # cosine of the mean TF-IDF vectors, after subtracting the mean of all rows; from -1 to 1

    @property
    def confusion(self) -> float:
        """Sum of both fractions: 0 if the labels are never confused, about 1 for a guess between the two."""
        return self.first_as_second + self.second_as_first


@dataclass(frozen=True)
class SuspiciousRows:
    """Rows with a suspicious label, the most suspicious first; all arrays have shape (S,)."""

    indices: Rows  # among all given rows
    given: Rows  # their labels
    suggested: Rows  # the most probable labels
    given_probability: Table
    suggested_probability: Table


@dataclass(frozen=True)
class LabelQuality:
    """What cross-validation of the simple model says about the labels."""

    label_names: Sequence[str]
    rows: int  # in the cross-validation
    rows_given: int  # if there are more than `rows`, a stratified sample was drawn
    folds: int
    seed: int
    accuracy: float  # on held-out rows
    confusion: Rows  # (L, L), by label and prediction, with probabilities divided by the labels' fractions
    similarities: Table  # (L, L), see `LabelPair.similarity`
    suspicious: SuspiciousRows

    def rank_by_confusion(self, *, limit: int = _PAIRS) -> list[LabelPair]:
        """Return the pairs that are confused most often, ties in label order; pairs never confused are left out."""
        pairs = sorted(self._build_pairs(), key=lambda pair: -pair.confusion)
        return [pair for pair in pairs[:limit] if pair.confusion > 0]

    def rank_by_similarity(self, *, limit: int = _PAIRS) -> list[LabelPair]:
        """Return the pairs with the most similar words, ties in label order."""
        return sorted(self._build_pairs(), key=lambda pair: -pair.similarity)[:limit]

    def count_suspicious(self) -> Rows:
        """Return the number of suspicious rows of each label, shape (L,)."""
        return np.bincount(self.suspicious.given, minlength=len(self.label_names))

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values, ready for JSON; of suspicious rows only the counts."""
        counts = dict(zip(self.label_names, self.count_suspicious().tolist(), strict=True))
        return {
            **{name: getattr(self, name) for name in ("rows", "rows_given", "folds", "seed", "accuracy")},
            "suspicious": {"rows": sum(counts.values()), "by_label": counts},
            "most_confused": [asdict(pair) | {"confusion": pair.confusion} for pair in self.rank_by_confusion()],
            "most_similar": [asdict(pair) for pair in self.rank_by_similarity()],
            "confusion": self.confusion.tolist(),
        }

    def _build_pairs(self) -> list[LabelPair]:
        fractions = self.confusion / np.maximum(self.confusion.sum(axis=1, keepdims=True), 1)
        return [
            LabelPair(
                self.label_names[one],
                self.label_names[other],
                float(fractions[one, other]),
                float(fractions[other, one]),
                float(self.similarities[one, other]),
            )
            for one, other in combinations(range(len(self.label_names)), 2)
        ]


def assess_labels(
    texts: Sequence[str],
    labels: Sequence[int] | Rows,
    *,
    label_names: Sequence[str],
    groups: Rows,
    seed: int,
    max_rows: int = _MAX_ROWS,
) -> LabelQuality:
    """Cross-validate the simple model on N rows, or on a stratified sample of `max_rows` of them.

    Args:
        texts: none of them empty.
        groups: (N,), equal for rows of one article, which are in the same fold.
        seed: of folds and sample.

    Raises:
        InputError: all rows are one article, or no label has two rows.
    """
    given, size = np.asarray(labels, dtype=np.int64), len(label_names)
    chosen = stratified_sample(given, max_rows=max_rows, seed=seed)
    known = given[chosen]
    folds = split_folds(known, groups[chosen], folds=_FOLDS, seed=seed)
    logger.info("checking the labels of %s of %s rows in %d folds", f"{len(known):,}", f"{len(given):,}", len(folds))
    vectorizer = TfidfVectorizer(token_pattern=_TOKENS, sublinear_tf=True, max_features=_MAX_WORDS, dtype=np.float32)
    features = vectorizer.fit_transform([texts[row] for row in chosen])
    probabilities = _cross_validate(features, known, folds, size=size, seed=seed)
    balanced = probabilities / np.maximum(np.bincount(known, minlength=size), 1)
    return LabelQuality(
        label_names=[*label_names],
        rows=len(chosen),
        rows_given=len(given),
        folds=len(folds),
        seed=seed,
        accuracy=float(np.mean(probabilities.argmax(axis=1) == known)),
        confusion=confusion_matrix(known, balanced.argmax(axis=1), labels=range(size)),
        similarities=_compare_labels(features, known, size=size),
        suspicious=find_suspicious(probabilities, known, chosen),
    )


def find_suspicious(probabilities: Table, labels: Rows, indices: Rows) -> SuspiciousRows:
    """Find suspicious labels from the probabilities (N, L) of a model that was not trained on the rows `indices`."""
    from cleanlab.filter import find_label_issues  # it takes seconds to import

    with warnings.catch_warnings():
        # Labels with few rows, or none, are checked as well as possible.
        warnings.filterwarnings("ignore", message="May not flag all label issues", category=UserWarning)
        found = find_label_issues(
            labels, probabilities, return_indices_ranked_by="normalized_margin", min_examples_per_class=0, n_jobs=1
        )
    suggested = probabilities[found].argmax(axis=1)
    return SuspiciousRows(
        indices=indices[found],
        given=labels[found],
        suggested=suggested,
        given_probability=probabilities[found, labels[found]],
        suggested_probability=probabilities[found, suggested],
    )


def _cross_validate(
    features: csr_matrix, labels: Rows, folds: Sequence[tuple[Rows, Rows]], *, size: int, seed: int
) -> Table:
    """Return each row's probabilities from the model of the other folds, (N, L); 0 for labels that are not in them."""
    can_learn = all(len(np.unique(labels[others])) > 1 for others, _ in folds)
    classifier = LogisticRegression(**_FIT, random_state=seed) if can_learn else DummyClassifier()
    with warnings.catch_warnings():
        # Ten passes are enough, see above.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # A label with few rows can be missing from the other folds.
        warnings.filterwarnings("ignore", message="Number of classes in training fold", category=RuntimeWarning)
        found = cross_val_predict(classifier, features, labels, cv=folds, method="predict_proba")
    probabilities = np.zeros((len(labels), size))
    probabilities[:, np.unique(labels)] = found
    return probabilities


def _compare_labels(features: csr_matrix, labels: Rows, *, size: int) -> Table:
    """Return the cosines between the labels' mean vectors, shape (L, L)."""
    members = csr_matrix((np.ones(len(labels)), (labels, np.arange(len(labels)))), shape=(size, len(labels)))
    sums, counts = (members @ features).toarray(), np.bincount(labels, minlength=size)
    # Subtract what all rows have in common, such as frequent words, which makes all labels similar.
    means = sums / np.maximum(counts, 1)[:, None] - sums.sum(axis=0) / len(labels)
    similarities: Table = np.clip(cosine_similarity(means), -1, 1)
    return similarities
