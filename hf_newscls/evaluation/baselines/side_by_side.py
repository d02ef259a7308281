"""A model beside another one that answered the same test rows: scores, and F1 of the labels with few training rows.

Shape letters: N test rows, L labels, R draws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_newscls.evaluation.confusion_scores import compute_f1, score_confusions
from hf_newscls.evaluation.metrics import compute_confusion
from hf_newscls.evaluation.statistics.bootstrap import Bootstrap, Interval, resample_scores, to_interval

__all__ = ["OtherPredictions", "RareLabel", "ScorePair", "SideBySide", "build_side_by_side"]

_RARE_LABELS = 10
_SCORES = ("accuracy", "f1_macro")


@dataclass(frozen=True)
class OtherPredictions:
    """What another model says of the test rows.

    Attributes:
        recipe_name: of its recipe.
        run_name: of its run folder.
        differences: what the two recipes say otherwise of model and training: the model's value and the other's, by
            `section.key`; None where a recipe says nothing.
        probabilities: (N, L), in the rows' order.
    """

    recipe_name: str
    run_name: str
    differences: Mapping[str, tuple[Any, Any]]
    probabilities: NDArray[np.float32]


@dataclass(frozen=True)
class ScorePair:
    """A score of both models.

    Attributes:
        own: of the model.
        other: of the other one.
        gain: 95% interval of the model's less the other's, paired.
    """

    own: float
    other: float
    gain: Interval

    @property
    def verdict(self) -> str:
        """What the interval says of the model."""
        if self.gain.low > 0:
            return "better beyond chance"
        return "worse beyond chance" if self.gain.high < 0 else "neither better nor worse beyond chance"

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "ScorePair":
        """Return the pair that `SideBySide.to_dict` wrote."""
        return cls(content["own"], content["other"], Interval(*content["gain"]))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {**asdict(self), "gain": [self.gain.low, self.gain.high]}


@dataclass(frozen=True)
class RareLabel:
    """A label with few training rows.

    Attributes:
        name: of the label.
        train_rows: how few.
        test_rows: those that both models answered.
        f1: of both.
    """

    name: str
    train_rows: int
    test_rows: int
    f1: ScorePair


@dataclass(frozen=True)
class SideBySide:
    """Two models on the same test rows.

    Attributes:
        recipe_name: of the other one.
        run_name: of the other one.
        differences: what the two recipes say otherwise of model and training: the model's value and the other's, by
            `section.key`; None where a recipe says nothing.
        scores: accuracy and f1_macro, by name, and of more than ten labels f1_rare, the mean F1 of `rare_labels`.
        rare_labels: the ten labels with the fewest training rows among those with test rows, or all of fewer; rarest
            first, equal ones in label order.
    """

    recipe_name: str
    run_name: str
    differences: Mapping[str, tuple[Any, Any]]
    scores: Mapping[str, ScorePair]
    rare_labels: Sequence[RareLabel]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "recipe": self.recipe_name,
            "run": self.run_name,
            "differences": {key: [*pair] for key, pair in self.differences.items()},
            "scores": {name: pair.to_dict() for name, pair in self.scores.items()},
            "rare_labels": [{**asdict(label), "f1": label.f1.to_dict()} for label in self.rare_labels],
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "SideBySide":
        """Return what `to_dict` wrote."""
        return cls(
            recipe_name=content["recipe"],
            run_name=content["run"],
            differences={key: (own, other) for key, (own, other) in content["differences"].items()},
            scores={name: ScorePair.from_dict(pair) for name, pair in content["scores"].items()},
            rare_labels=[
                RareLabel(**{**label, "f1": ScorePair.from_dict(label["f1"])}) for label in content["rare_labels"]
            ],
        )


def build_side_by_side(
    own: NDArray[np.float32],
    other: OtherPredictions,
    references: NDArray[np.int64],
    *,
    train_counts: NDArray[np.int64],
    label_names: Sequence[str],
    bootstrap: Bootstrap,
) -> SideBySide:
    """Score both models on the very same rows and draws.

    The intervals are over the test rows alone: each side is one training, and other seeds would move it too. They are
    drawn without strata.

    Args:
        own: the model's probabilities, (N, L).
        other: what the other one says.
        references: (N,) label ids.
        train_counts: (L,) training rows of each label.
        label_names: in the order of the label ids.
        bootstrap: how rows are drawn.
    """
    both, unstratified = (own, other.probabilities), bootstrap.without_strata()
    drawn, others = (resample_scores(one, references, unstratified) for one in both)
    confusions = np.stack([compute_confusion(one, references) for one in both]).astype(np.float64)
    values, label_f1 = score_confusions(confusions), compute_f1(confusions)
    scores = {name: _pair(values[name], drawn.scores[name] - others.scores[name]) for name in _SCORES}
    supports = np.bincount(references, minlength=len(label_names))
    rare = [label for label in np.argsort(train_counts, kind="stable").tolist() if supports[label]][:_RARE_LABELS]
    gains = drawn.label_f1 - others.label_f1
    if len(label_names) > _RARE_LABELS:
        counted = np.maximum(drawn.is_counted[:, rare].sum(axis=1), 1)
        scores["f1_rare"] = _pair(label_f1[:, rare].mean(axis=1), gains[:, rare].sum(axis=1) / counted)
    return SideBySide(
        recipe_name=other.recipe_name,
        run_name=other.run_name,
        differences=other.differences,
        scores=scores,
        rare_labels=[
            RareLabel(
                name=label_names[label],
                train_rows=int(train_counts[label]),
                test_rows=int(supports[label]),
                f1=_pair(label_f1[:, label], gains[:, label]),
            )
            for label in rare
        ],
    )


def _pair(scores: NDArray[np.float64], gains: NDArray[np.float64]) -> ScorePair:
    """Return a score of both, from their (2,) scores and the (R,) gains of the draws."""
    own, other = scores.tolist()
    return ScorePair(own, other, to_interval(gains))
