"""Fold texts into windows, and pool what an encoder made of each; this file travels with the model.

A text longer than an encoder reads is cut into windows that each begin and end as the encoder's texts do, and one
vector is made of theirs: Pappagari et al. 2019, arXiv 1910.10781, with what Park et al. 2022, arXiv 2203.11258, compare
such models to. Where we depart: encoder and pooling learn together, while Pappagari et al. train the encoder first and
a recurrent network on its frozen vectors.

Shape letters: B batch, W windows of a document, T tokens (of a document, or of a window), H hidden size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["AttentionPooling", "GruPooling", "MaxPooling", "MeanPooling", "WindowLayout", "Windows", "build_pooling"]

# Of what is kept of a text, the part that comes from its beginning: 128 of 510 tokens, as in Sun et al. 2019.
_HEAD_FRACTION = 4


class Windows(NamedTuple):
    """Texts folded into windows.

    Attributes:
        input_ids: (B, W, T), each window with the encoder's special tokens, padded on the right.
        attention_mask: (B, W, T), 1 where there is a token.
        is_used: (B, W), True where a window holds tokens of its text; a text's used windows come first, and the first
            is used always.
    """

    input_ids: Tensor
    attention_mask: Tensor
    is_used: Tensor


@dataclass(frozen=True)
class WindowLayout:
    """How a sequence of tokens is laid out in windows.

    Attributes:
        count: windows of a text at most.
        length: tokens of a window, special tokens included.
        stride: tokens that a window shares with the one before.
        prefix: ids of the special tokens that begin a text, as [CLS].
        suffix: ids of those that end it, as [SEP].
        pad: id of the padding.
        truncation: what is kept of a text that the windows cannot hold: head, tail, or head_tail, a quarter from its
            head and the rest from its tail (Sun et al. 2019, arXiv 1905.05583).
    """

    count: int
    length: int
    stride: int
    prefix: Sequence[int]
    suffix: Sequence[int]
    pad: int
    truncation: str = "head"

    @property
    def capacity(self) -> int:
        """Tokens of a text that one window holds."""
        return self.length - len(self.prefix) - len(self.suffix)

    @property
    def step(self) -> int:
        """Tokens from the beginning of one window to that of the next."""
        return self.capacity - self.stride

    @property
    def max_tokens(self) -> int:
        """Tokens of the longest text that is read whole, its special tokens counted once."""
        return self.length + (self.count - 1) * self.step

    def count_windows(self, tokens: int) -> int:
        """Return the windows that so many tokens take, special tokens counted once.

        >>> layout = WindowLayout(count=3, length=5, stride=1, prefix=[1], suffix=[2], pad=0)
        >>> [layout.count_windows(tokens) for tokens in (2, 5, 6, 7, 8, 100)]
        [1, 1, 2, 2, 3, 3]
        """
        beyond = max(tokens - self.length, 0)
        return min(1 + -(-beyond // self.step), self.count)

    def fold(self, input_ids: Tensor, attention_mask: Tensor) -> Windows:
        """Cut sequences into windows, each with special tokens of its own.

        Six tokens in windows of five, of which each holds three, two texts in a batch:

        >>> layout = WindowLayout(count=4, length=5, stride=0, prefix=[1], suffix=[2], pad=0)
        >>> texts = torch.tensor([[1, 11, 12, 13, 14, 15, 16, 2], [1, 21, 2, 0, 0, 0, 0, 0]])
        >>> windows = layout.fold(texts, (texts > 0).long())
        >>> windows.input_ids.tolist()
        [[[1, 11, 12, 13, 2], [1, 14, 15, 16, 2]], [[1, 21, 2, 0, 0], [1, 2, 0, 0, 0]]]
        >>> windows.is_used.tolist()
        [[True, True], [True, False]]

        Shapes follow from those of the arguments alone, so on XLA nothing is compiled anew.

        Args:
            input_ids: (B, T), special tokens once around each text, padded on either side.
            attention_mask: (B, T), 1 where there is a token.
        """
        device, tokens = input_ids.device, input_ids.shape[1]
        width = min(tokens, self.length)
        begins = torch.arange(self.count_windows(tokens), device=device) * self.step  # (W,), in tokens of the text
        slots = torch.arange(width, device=device) - len(self.prefix)  # (T,), 0 where the text begins
        text = (attention_mask.sum(dim=1) - len(self.prefix) - len(self.suffix)).clamp(min=0)  # (B,)
        kept = text.clamp(max=self._max_text)
        held = (kept[:, None] - begins).clamp(min=0, max=self.capacity)[..., None]  # (B, W, 1)
        chosen = (begins[:, None] + slots).expand(len(text), -1, -1)  # (B, W, T)
        chosen = chosen + torch.where(chosen >= self._head, (text - kept)[:, None, None], 0)
        first = attention_mask.argmax(dim=1)[:, None, None] + len(self.prefix)
        source = (chosen + first).clamp(min=0, max=tokens - 1)
        ids = input_ids.gather(1, source.flatten(1)).view_as(source)
        ids = torch.where((slots >= 0) & (slots < held), ids, self.pad)
        for index, token in enumerate(self.prefix):
            ids = torch.where(slots == index - len(self.prefix), token, ids)
        for index, token in enumerate(self.suffix):
            ids = torch.where(slots == held + index, token, ids)
        mask = (slots < held + len(self.suffix)).to(attention_mask.dtype)
        is_used = begins < torch.where(kept > self.capacity, kept - self.stride, 1)[:, None]
        return Windows(ids, mask, is_used)

    @property
    def _max_text(self) -> int:
        return self.max_tokens - len(self.prefix) - len(self.suffix)

    @property
    def _head(self) -> int:
        """Tokens kept from the beginning of a text that is cut."""
        return {"head": self._max_text, "tail": 0, "head_tail": self._max_text // _HEAD_FRACTION}[self.truncation]


class MeanPooling(nn.Module):
    """The mean of the used windows."""

    def forward(self, features: Tensor, is_used: Tensor) -> Tensor:
        """Return (B, H) of features (B, W, H) and (B, W)."""
        weights = is_used.to(features.dtype)[..., None]
        return (features * weights).sum(dim=1) / weights.sum(dim=1)


class MaxPooling(nn.Module):
    """The largest value of the used windows, for each unit."""

    def forward(self, features: Tensor, is_used: Tensor) -> Tensor:
        """Return (B, H) of features (B, W, H) and (B, W)."""
        return features.masked_fill(~is_used[..., None], torch.finfo(features.dtype).min).amax(dim=1)


class AttentionPooling(nn.Module):
    """A weighted mean of the used windows; what weighs them learns (Yang et al. 2016, N16-1174)."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.project = nn.Linear(hidden_size, hidden_size)
        self.score = nn.Linear(hidden_size, 1, bias=False)

    def forward(self, features: Tensor, is_used: Tensor) -> Tensor:
        """Return (B, H) of features (B, W, H) and (B, W)."""
        scores = self.score(torch.tanh(self.project(features)))
        weights = scores.masked_fill(~is_used[..., None], torch.finfo(scores.dtype).min).softmax(dim=1)
        pooled: Tensor = (features * weights).sum(dim=1)
        return pooled


class GruPooling(nn.Module):
    """The state of a recurrent network after the last used window, which alone sees the windows' order."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        # Not nn.GRU: torch_xla puts one of its own in that place, which refuses to run on a CPU.
        self.cell = nn.GRUCell(hidden_size, hidden_size)

    def forward(self, features: Tensor, is_used: Tensor) -> Tensor:
        """Return (B, H) of features (B, W, H) and (B, W)."""
        state = torch.zeros_like(features[:, 0])
        for window, used in zip(features.unbind(dim=1), is_used.unbind(dim=1), strict=True):
            state = torch.where(used[:, None], self.cell(window, state), state)
        return state


def build_pooling(name: str, hidden_size: int) -> nn.Module:
    """Return what pools windows: mean, max, attention or gru. With one window all but gru return it as it is."""
    if name in {"mean", "max"}:
        return MeanPooling() if name == "mean" else MaxPooling()
    return AttentionPooling(hidden_size) if name == "attention" else GruPooling(hidden_size)
