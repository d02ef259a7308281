"""Low-rank adapters, which are trained instead of the encoder's weights (LoRA: Hu et al. 2021, arXiv 2106.09685)."""

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

from hf_newscls.errors import ModelError, RecipeError, format_examples, shorten_text
from hf_newscls.files import is_local_address
from hf_newscls.modeling.loading import PretrainedClassifier
from hf_newscls.modeling.modeling_windowed import WindowedClassifier
from hf_newscls.modeling.registration import register
from hf_newscls.modeling.sources.fetch import find_model
from hf_newscls.recipe.model import AdapterSection

_ADAPTER = "default"
# Target modules by architecture: the table of peft, and architectures that it lacks.
_TARGETS: Mapping[str, Any] = {
    **TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING,
    "albert": ["query", "value"],
    "distilbert": ["q_lin", "v_lin"],
    "modernbert": ["Wqkv"],
    "mpnet": ["q", "v"],
}

logger = logging.getLogger(__name__)


def add_adapter(classifier: PretrainedClassifier, section: AdapterSection, *, seed: int) -> PretrainedClassifier:
    """Add an adapter to a classifier's encoder, in place, and freeze the encoder's own weights.

    Stage 1 trains the head, stage 2 the head and the adapter. All new modules are saved with the adapter.

    Raises:
        RecipeError: the encoder does not have the target modules.
    """
    backbone: Any = classifier.model.base_model
    encoder = backbone.config.model_type
    config = LoraConfig(
        # SEQ_CLS would wrap modules called classifier or score again, inside modules that are wrapped already.
        task_type=None if isinstance(classifier.model, WindowedClassifier) else TaskType.SEQ_CLS,
        r=section.r,
        lora_alpha=section.lora_alpha,
        lora_dropout=section.dropout,
        target_modules=section.target_modules or _TARGETS.get(encoder),
        modules_to_save=[*_find_new_modules(classifier.model, classifier.backbone_parameters)],
    )
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft uses an old name of transformers
        torch.manual_seed(seed)
        try:
            model: Any = get_peft_model(classifier.model, config)
        except ValueError as error:
            raise RecipeError(
                f"adapter.target_modules is {section.target_modules!r}, but {encoder} has no such linear layers "
                f"({shorten_text(error)}); list the names of its layers, as in [query, value]"
            ) from error
    # With a name peft would fetch its configuration from the Hub at each checkpoint.
    model.peft_config[_ADAPTER].base_model_name_or_path = ""
    trained = {name: parameter.numel() for name, parameter in model.named_parameters() if parameter.requires_grad}
    adapter = frozenset(name for name in trained if ".modules_to_save." not in name)
    logger.info(
        "adapter of rank %d in %s: %s parameters, head: %s parameters",
        section.r,
        ", ".join(sorted(model.peft_config[_ADAPTER].target_modules)),
        f"{sum(trained[name] for name in adapter):,}",
        f"{sum(size for name, size in trained.items() if name not in adapter):,}",
    )
    return PretrainedClassifier(model, classifier.tokenizer, backbone_parameters=adapter)


def merge_adapter(model: PreTrainedModel | PeftModel) -> PreTrainedModel:
    """Return the model with its adapter, if it has one, merged into the encoder's weights."""
    if not isinstance(model, PeftModel):
        return model
    merged: PreTrainedModel = model.merge_and_unload()
    return merged


def save_adapter(model: PreTrainedModel, folder: Path, *, base_model: str, revision: str | None = None) -> None:
    """Save the adapter, the head, and the configuration with the labels.

    The adapter is loaded again with the encoder of the Hub id `base_model`, which is never a folder of this machine.
    """
    peft_config: Any = model.peft_config
    peft_config[_ADAPTER].base_model_name_or_path = base_model
    peft_config[_ADAPTER].revision = revision
    model.save_pretrained(folder, save_embedding_layers=False)
    model.config.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)  # a card by peft; ours is written later


def is_adapter(folder: Path) -> bool:
    """Return whether a folder holds an adapter without the encoder's weights."""
    return (folder / "adapter_config.json").is_file()


def read_base(folder: Path) -> tuple[str, str]:
    """Return Hub id and revision of the encoder that an adapter was trained on.

    Raises:
        ModelError: the adapter names none, or a local folder.
    """
    config = PeftConfig.from_pretrained(str(folder))
    if not config.base_model_name_or_path:
        raise ModelError(
            f"{folder}: adapter_config.json has no base_model_name_or_path; set it to the Hub id of the encoder"
        )
    if is_local_address(config.base_model_name_or_path):
        raise ModelError(
            f"{folder}: base_model_name_or_path in adapter_config.json is {config.base_model_name_or_path!r}, a folder "
            "of this machine; set it to the Hub id of the encoder"
        )
    return config.base_model_name_or_path, config.revision or "main"


def load_adapted(folder: Path, *, base: Path | None = None) -> PreTrainedModel:
    """Load an adapter that `save_adapter` saved with its encoder, and merge the two.

    The encoder is in the folder `base`; if None, the one that the adapter names is fetched from the Hub.

    Raises:
        ModelError: weights of the adapter or of the head are missing, or do not fit the encoder.
    """
    register()
    if base is None:
        address, revision = read_base(folder)
        base = find_model(address, revision=revision)
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
        raise ModelError(
            f"{folder}: the adapter does not fit the encoder in {base} ({shorten_text(error, limit=300)}); check that "
            "it was trained on this encoder"
        ) from error
    return merge_adapter(adapted)


def _check_encoder(folder: Path, base: Path, *, missing: Collection[str]) -> None:
    """Refuse an encoder that lacks weights which the adapter does not bring either."""
    brought = tuple(f"{name}." for name in PeftConfig.from_pretrained(str(folder)).modules_to_save or ())
    lacking = sorted(name for name in missing if not name.startswith(brought))
    if lacking:
        raise ModelError(
            f"{folder}: the encoder in {base} has no weights for {format_examples(lacking)}; check that the adapter "
            "was trained on this encoder"
        )


def _find_new_modules(model: nn.Module, backbone_parameters: frozenset[str], prefix: str = "") -> Iterator[str]:
    """Yield the names of the outermost modules that have only newly initialized parameters."""
    for name, module in model.named_children():
        path = f"{prefix}{name}"
        parameters = [f"{path}.{inner}" for inner, _ in module.named_parameters()]
        if parameters and backbone_parameters.isdisjoint(parameters):
            yield path
        else:
            yield from _find_new_modules(module, backbone_parameters, f"{path}.")
