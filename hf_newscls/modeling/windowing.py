"""Turn a loaded classifier into a windowed one with the same weights."""

from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from hf_newscls.errors import RecipeError
from hf_newscls.modeling.configuration_windowed import WindowedClassifierConfig
from hf_newscls.modeling.modeling_newscls import NewsClassifier
from hf_newscls.modeling.modeling_windowed import WindowedClassifier
from hf_newscls.modeling.tokenization import find_special_tokens
from hf_newscls.recipe.model import ModelSection


def add_windows(
    classifier: PreTrainedModel, loaded: frozenset[str], section: ModelSection, tokenizer: PreTrainedTokenizerBase
) -> tuple[WindowedClassifier, frozenset[str]]:
    """Return a windowed classifier with the weights of a plain one, and the names of its pre-trained parameters.

    Args:
        classifier: a stock model or a `NewsClassifier`; do not use it afterwards.
        loaded: names of its pre-trained parameters.

    Raises:
        RecipeError: the architecture's own head reads more than one vector of a text.
    """
    windowed = WindowedClassifier(_build_config(classifier, section, tokenizer))
    backbone, weights = f"{classifier.base_model_prefix}.", classifier.state_dict()
    windowed.backbone.load_state_dict(_select(weights, backbone))
    if isinstance(classifier, NewsClassifier):
        windowed.document_head.load_state_dict(_select(weights, "head."))
    else:
        head = {name: value for name, value in weights.items() if not name.startswith(backbone)}
        windowed.document_head.get_submodule("stock").load_state_dict(head)
        _check_head(windowed, classifier, section)
    names = {f"backbone.{name.removeprefix(backbone)}" for name in loaded if name.startswith(backbone)}
    WindowedClassifierConfig.register_for_auto_class()  # type: ignore[no-untyped-call]
    WindowedClassifier.register_for_auto_class("AutoModelForSequenceClassification")  # type: ignore[no-untyped-call]
    return windowed, frozenset(name for name, _ in windowed.named_parameters() if name in names)


def _build_config(
    classifier: PreTrainedModel, section: ModelSection, tokenizer: PreTrainedTokenizerBase
) -> WindowedClassifierConfig:
    config, windows = classifier.config, section.windows
    assert windows is not None, "add_windows is only for recipes with windows"
    prefix, suffix = find_special_tokens(tokenizer)
    has_two_layers = isinstance(classifier, NewsClassifier)
    encoder: Any = config.backbone_config if has_two_layers else config
    encoder._name_or_path = ""  # it is saved with the model, and may be a folder of this machine
    return WindowedClassifierConfig(
        backbone_config=encoder,
        head=section.head,
        head_dropout=config.head_dropout if has_two_layers else 0.0,
        window_count=windows.count,
        window_length=windows.length,
        window_stride=windows.stride,
        window_pooling=windows.pooling,
        window_batch_size=windows.window_batch_size,
        truncation=section.truncation,
        prefix_token_ids=prefix,
        suffix_token_ids=suffix,
        id2label=config.id2label,
        label2id=config.label2id,
        problem_type=config.problem_type,
    )


def _select(weights: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}


@torch.no_grad()
def _check_head(windowed: WindowedClassifier, classifier: PreTrainedModel, section: ModelSection) -> None:
    """Compare the logits of both on a short text: a head that reads several tokens cannot read pooled windows."""
    layout = windowed.layout
    ids = torch.tensor([[*layout.prefix, *range(10, 14), *layout.suffix]])
    mask = torch.ones_like(ids)
    for model in (classifier, windowed):
        torch.nn.Module.eval(model)
    expected = classifier(input_ids=ids, attention_mask=mask).logits
    try:
        found = windowed.document_head(windowed.encode(ids, mask).features[:, 0])
    except (IndexError, RuntimeError, TypeError, ValueError, AttributeError):
        found = torch.full_like(expected, torch.nan)
    if not torch.allclose(found, expected, atol=1e-5):
        raise RecipeError(
            f"{section.model_name_or_path}: the head of {type(classifier).__name__} reads more than one vector of a "
            "text, so it cannot read pooled windows; write `model.head: two_layer`, or remove model.windows"
        )
