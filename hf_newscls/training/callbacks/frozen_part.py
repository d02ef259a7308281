"""The part of a model that learns nothing in stage 1, and what the rest of the model reads of its output.

Shape letters: B batch, W windows of a document, H hidden size, P kept vectors of a row.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutputWithPooling

from hf_newscls.modeling.modeling_windowed import WindowedClassifier, WindowFeatures

__all__ = ["FrozenEncoder", "FrozenPart", "FrozenWindows"]


class FrozenPart(ABC):
    """A method of a module whose output is the same in every epoch, and which can be put out of action.

    Args:
        module: that has the method.
        method: its name.
    """

    def __init__(self, module: nn.Module, method: str) -> None:
        self._module = module
        self._method = method

    def run(self, *inputs: Any, **options: Any) -> Any:
        """Compute the output, whether the method was substituted or not."""
        return getattr(type(self._module), self._method)(self._module, *inputs, **options)

    def substitute(self, function: Callable[..., Any]) -> None:
        """Let another function answer in the method's place."""
        setattr(self._module, self._method, function)

    def restore(self) -> None:
        """Let the method answer again."""
        # The class's own shows again once the instance has none.
        self._module.__dict__.pop(self._method, None)

    @abstractmethod
    def pack(self, output: Any) -> Tensor:
        """Return what is kept of an output: (B, P, H)."""

    @abstractmethod
    def unpack(self, kept: Tensor) -> Any:
        """Return an output made of what was kept, for the rest of the model."""


class FrozenEncoder(FrozenPart):
    """An encoder of which a head reads the first token, or the pooler's output.

    Args:
        encoder: as `base_model` gives it.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__(encoder, "forward")
        self._encoder: Any = encoder

    def pack(self, output: Any) -> Tensor:
        """Keep the first token and the output of a pooler that was loaded."""
        first = output.last_hidden_state[:, 0]
        kept = [first] if not self._has_frozen_pooler() else [first, output.pooler_output]
        return torch.stack(kept, dim=1)

    def unpack(self, kept: Tensor) -> BaseModelOutputWithPooling:
        """Return the output that a head takes, its texts cut to their first token."""
        first = kept[:, :1]
        if self._has_frozen_pooler():
            return BaseModelOutputWithPooling(last_hidden_state=first, pooler_output=kept[:, 1])
        pooler = getattr(self._encoder, "pooler", None)
        # A pooler without weights is new: it learns with the head.
        return BaseModelOutputWithPooling(last_hidden_state=first, pooler_output=pooler(first) if pooler else None)

    def _has_frozen_pooler(self) -> bool:
        pooler = getattr(self._encoder, "pooler", None)
        return pooler is not None and not any(parameter.requires_grad for parameter in pooler.parameters())


class FrozenWindows(FrozenPart):
    """The windows of a text, of which pooling and head read one vector each.

    Args:
        model: whose encoder reads windows.
    """

    def __init__(self, model: WindowedClassifier) -> None:
        super().__init__(model, "encode")
        self._count = model.layout.count

    def run(self, *inputs: Any, **options: Any) -> WindowFeatures:
        """Compute the windows' vectors."""
        read = {name: value for name, value in options.items() if name in {"input_ids", "attention_mask"}}
        features: WindowFeatures = super().run(*inputs, **read)
        return features

    def pack(self, output: WindowFeatures) -> Tensor:
        """Keep all windows: those that a text does not use become zeros, which no encoder gives."""
        used = output.features * output.is_used[..., None]
        return nn.functional.pad(used, (0, 0, 0, self._count - used.shape[1]))

    def unpack(self, kept: Tensor) -> WindowFeatures:
        """Return the windows' vectors, and which of them hold tokens."""
        return WindowFeatures(kept, kept.any(dim=-1))
