"""Labels and probabilities of an external classifier, mapped to those of a recipe."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
import yaml

from hf_newscls.comparison.label_maps import map_labels, translate_probabilities
from hf_newscls.errors import RecipeError

OWN = ["FAKE", "REAL"]


@pytest.mark.parametrize(
    ("external", "label_map", "indices"),
    [
        (["FAKE", "REAL"], {}, [0, 1]),
        (["real", " Fake "], {}, [1, 0]),
        (["LABEL_0", "LABEL_1"], {"LABEL_0": "REAL", "LABEL_1": "FAKE"}, [1, 0]),
        (["hoax", "satire", "real"], {"hoax": "FAKE", "satire": "FAKE"}, [0, 0, 1]),
        (["fake", "real", "other"], {"other": None}, [0, 1, None]),
        # An entry in the recipe wins over an equal name.
        (["FAKE", "REAL"], {"FAKE": "REAL", "REAL": "FAKE"}, [1, 0]),
    ],
)
def test_labels_are_mapped(
    external: Sequence[str], label_map: Mapping[str, str | None], indices: list[int | None]
) -> None:
    assert map_labels(external, OWN, label_map, model="a/b") == indices


def test_labels_that_differ_only_in_case_match_by_their_exact_name() -> None:
    assert map_labels(["us", "US"], ["US", "us"], {}, model="a/b") == [1, 0]


def test_unmapped_labels_show_the_yaml_to_add() -> None:
    with pytest.raises(RecipeError) as caught:
        map_labels(["LABEL_0", "REAL", "no"], OWN, {}, model="a/b")
    message, _, written = str(caught.value).partition("\n")
    assert "`evaluation.label_maps` of a/b" in message
    assert "'LABEL_0', 'no'" in message
    assert yaml.safe_load(written) == {"evaluation": {"label_maps": {"a/b": {"LABEL_0": None, "no": None}}}}
    assert "# one of FAKE, REAL; null drops it" in written


@pytest.mark.parametrize(
    ("label_map", "found"),
    [
        ({"LABEL_7": "FAKE"}, ["'LABEL_7'", "'FAKE', 'REAL'"]),
        ({"FAKE": "HOAX"}, ["'HOAX'", "'FAKE', 'REAL'"]),
        ({"FAKE": None, "REAL": None}, ["null"]),
    ],
)
def test_wrong_maps_are_refused(label_map: Mapping[str, str | None], found: list[str]) -> None:
    with pytest.raises(RecipeError, match="a/b") as caught:
        map_labels(OWN, OWN, label_map, model="a/b")
    assert all(part in str(caught.value) for part in found)


def translate(rows: list[list[float]], indices: Sequence[int | None], num_labels: int = 2) -> list[list[float]]:
    found = translate_probabilities(np.array(rows, dtype=np.float32), indices, num_labels=num_labels)
    assert found.dtype == np.float32
    return [[float(value) for value in row] for row in found]


def test_probabilities_of_labels_with_the_same_target_are_added() -> None:
    assert translate([[0.5, 0.25, 0.25]], [0, 0, 1]) == [[0.75, 0.25]]


def test_row_is_rescaled_without_the_dropped_labels() -> None:
    assert translate([[0.25, 0.25, 0.5], [0.0, 0.5, 0.5]], [0, 1, None]) == [[0.5, 0.5], [0.0, 1.0]]


def test_row_with_nothing_left_is_uniform() -> None:
    assert translate([[0.0, 0.0, 1.0]], [0, 2, None], num_labels=3) == [[0.5, 0.0, 0.5]]


def test_no_rows_give_no_rows() -> None:
    assert translate_probabilities(np.empty((0, 2), dtype=np.float32), [1, 0], num_labels=2).shape == (0, 2)
