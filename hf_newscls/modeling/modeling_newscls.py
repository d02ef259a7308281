"""A two-layer head on any encoder that `AutoModel` loads; this file travels with the model.

Shape letters: B batch, T tokens, H hidden size, L labels.
"""

from typing import Any

from torch import Tensor, nn
from transformers import AutoModel, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from .configuration_newscls import NewsClassifierConfig
from .heads import TwoLayerHead, find_token_pooling, pool_tokens


class NewsClassifier(PreTrainedModel):
    """An encoder with a `TwoLayerHead` on its first token."""

    config_class = NewsClassifierConfig
    base_model_prefix = "backbone"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    # forward() averages over its own batch only, so the Trainer must divide by the number of accumulated batches
    # (transformers#47688).
    accepts_loss_kwargs = False

    def __init__(self, config: NewsClassifierConfig) -> None:
        super().__init__(config)
        self.backbone = AutoModel.from_config(config.backbone_config)
        if getattr(self.backbone, "pooler", None) is not None:
            # The head reads the first token: roberta-base, for example, has no pre-trained pooler.
            self.backbone.pooler = None
        self.head = TwoLayerHead(
            hidden_size=self.backbone.config.hidden_size,
            num_labels=len(config.id2label or {}),
            dropout=config.head_dropout,
        )
        self.token_pooling = find_token_pooling(self)
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **backbone_inputs: Any,
    ) -> SequenceClassifierOutput:
        """Return logits (B, L), and the mean cross-entropy if labels (B,) are given.

        Args:
            input_ids: (B, T).
            attention_mask: (B, T), 1 for each token.
            backbone_inputs: additional inputs of the encoder, such as token_type_ids (B, T).
        """
        output = self.backbone(input_ids=input_ids, attention_mask=attention_mask, **backbone_inputs)
        logits = self.head(pool_tokens(output, attention_mask, self.token_pooling))
        loss = nn.functional.cross_entropy(logits, labels) if labels is not None else None
        return SequenceClassifierOutput(loss=loss, logits=logits)
