"""Load a trained classifier and predict, with one row for each text, in the order of the texts.

Shape letters: N texts, L labels, H hidden size.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BatchEncoding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from hf_newscls.errors import ModelError, format_examples, shorten_text
from hf_newscls.inference.batches import cut_batches, find_distinct
from hf_newscls.modeling.acceleration.bfloat16 import has_fast_bf16
from hf_newscls.modeling.adapters import is_adapter, load_adapted
from hf_newscls.modeling.heads import find_token_pooling, pool_tokens
from hf_newscls.modeling.loading import PretrainedClassifier, check_tokenizer, count_positions
from hf_newscls.modeling.modeling_windowed import WindowedClassifier
from hf_newscls.modeling.registration import register
from hf_newscls.modeling.sources.checks import LOAD_ERRORS, check_described_size, check_model_folder, read_tokenizer
from hf_newscls.modeling.sources.fetch import find_encoder, find_model
from hf_newscls.modeling.token_counts import TokenCounts
from hf_newscls.modeling.tokenization import encode_texts, log_summary
from hf_newscls.modeling.windows import TRUNCATIONS, MeanPooling
from hf_newscls.progress import report_progress
from hf_newscls.recipe.model import ModelSection

_PAD_TO_MULTIPLE_OF = 8  # a GPU multiplies such matrices faster
# More tokens leave the caches of a CPU; fewer leave the units of a GPU idle.
_CPU_BATCH_TOKENS = 1024
_GPU_BATCH_TOKENS = 65_536


@dataclass(frozen=True)
class TrainedClassifier:
    """A model in eval mode on the best available device, with its tokenizer."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    @property
    def label_names(self) -> list[str]:
        """Label names in the order of the model's outputs."""
        return [name for _, name in sorted((self.model.config.id2label or {}).items())]


class TokenizedTexts(NamedTuple):
    """Texts as a model reads them, equal ones once."""

    rows: dict[str, list[list[int]]]  # the token ids of the different texts, as in `EncodedTexts`
    indices: NDArray[np.int64]  # which of them each of the N texts is
    counts: TokenCounts  # of the N texts


def load_classifier(
    folder_or_id: str | Path,
    *,
    encoder: ModelSection | None = None,
    revision: str = "main",
    trust_remote_code: bool = False,
) -> TrainedClassifier:
    """Load a text classifier with weights in safetensors format, from a folder or from the Hub.

    Args:
        encoder: a recipe's model section, for an adapter without the encoder's weights. If None, the encoder that the
            adapter names is fetched from the Hub.
        revision: branch, tag or commit on the Hub.
        trust_remote_code: fetch and run Python code of the model.

    Raises:
        ModelError: there is no such model, it is damaged or lacks weights, or the Hub cannot be reached.
    """
    register()
    address = str(folder_or_id)
    try:
        is_folder = Path(address).is_dir()
        folder = Path(address) if is_folder else find_model(address, revision=revision, with_code=trust_remote_code)
        check_model_folder(folder)
        tokenizer = read_tokenizer(folder, trust_remote_code=trust_remote_code)
        model, missing = _load_model(folder, encoder, trust_remote_code=trust_remote_code)
        tokenizer.model_max_length = min(tokenizer.model_max_length, count_positions(model))
    except ModelError:
        raise
    except LOAD_ERRORS as error:
        raise ModelError(
            f"{address}: cannot be loaded as a classifier ({shorten_text(error, limit=300)}); use a run's model folder "
            "or a Hub id"
        ) from error
    check_tokenizer(tokenizer, address)
    if missing:
        raise ModelError(
            f"{address}: no weights for {format_examples(missing)}; use a model that was fine-tuned for classification"
        )
    _check_config(model, address)
    return TrainedClassifier(model.to(choose_device()).eval(), tokenizer)


def choose_device() -> str:
    """Return the best available device: cuda, mps or cpu."""
    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


def fingerprint_classifier(classifier: TrainedClassifier) -> str:
    """Return a hash of everything that decides the predictions: weights, configuration and tokenizer."""
    model, tokenizer = classifier.model, classifier.tokenizer
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    written = tokenizer.backend_tokenizer.to_str() if tokenizer.is_fast else json.dumps(tokenizer.get_vocab())
    for text in (model.config.to_json_string(), str(tokenizer.model_max_length), written):
        digest.update(text.encode())
    return digest.hexdigest()


def _load_model(folder: Path, encoder: ModelSection | None, *, trust_remote_code: bool) -> tuple[Any, list[str]]:
    """Return the model, and the names of missing weights."""
    if is_adapter(folder):
        return load_adapted(folder, base=find_encoder(encoder) if encoder else None), []
    if not trust_remote_code:
        check_described_size(folder, AutoConfig.from_pretrained(folder, trust_remote_code=False))
    model, info = AutoModelForSequenceClassification.from_pretrained(
        folder, use_safetensors=True, trust_remote_code=trust_remote_code, output_loading_info=True
    )
    return model, sorted(info["missing_keys"])


def _check_config(model: PreTrainedModel, address: str) -> None:
    """Refuse values in the configuration that transformers does not check."""
    truncation, names = find_truncation(model), [*(model.config.id2label or {}).values()]
    if truncation not in TRUNCATIONS or not all(isinstance(name, str) for name in names):
        raise ModelError(
            f"{address}: config.json has truncation {truncation!r} and the labels {format_examples(names)}; truncation "
            f"must be one of {format_examples(TRUNCATIONS)}, and labels must be texts"
        )


def predict_probabilities(classifier: TrainedClassifier, texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the probability of each label for each text, shape (N, L).

    Row i is text i, although batches are built by length to save padding, and equal texts are computed once. Texts are
    truncated to the tokenizer's `model_max_length`, at the end where the model was trained to be; how much is logged.
    A text without a token, which only tokenizers without special tokens have, gets not-a-number.

    Args:
        classifier: computes in the type of its weights.
        texts: N texts.
    """
    tokenized = tokenize_texts(classifier, texts)
    log_summary("to predict", tokenized.counts, max_length=classifier.tokenizer.model_max_length)
    return compute_probabilities(classifier, tokenized, step="predicting")


def tokenize_texts(classifier: TrainedClassifier | PretrainedClassifier, texts: Sequence[str]) -> TokenizedTexts:
    """Return texts as the model reads them; the model does not run."""
    distinct = find_distinct(texts)
    if not texts:  # some tokenizers fail
        return TokenizedTexts({"input_ids": []}, distinct.indices, TokenCounts(distinct.indices, distinct.indices, 0))
    limit, truncation = classifier.tokenizer.model_max_length, find_truncation(classifier.model)
    encoded = encode_texts(distinct.texts, classifier.tokenizer, max_length=limit, truncation=truncation)
    return TokenizedTexts(encoded.rows, distinct.indices, encoded.counts.take(distinct.indices))


def compute_probabilities(
    classifier: TrainedClassifier, tokenized: TokenizedTexts, *, step: str = ""
) -> NDArray[np.float32]:
    """Return the probability of each label for each text that `tokenize_texts` read, shape (N, L).

    `step` is the name of the progress that is reported; empty: none is.
    """
    probabilities = np.full((len(tokenized.rows["input_ids"]), len(classifier.label_names)), np.nan, dtype=np.float32)
    for indices, batch in iterate_batches(classifier, tokenized.rows, step=step):
        with torch.inference_mode():
            logits = classifier.model(**batch).logits
        probabilities[indices] = logits.float().softmax(dim=-1).cpu().numpy()
    return probabilities[tokenized.indices]


def compute_features(
    classifier: PretrainedClassifier,
    texts: Sequence[str],
    *,
    allow_bf16: bool = False,
) -> NDArray[np.float32]:
    """Return the features of each text from a model whose training has not started, shape (N, H): row i is text i.

    They are the vector that the classifier's head reads, or the first token instead of a newly initialized
    pooler; for a windowed model, the mean over the windows. Texts are truncated as in `predict_probabilities`.

    With `allow_bf16`, the encoder multiplies in bfloat16 where the device is faster in it.
    """
    model: Any = classifier.model
    model.to(choose_device()).eval()
    use_bf16 = allow_bf16 and has_fast_bf16(model.device)
    autocast = torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=use_bf16)
    pooling = find_token_pooling(model)
    if pooling == "pooler" and not any(".pooler." in name for name in classifier.backbone_parameters):
        pooling = "first"
    tokenized = tokenize_texts(classifier, texts)
    features = np.full(
        (len(tokenized.rows["input_ids"]), model.base_model.config.hidden_size), np.nan, dtype=np.float32
    )
    for indices, batch in iterate_batches(classifier, tokenized.rows, step="encoding"):
        with torch.inference_mode(), autocast:
            if isinstance(model, WindowedClassifier):
                vectors = MeanPooling()(*model.encode(batch["input_ids"], batch["attention_mask"]))
            else:
                vectors = pool_tokens(model.base_model(**batch), batch["attention_mask"], pooling)
        features[indices] = vectors.float().cpu()
    return features[tokenized.indices]


def find_truncation(model: PreTrainedModel) -> str:
    """Return which tokens a model keeps of a text that is too long, as in `encode_texts`."""
    return str(getattr(model.config, "truncation", "head"))


def iterate_batches(
    classifier: TrainedClassifier | PretrainedClassifier,
    encoded: dict[str, list[list[int]]],
    *,
    step: str,
) -> Iterator[tuple[NDArray[np.int64], BatchEncoding]]:
    """Yield the indices of texts and their padded batch on the model's device, longest first, without empty texts."""
    tokenizer, model = classifier.tokenizer, classifier.model
    _check_ids(encoded["input_ids"], model)
    is_cpu = model.device.type == "cpu"
    # Padding must not exceed the positions of the model.
    multiple = 1 if is_cpu or tokenizer.model_max_length % _PAD_TO_MULTIPLE_OF else _PAD_TO_MULTIPLE_OF
    max_tokens = _CPU_BATCH_TOKENS if is_cpu else _GPU_BATCH_TOKENS
    lengths, done = np.array([*map(len, encoded["input_ids"])], dtype=np.int64), 0
    filled = np.flatnonzero(lengths)
    for chosen in cut_batches(lengths[filled].tolist(), max_tokens=max_tokens, multiple=multiple):
        indices = filled[chosen]
        rows = {name: [values[index] for index in indices] for name, values in encoded.items()}
        batch = tokenizer.pad(rows, pad_to_multiple_of=multiple, return_tensors="pt")
        yield indices, batch.to(model.device)
        done += len(indices)
        if step:
            report_progress(step, done, len(filled), unit="texts")


def _check_ids(input_ids: Sequence[Sequence[int]], model: Any) -> None:
    known = model.get_input_embeddings().num_embeddings
    largest = max((max(ids, default=0) for ids in input_ids), default=0)
    if largest >= known:
        raise ModelError(
            f"{model.name_or_path}: the tokenizer gives token id {largest}, but the model has {known} tokens; use the "
            "tokenizer that the model was trained with"
        )
