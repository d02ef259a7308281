"""What a classifier of someone else's calls our labels.

Shape letters: N texts, F labels of the foreign classifier, L labels of ours.
"""

import json
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hf_newscls.errors import RecipeError, format_examples

__all__ = ["map_labels", "translate_probabilities"]


def map_labels(
    foreign: Sequence[str], own: Sequence[str], label_map: Mapping[str, str | None], *, model: str
) -> list[int | None]:
    """Return for each foreign label the id of ours, or None where it is dropped.

    Args:
        foreign: F names in the order of the classifier's outputs.
        own: L names in the order of our ids.
        label_map: what the recipe says of some or all of them; equal names, but for case, need no word.
        model: owner/name of the classifier, for messages.

    Raises:
        RecipeError: a label is not mapped, or to something that is none of ours.

    >>> map_labels(["LABEL_0", "real", "SATIRE"], ["FAKE", "REAL"], {"LABEL_0": "FAKE", "SATIRE": None}, model="a/b")
    [0, 1, None]
    """
    source_name = f"`evaluation.label_maps` of {model}"
    absent = [name for name in label_map if name not in foreign]
    if absent:
        raise RecipeError(
            f"{source_name}: must name labels that the model has, got {format_examples(absent)}; "
            f"it has {format_examples(foreign)}"
        )
    wrong = [target for target in label_map.values() if target is not None and target not in own]
    if wrong:
        raise RecipeError(
            f"{source_name}: must lead to labels of the recipe, got {format_examples(wrong)}; "
            f"it has {format_examples(own)}"
        )
    ids = {name: index for index, name in enumerate(own)}
    by_folded = {name.strip().casefold(): index for name, index in ids.items()}
    unmapped = [name for name in foreign if name not in label_map and name.strip().casefold() not in by_folded]
    if unmapped:
        raise RecipeError(
            f"{source_name}: must say what {format_examples(unmapped)} are in the recipe, got nothing; write into it\n"
            f"{_write_yaml(model, unmapped, own)}"
        )
    indices = [_find_position(name, label_map, ids, by_folded) for name in foreign]
    if all(index is None for index in indices):
        raise RecipeError(f"{source_name}: must keep a label, got null for all; name at least two")
    return indices


def translate_probabilities(
    probabilities: NDArray[np.float32], indices: Sequence[int | None], *, num_labels: int
) -> NDArray[np.float32]:
    """Return the probabilities of our labels, shape (N, L), each row summing to 1.

    Those of foreign labels that are one of ours are added; what was dropped is left out, and the row made whole. A row
    of which nothing is left says all labels that the classifier has are equally probable.

    Args:
        probabilities: (N, F) of the foreign labels.
        indices: F ids of ours, or None, as `map_labels` returns them.
        num_labels: L.
    """
    matrix = np.zeros((len(indices), num_labels))
    for row, index in enumerate(indices):
        if index is not None:
            matrix[row, index] = 1
    translated = probabilities.astype(np.float64) @ matrix
    sums = translated.sum(axis=1, keepdims=True)
    known = matrix.any(axis=0) / matrix.any(axis=0).sum()
    whole: NDArray[np.float64] = np.divide(translated, sums, out=np.tile(known, (len(translated), 1)), where=sums > 0)
    return whole.astype(np.float32)


def _find_position(
    name: str, label_map: Mapping[str, str | None], ids: Mapping[str, int], by_folded: Mapping[str, int]
) -> int | None:
    if name not in label_map:
        return ids.get(name, by_folded[name.strip().casefold()])
    target = label_map[name]
    return None if target is None else ids[target]


def _write_yaml(model: str, unmapped: Sequence[str], own: Sequence[str]) -> str:
    """Write what is missing in a recipe, the labels of ours as a comment: which is which only the user can know."""
    first, *others = unmapped
    hint = f"# one of {', '.join(own[:10])}{', …' if len(own) > 10 else ''}; null drops it"
    lines = [f"      {_quote(first)}:  {hint}", *(f"      {_quote(name)}:" for name in others)]
    return "\n".join(["evaluation:", "  label_maps:", f"    {model}:", *lines])


def _quote(name: str) -> str:
    """Write a name as YAML takes it for a text; a bare `no` or `1` would be something else."""
    return json.dumps(name, ensure_ascii=False)
