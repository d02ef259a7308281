"""A model beside another one that answered the same test rows: scores, and F1 of the labels with few training rows.

Shape letters: N test rows, L labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_newscls.evaluation.confusions import compute_f1, score_confusions
from hf_newscls.evaluation.intervals import Interval, to_interval
from hf_newscls.evaluation.metrics import compute_confusion
from hf_newscls.evaluation.resampling import Bootstrap, Resamples, resample_scores

__all__ = ["OtherAnswers", "RareLabel", "ScorePair", "SideBySide", "build_side_by_side"]

_RARE_LABELS = 10
_SCORES = ("accuracy", "f1_macro")


@dataclass(frozen=True)
class OtherAnswers:
    """What another model says of the test rows.

    Attributes:
        name: of its recipe.
        probabilities: (N, L), in the rows' order.
    """

    name: str
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

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "ScorePair":
        """Return the pair that `SideBySide.to_dict` wrote."""
        return cls(content["own"], content["other"], Interval(**content["gain"]))


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
        other: name of the other one's recipe.
        scores: accuracy and f1_macro.
        rare_f1: mean F1 of the rare labels.
        rare_labels: the ten, or fewer, with the fewest training rows of those with test rows; rarest first.
    """

    other: str
    scores: Mapping[str, ScorePair]
    rare_f1: ScorePair
    rare_labels: Sequence[RareLabel]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "SideBySide":
        """Return what `to_dict` wrote."""
        return cls(
            other=content["other"],
            scores={name: ScorePair.from_dict(pair) for name, pair in content["scores"].items()},
            rare_f1=ScorePair.from_dict(content["rare_f1"]),
            rare_labels=[
                RareLabel(**{**label, "f1": ScorePair.from_dict(label["f1"])}) for label in content["rare_labels"]
            ],
        )


def build_side_by_side(
    own: tuple[NDArray[np.float32], Resamples],
    other: OtherAnswers,
    references: NDArray[np.int64],
    *,
    train_counts: NDArray[np.int64],
    label_names: Sequence[str],
    bootstrap: Bootstrap,
) -> SideBySide:
    """Score both models on the very same rows and draws.

    Args:
        own: the model's probabilities (N, L), and its scores on the draws of the bootstrap.
        other: what the other one says.
        references: (N,) label ids.
        train_counts: (L,) training rows of each label.
        label_names: in the order of the label ids.
        bootstrap: how the rows were drawn.
    """
    probabilities, resamples = own
    others = resample_scores(other.probabilities, references, bootstrap)
    confusions = np.stack([compute_confusion(one, references) for one in (probabilities, other.probabilities)])
    scores, label_f1 = score_confusions(confusions.astype(np.float64)), compute_f1(confusions.astype(np.float64))
    supports = np.bincount(references, minlength=len(label_names))
    rare = [label for label in np.argsort(train_counts, kind="stable").tolist() if supports[label]][:_RARE_LABELS]
    gains = resamples.label_f1[:, rare] - others.label_f1[:, rare]
    return SideBySide(
        other=other.name,
        scores={name: _pair(scores[name], resamples.scores[name] - others.scores[name]) for name in _SCORES},
        rare_f1=_pair(label_f1[:, rare].mean(axis=1), gains.mean(axis=1)),
        rare_labels=[
            RareLabel(
                name=label_names[label],
                train_rows=int(train_counts[label]),
                test_rows=int(supports[label]),
                f1=_pair(label_f1[:, label], gains[:, place]),
            )
            for place, label in enumerate(rare)
        ],
    )


def _pair(scores: NDArray[np.float64], gains: NDArray[np.float64]) -> ScorePair:
    """Return a score of both, from their (2,) scores and the gains of the draws."""
    own, other = scores.tolist()
    return ScorePair(own, other, to_interval(gains))
