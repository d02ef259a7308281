"""What an encoder makes of texts before anything has learned: the features a new head would read.

Shape letters: N texts, H hidden size.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import BatchEncoding

from hf_newscls.inference.predicting import choose_device, iterate_batches
from hf_newscls.modeling.loading import PretrainedClassifier
from hf_newscls.modeling.modeling_windowed import WindowedClassifier
from hf_newscls.modeling.windows import MeanPooling

__all__ = ["compute_features"]


def compute_features(
    classifier: PretrainedClassifier, texts: Sequence[str], *, batch_size: int = 64
) -> NDArray[np.float32]:
    """Return the features of each text, shape (N, H): row i is text i.

    They are the output of the pooler where it was pre-trained, else the first token's last hidden state; of a model
    that reads windows, their mean. Texts are cut off at the tokenizer's `model_max_length`.

    Args:
        classifier: the encoder as it was loaded.
        texts: to encode.
        batch_size: texts in a batch.
    """
    model: Any = classifier.model
    model.to(choose_device()).eval()
    has_pooler = any(".pooler." in name for name in classifier.backbone_parameters)
    features = np.empty((len(texts), model.base_model.config.hidden_size), dtype=np.float32)
    truncation = str(getattr(model.config, "truncation", "head"))
    for indices, batch in iterate_batches(classifier.tokenizer, texts, batch_size=batch_size, truncation=truncation):
        with torch.inference_mode():
            features[indices] = _read(model, batch.to(model.device), has_pooler=has_pooler).float().cpu()
    return features


def _read(model: Any, batch: BatchEncoding, *, has_pooler: bool) -> Tensor:
    if isinstance(model, WindowedClassifier):
        pooled: Tensor = MeanPooling()(*model.encode(batch["input_ids"], batch["attention_mask"]))
        return pooled
    output = model.base_model(**batch)
    vectors: Tensor = output.pooler_output if has_pooler else output.last_hidden_state[:, 0]
    return vectors
