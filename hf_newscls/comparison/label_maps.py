"""Map the labels of an external classifier to the labels of a recipe.

Shape letters: N texts, E labels of the external classifier, L labels of the recipe.
"""

import json
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hf_newscls.errors import RecipeError, format_examples


def map_labels(
    external: Sequence[str], own: Sequence[str], label_map: Mapping[str, str | None], *, model: str
) -> list[int | None]:
    """Return the recipe's label id for each external label, or None for a label that is dropped.

    Names that are equal except for case need no entry in the recipe's label map.

    Raises:
        RecipeError: an external label has no entry, or the map names an unknown label.

    >>> map_labels(["LABEL_0", "real", "SATIRE"], ["FAKE", "REAL"], {"LABEL_0": "FAKE", "SATIRE": None}, model="a/b")
    [0, 1, None]
    """
    key = f"`evaluation.label_maps` of {model}"
    if unknown := [name for name in label_map if name not in external]:
        labels = f"the model's labels are {format_examples(external)}"
        raise RecipeError(f"{key}: the model has no label {format_examples(unknown)}; {labels}")
    if unknown := [name for name in label_map.values() if name is not None and name not in own]:
        labels = f"the recipe's labels are {format_examples(own)}"
        raise RecipeError(f"{key}: the recipe has no label {format_examples(unknown)}; {labels}")
    ids = {name: index for index, name in enumerate(own)}
    folded = {name.strip().casefold(): index for name, index in ids.items()}
    indices = {name: ids.get(name, folded.get(name.strip().casefold())) for name in external}
    if unmapped := [name for name, index in indices.items() if index is None and name not in label_map]:
        missing = _write_yaml(model, unmapped, own)
        raise RecipeError(f"{key}: no entry for {format_examples(unmapped)}; add to the recipe\n{missing}")
    indices |= {name: None if target is None else ids[target] for name, target in label_map.items()}
    if all(index is None for index in indices.values()):
        raise RecipeError(f"{key}: all labels are null; map at least two to labels of the recipe")
    return [indices[name] for name in external]


def translate_probabilities(
    probabilities: NDArray[np.float32], indices: Sequence[int | None], *, num_labels: int
) -> NDArray[np.float32]:
    """Return the probabilities of the recipe's labels, shape (N, L), each row summing to 1.

    The probabilities of external labels that map to the same label are added; dropped labels are left out, and the row
    is rescaled. If a row has nothing left, all labels that the classifier can give are equally probable.

    Args:
        probabilities: (N, E).
        indices: E label ids or None, from `map_labels`.
        num_labels: L.
    """
    matrix = np.zeros((len(indices), num_labels))
    for row, index in enumerate(indices):
        if index is not None:
            matrix[row, index] = 1
    translated = probabilities.astype(np.float64) @ matrix
    sums = translated.sum(axis=1, keepdims=True)
    known = matrix.any(axis=0) / matrix.any(axis=0).sum()
    scaled: NDArray[np.float64] = np.divide(translated, sums, out=np.tile(known, (len(translated), 1)), where=sums > 0)
    return scaled.astype(np.float32)


def _write_yaml(model: str, unmapped: Sequence[str], own: Sequence[str]) -> str:
    """Return the entries that the recipe lacks; the values are left to the user."""
    hint = f"  # one of {', '.join(own[:10])}{', …' if len(own) > 10 else ''}; null drops it"
    # In quotes: YAML would read a bare `no` or `1` as something else than a text.
    first, *others = [f"      {json.dumps(name, ensure_ascii=False)}:" for name in unmapped]
    return "\n".join(["evaluation:", "  label_maps:", f"    {model}:", first + hint, *others])
