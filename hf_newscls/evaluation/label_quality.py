"""Ask a simple model, cross-validated, which labels it cannot tell apart and which ones of the rows it doubts.

The model is TF-IDF with logistic regression. What it says of a row comes from a regression that saw neither the row nor
a duplicate of it; the weights of the words, which know no labels, are of all rows. To tell which labels are alike,
every label is given an equal chance: its probability is divided by its share of the rows, or else each small label
would be confused with the largest one.

Labels are doubted by confident learning (Northcutt, Jiang and Chuang 2021, arXiv 1911.00068), which asks whether a row
is as probable under another label as that label's own rows are. A doubted label may be right: the model knows words
alone.

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
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from hf_newscls.evaluation.folds import assign_folds, stratified_sample

__all__ = ["LabelPair", "LabelQuality", "SuspiciousRows", "assess_labels", "find_suspicious"]

_FOLDS = 5
_MAX_ROWS = 20_000
_MAX_WORDS = 50_000
# Words, and signs such as a question mark, which tell one kind of headline from another.
_TOKENS = r"\w+|[^\w\s]"
# Ten passes over the rows: as accurate on news headlines as the optimum, and 14 times quicker to reach than by L-BFGS.
_FIT = {"C": 10.0, "solver": "saga", "max_iter": 10}
_PAIRS = 20

Rows = NDArray[np.int64]
Table = NDArray[np.float64]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelPair:
    """Two labels and how near they are.

    Attributes:
        first: the name that comes first in the order of the labels.
        second: the other one.
        first_as_second: fraction of the first one's rows that the model takes for the second.
        second_as_first: the reverse.
        similarity: cosine of the mean TF-IDF vectors of their rows, less that of all rows; from -1 to 1.
    """

    first: str
    second: str
    first_as_second: float
    second_as_first: float
    similarity: float

    @property
    def confusion(self) -> float:
        """Both fractions together: 0 if the labels are never confused, 1 and more if no better than by chance."""
        return self.first_as_second + self.second_as_first


@dataclass(frozen=True)
class SuspiciousRows:
    """Rows whose label is doubted, worst first: those that the model is surest of being something else.

    Attributes:
        indices: shape (S,), of the rows among all that were given.
        given: shape (S,), their labels.
        suggested: shape (S,), the labels most probable to the model.
        given_probability: shape (S,).
        suggested_probability: shape (S,).
    """

    indices: Rows
    given: Rows
    suggested: Rows
    given_probability: Table
    suggested_probability: Table


@dataclass(frozen=True)
class LabelQuality:
    """What the simple model says of the labels.

    Attributes:
        label_names: in the order of the label ids.
        rows: rows judged.
        rows_given: rows there were; where there are more than are judged, a stratified sample was.
        folds: of the cross-validation.
        seed: of folds and sample.
        accuracy: of the model on rows it was not fitted to, by its most probable label.
        confusion: (L, L) rows judged, by label and by what the model says if every label has an equal chance.
        similarities: (L, L), as `LabelPair` has them.
        suspicious: rows whose label is doubted.
    """

    label_names: Sequence[str]
    rows: int
    rows_given: int
    folds: int
    seed: int
    accuracy: float
    confusion: Rows
    similarities: Table
    suspicious: SuspiciousRows

    def rank_by_confusion(self, *, limit: int = _PAIRS) -> list[LabelPair]:
        """Return the pairs most often confused, ties in label order; pairs never confused are left out."""
        pairs = sorted(self._build_pairs(), key=lambda pair: -pair.confusion)
        return [pair for pair in pairs[:limit] if pair.confusion > 0]

    def rank_by_similarity(self, *, limit: int = _PAIRS) -> list[LabelPair]:
        """Return the pairs with the most similar words, ties in label order."""
        return sorted(self._build_pairs(), key=lambda pair: -pair.similarity)[:limit]

    def count_suspicious(self) -> Rows:
        """Return the suspicious rows of each label, shape (L,)."""
        return np.bincount(self.suspicious.given, minlength=len(self.label_names))

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values, ready for JSON; suspicious rows are only counted."""
        counts = dict(zip(self.label_names, self.count_suspicious().tolist(), strict=True))
        return {
            "rows": self.rows,
            "rows_given": self.rows_given,
            "folds": self.folds,
            "seed": self.seed,
            "accuracy": self.accuracy,
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
    """Cross-validate the simple model and say what it makes of the labels.

    Args:
        texts: of N rows, none of them empty.
        labels: of the rows, as places in `label_names`.
        label_names: L names.
        groups: shape (N,), equal for rows that are one article; they share a fold.
        seed: of folds and sample.
        max_rows: from more rows than these a stratified sample is judged.

    Raises:
        InputError: all rows are one article: nothing is left to fit to.
    """
    given = np.asarray(labels, dtype=np.int64)
    chosen = stratified_sample(given, max_rows=max_rows, seed=seed)
    judged, size = given[chosen], len(label_names)
    folds = assign_folds(judged, groups[chosen], folds=_FOLDS, seed=seed)
    logger.info(
        "judging the labels of %s of %s rows in %d folds", f"{len(chosen):,}", f"{len(given):,}", folds.max() + 1
    )
    features = _weigh_words([texts[row] for row in chosen])
    probabilities = _cross_validate(features, judged, folds, size=size, seed=seed)
    return LabelQuality(
        label_names=[*label_names],
        rows=len(chosen),
        rows_given=len(given),
        folds=int(folds.max()) + 1,
        seed=seed,
        accuracy=float(np.mean(probabilities.argmax(axis=1) == judged)),
        confusion=_count_confusion(probabilities, judged, size=size),
        similarities=_compare_labels(features, judged, size=size),
        suspicious=find_suspicious(probabilities, judged, chosen),
    )


def find_suspicious(probabilities: Table, labels: Rows, indices: Rows) -> SuspiciousRows:
    """Doubt labels by the probabilities of a model that did not learn from them.

    Args:
        probabilities: (N, L).
        labels: (N,) label ids.
        indices: (N,) of the rows, as the result names them.
    """
    from cleanlab.filter import find_label_issues  # it takes seconds to import

    with warnings.catch_warnings():
        # A label of few rows, or none, is judged as well as can be.
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


def _weigh_words(texts: Sequence[str]) -> csr_matrix:
    """Return the TF-IDF of words, shape (N, V); no label has a part in it."""
    vectorizer = TfidfVectorizer(token_pattern=_TOKENS, sublinear_tf=True, max_features=_MAX_WORDS, dtype=np.float32)
    return vectorizer.fit_transform(texts)


def _cross_validate(features: csr_matrix, labels: Rows, folds: Rows, *, size: int, seed: int) -> Table:
    """Return for each row the probabilities of a fit to the other folds, shape (N, L); 0 for labels not in them."""
    probabilities = np.zeros((len(labels), size))
    for fold in range(folds.max() + 1):
        held, seen = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        present = np.unique(labels[seen])
        if len(present) == 1:
            probabilities[np.ix_(held, present)] = 1
            continue
        with warnings.catch_warnings():
            # Short of the optimum it still ranks the labels of a row.
            warnings.simplefilter("ignore", ConvergenceWarning)
            classifier = LogisticRegression(**_FIT, random_state=seed).fit(features[seen], labels[seen])
        probabilities[np.ix_(held, present)] = classifier.predict_proba(features[held])
    return probabilities


def _count_confusion(probabilities: Table, labels: Rows, *, size: int) -> Rows:
    """Return the rows by label and prediction, shape (L, L), every label given an equal chance."""
    predictions = (probabilities / np.maximum(np.bincount(labels, minlength=size), 1)).argmax(axis=1)
    return np.bincount(labels * size + predictions, minlength=size**2).reshape(size, size)


def _compare_labels(features: csr_matrix, labels: Rows, *, size: int) -> Table:
    """Return the cosines of the labels' mean vectors less that of all rows, shape (L, L)."""
    members = csr_matrix((np.ones(len(labels)), (labels, np.arange(len(labels)))), shape=(size, len(labels)))
    sums, counts = (members @ features).toarray().astype(np.float64), np.bincount(labels, minlength=size)
    # What all rows have in common, as frequent words, would make all labels alike.
    means = sums / np.maximum(counts, 1)[:, None] - sums.sum(axis=0) / len(labels)
    unit = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    similarities: Table = np.clip(unit @ unit.T, -1, 1)
    return similarities
