"""Train a low-rank adapter in place of the encoder's weights: LoRA, Hu et al. 2021, arXiv 2106.09685."""

import logging
import warnings
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftConfig, PeftModel, TaskType, get_peft_model
from peft.utils import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel

from hf_newscls.errors import ModelError, RecipeError, format_examples
from hf_newscls.modeling.loading import PretrainedClassifier
from hf_newscls.modeling.modeling_windowed import WindowedClassifier
from hf_newscls.recipe.model import AdapterSection

__all__ = ["add_adapter", "is_adapter", "load_adapted", "merge_adapter", "read_base", "save_adapter"]

_ADAPTER = "default"
# By architecture, as in peft, whose own table leaves the last ones out.
_TARGETS: Mapping[str, Any] = {
    **TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING,
    "albert": ["query", "value"],
    "distilbert": ["q_lin", "v_lin"],
    "modernbert": ["Wqkv"],
    "mpnet": ["q", "v"],
}

logger = logging.getLogger(__name__)


def add_adapter(classifier: PretrainedClassifier, section: AdapterSection, *, seed: int) -> PretrainedClassifier:
    """Put an adapter into a classifier's encoder.

    The encoder's own weights will not learn any more; stage 1 trains the head, stage 2 head and adapter. All new
    modules, of whatever name, are saved with the adapter.

    Args:
        classifier: what `load_pretrained` returned; its model is changed in place.
        section: the recipe's adapter section.
        seed: of the adapter's random values.

    Raises:
        RecipeError: the encoder has no modules that the recipe, or peft, names as targets.
    """
    backbone: Any = classifier.model.base_model
    encoder = backbone.config.model_type
    config = LoraConfig(
        # SEQ_CLS would also wrap what is called classifier or score inside the modules that are wrapped already.
        task_type=None if isinstance(classifier.model, WindowedClassifier) else TaskType.SEQ_CLS,
        r=section.r,
        lora_alpha=section.lora_alpha,
        lora_dropout=section.dropout,
        target_modules=section.target_modules or _TARGETS.get(encoder),
        modules_to_save=[*_find_new_modules(classifier.model, classifier.backbone_parameters)],
    )
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers for something by its old name
        torch.manual_seed(seed)
        try:
            model: Any = get_peft_model(classifier.model, config)
        except ValueError as error:
            reason = " ".join(str(error).split())[:200]
            raise RecipeError(
                f"`adapter.target_modules` must name linear layers of the encoder, got {section.target_modules!r} for "
                f"{encoder} ({reason}); list them, as in [query, value]"
            ) from error
    # Else peft would ask the Hub for its configuration at each checkpoint.
    model.peft_config[_ADAPTER].base_model_name_or_path = ""
    learning = {name: parameter.numel() for name, parameter in model.named_parameters() if parameter.requires_grad}
    adapter = frozenset(name for name in learning if ".modules_to_save." not in name)
    logger.info(
        "adapter of rank %d in %s: %s parameters, and %s of the head",
        section.r,
        ", ".join(sorted(model.peft_config[_ADAPTER].target_modules)),
        f"{sum(learning[name] for name in adapter):,}",
        f"{sum(size for name, size in learning.items() if name not in adapter):,}",
    )
    return PretrainedClassifier(model, classifier.tokenizer, backbone_parameters=adapter)


def merge_adapter(model: PreTrainedModel | PeftModel) -> PreTrainedModel:
    """Return the model with its adapter, if it has one, added into the weights of the encoder."""
    if not isinstance(model, PeftModel):
        return model
    merged: PreTrainedModel = model.merge_and_unload()
    return merged


def save_adapter(model: PreTrainedModel, folder: Path, *, base_model: str, revision: str | None = None) -> None:
    """Write adapter and head, and the configuration that names the labels.

    Args:
        model: with its adapter.
        folder: to write to.
        base_model: Hub id of the encoder, which whoever loads the adapter will need; never a folder of this machine.
        revision: of the encoder on the Hub, where it is known.
    """
    peft_config: Any = model.peft_config
    peft_config[_ADAPTER].base_model_name_or_path = base_model
    peft_config[_ADAPTER].revision = revision
    model.save_pretrained(folder, save_embedding_layers=False)
    model.config.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)  # peft's own card; ours comes later


def is_adapter(folder: Path) -> bool:
    """Tell whether a folder holds an adapter without the weights under it."""
    return (folder / "adapter_config.json").is_file()


def read_base(folder: Path) -> tuple[str, str]:
    """Return Hub id and revision of the encoder that an adapter says it was trained on.

    Raises:
        ModelError: it names none.
    """
    config = PeftConfig.from_pretrained(str(folder))
    if not config.base_model_name_or_path:
        raise ModelError(
            f"{folder}: `base_model_name_or_path` in adapter_config.json must name the encoder, found none; write it"
        )
    return config.base_model_name_or_path, config.revision or "main"


def load_adapted(folder: Path, *, base: Path) -> PreTrainedModel:
    """Load an adapter onto its encoder and merge both.

    Args:
        folder: what `save_adapter` wrote.
        base: folder of the encoder that it was trained on.

    Raises:
        ModelError: weights of the adapter or of the head are not there, or do not fit the encoder.
    """
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    try:
        model, info = AutoModelForSequenceClassification.from_pretrained(
            base,
            config=config,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
            output_loading_info=True,
        )
        _check_encoder(folder, base, missing=info["missing_keys"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # as in add_adapter
            warnings.filterwarnings("error", message="Found missing adapter keys")
            adapted = PeftModel.from_pretrained(model, str(folder))
    except (KeyError, RuntimeError, UserWarning) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"{folder}: must hold an adapter and a head for the encoder in {base}, got {reason!r}; check that it was "
            "trained on this encoder"
        ) from error
    return merge_adapter(adapted)


def _check_encoder(folder: Path, base: Path, *, missing: Collection[str]) -> None:
    """Refuse an encoder that lacks weights other than those that come with the adapter."""
    brought = tuple(f"{name}." for name in PeftConfig.from_pretrained(str(folder)).modules_to_save or ())
    lacking = sorted(name for name in missing if not name.startswith(brought))
    if lacking:
        raise ModelError(
            f"{folder}: must be an adapter for the encoder in {base}, found no weights there for "
            f"{format_examples(lacking)}; check that it was trained on this encoder"
        )


def _find_new_modules(model: nn.Module, backbone_parameters: frozenset[str], prefix: str = "") -> Iterator[str]:
    """Yield the names of the outermost modules all of whose parameters are new."""
    for name, module in model.named_children():
        path = f"{prefix}{name}"
        parameters = [f"{path}.{inner}" for inner, _ in module.named_parameters()]
        if parameters and backbone_parameters.isdisjoint(parameters):
            yield path
        else:
            yield from _find_new_modules(module, backbone_parameters, f"{path}.")
