"""What an encoder makes of texts before anything has learned: the features a new head would read.

Shape letters: N texts, H hidden size.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hf_newscls.inference.predicting import choose_device, iterate_batches
from hf_newscls.modeling.loading import PretrainedClassifier

__all__ = ["compute_features"]


def compute_features(
    classifier: PretrainedClassifier, texts: Sequence[str], *, batch_size: int = 64
) -> NDArray[np.float32]:
    """Return the features of each text, shape (N, H): row i is text i.

    They are the output of the pooler where it was pre-trained, else the first token's last hidden state. Texts are cut
    off at the tokenizer's `model_max_length`.

    Args:
        classifier: the encoder as it was loaded.
        texts: to encode.
        batch_size: texts in a batch.
    """
    encoder: Any = classifier.model.base_model.to(choose_device()).eval()
    has_pooler = any(".pooler." in name for name in classifier.backbone_parameters)
    features = np.empty((len(texts), encoder.config.hidden_size), dtype=np.float32)
    truncation = str(getattr(classifier.model.config, "truncation", "head"))
    for places, batch in iterate_batches(classifier.tokenizer, texts, batch_size=batch_size, truncation=truncation):
        with torch.inference_mode():
            output = encoder(**batch.to(encoder.device))
        features[places] = (output.pooler_output if has_pooler else output.last_hidden_state[:, 0]).float().cpu()
    return features
