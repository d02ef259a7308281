"""The frozen part of a model in stage 1, and which of its output the rest of the model reads.

Shape letters: B batch, W windows of a document, H hidden size, P kept vectors of a row.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutputWithPooling

from hf_newscls.modeling.modeling_windowed import WindowedClassifier, WindowFeatures


class FrozenPart(ABC):
    """A method of a module with the same output in every epoch, which another function can replace."""

    def __init__(self, module: nn.Module, method: str) -> None:
        self._module = module
        self._method = method

    def run(self, *inputs: Any, **options: Any) -> Any:
        """Run the method, whether it is replaced or not."""
        return getattr(type(self._module), self._method)(self._module, *inputs, **options)

    def replace(self, function: Callable[..., Any]) -> None:
        """Replace the method."""
        setattr(self._module, self._method, function)

    def restore(self) -> None:
        """Undo `replace`; without an attribute of the instance, the method of the class is back."""
        self._module.__dict__.pop(self._method, None)

    @abstractmethod
    def pack(self, output: Any) -> Tensor:
        """Return the vectors of an output that are kept, (B, P, H)."""

    @abstractmethod
    def unpack(self, kept: Tensor) -> Any:
        """Return an output made of the kept vectors."""


class FrozenEncoder(FrozenPart):
    """An encoder (a model's `base_model`) under a head that reads the first token or the pooler's output."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__(encoder, "forward")
        self._pooler: nn.Module | None = getattr(encoder, "pooler", None)

    def pack(self, output: Any) -> Tensor:
        """Keep the first token, and the output of a pre-trained pooler."""
        first = output.last_hidden_state[:, 0]
        return torch.stack([first, output.pooler_output] if self._is_pooler_frozen() else [first], dim=1)

    def unpack(self, kept: Tensor) -> BaseModelOutputWithPooling:
        """Return the encoder's output for texts of one token."""
        first = kept[:, :1]
        if self._is_pooler_frozen():
            return BaseModelOutputWithPooling(last_hidden_state=first, pooler_output=kept[:, 1])
        pooled = self._pooler(first) if self._pooler else None  # a newly initialized pooler is trained with the head
        return BaseModelOutputWithPooling(last_hidden_state=first, pooler_output=pooled)

    def _is_pooler_frozen(self) -> bool:
        return self._pooler is not None and not any(one.requires_grad for one in self._pooler.parameters())


class FrozenWindows(FrozenPart):
    """The encoder of a windowed classifier, with one vector for each window."""

    def __init__(self, model: WindowedClassifier) -> None:
        super().__init__(model, "encode")
        self._count = model.layout.count

    def run(self, *inputs: Any, **options: Any) -> WindowFeatures:
        """Compute the vectors of the windows."""
        read = {name: value for name, value in options.items() if name in {"input_ids", "attention_mask"}}
        features: WindowFeatures = super().run(*inputs, **read)
        return features

    def pack(self, output: WindowFeatures) -> Tensor:
        """Keep all windows; unused ones become zeros, which no encoder returns."""
        used = output.features * output.is_used[..., None]
        return nn.functional.pad(used, (0, 0, 0, self._count - used.shape[1]))

    def unpack(self, kept: Tensor) -> WindowFeatures:
        """Return the vectors of the windows, and which windows are used."""
        return WindowFeatures(kept, kept.any(dim=-1))
