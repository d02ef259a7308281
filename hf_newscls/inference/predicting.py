"""Load a trained classifier and predict, row for row in the order of the texts.

Shape letters: N texts, L labels.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BatchEncoding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from hf_newscls.errors import ModelError, format_examples
from hf_newscls.modeling.adapters import is_adapter, load_adapted, read_base
from hf_newscls.modeling.loading import check_tokenizer, count_positions
from hf_newscls.modeling.sources import find_encoder, find_model
from hf_newscls.modeling.tokenization import encode_texts
from hf_newscls.recipe.model import ModelSection

__all__ = ["TrainedClassifier", "choose_device", "iterate_batches", "load_classifier", "predict_probabilities"]

_PAD_TO_MULTIPLE_OF = 8

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainedClassifier:
    """A model in eval mode on the best device at hand, with its tokenizer."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    @property
    def label_names(self) -> list[str]:
        """Label names in the order of the model's outputs."""
        return [name for _, name in sorted((self.model.config.id2label or {}).items())]

    @property
    def truncation(self) -> str:
        """What is kept of a text that is too long, as `encode_texts` takes it."""
        return str(getattr(self.model.config, "truncation", "head"))


def load_classifier(
    folder_or_id: str | Path,
    *,
    encoder: ModelSection | None = None,
    revision: str = "main",
    trust_remote_code: bool = False,
) -> TrainedClassifier:
    """Load a text classifier from a folder or from the Hub; its weights must be in safetensors.

    Args:
        folder_or_id: of the classifier.
        encoder: as a recipe names it, where the classifier is an adapter alone; without it the adapter says which
            one it needs, and that comes from the Hub.
        revision: branch, tag or commit on the Hub.
        trust_remote_code: run code that travels with the model; without it no such code is even fetched.

    Raises:
        ModelError: there is no such model, it lacks its weights, or the Hub cannot be reached.
    """
    address = str(folder_or_id)
    try:
        folder = Path(address) if Path(address).is_dir() else _fetch(address, revision, trust_remote_code)
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=trust_remote_code)
        model, missing = _load_model(folder, encoder, trust_remote_code=trust_remote_code)
    except ModelError:
        raise
    except (OSError, ValueError, ImportError, SafetensorError) as error:  # the code of a model may want a package
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"{address}: must be a trained classifier, got {reason!r}; name a run's model folder or a Hub id"
        ) from error
    check_tokenizer(tokenizer, address)
    if missing:
        raise ModelError(
            f"{address}: must hold a trained classifier, found no weights for "
            f"{format_examples(missing)}; name a model that was fine-tuned"
        )
    tokenizer.model_max_length = min(tokenizer.model_max_length, count_positions(model))
    return TrainedClassifier(model.to(choose_device()).eval(), tokenizer)


def choose_device() -> str:
    """Return the best device at hand."""
    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


def _fetch(address: str, revision: str, trust_remote_code: bool) -> Path:
    return find_model(address, revision=revision, with_code=trust_remote_code)


def _load_model(folder: Path, encoder: ModelSection | None, *, trust_remote_code: bool) -> tuple[Any, list[str]]:
    """Return the model, and the names of weights that it lacks."""
    if is_adapter(folder):
        return load_adapted(folder, base=_find_base(folder) if encoder is None else find_encoder(encoder)), []
    model, info = AutoModelForSequenceClassification.from_pretrained(
        folder, use_safetensors=True, trust_remote_code=trust_remote_code, output_loading_info=True
    )
    return model, sorted(info["missing_keys"])


def _find_base(folder: Path) -> Path:
    address, revision = read_base(folder)
    return find_model(address, revision=revision)


def predict_probabilities(
    classifier: TrainedClassifier, texts: Sequence[str], *, batch_size: int = 64
) -> NDArray[np.float32]:
    """Return the probability of each label for each text, shape (N, L).

    Texts are cut off at the tokenizer's `model_max_length`, where the model was trained to be cut, batched by length
    to save padding, and put back into their own order: row i is text i.
    """
    tokenizer, model = classifier.tokenizer, classifier.model
    probabilities = np.empty((len(texts), len(classifier.label_names)), dtype=np.float32)
    for indices, batch in iterate_batches(tokenizer, texts, batch_size=batch_size, truncation=classifier.truncation):
        with torch.inference_mode():
            logits = model(**batch.to(model.device)).logits
        probabilities[indices] = logits.float().softmax(dim=-1).cpu().numpy()
    return probabilities


def iterate_batches(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], *, batch_size: int, truncation: str = "head"
) -> Iterator[tuple[NDArray[np.int64], BatchEncoding]]:
    """Yield the places of some texts and their padded batch, longest texts first; together all of them."""
    if not texts:  # some tokenizers fail
        return
    encoded = encode_texts(texts, tokenizer, max_length=tokenizer.model_max_length, truncation=truncation)
    # Not beyond the positions that the model has.
    multiple = _PAD_TO_MULTIPLE_OF if tokenizer.model_max_length % _PAD_TO_MULTIPLE_OF == 0 else None
    order = np.argsort([-len(ids) for ids in encoded["input_ids"]], kind="stable")
    for start in range(0, len(order), batch_size):
        indices = order[start : start + batch_size]
        rows = {name: [values[index] for index in indices] for name, values in encoded.items()}
        yield indices, tokenizer.pad(rows, pad_to_multiple_of=multiple, return_tensors="pt")
