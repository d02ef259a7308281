"""Put the windows around a classifier that was loaded: same weights, texts of any length."""

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from hf_newscls.errors import RecipeError
from hf_newscls.modeling.configuration_windowed import WindowedClassifierConfig
from hf_newscls.modeling.modeling_newscls import NewsClassifier
from hf_newscls.modeling.modeling_windowed import WindowedClassifier
from hf_newscls.modeling.special_tokens import find_special_tokens
from hf_newscls.recipe.model import ModelSection

__all__ = ["add_windows"]


def add_windows(
    classifier: PreTrainedModel, loaded: frozenset[str], section: ModelSection, tokenizer: PreTrainedTokenizerBase
) -> tuple[WindowedClassifier, frozenset[str]]:
    """Return a windowed classifier with the weights of a plain one, and the names of the parameters that were loaded.

    Args:
        classifier: a stock one or a `NewsClassifier`; it is taken apart.
        loaded: names of its parameters that were loaded.
        section: the recipe's model section, with windows.
        tokenizer: of the model.

    Raises:
        RecipeError: the architecture's own head reads more than one vector of a text.
    """
    config = _build_config(classifier, section, tokenizer)
    backbone = f"{classifier.base_model_prefix}."
    windowed = WindowedClassifier(config)
    weights = classifier.state_dict()
    windowed.backbone.load_state_dict(_take(weights, backbone))
    if isinstance(classifier, NewsClassifier):
        windowed.document_head.load_state_dict(_take(weights, "head."))
    else:
        head = {name: value for name, value in weights.items() if not name.startswith(backbone)}
        stock: nn.Module = windowed.document_head.get_submodule("stock")
        stock.load_state_dict(head)
        _check_head(windowed, classifier, section)
    names = {f"backbone.{name.removeprefix(backbone)}" for name in loaded if name.startswith(backbone)}
    WindowedClassifierConfig.register_for_auto_class()  # type: ignore[no-untyped-call]
    WindowedClassifier.register_for_auto_class("AutoModelForSequenceClassification")  # type: ignore[no-untyped-call]
    return windowed, frozenset(name for name, _ in windowed.named_parameters() if name in names)


def _build_config(
    classifier: PreTrainedModel, section: ModelSection, tokenizer: PreTrainedTokenizerBase
) -> WindowedClassifierConfig:
    config, windows = classifier.config, section.windows
    assert windows is not None, "add_windows is for recipes that have them"
    special = find_special_tokens(tokenizer)
    is_ours = isinstance(classifier, NewsClassifier)
    encoder: Any = config.backbone_config if is_ours else config
    # It would be saved with the model: a folder of this machine tells nobody anything.
    encoder._name_or_path = ""
    return WindowedClassifierConfig(
        backbone_config=encoder,
        head=section.head,
        head_dropout=config.head_dropout if is_ours else 0.0,
        window_count=windows.count,
        window_length=windows.length,
        window_stride=windows.stride,
        window_pooling=windows.pooling,
        window_batch_size=windows.window_batch_size,
        truncation=section.truncation,
        prefix_token_ids=special.prefix,
        suffix_token_ids=special.suffix,
        id2label=config.id2label,
        label2id=config.label2id,
        problem_type=config.problem_type,
    )


def _take(weights: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}


@torch.no_grad()
def _check_head(windowed: WindowedClassifier, classifier: PreTrainedModel, section: ModelSection) -> None:
    """Compare both on one short text: a head that reads all of a text's tokens cannot read pooled windows."""
    layout = windowed.layout
    ids = torch.tensor([[*layout.prefix, *range(10, 14), *layout.suffix]])
    mask = torch.ones_like(ids)
    for model in (classifier, windowed):
        nn.Module.eval(model)
    expected = classifier(input_ids=ids, attention_mask=mask).logits
    try:
        found = windowed.document_head(windowed.encode(ids, mask).features[:, 0])
    except (IndexError, RuntimeError, TypeError, ValueError, AttributeError):
        found = torch.full_like(expected, torch.nan)
    if not torch.allclose(found, expected, atol=1e-5):
        raise RecipeError(
            f"{section.model_name_or_path}: `model.windows` with `head: stock` need a head that reads one vector of a "
            f"text, got {type(classifier).__name__}; write `head: two_layer`"
        )
