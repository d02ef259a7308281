"""Configuration of `NewsClassifier`; this file travels with the model and loads no torch."""

from typing import Any

from transformers import AutoConfig, PreTrainedConfig


class NewsClassifierConfig(PreTrainedConfig):
    """The encoder's configuration, or its dictionary with `model_type`, and the dropout rate of the two-layer head."""

    model_type = "newscls"
    sub_configs = {"backbone_config": AutoConfig}  # noqa: RUF012 - transformers needs a plain class attribute

    def __init__(
        self, backbone_config: PreTrainedConfig | dict[str, Any] | None = None, head_dropout: float = 0.4, **kwargs: Any
    ) -> None:
        if isinstance(backbone_config, dict):
            backbone_config = AutoConfig.for_model(**backbone_config)
        self.backbone_config = backbone_config
        self.head_dropout = head_dropout
        super().__init__(**kwargs)
