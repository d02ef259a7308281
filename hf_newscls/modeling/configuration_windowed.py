"""Configuration of `WindowedClassifier`; this file travels with the model and loads no torch."""

from collections.abc import Sequence
from typing import Any

from transformers import AutoConfig, PreTrainedConfig


class WindowedClassifierConfig(PreTrainedConfig):
    """The configurations of the encoder, of the windows it reads, and of the head.

    Args:
        backbone_config: configuration of the encoder, or its dictionary with `model_type`.
        head: stock (the architecture's own head) or two_layer.
        head_dropout: dropout rate before each linear layer of a two_layer head.
        window_count: most windows of a text.
        window_length: tokens of a window, special tokens included.
        window_stride: overlap of two windows in tokens.
        window_pooling: mean, max, attention or gru.
        window_batch_size: windows that the encoder reads at once; None for all.
        truncation: which tokens are kept of a text that does not fit: head, tail or head_tail.
        prefix_token_ids: special tokens around each window, with `suffix_token_ids`.
    """

    model_type = "newscls_windowed"
    # Its name in the config.json of versions before 0.2.
    attribute_map = {"max_windows_a_step": "window_batch_size"}  # noqa: RUF012
    sub_configs = {"backbone_config": AutoConfig}  # noqa: RUF012 - transformers needs a plain class attribute

    def __init__(
        self,
        backbone_config: PreTrainedConfig | dict[str, Any] | None = None,
        head: str = "stock",
        head_dropout: float = 0.4,
        window_count: int = 4,
        window_length: int = 512,
        window_stride: int = 0,
        window_pooling: str = "mean",
        window_batch_size: int | None = None,
        truncation: str = "head",
        prefix_token_ids: Sequence[int] = (),
        suffix_token_ids: Sequence[int] = (),
        **kwargs: Any,
    ) -> None:
        if isinstance(backbone_config, dict):
            backbone_config = AutoConfig.for_model(**backbone_config)
        self.backbone_config = backbone_config
        self.head = head
        self.head_dropout = head_dropout
        self.window_count = window_count
        self.window_length = window_length
        self.window_stride = window_stride
        self.window_pooling = window_pooling
        self.window_batch_size = window_batch_size
        self.truncation = truncation
        self.prefix_token_ids = [*prefix_token_ids]
        self.suffix_token_ids = [*suffix_token_ids]
        super().__init__(**kwargs)
