"""The vectors of texts that a new head would read from a pre-trained encoder.

Shape letters: N texts, H hidden size.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hf_newscls.inference.predicting import choose_device, iterate_batches
from hf_newscls.modeling.heads import find_token_pooling, pool_tokens
from hf_newscls.modeling.loading import PretrainedClassifier
from hf_newscls.modeling.modeling_windowed import WindowedClassifier
from hf_newscls.modeling.windows import MeanPooling


def compute_features(
    classifier: PretrainedClassifier, texts: Sequence[str], *, batch_size: int = 64
) -> NDArray[np.float32]:
    """Return the features of each text, shape (N, H): row i is text i.

    They are the vector that the classifier's head reads, or the first token instead of a newly initialized
    pooler; for a windowed model, the mean over the windows. Texts are truncated to the tokenizer's `model_max_length`.
    """
    model: Any = classifier.model
    model.to(choose_device()).eval()
    pooling = find_token_pooling(model)
    if pooling == "pooler" and not any(".pooler." in name for name in classifier.backbone_parameters):
        pooling = "first"
    features = np.empty((len(texts), model.base_model.config.hidden_size), dtype=np.float32)
    truncation = str(getattr(model.config, "truncation", "head"))
    for indices, batch in iterate_batches(classifier.tokenizer, texts, batch_size=batch_size, truncation=truncation):
        inputs = batch.to(model.device)
        with torch.inference_mode():
            if isinstance(model, WindowedClassifier):
                vectors = MeanPooling()(*model.encode(inputs["input_ids"], inputs["attention_mask"]))
            else:
                vectors = pool_tokens(model.base_model(**inputs), inputs["attention_mask"], pooling)
        features[indices] = vectors.float().cpu()
    return features
