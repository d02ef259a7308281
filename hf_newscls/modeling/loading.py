"""Load a pre-trained encoder with a new head, and say which of its parameters were pre-trained."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import nn
from transformers import (
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from hf_newscls.errors import InputError, ModelError, RecipeError, format_examples
from hf_newscls.files import is_local_address
from hf_newscls.modeling.configuration_newscls import NewsClassifierConfig
from hf_newscls.modeling.modeling_newscls import NewsClassifier
from hf_newscls.modeling.modeling_windowed import WindowedClassifier
from hf_newscls.modeling.sources import find_encoder
from hf_newscls.modeling.windowing import add_windows
from hf_newscls.recipe.model import ModelSection

__all__ = [
    "PretrainedClassifier",
    "check_tokenizer",
    "count_positions",
    "load_config",
    "load_pretrained",
    "load_tokenizer",
    "name_loaded_parameters",
]

_DEFAULT_HEAD_DROPOUT = 0.4
_NO_LIMIT = 1_000_000
# float32 whatever the checkpoint holds: AdamW in half precision loses small steps.
_WEIGHTS: dict[str, Any] = {
    "use_safetensors": True,
    "output_loading_info": True,
    "ignore_mismatched_sizes": True,
    "dtype": torch.float32,
}
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PretrainedClassifier:
    """A model ready to be trained.

    Attributes:
        model: encoder and head.
        tokenizer: its `model_max_length` is the recipe's `max_length`.
        backbone_parameters: names of the parameters that stage 1 keeps frozen and stage 2 trains at the backbone's
            rate: those whose values were pre-trained or, with an adapter, the adapter's. What else learns is new.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    backbone_parameters: frozenset[str]


def load_tokenizer(section: ModelSection) -> PreTrainedTokenizerBase:
    """Load the encoder's tokenizer and let it cut texts off at the recipe's `max_length`, that of all windows together.

    Raises:
        ModelError: there is no such model, or it cannot be fetched.
        RecipeError: the encoder reads fewer tokens than `max_length`, or than a window has.
    """
    # Saved with the tokenizer: the stock pipeline's `truncation=True` then cuts there too. Both ends it cannot keep.
    split = {"truncation_side": "left"} if section.truncation == "tail" else {}
    tokenizer: PreTrainedTokenizerBase = _load(AutoTokenizer.from_pretrained, section, **split)
    check_tokenizer(tokenizer, section.model_name_or_path)
    limit = min(tokenizer.model_max_length, count_positions(_build_outline(section)))
    name, length = ("windows.length", section.windows.length) if section.windows else ("max_length", section.max_length)
    if length > limit:
        raise RecipeError(
            f"{section.model_name_or_path}: `model.{name}` must not exceed the {limit} tokens the encoder reads, "
            f"got {length}; lower it"
        )
    tokenizer.model_max_length = section.max_length
    return tokenizer


def load_config(section: ModelSection) -> PreTrainedConfig:
    """Load the encoder's configuration with the recipe's changes.

    Raises:
        ModelError: there is no such model, or it cannot be fetched.
        RecipeError: `model.config` names a value the configuration does not have.
    """
    config: PreTrainedConfig = _load(AutoConfig.from_pretrained, section)
    unknown = [name for name in section.config if not hasattr(config, name)]
    if unknown:
        raise RecipeError(f"`model.config` must hold values of {type(config).__name__}, got {unknown}; check the names")
    for name, value in section.config.items():
        try:
            setattr(config, name, value)
        except StrictDataclassError as error:
            raise RecipeError(f"`model.config.{name}` must be of the right type, got {value!r}; mend it") from error
    return config


def load_pretrained(section: ModelSection, label_names: Sequence[str], *, seed: int) -> PretrainedClassifier:
    """Load the encoder's weights under a new head for the given labels.

    Args:
        section: the recipe's model section.
        label_names: in the order of the label ids.
        seed: of the new parameters' random values.

    Raises:
        ModelError: there is no such model, it has no weights, or it cannot be fetched.
        RecipeError: the recipe asks for what the encoder does not have.
    """
    tokenizer = load_tokenizer(section)
    config = load_config(section)
    load = _load_stock if section.head == "stock" else _load_two_layer
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model, loaded = load(section, config, label_names)
        if section.windows is not None:
            model, loaded = add_windows(model, loaded, section, tokenizer)
    if section.truncation != "head":
        model.config.truncation = section.truncation  # saved with the model, and read where it predicts
    new = sum(parameter.numel() for name, parameter in model.named_parameters() if name not in loaded)
    logger.info(
        "loaded %s: %s parameters, %s of them new",
        section.model_name_or_path,
        f"{model.num_parameters():,}",
        f"{new:,}",
    )
    return PretrainedClassifier(model, tokenizer, backbone_parameters=loaded)


def check_tokenizer(tokenizer: PreTrainedTokenizerBase, address: str) -> None:
    """Refuse the tokenizer of special tokens alone that transformers makes up where a model has none.

    Raises:
        ModelError: it knows no word.
    """
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise ModelError(f"{address}: must come with its tokenizer, found none; save tokenizer.json beside the weights")


def count_positions(model: PreTrainedModel) -> int:
    """Return the tokens of a text that a model can read: of all windows, or those it has positions for.

    RoBERTa numbers positions from behind its padding token.
    """
    for name, module in model.named_modules():
        if isinstance(module, WindowedClassifier):
            return module.layout.max_tokens
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
    # Other names, as in GPT-2 and BART.
    return int(getattr(model.config, "max_position_embeddings", _NO_LIMIT))


def name_loaded_parameters(model: nn.Module, loading_info: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the parameters that were loaded: all but those `from_pretrained` initialised anew.

    Args:
        model: what `from_pretrained(..., output_loading_info=True)` returned first.
        loading_info: what it returned second.
    """
    missing = {*loading_info["missing_keys"], *(mismatch[0] for mismatch in loading_info["mismatched_keys"])}
    return frozenset(name for name, _ in model.named_parameters() if name not in missing)


def _build_outline(section: ModelSection) -> PreTrainedModel:
    """Build the encoder without its weights."""
    config = load_config(section)
    # Left to from_config the refusal would take ten seconds: its message imports every model there is.
    if type(config) not in MODEL_MAPPING:
        raise RecipeError(
            f"{section.model_name_or_path}: must be an encoder, got a model of type {config.model_type!r}; name another"
        )
    try:
        with torch.device("meta"):
            outline: PreTrainedModel = AutoModel.from_config(config)
            return outline
    except (KeyError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RecipeError(
            f"{section.model_name_or_path}: must be an encoder, with the values of `model.config`, got {reason!r}; "
            "mend them or name another"
        ) from error


def _load_stock(
    section: ModelSection, config: PreTrainedConfig, label_names: Sequence[str]
) -> tuple[PreTrainedModel, frozenset[str]]:
    # A head for other labels is not what the recipe wants kept.
    has_head = any(name.endswith("ForSequenceClassification") for name in config.architectures or [])
    _set_labels(config, label_names)
    model, info = _load(AutoModelForSequenceClassification.from_pretrained, section, config=config, **_WEIGHTS)
    _check_sizes(section, info, prefix=f"{model.base_model_prefix}.")
    loaded = name_loaded_parameters(model, info)
    if has_head:
        loaded = frozenset(name for name in loaded if name.startswith(f"{model.base_model_prefix}."))
    return model, loaded


def _load_two_layer(
    section: ModelSection, config: PreTrainedConfig, label_names: Sequence[str]
) -> tuple[PreTrainedModel, frozenset[str]]:
    if config.is_encoder_decoder or type(config) not in MODEL_FOR_MASKED_LM_MAPPING:
        raise RecipeError(
            f"{section.model_name_or_path}: `model.head: two_layer` needs an encoder, got {config.model_type!r}, whose "
            "first token sees no other; write `head: stock`"
        )
    backbone, info = _load(AutoModel.from_pretrained, section, config=config, **_WEIGHTS)
    _check_sizes(section, info, prefix="")
    config = backbone.config
    # It would be saved with the model: a folder of this machine tells nobody anything.
    config._name_or_path = ""
    dropout = _DEFAULT_HEAD_DROPOUT if section.head_dropout is None else section.head_dropout
    newscls_config = NewsClassifierConfig(backbone_config=config, head_dropout=dropout)
    _set_labels(newscls_config, label_names)
    model = NewsClassifier(newscls_config)
    loaded = {f"backbone.{name}" for name in name_loaded_parameters(backbone, info)}
    # Not strict: the encoder's pooler has no place in the classifier.
    model.backbone.load_state_dict(backbone.state_dict(), strict=False)
    NewsClassifierConfig.register_for_auto_class()  # type: ignore[no-untyped-call]
    NewsClassifier.register_for_auto_class("AutoModelForSequenceClassification")  # type: ignore[no-untyped-call]
    return model, frozenset(name for name, _ in model.named_parameters() if name in loaded)


def _set_labels(config: PreTrainedConfig, label_names: Sequence[str]) -> None:
    config.id2label = dict(enumerate(label_names))
    config.label2id = {name: index for index, name in enumerate(label_names)}
    config.problem_type = "single_label_classification"


def _check_sizes(section: ModelSection, info: dict[str, Any], *, prefix: str) -> None:
    wrong = sorted(mismatch[0] for mismatch in info["mismatched_keys"] if mismatch[0].startswith(prefix))
    if wrong:
        raise RecipeError(
            f"{section.model_name_or_path}: `model.config` must leave the encoder's sizes as they were trained, "
            f"other sizes found in {format_examples(wrong)}; remove what changes them"
        )


def _load(from_pretrained: Any, section: ModelSection, **options: Any) -> Any:
    """Call a `from_pretrained` of transformers; what it raises for a model that cannot be had becomes a ModelError."""
    address = section.model_name_or_path
    try:
        return from_pretrained(str(find_encoder(section)), trust_remote_code=False, **options)
    except InputError:
        raise
    except (OSError, ValueError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:300]
        hint = (
            "check that the folder holds config.json, the tokenizer's files and model.safetensors"
            if is_local_address(address)
            else "check the id and the network, or put the model in a folder and set `model.model_name_or_path` to it"
        )
        raise ModelError(f"{address}: must be a model that can be loaded, got {reason!r}; {hint}") from error
