"""A classifier for long texts on any encoder that `AutoModel` loads; this file travels with the model.

Shape letters: B batch, W windows of a document, N used windows of a batch, T tokens, H hidden size, L labels.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import AutoModel, AutoModelForSequenceClassification, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling, SequenceClassifierOutput

from .configuration_windowed import WindowedClassifierConfig
from .heads import TwoLayerHead, find_token_pooling, pool_tokens
from .windows import WindowLayout, build_pooling


class WindowFeatures(NamedTuple):
    """The encoder's vectors of the windows of a batch."""

    features: Tensor  # (B, W, H)
    is_used: Tensor  # (B, W), True for each window that holds tokens; ignore the features of the others


class StockHead(nn.Module):
    """The head of an architecture's own classifier, which loses its encoder."""

    def __init__(self, stock: PreTrainedModel) -> None:
        super().__init__()
        setattr(stock, stock.base_model_prefix, _Identity())
        self.stock = stock

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (B, L) of features (B, H)."""
        logits: Tensor = self.stock(inputs_embeds=features[:, None]).logits
        return logits


class _Identity(nn.Module):
    """Replaces the encoder of a stock classifier, and returns its input as the encoder's output."""

    def forward(self, *args: Any, inputs_embeds: Tensor, **kwargs: Any) -> BaseModelOutputWithPooling:
        """Return the states (B, T, H) unchanged, and the first of each text as the pooled one (B, H)."""
        return BaseModelOutputWithPooling(last_hidden_state=inputs_embeds, pooler_output=inputs_embeds[:, 0])


class WindowedClassifier(PreTrainedModel):
    """An encoder that reads a text in windows, and a head that classifies the pooled vectors of the windows.

    It takes tokenized texts of any length; tokens that do not fit into the windows are ignored. With one window it
    computes the same as the architecture's own classifier.
    """

    config_class = WindowedClassifierConfig
    base_model_prefix = "backbone"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    # As in NewsClassifier (transformers#47688).
    accepts_loss_kwargs = False

    def __init__(self, config: WindowedClassifierConfig) -> None:
        super().__init__(config)
        labels, encoder = len(config.id2label or {}), config.backbone_config
        if config.head == "stock" and encoder is not None:
            encoder.num_labels = labels
            stock = AutoModelForSequenceClassification.from_config(encoder)
            self.backbone = stock.base_model
            self.document_head: nn.Module = StockHead(stock)
        else:
            self.backbone = AutoModel.from_config(encoder)
            if getattr(self.backbone, "pooler", None) is not None:
                self.backbone.pooler = None  # as in NewsClassifier
            self.document_head = TwoLayerHead(
                hidden_size=self.backbone.config.hidden_size, num_labels=labels, dropout=config.head_dropout
            )
        self.token_pooling = find_token_pooling(self)
        self.window_pooling = build_pooling(config.window_pooling, self.backbone.config.hidden_size)
        self.post_init()  # type: ignore[no-untyped-call]

    @property
    def layout(self) -> WindowLayout:
        """How texts are cut into windows."""
        config = self.config
        return WindowLayout(
            count=config.window_count,
            length=config.window_length,
            stride=config.window_stride,
            prefix=config.prefix_token_ids,
            suffix=config.suffix_token_ids,
            pad=self.backbone.config.pad_token_id or 0,
            truncation=config.truncation,
        )

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> SequenceClassifierOutput:
        """Return logits (B, L), and the mean cross-entropy if labels (B,) are given.

        Args:
            input_ids: (B, T), T of any size, with the special tokens around the whole text.
            attention_mask: (B, T), 1 for each token; None if nothing is padded.
            token_type_ids: ignored, because windows are single texts.
        """
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        logits = self.document_head(self.window_pooling(*self.encode(input_ids, mask)))
        loss = nn.functional.cross_entropy(logits, labels) if labels is not None else None
        return SequenceClassifierOutput(loss=loss, logits=logits)

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> WindowFeatures:
        """Run the encoder on the windows of texts: input_ids and attention_mask are (B, T)."""
        windows = self.layout.fold(input_ids, attention_mask)
        shape = windows.is_used.shape
        ids, mask = windows.input_ids.flatten(0, 1), windows.attention_mask.flatten(0, 1)
        if input_ids.device.type == "xla" or torch.compiler.is_compiling():
            # All windows run: the number of used ones would be a new shape in each batch, and unknown to torch.export.
            features = self._read(ids, mask).unflatten(0, shape)  # type: ignore[no-untyped-call]
            # Up to the same number for each batch: gru pooling loops over the windows.
            rest = self.config.window_count - shape[1]
            return WindowFeatures(
                nn.functional.pad(features, (0, 0, 0, rest)), nn.functional.pad(windows.is_used, (0, rest))
            )
        used = windows.is_used.flatten().nonzero().squeeze(1)
        read = self._read_in_parts(ids[used], mask[used])
        features = read.new_zeros(len(ids), read.shape[1]).index_copy(0, used, read)
        return WindowFeatures(features.view(*shape, -1), windows.is_used)

    def _read_in_parts(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return features (N, H) of windows (N, T), in parts of at most `window_batch_size` windows of similar length.

        In training each part is recomputed in the backward pass, so that only one part's activations are in memory.
        """
        limit = self.config.window_batch_size
        if limit is None or len(input_ids) <= limit:
            return self._read(input_ids, attention_mask)
        lengths = attention_mask.sum(dim=1)
        order = lengths.argsort(descending=True, stable=True)
        parts = []
        for rows in torch.split(order, limit):
            width = int(lengths[rows[0]])
            part = input_ids[rows, :width], attention_mask[rows, :width]
            if self.training and torch.is_grad_enabled():
                parts.append(checkpoint(self._read, *part, use_reentrant=False))
            else:
                parts.append(self._read(*part))
        return torch.cat(parts)[order.argsort()]

    def _read(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the vectors (N, H) that the head reads of windows (N, T)."""
        output = self.backbone(input_ids=input_ids, attention_mask=attention_mask)
        return pool_tokens(output, attention_mask, self.token_pooling)
