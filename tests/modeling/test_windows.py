"""Folding and pooling, with values worked by hand: special tokens are 1 and 2, padding is 0."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from hf_newscls.modeling.windows import (
    AttentionPooling,
    GruPooling,
    MaxPooling,
    MeanPooling,
    WindowLayout,
    build_pooling,
)


def build_layout(**changes: Any) -> WindowLayout:
    return WindowLayout(**{"count": 3, "length": 5, "stride": 0, "prefix": [1], "suffix": [2], "pad": 0, **changes})


def fold(layout: WindowLayout, *texts: Sequence[int], left: bool = False) -> list[list[list[int]]]:
    """Fold texts of the given tokens, and return each one's used windows without padding."""
    whole = [[*layout.prefix, *text, *layout.suffix] for text in texts]
    longest = max(map(len, whole))
    rows = [[layout.pad] * (longest - len(row)) for row in whole]
    rows = [[*pad, *row] if left else [*row, *pad] for pad, row in zip(rows, whole, strict=True)]
    masks = [[0] * (longest - len(row)) for row in whole]
    masks = [[*m, *[1] * len(row)] if left else [*[1] * len(row), *m] for m, row in zip(masks, whole, strict=True)]
    windows = layout.fold(torch.tensor(rows), torch.tensor(masks))
    return [
        [
            window[: int(mask.sum())].tolist()
            for window, mask, used in zip(*one, strict=True)
            if used and mask[: int(mask.sum())].all()
        ]
        for one in zip(*windows, strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ([], [[1, 2]]),
        ([11, 12, 13], [[1, 11, 12, 13, 2]]),
        ([11, 12, 13, 14], [[1, 11, 12, 13, 2], [1, 14, 2]]),
        (range(11, 20), [[1, 11, 12, 13, 2], [1, 14, 15, 16, 2], [1, 17, 18, 19, 2]]),
        (range(11, 40), [[1, 11, 12, 13, 2], [1, 14, 15, 16, 2], [1, 17, 18, 19, 2]]),
    ],
)
def test_windows_take_the_tokens_in_turn(text: Sequence[int], windows: list[list[int]]) -> None:
    assert fold(build_layout(), text) == [windows]


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ([11, 12, 13], [[1, 11, 12, 13, 2]]),
        # The second window starts with the last token of the first; a window with only that token is not used.
        ([11, 12, 13, 14], [[1, 11, 12, 13, 2], [1, 13, 14, 2]]),
        ([11, 12, 13, 14, 15], [[1, 11, 12, 13, 2], [1, 13, 14, 15, 2]]),
        (range(11, 17), [[1, 11, 12, 13, 2], [1, 13, 14, 15, 2], [1, 15, 16, 2]]),
    ],
)
def test_windows_share_their_stride(text: Sequence[int], windows: list[list[int]]) -> None:
    assert fold(build_layout(stride=1), text) == [windows]


# Six tokens fit; of what is kept a quarter comes from the head: 6 // 4 = 1.
@pytest.mark.parametrize(
    ("truncation", "kept"),
    [
        ("head", [[1, 11, 12, 13, 2], [1, 14, 15, 16, 2]]),
        ("tail", [[1, 23, 24, 25, 2], [1, 26, 27, 28, 2]]),
        ("head_tail", [[1, 11, 24, 25, 2], [1, 26, 27, 28, 2]]),
    ],
)
def test_text_that_does_not_fit_is_cut_where_the_layout_says(truncation: str, kept: list[list[int]]) -> None:
    layout = build_layout(count=2, truncation=truncation)
    assert fold(layout, range(11, 29), [41], range(51, 57)) == [kept, [[1, 41, 2]], fold(layout, range(51, 57))[0]]
    assert fold(layout, range(51, 57)) == [[[1, 51, 52, 53, 2], [1, 54, 55, 56, 2]]]


@pytest.mark.parametrize("left", [True, False])
def test_batch_mates_and_the_side_of_the_padding_change_no_window(left: bool) -> None:
    texts = [range(11, 19), [], [31, 32, 33, 34], [41]]
    assert fold(build_layout(), *texts, left=left) == [fold(build_layout(), text)[0] for text in texts]


def test_special_tokens_are_those_of_the_layout() -> None:
    layout = build_layout(length=6, prefix=[8, 9], suffix=[7])
    assert fold(layout, range(11, 16)) == [[[8, 9, 11, 12, 13, 7], [8, 9, 14, 15, 7]]]
    assert fold(build_layout(length=4, prefix=[]), range(11, 16)) == [[[11, 12, 13, 2], [14, 15, 2]]]


def test_tokens_that_equal_the_padding_are_kept() -> None:
    assert fold(build_layout(), [0, 11, 0, 0]) == [[[1, 0, 11, 0, 2], [1, 0, 2]]]


@pytest.mark.parametrize("stride", [0, 1, 2])
def test_longest_text_fills_all_windows_and_one_more_token_is_lost(stride: int) -> None:
    layout = build_layout(count=4, length=8, stride=stride)
    longest = layout.max_tokens - 2
    whole, cut = fold(layout, range(100, 100 + longest))[0], fold(layout, range(100, 101 + longest))[0]
    assert [len(window) for window in whole] == [8, 8, 8, 8]
    assert {*range(100, 100 + longest)} == {token for window in whole for token in window} - {1, 2}
    assert whole == cut


def test_shapes_depend_only_on_the_padded_length() -> None:
    texts = torch.tensor([[1, *[11] * 10, 2], [1, 2, *[0] * 10]])
    windows = build_layout(count=9).fold(texts, (texts > 0).long())
    assert windows.input_ids.shape == windows.attention_mask.shape == (2, 4, 5)
    # A window without tokens of its text still has its special tokens: attention over nothing is not a number.
    assert windows.input_ids[1, 3].tolist() == [1, 2, 0, 0, 0]
    assert windows.attention_mask.sum(dim=2).min().item() == 2


FEATURES = torch.tensor([[[1.0, 5.0], [3.0, -1.0], [100.0, 100.0]], [[2.0, -4.0], [100.0, 100.0], [100.0, 100.0]]])
IS_USED = torch.tensor([[True, True, False], [True, False, False]])


def test_mean_and_maximum_are_over_the_used_windows() -> None:
    assert MeanPooling()(FEATURES, IS_USED).tolist() == [[2.0, 2.0], [2.0, -4.0]]
    assert MaxPooling()(FEATURES, IS_USED).tolist() == [[3.0, 5.0], [2.0, -4.0]]


def test_attention_is_a_mean_by_learned_weights() -> None:
    pooling = AttentionPooling(2)
    torch.nn.init.eye_(pooling.project.weight), torch.nn.init.zeros_(pooling.project.bias)
    torch.nn.init.constant_(pooling.score.weight, 1.0)
    scores = torch.tensor([[1.0, 5.0], [3.0, -1.0]]).tanh().sum(dim=1).exp()
    fraction = (scores[0] / scores.sum()).item()
    pooled = pooling(FEATURES, IS_USED)[0].tolist()
    assert pooled == pytest.approx([fraction * 1 + (1 - fraction) * 3, fraction * 5 - (1 - fraction)], abs=1e-6)


def test_gru_ends_with_the_last_used_window() -> None:
    pooling, whole = GruPooling(2), torch.nn.GRU(2, 2, batch_first=True)
    whole.load_state_dict({f"{name}_l0": value for name, value in pooling.cell.state_dict().items()})
    expected = [whole(FEATURES[row : row + 1, :used])[1][0, 0].tolist() for row, used in enumerate((2, 1))]
    pooled = pooling(FEATURES, IS_USED)
    assert pooled[0].tolist() == pytest.approx(expected[0], abs=1e-6)
    assert pooled[1].tolist() == pytest.approx(expected[1], abs=1e-6)


def test_only_gru_sees_the_order() -> None:
    swapped = FEATURES[:, [1, 0, 2]]
    used = IS_USED[:1]

    def differ(pooling: Any) -> Tensor:
        return (pooling(FEATURES[:1], used) - pooling(swapped[:1], used)).abs().max()

    assert differ(GruPooling(2)) > 1e-4
    assert max(differ(pooling) for pooling in (MeanPooling(), MaxPooling(), AttentionPooling(2))) < 1e-6


@pytest.mark.parametrize("pooling", [MeanPooling(), MaxPooling(), AttentionPooling(2)])
def test_one_window_comes_out_as_it_is(pooling: Any) -> None:
    assert torch.equal(pooling(FEATURES, IS_USED)[1], FEATURES[1, 0])


@pytest.mark.parametrize("name", ["mean", "max", "attention", "gru"])
def test_pooling_takes_features_of_lower_precision(name: str) -> None:
    torch.manual_seed(17)
    pooling = build_pooling(name, 2)
    expected = pooling(FEATURES, IS_USED)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = pooling(FEATURES.bfloat16(), IS_USED)
    torch.testing.assert_close(found.float(), expected, atol=0.05, rtol=0.05)
