"""A classifier of our own on any encoder that `AutoModel` knows; this file travels with the model.

Shape letters: B batch, T tokens, H hidden size, L labels.
"""

from typing import Any

from torch import Tensor, nn
from transformers import AutoModel, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from .configuration_newscls import NewsClassifierConfig
from .heads import TwoLayerHead

__all__ = ["NewsClassifier"]


class NewsClassifier(PreTrainedModel):
    """An encoder whose first token goes through a `TwoLayerHead`."""

    config_class = NewsClassifierConfig
    base_model_prefix = "backbone"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    # forward() computes a mean over its own batch and knows nothing of the batches accumulated with it; saying so
    # makes the Trainer divide by their number (transformers#47688).
    accepts_loss_kwargs = False

    def __init__(self, config: NewsClassifierConfig) -> None:
        super().__init__(config)
        self.backbone = AutoModel.from_config(config.backbone_config)
        if getattr(self.backbone, "pooler", None) is not None:
            # The head reads the first token itself. roberta-base, for one, has no pre-trained pooler to read through.
            self.backbone.pooler = None
        self.head = TwoLayerHead(
            hidden_size=self.backbone.config.hidden_size,
            num_labels=len(config.id2label or {}),
            dropout=config.head_dropout,
        )
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **backbone_inputs: Any,
    ) -> SequenceClassifierOutput:
        """Return logits (B, L), and the mean cross-entropy where labels are given.

        Args:
            input_ids: (B, T).
            attention_mask: (B, T), 1 where there is a token.
            labels: (B,) label ids.
            backbone_inputs: what else the encoder takes, as token_type_ids (B, T).
        """
        hidden = self.backbone(input_ids=input_ids, attention_mask=attention_mask, **backbone_inputs).last_hidden_state
        logits = self.head(hidden[:, 0])
        loss = nn.functional.cross_entropy(logits, labels) if labels is not None else None
        return SequenceClassifierOutput(loss=loss, logits=logits)
