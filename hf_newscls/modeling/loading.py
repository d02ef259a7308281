"""Load a pre-trained encoder with a new head, and say which of its parameters were pre-trained."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from hf_newscls.errors import ModelError, RecipeError
from hf_newscls.files import PACKAGE_SCHEME, compute_sha256, find_package_path, is_local_address
from hf_newscls.modeling.configuration_newscls import NewsClassifierConfig
from hf_newscls.modeling.modeling_newscls import NewsClassifier
from hf_newscls.recipe import ModelSection

__all__ = ["PretrainedClassifier", "load_config", "load_pretrained", "load_tokenizer"]

_DEFAULT_HEAD_DROPOUT = 0.4
_NO_LIMIT = 1_000_000
# An encoder kept in half precision is trained from float32 weights, as every other.
_WEIGHTS: dict[str, Any] = {"use_safetensors": True, "dtype": torch.float32, "output_loading_info": True}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PretrainedClassifier:
    """A model ready to be trained.

    Attributes:
        model: encoder and head.
        tokenizer: its `model_max_length` is the recipe's `max_length`.
        loaded_parameters: names of the parameters whose values were pre-trained; all others are newly initialised.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    loaded_parameters: frozenset[str]


def load_tokenizer(section: ModelSection) -> PreTrainedTokenizerBase:
    """Load the encoder's tokenizer and let it cut texts off at the recipe's `max_length`.

    Raises:
        ModelError: there is no such model, or it cannot be fetched.
        RecipeError: the encoder reads fewer tokens than `max_length`.
    """
    tokenizer: PreTrainedTokenizerBase = _load(AutoTokenizer.from_pretrained, section)
    limit = min(tokenizer.model_max_length, _count_positions(load_config(section)))
    if section.max_length > limit:
        raise RecipeError(
            f"{section.model_name_or_path}: `model.max_length` must not exceed the {limit} tokens the encoder reads, "
            f"got {section.max_length}; lower it"
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
    unknown = [name for name in section.config if not hasattr(config, name) and name != "classifier_dropout"]
    if unknown:
        raise RecipeError(f"`model.config` must hold values of {type(config).__name__}, got {unknown}; check the names")
    for name, value in section.config.items():
        setattr(config, name, value)
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
    new = sum(parameter.numel() for name, parameter in model.named_parameters() if name not in loaded)
    logger.info(
        "loaded %s: %s parameters, %s of them new",
        section.model_name_or_path,
        f"{model.num_parameters():,}",
        f"{new:,}",
    )
    return PretrainedClassifier(model, tokenizer, loaded_parameters=loaded)


def _count_positions(config: PreTrainedConfig) -> int:
    """Return the tokens the encoder has positions for; RoBERTa numbers them from behind its padding token."""
    with torch.device("meta"):
        encoder = AutoModel.from_config(config)
    for name, module in encoder.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
    return _NO_LIMIT


def _load_stock(
    section: ModelSection, config: PreTrainedConfig, label_names: Sequence[str]
) -> tuple[PreTrainedModel, frozenset[str]]:
    _set_labels(config, label_names)
    model, info = _load(
        AutoModelForSequenceClassification.from_pretrained,
        section,
        config=config,
        **_WEIGHTS,
        # A checkpoint that was fine-tuned for other labels has a head of another size: ours is new.
        ignore_mismatched_sizes=True,
    )
    return model, _name_loaded(model, info)


def _load_two_layer(
    section: ModelSection, config: PreTrainedConfig, label_names: Sequence[str]
) -> tuple[PreTrainedModel, frozenset[str]]:
    backbone, info = _load(AutoModel.from_pretrained, section, config=config, **_WEIGHTS)
    dropout = _DEFAULT_HEAD_DROPOUT if section.head_dropout is None else section.head_dropout
    newscls_config = NewsClassifierConfig(backbone_config=config, head_dropout=dropout)
    _set_labels(newscls_config, label_names)
    model = NewsClassifier(newscls_config)
    loaded = {f"backbone.{name}" for name in _name_loaded(backbone, info)}
    # Not strict: the encoder's pooler has no place in the classifier.
    model.backbone.load_state_dict(backbone.state_dict(), strict=False)
    NewsClassifierConfig.register_for_auto_class()  # type: ignore[no-untyped-call]
    NewsClassifier.register_for_auto_class("AutoModelForSequenceClassification")  # type: ignore[no-untyped-call]
    return model, frozenset(name for name, _ in model.named_parameters() if name in loaded)


def _set_labels(config: PreTrainedConfig, label_names: Sequence[str]) -> None:
    config.id2label = dict(enumerate(label_names))
    config.label2id = {name: place for place, name in enumerate(label_names)}
    config.problem_type = "single_label_classification"


def _name_loaded(model: PreTrainedModel, info: dict[str, Any]) -> frozenset[str]:
    missing = {*info["missing_keys"], *(mismatch[0] for mismatch in info["mismatched_keys"])}
    return frozenset(name for name, _ in model.named_parameters() if name not in missing)


def _load(from_pretrained: Any, section: ModelSection, **options: Any) -> Any:
    """Call a `from_pretrained` of transformers; what it raises for a model that cannot be had becomes a ModelError."""
    address = section.model_name_or_path
    if not is_local_address(address) and Path(address).is_dir():
        raise ModelError(f"{address}: must be a Hub id, found a folder of that name; write './{address}' to mean it")
    folder = _check_local(address, section) if is_local_address(address) else address
    try:
        return from_pretrained(str(folder), revision=section.revision, trust_remote_code=False, **options)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        hint = (
            "check that the folder holds config.json, the tokenizer's files and model.safetensors"
            if is_local_address(address)
            else "check the id and the network, or put the model in a folder and set `model.model_name_or_path` to it"
        )
        raise ModelError(f"{address}: must be a model that can be loaded, got {reason!r}; {hint}") from error


def _check_local(address: str, section: ModelSection) -> Path:
    folder = find_package_path(address) if address.startswith(PACKAGE_SCHEME) else Path(address).expanduser()
    if not folder.is_dir():
        raise ModelError(f"{address}: `model.model_name_or_path` must be a model folder, found none; check the path")
    weights = folder / "model.safetensors"
    if not weights.exists() and not any(folder.glob("*.safetensors")):
        raise ModelError(f"{address}: must hold weights as model.safetensors, found none; save them there")
    if section.sha256 and (found := compute_sha256(weights)) != section.sha256:
        raise ModelError(f"{address}: model.safetensors must have SHA-256 {section.sha256}, got {found}; reinstall it")
    return folder
