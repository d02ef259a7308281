"""Load a pre-trained encoder with a new head, and name the pre-trained parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import nn
from transformers import (
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from hf_newscls.errors import ModelError, RecipeError, format_examples, shorten_text
from hf_newscls.files import is_local_address
from hf_newscls.modeling.configuration_newscls import NewsClassifierConfig
from hf_newscls.modeling.modeling_newscls import NewsClassifier
from hf_newscls.modeling.modeling_windowed import WindowedClassifier
from hf_newscls.modeling.registration import register
from hf_newscls.modeling.sources.checks import LOAD_ERRORS, check_described_size, check_model_folder, read_tokenizer
from hf_newscls.modeling.sources.fetch import find_encoder
from hf_newscls.modeling.windowing import add_windows
from hf_newscls.recipe.model import ModelSection

_DEFAULT_HEAD_DROPOUT = 0.4
_NO_LIMIT = 1_000_000
# float32 whatever the checkpoint holds: AdamW in half precision loses small steps.
_WEIGHTS: dict[str, Any] = {
    "use_safetensors": True,
    "output_loading_info": True,
    "ignore_mismatched_sizes": True,
    "dtype": torch.float32,
}


@dataclass(frozen=True)
class PretrainedClassifier:
    """A model that is ready for training, with the names of the parameters that stage 1 freezes.

    These are the pre-trained ones or, with an adapter, those of the adapter. The other trainable parameters are newly
    initialized.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase  # its `model_max_length` is the recipe's `max_length`
    backbone_parameters: frozenset[str]

    def count_parameters(self) -> int:
        """Return the number of parameters, without the untrained copy that peft keeps of the head."""
        return sum(one.numel() for name, one in self.model.named_parameters() if ".original_module." not in name)

    def count_trainable(self, *, only_new: bool = False) -> int:
        """Return the number of parameters that are trained; with `only_new`, of those that stage 1 trains."""
        return sum(
            one.numel()
            for name, one in self.model.named_parameters()
            if one.requires_grad and not (only_new and name in self.backbone_parameters)
        )


def load_tokenizer(section: ModelSection) -> PreTrainedTokenizerBase:
    """Load the encoder's tokenizer, with the recipe's `max_length` as its `model_max_length`.

    Raises:
        ModelError: there is no such model, or it cannot be fetched.
        RecipeError: the encoder reads fewer tokens than `max_length`, or than a window has.
    """
    return _load_tokenizer(section, _find_folder(section))


def load_pretrained(section: ModelSection, label_names: Sequence[str], *, seed: int) -> PretrainedClassifier:
    """Load the encoder's weights under a new, seeded head for these labels, which are in the order of their ids.

    Raises:
        ModelError: there is no such model, it has no weights, or it cannot be fetched.
        RecipeError: the encoder does not support what the recipe asks for.
    """
    folder = _find_folder(section)
    tokenizer = _load_tokenizer(section, folder)
    config = _load_config(section, folder)
    check_described_size(folder, config)
    load = _load_stock if section.head == "stock" else _load_two_layer
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model, loaded = load(section, folder, config, label_names)
        if section.windows is not None:
            model, loaded = add_windows(model, loaded, section, tokenizer)
    if section.truncation != "head":
        model.config.truncation = section.truncation  # saved with the model, for predictions
    return PretrainedClassifier(model, tokenizer, backbone_parameters=loaded)


def describe_parameters(classifier: PretrainedClassifier) -> str:
    """Return how many parameters the model has, and how many of them have no pre-trained values."""
    model, loaded = classifier.model, classifier.backbone_parameters
    new = {name: one.numel() for name, one in model.named_parameters() if name not in loaded}
    is_head = not any(name.startswith(f"{model.base_model_prefix}.") for name in new)
    where = "the head" if is_head else "the head and a part of the encoder"
    return f"{model.num_parameters():,} parameters, {sum(new.values()):,} ({where}) newly initialized"


def check_tokenizer(tokenizer: PreTrainedTokenizerBase, address: str) -> None:
    """Refuse the tokenizer without words that transformers makes up if a model has none.

    Raises:
        ModelError: it only knows special tokens.
    """
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise ModelError(f"{address}: no tokenizer found; save tokenizer.json next to the weights")


def count_positions(model: PreTrainedModel) -> int:
    """Return how many tokens of a text a model can read: those of all windows, or the number of its positions."""
    for name, module in model.named_modules():
        if isinstance(module, WindowedClassifier):
            return module.layout.max_tokens
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            # RoBERTa's positions start after the id of its padding token.
            return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
    # The module has another name, as in GPT-2 and BART.
    return int(getattr(model.config, "max_position_embeddings", _NO_LIMIT))


def name_loaded_parameters(model: nn.Module, loading_info: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the pre-trained parameters: those that `from_pretrained` did not newly initialize.

    Args:
        model: first result of `from_pretrained(..., output_loading_info=True)`.
    """
    missing = {*loading_info["missing_keys"], *(mismatch[0] for mismatch in loading_info["mismatched_keys"])}
    return frozenset(name for name, _ in model.named_parameters() if name not in missing)


def _find_folder(section: ModelSection) -> Path:
    """Return the encoder's folder, checked."""
    folder = find_encoder(section)
    check_model_folder(folder)
    return folder


def _load_tokenizer(section: ModelSection, folder: Path) -> PreTrainedTokenizerBase:
    # Saved with the tokenizer, so that `truncation=True` of the stock pipeline cuts at this end too. A tokenizer cannot
    # keep both ends.
    side = {"truncation_side": "left"} if section.truncation == "tail" else {}
    tokenizer: PreTrainedTokenizerBase = _load(read_tokenizer, section, folder, **side)
    check_tokenizer(tokenizer, section.model_name_or_path)
    limit = min(tokenizer.model_max_length, count_positions(_build_outline(section, folder)))
    key, length = ("windows.length", section.windows.length) if section.windows else ("max_length", section.max_length)
    if length > limit:
        raise RecipeError(
            f"{section.model_name_or_path}: model.{key} is {length}, but the encoder reads at most {limit} tokens; "
            "lower it"
        )
    tokenizer.model_max_length = section.max_length
    return tokenizer


def _load_config(section: ModelSection, folder: Path) -> PreTrainedConfig:
    """Load the encoder's configuration with the recipe's changes.

    Raises:
        RecipeError: `model.config` has a name or a value that the configuration does not accept.
    """
    config: PreTrainedConfig = _load(AutoConfig.from_pretrained, section, folder)
    unknown = [name for name in section.config if not hasattr(config, name)]
    if unknown:
        raise RecipeError(f"model.config: {type(config).__name__} has no {format_examples(unknown)}; check the names")
    for name, value in section.config.items():
        try:
            setattr(config, name, value)
        except StrictDataclassError as error:
            reason = shorten_text(error.__cause__ or error)
            raise RecipeError(
                f"model.config.{name} is {value!r}, which has the wrong type ({reason}); fix it"
            ) from error
    return config


def _build_outline(section: ModelSection, folder: Path) -> PreTrainedModel:
    """Build the encoder without its weights."""
    config = _load_config(section, folder)
    # from_config would take ten seconds to refuse this: its message imports every model of transformers.
    if type(config) not in MODEL_MAPPING:
        raise RecipeError(
            f"{section.model_name_or_path}: a model of type {config.model_type!r} is not an encoder; choose another"
        )
    try:
        with torch.device("meta"):
            outline: PreTrainedModel = AutoModel.from_config(config)
            return outline
    except LOAD_ERRORS as error:
        raise RecipeError(
            f"{section.model_name_or_path}: cannot be built with model.config ({shorten_text(error)}); change its "
            "values, or choose another encoder"
        ) from error


def _load_stock(
    section: ModelSection, folder: Path, config: PreTrainedConfig, label_names: Sequence[str]
) -> tuple[PreTrainedModel, frozenset[str]]:
    has_head = any(name.endswith("ForSequenceClassification") for name in config.architectures or [])
    _set_labels(config, label_names)
    model, info = _load(AutoModelForSequenceClassification.from_pretrained, section, folder, config=config, **_WEIGHTS)
    backbone = f"{model.base_model_prefix}."
    _check_sizes(section, info, prefix=backbone)
    loaded = name_loaded_parameters(model, info)
    if has_head:  # it was trained for other labels, so it counts as newly initialized
        loaded = frozenset(name for name in loaded if name.startswith(backbone))
    return model, loaded


def _load_two_layer(
    section: ModelSection, folder: Path, config: PreTrainedConfig, label_names: Sequence[str]
) -> tuple[PreTrainedModel, frozenset[str]]:
    if config.is_encoder_decoder or type(config) not in MODEL_FOR_MASKED_LM_MAPPING:
        raise RecipeError(
            f"{section.model_name_or_path}: model.head is 'two_layer', which reads the first token, but the first "
            f"token of {config.model_type!r} does not see the others; write `head: stock`"
        )
    backbone, info = _load(AutoModel.from_pretrained, section, folder, config=config, **_WEIGHTS)
    _check_sizes(section, info, prefix="")
    backbone.config._name_or_path = ""  # it is saved with the model, and may be a folder of this machine
    dropout = _DEFAULT_HEAD_DROPOUT if section.head_dropout is None else section.head_dropout
    newscls_config = NewsClassifierConfig(backbone_config=backbone.config, head_dropout=dropout)
    _set_labels(newscls_config, label_names)
    model = NewsClassifier(newscls_config)
    loaded = {f"backbone.{name}" for name in name_loaded_parameters(backbone, info)}
    # Not strict, because the classifier has no pooler.
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
            f"{section.model_name_or_path}: model.config changes the size of pre-trained weights "
            f"({format_examples(wrong)}); remove the values that do"
        )


def _load(from_pretrained: Any, section: ModelSection, folder: Path, **options: Any) -> Any:
    """Call a `from_pretrained` of transformers, and turn its errors into a ModelError."""
    address = section.model_name_or_path
    register()
    try:
        return from_pretrained(str(folder), trust_remote_code=False, **options)
    except LOAD_ERRORS as error:
        hint = (
            "check that the folder holds config.json, the tokenizer's files and model.safetensors"
            if is_local_address(address)
            else "check the id and the network, or set model.model_name_or_path to a local folder"
        )
        raise ModelError(f"{address}: cannot be loaded ({shorten_text(error, limit=300)}); {hint}") from error
