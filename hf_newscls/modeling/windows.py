"""Cut long texts into windows, and pool the vectors of the windows; this file travels with the model.

The method is that of Pappagari et al. 2019, arXiv 1910.10781 (compared with others by Park et al. 2022, arXiv
2203.11258): each window has its own special tokens, and the vectors of all windows are pooled into one. We depart in
one point: encoder and pooling are trained together, not a recurrent network on the vectors of a frozen encoder.

Shape letters: B batch, W windows of a document, T tokens (of a document, or of a window), H hidden size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

TRUNCATIONS = ("head", "tail", "head_tail")
"""What can be kept of a text that is too long."""


def count_head_tokens(kept: int, truncation: str) -> int:
    """Return how many of the kept tokens of a long text come from its beginning; the others come from its end.

    Special tokens do not count. The quarter of head_tail is close to the 128 of 510 tokens of Sun et al. 2019, arXiv
    1905.05583.

    >>> [count_head_tokens(510, truncation) for truncation in ("head", "tail", "head_tail")]
    [510, 0, 127]
    """
    return {"head": kept, "tail": 0, "head_tail": kept // 4}[truncation]


class Windows(NamedTuple):
    """Texts cut into windows; used windows come first, and the first window is always used."""

    input_ids: Tensor  # (B, W, T), each window with special tokens, padded on the right
    attention_mask: Tensor  # (B, W, T), 1 for each token
    is_used: Tensor  # (B, W), True for each window that holds tokens of its text


@dataclass(frozen=True)
class WindowLayout:
    """How tokens are cut into windows."""

    count: int  # most windows of a text
    length: int  # tokens of a window, special tokens included
    stride: int  # overlap of two windows in tokens
    prefix: Sequence[int]  # ids of the special tokens before a text, such as [CLS]
    suffix: Sequence[int]  # those after a text, such as [SEP]
    pad: int  # id of the padding token
    truncation: str = "head"  # which tokens are kept of a text that does not fit, as in `count_head_tokens`

    @property
    def capacity(self) -> int:
        """Tokens of a window without special tokens."""
        return self.length - len(self.prefix) - len(self.suffix)

    @property
    def step(self) -> int:
        """Distance of two windows in tokens."""
        return self.capacity - self.stride

    @property
    def max_tokens(self) -> int:
        """Tokens of the longest text that fits, with one prefix and one suffix."""
        return self.length + (self.count - 1) * self.step

    def count_windows(self, tokens: int) -> int:
        """Return the number of windows for a text of `tokens` tokens, with one prefix and one suffix.

        >>> layout = WindowLayout(count=3, length=5, stride=1, prefix=[1], suffix=[2], pad=0)
        >>> [layout.count_windows(tokens) for tokens in (2, 5, 6, 7, 8, 100)]
        [1, 1, 2, 2, 3, 3]
        """
        # Not max and min: torch.export would fix their result to that of the example.
        beyond = torch.sym_max(tokens - self.length, 0)  # type: ignore[no-untyped-call]
        count: int = torch.sym_min(1 + -(-beyond // self.step), self.count)  # type: ignore[no-untyped-call]
        return count

    def fold(self, input_ids: Tensor, attention_mask: Tensor) -> Windows:
        """Cut a batch of texts into windows, each with its own special tokens.

        Two texts of six tokens and one token, in windows of five tokens with room for three of a text:

        >>> layout = WindowLayout(count=4, length=5, stride=0, prefix=[1], suffix=[2], pad=0)
        >>> texts = torch.tensor([[1, 11, 12, 13, 14, 15, 16, 2], [1, 21, 2, 0, 0, 0, 0, 0]])
        >>> windows = layout.fold(texts, (texts > 0).long())
        >>> windows.input_ids.tolist()
        [[[1, 11, 12, 13, 2], [1, 14, 15, 16, 2]], [[1, 21, 2, 0, 0], [1, 2, 0, 0, 0]]]
        >>> windows.is_used.tolist()
        [[True, True], [True, False]]

        The shapes depend only on the shapes of the arguments, so XLA does not recompile.

        Args:
            input_ids: (B, T), with special tokens around the whole text, padded on either side.
            attention_mask: (B, T), 1 for each token.
        """
        device, tokens = input_ids.device, input_ids.shape[1]
        width = torch.sym_min(tokens, self.length)  # type: ignore[no-untyped-call]
        begins = torch.arange(self.count_windows(tokens), device=device) * self.step  # (W,), in tokens of the text
        slots = torch.arange(width, device=device) - len(self.prefix)  # (T,), 0 where the text begins
        text = (attention_mask.sum(dim=1) - len(self.prefix) - len(self.suffix)).clamp(min=0)  # (B,)
        kept = text.clamp(max=self._max_text)
        held = (kept[:, None] - begins).clamp(min=0, max=self.capacity)[..., None]  # (B, W, 1)
        chosen = (begins[:, None] + slots).expand(text.shape[0], -1, -1)  # (B, W, T)
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
        return count_head_tokens(self._max_text, self.truncation)


class MeanPooling(nn.Module):
    """The mean of the used windows."""

    def forward(self, features: Tensor, is_used: Tensor) -> Tensor:
        """Return (B, H) of features (B, W, H) and (B, W)."""
        weights = is_used.to(features.dtype)[..., None]
        return (features * weights).sum(dim=1) / weights.sum(dim=1)


class MaxPooling(nn.Module):
    """The maximum over the used windows, for each of the H values."""

    def forward(self, features: Tensor, is_used: Tensor) -> Tensor:
        """Return (B, H) of features (B, W, H) and (B, W)."""
        return features.masked_fill(~is_used[..., None], torch.finfo(features.dtype).min).amax(dim=1)


class AttentionPooling(nn.Module):
    """A mean of the used windows with learned weights (Yang et al. 2016, N16-1174)."""

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
    """The state of a recurrent network after the last used window; only this pooling sees the order of windows."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        # Not nn.GRU: torch_xla replaces it with one that does not run on a CPU.
        self.cell = nn.GRUCell(hidden_size, hidden_size)

    def forward(self, features: Tensor, is_used: Tensor) -> Tensor:
        """Return (B, H) of features (B, W, H) and (B, W)."""
        state = torch.zeros_like(features[:, 0])
        for window, used in zip(features.unbind(dim=1), is_used.unbind(dim=1), strict=True):
            state = torch.where(used[:, None], self.cell(window, state), state)
        return state


def build_pooling(name: str, hidden_size: int) -> nn.Module:
    """Return the pooling of this name: mean, max, attention or gru. All but gru return a single window unchanged."""
    if name in {"mean", "max"}:
        return MeanPooling() if name == "mean" else MaxPooling()
    return AttentionPooling(hidden_size) if name == "attention" else GruPooling(hidden_size)
