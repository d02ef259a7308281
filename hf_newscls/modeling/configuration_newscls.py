"""Configuration of `NewsClassifier`; this file travels with the model. It loads no torch."""

from typing import Any

from transformers import AutoConfig, PreTrainedConfig

__all__ = ["NewsClassifierConfig"]


class NewsClassifierConfig(PreTrainedConfig):
    """An encoder's configuration and the dropout of the two-layer head on it.

    Args:
        backbone_config: configuration of the encoder, or its dictionary with `model_type`.
        head_dropout: dropout before each of the head's linear layers.
    """

    model_type = "newscls"
    sub_configs = {"backbone_config": AutoConfig}  # noqa: RUF012 - transformers reads it as a plain class attribute

    def __init__(
        self, backbone_config: PreTrainedConfig | dict[str, Any] | None = None, head_dropout: float = 0.4, **kwargs: Any
    ) -> None:
        if isinstance(backbone_config, dict):
            backbone_config = AutoConfig.for_model(**backbone_config)
        self.backbone_config = backbone_config
        self.head_dropout = head_dropout
        super().__init__(**kwargs)
