"""Which words caused a prediction: Shapley values, estimated by captum (the extra `explain`).

The contribution of a word is its average gain in the probability of a label, over all orders in which the words can be
added to an empty text: Shapley values (Lundberg and Lee 2017, arXiv 1705.07874), estimated from sampled orders (Castro
et al. 2009). The contributions always add up to the difference between the whole and the empty text. Only predictions
are needed, so the method works for every head, for windows and for adapters.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hf_newscls.errors import InputError
from hf_newscls.inference.predicting import TrainedClassifier, find_truncation, predict_probabilities

_PREDICTIONS = 2000
_MIN_SAMPLES = 25
_MAX_PARTS = 64
_BATCH_TEXTS = 64

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Contribution:
    """A word, or several in a row, and its gain in probability, in [-1, 1]."""

    words: str
    value: float


@dataclass(frozen=True)
class Attribution:
    """The contributions of the words of a text to the probability of a label."""

    contributions: Sequence[Contribution]  # in the order of the text
    empty_probability: float  # for an empty text
    probability: float  # for the whole text: `empty_probability` plus all contributions


def check_captum() -> None:
    """Check that captum is installed.

    Raises:
        InputError: it is not.
    """
    try:
        import captum.attr  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputError(
            f"explain: no module {error.name!r} is installed; run `pip install 'hf-newscls[explain]'`"
        ) from error


def attribute_words(
    classifier: TrainedClassifier, text: str, *, label: int, samples: int | None = None, seed: int = 17
) -> Attribution:
    """Return the contributions of the words of a text to the probability of a label.

    Args:
        text: from `cut_to_read`. More than 64 words are grouped into 64 parts.
        label: id of the label.
        samples: number of sampled orders; each needs as many predictions as there are words. If None, about 2,000
            predictions are made, but at least 25 orders.

    Raises:
        InputError: captum is not installed.
    """
    check_captum()
    from captum.attr import ShapleyValueSampling

    parts = cut_into_parts(text, at_most=_MAX_PARTS)

    def predict(kept: Tensor) -> Tensor:
        """Return the probability of the label for the words that are kept, one text per row."""
        # The space after the last word is removed: some tokenizers make it a token.
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
            n_samples=samples or max(_PREDICTIONS // len(parts), _MIN_SAMPLES),
            perturbations_per_eval=_BATCH_TEXTS,
        )
    contributions = [Contribution(part.strip(), value) for part, value in zip(parts, values[0].tolist(), strict=True)]
    return Attribution(contributions, empty, whole)


def cut_to_read(classifier: TrainedClassifier, text: str) -> str:
    """Return the part of a text that a classifier reads, without white space around it.

    Raises:
        InputError: the text is too long, and the classifier does not keep its beginning.
    """
    tokenizer, text = classifier.tokenizer, text.strip()
    tokens, limit = len(tokenizer(text, truncation=False, verbose=False)["input_ids"]), tokenizer.model_max_length
    if tokens <= limit:
        return text
    if find_truncation(classifier.model) != "head" or not tokenizer.is_fast:
        raise InputError(
            f"explain: the text has {tokens:,} tokens, but this model reads at most {limit:,}; shorten the text"
        )
    spans = tokenizer(text, truncation=True, max_length=limit, return_offsets_mapping=True)["offset_mapping"]
    logger.warning("explaining the first %s of %s tokens: the model reads no more", f"{limit:,}", f"{tokens:,}")
    return text[: max(end for _, end in spans)]


def cut_into_parts(text: str, *, at_most: int) -> list[str]:
    """Cut a text into words, each with the white space after it; joined, they are the text from its first word on.

    If there are more words than `at_most`, neighboring words form a part.

    >>> cut_into_parts(" Rail strike  ends", at_most=3)
    ['Rail ', 'strike  ', 'ends']
    >>> cut_into_parts("a b c d e", at_most=2)
    ['a b c ', 'd e']
    """
    words = re.findall(r"\S+\s*", text)
    if len(words) <= at_most:
        return words
    return ["".join(part) for part in np.array_split(np.asarray(words, dtype=object), at_most)]
