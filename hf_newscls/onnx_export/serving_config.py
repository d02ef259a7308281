"""The config.json of an exported model, for transformers.js and text-embeddings-inference.

Both know the encoders of transformers, not our classes, so the file describes the encoder's own classifier: the graph
takes the same inputs and gives the same output.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_ARCHITECTURES = "architectures"
_SIZES = ("hidden_size", "num_hidden_layers", "max_position_embeddings", "pad_token_id")
_OF_CLASSIFIER = ("id2label", "label2id", "problem_type", "hf_newscls")


def build_serving_config(model: "PreTrainedModel") -> dict[str, Any]:
    """Return the content of the config.json."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES

    from hf_newscls.modeling.loading import count_positions
    from hf_newscls.modeling.modeling_windowed import WindowedClassifier

    encoder: Any = getattr(model.config, "backbone_config", model.config)
    own, served = _to_json(model.config), _to_json(encoder)
    served |= {name: own[name] for name in _OF_CLASSIFIER if name in own}
    served |= {name: getattr(encoder, name, None) for name in _SIZES}
    if isinstance(model, WindowedClassifier):
        # Some positions are not for tokens, as RoBERTa's first two.
        unused = encoder.max_position_embeddings - count_positions(model.backbone)
        served["max_position_embeddings"] = model.layout.max_tokens + unused
    # transformers has no classifier for some encoders, and then no server can read the files: only onnxruntime can.
    name = MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES.get(encoder.model_type, type(model).__name__)
    return {**served, _ARCHITECTURES: [name]}


def add_serving_keys(config: Mapping[str, Any], served: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model's own config.json with the keys of `build_serving_config` that text-embeddings-inference reads."""
    sizes = {name: served[name] for name in _SIZES if name not in config}
    names = dict.fromkeys([*config.get(_ARCHITECTURES, []), *served[_ARCHITECTURES]])
    return {**config, **sizes, _ARCHITECTURES: [*names]}


def _to_json(config: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(config.to_json_string())
    content.pop("_name_or_path", None)  # may be a folder of this machine
    return content
