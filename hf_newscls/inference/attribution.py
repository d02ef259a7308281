"""Which words moved a decision: their Shapley values, estimated by captum (the extra `explain`).

A word's contribution is what the probability of a label gains by it, on average over the orders in which the words can
be added one after the other to an empty text: Shapley values (Lundberg and Lee 2017, arXiv 1705.07874), by sampled
orders (Castro et al. 2009). Whatever the orders, the contributions add up to what the whole text gains over the empty
one; each by itself is an estimate. The model is asked as `predict` asks it, so heads, windows and adapters of any kind
are explained alike.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hf_newscls.errors import InputError
from hf_newscls.inference.predicting import TrainedClassifier, predict_probabilities

__all__ = ["Attribution", "Contribution", "attribute_words", "check_captum", "cut_into_parts", "cut_to_read"]

_READINGS = 2000
_LEAST_SAMPLES = 25
_MAX_PARTS = 64
_TEXTS_AT_ONCE = 64

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Contribution:
    """A word, or a few in a row, and what the probability gains by it, in [-1, 1]."""

    words: str
    value: float


@dataclass(frozen=True)
class Attribution:
    """What the words of a text did for a label.

    Attributes:
        contributions: in the order of the text.
        empty_probability: of the label where there is no word.
        probability: of the label for the whole text; the empty one and all contributions together.
    """

    contributions: Sequence[Contribution]
    empty_probability: float
    probability: float


def check_captum() -> None:
    """Refuse to go on without captum.

    Raises:
        InputError: it is not installed.
    """
    try:
        import captum.attr  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputError(
            f"explain: captum must be installed, found no module {error.name!r}; "
            "run `pip install 'hf-newscls[explain]'`"
        ) from error


def attribute_words(
    classifier: TrainedClassifier, text: str, *, label: int, samples: int | None = None, seed: int = 17
) -> Attribution:
    """Share the probability of a label out among the words of a text.

    Args:
        classifier: that is asked.
        text: to explain, as `cut_to_read` returns it; over 64 words are taken a few in a row together.
        label: id of the label.
        samples: orders of the words to try; the text is read so many times its words. If None, as many as make some
            2,000 readings, and no fewer than 25.
        seed: of the orders.

    Raises:
        InputError: captum is not installed.
    """
    check_captum()
    from captum.attr import ShapleyValueSampling

    parts = cut_into_parts(text, at_most=_MAX_PARTS)

    def predict(kept: Tensor) -> Tensor:
        """Return the probability of the label for texts of the words that are kept."""
        # Without the space behind the last word, which is a token of its own to some tokenizers.
        texts = [
            "".join(part for part, is_kept in zip(parts, row, strict=True) if is_kept).rstrip() for row in kept.tolist()
        ]
        return torch.from_numpy(predict_probabilities(classifier, texts)[:, label].astype(np.float64))

    empty, whole = predict(torch.tensor([[0.0] * len(parts), [1.0] * len(parts)])).tolist()
    if not parts:
        return Attribution([], empty, whole)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        values: Tensor = ShapleyValueSampling(predict).attribute(
            torch.ones(1, len(parts)),
            n_samples=samples or max(_READINGS // len(parts), _LEAST_SAMPLES),
            perturbations_per_eval=_TEXTS_AT_ONCE,
        )
    contributions = [Contribution(part.strip(), value) for part, value in zip(parts, values[0].tolist(), strict=True)]
    return Attribution(contributions, empty, whole)


def cut_to_read(classifier: TrainedClassifier, text: str) -> str:
    """Return what a classifier reads of a text, without space around it: words that it never reads move nothing.

    Raises:
        InputError: the text is longer than the classifier reads, and not its head is kept.
    """
    tokenizer, text = classifier.tokenizer, text.strip()
    tokens, limit = len(tokenizer(text, truncation=False, verbose=False)["input_ids"]), tokenizer.model_max_length
    if tokens <= limit:
        return text
    if classifier.truncation != "head" or not tokenizer.is_fast:
        raise InputError(
            f"explain: a text must have at most {limit:,} tokens, of which this model reads all, got {tokens:,}; "
            "shorten it"
        )
    spans = tokenizer(text, truncation=True, max_length=limit, return_offsets_mapping=True)["offset_mapping"]
    logger.warning("explains the first %s of %s tokens, which is all that the model reads", f"{limit:,}", f"{tokens:,}")
    return text[: max(end for _, end in spans)]


def cut_into_parts(text: str, *, at_most: int) -> list[str]:
    """Cut a text into words, each with the space behind it; together they are the text from its first word on.

    Args:
        text: to cut.
        at_most: parts; where there are more words, neighbours stay together.

    >>> cut_into_parts(" Rail strike  ends", at_most=3)
    ['Rail ', 'strike  ', 'ends']
    >>> cut_into_parts("a b c d e", at_most=2)
    ['a b c ', 'd e']
    """
    words = re.findall(r"\S+\s*", text)
    if len(words) <= at_most:
        return words
    return ["".join(part) for part in np.array_split(np.asarray(words, dtype=object), at_most)]
